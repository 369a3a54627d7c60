"""``dws verify``: read everything, and compare it with what was recorded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dataworkspaces.commands.storage import keeping_resources, snapshot_versions
from dataworkspaces.errors import DwsError, NotSupportedError
from dataworkspaces.filetree.objects.quarantine import set_damaged_packs_aside
from dataworkspaces.filetree.restoring import all_objects
from dataworkspaces.workspace.file_tree import NO_FILES, FileTreeMixin, is_lost_directory

if TYPE_CHECKING:
    from dataworkspaces.filetree.objects.ids import ObjectId
    from dataworkspaces.workspace import Workspace


A_PACK = "a pack"


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
    resources = [_checked(workspace, name) for name in names] or [
        r for r in workspace.get_resources() if isinstance(r, FileTreeMixin) and r.reads_content()
    ]
    keeping = {resource.name for resource in keeping_resources(workspace)}
    files = contents = repaired = 0
    faults: list[Fault] = []
    for resource in resources:
        gone = lost_directory(resource)
        if gone is not None:
            faults.append(Fault(resource.name, str(resource.local_root()), gone))
        read, changed = resource.reread() if gone is None else (0, [])
        files += read
        problem = "its content is another than when it was last read, though its size and times are the same"
        faults += [Fault(resource.name, path, problem) for path in changed]
        if resource.name in keeping:
            count, found, damaged = _verify_store(workspace, resource)
            contents += count
            if repair and found:
                lost = _repair(workspace, resource, damaged)
                repaired += len(damaged) - len(lost)
                mended = {A_PACK, *(damaged[i] for i in damaged.keys() - lost)}
                found = [fault for fault in found if fault.what not in mended]
            faults += found
    return Verification(tuple(r.name for r in resources), files, contents, tuple(faults), repaired=repaired)


def lost_directory(resource: FileTreeMixin) -> str | None:
    """What is wrong with a directory that should hold files, and does not; raises ConfigurationError for a resource
    without a place on this machine."""
    root = resource.local_root()
    if root.is_dir() and (any(root.iterdir()) or not is_lost_directory(resource, NO_FILES)):
        return None
    remedy = f"; dws restore --only {resource.name} SNAPSHOT brings it back" if resource.restorable else ""
    return ("it is empty" if root.is_dir() else "it is not there") + remedy


def _repair(workspace: Workspace, resource: FileTreeMixin, damaged: dict[ObjectId, str]) -> set[ObjectId]:
    """Returns what could not be had."""
    kept = resource.kept_content
    with workspace.transaction("verify"):
        set_damaged_packs_aside(kept.store)
        lost = kept.mend(damaged, damaged=True)
        if lost and resource.remote_content is not None:
            try:
                resource.remote_content.fetch({object_id: damaged[object_id] for object_id in lost})
            except DwsError as e:
                workspace.interaction.warn(e.message)
            lost = kept.store.missing(lost)
    return lost


def verify_remote_command(workspace: Workspace, names: Sequence[str] = (), *, read: bool = False) -> Verification:
    """Look whether all contents that snapshots need are at the remotes of resources, by names and sizes.

    :param names: the resources; all that have a remote, if none are given. Raises NotSupportedError for one that has
        none.
    :param read: by their hashes: all of them are read."""
    resources = [_with_remote(workspace, name) for name in names] or [
        r for r in workspace.get_resources() if isinstance(r, FileTreeMixin) and r.remote_content is not None
    ]
    contents = 0
    faults: list[Fault] = []
    for resource in resources:
        remote = resource.remote_content
        if remote is None:
            continue
        found = remote.check(read=read)
        contents += found.contents
        faults += [Fault(resource.name, A_PACK, problem) for problem in found.packs]
        faults += [Fault(resource.name, found.paths[id_], problem) for id_, problem in found.problems.items()]
    return Verification(tuple(r.name for r in resources), 0, 0, tuple(faults), contents)


def _with_remote(workspace: Workspace, name: str) -> FileTreeMixin:
    resource = workspace.get_resource(name)
    if not isinstance(resource, FileTreeMixin) or resource.remote_content is None:
        raise NotSupportedError(
            f"Resource '{name}' ({resource.resource_type}) has no remote that could be verified",
            hint="That of restorable local-files is set by: dws config --resource NAME remote URL",
        )
    return resource


def _checked(workspace: Workspace, name: str) -> FileTreeMixin:
    resource = workspace.get_resource(name)
    if not isinstance(resource, FileTreeMixin) or not resource.reads_content():
        raise NotSupportedError(
            f"Resource '{name}' ({resource.resource_type}) records no hashes of its files that could be verified",
            hint=resource.hint_instead_of("verify") or "local-files do with --compute-hash or --restorable",
        )
    return resource


def _verify_store(workspace: Workspace, resource: FileTreeMixin) -> tuple[int, list[Fault], dict[ObjectId, str]]:
    """Of the contents that versions need: how many there are, what is wrong, and those of which something is, each with
    the path of a file."""
    seen: set[str] = set()
    objects: dict[ObjectId, str] = {}
    faults: list[Fault] = []
    count = 0
    for version in dict.fromkeys(snapshot_versions(workspace, resource.name).values()):
        try:
            for object_id, path in all_objects(resource.kept_content.tree(version), seen).items():
                objects.setdefault(object_id, path)
        except DwsError as e:
            count += 1
            faults.append(Fault(resource.name, version, e.message))
    store = resource.kept_content.store
    faults += [Fault(resource.name, A_PACK, problem) for problem in store.damaged_packs().values()]
    missing = store.missing(objects)
    remote = resource.remote_content
    lost = missing if remote is None else remote.store.missing(missing)
    damaged = {object_id: objects[object_id] for object_id in lost}
    nowhere = "its content is not in the object store" + ("" if remote is None else f", nor at {remote.url}")
    faults += [Fault(resource.name, path, nowhere) for path in damaged.values()]
    with workspace.interaction.progress(f"Verifying {resource.name}", len(objects)) as advance:
        for object_id, path in objects.items():
            problem = None if object_id in missing else store.damage(object_id)
            if problem is not None:
                damaged[object_id] = path
                faults.append(Fault(resource.name, path, problem))
            advance(1)
    return count + len(objects), faults, damaged
