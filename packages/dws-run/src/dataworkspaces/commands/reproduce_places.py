"""Where the places of a workspace are in its copy, and which files are there."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from dataworkspaces.toolbox.regular import is_present
from dataworkspaces.workspace import LocalStateResourceMixin, ResourceRef, Workspace
from dataworkspaces.workspace.workspace_uri import METADATA_DIR


def place_in_copy(text: str, places: Mapping[str, str], root: Path) -> str:
    """An absolute path of the workspace as it is in its copy at ``root``; other texts as they are.

    The workspace may have been elsewhere when the path was recorded, and may be there still: a step of the copy must
    not write to it. So a path in any workspace of this machine is meant in the copy, and one that is not here at all,
    if the copy has such a place."""
    for then, now in places.items():
        if text == then or text.startswith(f"{then}/"):
            return now + text[len(then) :]
    path = Path(text)
    if not path.is_absolute() or path.is_relative_to(root):
        return text
    for above in (path, *path.parents):
        if (above / METADATA_DIR).is_dir():
            return str(root / path.relative_to(above))
    if is_present(path) or path.parent.is_dir():
        return text
    parts = path.parts[1:]
    for start in range(1, len(parts) - 1):
        there = root.joinpath(*parts[start:])
        if is_present(there) or there.parent.is_dir():
            return str(there)
    return text


def root_of(workspace: Workspace, ref: ResourceRef) -> Path | None:
    own = workspace.own_files_resource()
    if ref.name not in {*workspace.get_resource_names(), *([] if own is None else [own.name])}:
        return None
    resource = workspace.get_resource(ref.name)
    place = resource.get_local_path_if_any() if isinstance(resource, LocalStateResourceMixin) else None
    if place is None and own is not None and ref.name == own.name:
        place = workspace.get_workspace_local_path_if_any()
    return None if place is None else Path(os.path.realpath(place))


def files_at(root: Path, subpath: str | None) -> list[str]:
    """The files at a place below a root, relative to it, without those of earlier snapshots and of ourselves. Links are
    not followed."""
    start = root / subpath if subpath else root
    if start.is_symlink() or start.is_file():
        return [start.relative_to(root).as_posix()]
    found = []
    for directory, names, files in os.walk(start):
        here = Path(directory)
        links = [name for name in names if (here / name).is_symlink()]
        if here == root:
            names[:] = [name for name in names if name not in ("snapshots", ".git", ".dataworkspace")]
            files = [name for name in files if name != "README.txt"]
        found += [(here / name).relative_to(root).as_posix() for name in (*files, *links)]
    return sorted(found)


def same_places(workspace: Workspace, copy: Workspace) -> dict[str, str]:
    """By directory here that of the checkout; the longest first."""
    found: dict[str, str] = {}
    there = dict(copy.get_local_paths())
    for name, path in workspace.get_local_paths():
        if name in there:
            found[str(path)] = str(there[name])
    own, other = workspace.get_workspace_local_path_if_any(), copy.get_workspace_local_path_if_any()
    if own is not None and other is not None:
        found[own] = other
    return dict(sorted(found.items(), key=lambda pair: len(pair[0]), reverse=True))
