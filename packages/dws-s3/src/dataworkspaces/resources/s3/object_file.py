"""Objects as files: one that is read by ranges, and one that is written in parts."""

from __future__ import annotations

import io
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import IO, Any, cast

from dataworkspaces.resources.s3.bucket import Bucket
from dataworkspaces.toolbox.whole_writes import AbortedOnError, TextWriter, WholeWrite

FIRST_BYTES = 256 * 1024
"""What opening a file fetches, so that a small one takes one request."""
READ_AHEAD = 1024 * 1024
PART_BYTES = 16 * 1024 * 1024


def open_to_read(bucket: Bucket, key: str, version: str | None = None) -> IO[bytes]:
    """Fetches what is read, and some bytes ahead. Raises NoSuchObject."""
    return io.BufferedReader(_ObjectReader(bucket, key, version), READ_AHEAD)


class _ObjectReader(io.RawIOBase):
    """Without a version, that of now is read throughout, whatever is written meanwhile."""

    def __init__(self, bucket: Bucket, key: str, version: str | None) -> None:
        self._bucket, self._key = bucket, key
        self._first, self._size = bucket.read(key, version, 0, FIRST_BYTES - 1)
        is_whole = len(self._first) == self._size
        self._version = version if version is not None or is_whole else bucket.info(key).version
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        if start + offset < 0:
            raise ValueError(f"negative place {start + offset} in a file")
        self._at = start + offset
        return self._at

    def readinto(self, buffer: Any) -> int:
        content = self._range(self._at, min(self._at + len(buffer), self._size))
        buffer[: len(content)] = content
        self._at += len(content)
        return len(content)

    def readall(self) -> bytes:
        content = self._range(self._at, self._size)
        self._at += len(content)
        return content

    def _range(self, start: int, end: int) -> bytes:
        if start >= end:
            return b""
        known = self._first[start:end]
        if len(known) == end - start:
            return known
        fetched, _ = self._bucket.read(self._key, self._version, start + len(known), end - 1)
        return known + fetched


def open_to_write(bucket: Bucket, key: str, begin_with: bytes = b"") -> IO[bytes]:
    """Its content is there once it is closed, as a whole; if the ``with`` block raises, nothing is written."""
    return cast(IO[bytes], _ObjectWriter(bucket, key, begin_with))


def open_text_to_write(bucket: Bucket, key: str, begin_with: bytes = b"") -> IO[str]:
    return TextWriter(cast(IO[bytes], _ObjectWriter(bucket, key, begin_with)), encoding="utf-8")


class _ObjectWriter(AbortedOnError, io.BufferedIOBase):
    """A part is sent by another thread while the next is filled."""

    def __init__(self, bucket: Bucket, key: str, begin_with: bytes) -> None:
        self._bucket, self._key = bucket, key
        self._write = WholeWrite()
        self._is_forgotten = False
        self._buffer = bytearray(begin_with)
        self._written = len(begin_with)
        self._upload: str | None = None
        self._parts: list[Any] = []
        self._sender = ThreadPoolExecutor(2, "s3-write")

    def writable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._written

    def write(self, content: Any) -> int:
        if self.closed:
            raise ValueError("write to a closed file")
        view = memoryview(content).cast("B")
        self._buffer += view
        self._written += len(view)
        if len(self._buffer) >= PART_BYTES:
            self._send_part()
        return len(view)

    def _send_part(self) -> None:
        if self._upload is None:
            self._upload = self._bucket.begin_parts(self._key)
        part, self._buffer = bytes(self._buffer), bytearray()
        number = len(self._parts) + 1
        if number > 2:
            self._parts[-2].result()  # no more than two are in memory
        self._parts.append(self._sender.submit(self._bucket.write_part, self._key, self._upload, number, part))

    def close(self) -> None:
        if self.closed:
            return
        if self._is_forgotten or self._write.is_cut_short(self._key):
            self.abort()
            return
        try:
            self._finish(self._complete)
        finally:
            super().close()

    def abort(self) -> None:
        """Forget what was written."""
        if not self.closed:
            try:
                self._finish(self._abort)
            finally:
                super().close()

    def _finish(self, how: Callable[[], None]) -> None:
        try:
            how()
        except BaseException:
            self._abort()
            raise
        finally:
            self._sender.shutdown()

    def _complete(self) -> None:
        if self._upload is None:
            self._bucket.write(self._key, bytes(self._buffer))
            return
        if self._buffer:
            self._send_part()
        self._bucket.complete_parts(self._key, self._upload, [part.result() for part in self._parts])
        self._upload = None

    def _abort(self) -> None:
        if self._upload is not None:
            upload, self._upload = self._upload, None
            for part in self._parts:
                if not part.cancel():
                    part.exception()
            self._bucket.abort_parts(self._key, upload)

    def _dealloc_warn(self, source: object) -> None:
        """Called by a file of text around this one that nobody has closed."""
        self._is_forgotten = True

    def __del__(self) -> None:
        """A file that nobody closed was not written to its end."""
        self.abort()
