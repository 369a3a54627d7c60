"""Which files of a workspace's resources a command has written."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from dataworkspaces.commands.run_places import PlaceSet
from dataworkspaces.lineage.places import contains
from dataworkspaces.toolbox.names import LINEAGE_FILE
from dataworkspaces.toolbox.notebooks import SUFFIX as NOTEBOOK
from dataworkspaces.workspace import (
    LocalStateResourceMixin,
    Resource,
    ResourceRef,
    ResourceRoles,
    SnapshotResourceMixin,
    Workspace,
    is_own_files,
)
from dataworkspaces.workspace.results import SNAPSHOTS_DIRS_RE

HIDDEN = frozenset({".git", ".dataworkspace", ".ipynb_checkpoints", "__pycache__"})
_MANY_FILES = 20
"""More files than this that a step wrote into a directory, and that are all there is, are one reference."""
_MANY_AT_THE_ROOT = 1000
"""The same for the whole of a resource, to which no other step can write then."""


@dataclass(frozen=True)
class FileStatus:
    """``changed`` is when anything of the file was changed, its permissions and its names too."""

    size: int
    written: int
    changed: int
    inode: int
    rights: tuple[int, int, int, int]

    @classmethod
    def of(cls, status: os.stat_result) -> FileStatus:
        rights = (status.st_mode, status.st_nlink, status.st_uid, status.st_gid)
        return cls(status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino, rights)

    def was_written_since(self, old: FileStatus | None) -> bool:
        """Also if it has its old time again, as after ``cp -p`` or ``tar``; not by a change of permissions alone."""
        if old is None or (self.size, self.written, self.inode) != (old.size, old.written, old.inode):
            return True
        return self.changed != old.changed and self.rights == old.rights


Files = Mapping[str, FileStatus]
"""By path."""


@dataclass(frozen=True)
class Footprint:
    """The files and links of each resource on this machine, as they were at one moment."""

    files: Mapping[str, Files]


def take_footprint(workspace: Workspace) -> Footprint:
    """One ``stat`` a file; no content is read."""
    found = {}
    own = workspace.own_files_resource()  # which is not listed before the command has made the first of them
    others = (resource for resource in workspace.get_resources() if own is None or resource.name != own.name)
    for resource in (*others, *([] if own is None else [own])):
        root = local_root(resource)
        if root is not None:
            below = walk(root, lambda path, resource=resource: is_left_out(resource, path))  # type: ignore[misc]
            found[resource.name] = {path: FileStatus.of(status) for path, status in below}
    return Footprint(found)


def local_root(resource: Resource) -> Path | None:
    """The directory of a resource, if it has one that is here."""
    place = resource.get_local_path_if_any() if isinstance(resource, LocalStateResourceMixin) else None
    return Path(place) if place is not None and Path(place).is_dir() else None


def is_left_out(resource: Resource, path: str) -> bool:
    """Whether something in a resource is no content of it, or was put there by a snapshot."""
    if is_own_files(resource):
        return path.rpartition("/")[2] in HIDDEN or path in resource.excluded
    if path.rpartition("/")[2] in HIDDEN or path == LINEAGE_FILE:
        return True
    return bool(resource.has_results_role() and SNAPSHOTS_DIRS_RE.match(path))


def walk(root: Path, skip: Callable[[str], bool]) -> Iterator[tuple[str, os.stat_result]]:
    """The files and links below a directory, by their paths in it. What cannot be read is left out."""
    pending = [""]
    while pending:
        directory = pending.pop()
        try:
            entries = list(os.scandir(root / directory))
        except OSError:
            continue
        for entry in entries:
            path = f"{directory}/{entry.name}" if directory else entry.name
            if skip(path):
                continue
            try:
                status = entry.stat(follow_symlinks=False)
            except OSError:
                continue
            if stat.S_ISDIR(status.st_mode):
                pending.append(path)
            else:
                yield path, status


def changed_places(workspace: Workspace, before: Footprint, after: Footprint) -> list[ResourceRef]:
    """What was written meanwhile, without what snapshots leave out. Many files of one directory are one place."""
    refs = []
    for name, files in after.files.items():
        old = before.files.get(name, {})
        changed = [path for path, status in files.items() if status.was_written_since(old.get(path))]
        resource = workspace.get_resource(name)
        if changed and isinstance(resource, SnapshotResourceMixin):
            changed = sorted(set(changed) - resource.left_out(changed))
        refs += [ResourceRef(name, path or None) for path in _collapsed(changed, files)]
    return refs


def is_code(workspace: Workspace, ref: ResourceRef, before: Footprint) -> bool:
    """Whether something that a command wrote is code. Among the workspace's own files, which are what they are used
    for, that is what lay there before and no step had written."""
    resource = workspace.get_resource(ref.name)
    if resource.role != ResourceRoles.CODE or not is_own_files(resource):
        return resource.role == ResourceRoles.CODE
    known = before.files.get(ref.name, {})
    was_there = any(contains(ref.subpath, path) for path in known)
    return was_there and not any(contains(path, ref.subpath) for path in resource.written_by_steps())


def is_run_notebook(ref: ResourceRef, before: Footprint, named: PlaceSet) -> bool:
    """Whether a piece of code that a command wrote is a notebook that it ran, and whose outputs it put in there, or
    made: one that was not there before, or that ``named`` names, as the command line does that which is run in place.
    Of a notebook that is code the sources count, so that running it is no change of the code."""
    if ref.subpath is None or not ref.subpath.endswith(NOTEBOOK):
        return False
    return ref.subpath not in before.files.get(ref.name, {}) or named.overlaps(ref)


def _collapsed(changed: Iterable[str], files: Files) -> list[str]:
    """The changed files; where a directory (``""`` is the root) has many of them and no others, the directory."""
    mine = set(changed)
    counts: dict[str, list[int]] = {}  # of files that changed, and of all
    for path in files:
        for directory in _above(path):
            count = counts.setdefault(directory, [0, 0])
            count[0] += path in mine
            count[1] += 1
    whole = {
        d for d, (own, total) in counts.items() if own == total and total > (_MANY_FILES if d else _MANY_AT_THE_ROOT)
    }
    found: dict[str, None] = {}
    for path in sorted(mine):
        outermost = [directory for directory in _above(path) if directory in whole][-1:]
        found[outermost[0] if outermost else path] = None
    return list(found)


def _above(path: str) -> Iterator[str]:
    """The directories that hold a path, from the inside out; the last is ``""``."""
    while path:
        path = path.rpartition("/")[0]
        yield path
