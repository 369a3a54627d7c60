"""``dws verify``: read everything, and compare it with what was recorded."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dataworkspaces.commands.storage import snapshot_versions
from dataworkspaces.errors import NotSupportedError
from dataworkspaces.workspace.absent import is_absent, way_to_bring
from dataworkspaces.workspace.kept_versions import KeptVersionsMixin, Verified
from dataworkspaces.workspace.missing_type import ResourceOfMissingType, resources_to_show

if TYPE_CHECKING:
    from dataworkspaces.workspace import Workspace


@dataclass(frozen=True)
class Fault:
    """:ivar what: a path in the resource, or a version. :ivar problem: in words."""

    resource: str
    what: str
    problem: str


@dataclass(frozen=True)
class Verification:
    """:ivar files, contents: how many were read, in the resources' directories and in the object store.
    :ivar remote_contents: how many were looked at away from this machine; None if that was not asked for.
    :ivar repaired: contents that were damaged or missing, and are here again."""

    resources: tuple[str, ...]
    files: int
    contents: int
    faults: tuple[Fault, ...]
    remote_contents: int | None = None
    repaired: int = 0

    def to_json(self) -> dict[str, Any]:
        return {
            "resources": list(self.resources),
            "files": self.files,
            "contents": self.contents,
            "remote_contents": self.remote_contents,
            "repaired": self.repaired,
            "faults": [{"resource": f.resource, "what": f.what, "problem": f.problem} for f in self.faults],
        }


def verify_command(workspace: Workspace, names: Sequence[str] = (), *, repair: bool = False) -> Verification:
    """Read all files of resources, whatever the cache knows of them, and all contents that their versions need.

    :param names: the resources; all that can be verified, if none are given. Raises NotSupportedError for one that
        cannot be.
    :param repair: what is damaged is set aside, and had again from files of the workspace or from the remote."""
    resources = [_checked(workspace, name) for name in names] or list(_verifiable(workspace))
    versions = {r.name: r.verify_versions(_versions(workspace, r), repair=repair) for r in resources}
    return _together(versions)


def _verifiable(workspace: Workspace) -> Iterator[KeptVersionsMixin]:
    """All but those that are not on this machine, which is said."""
    for resource in resources_to_show(workspace):
        if isinstance(resource, KeptVersionsMixin) and resource.can_be_verified():
            if is_absent(workspace, resource):
                workspace.interaction.warn(
                    f"Resource '{resource.name}' is not on this machine, so it is skipped "
                    f"({way_to_bring(workspace, resource)} brings it)"
                )
            else:
                yield resource
        elif isinstance(resource, ResourceOfMissingType):
            workspace.interaction.warn(f"Resource '{resource.name}' is left out: {resource.problem}")


def _versions(workspace: Workspace, resource: KeptVersionsMixin) -> list[str]:
    return list(dict.fromkeys(snapshot_versions(workspace, resource.name).values()))


def _together(found: Mapping[str, Verified], *, at_remote: bool = False) -> Verification:
    faults = tuple(Fault(name, fault.what, fault.problem) for name, each in found.items() for fault in each.faults)
    contents = sum(each.contents for each in found.values())
    return Verification(
        tuple(found),
        sum(each.files for each in found.values()),
        0 if at_remote else contents,
        faults,
        contents if at_remote else None,
        sum(each.repaired for each in found.values()),
    )


def verify_remote_command(workspace: Workspace, names: Sequence[str] = (), *, read: bool = False) -> Verification:
    """Look whether all contents that snapshots need are at the remotes of resources, by names and sizes.

    :param names: the resources; all that have a remote, if none are given. Raises NotSupportedError for one that has
        none.
    :param read: by their hashes: all of them are read."""
    resources = [_with_remote(workspace, name) for name in names] or [
        r for r in resources_to_show(workspace) if isinstance(r, KeptVersionsMixin) and r.has_remote_content()
    ]
    return _together({r.name: r.verify_remote_content(read=read) for r in resources}, at_remote=True)


def _with_remote(workspace: Workspace, name: str) -> KeptVersionsMixin:
    resource = workspace.get_resource(name)
    if not isinstance(resource, KeptVersionsMixin) or not resource.has_remote_content():
        raise NotSupportedError(
            f"Resource '{name}' ({resource.resource_type}) has no remote to verify",
            hint="To give restorable local files a remote: dws config --resource NAME remote URL",
        )
    return resource


def _checked(workspace: Workspace, name: str) -> KeptVersionsMixin:
    resource = workspace.get_resource(name)
    if not isinstance(resource, KeptVersionsMixin) or not resource.can_be_verified():
        raise NotSupportedError(
            f"Resource '{name}' ({resource.resource_type}) records no hashes of its files, so there is nothing "
            "to verify",
            hint=resource.hint_instead_of("verify")
            or "Local files have hashes if they are added with --compute-hash or --restorable",
        )
    return resource
