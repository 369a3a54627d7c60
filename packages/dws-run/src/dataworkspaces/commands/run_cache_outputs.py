"""What a run wrote, as a snapshot keeps it: where it is, and a copy of it."""

from __future__ import annotations

import os
import shutil
import stat
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from dataworkspaces.commands.run_changes import is_left_out, local_root
from dataworkspaces.errors import NotSupportedError
from dataworkspaces.lineage.model import ResourceCert
from dataworkspaces.lineage.places import same_content
from dataworkspaces.toolbox.atomic import explain_os_error
from dataworkspaces.toolbox.content import content_of
from dataworkspaces.toolbox.names import LINEAGE_FILE, check_relative_path
from dataworkspaces.toolbox.notebooks import SUFFIX as NOTEBOOK
from dataworkspaces.toolbox.regular import is_present
from dataworkspaces.workspace import (
    Resource,
    ResourceRef,
    SnapshotMetadata,
    SnapshotResourceMixin,
    SnapshotVersion,
    VersionFiles,
    Workspace,
)
from dataworkspaces.workspace.results import results_exclude

_NEVER = frozenset({".git", ".dataworkspace"})


@dataclass(frozen=True)
class CachedOutput(ABC):
    """:ivar content: what lies there once it is in place, as lineage tells it."""

    ref: ResourceRef
    content: str

    @abstractmethod
    def copy(self, target: Path) -> None:
        """Write it to a place at which nothing lies. Raises DwsError or OSError where that cannot be done exactly."""


@dataclass(frozen=True)
class _Kept(CachedOutput):
    """What a snapshot keeps, file by file."""

    def copy(self, target: Path) -> None:
        for path, is_directory in self._walk():
            if _is_never_taken(path):
                raise NotSupportedError(f"{self.ref} holds '{path}', which is not taken from earlier runs")
            place = target / path if path else target
            if is_directory:
                place.mkdir(parents=True)
            else:
                place.parent.mkdir(parents=True, exist_ok=True)
                self._copy_file(path, place)

    @abstractmethod
    def _walk(self) -> Iterator[tuple[str, bool]]:
        """The paths in it, each after the directories above it, and whether one is a directory; "" is itself."""

    @abstractmethod
    def _copy_file(self, path: str, place: Path) -> None: ...


def output_of(
    workspace: Workspace, snapshot: SnapshotMetadata, cert: ResourceCert, results: str | None
) -> CachedOutput | None:
    """What a snapshot keeps of a version that a run wrote; None if it keeps nothing of it, or another.

    :param results: what lay there, if the resource holds results: see :func:`files_of_results`."""
    ref = cert.ref
    resource = workspace.get_resource(ref.name)
    root = local_root(resource)
    if root is None or not root.is_dir() or not isinstance(resource, SnapshotResourceMixin):
        return None
    check_relative_path(ref.subpath or "", f"An output in resource '{ref.name}'")
    if _is_never_taken(ref.subpath or ""):
        return None
    if resource.has_results_role():
        return None if not _says_what(results) else _moved_results(ref, str(results), root, snapshot)
    content = cert.certificate.content
    version = _version(workspace, snapshot, ref.name)
    if not _says_what(content) or version.compare_hash is None or version.restore_hash is None:
        return None
    if same_content(resource.version_contents(version.compare_hash, [ref.subpath])[0], content) is not True:
        return None  # it was changed before the snapshot
    return _OfVersion(ref, str(content), resource.version_files(version))


def files_of_results(workspace: Workspace, refs: Iterable[ResourceRef]) -> dict[str, str | None]:
    """What lies at references to results, by their texts, without what snapshots leave there. (Lineage says of results
    what lies there with all of that, which the next snapshot changes.)"""
    found = {}
    for ref in refs:
        resource = workspace.get_resource(ref.name)
        root = local_root(resource)
        if resource.has_results_role() and root is not None:
            found[str(ref)] = _content(workspace, resource, root, ref)
    return found


def content_now(workspace: Workspace, ref: ResourceRef) -> str | None:
    """What lies at an output, as :attr:`CachedOutput.content` tells it."""
    if workspace.get_resource(ref.name).has_results_role():
        return files_of_results(workspace, [ref]).get(str(ref))
    return workspace.as_lineage_ws().present_contents({ref.name: [ref.subpath]})[ref.name].contents[0]


def _content(workspace: Workspace, resource: Resource, root: Path, ref: ResourceRef) -> str | None:
    prefix = f"{ref.subpath}/" if ref.subpath else ""
    stays = results_exclude(workspace)

    def is_apart(below: str) -> bool:
        return prefix + below in stays or is_left_out(resource, prefix + below)

    try:
        return content_of(root / (ref.subpath or ""), is_apart)
    except OSError as e:
        raise explain_os_error(e, f"Reading '{ref}'") from e


def _version(workspace: Workspace, snapshot: SnapshotMetadata, name: str) -> SnapshotVersion:
    """Of a resource in a snapshot, which may be on another branch."""
    manifest = workspace.as_snapshot_ws().get_snapshot_manifest(snapshot.hashval)
    found = next((entry.get("hash") for entry in manifest if entry["name"] == name), None)
    return SnapshotVersion(found, snapshot.restore_hashes.get(name))


def _is_never_taken(path: str) -> bool:
    """Of notebooks lineage tells the sources only."""
    return any(part in _NEVER or part.endswith(NOTEBOOK) for part in path.split("/"))


def _says_what(content: str | None) -> bool:
    return content is not None and not content.startswith("size-and-time:")


def _moved_results(ref: ResourceRef, content: str, root: Path, snapshot: SnapshotMetadata) -> CachedOutput | None:
    below = snapshot.relative_destination_path
    if not below:
        return None
    check_relative_path(below, f"The results of snapshot {snapshot.hashval}")
    place = root / below / (ref.subpath or "")
    # The path is somebody's text, and a link that leads out may have come with it.
    is_inside = Path(os.path.realpath(place)) == Path(os.path.realpath(root), below, ref.subpath or "")
    return _OfResults(ref, content, place) if is_inside and is_present(place) else None


@dataclass(frozen=True)
class _OfVersion(_Kept):
    files: VersionFiles

    def _walk(self) -> Iterator[tuple[str, bool]]:
        pending = [""]
        while pending:
            path = pending.pop()
            kind = self.files.get_file_info(self._in_version(path)).kind
            if kind == "link":
                raise NotSupportedError(f"{self.ref} holds the link '{path}'")
            yield path, kind == "directory"
            if kind == "directory":
                for name in self.files.ls(self._in_version(path)):
                    pending.append(check_relative_path(f"{path}/{name}" if path else name, str(self.ref)))

    def _copy_file(self, path: str, place: Path) -> None:
        with self.files.open(self._in_version(path)) as source, place.open("xb") as target:
            shutil.copyfileobj(source, target, 1 << 20)

    def _in_version(self, path: str) -> str:
        return "/".join(part for part in (self.ref.subpath, path) if part)


@dataclass(frozen=True)
class _OfResults(_Kept):
    """A snapshot has moved it, and made it read-only."""

    place: Path

    def _walk(self) -> Iterator[tuple[str, bool]]:
        pending = [""]
        while pending:
            path = pending.pop()
            mode = os.lstat(self.place / path).st_mode
            if not stat.S_ISDIR(mode) and not stat.S_ISREG(mode):
                raise NotSupportedError(f"{self.ref} holds '{path}', which is no file")
            if path == LINEAGE_FILE and self.ref.subpath is None:
                continue  # the snapshot's own
            yield path, stat.S_ISDIR(mode)
            if stat.S_ISDIR(mode):
                pending += [f"{path}/{e.name}" if path else e.name for e in (self.place / path).iterdir()]

    def _copy_file(self, path: str, place: Path) -> None:
        source = self.place / path
        shutil.copyfile(source, place, follow_symlinks=False)
        if os.lstat(source).st_mode & stat.S_IXUSR:
            place.chmod(place.stat().st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)
