"""What stevedore found to be installed, kept from one call to the next.

Importing stevedore takes as long as all that ``dws --help`` does beside that. So what it found lies in a file of the
user's cache directory, and is looked up anew when a directory of ``sys.path`` has changed. Nothing fails if the file
cannot be read or written.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from contextlib import suppress
from zlib import crc32

from dataworkspaces.toolbox.user_directories import cache_directory

_SEPARATOR = "\t"


Kept = tuple[str, str, str, str]
"""An entry point of a group of ours: the group, the name, ``module:attribute`` and the distribution."""


def read() -> list[Kept] | None:
    """What was kept; None if it may no longer be true."""
    path = _path()
    try:
        with open(_place(path), encoding="utf-8", errors="surrogateescape") as file:  # noqa: PTH123 - pathlib is slow
            state, *lines = file.read().split("\n")
    except OSError:
        return None
    rows = [line.split(_SEPARATOR) for line in lines[:-1]]
    if state != _state(path) or lines[-1:] != ["end"] or any(len(row) != 4 for row in rows):
        return None
    return [(group, name, value, distribution) for group, name, value, distribution in rows]


def write(found: Iterable[Kept]) -> None:
    path = _path()
    place = _place(path)
    text = "\n".join([_state(path), *map(_SEPARATOR.join, found), "end"])
    with suppress(OSError):
        os.makedirs(os.path.dirname(place), exist_ok=True)  # noqa: PTH103, PTH120 - pathlib is slow
        new = f"{place}.{os.getpid()}"
        with open(new, "w", encoding="utf-8", errors="surrogateescape") as file:  # noqa: PTH123 - pathlib is slow
            file.write(text)
        os.replace(new, place)  # noqa: PTH105 - pathlib is slow


def _path() -> Sequence[str]:
    """Where distributions can be. The directory of the script that runs is one only if it holds one: so all scripts
    share one file with ``dws``."""
    first, *others = sys.path or [""]
    try:
        holds_one = any(name.endswith((".dist-info", ".egg-info")) for name in os.listdir(first or "."))  # noqa: PTH208
    except OSError:
        holds_one = False
    return sys.path if holds_one else others


def _state(path: Sequence[str]) -> str:
    """Changes with what is installed."""
    return repr([(entry, _changed(entry or ".")) for entry in (sys.executable, *path)])


def _changed(path: str) -> int:
    try:
        return os.stat(path).st_mtime_ns  # noqa: PTH116 - pathlib is slow
    except OSError:
        return -1


def _place(path: Sequence[str]) -> str:
    number = crc32(repr((sys.executable, list(path))).encode("utf-8", "surrogateescape"))
    return f"{cache_directory()}/plugins-{number:08x}"
