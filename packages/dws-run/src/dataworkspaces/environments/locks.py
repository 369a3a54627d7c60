"""Where the archives of packages lie, and their hashes, as lock files beside an environment tell.

What is installed does not say of which archive it was. Where a project has a lock file (``uv.lock`` or ``pylock.toml``)
that names the version that is installed, that one tells.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from dataworkspaces.environments.addresses import is_url, without_secrets
from dataworkspaces.environments.installed import normalized

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

NAMES = ("uv.lock", "pylock.toml")
_MOST_BYTES = 32 * 1024 * 1024


class Archive(NamedTuple):
    url: str
    hashes: Mapping[str, str]
    size: int | None = None

    def to_json(self) -> dict[str, Any]:
        return {"url": self.url, **({} if self.size is None else {"size": self.size}), "hashes": dict(self.hashes)}


class Archives(NamedTuple):
    """Of one version of a package. :ivar address: of the index that has them."""

    address: str | None = None
    sdist: Archive | None = None
    wheels: tuple[Archive, ...] = ()


def lock_files(prefix: str, root: Path | None) -> list[Path]:
    """Those in the directory that holds an environment, as ``.venv`` lies in its project, and in the workspace's."""
    places = dict.fromkeys([Path(prefix).parent, *([] if root is None else [root])])
    return [place / name for place in places for name in NAMES if (place / name).is_file()]


def archives(files: list[Path]) -> dict[tuple[str, str], Archives]:
    """What lock files say, by name and version. The first that says something of one counts; one that cannot be read
    says nothing."""
    found: dict[tuple[str, str], Archives] = {}
    for file in files:
        with suppress(OSError, ValueError, RecursionError, TypeError, AttributeError):
            if file.stat().st_size > _MOST_BYTES:
                continue
            document = tomllib.loads(file.read_text(encoding="utf-8"))
            read = _of_uv if file.name == "uv.lock" else _of_pylock
            for key, value in read(document):
                found.setdefault(key, value)
    return found


def _of_uv(document: Mapping[str, Any]) -> Iterator[tuple[tuple[str, str], Archives]]:
    for package in document.get("package", []):
        index = package.get("source", {}).get("registry")
        wheels = [_archive(w, _hash_of_uv(w)) for w in package.get("wheels", [])]
        sdist = package.get("sdist")
        yield from _entry(package, index, None if sdist is None else _archive(sdist, _hash_of_uv(sdist)), wheels)


def _hash_of_uv(fields: Mapping[str, Any]) -> dict[str, str]:
    algorithm, _, digest = str(fields.get("hash", "")).partition(":")
    return {algorithm: digest} if digest else {}


def _of_pylock(document: Mapping[str, Any]) -> Iterator[tuple[tuple[str, str], Archives]]:
    for package in document.get("packages", []):
        wheels = [_archive(w, w.get("hashes", {})) for w in package.get("wheels", [])]
        sdist = package.get("sdist")
        made = None if sdist is None else _archive(sdist, sdist.get("hashes", {}))
        yield from _entry(package, package.get("index"), made, wheels)


def _entry(
    package: Mapping[str, Any], index: Any, sdist: Archive | None, wheels: list[Archive | None]
) -> Iterator[tuple[tuple[str, str], Archives]]:
    name, version = package.get("name"), package.get("version")
    known = tuple(wheel for wheel in wheels if wheel is not None)
    if isinstance(name, str) and isinstance(version, str) and (sdist is not None or known):
        place = without_secrets(index) if isinstance(index, str) and is_url(index) else None
        yield (normalized(name), version), Archives(place, sdist, known)


def _archive(fields: Mapping[str, Any], hashes: Mapping[str, Any]) -> Archive | None:
    url, size = fields.get("url"), fields.get("size")
    good = {str(name): str(digest) for name, digest in hashes.items() if str(digest).isalnum()}
    if not isinstance(url, str) or not is_url(url) or not good:
        return None
    return Archive(without_secrets(url), good, size if isinstance(size, int) else None)
