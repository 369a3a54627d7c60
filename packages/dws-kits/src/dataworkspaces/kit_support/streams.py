"""The hash of data that are read batch by batch: they pass through, and are neither read twice nor held in memory.

What is counted is what a training used. Frameworks read ahead, and some look at the first batches before they begin;
so who drives the training says by :meth:`Stream.used` how many batches it has used by now.
"""

from __future__ import annotations

import copy
import tempfile
import threading
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dataworkspaces.errors import ApiParamError
from dataworkspaces.kit_support.data_hash import DataHash, Prepared, prepare


class Stream(ABC):
    """Batches on their way to a training.

    :param counts_use: whether :meth:`used` will be called; else all that is read counts."""

    def __init__(self, counts_use: bool = True) -> None:
        self._lock = threading.Lock()
        self._used: int | None = 0 if counts_use else None
        self._failure: Exception | None = None
        self._read_any = False

    def used(self, batches: int) -> None:
        """So many batches have been used, since the beginning."""
        with self.spared(), self._lock:
            self._used = batches
            self._fold()

    @contextmanager
    def spared(self) -> Iterator[None]:
        """Within, a batch is hashed. If that fails, the batches go on, without a hash; :meth:`hexdigest` says why.
        Data that cannot be hashed at all are an error of the first one."""
        try:
            yield
        except Exception as e:  # of a full disk, and of any library
            if isinstance(e, ApiParamError) and not self._read_any:
                raise
            self._fail(e)

    def check(self) -> None:
        """Raise what went wrong."""
        if self._failure is not None:
            raise self._failure

    def _fail(self, error: Exception) -> None:
        self._failure = self._failure or error

    @abstractmethod
    def hexdigest(self) -> str | None:
        """The hash of what was used; None if that was nothing."""

    def _fold(self) -> None:
        """Take up what has been used."""


class PassStream(Stream):
    """Batches that come in their order.

    Data that can be read again are hashed in the first pass of which anything is used."""

    def __init__(self, counts_use: bool = True) -> None:
        super().__init__(counts_use)
        self._hash = DataHash()
        self._taken = 0
        self._waiting: deque[Prepared] = deque()
        self._pass = self._counted = 0

    def pass_through(self, batches: Iterable[Any]) -> Iterator[Any]:
        """The batches of one pass, from the first on."""
        number = self.begin_pass()
        for batch in batches:
            self.read(number, batch)
            yield batch

    def begin_pass(self) -> int:
        """A pass begins; returns its number for :meth:`read`."""
        with self._lock:
            self._pass += 1
            if not self._used and not self._taken:
                self._waiting.clear()
                self._counted = self._pass
            return self._pass

    def read(self, number: int, batch: Any) -> None:
        """The next batch was read in the pass of that number."""
        if number == self._counted:
            with self.spared():
                prepared = prepare(as_tuple(batch))
                with self._lock:
                    if number == self._counted:
                        self._waiting.append(prepared)
                        self._read_any = True
                        self._fold()

    def hexdigest(self) -> str | None:
        self.check()
        with self._lock:
            self._fold()
            return self._hash.hexdigest() if self._taken else None

    def _fold(self) -> None:
        while self._waiting and (self._used is None or self._taken < self._used):
            self._hash.add_prepared(self._waiting.popleft())
            self._taken += 1


class IndexedStream(Stream):
    """Batches that have a number, and are read in any order, by any number of threads or processes.

    They are hashed in the order of their numbers, each as it was first read. Of a sequence without an end, and of one
    that was read in order and not to its end, those count that were used; else all that were read.

    :param directory: for what is known of the batches; None keeps that in memory, if all are read by this process."""

    def __init__(self, directory: Path | None, counts_use: bool = True) -> None:
        super().__init__(counts_use)
        self._directory = directory
        self._known: dict[int, Prepared] = {}

    @classmethod
    def below(cls, scratch: Path, counts_use: bool = True) -> IndexedStream:
        """One that several processes can use."""
        scratch.mkdir(parents=True, exist_ok=True)
        return cls(Path(tempfile.mkdtemp(prefix="hashes-", dir=scratch)), counts_use)

    def read(self, index: int, batch: Any) -> None:
        """The batch of that number was read."""
        with self.spared():
            self._read(index, batch)
            self._read_any = True

    def _read(self, index: int, batch: Any) -> None:
        if self._directory is None:
            if index not in self._known:
                prepared = prepare(as_tuple(batch))
                with self._lock:
                    self._known.setdefault(index, prepared)
            return
        path = self._directory / str(index)
        if not path.exists():
            _write(path, prepare(as_tuple(batch)))

    def _fail(self, error: Exception) -> None:
        super()._fail(error)
        self.close()  # which tells the other processes, too

    def restart(self) -> None:
        """What was read by now was for a look; the data may be others from here on. Without effect once data are
        used."""
        import contextlib

        with self.spared(), self._lock:
            if self._used:
                return
            self._known.clear()
            for path in self._directory.iterdir() if self._directory is not None else ():
                with contextlib.suppress(OSError):
                    path.unlink()

    def hexdigest(self, in_order: bool = True, length: int | None = None) -> str | None:
        """:param in_order: whether it was read in the order of the numbers.
        :param length: of the sequence; None if it has no end."""
        self.check()
        indices = self._indices()
        if self._used is not None and (length is None or (in_order and self._used < length)):
            indices = [index for index in indices if index < (self._used or 0)]
        if not indices:
            return None
        data_hash = DataHash()
        for index in indices:
            known = self._known[index] if self._directory is None else _read(self._directory / str(index))
            data_hash.add_prepared(known)
        return data_hash.hexdigest()

    def close(self) -> None:
        """Remove what is kept on disk."""
        import shutil

        if self._directory is not None:
            shutil.rmtree(self._directory, ignore_errors=True)

    def _indices(self) -> list[int]:
        if self._directory is None:
            return sorted(self._known)
        return sorted(int(path.name) for path in self._directory.iterdir() if path.name.isdecimal())

    def __getstate__(self) -> dict[str, Any]:
        state = dict(self.__dict__)  # for another process, which reads batches and nothing else
        del state["_lock"]
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._lock = threading.Lock()


def watch_iterable(data: Any, stream: PassStream) -> Any:
    """Data that can be iterated over again and again, such as a DataLoader: a copy whose batches pass through
    ``stream``. In all else it is what ``data`` is, and of a subclass of its class; that of a list and the like has a
    length and nothing else."""
    original = type(data)
    if not original.__flags__ & _IS_A_CLASS_STATEMENTS:
        return _Batches(data, stream)

    def iterate(self: Any) -> Iterator[Any]:
        return stream.pass_through(original.__iter__(self))

    watched = copy.copy(data)
    kind = type(original.__name__, (original,), {"__iter__": iterate, "__module__": original.__module__})
    object.__setattr__(watched, "__class__", kind)
    return watched


_IS_A_CLASS_STATEMENTS = 1 << 9  # Py_TPFLAGS_HEAPTYPE


class _Batches:
    """The batches of a list."""

    def __init__(self, batches: Sequence[Any], stream: PassStream) -> None:
        self._batches = batches
        self._stream = stream

    def __len__(self) -> int:
        return len(self._batches)

    def __iter__(self) -> Iterator[Any]:
        return self._stream.pass_through(self._batches)


def as_tuple(batch: Any) -> tuple[Any, ...]:
    """A batch as a tuple of samples, targets and weights, without those that it lacks; so all containers agree."""
    parts = tuple(batch) if isinstance(batch, (tuple, list)) else (batch,)
    while len(parts) > 1 and parts[-1] is None:
        parts = parts[:-1]
    return parts


def _write(path: Path, prepared: Prepared) -> None:
    import os
    import pickle

    part = path.with_name(f"{path.name}.{os.getpid()}-{threading.get_ident()}")
    part.write_bytes(pickle.dumps(prepared))
    part.replace(path)


def _read(path: Path) -> Prepared:
    import pickle

    prepared: Prepared = pickle.loads(path.read_bytes())  # ours: written by this training, in its own directory
    return prepared
