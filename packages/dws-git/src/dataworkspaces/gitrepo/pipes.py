"""Files that git reads for itself and that somebody has made something else of: it would wait for the other end of a
named pipe, or read a device, for ever.

:func:`check_no_pipes` is asked before each call of git, so it looks where such files usually are: in the git directory,
the root of the working tree and the directories in it; and for some calls that follow each other, once. For those
further below, and those made meanwhile, :func:`pipe_with_reader` looks everywhere, once git takes long."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Collection, Iterator
from contextlib import suppress
from pathlib import Path

from dataworkspaces.errors import ConfigurationError
from dataworkspaces.gitrepo.layout import git_directories
from dataworkspaces.workspace.workspace_uri import METADATA_DIR

_IN_TREE = (".gitignore", ".gitattributes", ".gitmodules")
_IN_GIT = (
    "config", "config.worktree", "index", "shallow", "info/exclude", "info/attributes", "info/sparse-checkout",
    "info/grafts", "objects/info/alternates",
)  # fmt: skip


def check_no_pipes(root: Path) -> None:
    """Raise ConfigurationError for one that git would not come back from. What is no working tree is left to git."""
    directories = git_directories(root)
    if not directories or time.monotonic() - _LOOKED_AT.get(root, -_SECONDS) < _SECONDS:
        return
    for directory in directories:
        for name in _IN_GIT:
            _check(f"{directory}/{name}", _FILE, follow=True)
    for place in (str(root), *_directories_in(root)):
        # Git takes no notice of links and directories; of what should be ours, we do.
        kinds = _FILE if place.endswith(f"/{METADATA_DIR}") else _FILE_OR_NOTHING
        for name in _IN_TREE:
            _check(f"{place}/{name}", kinds, follow=False)
    _LOOKED_AT[root] = time.monotonic()


_LOOKED_AT: dict[Path, float] = {}
_SECONDS = 1.0
_FILE = frozenset({stat.S_IFREG})
_FILE_OR_NOTHING = frozenset({stat.S_IFREG, stat.S_IFLNK, stat.S_IFDIR})


def pipe_with_reader(root: Path) -> tuple[str, int] | None:
    """A named pipe, at which a process that reads files as git does is waiting, and a descriptor of its other end: as
    long as that is open the process goes on waiting. Only then can the other end be opened without waiting."""
    for path in _pipes_below(root):
        with suppress(OSError):  # ENXIO: nobody waits
            return path, os.open(path, os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    return None


def is_a_pipe(path: str) -> ConfigurationError:
    return ConfigurationError(f"{path} is not a regular file that git could read", hint="Put a text file there")


def _pipes_below(root: Path) -> Iterator[str]:
    """Those that git opens: the files that it reads in each directory, and all in a git directory. Git makes nothing of
    others."""
    pending = [(str(root), False)]
    while pending:
        directory, is_git = pending.pop()
        try:
            entries = list(os.scandir(directory))
        except OSError:
            continue
        for entry in entries:
            with suppress(OSError):
                if entry.is_dir(follow_symlinks=False):
                    pending.append((entry.path, is_git or entry.name == ".git"))
                elif entry.is_file(follow_symlinks=False) or not (is_git or entry.name in _IN_TREE):
                    continue
                elif stat.S_ISFIFO(entry.stat(follow_symlinks=False).st_mode):
                    yield entry.path


def _directories_in(root: Path) -> Iterator[str]:
    try:
        with os.scandir(root) as entries:
            yield from (entry.path for entry in entries if entry.is_dir(follow_symlinks=False))
    except OSError:
        return


def _check(path: str, kinds: Collection[int], *, follow: bool) -> None:
    try:
        mode = os.stat(path, follow_symlinks=follow).st_mode  # noqa: PTH116 - there are many of them
    except OSError:
        return
    if stat.S_IFMT(mode) not in kinds:
        raise is_a_pipe(path)
