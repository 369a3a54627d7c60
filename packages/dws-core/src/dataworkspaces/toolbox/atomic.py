"""Reading and writing metadata files: JSON with errors that name the file, writes that are whole or not at all."""

from __future__ import annotations

import errno
import json
import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from dataworkspaces.durability import flush_directory, flush_open_files, make_directories
from dataworkspaces.errors import ConfigurationError, DwsError, MetadataError, UnavailableError, kind_of_os_error
from dataworkspaces.toolbox.regular import read_regular, status_if_any

__all__ = [
    "MAX_JSON_BYTES",
    "explain_os_error",
    "read_json",
    "read_json_list",
    "read_json_object",
    "read_json_object_if_any",
    "to_json",
    "unreadable",
    "write_bytes",
    "write_files",
    "write_json",
    "written_beside",
]

MAX_JSON_BYTES = 256 * 1024 * 1024
"""A larger metadata file is refused: it cannot be ours."""


def to_json(data: Any) -> str:
    """JSON as the files of a workspace hold it: indented by 2, keys in their order, no final newline."""
    try:
        return json.dumps(data, indent=2)
    except RecursionError as e:
        raise MetadataError("The data to store is nested too deeply") from e


@contextmanager
def written_beside(path: Path) -> Iterator[Path]:
    """Where to write what is to replace ``path``, at once at the end; if the block raises, nothing is left of it.
    Directories above it are made."""
    make_directories(path.parent)
    temporary = beside(path)
    try:
        yield temporary
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def beside(path: Path) -> Path:
    """The name of a file that is to replace ``path``."""
    # Not mkstemp: its files are for their owner only, whatever the umask says.
    return path.parent / f".{path.name[:40]}.{os.urandom(6).hex()}.tmp"


def write_bytes(
    path: Path, content: bytes, *, durable: bool = False, is_cache: bool = False, mode: int = 0o666
) -> None:
    """Replace ``path`` by a file with ``content``, or leave it as it is. Directories above it are made.

    After a power cut it is the old file or the new one, and never empty; with ``durable`` it is the new one once this
    has returned. With ``is_cache`` neither is promised: it may be lost at any time, and costs less."""
    try:
        with written_beside(path) as temporary:
            fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
            with os.fdopen(fd, "wb") as f:
                f.write(content)
                if not is_cache:
                    f.flush()
                    os.fsync(f.fileno())
    except OSError as e:
        if e.filename is None:
            e.filename = str(path)  # a full disk does not say where
        raise
    if durable:
        flush_directory(path.parent)


def write_files(directory: Path, contents: Mapping[str, bytes]) -> None:
    """Replace files of a directory, by name, as :func:`write_bytes` does when it is ``durable``. Many cost little more
    than one."""
    make_directories(directory)
    pending = list(contents.items())
    for start in range(0, len(pending), _TOGETHER):
        _write_together(directory, pending[start : start + _TOGETHER])
    if pending:
        flush_directory(directory)


_TOGETHER = 100


def _write_together(directory: Path, contents: list[tuple[str, bytes]]) -> None:
    open_files: list[tuple[int, Path, Path]] = []
    path = directory
    try:
        for name, content in contents:
            path = directory / name
            temporary = beside(path)
            fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
            open_files.append((fd, temporary, path))
            with os.fdopen(fd, "wb", closefd=False) as f:
                f.write(content)
        flush_open_files([fd for fd, _, _ in open_files])
        for _, temporary, target in open_files:
            path = target
            temporary.replace(target)
    except OSError as e:
        if e.filename is None:
            e.filename = str(path)
        raise
    finally:
        for fd, temporary, _ in open_files:
            os.close(fd)
            temporary.unlink(missing_ok=True)


def write_json(path: Path, data: Any, *, durable: bool = False) -> None:
    """Replace ``path`` by ``data`` as JSON."""
    write_bytes(path, to_json(data).encode("utf-8"), durable=durable)


def unreadable(path: Path, error: OSError) -> DwsError:
    """What a file of metadata that cannot be read is told as: damaged if it is certain that no file is there, and
    unavailable if a later try may read it."""
    kind = UnavailableError if kind_of_os_error(error) is UnavailableError else MetadataError
    return kind(f"{path} cannot be read: {error.strerror or error}")


def read_json(path: Path) -> Any:
    """The JSON of ``path``; raises MetadataError that names the file if it is not there or is not JSON,
    UnavailableError if it cannot be read now."""
    try:
        told = path.stat()
        if not stat.S_ISREG(told.st_mode):  # reading a pipe would wait for somebody at its other end
            raise MetadataError(f"{path} is not a regular file")
        if told.st_size > MAX_JSON_BYTES:
            raise MetadataError(f"{path} is larger than {MAX_JSON_BYTES >> 20} MiB, which no metadata file is")
        return json.loads(read_regular(path).decode("utf-8"))
    except OSError as e:
        raise unreadable(path, e) from e
    except RecursionError as e:
        raise MetadataError(f"{path} is nested too deeply") from e
    except ValueError as e:
        raise MetadataError(f"{path} is not valid JSON: {e}", hint="'dws fsck' says how to get it back") from e


def read_json_object(path: Path, *required: str) -> dict[str, Any]:
    """The JSON object of ``path``; raises MetadataError if it is none, or lacks a ``required`` key."""
    data = read_json(path)
    if not isinstance(data, dict):
        raise MetadataError(f"{path} should hold a JSON object")
    for key in required:
        if key not in data:
            raise MetadataError(f"{path} lacks the key '{key}'", hint="'dws fsck' says how to get it back")
    return data


def read_json_object_if_any(path: Path, *required: str) -> dict[str, Any] | None:
    """As :func:`read_json_object`; None if there is nothing at ``path``."""
    with suppress(UnavailableError):  # told by the attempt to read it
        if status_if_any(path, follow_links=False) is None:
            return None
    return read_json_object(path, *required)


def read_json_list(path: Path) -> list[Any]:
    """The JSON list of ``path``; raises MetadataError if it is none."""
    data = read_json(path)
    if not isinstance(data, list):
        raise MetadataError(f"{path} should hold a JSON list")
    return data


def explain_os_error(error: OSError, doing: str) -> ConfigurationError:
    """An error for the user of a system call that failed while ``doing`` something, of the kind that fits."""
    hints = {
        errno.ENOSPC: "Free some disk space and try again",
        errno.EROFS: "The disk is read-only",
        errno.EACCES: "Check the permissions",
        errno.EPERM: "Check the permissions",
    }
    where = f"{error.filename}: " if error.filename else ""
    return kind_of_os_error(error)(
        f"{doing} failed: {where}{error.strerror or error}", hint=hints.get(error.errno or 0)
    )
