"""Committing what is staged in a repository with very many files.

``git commit --only`` looks at each file that the index knows, twice: among the metadata of 10,000 snapshots that takes
longer than all else that a snapshot does. Where nothing is staged but what is to be committed, git need not look.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path

from dataworkspaces.gitrepo.identity import signs_commits
from dataworkspaces.gitrepo.layout import git_directory, head_commit, operation_in_progress
from dataworkspaces.gitrepo.plumbing import parse_names
from dataworkspaces.gitrepo.run import run_git

LARGE = 1 << 20
"""Bytes of an index from which on this is worth more git processes: some 10,000 files."""


def commit_index(root: Path, paths: Sequence[str], message: bytes) -> bool | None:
    """Commit what is staged at ``paths``. Returns False if nothing is.

    None, and nothing is committed, if this does not apply: the index is small, more is staged, the user is in the
    middle of a merge, git signs commits here, or there is no commit yet. What is staged is told by the tree that would
    be committed, so that nothing comes in between. The last step moves the branch; a kill before that leaves all as it
    was."""
    head = head_commit(root)
    if head is None or not is_large(root) or operation_in_progress(root) is not None or signs_commits(root):
        return None
    written = run_git(root, ["write-tree"], ok=(0, 128))
    if written.returncode:
        return None  # a path is in conflict, say; git commit tells
    tree = written.stdout.decode("ascii").strip()
    staged = _differing(root, head, tree)
    if not all(_is_at(path, paths) for path in staged):
        return None
    if not staged:
        return False
    text = _cleaned(message)
    # One time for the commit and for the log, from which a lost commit can be made again.
    now = f"@{int(time.time())} {time.strftime('%z')}"
    dates = {name: os.environ.get(name, now) for name in ("GIT_AUTHOR_DATE", "GIT_COMMITTER_DATE")}
    made = run_git(root, ["commit-tree", tree, "-p", head, "-F", "-"], stdin=text, env=dates, doing="Committing")
    subject = os.fsdecode(text.partition(b"\n")[0])
    new = made.stdout.decode("ascii").strip()
    run_git(root, ["update-ref", "-m", f"commit: {subject}", "HEAD", new, head], env=dates, doing="Committing")
    return True


def is_large(root: Path) -> bool:
    """Whether git should be asked for what can be told without a look at each file that its index knows."""
    directory = git_directory(root)
    try:
        return directory is not None and (directory / "index").stat().st_size >= LARGE
    except OSError:
        return False


def _differing(root: Path, commit: str, tree: str) -> list[str]:
    """The paths of files that are not the same in a commit and in a tree."""
    listing = ["diff-tree", "-r", "--no-renames", "--name-only", "-z", commit, tree]
    return parse_names(run_git(root, listing, doing="Committing").stdout)


def _is_at(path: str, places: Sequence[str]) -> bool:
    return any(place in (".", path) or path.startswith(f"{place.rstrip('/')}/") for place in places)


def _cleaned(message: bytes) -> bytes:
    """As ``--cleanup=whitespace`` has it: no blanks at ends of lines, no two empty lines, none around."""
    lines: list[bytes] = []
    for line in (line.rstrip() for line in message.split(b"\n")):
        if line or (lines and lines[-1]):
            lines.append(line)
    return b"\n".join(lines).strip(b"\n") + b"\n"
