"""Whether each file of the metadata holds what its name says, and getting it back from git's history if not."""

from __future__ import annotations

import hashlib
import os
import re
import stat
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from dataworkspaces.backends.git.paths import PACKS, SHARD_RE, SHARDS, WorkspacePaths
from dataworkspaces.backends.git.resource_files import read_entry, read_list
from dataworkspaces.backends.git.snapshot_index import read_metadata
from dataworkspaces.backends.git.snapshot_packs import PACK_NAME_RE, verified_pack
from dataworkspaces.errors import ConfigurationError, MetadataError, ToolError
from dataworkspaces.gitrepo.plumbing import list_tree, read_alone
from dataworkspaces.gitrepo.run import run_git
from dataworkspaces.toolbox.atomic import MAX_JSON_BYTES, read_json_list, read_json_object, write_bytes
from dataworkspaces.toolbox.move_files import set_aside
from dataworkspaces.toolbox.names import check_resource_name
from dataworkspaces.toolbox.regular import is_present, read_regular
from dataworkspaces.workspace.documents import ATTESTATIONS, DOCUMENT_NAME, ENVIRONMENTS, MAX_BYTES, verified_document
from dataworkspaces.workspace.problem import UNEXPECTED, Area, one_line
from dataworkspaces.workspace.results import manifest_hash

Reader = Callable[[Path], Any]
"""Raises MetadataError for a file that does not hold what it should."""


@dataclass(frozen=True)
class FileKind:
    """:ivar in_git: it travels with the workspace, so git's history has it."""

    area: Area
    read: Reader
    in_git: bool = True


def read_config(path: Path) -> dict[str, Any]:
    config = read_json_object(path, "name", "dws-version")
    if not isinstance(config.get("global_params", {}), dict):
        raise MetadataError(f"{path}: 'global_params' should be a JSON object")
    return config


def read_local_params_of_resources(path: Path) -> dict[str, Any]:
    params = read_json_object(path)
    for name, value in params.items():
        if not isinstance(value, dict):
            raise MetadataError(f"{path}: the entry of '{name:.80}' should be a JSON object")
    return params


def read_manifest(path: Path) -> list[Any]:
    if path.stat().st_size <= MAX_JSON_BYTES:
        content = read_regular(path)
        # Line ends that git has converted are told of as what they are: see LocalStateCheck.
        hashes = {manifest_hash(content), manifest_hash(content.replace(b"\r\n", b"\n"))}
        if path.name not in {f"snapshot-{found}.json" for found in hashes}:
            raise MetadataError(f"{path} does not match the hash in its name")
    return read_json_list(path)


def read_lineage(path: Path) -> list[Any]:
    from dataworkspaces.lineage.from_json import entries_from_json

    data = read_json_object(path, "resource_name")
    if f"{data['resource_name']}.json" != path.name:
        raise MetadataError(f"{path} holds the lineage of another resource, {data['resource_name']!r:.80}")
    return entries_from_json(data, str(path))


def read_state(path: Path) -> None:
    """A manifest of local files. Types that keep other things choose names that are no SHA-1."""
    if re.fullmatch(r"[0-9a-f]{40}", path.name) and path.name not in (_sha1(path), _sha1(path, unconverted=True)):
        raise MetadataError(f"{path} does not match its name")


def _sha1(path: Path, *, unconverted: bool = False) -> str:
    """:param unconverted: with newlines where git has put other line ends."""
    digest = hashlib.sha1(usedforsecurity=False)
    with path.open("rb") as file:
        for line in file:
            digest.update(line[:-2] + b"\n" if unconverted and line.endswith(b"\r\n") else line)
    return digest.hexdigest()


def read_document(path: Path) -> None:
    if path.stat().st_size > MAX_BYTES:
        raise MetadataError(f"{path} is larger than any document of a workspace")
    content = read_regular(path)
    if b"\r\n" in content:  # git may have converted the file
        with suppress(MetadataError):
            verified_document(path.name, content.replace(b"\r\n", b"\n"))
            return
    verified_document(path.name, content)


@dataclass(frozen=True)
class PackedSnapshots:
    """What a pack holds: by snapshot, the entries of lineage of all resources."""

    entries: dict[str, list[Any]]


def read_pack(path: Path) -> PackedSnapshots:
    from dataworkspaces.lineage.from_json import entries_from_json

    pack = verified_pack(path)
    found: dict[str, list[Any]] = {}
    for hashval in pack.hashes:
        pack.manifest(hashval)
        found[hashval] = []
        for name, document in pack.lineage(hashval).items():
            check_resource_name(name)
            found[hashval] += entries_from_json(document, f"{path}, {hashval}, {name}")
    return PackedSnapshots(found)


_CONFIG = FileKind("metadata", read_config)
_RESOURCE = FileKind("metadata", read_entry)
_KINDS: tuple[tuple[str, FileKind], ...] = (
    (r"config\.json", _CONFIG),
    (r"resources\.json", FileKind("metadata", read_list)),
    (r"resources/[^/]+\.json", _RESOURCE),
    (r"local_params\.json", FileKind("local state", read_json_object, in_git=False)),
    (r"resource_local_params\.json", FileKind("local state", read_local_params_of_resources, in_git=False)),
    (r"current_lineage/[^/]+\.json", FileKind("lineage", read_lineage, in_git=False)),
    (r"snapshot_metadata/[0-9a-f]+_md\.json", FileKind("snapshot", read_metadata)),
    (rf"{SHARDS}/({SHARD_RE})/\1[0-9a-f]+_md\.json", FileKind("snapshot", read_metadata)),
    (r"snapshots/snapshot-[0-9a-f]+\.json", FileKind("manifest", read_manifest)),
    (r"snapshot_lineage/[0-9a-f]+/[^/]+\.json", FileKind("lineage", read_lineage)),
    (rf"{PACKS}/{PACK_NAME_RE}", FileKind("manifest", read_pack)),
    (rf"{ATTESTATIONS}/[0-9a-f]+/{DOCUMENT_NAME}", FileKind("snapshot", read_document)),
    (rf"{ENVIRONMENTS}/{DOCUMENT_NAME}", FileKind("lineage", read_document)),
    (r"file/[^/]+/[^/]+/[^/]+", FileKind("manifest", read_state)),
)
_TABLE = tuple((re.compile(pattern), kind) for pattern, kind in _KINDS)
TEMPORARY = re.compile(r"\..+\.tmp")
_UNREAD = ("scratch", "objects")
"""Of resource types, which may keep there what they like."""


@dataclass(frozen=True)
class Listing:
    """What lies below the metadata directory, by path relative to it. Links are not followed."""

    files: dict[str, FileKind]
    temporary: list[str]
    strange: list[str]
    unsafe: dict[str, str]


def kind_of(relative: str) -> FileKind | None:
    return next((kind for pattern, kind in _TABLE if pattern.fullmatch(relative)), None)


def list_files(paths: WorkspacePaths) -> Listing:
    listing = Listing({}, [], [], {})
    if paths.metadata.is_symlink():
        listing.unsafe[""] = "a symbolic link"
        return listing
    _list(paths.metadata, "", listing)
    return listing


def shared_files(paths: WorkspacePaths) -> list[str]:
    """The files that belong to every copy of the workspace, by path relative to the metadata directory."""
    git_files = [name for name in (".gitignore", ".gitattributes") if (paths.metadata / name).is_file()]
    return [*git_files, *(name for name, kind in list_files(paths).files.items() if kind.in_git)]


def is_shared(paths: WorkspacePaths, relative: str) -> bool:
    """Whether a file below the metadata directory, in no directory that is a link, is one of :func:`shared_files`."""
    if any(TEMPORARY.fullmatch(part) for part in relative.split("/")):
        return False
    kind = kind_of(relative)
    if not (kind.in_git if kind is not None else relative in (".gitignore", ".gitattributes")):
        return False
    with suppress(FileNotFoundError):
        return stat.S_ISREG((paths.metadata / relative).lstat().st_mode)
    return False


_DIRECTORIES = re.compile(
    r"(resources|current_lineage|snapshots|snapshot_metadata|snapshot_packs|snapshot_lineage(/[0-9a-f]+)?|environments"
    rf"|{SHARDS}(/{SHARD_RE})?|attestations(/[0-9a-f]+)?|file(/[^/]+){{0,2}})"
)


def _list(directory: Path, prefix: str, listing: Listing) -> None:
    with os.scandir(directory) as entries:
        found = sorted(entries, key=lambda entry: entry.name)
    for entry in found:
        relative = prefix + entry.name
        if TEMPORARY.fullmatch(entry.name):
            listing.temporary.append(relative)
        elif entry.is_symlink():
            listing.unsafe[relative] = "a symbolic link"
        elif entry.is_dir(follow_symlinks=False):
            if _DIRECTORIES.fullmatch(relative):
                _list(Path(entry.path), f"{relative}/", listing)
            elif relative not in _UNREAD:
                listing.strange.append(f"{relative}/")
        elif not stat.S_ISREG(entry.stat(follow_symlinks=False).st_mode):
            listing.unsafe[relative] = "not a regular file"
        else:
            kind = kind_of(relative)
            if kind is not None:
                listing.files[relative] = kind
            elif relative not in (".gitignore", ".gitattributes"):
                listing.strange.append(relative)


@dataclass(frozen=True)
class Examined:
    """:ivar value: what the kind's reader made of a file; None if it is damaged.
    :ivar damage: what is wrong with it, or None."""

    value: Any
    damage: str | None


def examine(path: Path, kind: FileKind) -> Examined:
    try:
        value = kind.read(path)
        is_named_for_resource = kind.area == "lineage" and kind.read is not read_document
        if is_named_for_resource or path.parent.name == "resources":
            check_resource_name(path.name.removesuffix(".json"))
        return Examined(value, None)
    except UNEXPECTED as e:
        return Examined(None, one_line(e).replace(f"{path} ", "it ").replace(f"{path}: ", ""))


# -- getting it back -------------------------------------------------------------------------------------------------

_TRIES = 20


@dataclass(frozen=True)
class GoodVersion:
    """A version of a file that git's history has, and that holds what it should."""

    commit: str
    content: bytes


def find_good_version(paths: WorkspacePaths, relative: str, kind: FileKind) -> GoodVersion | None:
    """The newest good version of a file of the metadata, of its last few."""
    root, path = paths.root, f"{paths.metadata_in_git}/{relative}"
    arguments = ["log", "-n", str(_TRIES), "--format=%H", "--diff-filter=AMRT", "--no-renames", "HEAD", "--", path]
    listed = run_git(root, arguments, ok=(0, 128)).stdout.decode("ascii", "replace").split()
    for commit in listed:
        try:
            entry = list_tree(root, commit, [path], recursive=False).get(path)
        except ToolError:  # that commit's trees are damaged too
            continue
        if entry is None or not entry.is_plain_file:
            continue
        content = read_alone(root, f"{commit}:{path}", "blob")
        if content is not None and _is_good(relative, kind, content):
            return GoodVersion(commit, content)
    return None


def _is_good(relative: str, kind: FileKind, content: bytes) -> bool:
    with tempfile.TemporaryDirectory(prefix="dws-") as temporary:
        place = Path(temporary) / PurePosixPath(relative).parent.name / PurePosixPath(relative).name
        place.parent.mkdir(exist_ok=True)
        place.write_bytes(content)
        return examine(place, kind).damage is None


def put_back(paths: WorkspacePaths, machine_directory: Path, relative: str, kind: FileKind, good: GoodVersion) -> str:
    """Replace a file that is damaged or missing; returns what was done."""
    path = paths.metadata / relative
    kept = ""
    if is_present(path):
        if not path.is_symlink() and path.is_file() and examine(path, kind).damage is None:
            return "another command has repaired it"
        kept = f"; what was there is kept as {set_aside(path, machine_directory)}"
    _check_parents(paths, path)
    write_bytes(path, good.content, durable=True)
    return f"as in commit {good.commit[:12]}{kept}"


def _check_parents(paths: WorkspacePaths, path: Path) -> None:
    for parent in path.parents:
        if parent == paths.root:
            return
        if parent.is_symlink():
            raise ConfigurationError(f"{parent} is a symbolic link")
