"""What a ``pylock.toml`` of ours says, as packages, as sources to agree to, and in other formats."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dataworkspaces.environments.installed import normalized
from dataworkspaces.environments.pylock import TOOL, here, read
from dataworkspaces.errors import NotSupportedError
from dataworkspaces.lineage.environment_kind import Package, Source

INDEX = "the package index of this machine"


@dataclass(frozen=True)
class Wanted:
    """A distribution, as an installer is asked for it.

    :ivar requirement: a line of a file of requirements, without hashes.
    :ivar path: the directory or archive of this machine that it comes from.
    :ivar address: what is contacted, or read, for it; None for the index.
    """

    name: str
    version: str
    requirement: str
    hashes: tuple[str, ...] = ()
    path: Path | None = None
    address: str | None = None


def packages(document: Mapping[str, Any]) -> list[Package]:
    known = {package["name"]: package for package in document["packages"]}
    return [_described(each, known.get(normalized(each["name"]))) for each in document["tool"][TOOL]["distributions"]]


def _described(each: Mapping[str, Any], package: Mapping[str, Any] | None) -> Package:
    source, hashes, editable = each.get("source"), False, False
    if package is not None:
        vcs, archive, directory = (package.get(key) for key in ("vcs", "archive", "directory"))
        if vcs is not None:
            source, hashes = f"{vcs['type']}+{vcs.get('url') or vcs.get('path')}@{vcs['commit-id']}", True
        elif archive is not None:
            source, hashes = archive.get("url") or archive.get("path"), True
        elif directory is not None:
            source, editable = directory["path"], directory.get("editable") is True
        else:
            source, hashes = None, True
    return Package(each["name"], each["version"], source, hashes, editable, each.get("contents"))


def wanted(document: Mapping[str, Any], root: Path | None) -> list[Wanted]:
    """All distributions, as they can be had again."""
    known = {package["name"]: package for package in document["packages"]}
    return [
        _wanted(each, known.get(normalized(each["name"])), root) for each in document["tool"][TOOL]["distributions"]
    ]


def _wanted(each: Mapping[str, Any], package: Mapping[str, Any] | None, root: Path | None) -> Wanted:
    name, version = each["name"], each["version"]
    if package is None:
        if "source" not in each:
            return Wanted(name, version, f"{name}=={version}")
        # Of an archive without a hash only its address is known; what is there now may be anything.
        source = each["source"]
        return Wanted(
            name, version, f"{name}=={version}", address=None, path=None if "://" in source else here(source, root)
        )
    for key in ("vcs", "archive", "directory"):
        if package.get(key) is not None:
            return _direct(name, version, key, package[key], root)
    archives = [*filter(None, [package.get("sdist")]), *package.get("wheels", [])]
    hashes = sorted({f"{kind}:{digest}" for archive in archives for kind, digest in archive["hashes"].items()})
    return Wanted(name, version, f"{name}=={version}", tuple(hashes))


def _direct(name: str, version: str, kind: str, source: Mapping[str, Any], root: Path | None) -> Wanted:
    path = here(source["path"], root) if "path" in source else None
    url = source["url"] if path is None else path.as_uri()
    below = [f"subdirectory={source['subdirectory']}"] if "subdirectory" in source else []
    hashes = [f"{name}={digest}" for name, digest in sorted(source.get("hashes", {}).items())]
    fragment = "&".join([*below, *hashes[:1]])
    url = f"{url}#{fragment}" if fragment else url
    if kind == "vcs":
        address = f"{source['type']}+{source.get('url') or url.partition('#')[0]}@{source['commit-id']}"
        return Wanted(name, version, f"{name} @ {address}{'#' if fragment else ''}{fragment}", (), path, address)
    is_editable = source.get("editable") is True
    requirement = f"-e {url}" if is_editable else f"{name} @ {url}"
    return Wanted(name, version, requirement, (), path, url if path is None else str(path))


def sources(document: Mapping[str, Any], root: Path | None) -> list[Source]:
    """Where an installer would get what; from the index first."""
    found: dict[str, list[str]] = {}
    for each in wanted(document, root):
        found.setdefault(each.address or INDEX, []).append(f"{each.name} {each.version}")
    return sorted((Source(address, tuple(names)) for address, names in found.items()), key=lambda s: s.address != INDEX)


def export(content: bytes, format: str, root: Path | None) -> str:
    document = read(content)
    if format == "pylock":
        return _for_anywhere(content, document, root)
    if format == "requirements":
        return "".join(f"{line}\n" for line in _requirements(document, root))
    if format == "json":
        tool = document["tool"][TOOL]
        return json.dumps({"python": tool["python"], "packages": [p.to_json() for p in packages(document)]}, indent=2)
    raise NotSupportedError(f"There is no format '{format}' of a Python environment")


def _for_anywhere(content: bytes, document: dict[str, Any], root: Path | None) -> str:
    """With paths that hold wherever the document lies."""
    parts = [package.get(key) for package in document["packages"] for key in ("vcs", "archive", "directory")]
    relative = [part for part in parts if part is not None and not os.path.isabs(part.get("path", "/"))]  # noqa: PTH117
    if not relative:
        return content.decode("utf-8")
    import tomli_w

    for part in relative:
        part["path"] = str(here(part["path"], root))
    return tomli_w.dumps(document)


def _requirements(document: Mapping[str, Any], root: Path | None) -> Iterator[str]:
    python = document["tool"][TOOL]["python"]
    found = wanted(document, root)
    yield f"# {python['implementation']} {python['version']}"
    without = [each.name for each in found if not each.hashes]
    if without and len(without) < len(found):
        # pip wants hashes of all, or of none.
        yield f"# hashes are left out: {len(without)} of {len(found)} distributions have none"
    for each in found:
        yield with_hashes(each) if not without else each.requirement


def with_hashes(each: Wanted) -> str:
    return " ".join([each.requirement, *(f"--hash={digest}" for digest in each.hashes)])


def unknown_sources(found: Sequence[Wanted]) -> list[str]:
    """The distributions that come from a directory or archive that is not on this machine."""
    return [f"{each.name} came from {each.path}" for each in found if each.path is not None and not each.path.exists()]
