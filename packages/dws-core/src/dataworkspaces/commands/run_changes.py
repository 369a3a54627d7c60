"""Which files of a workspace's resources a command has changed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from dataworkspaces.filetree import scan
from dataworkspaces.workspace import LocalStateResourceMixin, ResourceRef, ResourceRoles, Workspace
from dataworkspaces.workspace.results import SNAPSHOTS_DIRS_RE
from dataworkspaces.workspace.snapshot_resource import LINEAGE_FILE, SnapshotResourceMixin

_HIDDEN = {".git", ".dataworkspace", ".ipynb_checkpoints", "__pycache__"}
_MANY_FILES = 20
"""More files than this that a step wrote into a directory, and that are all there is, are one reference."""

Files = Mapping[str, tuple[int, int]]
"""Size in bytes and time in nanoseconds by path."""


@dataclass(frozen=True)
class Footprint:
    """The files of each resource that holds data or results on this machine, as they were at one moment."""

    files: Mapping[str, Files]


def take_footprint(workspace: Workspace) -> Footprint:
    """One ``stat`` a file; no content is read."""
    found: dict[str, Files] = {}
    for resource in workspace.get_resources():
        place = resource.get_local_path_if_any() if isinstance(resource, LocalStateResourceMixin) else None
        if resource.role == ResourceRoles.CODE or place is None or not Path(place).is_dir():
            continue
        is_results = resource.has_results_role()

        def skip(path: str, is_results: bool = is_results) -> bool:
            name = path.rpartition("/")[2]
            return name in _HIDDEN or path == LINEAGE_FILE or bool(is_results and SNAPSHOTS_DIRS_RE.match(path))

        found[resource.name] = {p: (f.size, f.mtime_ns) for p, f in scan(Path(place), skip).files()}
    return Footprint(found)


def changed_places(workspace: Workspace, before: Footprint, after: Footprint) -> list[ResourceRef]:
    """What was written meanwhile, without what snapshots leave out. Many files of one directory are one place."""
    refs = []
    for name, files in after.files.items():
        old = before.files.get(name, {})
        changed = [path for path, status in files.items() if old.get(path) != status]
        resource = workspace.get_resource(name)
        if changed and isinstance(resource, SnapshotResourceMixin):
            changed = sorted(set(changed) - resource.left_out(changed))
        refs += [ResourceRef(name, path) for path in _collapsed(changed, files)]
    return refs


def _collapsed(changed: Iterable[str], files: Files) -> list[str]:
    """The changed files; where a directory has many of them and no others, the directory."""
    mine = set(changed)
    counts: dict[str, list[int]] = {}  # of files that changed, and of all
    for path in files:
        directory = path.rpartition("/")[0]
        while directory:
            count = counts.setdefault(directory, [0, 0])
            count[0] += path in mine
            count[1] += 1
            directory = directory.rpartition("/")[0]
    whole = {d for d, (own, total) in counts.items() if own == total and total > _MANY_FILES}
    found: dict[str, None] = {}
    for path in sorted(mine):
        parts = path.split("/")
        outermost = next((d for n in range(1, len(parts)) if (d := "/".join(parts[:n])) in whole), path)
        found[outermost] = None
    return list(found)
