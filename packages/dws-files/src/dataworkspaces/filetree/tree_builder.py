"""The tree of what a scan found: content is read where nothing is known of it, and manifests are made from that."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from itertools import repeat
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from dataworkspaces.filetree.hashing import BLAKE3, Hasher, HashTask, ReadFile, Task, Tell, run_batches, tell_nobody
from dataworkspaces.filetree.manifest import Kind, format_manifest, manifest_name
from dataworkspaces.filetree.mapped import NOTHING_MAPPED, WRITEBACK_NS, Mapped, mapped_files, tells_all_writes
from dataworkspaces.filetree.scan import Known, Problems, Scan, ScannedDirectory, ScannedLink, Skip, scan
from dataworkspaces.filetree.statcache import (
    Row,
    StatCache,
    known_values,
    make_row,
    merge_rows,
    newest_time,
)
from dataworkspaces.filetree.tree import Tree

if TYPE_CHECKING:
    from concurrent.futures import Executor


class Keeper(Protocol):
    """Where content is kept, as the cache has to know it."""

    @property
    def generation(self) -> str:
        """Another text once anything has been removed; never empty."""

    def holds(self, values: Sequence[str]) -> bool:
        """Whether the content is there that these values of a manifest stand for."""

    def flush(self) -> None:
        """What is kept survives a power cut from here on."""


_LITTLE_BYTES = 1 << 20
"""What is read in about the time in which a thread starts."""


@dataclass(frozen=True)
class Work:
    """How content is read.

    :ivar executor: opens what does the batches, if there are any; None makes threads for the time it takes.
    :ivar task: reads a batch; None only hashes.
    :ivar batch_files, batch_bytes: when a batch is full.
    :ivar keeper: where ``task`` keeps the content that it reads; None if it keeps none.
    :ivar known: files that were written, with their contents: they are not read, as long as they are the same.
    :ivar tell_changing: told the path of a file that changed all the time while it was read.
    :ivar read_at_most: bytes; where more would have to be read, nothing is, and TooMuchToRead is raised.
    """

    executor: Callable[[], AbstractContextManager[Executor]] | None = None
    task: Task | None = None
    batch_files: int = 256
    batch_bytes: int = 16 << 20
    keeper: Keeper | None = None
    known: Known = field(default_factory=dict)
    read_at_most: int | None = None
    advance: Tell = tell_nobody
    tell_changing: Callable[[str], None] | None = None


class TooMuchToRead(Exception):
    """:ivar size: bytes in the files whose content is not known."""

    def __init__(self, size: int) -> None:
        super().__init__(f"{size} bytes would have to be read")
        self.size = size


def scan_tree(root: Path, hasher: Hasher, skip: Skip | None = None) -> Tree:
    """The tree below ``root`` as it is now; errors as for :func:`scan` and :func:`build_tree`."""
    return build_tree(scan(root, skip), hasher)


def build_tree(scanned: Scan, hasher: Hasher, cache: StatCache | None = None, work: Work | None = None) -> Tree:
    """The tree of what was scanned. ``work.advance`` is told of how many bytes more the content is known.

    What is deleted meanwhile is left out, and of a file that changes all the time it holds what was read last. Raises
    ConfigurationError, which names them, for files that cannot be read, once all others have been read."""
    return _Builder(scanned, hasher, cache, work or Work()).build()


@dataclass
class _Directory:
    """A directory on its way into a tree. ``values`` are None until they are known; once all are, ``text`` has them,
    joined by line breaks, which takes less memory. ``was_read`` says whether files of it had to be read."""

    scanned: ScannedDirectory
    row: Row | None = None
    is_row_current: bool = False
    values: list[str | None] = field(default_factory=list)
    text: str | None = None
    was_read: bool = False
    hashval: str = ""
    manifest: bytes | None = None


class _Builder:
    def __init__(self, scanned: Scan, hasher: Hasher, cache: StatCache | None, work: Work) -> None:
        self._scan = scanned
        self._hasher = hasher
        self._cache = cache if hasher.reads_content else None
        self._work = work
        self._by_hash: dict[str, _Directory] = {}
        self._hashes: dict[str, str] = {}

    def build(self) -> Tree:
        loaded = self._load_rows()
        rows = loaded or {}
        keeper = self._work.keeper
        self._kept_in = "" if keeper is None else keeper.generation
        started = time.time_ns()
        self._mapped = self._mapped_now(rows)
        directories = [self._look_up(directory, rows) for directory in self._scan.directories]
        if self._hasher.reads_content:
            self._read_content(directories)
        changed = []
        for directory in reversed(directories):  # those in it before a directory
            others = self._others(directory.scanned)
            self._name(directory, others)
            if not self._is_remembered(directory, rows.get(directory.scanned.path)):
                changed.append((directory, others))
        removed = rows.keys() - {directory.scanned.path for directory in directories}
        if keeper is not None:
            keeper.flush()  # before the cache says that content is kept
        if self._cache is not None and (changed or removed):
            newest = max((newest_time(directory.scanned) for directory, _ in changed), default=0)
            if newest > started - WRITEBACK_NS:
                self._mapped = mapped_files(min(newest, started))
            new_rows = ((d.scanned.path, self._row(d, others, started)) for d, others in changed)
            self._cache.save(new_rows, removed, is_new=loaded is None)
        return Tree(self._hashes[""], self._manifest)

    def _load_rows(self) -> dict[str, Row] | None:
        if self._cache is None:
            return None
        is_whole = self._scan.in_part is None
        return self._cache.load(None if is_whole else [directory.path for directory in self._scan.directories])

    def _is_in_part(self, directory: _Directory) -> bool:
        return self._scan.in_part is not None and directory.scanned.path in self._scan.in_part

    def _mapped_now(self, rows: dict[str, Row]) -> Mapped:
        """What of the cache is not to be believed, since it may have been written to through memory."""
        if not rows:
            return NOTHING_MAPPED
        try:
            is_told = tells_all_writes(self._scan.root.stat().st_dev)
        except OSError:
            is_told = False
        return NOTHING_MAPPED if is_told else mapped_files()

    # -- values --------------------------------------------------------------------------------------------------

    def _look_up(self, scanned: ScannedDirectory, rows: dict[str, Row]) -> _Directory:
        if not self._hasher.reads_content:
            return _Directory(scanned)
        row = rows.get(scanned.path)
        if row is None:
            return _Directory(scanned, values=[None] * len(scanned.files))
        keeper = self._work.keeper
        if keeper is not None and row.kept_in != self._kept_in:
            if not keeper.holds(row.values.split("\n") if row.values else ()):
                return _Directory(scanned, values=[None] * len(scanned.files))
            row = row._replace(kept_in=self._kept_in)
        mapped = self._mapped.inodes
        if mapped and not mapped.isdisjoint(scanned.files.inodes):
            known = zip(scanned.files.inodes, known_values(row, scanned), strict=True)
            return _Directory(scanned, row, values=[None if inode in mapped else value for inode, value in known])
        if row.statuses == scanned.files.statuses and row.names == "\0".join(scanned.files.names):
            return _Directory(scanned, row, is_row_current=True, text=row.values)
        return _Directory(scanned, row, values=known_values(row, scanned))

    def _take_known(self, directory: _Directory) -> None:
        files, written = directory.scanned.files, self._work.known.get(directory.scanned.path)
        if written is None:
            return
        if written.files == files:
            directory.text, directory.values = written.values, []
            return
        told = zip(written.files.packed(), written.values.split("\n"), strict=True)
        by_name, nothing, values = dict(zip(written.files.names, told, strict=True)), (b"", ""), directory.values
        for place, (name, status) in enumerate(zip(files.names, files.packed(), strict=True)):
            status_then, value = by_name.get(name, nothing)
            if values[place] is None and status_then == status:
                values[place] = value

    def _read_content(self, directories: Sequence[_Directory]) -> None:
        todo = []
        size = 0
        for directory in directories:
            if self._work.known and directory.text is None:
                self._take_known(directory)
            if None in directory.values:
                todo.append(directory)
                sizes = directory.scanned.files.numbers[0::4]
                size += sum(s for s, value in zip(sizes, directory.values, strict=True) if value is None)
            else:
                _join(directory)
        advance = self._work.advance
        if advance is not tell_nobody:
            advance(self._scan.total_size - size)
        if not todo:
            return
        if self._work.read_at_most is not None and size > self._work.read_at_most:
            raise TooMuchToRead(size)
        problems = Problems(self._scan.root)
        task = self._work.task or HashTask(os.fspath(self._scan.root), self._hasher.name)
        if advance is not tell_nobody and self._work.executor is None:
            task, advance = task.telling(advance), tell_nobody
        is_little = sum(len(d.values) for d in todo) <= self._work.batch_files and size <= _LITTLE_BYTES
        from dataworkspaces.filetree.workers import AT_MOST, opened  # not before there is something to read

        with opened(self._work.executor, is_little=is_little) as (executor, start_with):
            results = run_batches(
                task,
                ((d.scanned.path_of(d.scanned.files.names[i]), d.scanned.files[i]) for d in todo for i in _unknown(d)),
                executor,
                batch_files=self._work.batch_files,
                batch_bytes=self._work.batch_bytes,
                start_with=start_with,
                at_most=AT_MOST,
                advance=advance,
            )
            for directory in todo:
                for place, result in zip(_unknown(directory), results):  # noqa: B905 - those of the next are left
                    self._take(directory, place, result, problems)
                _leave_out_deleted(directory)
                _join(directory)
        problems.check()

    def _take(self, directory: _Directory, place: int, result: ReadFile, problems: Problems) -> None:
        """What reading a file gave."""
        path = directory.scanned.path_of(directory.scanned.files.names[place])
        if result.file is not None:
            directory.values[place] = result.value
            directory.scanned.files[place] = result.file  # it may have changed since the scan
            if result.problem and self._work.tell_changing is not None:
                self._work.tell_changing(path)
        elif result.problem:
            problems.add(path, result.problem)
        directory.was_read = True

    # -- manifests -----------------------------------------------------------------------------------------------

    def _others(self, scanned: ScannedDirectory) -> str:
        """What of a directory's manifest its files do not tell."""
        is_told = self._hasher.records_modes and 1 in scanned.files.modes
        modes = "".join(["x" if mode else "-" for mode in scanned.files.modes]) if is_told else ""
        links = [f"{self._hash_target(link)}\t{link.name}" for link in scanned.links]
        trees = [f"{self._hashes[scanned.path_of(name)]}\t{name}" for name in scanned.directories]
        return "\0".join([modes, *links, "", *trees])

    def _is_remembered(self, directory: _Directory, row: Row | None) -> bool:
        if self._is_in_part(directory):
            return not directory.was_read
        return (
            row is not None and row is directory.row and directory.is_row_current and row.manifest == directory.hashval
        )

    def _name(self, directory: _Directory, others: str) -> None:
        row = directory.row
        if directory.is_row_current and row is not None and row.others == others:
            directory.hashval = row.manifest
        else:
            directory.manifest = self._format(directory)
            directory.hashval = manifest_name(directory.manifest)
        self._hashes[directory.scanned.path] = directory.hashval
        self._by_hash[directory.hashval] = directory

    def _manifest(self, hashval: str) -> bytes | None:
        directory = self._by_hash.get(hashval)
        return None if directory is None else directory.manifest or self._format(directory)

    def _format(self, directory: _Directory) -> bytes:
        scanned = directory.scanned
        kinds: Iterable[Kind] = repeat("blob", len(scanned.files))
        if self._hasher.records_modes and 1 in scanned.files.modes:
            kinds = ["exec" if mode else "blob" for mode in scanned.files.modes]
        entries: list[tuple[str, Kind, str]]
        entries = list(zip(self._values(directory), kinds, scanned.files.names, strict=True))
        entries += [(self._hash_target(link), "link", link.name) for link in scanned.links]
        entries += [(self._hashes[scanned.path_of(name)], "tree", name) for name in scanned.directories]
        return format_manifest(entries)

    def _values(self, directory: _Directory) -> Iterable[str]:
        if self._hasher.value_of is not None:
            return map(self._hasher.value_of, directory.scanned.files)
        return directory.text.split("\n") if directory.text else ()

    def _hash_target(self, link: ScannedLink) -> str:
        if self._hasher is BLAKE3:
            from blake3 import blake3

            return f"{len(link.target)}:{blake3(link.target).hexdigest()}"
        return hashlib.sha1(link.target, usedforsecurity=False).hexdigest()

    def _row(self, directory: _Directory, others: str, started: int) -> Row:
        if directory.is_row_current and directory.row is not None:
            return directory.row._replace(others=others, manifest=directory.hashval)
        row = make_row(
            directory.scanned,
            directory.text or "",
            others,
            directory.hashval,
            self._kept_in,
            min(started, self._mapped.since_ns),
            self._mapped.inodes,
        )
        return merge_rows(directory.row, row) if self._is_in_part(directory) else row


def _unknown(directory: _Directory) -> Iterator[int]:
    """The places of the files that have to be read, as long as none of them is."""
    return (place for place, value in enumerate(directory.values) if value is None)


def _leave_out_deleted(directory: _Directory) -> None:
    """A file of which nothing is known by now is no more."""
    if None in directory.values:
        there = [place for place, value in enumerate(directory.values) if value is not None]
        directory.scanned.files.keep(there)
        directory.values = [directory.values[place] for place in there]


def _join(directory: _Directory) -> None:
    if directory.text is None:
        directory.text = "\n".join([value for value in directory.values if value is not None])
        directory.values = []
