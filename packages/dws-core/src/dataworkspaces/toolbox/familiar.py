"""Whether a directory is one that its user knows: made or cloned here by them, or looked at and found harmless.

A directory that came in another way, out of an archive, say, brings along what no clone does: git's configuration, and
notes of commands that were run. So what tells is a mark that only the user's own secret makes, and for this place
alone: an archive has no such mark, and a copy lies at another place. See ``docs/trust.md``.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from dataworkspaces.toolbox.regular import read_regular
from dataworkspaces.toolbox.user_directories import config_directory

__all__ = ["keyed_digest", "make_familiar", "mark_of", "user_secret"]

SECRET_FILE = "secret"
_MARKS = "familiar"
_BYTES = 32


def user_secret() -> bytes | None:
    """Random bytes that only this user has, made when they are first needed; None if they cannot be kept."""
    try:
        path = Path(config_directory()).expanduser() / SECRET_FILE
        with suppress(FileNotFoundError):
            return _checked(read_regular(path))
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        temporary = path.with_name(f".{SECRET_FILE}-{os.getpid()}-{os.urandom(4).hex()}")
        with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(os.urandom(_BYTES))
            os.fsync(file.fileno())
        try:
            with suppress(FileExistsError):  # another process has made one
                os.link(temporary, path)
        finally:
            temporary.unlink()
        return _checked(read_regular(path))
    except (OSError, RuntimeError):  # a home that is missing or cannot be written to
        return None


def _checked(secret: bytes) -> bytes | None:
    return secret if len(secret) == _BYTES else None


def keyed_digest(text: str) -> str | None:
    """A hash that nobody else can make; None without a secret."""
    import hashlib

    secret = user_secret()
    if secret is None:
        return None
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), key=secret, digest_size=32).hexdigest()


def mark_of(place: str, machine: Path) -> str | None:
    """What was noted when the directory became familiar; None if it is not.

    :param place: the directory, without links.
    :param machine: where the mark is kept."""
    digest = keyed_digest(place)
    if digest is None:
        return None
    try:
        return read_regular(machine / _MARKS / digest).decode("utf-8", "surrogateescape")
    except OSError:
        return None


def make_familiar(place: str, machine: Path, note: str = "") -> None:
    """Where that cannot be kept, the next command looks again."""
    digest = keyed_digest(place)
    if digest is None:
        return
    from dataworkspaces.toolbox.atomic import write_bytes

    with suppress(OSError):
        (machine / _MARKS).mkdir(parents=True, exist_ok=True)
        write_bytes(machine / _MARKS / digest, note.encode("utf-8", "surrogateescape"))
