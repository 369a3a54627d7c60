"""``dws restore``: bring resources back to a snapshot."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from dataworkspaces.commands.environment_change import environment_change
from dataworkspaces.commands.named_versions import find_snapshot
from dataworkspaces.commands.summaries import changes_json, snapshot_json
from dataworkspaces.errors import (
    ApiParamError,
    ConfigurationError,
    NotFoundError,
    NotSupportedError,
    PluginError,
    StorageError,
)
from dataworkspaces.operations.questions import ask_unlocked
from dataworkspaces.operations.restores import past_restores
from dataworkspaces.workspace import ResourceRoles, SnapshotResourceMixin
from dataworkspaces.workspace.absent import is_absent, way_to_bring
from dataworkspaces.workspace.own_files import is_own_files

if TYPE_CHECKING:
    from dataworkspaces.workspace import FileChange, SnapshotMetadata, Workspace


class PlannedRestore(NamedTuple):
    """A resource to bring back.

    :ivar changes: what would happen to its files; None if nobody asked, or if the type cannot tell.
    """

    name: str
    restore_hash: str
    changes: tuple[FileChange, ...] | None = None

    def to_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "restore_hash": self.restore_hash,
            "changes": changes_json(self.changes),
        }


class LeftResource(NamedTuple):
    """A resource that stays as it is, and why: a phrase that follows ``NAME: ``."""

    name: str
    reason: str

    def to_json(self) -> dict[str, Any]:
        return {"name": self.name, "reason": self.reason}


class RestorePlan(NamedTuple):
    """What a restore would do. ``restored`` may be empty."""

    snapshot: SnapshotMetadata
    restored: tuple[PlannedRestore, ...]
    left: tuple[LeftResource, ...]

    def to_json(self) -> dict[str, Any]:
        return {
            "snapshot": snapshot_json(self.snapshot),
            "restored": [r.to_json() for r in self.restored],
            "left": [r.to_json() for r in self.left],
        }


class RestoreOutcome(NamedTuple):
    """What a restore did.

    :ivar kept: the versions that lay there before, by resource; they can be brought back.
    :ivar environment_change: in what the present environment is not that of the snapshot; None if it is the same, or
        if nobody can tell."""

    snapshot: SnapshotMetadata
    restored: tuple[str, ...]
    left: tuple[LeftResource, ...]
    kept: Mapping[str, str] = {}
    environment_change: str | None = None

    def to_json(self) -> dict[str, Any]:
        return {
            "snapshot": snapshot_json(self.snapshot),
            "restored": list(self.restored),
            "left": [r.to_json() for r in self.left],
            "kept": dict(self.kept),
            "environment_change": self.environment_change,
        }


def plan_restore(
    workspace: Workspace,
    tag_or_hash: str,
    only: Sequence[str] | None = None,
    leave: Sequence[str] | None = None,
    strict: bool = False,
    *,
    list_files: bool = False,
) -> RestorePlan:
    """What :func:`restore_command` would do; changes nothing.

    :param only: these resources and no others.
    :param leave: all but these; not together with ``only``.
    :param strict: an error if a resource cannot be brought back, instead of leaving it.
    :param list_files: also run the checks of each resource and fill in its files, for ``--dry-run``.
    """
    if only is not None and leave is not None:
        raise ApiParamError("only and leave cannot be used together", hint="Give only one of them")
    snapshots = workspace.as_snapshot_ws()
    snapshot = find_snapshot(workspace, tag_or_hash)
    in_snapshot = {entry["name"]: entry["role"] for entry in snapshots.get_snapshot_manifest(snapshot.hashval)}
    in_workspace = {name: workspace.get_resource_role(name) for name in workspace.get_resource_names()}
    own = workspace.own_files_resource()
    if own is not None and own.name in in_snapshot:
        in_workspace[own.name] = own.role  # also if all of them are gone
    roles = {**in_snapshot, **in_workspace}
    lost = _lost_results(workspace, only, in_workspace)
    for name in (*(only or ()), *(leave or ())):
        workspace.check_not_renamed(name)
    _check_names("--only", only, {**roles, **dict.fromkeys(lost)})
    _check_names("--skip", leave, roles)
    for name, brings_back in lost.items():
        if brings_back != snapshot.hashval:
            raise ConfigurationError(
                f"--only: '{name}' holds the results of all snapshots, and they can only be restored to their "
                "latest state",
                hint=f"dws restore --only {name} {brings_back[:12]}",
            )

    restored: list[PlannedRestore] = []
    left: list[LeftResource] = []
    for name, role in roles.items():
        wish = None if name in lost else _why_left_alone(name, role, only, leave)
        problem = None if wish is not None else _why_impossible(workspace, snapshot, name, in_snapshot, in_workspace)
        if problem is not None and (strict or only is not None):
            hint = "Remove it from --only" if only is not None else "Skip it with --skip, or omit --strict"
            raise ConfigurationError(f"Resource '{name}' cannot be restored: {problem}", hint=hint)
        reason = wish or problem
        if reason is not None:
            left.append(LeftResource(name, reason))
        else:
            restore_hash = str(snapshot.restore_hashes[name])
            changes = _list_changes(workspace, name, restore_hash) if list_files else None
            restored.append(PlannedRestore(name, restore_hash, changes))
    return RestorePlan(snapshot, tuple(restored), tuple(left))


def restore_command(workspace: Workspace, plan: RestorePlan) -> RestoreOutcome:
    """Do what was planned. The user has confirmed it."""
    snapshots = workspace.as_snapshot_ws()
    hashval = plan.snapshot.hashval
    names = tuple(planned.name for planned in plan.restored)

    def attempt() -> None:
        with workspace.transaction("restore"):
            snapshots.get_snapshot_metadata(hashval)  # It may have been deleted since.
            resources = [_snapshot_resource(workspace, name) for name in names]
            restore_hashes: dict[str, str | None] = {p.name: p.restore_hash for p in plan.restored}
            snapshots.restore(hashval, restore_hashes, resources)
            workspace.save(f"Restored {', '.join(names)} to snapshot {hashval[:7]}")

    if names:
        ask_unlocked(workspace, attempt)
    kept = _kept(workspace, hashval) if names else {}
    change = environment_change(workspace, plan.snapshot) if names else None
    return RestoreOutcome(plan.snapshot, names, plan.left, kept, change)


def _kept(workspace: Workspace, hashval: str) -> dict[str, str]:
    """What the restore that is done has noted of the state before."""
    last = next(iter(past_restores(workspace)), None)
    if last is None or last.snapshot != hashval:
        return {}
    return {name: version for name, version in last.prior.items() if version != last.targets.get(name)}


def _lost_results(workspace: Workspace, only: Sequence[str] | None, in_workspace: Mapping[str, str]) -> dict[str, str]:
    """Results that the user names and whose directory is gone: by resource the snapshot that brings them back."""
    found = {}
    for name in only or ():
        if in_workspace.get(name) == ResourceRoles.RESULTS:
            resource = workspace.get_resource(name)
            snapshot = resource.snapshot_of_lost_results() if isinstance(resource, SnapshotResourceMixin) else None
            if snapshot is not None:
                found[name] = snapshot
    return found


def _check_names(option: str, names: Sequence[str] | None, known: Mapping[str, str | None]) -> None:
    """Raise ConfigurationError for a name that is not a resource, and for results in ``--only``."""
    for name in names or ():
        if name not in known:
            from difflib import get_close_matches

            near = get_close_matches(name, known, n=3)
            raise NotFoundError(
                f"{option}: there is no resource '{name}'",
                hint=f"Did you mean {' or '.join(near)}?" if near else f"Available: {', '.join(known) or 'none'}",
            )
        if option == "--only" and known[name] == ResourceRoles.RESULTS:
            raise ConfigurationError(
                f"--only: '{name}' holds results, which are never restored",
                hint="It holds the results of all snapshots, each in a directory of its own",
            )


def _why_left_alone(name: str, role: str, only: Sequence[str] | None, leave: Sequence[str] | None) -> str | None:
    """Why nobody wants a resource to be restored; None if it is wanted."""
    if role == ResourceRoles.RESULTS:
        return "results are never restored"
    if only is not None and name not in only:
        return "not named by --only"
    if leave is not None and name in leave:
        return "named by --skip"
    return None


def _why_impossible(
    workspace: Workspace,
    snapshot: SnapshotMetadata,
    name: str,
    in_snapshot: Mapping[str, str],
    in_workspace: Mapping[str, str],
) -> str | None:
    """Why a resource cannot be restored; None if it can."""
    if name not in in_snapshot:
        if is_own_files(workspace.get_resource(name)):
            return "the snapshot holds no files of the workspace's own"
        return "the snapshot was taken before it was added"
    if name not in in_workspace:
        if name in workspace.get_removed_resource_names():
            return f"it has been removed ('dws remove --undo {name}' brings it back)"
        return "it is no longer in the workspace"
    try:
        resource = workspace.get_resource(name)
    except PluginError as e:
        return str(e)
    if is_absent(workspace, resource):
        return f"it is not on this machine ({way_to_bring(workspace, resource)})"
    if snapshot.restore_hashes.get(name) is None:
        kind = workspace.get_resource_type(name)
        return (
            f"the snapshot kept nothing to restore it from (its type is {kind}){_standing(workspace, snapshot, name)}"
        )
    return None


def _standing(workspace: Workspace, snapshot: SnapshotMetadata, name: str) -> str:
    """How a resource that cannot be restored stands to the snapshot."""
    resource = workspace.get_resource(name)
    if not isinstance(resource, SnapshotResourceMixin):
        return ""
    versions = workspace.as_snapshot_ws().get_snapshot_versions(snapshot.hashval)
    change = resource.changes_since(versions[name])
    if change.state == "unchanged":
        return "; it is as in the snapshot"
    return f"; since then: {change.details}" if change.state == "changed" and change.details else ""


def _list_changes(workspace: Workspace, name: str, restore_hash: str) -> tuple[FileChange, ...] | None:
    resource = _snapshot_resource(workspace, name)
    try:
        resource.restore_precheck(restore_hash)
    except StorageError as e:
        workspace.interaction.warn(e.message)  # who only looks need not be able to write
    changes = resource.plan_restore(restore_hash)
    return None if changes is None else tuple(changes)


def _snapshot_resource(workspace: Workspace, name: str) -> SnapshotResourceMixin:
    resource = workspace.get_resource(name)
    if not isinstance(resource, SnapshotResourceMixin):
        raise NotSupportedError(f"Resource '{name}' ({resource.resource_type}) does not support snapshots")
    return resource
