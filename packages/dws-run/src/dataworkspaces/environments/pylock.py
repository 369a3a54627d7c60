"""Environments as ``pylock.toml`` (PEP 751).

``packages`` has those of which the source is known: an archive with its hash, a commit, a directory. The standard has
no place for a package without one; what came from an index by its name, and nothing tells of which archive, stands with
all others in ``tool.dataworkspaces.distributions``, and nowhere else.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from dataworkspaces.environments.addresses import is_url, is_vcs_url, vcs_type, without_secrets
from dataworkspaces.environments.installed import Installed, normalized
from dataworkspaces.environments.locks import Archives
from dataworkspaces.errors import MetadataError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

TOOL = "dataworkspaces"
FORMAT = 1
_NAME_RE = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,200}[A-Za-z0-9])?")
_VERSION_RE = re.compile(r"[A-Za-z0-9][A-Za-z0-9.!+_-]{0,100}")
_PYTHON_RE = re.compile(r"[0-9]+\.[0-9]+(\.[0-9]+)?[A-Za-z0-9.+-]{0,20}")
_IMPLEMENTATION_RE = re.compile(r"[A-Za-z]{1,20}")
_SUBDIRECTORY_RE = re.compile(r"[A-Za-z0-9._][A-Za-z0-9._/-]{0,500}")
_REVISION_RE = re.compile(r"[0-9A-Za-z][0-9A-Za-z._/+-]{0,200}")


def to_pylock(
    python: Mapping[str, str],
    found: Sequence[Installed],
    archives: Mapping[tuple[str, str], Archives],
    root: Path | None,
) -> bytes:
    """:param python: ``version``, ``implementation`` and ``platform``.
    :param root: the workspace's directory: paths below it are relative to where the document is kept."""
    import tomli_w

    packages, distributions = [], []
    for each in found:
        package = _package(each, archives.get((normalized(each.name), each.version)), root)
        if package is not None:
            packages.append(package)
        distributions.append(_distribution(each, is_known=package is not None, root=root))
    minor = ".".join(python["version"].split(".")[:2])
    document = {
        "lock-version": "1.0",
        "requires-python": f"=={minor}.*",
        "created-by": "dws-run",
        "packages": packages,
        "tool": {TOOL: {"format": FORMAT, "python": dict(python), "distributions": distributions}},
    }
    validated(document, "The environment")
    return tomli_w.dumps(document).encode("utf-8")


def _package(each: Installed, archives: Archives | None, root: Path | None) -> dict[str, Any] | None:
    name = normalized(each.name)
    if each.origin is None:
        if archives is None:
            return None
        return {
            "name": name,
            "version": each.version,
            **({} if archives.address is None else {"index": archives.address}),
            **({} if archives.sdist is None else {"sdist": archives.sdist.to_json()}),
            **({"wheels": [wheel.to_json() for wheel in archives.wheels]} if archives.wheels else {}),
        }
    source = _direct(each.origin, root)
    return None if source is None else {"name": name, **source}


def _direct(origin: Mapping[str, Any], root: Path | None) -> dict[str, Any] | None:
    """As ``direct_url.json`` tells (PEP 610)."""
    url, path = str(origin["url"]), _path(str(origin["url"]))
    subdirectory = origin.get("subdirectory")
    below = {"subdirectory": subdirectory} if isinstance(subdirectory, str) else {}
    vcs, archive, directory = (origin.get(key) for key in ("vcs_info", "archive_info", "dir_info"))
    if isinstance(vcs, dict) and isinstance(vcs.get("commit_id"), str):
        revision = vcs.get("requested_revision")
        place = {"url": without_secrets(url)} if path is None else {"path": _portable(path, root)}
        asked = {"requested-revision": revision} if isinstance(revision, str) else {}
        return {"vcs": {"type": str(vcs.get("vcs")), **place, **asked, "commit-id": vcs["commit_id"], **below}}
    if isinstance(archive, dict):
        hashes = archive.get("hashes")
        if not isinstance(hashes, dict):
            algorithm, _, digest = str(archive.get("hash", "")).partition("=")
            hashes = {algorithm: digest} if digest else {}
        if not hashes:
            return None
        place = {"url": without_secrets(url)} if path is None else {"path": _portable(path, root)}
        return {"archive": {**place, "hashes": hashes, **below}}
    if isinstance(directory, dict) and path is not None:
        editable = {"editable": True} if directory.get("editable") is True else {}
        return {"directory": {"path": _portable(path, root), **editable, **below}}
    return None


def _distribution(each: Installed, *, is_known: bool, root: Path | None) -> dict[str, Any]:
    told: dict[str, Any] = {"name": each.name, "version": each.version}
    if each.origin is not None and not is_known:
        path = _path(str(each.origin["url"]))
        told["source"] = without_secrets(str(each.origin["url"])) if path is None else _portable(path, root)
    if each.requested:
        told["requested"] = True
    further = {"installer": each.installer, "contents": each.contents}
    return told | {key: value for key, value in further.items() if value is not None}


def _path(url: str) -> Path | None:
    parts = urlsplit(url)
    return Path(unquote(parts.path)) if parts.scheme == "file" else None


def _portable(path: Path, root: Path | None) -> str:
    """A path in the workspace is relative to ``.dataworkspace/environments``, so that it is the same in each copy."""
    if root is not None and Path(os.path.realpath(path)).is_relative_to(os.path.realpath(root)):
        below = os.path.relpath(os.path.realpath(path), os.path.realpath(root))
        return Path("..", "..", below).as_posix()
    return path.as_posix()


def here(path: str, root: Path | None) -> Path:
    """A path of a document on this machine. Raises MetadataError for one that leads nowhere."""
    if "\0" in path or (not os.path.isabs(path) and root is None):  # noqa: PTH117
        raise MetadataError(f"The environment names the path {path!r:.200}, which is none of this machine")
    return Path(os.path.normpath((root or Path("/")) / ".dataworkspace" / "environments" / path))


# -- reading ---------------------------------------------------------------------------------------------------------


def validated(document: Mapping[str, Any], where: str) -> None:
    """Raise MetadataError if a document does not keep to the standard."""
    from packaging.pylock import Pylock, PylockUnsupportedVersionError, PylockValidationError

    try:
        Pylock.from_dict(document)
    except (PylockValidationError, PylockUnsupportedVersionError) as e:
        raise MetadataError(f"{where} is not a valid pylock.toml: {e}") from e


def read(content: bytes, where: str = "The recorded environment") -> dict[str, Any]:
    """A document, which anybody may have written. Whatever can become an option, a path or a request is as it should
    be; raises MetadataError otherwise."""
    try:
        document: dict[str, Any] = tomllib.loads(content.decode("utf-8"))
    except (ValueError, RecursionError) as e:
        raise MetadataError(f"{where} is not valid TOML: {str(e)[:200]}") from e
    validated(document, where)
    tool = document.get("tool", {}).get(TOOL)
    if not isinstance(tool, dict) or tool.get("format") != FORMAT:
        raise MetadataError(f"{where} has no table 'tool.{TOOL}' that this release knows")
    python, distributions = tool.get("python"), tool.get("distributions")
    if not isinstance(python, dict) or not _PYTHON_RE.fullmatch(str(python.get("version"))):
        raise MetadataError(f"{where} does not say which Python it is")
    if not _IMPLEMENTATION_RE.fullmatch(str(python.get("implementation"))):
        raise MetadataError(f"{where} has the implementation {python.get('implementation')!r:.80}")
    if not isinstance(distributions, list):
        raise MetadataError(f"{where} lacks the list of distributions")
    for each in distributions:
        is_named = isinstance(each, dict) and _NAME_RE.fullmatch(str(each.get("name")))
        if not is_named or not _VERSION_RE.fullmatch(str(each.get("version"))):
            raise MetadataError(f"{where} names the distribution {each!r:.200}")
        if not all(isinstance(each.get(key, ""), str) for key in ("source", "contents", "installer")):
            raise MetadataError(f"{where} says something of {each['name']} that is not a string")
    for package in document["packages"]:
        _check_source(package, where)
    return document


def _check_source(package: Mapping[str, Any], where: str) -> None:
    def refuse(what: str) -> MetadataError:
        return MetadataError(f"{where}: {package['name']} comes from {what!r:.200}, which is not allowed")

    for archive in [*filter(None, [package.get("sdist"), package.get("archive")]), *package.get("wheels", [])]:
        if "url" in archive and not is_url(archive["url"]):
            raise refuse(archive["url"])
        if not all(
            re.fullmatch(r"[a-z0-9]+", k) and re.fullmatch(r"[0-9a-fA-F]+", v) for k, v in archive["hashes"].items()
        ):
            raise refuse(str(archive["hashes"]))
    vcs = package.get("vcs")
    if vcs is not None:
        if not vcs_type(vcs["type"]) or not _REVISION_RE.fullmatch(vcs["commit-id"]):
            raise refuse(f"{vcs['type']} {vcs['commit-id']}")
        if "url" in vcs and not is_vcs_url(vcs["url"]):
            raise refuse(vcs["url"])
    for part in (vcs, package.get("archive"), package.get("directory")):
        below = None if part is None else part.get("subdirectory")
        if below is not None and (not _SUBDIRECTORY_RE.fullmatch(below) or ".." in below.split("/")):
            raise refuse(below)
