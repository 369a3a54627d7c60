"""A tree of files, and what is kept of its versions, compared with what was recorded."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from dataworkspaces.errors import DwsError
from dataworkspaces.filetree.contents import all_objects
from dataworkspaces.filetree.objects.quarantine import set_damaged_packs_aside
from dataworkspaces.workspace.kept_versions import Fault, Verified

if TYPE_CHECKING:
    from dataworkspaces.files.file_tree import FileTreeMixin
    from dataworkspaces.filetree.objects.ids import ObjectId

A_PACK = "a pack"


def verify_tree(resource: FileTreeMixin, versions: Sequence[str], *, repair: bool) -> Verified:
    """See :meth:`KeptVersionsMixin.verify_versions`."""
    faults: list[Fault] = []
    repaired = 0
    gone = _lost_directory(resource)
    if gone is not None:
        faults.append(Fault(str(resource.local_root()), gone))
    files, changed = resource.reread() if gone is None else (0, [])
    problem = "its content has changed since it was last read, though its size and times are the same"
    faults += [Fault(path, problem) for path in changed]
    keeps = resource.restorable or versions or resource.kept_content.replaced.all()
    contents, found, damaged = _verify_store(resource, versions) if keeps else (0, [], {})
    if repair and found:
        lost = _repair(resource, damaged)
        repaired = len(damaged) - len(lost)
        mended = {A_PACK, *(damaged[i] for i in damaged.keys() - lost)}
        found = [fault for fault in found if fault.what not in mended]
    return Verified(files, contents, (*faults, *found), repaired)


def verify_remote(resource: FileTreeMixin, *, read: bool) -> Verified:
    """See :meth:`KeptVersionsMixin.verify_remote_content`."""
    remote = resource.remote_content
    if remote is None:
        return Verified()
    found = remote.check(read=read)
    faults = [Fault(A_PACK, problem) for problem in found.packs]
    faults += [Fault(found.paths[id_], problem) for id_, problem in found.problems.items()]
    return Verified(contents=found.contents, faults=tuple(faults))


def _lost_directory(resource: FileTreeMixin) -> str | None:
    """What is wrong with a directory that should hold files, and does not; raises ConfigurationError for a resource
    without a place on this machine."""
    root = resource.local_root()
    if root.is_dir() and (any(root.iterdir()) or not resource.is_lost()):
        return None
    remedy = f"; dws restore --only {resource.name} SNAPSHOT brings it back" if resource.restorable else ""
    return ("it is empty" if root.is_dir() else "it is not there") + remedy


def _repair(resource: FileTreeMixin, damaged: dict[ObjectId, str]) -> set[ObjectId]:
    """Returns what could not be had."""
    kept, workspace = resource.kept_content, resource.workspace
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


def _verify_store(resource: FileTreeMixin, versions: Sequence[str]) -> tuple[int, list[Fault], dict[ObjectId, str]]:
    """Of the contents that versions need: how many there are, what is wrong, and those of which something is, each with
    the path of a file."""
    seen: set[str] = set()
    objects: dict[ObjectId, str] = {}
    faults: list[Fault] = []
    count = 0
    for version in dict.fromkeys(versions):
        try:
            for object_id, path in all_objects(resource.kept_content.tree(version), seen).items():
                objects.setdefault(object_id, path)
        except DwsError as e:
            count += 1
            faults.append(Fault(version, e.message))
    store = resource.kept_content.store
    faults += [Fault(A_PACK, problem) for problem in store.damaged_packs().values()]
    missing = store.missing(objects)
    remote = resource.remote_content
    lost = missing if remote is None else remote.store.missing(missing)
    damaged = {object_id: objects[object_id] for object_id in lost}
    nowhere = "its content is not in the object store" + ("" if remote is None else f", nor at {remote.url}")
    faults += [Fault(path, nowhere) for path in damaged.values()]
    size = sum(object_id.size for object_id in objects)
    with resource.workspace.interaction.progress(f"Verifying {resource.name}", size, "bytes") as advance:
        for object_id, path in objects.items():
            problem = None if object_id in missing else store.damage(object_id, advance)
            if problem is not None:
                damaged[object_id] = path
                faults.append(Fault(path, problem))
    return count + len(objects), faults, damaged
