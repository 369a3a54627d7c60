"""What git wrote lately survives a power cut: objects, references, the index, and the names of all of them.

Our own calls of git flush what they write (see ``run.py``), but for the directories; those of the user's git do not,
nor does git-lfs, nor any git before 2.36. A snapshot relies on all of it.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path

from dataworkspaces.durability import flush_directories, flush_files
from dataworkspaces.gitrepo.layout import git_directories, git_directory
from dataworkspaces.gitrepo.run import run_git

_YOUNG_SECONDS = 600.0
"""Longer than an operating system keeps in memory what it has to write."""
_TICK_SECONDS = 2.1
_FEW = 200
_MARKER = "dws/flushed"
_FILES = ("index", "HEAD", "packed-refs", "ORIG_HEAD", "MERGE_HEAD", "config")
_STORES = (("objects", 1), ("lfs/objects", 2), ("fat/objects", 0))
"""Where objects lie below a git directory, and how many levels of directories are above them."""


def flush_repository(root: Path, began: float | None = None) -> None:
    """Have on disk what was written lately to the repository of a working tree.

    :param began: seconds since 1970, when the present command began to write: what it wrote since is flushed but for
        the directories."""
    now = time.time()
    limit = max(now - _YOUNG_SECONDS, _last_flush(root, now) - _TICK_SECONDS)
    directories: list[str] = []
    files: list[str] = []
    flushed: list[str] = []
    for directory in map(str, git_directories(root)):
        for place in (directory, *_directories(directory)):
            if _changed(place) > limit:
                directories.append(place)
                inside = [f"{directory}/{name}" for name in _FILES] if place == directory else _files(place)
                is_by_git = not place.startswith(f"{directory}/lfs/")
                for path in inside:
                    changed = _changed(path)
                    if changed > limit:
                        (flushed if is_by_git and began is not None and changed >= began else files).append(path)
    if len(flushed) < _FEW or not _git_flushes():  # few are flushed twice before git is asked for its version
        files += flushed
    flush_files(map(Path, files))
    flush_directories(map(Path, directories))
    note_flush(root, now)


def _last_flush(root: Path, now: float) -> float:
    then = _changed((git_directory(root) or root / ".git") / _MARKER)
    return then if then <= now else 0.0  # the clock was set back


def note_flush(root: Path, began: float | None = None) -> None:
    """All that is older need not be flushed again. Nothing is lost if the note is lost.

    :param began: seconds since 1970; None is now."""
    directory = git_directory(root)
    if directory is None:
        return
    with suppress(OSError):
        (directory / _MARKER).parent.mkdir(exist_ok=True)
        (directory / _MARKER).touch()
        if began is not None:
            os.utime(directory / _MARKER, (began, began))


def _changed(path: str | Path) -> float:
    try:
        return os.lstat(path).st_mtime
    except OSError:
        return 0.0


def _directories(directory: str) -> Iterator[str]:
    for name, depth in _STORES:
        yield from _below(f"{directory}/{name}", depth)
    yield from _below(f"{directory}/refs", 100)


def _below(place: str, depth: int) -> Iterator[str]:
    if depth:
        try:
            with os.scandir(place) as entries:
                inside = [entry.path for entry in entries if entry.is_dir(follow_symlinks=False)]
        except OSError:
            return
        for path in inside:
            yield from _below(path, depth - 1)
    yield place


def _files(place: str) -> Iterable[str]:
    try:
        with os.scandir(place) as entries:
            return [entry.path for entry in entries if entry.is_file(follow_symlinks=False)]
    except OSError:
        return ()


@cache
def _git_flushes() -> bool:
    """Whether git knows ``core.fsync``."""
    found = re.search(rb"(\d+)\.(\d+)", run_git(Path("/"), ["version"]).stdout)
    return found is not None and (int(found[1]), int(found[2])) >= (2, 36)
