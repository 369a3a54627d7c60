"""Keys as files: a ``/`` in a key makes a directory of what is before it."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass, field


def below(directory: str) -> str:
    """What the keys in a directory begin with; ``""`` is the root."""
    return f"{directory}/" if directory else ""


@dataclass
class Names:
    """What lies directly in a directory. A name may be in both."""

    files: list[str] = field(default_factory=list)
    directories: list[str] = field(default_factory=list)


class KeyTree:
    """Many keys, to be looked at as files; in the memory that a sorted list of them takes.

    A key that is no plain path (``a//b``, ``../c``) is nobody's file; one that ends with ``/`` makes a directory."""

    def __init__(self, keys: Iterable[str]) -> None:
        self._keys = sorted(keys)

    def is_directory(self, path: str) -> bool:
        start = below(path)
        found = bisect_left(self._keys, start)
        return not path or (found < len(self._keys) and self._keys[found].startswith(start))

    def names(self, directory: str) -> Names:
        """Sorted. The cost is that of what is listed, not of what lies below."""
        start = below(directory)
        names = Names()
        at = bisect_left(self._keys, start)
        while at < len(self._keys) and self._keys[at].startswith(start):
            name, slash, _ = self._keys[at][len(start) :].partition("/")
            if not slash:
                if is_plain(name):
                    names.files.append(name)
                at += 1
                continue
            if is_plain(name):
                names.directories.append(name)
            at = bisect_left(self._keys, f"{start}{name}0", lo=at)  # 0 comes after /
        return names

    def keys_below(self, directory: str) -> list[str]:
        start = below(directory)
        first = bisect_left(self._keys, start)
        last = bisect_left(self._keys, f"{start[:-1]}0") if start else len(self._keys)
        return self._keys[first:last]


def is_plain(name: str) -> bool:
    return name not in ("", ".", "..")
