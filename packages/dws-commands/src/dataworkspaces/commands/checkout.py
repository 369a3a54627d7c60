"""``dws checkout``: the workspace as of a snapshot in another directory."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dataworkspaces.commands.named_versions import find_snapshot
from dataworkspaces.commands.restore import LeftResource
from dataworkspaces.commands.summaries import snapshot_json
from dataworkspaces.errors import ConfigurationError, DwsError, NotFoundError, NotSupportedError
from dataworkspaces.operations.checkout import check_out
from dataworkspaces.toolbox.regular import is_present
from dataworkspaces.workspace.absent import is_absent, way_to_bring
from dataworkspaces.workspace.checking_out import CheckOutMixin, CheckOutWorkspaceMixin

if TYPE_CHECKING:
    from dataworkspaces.workspace import SnapshotMetadata, SnapshotVersion, Workspace


@dataclass(frozen=True)
class CheckoutPlan:
    """:ivar versions: by resource what is going to be checked out.
    :ivar left: the other resources of the snapshot, and why."""

    snapshot: SnapshotMetadata
    directory: Path
    versions: dict[str, SnapshotVersion]
    left: tuple[LeftResource, ...]


@dataclass(frozen=True)
class CheckoutOutcome:
    """:ivar hostname: names the copy in its snapshots."""

    snapshot: SnapshotMetadata
    directory: Path
    hostname: str
    resources: tuple[str, ...]
    left: tuple[LeftResource, ...]

    def to_json(self) -> dict[str, Any]:
        return {
            "snapshot": snapshot_json(self.snapshot),
            "directory": str(self.directory),
            "hostname": self.hostname,
            "resources": list(self.resources),
            "left": [left.to_json() for left in self.left],
        }


def plan_checkout(
    workspace: Workspace, tag_or_hash: str, directory: str, only: Sequence[str] | None = None
) -> CheckoutPlan:
    """Check that a snapshot can be checked out; changes nothing. Resources that are not on this machine, or no longer
    in the workspace, are left; one that cannot be checked out is an error.

    :param only: of the resources these; what is part of the workspace itself is there in any case."""
    if not isinstance(workspace, CheckOutWorkspaceMixin):
        raise workspace.not_supported("checkouts")
    place = check_directory(workspace, directory)
    snapshots = workspace.as_snapshot_ws()
    snapshot = find_snapshot(workspace, tag_or_hash)
    versions = snapshots.get_snapshot_versions(snapshot.hashval)
    for name in only or ():
        if name not in versions:
            raise NotFoundError(
                f"--only: the snapshot holds no resource '{name}'", hint=f"It holds: {', '.join(versions) or 'none'}"
            )
    chosen: dict[str, SnapshotVersion] = {}
    left: list[LeftResource] = []
    for name, version in versions.items():
        reason = _why_left(workspace, name, only)
        if reason is None:
            _check(workspace, name, version)
            chosen[name] = version
        elif only is not None and name in only:
            raise ConfigurationError(f"Resource '{name}' cannot be checked out: {reason}", hint="Remove it from --only")
        else:
            left.append(LeftResource(name, reason))
    return CheckoutPlan(snapshot, place, chosen, tuple(left))


def checkout_command(
    workspace: Workspace,
    plan: CheckoutPlan,
    *,
    durable: bool = True,
    borrow: bool = False,
    hostname: str | None = None,
) -> CheckoutOutcome:
    """Do what was planned. The workspace itself does not change, and no lock of it is held.

    :param durable, borrow: as for :func:`check_out`.
    :param hostname: names the copy, by default as its directory."""
    hostname = hostname or _hostname(workspace, plan.directory)
    copy = check_out(workspace, plan.snapshot, plan.versions, plan.directory, hostname, durable=durable, borrow=borrow)
    directory = Path(copy.get_workspace_local_path_if_any() or plan.directory)
    return CheckoutOutcome(plan.snapshot, directory, hostname, tuple(plan.versions), plan.left)


def check_directory(workspace: Workspace, directory: str) -> Path:
    """The absolute path of a directory that can become a checkout; raises ConfigurationError otherwise."""
    path = Path(os.path.abspath(Path(directory).expanduser()))  # noqa: PTH100 - resolve would follow the last link
    if "\n" in str(path) or "\0" in str(path):
        raise ConfigurationError(f"{str(path)!r} cannot be a checkout: its name holds a line break")
    if path.is_symlink() or (path.exists() and not path.is_dir()):
        raise ConfigurationError(f"{path} is there already, and is not a directory", hint="Choose another directory")
    if path.is_dir() and any(path.iterdir()):
        raise ConfigurationError(f"{path} is not empty", hint="Give a directory that is empty or does not exist")
    above = next(p for p in path.parents if is_present(p))
    if not above.is_dir():
        raise ConfigurationError(f"{path} cannot be made: {above} is not a directory", hint="Choose another directory")
    real = Path(os.path.realpath(path))
    own = workspace.get_workspace_local_path_if_any()
    places = [] if own is None else [("the workspace itself", Path(own))]
    places += [(f"resource '{name}'", local) for name, local in workspace.get_local_paths()]
    for what, local in places:
        root = Path(os.path.realpath(local))
        if real == root or root in real.parents:
            raise ConfigurationError(
                f"{path} is inside {what}, but a checkout must be independent of it",
                hint="Give a directory outside of it",
            )
    return path


def _why_left(workspace: Workspace, name: str, only: Sequence[str] | None) -> str | None:
    own = workspace.own_files_resource()
    known = {*workspace.get_resource_names(), *([] if own is None else [own.name])}
    if name not in known:
        if name in workspace.get_removed_resource_names():
            return f"it has been removed ('dws remove --undo {name}' brings it back)"
        return "it is no longer in the workspace"
    resource = workspace.get_resource(name)
    if isinstance(workspace, CheckOutWorkspaceMixin) and workspace.comes_along(resource):
        return None
    if only is not None and name not in only:
        return "not named by --only"
    if is_absent(workspace, resource):
        return f"it is not on this machine ({way_to_bring(workspace, resource)})"
    return None


def _check(workspace: Workspace, name: str, version: SnapshotVersion) -> None:
    resource = workspace.get_resource(name)
    if isinstance(workspace, CheckOutWorkspaceMixin) and workspace.comes_along(resource):
        return
    if not isinstance(resource, CheckOutMixin):
        raise NotSupportedError(
            f"Resource '{name}' ({resource.resource_type}) cannot be checked out to another directory",
            hint="--only names the resources to check out",
        )
    try:
        resource.check_out_precheck(version)
    except DwsError as e:
        if e.hint is None:
            e.hint = "--only names the resources to check out"
        raise


def _hostname(workspace: Workspace, directory: Path) -> str:
    """Of two copies on one machine each has a name of its own, by which snapshots and their results are told."""
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", directory.name).strip("-._") or "checkout"
    return f"{workspace.get_instance()}-{name}"[:64].rstrip("-._")
