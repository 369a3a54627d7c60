"""References of git, and HEAD, that a power cut left empty: what is asked each time a workspace is opened, of HEAD, and
of all by ``dws fsck``. How they are written again: :mod:`.mended_references`."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterator
from pathlib import Path

from dataworkspaces.gitrepo.layout import current_branch, git_directories
from dataworkspaces.toolbox.regular import read_regular

_REFERENCE_RE = rb"ref: \S[^\0]*|[0-9a-f]{40}(?:[0-9a-f]{24})?"
_LONGEST = 4096


def damaged_references(root: Path) -> list[Path]:
    """The files of HEAD and references that hold nothing that git writes. Loose references are looked at one by one; of
    packed ones, and of git's configuration, only whether they are empty."""
    directories = git_directories(root)
    if not directories:
        return []
    own, shared = directories[0], directories[-1]
    found = [path for path in (own / "HEAD", *_loose(shared)) if is_damaged_reference(path)]
    return found + [path for name in ("packed-refs", "config") if is_blank(path := shared / name)]


def is_head_damaged(root: Path) -> bool:
    """Whether git cannot say what is checked out here. Looks at four files."""
    directories = git_directories(root)
    if not directories:
        return False
    own, shared = directories[0], directories[-1]
    if is_damaged_reference(own / "HEAD"):
        return True
    branch = current_branch(root)
    if branch is not None and is_damaged_reference(shared / "refs" / "heads" / branch):
        return True
    return is_blank(shared / "packed-refs") or is_blank(own / "index")


def is_damaged_reference(path: Path) -> bool:
    """Of a pipe in its place git waits for what comes."""
    try:
        return re.fullmatch(_REFERENCE_RE, read_regular(path).strip()) is None
    except OSError as e:
        return e.errno == errno.EINVAL  # else there is none, or nobody can tell


def is_blank(path: Path) -> bool:
    """Git writes neither an empty list of references nor an empty configuration."""
    try:
        with open(path, "rb", opener=_without_waiting) as file:
            return not file.read(_LONGEST).strip(b"\0 \r\n")
    except OSError:
        return False


def _without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK)


def _loose(directory: Path) -> Iterator[Path]:
    for place, _, names in os.walk(directory / "refs"):
        yield from (Path(place) / name for name in names if not name.endswith(".lock") and name[0] != ".")
