"""Work of many parts that is done in copies of this process, made by fork: Python computes in one thread at a time.

A copy has all that this process has in memory, so nothing is handed over but the numbers of the parts, and what comes
of them. It starts in a millisecond, where a new Python takes fifty.

``ProcessPoolExecutor`` would do with less code here, but it pickles what it is to do, starts threads before it
forks, and gives up all that was not done when somebody kills one of its processes.
"""

from __future__ import annotations

import gc
import marshal
import os
import select
import struct
import threading
import warnings
from collections.abc import Callable, Generator, Sequence
from contextlib import suppress
from typing import Any, NoReturn, TypeVar

Part = TypeVar("Part")
Result = TypeVar("Result")
OWN_THREADS = "dws-"
"""How the names of threads start that hold nothing which a copy of the process, where they are not, would wait for."""
_NUMBER = struct.Struct("=I")
MOST_PARTS = 16_000
"""As many numbers fit into a pipe."""


def may_fork() -> bool:
    """Whether copies of this process can be trusted: it is Linux, and no threads are there but our own, which may be in
    the middle of anything. So not in a notebook or a server."""
    others = [thread for thread in threading.enumerate() if thread is not threading.main_thread()]
    try:
        count = len(os.listdir("/proc/self/task"))  # noqa: PTH208 - those that Python does not know are counted, too
    except OSError:
        return False
    is_main = threading.current_thread() is threading.main_thread()
    return is_main and count == 1 + len(others) and all(thread.name.startswith(OWN_THREADS) for thread in others)


def processors() -> int:
    """How many this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def map_forked(
    work: Callable[[Part], Result], parts: Sequence[Part], workers: int
) -> Generator[tuple[int, Result], None, None]:
    """What ``work`` makes of each part, in the order in which they are done, with the number of the part: text, bytes,
    numbers, None, and tuples, lists and dicts of these, which need no pickle, whose import would take longer than most
    parts.

    Raises what ``work`` raises; then, or if the iterator is closed, parts that have been begun are finished. What a
    copy did not finish that somebody has killed is done again, here: ``work`` may be called again for a part.
    ``work`` should ask :func:`is_orphan` before each of its steps, and stop."""
    if len(parts) > MOST_PARTS:
        raise ValueError(f"{len(parts)} parts are too many")
    todo, tell = os.pipe()
    pipes: dict[int, _Results] = {}
    children: list[int] = []
    left = set(range(len(parts)))
    try:
        os.set_blocking(tell, False)
        os.write(tell, b"".join(map(_NUMBER.pack, range(len(parts)))))
        os.close(tell)
        for _ in range(min(workers, len(parts))):
            with suppress(OSError):  # the system allows no more processes, and those that are there do the work
                pid, results = _fork(work, parts, todo, list(pipes))
                children.append(pid)
                pipes[results] = _Results(results)
        while pipes:
            for fd in select.select(list(pipes), [], [])[0]:
                found = pipes[fd].read()
                if found is None:
                    os.close(fd)
                    del pipes[fd]
                for number, result, raised in found or ():
                    if raised:
                        raise _received(raised)
                    left.discard(number)
                    yield number, result
        for number in sorted(left):
            yield number, work(parts[number])
    finally:
        while os.read(todo, 1 << 16):  # nobody begins another
            pass
        for fd in [todo, *pipes]:
            os.close(fd)
        for pid in children:
            with suppress(ChildProcessError):
                os.waitpid(pid, 0)


_parent = 0


def is_orphan() -> bool:
    """Whether this is a copy whose process is no more: then somebody else may be at work at the same place by now."""
    return _parent != 0 and os.getppid() != _parent


def _fork(work: Callable[[Part], Any], parts: Sequence[Part], todo: int, others: list[int]) -> tuple[int, int]:
    """The number of a new copy, and where its results come from."""
    global _parent
    mine, its = os.pipe()
    me = os.getpid()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of threads: see may_fork
            pid = os.fork()
    except OSError:
        os.close(mine)
        os.close(its)
        raise
    if pid == 0:
        _parent = me
        for fd in [mine, *others]:
            os.close(fd)
        _be_a_copy(work, parts, todo, its)
    os.close(its)
    return pid, mine


def _be_a_copy(work: Callable[[Part], Any], parts: Sequence[Part], todo: int, results: int) -> NoReturn:
    """Do parts until none is left. Nothing of what the process does at its end is done here."""
    gc.disable()  # it would look through, and so copy, all that this process had; what a part makes has no cycles
    status = 1
    try:
        while len(told := os.read(todo, _NUMBER.size)) == _NUMBER.size and not is_orphan():
            number = _NUMBER.unpack(told)[0]
            try:
                found = marshal.dumps((number, work(parts[number]), b""))
            except Exception as e:
                found = marshal.dumps((number, None, _sent(e)))
            view = memoryview(_NUMBER.pack(len(found)) + found)
            while view:
                view = view[os.write(results, view) :]
        status = 0
    except BaseException:
        pass
    finally:
        os._exit(status)


def _sent(error: Exception) -> bytes:
    """An error as it can be sent: itself, if it can be made anew."""
    import pickle

    try:
        sent = pickle.dumps(error)
        pickle.loads(sent)
    except Exception:
        return pickle.dumps(RuntimeError(f"{type(error).__name__}: {error}"))
    return sent


def _received(error: bytes) -> Exception:
    import pickle

    received: Exception = pickle.loads(error)
    return received


class _Results:
    """What comes from a copy, bit by bit."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._data = bytearray()

    def read(self) -> list[tuple[int, Any, bytes]] | None:
        """What is complete by now, each with the number of the part, and what was raised, if anything was; None at the
        end."""
        data = os.read(self._fd, 1 << 20)
        if not data:
            return None
        self._data += data
        found = []
        while len(self._data) >= _NUMBER.size:
            end = _NUMBER.size + _NUMBER.unpack_from(self._data)[0]
            if len(self._data) < end:
                break
            found.append(marshal.loads(self._data[_NUMBER.size : end]))
            del self._data[:end]
        return found
