"""The files at a remote, read without copying them here."""

from __future__ import annotations

import io
import os
import shlex
import shutil
from collections.abc import Iterable
from subprocess import Popen
from tempfile import TemporaryFile
from threading import Thread
from typing import IO, Any

from dataworkspaces.errors import NotFoundError, UnavailableError
from dataworkspaces.resources.rclone.address import Address
from dataworkspaces.resources.rclone.run import NOT_FOUND, Rclone, RemoteError, parse_answer, parse_event
from dataworkspaces.toolbox.names import check_relative_path
from dataworkspaces.workspace import FileInfo

_BRIEF = ("--no-modtime", "--no-mimetype")
_BUFFER = 1 << 20
_SKIP = 1 << 20
"""So far ahead, reading on is cheaper than asking again."""


class RemoteFiles:
    """Looks at, and reads, what is below an address. Each call asks the remote."""

    def __init__(self, name: str, rclone: Rclone, address: Address) -> None:
        self._what = f"Resource '{name}'"
        self._rclone = rclone
        self._address = address

    def ls(self, rel_path: str) -> list[str]:
        """The names directly below a directory, sorted; raises ConfigurationError if nothing is in it."""
        return [name for name, _ in self.list_infos(rel_path)]

    def list_infos(self, rel_path: str) -> list[tuple[str, FileInfo]]:
        """What lies directly below a directory, by name; raises ConfigurationError if nothing does."""
        found = self._entries(rel_path)
        if not found and rel_path:
            raise NotFoundError(f"{self._what}: '{rel_path}' is not a directory at {self._address}")
        return found

    def paths(self) -> set[str]:
        """Of all files. Raises RemoteError."""
        place = str(self._address)
        report = self._rclone.run(["lsjson", "--recursive", "--files-only", *_BRIEF], [place])
        if report.status != 0:
            raise self._rclone.error(report, f"{self._what}: listing {place} failed")
        listed = parse_answer(report.output, list, f"{self._what}: listing {place}")
        return {str(entry["Path"]) for entry in listed if _is_entry(entry) and "Path" in entry}

    def _entries(self, rel_path: str) -> list[tuple[str, FileInfo]]:
        place = self._place(rel_path)
        report = self._rclone.run(["lsjson", *_BRIEF], [place])
        if report.status in NOT_FOUND:
            self._check_root()
            return []
        if report.status != 0:
            raise self._rclone.error(report, f"{self._what}: listing {place} failed")
        doing = f"{self._what}: listing {place}"
        listed = parse_answer(report.output, list, doing)
        found = [(entry["Name"], _info(entry)) for entry in listed if _is_entry(entry)]
        if len(found) != len(listed):
            raise RemoteError(f"{doing} failed: rclone lists an entry with neither name nor size")
        return sorted(found, key=lambda entry: entry[0])

    def find(self, rel_path: str) -> FileInfo | None:
        """What lies at a path, or None."""
        place = self._place(rel_path)
        report = self._rclone.run(["lsjson", "--stat", *_BRIEF], [place])
        if report.status in NOT_FOUND:
            self._check_root()
            return None
        if report.status != 0:
            raise self._rclone.error(report, f"{self._what}: looking at {place} failed")
        if report.output.strip() == b"null":  # as older releases say for a root that is empty
            return None
        doing = f"{self._what}: looking at {place}"
        entry = parse_answer(report.output, dict, doing)
        if not _is_entry(entry):
            raise RemoteError(f"{doing} failed: rclone lists an entry with neither name nor size")
        # To a bucket every path could be that of a directory.
        return _info(entry) if not entry["IsDir"] or not rel_path or self._entries(rel_path) else None

    def open(self, rel_path: str, mode: str) -> IO[Any]:
        """A file to read, which can seek. Text is UTF-8."""
        found = self.find(rel_path)
        if found is None or found.kind != "file":
            raise NotFoundError(f"{self._what} has no file '{rel_path}' at {self._address}")
        place = self._place(rel_path)
        buffered: IO[bytes]
        if found.size is None:
            buffered = _whole(self._rclone, place)
        else:
            buffered = io.BufferedReader(_RemoteFile(self._rclone, place, found.size), _BUFFER)
        return buffered if "b" in mode else io.TextIOWrapper(buffered, encoding="utf-8")

    def _check_root(self) -> None:
        """What is not found is not there only if the place is that all of it would be in."""
        if not is_there(self._rclone, self._address):
            raise lost(self._what, self._rclone, self._address)

    def _place(self, rel_path: str) -> str:
        return str(self._address.below(check_relative_path(rel_path, self._what)))


def is_there(rclone: Rclone, address: Address) -> bool:
    """Whether there is such a directory or bucket; raises RemoteError if the remote does not answer."""
    report = rclone.run(["lsjson", "--stat", *_BRIEF], [str(address)])
    if report.status not in (0, *NOT_FOUND):
        raise rclone.error(report, f"Looking at {address} failed")
    return report.status == 0


def is_empty(rclone: Rclone, address: Address) -> bool:
    """Whether nothing is in a directory that is there."""
    doing = f"Looking at {address}"
    return not parse_answer(rclone.read(["lsjson", *_BRIEF], [str(address)], doing=doing), list, doing)


def lost(what: str, rclone: Rclone, address: Address) -> UnavailableError:
    """The error for a place that should be there: a disk that is not mounted must not look like one without files."""
    make = ["rclone", *([] if rclone.config is None else ["--config", str(rclone.config)]), "mkdir", str(address)]
    return UnavailableError(
        f"{what}: {address} is not there, so its content is unknown",
        hint=f"Check whether the disk is mounted. If the directory is really gone: {shlex.join(make)}",
    )


def check_is_there(rclone: Rclone, address: Address) -> None:
    """Raise NotFoundError if there is no such directory or bucket, and RemoteError if the remote does not answer. To a
    bucket every directory is there."""
    report = rclone.run(["lsjson", *_BRIEF], [str(address)])
    if report.status in NOT_FOUND:
        raise NotFoundError(
            f"There is no directory {address}",
            hint=f"'rclone lsd {shlex.quote(f'{address.remote}:')}' lists those there",
        )
    if report.status != 0:
        raise rclone.error(report, f"Looking at {address} failed")


def _is_entry(entry: object) -> bool:
    return (
        isinstance(entry, dict)
        and isinstance(entry.get("Name"), str)
        and isinstance(entry.get("IsDir"), bool)
        and (entry["IsDir"] or type(entry.get("Size")) is int)
    )


def _info(entry: dict[str, Any]) -> FileInfo:
    """The size of some files is not known before they are read (-1): documents that are made anew each time, or what a
    server sends without saying how long it is."""
    if entry["IsDir"]:
        return FileInfo("directory")
    return FileInfo("file", entry["Size"] if entry["Size"] >= 0 else None)


def _whole(rclone: Rclone, place: str) -> IO[bytes]:
    """A file whose size nobody knows, read to its end."""
    found: IO[bytes] = TemporaryFile()  # noqa: SIM115 - the caller closes it
    process = rclone.open(["cat"], [place])
    assert process.stdout is not None
    assert process.stderr is not None
    said: list[bytes] = []
    reader = Thread(target=lambda stream: said.extend(stream), args=(process.stderr,), daemon=True)
    try:
        with process:
            reader.start()
            shutil.copyfileobj(process.stdout, found, _BUFFER)
            reader.join()
    except BaseException:
        process.kill()
        found.close()
        raise
    if process.returncode != 0:
        found.close()
        raise RemoteError(f"Reading {place} failed: {_first_message(said)}")
    found.seek(0)
    return found


def _first_message(lines: Iterable[bytes]) -> str:
    return next((str(parse_event(line).get("msg")) for line in lines if line.strip()), "rclone does not say why")


class _RemoteFile(io.RawIOBase):
    """A file that ``rclone cat`` reads from the present position on, until somebody seeks."""

    def __init__(self, rclone: Rclone, place: str, size: int) -> None:
        self._rclone = rclone
        self._place = place
        self._size = size
        self._position = 0
        self._process: Popen[bytes] | None = None
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._size}[whence]
        if base + offset < 0:
            raise ValueError(f"negative seek position {base + offset}")
        self._position = base + offset
        return self._position

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer).cast("B")
        if self._position >= self._size or not view:
            return 0
        stream = self._stream()
        count = int(stream.readinto(view[: self._size - self._position]))  # type: ignore[attr-defined]
        self._position += count
        self._at += count
        if count == 0:
            self._fail()
        if self._position == self._size:
            self._stop()
        return count

    def _stream(self) -> IO[bytes]:
        """What gives the bytes from the present position on."""
        ahead = self._position - self._at
        if self._process is not None and not 0 <= ahead <= _SKIP:
            self._stop()
        if self._process is None:
            self._process = self._rclone.open(["cat", f"--offset={self._position}"], [self._place])
            self._at = self._position
        assert self._process.stdout is not None
        while self._at < self._position:
            skipped = self._process.stdout.read(self._position - self._at)
            if not skipped:
                self._fail()
            self._at += len(skipped)
        return self._process.stdout

    def _fail(self) -> None:
        """The remote gave less than it said that it has."""
        assert self._process is not None
        said = [] if self._process.stderr is None else self._process.stderr.read().splitlines()
        told = _first_message(said) if said else "it ends too early"
        at = self._at
        self._stop()
        raise RemoteError(f"Reading {self._place} failed after {at} of {self._size} bytes: {told}")

    def _stop(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        process.wait()
        for stream in (process.stdout, process.stderr):
            if stream is not None:
                stream.close()

    def close(self) -> None:
        if not self.closed:
            self._stop()
        super().close()
