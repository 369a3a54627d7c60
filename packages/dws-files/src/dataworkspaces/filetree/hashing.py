"""What stands for a file in a manifest: its size, or a hash of its content.

Work is cut into batches; each is a call of a function that can be sent to a thread, another process or another
machine, and that raises nothing for what is wrong with a file.
"""

from __future__ import annotations

import hashlib
import os
import stat
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple, Protocol

from dataworkspaces.filetree.read_ahead import read_parts
from dataworkspaces.filetree.scan import ScannedFile

if TYPE_CHECKING:
    from concurrent.futures import Executor, Future

    from blake3 import blake3

_SEVERAL_THREADS_BYTES = 1 << 20
_LARGE_ON_AVERAGE = 64 << 10
_ATTEMPTS = 3
_PROCESS = os.getpid()
CHANGES = "it changed while it was read"
OPEN_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC  # no waiting for the other end of a pipe


@dataclass(frozen=True)
class Hasher:
    """A way to tell one version of a file from another.

    :ivar reads_content: it takes time, and is done in batches; else ``value_of`` tells the value.
    :ivar records_modes: manifests tell executable files from others.
    """

    name: str
    value_of: Callable[[ScannedFile], str] | None = None
    records_modes: bool = False

    @property
    def reads_content(self) -> bool:
        return self.value_of is None


SIZE = Hasher("size", lambda file: str(file.size))
SIZE_AND_TIME = Hasher("size-and-time", lambda file: f"{file.size}:{file.mtime_ns}")
"""Notices nearly every change without reading; says nothing on another machine."""
SHA1 = Hasher("sha1")
"""As release 1.6 did."""
BLAKE3 = Hasher("blake3", records_modes=True)
"""Values are ``SIZE:HASH``: bytes in decimal, and 64 hexadecimal digits."""


class ReadFile(NamedTuple):
    """What reading a file gave: its value in a manifest and its status while that was so, or the problem. Neither file
    nor problem: it has been deleted. Both: it changes all the time, and the value is of what was read last."""

    value: str
    file: ScannedFile | None
    problem: str | OSError = ""


Tell = Callable[[int], None]
"""Is told how many bytes more have been read or written; by several threads at once."""


def tell_nobody(_count: int) -> None:
    pass


class Task(Protocol):
    """Reads files below a root: paths relative to it, and what a scan told of each. Can be pickled."""

    def __call__(self, files: Sequence[tuple[str, ScannedFile]]) -> list[ReadFile]: ...

    def telling(self, tell: Tell) -> Task:
        """The same, for threads of this process, which tells what it has read."""
        ...


@dataclass(frozen=True)
class HashTask:
    """Hashes files. :param algorithm: ``sha1`` or ``blake3``."""

    root: str
    algorithm: str
    tell: Tell = tell_nobody

    def telling(self, tell: Tell) -> HashTask:
        return replace(self, tell=tell)

    def __call__(self, files: Sequence[tuple[str, ScannedFile]]) -> list[ReadFile]:
        found = [self._hash(path, file) for path, file in files]
        self.tell(sum(file.size for _, file in files if file.size < _SEVERAL_THREADS_BYTES))
        return found

    def _hash(self, path: str, file: ScannedFile) -> ReadFile:
        try:
            fd = os.open(f"{self.root}/{path}", OPEN_FLAGS)
        except FileNotFoundError:
            return ReadFile("", None)
        except OSError as e:
            return ReadFile("", None, e)
        try:
            told = file
            for _ in range(_ATTEMPTS):
                value = _hash_content(fd, told.size, self.algorithm, self.tell)
                now = status_of(fd, file.name)
                if now == told:
                    return ReadFile(value, now)
                told = now
                os.lseek(fd, 0, os.SEEK_SET)
            return ReadFile(value, changing(told), CHANGES)
        except OSError as e:
            return ReadFile("", None, e)
        finally:
            os.close(fd)


def changing(file: ScannedFile) -> ScannedFile:
    """The status of a file that changed while it was read: is that of no file, so that it is not believed."""
    return file._replace(ctime_ns=0, inode=0)


def status_of(fd: int, name: str) -> ScannedFile:
    """What a scan would tell of an open file; raises OSError if it is not a regular file."""
    status = os.fstat(fd)
    if not stat.S_ISREG(status.st_mode):
        raise OSError(None, "it is no longer a regular file")
    return ScannedFile(
        name,
        status.st_size,
        status.st_mtime_ns,
        status.st_ctime_ns,
        status.st_ino,
        bool(status.st_mode & stat.S_IXUSR),
    )


def threaded_blake3() -> blake3:
    """BLAKE3 for large contents: on all cores, but on one in a copy of a process made by fork, such as a worker of
    ``multiprocessing``: the threads of its hashes are not copied, and it would wait for them for ever."""
    from blake3 import blake3

    return blake3(max_threads=blake3.AUTO if os.getpid() == _PROCESS else 1)


def _hash_content(fd: int, size: int, algorithm: str, tell: Tell) -> str:
    """The value of what lies in a file, whose position is its start; ``size`` is what it should hold."""
    from blake3 import blake3

    if size < _SEVERAL_THREADS_BYTES:
        content = os.read(fd, size + 1)
        if len(content) == size:
            if algorithm == "sha1":
                return hashlib.sha1(content, usedforsecurity=False).hexdigest()
            return f"{size}:{blake3(content).hexdigest()}"
        status_of(fd, "")
    digest: blake3 | hashlib._Hash
    digest = hashlib.sha1(usedforsecurity=False) if algorithm == "sha1" else threaded_blake3()
    total = 0
    for part in read_parts(fd):
        digest.update(part)
        total += len(part)
        tell(len(part))
    return digest.hexdigest() if algorithm == "sha1" else f"{total}:{digest.hexdigest()}"


def run_batches(
    task: Task,
    files: Iterable[tuple[str, ScannedFile]],
    executor: Executor,
    *,
    batch_files: int,
    batch_bytes: int,
    start_with: int,
    at_most: int,
    advance: Tell = tell_nobody,
) -> Iterator[ReadFile]:
    """Do a task for files in batches, and give the results in their order. ``advance`` is told how many bytes were in
    the files that are done.

    ``start_with`` batches run at once, and up to ``at_most`` where they spend their time waiting for a disk or a
    network: for small files that are in memory, more threads of Python are slower than one."""
    from concurrent.futures import FIRST_COMPLETED, wait

    batches = _batches(files, batch_files, batch_bytes)
    running: list[Future[_Timed]] = []
    counted: set[Future[_Timed]] = set()
    limit = start_with
    try:
        while True:
            running += [executor.submit(_timed, task, b) for b in islice(batches, max(0, limit - len(running)))]
            if not running:
                return
            wait([future for future in running if future not in counted], return_when=FIRST_COMPLETED)
            for future in running:
                if future.done() and future not in counted:
                    counted.add(future)
                    timed = future.result()
                    if timed.is_waiting:
                        limit = min(2 * limit, at_most)
                    advance(timed.size)
            while running and running[0] in counted:
                first = running.pop(0)
                counted.discard(first)
                yield from first.result().results
    finally:
        for future in running:
            future.cancel()


class _Timed(NamedTuple):
    results: list[ReadFile]
    size: int
    is_waiting: bool


def _timed(task: Task, files: Sequence[tuple[str, ScannedFile]]) -> _Timed:
    start, cpu_start = time.perf_counter(), time.thread_time()
    results = task(files)
    cpu = time.thread_time() - cpu_start
    size = sum(file.size for _, file in files)
    is_mostly_large = size > len(files) * _LARGE_ON_AVERAGE
    return _Timed(results, size, is_mostly_large or time.perf_counter() - start > 2 * cpu + 0.001)


def _batches(
    files: Iterable[tuple[str, ScannedFile]], batch_files: int, batch_bytes: int
) -> Iterator[list[tuple[str, ScannedFile]]]:
    """Handing over a task costs more than hashing a small file."""
    batch: list[tuple[str, ScannedFile]] = []
    size = 0
    for item in files:
        batch.append(item)
        size += item[1].size
        if len(batch) == batch_files or size >= batch_bytes:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch
