"""The filters that git calls: clean, when a file is added, and smudge, when it is written to the working tree.

Git starts ``filter-process`` once for many files, and speaks its protocol (``gitprotocol-common``: packets with a
length of four hexadecimal digits); ``filter-clean`` and ``filter-smudge`` do one file each, as the old script did."""

from __future__ import annotations

import collections
import itertools
import sys
import tempfile
from collections.abc import Iterable, Iterator
from typing import BinaryIO

from dataworkspaces.gitfat.placeholder import LENGTHS, parse
from dataworkspaces.gitfat.store import CHUNK, ObjectStore, read_chunks

_MAX_DATA = 65516
"""Bytes of data in a packet."""


def clean(store: ObjectStore, chunks: Iterable[bytes]) -> bytes:
    """Store a file's content, and return what git is to hold. A placeholder stays as it is."""
    head, rest = _head(chunks)
    if parse(head) is not None:
        return head
    return store.add(itertools.chain([head], rest)).encode()


def smudge(store: ObjectStore, chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The content for which a placeholder stands, if it is here. Anything else stays as it is."""
    head, rest = _head(chunks)
    placeholder = parse(head)
    if placeholder is not None and store.has(placeholder):
        yield from read_chunks(store.path(placeholder.sha1))
    else:
        yield head
        yield from rest


def _head(chunks: Iterable[bytes]) -> tuple[bytes, Iterator[bytes]]:
    """So much of the content that one can tell whether it is a placeholder, and the rest."""
    rest = iter(chunks)
    head = b""
    for chunk in rest:
        head += chunk
        if len(head) > max(LENGTHS):
            break
    return head, rest


def run_clean(store: ObjectStore, source: BinaryIO, target: BinaryIO) -> None:
    """``git-fat filter-clean``."""
    target.write(clean(store, iter(lambda: source.read(CHUNK), b"")))
    target.flush()


def run_smudge(store: ObjectStore, source: BinaryIO, target: BinaryIO) -> None:
    """``git-fat filter-smudge``."""
    for chunk in smudge(store, iter(lambda: source.read(CHUNK), b"")):
        target.write(chunk)
    target.flush()


def run_process(store: ObjectStore, source: BinaryIO, target: BinaryIO) -> None:
    """``git-fat filter-process``: answer git until it closes the pipe."""
    packets = _Packets(source, target)
    packets.read_texts()  # git-filter-client, and the versions that it knows
    packets.write_texts(["git-filter-server", "version=2"])
    packets.read_texts()  # what it could ask for
    packets.write_texts(["capability=clean", "capability=smudge"])
    while True:
        request = packets.read_texts()
        if request is None:
            return
        content = packets.read_contents()
        if "command=clean" in request:
            _answer(packets, _cleaned(store, content), content)
        else:
            # Git reads no answer before it has written all.
            with tempfile.SpooledTemporaryFile(CHUNK) as spool:
                for chunk in content:
                    spool.write(chunk)
                spool.seek(0)
                _answer(packets, smudge(store, iter(lambda spool=spool: spool.read(CHUNK), b"")), content)  # type: ignore[misc]


def _cleaned(store: ObjectStore, content: Iterable[bytes]) -> Iterator[bytes]:
    yield clean(store, content)


def _answer(packets: _Packets, answer: Iterator[bytes], content: Iterator[bytes]) -> None:
    """Write what a filter gives. ``content`` is what may be left to read of git's request."""
    try:
        first = next(answer, b"")
    except OSError as e:
        sys.stderr.write(f"git-fat: {e.filename or 'an object'}: {e.strerror or e}\n")
        collections.deque(content, maxlen=0)
        packets.write_texts(["status=error"])
        return
    packets.write_texts(["status=success"])
    try:
        packets.write_contents(itertools.chain([first], answer))
    except OSError:
        packets.write_texts(["status=error"])
        return
    packets.write_texts([])  # the status stays


class _Packets:
    def __init__(self, source: BinaryIO, target: BinaryIO) -> None:
        self._source = source
        self._target = target

    def read(self) -> bytes | None:
        """A packet's data; None for a flush packet, and EOFError at the end."""
        header = self._source.read(4)
        if len(header) < 4:
            raise EOFError
        size = int(header, 16)
        return None if size == 0 else self._source.read(size - 4)

    def read_texts(self) -> list[str] | None:
        """Lines up to a flush packet; None at the end."""
        texts: list[str] = []
        try:
            while (data := self.read()) is not None:
                texts.append(data.decode("utf-8", "surrogateescape").rstrip("\n"))
        except EOFError:
            return None
        return texts

    def read_contents(self) -> Iterator[bytes]:
        while (data := self.read()) is not None:
            yield data

    def write_texts(self, texts: Iterable[str]) -> None:
        for text in texts:
            self._write(f"{text}\n".encode())
        self._flush()

    def write_contents(self, chunks: Iterable[bytes]) -> None:
        for chunk in chunks:
            for start in range(0, len(chunk), _MAX_DATA):
                self._write(chunk[start : start + _MAX_DATA])
        self._flush()

    def _write(self, data: bytes) -> None:
        self._target.write(b"%04x" % (len(data) + 4) + data)

    def _flush(self) -> None:
        self._target.write(b"0000")
        self._target.flush()
