"""A workspace from somebody else: what its repository holds is looked at before anything of it is on disk.

See ``docs/trust.md``."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from dataworkspaces.backends.git.paths import BRANCH_PARAM, LOCAL_ONLY
from dataworkspaces.backends.git.resource_files import SUFFIX, check_entry, check_list
from dataworkspaces.errors import ConfigurationError, MetadataError, RefusedError
from dataworkspaces.gitrepo.checks import check_branch_name, check_scratch_directory, check_subdirectory_path
from dataworkspaces.gitrepo.plumbing import LINK, TreeEntry, describe, read_blobs, select
from dataworkspaces.params import SCRATCH_DIRECTORY
from dataworkspaces.toolbox.atomic import MAX_JSON_BYTES
from dataworkspaces.workspace.workspace_uri import METADATA_DIR

_REGULAR = ("100644", "100755")
_CONFIG = f"{METADATA_DIR}/config.json"
_RESOURCES = f"{METADATA_DIR}/resources/"
_RESOURCE_LIST = f"{METADATA_DIR}/resources.json"
_PLACES = ("relative_path", "relative_local_path")
_DIRECTORY_NAME_RE = re.compile(r"[^\W_][^\x00-\x1f\x7f-\x9f/\\]{0,99}\Z")
_HINT = "Do not use it until its owner has explained this"


def check_metadata_tree(root: Path, commit: str) -> None:
    """Raise MetadataError if the metadata in a commit, or in the tree of a workspace in one, holds anything but plain
    files, or what belongs to one machine; MetadataError or ConfigurationError if a resource, or its place, is none that
    a workspace can have."""
    _check_top(select(root, commit, lambda path: b"/" not in path))
    metadata = os.fsencode(f"{METADATA_DIR}/")
    found = select(root, commit, lambda path: path.startswith(metadata) or path == metadata[:-1])
    entries = {path: entry for path, entry in found.items() if entry.kind != "tree"}
    for path, entry in entries.items():
        _check_entry(path, entry)
    wanted = {p: e.name for p, e in entries.items() if p in (_CONFIG, _RESOURCE_LIST) or _is_resource_file(p)}
    _check_sizes(root, wanted)
    blobs = read_blobs(root, wanted.values())
    contents = {path: _parse(path, blobs[name]) for path, name in wanted.items()}
    config = contents.get(_CONFIG, {"name": "", "dws-version": ""})
    if not isinstance(config, dict) or not {"name", "dws-version"} <= config.keys():
        raise MetadataError(f"{_CONFIG} of the origin should be a JSON object with a name and a version", hint=_HINT)
    _check_places(root, commit, _check_resources(contents), contents.get(_CONFIG))


def directory_name(workspace_name: object) -> str:
    """The directory that a clone makes if its user names none: no hidden one, in which programs find what they run."""
    name = workspace_name.replace("/", "-") if isinstance(workspace_name, str) else ""
    if not _DIRECTORY_NAME_RE.match(name):
        raise ConfigurationError(
            f"The workspace's name {workspace_name!r:.200} cannot name its directory",
            hint="Name a directory: dws clone URL DIR",
        )
    return name


def _check_top(names: Iterable[str]) -> None:
    """Raise MetadataError for a directory that some file system takes for that of the metadata."""
    for name in names:
        if name != METADATA_DIR and name.lower() == METADATA_DIR:
            raise MetadataError(f"{name} of the origin could be mistaken for {METADATA_DIR}", hint=_HINT)


def _check_entry(path: str, entry: TreeEntry) -> None:
    first = path[len(METADATA_DIR) + 1 :].partition("/")[0].lower()
    if entry.mode not in _REGULAR:
        kind = "a symbolic link" if entry.mode == "120000" else "a repository"
        raise MetadataError(f"{path} of the origin is {kind}, which metadata cannot be", hint=_HINT)
    if first in LOCAL_ONLY:
        raise MetadataError(
            f"{path} of the origin is in git, but belongs to one machine only",
            hint=f"Its owner has to remove it: git rm --cached {path}",
        )


def _is_resource_file(path: str) -> bool:
    name = path[len(_RESOURCES) :] if path.startswith(_RESOURCES) else ""
    return name.endswith(SUFFIX) and not name.startswith(".") and "/" not in name


def _check_sizes(root: Path, names: Mapping[str, str]) -> None:
    for path, info in zip(names, describe(root, list(names.values())), strict=True):
        if info is not None and info.size > MAX_JSON_BYTES:
            raise MetadataError(f"{path} of the origin is larger than {MAX_JSON_BYTES >> 20} MiB", hint=_HINT)


def _parse(path: str, content: bytes) -> Any:
    try:
        return json.loads(content)
    except (ValueError, RecursionError) as e:
        what = "is nested too deeply" if isinstance(e, RecursionError) else f"is not valid JSON: {e}"
        raise MetadataError(f"{path} of the origin {what}", hint=_HINT) from e


def _check_resources(contents: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The parameters of all resources."""
    found = []
    for path, content in contents.items():
        where = f"{path} of the origin"
        if path == _RESOURCE_LIST:
            found += check_list(content, where)
        elif path != _CONFIG:
            if not isinstance(content, dict) or not {"position", "parameters"} <= content.keys():
                raise MetadataError(f"{where} should be a JSON object with 'position' and 'parameters'", hint=_HINT)
            check_entry(content, path[len(_RESOURCES) :], where)
            found.append(content["parameters"])
    return found


def _check_places(root: Path, commit: str, resources: Iterable[Mapping[str, Any]], config: object) -> None:
    """Raise ConfigurationError for a place that leads out of the workspace, or through a symbolic link of the commit.

    Links that the user makes instead of a directory are the user's, and no matter for git."""
    places = {}
    for params in resources:
        for key in _PLACES:
            if params.get(key) is not None:
                places[check_subdirectory_path(params[key], params["name"])] = f"Resource '{params['name']}'"
    global_params = config.get("global_params") if isinstance(config, dict) else None
    if not isinstance(global_params, dict):
        global_params = {}
    if (branch := global_params.get(BRANCH_PARAM)) is not None:
        check_branch_name(branch, "the workspace's branch")
    if scratch := global_params.get(SCRATCH_DIRECTORY):
        places[check_scratch_directory(root, scratch).relative_to(root).as_posix()] = "The scratch directory"
    prefixes = {str(p): what for place, what in places.items() for p in _with_parents(place)}
    if not prefixes:
        return
    for path, entry in select(root, commit, {os.fsencode(prefix) for prefix in prefixes}.__contains__).items():
        if entry.kind == "blob":
            kind = "a symbolic link" if entry.mode == LINK else "not a directory"
            raise RefusedError(f"{prefixes[path]}: {path} of the origin is {kind}", hint=_HINT)


def _with_parents(place: str) -> list[PurePosixPath]:
    path = PurePosixPath(place)
    return [path, *(parent for parent in path.parents if parent.name)]
