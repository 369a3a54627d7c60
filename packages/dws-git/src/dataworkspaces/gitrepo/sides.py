"""What two commits changed since their last common state, path by path.

Merging by paths follows no renames: where snapshots move files and write others in their places, a file that moved is
no renamed file, and what somebody wrote to the old place does not belong to the new one. (Git 2.39 follows renames in
``merge-tree`` whatever its options say.)
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from dataworkspaces.errors import ConflictError
from dataworkspaces.gitrepo.objects import changed_entries, write_blobs
from dataworkspaces.gitrepo.plumbing import TreeEntry, read_blobs
from dataworkspaces.gitrepo.run import run_git

_FILE_MODES = ("100644", "100755")


@dataclass(frozen=True)
class Sides:
    """What lies at one path in the last common state, here, and at the origin."""

    base: TreeEntry | None
    ours: TreeEntry | None
    theirs: TreeEntry | None

    @property
    def is_settled(self) -> bool:
        """Whether at most one side changed it, or both alike."""
        return self.ours == self.theirs or self.base in (self.ours, self.theirs)

    @property
    def changed(self) -> TreeEntry | None:
        """What a settled path holds."""
        return self.theirs if self.ours == self.base else self.ours

    @property
    def stages(self) -> dict[int, TreeEntry]:
        """As the index of a merge has them: base is 1, ours 2, theirs 3."""
        numbered = enumerate((self.base, self.ours, self.theirs), start=1)
        return {number: entry for number, entry in numbered if entry is not None}


def compare_sides(root: Path, base: str, ours: str, theirs: str, within: Iterable[str] = ()) -> dict[str, Sides]:
    """All paths below ``within`` (everywhere, if none are given) that differ from ``base`` on either side."""
    directories = list(within)
    return both_sides(changed_entries(root, base, ours, directories), changed_entries(root, base, theirs, directories))


def both_sides(
    ours: Mapping[str, tuple[TreeEntry | None, TreeEntry | None]],
    theirs: Mapping[str, tuple[TreeEntry | None, TreeEntry | None]],
) -> dict[str, Sides]:
    """From what each side changed since the last common state (before and after, by path)."""
    found = {}
    for path in dict.fromkeys([*ours, *theirs]):
        base = (ours.get(path) or theirs[path])[0]
        found[path] = Sides(base, ours.get(path, (base, base))[1], theirs.get(path, (base, base))[1])
    return found


def settle(sides: Mapping[str, Sides]) -> tuple[dict[str, TreeEntry | None], dict[str, Sides]]:
    """What each path holds after a merge, if only one side changed it or both alike; and the other paths.

    Raises ConfigurationError where one side has a file and the other a directory."""
    settled = {path: side.changed for path, side in sides.items() if side.is_settled}
    files = {path for path, side in sides.items() if (side.changed if side.is_settled else side.ours) is not None}
    for path in files:
        parts = path.split("/")
        above = next((p for n in range(1, len(parts)) if (p := "/".join(parts[:n])) in files), None)
        if above is not None:
            raise ConflictError(
                f"'{above}' is a file on one side and a directory on the other, which cannot be merged",
                hint="Rename one of them, commit, and pull again",
            )
    return settled, {path: side for path, side in sides.items() if not side.is_settled}


def merge_contents(
    root: Path, unsettled: Mapping[str, Sides], labels: tuple[str, str]
) -> tuple[dict[str, TreeEntry], dict[str, dict[int, TreeEntry]]]:
    """Merge files that both sides changed, line by line. Returns the merged files, where those in conflict have git's
    marks (or our content, if it is not a string), and the conflicts.

    :param labels: name ours and theirs at the marks."""
    import tempfile

    blobs = read_blobs(root, [e.name for side in unsettled.values() for e in side.stages.values() if _is_file(e)])
    texts: dict[str, bytes] = {}
    merged: dict[str, TreeEntry] = {}
    conflicts: dict[str, dict[int, TreeEntry]] = {}
    with tempfile.TemporaryDirectory(prefix="dws-") as temporary:
        for path, side in unsettled.items():
            kept = side.ours or side.theirs
            if kept is None:
                continue
            merged[path] = kept
            if not (_is_file(side.ours) and _is_file(side.theirs)):
                conflicts[path] = side.stages
                continue
            places = [Path(temporary) / name for name in ("ours", "base", "theirs")]
            for place, entry in zip(places, (side.ours, side.base, side.theirs), strict=True):
                place.write_bytes(blobs[entry.name] if entry is not None and _is_file(entry) else b"")
            names = [option for label in (labels[0], "base", labels[1]) for option in ("-L", label)]
            done = run_git(root, ["merge-file", "-p", *names, *map(str, places)], ok=range(256), doing="Merging")
            if done.returncode < 128:
                texts[path] = done.stdout
            if done.returncode:
                conflicts[path] = side.stages
    for path, name in write_blobs(root, texts).items():
        merged[path] = TreeEntry(merged[path].mode, name)
    return merged, conflicts


def _is_file(entry: TreeEntry | None) -> bool:
    return entry is not None and entry.mode in _FILE_MODES
