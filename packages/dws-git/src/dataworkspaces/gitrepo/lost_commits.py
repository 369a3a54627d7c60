"""Commits and trees that a power cut took, made again from the reflog and from what lies in the working tree.

The reflog says of each commit what it came after, who made it when, and its message. A snapshot makes two: one of the
content, and one of the metadata of the snapshot. So the tree of the first is that of the second with the metadata of
before. What is made is written only if it has the name that is wanted, so nothing is guessed.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from dataworkspaces.gitrepo.layout import git_directory
from dataworkspaces.gitrepo.objects import index_info
from dataworkspaces.gitrepo.plumbing import IndexEntry, TreeEntry, holds, list_tree, read_alone, records
from dataworkspaces.gitrepo.run import run_git
from dataworkspaces.toolbox.names import LINEAGE_FILE
from dataworkspaces.toolbox.regular import read_regular
from dataworkspaces.workspace.workspace_uri import METADATA_DIR

_LINE_RE = re.compile(rb"([0-9a-f]{40,64}) ([0-9a-f]{40,64}) (.*> \d+ [+-]\d{4})\tcommit(?: \(initial\))?: (.*)")
_LATEST = 20
"""So many commits are looked for, the latest first; what is older was flushed long since."""


class _Noted(NamedTuple):
    parent: str
    name: str
    who: bytes
    message: bytes


def make_lost_commits(root: Path, index: Sequence[IndexEntry]) -> None:
    """Make again what the latest commits of the reflog lack. The index holds the present content."""
    for noted in _noted(root):
        commit = read_alone(root, noted.name, "commit")
        if commit is not None and holds(root, f"{noted.name}^{{tree}}"):
            continue
        for tree in _trees(root, index, noted.parent):
            if commit is not None:
                if commit.startswith(b"tree " + tree):
                    break
            elif _make_commit(root, noted, tree):
                break


def _noted(root: Path) -> list[_Noted]:
    """Oldest first, so that parents are there before their children."""
    directory = git_directory(root) or root / ".git"
    try:
        lines = read_regular(directory / "logs" / "HEAD").splitlines()[-_LATEST:]
    except OSError:
        return []
    found = [match for match in map(_LINE_RE.fullmatch, lines) if match is not None]
    return [_Noted(m[1].decode("ascii"), m[2].decode("ascii"), m[3], m[4]) for m in found]


def _trees(root: Path, index: Sequence[IndexEntry], parent: str) -> Iterator[bytes]:
    """The trees that a commit after ``parent`` may have had, all of them written: what the index holds, and the same
    with the metadata, or with metadata and lineage, of the parent."""
    listed = records(f"{e.mode} {e.name} {e.stage}\t{e.path}" for e in index)
    yield _write(root, listed, b"")
    if set(parent) == {"0"}:
        return
    if not holds(root, f"{parent}^{{tree}}"):
        return
    before = list_tree(root, parent)
    for with_lineage in (False, True):
        ours = {path for path in [*(entry.path for entry in index), *before] if _is_ours(path, with_lineage)}
        entries: dict[str, TreeEntry | None] = {path: before.get(path) for path in ours}
        yield _write(root, listed, index_info(root, entries))


def _is_ours(path: str, with_lineage: bool) -> bool:
    return f"/{METADATA_DIR}/" in f"/{path}" or (with_lineage and path.rpartition("/")[2] == LINEAGE_FILE)


def _write(root: Path, listed: bytes, changes: bytes) -> bytes:
    with tempfile.TemporaryDirectory(prefix="dws-") as temporary:
        env = {"GIT_INDEX_FILE": str(Path(temporary) / "index")}  # one that knows no trees, so that git writes all
        arguments = ["update-index", "-z", "--index-info"]
        run_git(root, arguments, stdin=listed + changes, env=env, doing="Writing trees again")
        return run_git(root, ["write-tree", "--missing-ok"], env=env, ok=range(256)).stdout.strip()


def _make_commit(root: Path, noted: _Noted, tree: bytes) -> bool:
    parent = b"" if set(noted.parent) == {"0"} else b"parent " + noted.parent.encode("ascii") + b"\n"
    text = b"tree %s\n%sauthor %s\ncommitter %s\n\n%s\n" % (tree, parent, noted.who, noted.who, noted.message)
    arguments = ["hash-object", "-t", "commit", "--stdin"]
    if run_git(root, arguments, stdin=text, ok=range(256)).stdout.strip().decode("ascii") != noted.name:
        return False
    run_git(root, [*arguments[:1], "-w", *arguments[1:]], stdin=text, doing="Writing a commit again")
    return True
