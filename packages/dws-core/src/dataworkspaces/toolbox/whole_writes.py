"""Files that are there as a whole once they are closed: a write that ends in an exception leaves what was there
before."""

from __future__ import annotations

import errno
import io
import os
import sys
import warnings
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Any, cast

from dataworkspaces.toolbox.atomic import beside
from dataworkspaces.toolbox.regular import status_if_any

__all__ = ["AbortedOnError", "TextWriter", "WholeWrite", "open_to_replace"]


class WholeWrite:
    """What an opened file has to know of the exception that it is closed in.

    Whoever opens a file may hand it to somebody else who closes it, and does not say why: ``fsspec.open``, or a table
    that is written by pandas. So a ``close`` while an exception passes, which did not when the file was opened, ends
    the write without success."""

    def __init__(self) -> None:
        self._passing = sys.exc_info()[1]

    def is_cut_short(self, path: str) -> bool:
        error = sys.exc_info()[1]
        if error is None or error is self._passing:
            return False
        warnings.warn(
            f"'{path}' was closed while {type(error).__name__} was handled, so it was not written", stacklevel=3
        )
        return True


class AbortedOnError(io.IOBase):
    """A file that an exception within its ``with`` block aborts. Put it before other bases."""

    def abort(self) -> None:
        """Close the file, and forget what was written."""
        raise NotImplementedError

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if exc_type is None:
            self.close()
        else:
            self.abort()


class _Raw(io.FileIO):
    """Beside the file that it replaces when it is closed."""

    def __init__(self, path: Path) -> None:
        self._path = Path(os.path.realpath(path))
        self._temporary = beside(self._path)
        self._write = WholeWrite()
        self._is_broken = True  # until it is open, and may be as the other
        super().__init__(self._temporary, "x")
        try:
            with suppress(FileNotFoundError):
                os.fchmod(self.fileno(), self._path.stat().st_mode & 0o7777)
        except BaseException:
            self.close()
            raise
        self._is_broken = False

    def write(self, content: Any) -> int:
        try:
            return super().write(content)
        except BaseException:
            self._is_broken = True
            raise

    def abort(self) -> None:
        self._is_broken = True

    def close(self) -> None:
        if self.closed:
            return
        is_whole = not self._is_broken and not self._write.is_cut_short(self._path.name)
        try:
            super().close()
            if is_whole:
                self._temporary.replace(self._path)
        finally:
            self._temporary.unlink(missing_ok=True)


class _Writer(AbortedOnError, io.BufferedWriter):
    def abort(self) -> None:
        """Forget what was written."""
        if isinstance(self.raw, _Raw):
            self.raw.abort()
        self.close()


class TextWriter(AbortedOnError, io.TextIOWrapper):
    """Text into a file that can be aborted."""

    def abort(self) -> None:
        abort = getattr(self.buffer, "abort", None)
        if abort is None:
            self.close()
            return
        abort()
        with suppress(ValueError):  # what is still to be written has no place any more
            self.close()


def open_to_replace(path: Path, mode: str) -> IO[Any]:
    """As the built-in ``open`` with the modes ``w`` and ``x``; text is UTF-8. Where nothing can be made beside the
    file, it is written to directly."""
    if status_if_any(path) is not None:
        if "x" in mode:
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path))
        if not os.access(path, os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
    try:
        raw = _Raw(path)
    except PermissionError:
        return path.open(mode, encoding=None if "b" in mode else "utf-8")
    writer = _Writer(raw)
    return writer if "b" in mode else cast(IO[Any], TextWriter(writer, encoding="utf-8"))
