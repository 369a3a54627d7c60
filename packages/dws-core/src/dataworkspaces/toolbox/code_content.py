"""What lies at a place that holds code, as one text: of notebooks the sources count, and no outputs."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path

from dataworkspaces.toolbox.content import Skip, content_of
from dataworkspaces.toolbox.notebooks import SUFFIX, hash_of_sources

__all__ = ["content_of_code", "find_notebooks"]


def content_of_code(place: Path, skip: Skip | None = None) -> str | None:
    """As :func:`content_of`, and the same where there is no notebook."""
    sources = {path: found for path in find_notebooks(place, skip) if (found := _sources(place / path)) is not None}
    if not sources:
        return content_of(place, skip)
    if "" in sources:
        return f"sha1:{_sha1(sources[''])}"
    rest = content_of(place, lambda path: path in sources or (skip is not None and skip(path)))
    how = "sha1" if rest is None else rest.partition(":")[0]
    return f"{how}:{_sha1(json.dumps([rest, sorted(sources.items())]))}"


def find_notebooks(place: Path, skip: Skip | None = None) -> Iterator[str]:
    """The paths below a directory, or ``""`` for a file that is a notebook itself. Links are left out."""
    if place.is_file():
        if place.suffix == SUFFIX:
            yield ""
        return
    for directory, names, files in os.walk(place):
        prefix = "" if Path(directory) == place else f"{Path(directory).relative_to(place).as_posix()}/"
        names[:] = [name for name in names if skip is None or not skip(prefix + name)]
        for name in files:
            is_file = name.endswith(SUFFIX) and not (Path(directory) / name).is_symlink()
            if is_file and (skip is None or not skip(prefix + name)):
                yield prefix + name


def _sources(path: Path) -> str | None:
    """None for what is no notebook, or is gone by now."""
    try:
        return hash_of_sources(path.read_bytes()) if path.is_file() else None
    except OSError:
        return None


def _sha1(text: str) -> str:
    return hashlib.sha1(text.encode("utf-8", "surrogateescape"), usedforsecurity=False).hexdigest()
