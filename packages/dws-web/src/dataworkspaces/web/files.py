"""Files of resources, now or in a snapshot: what there is, and what is in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dataworkspaces.errors import ConfigurationError, NotFoundError
from dataworkspaces.web.experiments import NOW
from dataworkspaces.web.previews.choice import MOST_BYTES, preview
from dataworkspaces.workspace import FileInfo, FileResourceMixin

if TYPE_CHECKING:
    from dataworkspaces.workspace import Workspace

MOST_LISTED = 2000
MOST_SENT = 256 << 20
"""Bytes of a file that is downloaded, which is held in memory."""


def listing(workspace: Workspace, at: str, name: str, path: str) -> dict[str, Any]:
    """What a directory of a resource holds: directories before files.

    :param at: a tag or hash, or :data:`NOW`."""
    infos = files_at(workspace, at, name).list_infos(checked(path))
    entries = [
        {"name": each, "kind": info.kind, "size": info.size}
        for each, info in sorted(infos, key=lambda pair: (pair[1].kind != "directory", pair[0]))
    ]
    return {"entries": entries[:MOST_LISTED], "has_more": len(entries) > MOST_LISTED}


def shown_file(workspace: Workspace, at: str, name: str, path: str) -> dict[str, Any]:
    """A preview of a file."""
    files = files_at(workspace, at, name)
    info = _info(files, path)
    content = files.read_range(path, 0, MOST_BYTES)
    is_whole = len(content) < MOST_BYTES if info.size is None else info.size <= len(content)
    blocks, problem = preview(path, content, is_whole=is_whole)
    return {"size": info.size, "blocks": [block.to_json() for block in blocks], "problem": problem}


def whole_file(workspace: Workspace, at: str, name: str, path: str) -> bytes:
    """The content of a file."""
    files = files_at(workspace, at, name)
    size = _info(files, path).size or 0
    content = files.read_range(path, 0, MOST_SENT + 1) if size <= MOST_SENT else b""
    if max(size, len(content)) > MOST_SENT:
        raise ConfigurationError(
            f"'{path}' is too large to be sent by the page", hint=f"dws cp {name}:{path} . copies it"
        )
    return content


def files_at(workspace: Workspace, at: str, name: str) -> FileResourceMixin:
    """The files of a resource in a snapshot, or now."""
    if at == NOW:
        resource = workspace.get_resource(name)
        if not isinstance(resource, FileResourceMixin):
            raise ConfigurationError(f"Resource '{name}' has no files", hint="'dws ls' lists those that have")
        return resource
    from dataworkspaces.filesystems.snapshot_files import files_at_snapshot

    return files_at_snapshot(workspace, name, at)


def _info(files: FileResourceMixin, path: str) -> FileInfo:
    if not files.does_subpath_exist(checked(path), must_be_file=True):
        raise NotFoundError(f"There is no file '{path}'", hint="'dws ls' lists what there is")
    return files.get_file_info(path)


def checked(path: str) -> str:
    """The path. It comes from an address: it must not lead elsewhere."""
    if path.startswith("/") or "\0" in path or "\\" in path or {"..", "."} & set(path.split("/")):
        raise ConfigurationError(f"'{path}' is not a path in a resource", hint="As in directory/file.csv")
    return path
