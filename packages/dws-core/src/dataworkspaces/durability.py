"""What has to survive a power cut: the content of files, and the names of what lies in directories.

A file system keeps what was written in memory for a while, and may then have a name without the content (an empty file
of the right name). So content is flushed before its file is renamed to its name, and directories are flushed before
something is written that relies on the names in them. Many files are flushed together: the disk is asked to write all
of them before anybody waits for the first.
"""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from functools import cache
from itertools import accumulate
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")

_CANNOT = (errno.EINVAL, errno.ENOTSUP, errno.EACCES, errno.EPERM, errno.EISDIR)
"""What file systems say that cannot flush a directory, and directories that may be written to but not read."""
_TOGETHER = 256
"""Of so many files at once the descriptors are open; a process may have no more than 256 on some systems."""
_FEW = 4
_QUICK_SECONDS = 0.002
_MANY = 500
_FLUSHED_AS_A_WHOLE = frozenset({"ext2", "ext3", "ext4", "xfs", "f2fs", "overlay", "tmpfs"})


@cache
def boot_id() -> str | None:
    """Another text after each start of the machine, before which what was not flushed may have been lost; None where
    the system does not tell."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except (OSError, UnicodeError):
        return None


def start_flushing(fd: int, start: int = 0, length: int = 0) -> None:
    """Let the disk write what is in an open file, and do not wait for it. A later :func:`os.fsync` takes less long.

    :param start, length: which bytes; no length means all that follow."""
    advise = getattr(os, "posix_fadvise", None)
    if advise is not None:
        with suppress(OSError):
            advise(fd, start, length, os.POSIX_FADV_DONTNEED)


def flush_directory(path: Path) -> None:
    """The names in a directory are on disk. One that is gone has none."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    except OSError as e:
        if e.errno not in _CANNOT:
            raise
        return
    try:
        os.fsync(fd)
    except OSError as e:
        if e.errno not in _CANNOT:
            raise
    finally:
        os.close(fd)


def flush_directories(paths: Iterable[Path]) -> None:
    """Each once, and many at a time: all are on disk in the end, in whatever order they came there."""
    _each(flush_directory, list(dict.fromkeys(paths)))


def flush_files(paths: Iterable[Path]) -> None:
    """The content of regular files is on disk. What is not a regular file, or is gone, is left out."""
    todo = list(dict.fromkeys(paths))
    for start in range(0, len(todo), _TOGETHER // 2):
        fds: list[int] = []
        try:
            for path in todo[start : start + _TOGETHER // 2]:
                with suppress(FileNotFoundError, NotADirectoryError):
                    if path.is_file() and not path.is_symlink():
                        fds.append(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK))
            flush_open_files(fds)
        finally:
            for fd in fds:
                os.close(fd)


def flush_open_files(fds: list[int]) -> None:
    """The content of open files is on disk."""
    if len(fds) > 1:
        for fd in fds:
            start_flushing(fd)
    _each(os.fsync, fds)


def _each(flush: Callable[[T], object], what: Sequence[T]) -> None:
    begun = time.monotonic()
    for done, one in enumerate(what, 1):
        flush(one)
        if len(what) - done >= _FEW and time.monotonic() - begun > _QUICK_SECONDS:
            _together(flush, what[done:])
            return


def _together(flush: Callable[[T], object], what: Sequence[T]) -> None:
    """A journal takes the requests of several threads at once. Where a flush is quick, to start them takes longer."""
    from concurrent.futures import ThreadPoolExecutor

    try:
        with ThreadPoolExecutor(min(8, len(what))) as threads:
            for _ in threads.map(flush, what):
                pass
    except RuntimeError:  # no thread begins while Python ends, when a training may save what it has left
        for one in what:
            flush(one)


def flush_tree(root: Path, *, is_new: bool = False) -> None:
    """All files and directories below a directory, and itself. Links are not followed.

    :param is_new: this process has made it, so all of it is in one file system."""
    if is_new and _holds_many(root) and _flush_file_system(root):
        return
    found = [(directory, names) for directory, _, names in os.walk(root)]
    if not is_new and sum(len(names) for _, names in found) > _MANY:
        is_one = len({os.lstat(directory).st_dev for directory, _ in found}) == 1
        if is_one and _flush_file_system(root):
            return
    flush_files(Path(directory, name) for directory, names in found for name in names)
    flush_directories(Path(directory) for directory, _ in reversed(found))


def _holds_many(root: Path) -> bool:
    """Looks no further than it has to."""
    return any(count > _MANY for count in accumulate(len(names) for _, _, names in os.walk(root)))


def _flush_file_system(root: Path) -> bool:
    """Flush all that was written to a file system, in one call: of 20,000 files in a tenth of the time that it takes
    one by one. False where that is not known to do what it says: for FUSE, and others whose disk is not here."""
    fd = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        device = os.fstat(fd).st_dev
        if _type_of_file_system(f"{os.major(device)}:{os.minor(device)}") not in _FLUSHED_AS_A_WHOLE:
            return False
        import ctypes

        flush = getattr(ctypes.CDLL(None, use_errno=True), "syncfs", None)
        if flush is None:
            return False
        if flush(fd) != 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number), str(root))
        return True
    finally:
        os.close(fd)


def _type_of_file_system(device: str) -> str | None:
    """``ext4`` and the like, of a device as MAJOR:MINOR; None where nobody tells. See proc(5)."""
    try:
        lines = Path("/proc/self/mountinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return None
    for line in lines:
        mounted, _, rest = line.partition(" - ")
        if mounted.split(" ")[2:3] == [device]:
            return rest.split(" ")[0]
    return None


def make_directories(path: Path) -> None:
    """Make a directory and those above it, with their names on disk."""
    made = []
    place = path
    while not place.exists() and place != place.parent:
        made.append(place)
        place = place.parent
    path.mkdir(parents=True, exist_ok=True)
    flush_directories(directory.parent for directory in reversed(made))
