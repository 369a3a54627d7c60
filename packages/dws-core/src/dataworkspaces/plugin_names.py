"""The names of plug-ins that ``dws --help`` and completion show, kept from one call to the next.

They are those that stevedore finds; but importing it takes as long as all that ``dws --help`` does beside that. So they
lie in a file of the user's cache directory, and are looked up anew when a directory of ``sys.path`` has changed.
Nothing is loaded by what it says, and nothing fails if it cannot be read or written.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from zlib import crc32

from dataworkspaces import plugins
from dataworkspaces.errors import PluginError

_SEPARATOR = "\t"


def shown_names(group: str) -> dict[str, str]:
    """The names of a group, each with its distribution, in alphabetical order; none if they cannot be told."""
    found = _read()
    if found is None:
        try:
            found = [(g, name, a.distribution) for g in plugins.KINDS for name, a in _announced(g)]
        except PluginError:
            return {}
        _write(found)
    return {name: distribution for g, name, distribution in found if g == group}


def _announced(group: str) -> list[tuple[str, plugins.Announcement]]:
    try:
        return list(plugins.announced(group).items())
    except PluginError:
        plugins.names(group)  # which tells two of one name, whose user is told, from metadata that cannot be read
        return []


def _state() -> str:
    """Changes with what is installed."""
    return repr([(entry, _changed(entry or ".")) for entry in (sys.executable, *sys.path)])


def _changed(path: str) -> int:
    try:
        return os.stat(path).st_mtime_ns  # noqa: PTH116 - pathlib is slow
    except OSError:
        return -1


def _place() -> str:
    base = os.environ.get("XDG_CACHE_HOME", "")
    if not base.startswith("/"):
        base = os.path.expanduser("~/.cache")  # noqa: PTH111 - pathlib is slow
    number = crc32(repr((sys.executable, sys.path)).encode("utf-8", "surrogateescape"))
    return f"{base}/dws/plugin-names-{number:08x}"


def _read() -> list[tuple[str, str, str]] | None:
    try:
        with open(_place(), encoding="utf-8", errors="surrogateescape") as file:  # noqa: PTH123 - pathlib is slow
            state, *lines = file.read().split("\n")
    except OSError:
        return None
    rows = [line.split(_SEPARATOR) for line in lines[:-1]]
    if state != _state() or lines[-1:] != ["end"] or any(len(row) != 3 for row in rows):
        return None
    return [(group, name, distribution) for group, name, distribution in rows]


def _write(found: list[tuple[str, str, str]]) -> None:
    place = _place()
    text = "\n".join([_state(), *map(_SEPARATOR.join, found), "end"])
    with suppress(OSError):
        os.makedirs(os.path.dirname(place), exist_ok=True)  # noqa: PTH103, PTH120 - pathlib is slow
        new = f"{place}.{os.getpid()}"
        with open(new, "w", encoding="utf-8", errors="surrogateescape") as file:  # noqa: PTH123 - pathlib is slow
            file.write(text)
        os.replace(new, place)  # noqa: PTH105 - pathlib is slow
