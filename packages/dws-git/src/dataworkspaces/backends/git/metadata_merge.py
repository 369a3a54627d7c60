"""Merging the metadata of two copies of a workspace that both changed: there are no conflicts.

What only one side changed is taken from it. What both changed is merged by what it means: tags, notes and ignored paths
are united, parameters and labels go one by one, a snapshot that only one side deleted, and the other changed, stays.
Where just one value can stand, that of the origin does, since others may have it already, and a note says so.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import reduce
from pathlib import PurePosixPath
from typing import Any

from dataworkspaces.backends.git.paths import SHARDS, snapshot_of
from dataworkspaces.backends.git.resource_files import SUFFIX, check_entry, check_list
from dataworkspaces.backends.git.snapshot_index import has_right_types
from dataworkspaces.errors import MetadataError
from dataworkspaces.gitrepo.plumbing import TreeEntry
from dataworkspaces.gitrepo.sides import Sides
from dataworkspaces.toolbox.atomic import to_json
from dataworkspaces.workspace import SnapshotMetadata
from dataworkspaces.workspace.documents import ENVIRONMENTS
from dataworkspaces.workspace.resource_names import FORMERLY, SHOWN_AS
from dataworkspaces.workspace.workspace_uri import METADATA_DIR

_RESOURCES = f"{METADATA_DIR}/resources/"
_RESOURCE_LIST = f"{METADATA_DIR}/resources.json"
_BELOW = f"{METADATA_DIR}/"
_METADATA = (f"{_BELOW}snapshot_metadata/", f"{_BELOW}{SHARDS}/")
_LINEAGE = f"{METADATA_DIR}/snapshot_lineage/"
_ENVIRONMENTS = f"{METADATA_DIR}/{ENVIRONMENTS}/"
_CONFIG = f"{METADATA_DIR}/config.json"
_NAMES = (SHOWN_AS, FORMERLY)
_DETAILS = {"role", "export", "imported", "read_only", "compute_hash", *_NAMES}
"""Parameters in which two resources may differ and still be the same data at the same place."""

Content = TreeEntry | bytes | None
"""Something that is in git already, or is to be written, or nothing."""


@dataclass
class MetadataMerge:
    """The merged metadata.

    :ivar contents: of every path that differs from the last common state on either side.
    :ivar notes: what the user should know.
    :ivar renamed_resources: our resources that another of the origin took the name of; their new names.
    :ivar moved_results: directories of our snapshots' results that the origin has others at; their new places.
    :ivar kept_results: directories of snapshots that one side deleted, and that stay; True if ours has them.
    """

    contents: dict[str, Content] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    renamed_resources: dict[str, str] = field(default_factory=dict)
    moved_results: dict[str, str] = field(default_factory=dict)
    kept_results: dict[str, bool] = field(default_factory=dict)


def names_to_read(sides: Mapping[str, Sides]) -> list[str]:
    """The objects whose content :func:`merge_metadata` asks for."""
    wanted = []
    for path, side in sides.items():
        if not side.is_settled or path.startswith((*_METADATA, _RESOURCES)):
            wanted += [entry.name for entry in (side.base, side.ours, side.theirs) if entry is not None]
    return wanted


def merge_metadata(
    sides: Mapping[str, Sides],
    read: Callable[[str], bytes],
    known_tags: Iterable[str],
    resource_names: Iterable[str],
) -> MetadataMerge:
    """Merge what is in ``.dataworkspace``, and lists of ignored files.

    :param sides: of all paths that differ from the last common state on either side.
    :param read: the content of an object.
    :param known_tags: all tags here.
    :param resource_names: of all resources here."""
    try:
        return _Merger(sides, read, set(known_tags), set(resource_names)).merge()
    except RecursionError as e:
        raise MetadataError("The metadata of the origin or of this copy is nested too deeply to be merged") from e


def united(first: SnapshotMetadata, second: SnapshotMetadata) -> SnapshotMetadata:
    """What two files say of one snapshot; where just one value can stand, that of the first."""
    nothing: dict[str, bytes] = {}
    return _Merger({}, nothing.__getitem__, set(), set()).merge_snapshot(None, second, first)


class _Merger:
    def __init__(
        self, sides: Mapping[str, Sides], read: Callable[[str], bytes], tags: set[str], resource_names: set[str]
    ) -> None:
        self.sides = sides
        self.read = read
        self.tags = tags
        self.resource_names = resource_names
        self.merge_result = MetadataMerge()
        self.files = _files_of_snapshots(sides)
        self.snapshots: dict[str, dict[str, SnapshotMetadata | None]] = {}

    def merge(self) -> MetadataMerge:
        contents = self.merge_result.contents
        for path, side in self.sides.items():
            if path.startswith(_ENVIRONMENTS):
                # One side deleted the last snapshot that had it; the other may have taken a new one since.
                contents[path] = side.theirs or side.ours or side.base
            elif side.is_settled:
                contents[path] = side.changed
            elif path == _CONFIG:
                contents[path] = self._merge_config(path, side)
            elif PurePosixPath(path).name == ".gitignore":
                contents[path] = self._merge_lines(side)
            elif not path.startswith((*_METADATA, _RESOURCES, _LINEAGE)) and path != _RESOURCE_LIST:
                contents[path] = side.theirs if side.theirs is not None else side.ours
        self._merge_resources()
        self._merge_snapshots()
        return self.merge_result

    def _note(self, text: str) -> None:
        self.merge_result.notes.append(text)

    # -- reading -------------------------------------------------------------------------------------------------

    def _json(self, path: str, entry: TreeEntry | None) -> Any:
        if entry is None:
            return None
        try:
            return json.loads(self.read(entry.name))
        except (ValueError, RecursionError) as e:
            raise MetadataError(
                f"{path}, in the origin or in this copy, is not valid JSON ({e}), so the two cannot be merged",
                hint="Whoever wrote it has to restore the file from git's history, and push again",
            ) from e

    def _object(self, path: str, entry: TreeEntry | None) -> dict[str, Any] | None:
        if entry is None:
            return None
        data = self._json(path, entry)
        if not isinstance(data, dict):
            raise MetadataError(f"{path}, in the origin or in this copy, should be a JSON object")
        return data

    # -- parameters ----------------------------------------------------------------------------------------------

    def _merge_config(self, path: str, side: Sides) -> Content:
        base, ours, theirs = (self._object(path, entry) for entry in (side.base, side.ours, side.theirs))
        if ours is None or theirs is None:
            return side.ours or side.theirs
        return _encode(self._merge_objects(base or {}, ours, theirs, "Parameter"))

    def _merge_objects(
        self, base: Mapping[str, Any], ours: Mapping[str, Any], theirs: Mapping[str, Any], what: str
    ) -> dict[str, Any]:
        merged: dict[str, Any] = {}
        for key in dict.fromkeys([*theirs, *ours]):
            old, mine, other = (side.get(key, _ABSENT) for side in (base, ours, theirs))
            if isinstance(mine, dict) and isinstance(other, dict):
                merged[key] = self._merge_objects(old if isinstance(old, dict) else {}, mine, other, what)
                continue
            value = other if mine == old else mine if other == old else other
            if value is not mine and mine not in (old, value):
                self._note(f"{what} '{key}': the origin's value {_shown(other)} replaces your {_shown(mine)}")
            if value is not _ABSENT:
                merged[key] = value
        return merged

    def _merge_lines(self, side: Sides) -> bytes:
        base, ours, theirs = (
            [] if entry is None else self.read(entry.name).splitlines() for entry in (side.base, side.ours, side.theirs)
        )
        gone = {line for line in base if line not in ours or line not in theirs}
        merged = [line for line in theirs if line not in gone]
        merged += [line for line in ours if line not in gone and line not in merged]
        return b"".join(line + b"\n" for line in merged)

    # -- resources -----------------------------------------------------------------------------------------------

    def _merge_resources(self) -> None:
        listed = self.sides.get(_RESOURCE_LIST)
        with_lists = listed is not None and not listed.is_settled
        base, ours, theirs = (self._entries(which, with_lists) for which in ("base", "ours", "theirs"))
        if with_lists:
            self.merge_result.contents[_RESOURCE_LIST] = None
        taken = {*self.resource_names, *ours, *theirs}
        for name in dict.fromkeys([*theirs, *ours]):
            path = f"{_RESOURCES}{name}{SUFFIX}"
            side = self.sides.get(path)
            if not with_lists and side is not None and side.is_settled:
                continue
            merged = self._merge_resource(name, base.get(name), ours.get(name), theirs.get(name), taken)
            if merged is not None:
                self.merge_result.contents[path] = _encode(merged)

    def _entries(self, which: str, with_lists: bool) -> dict[str, dict[str, Any]]:
        """Of one side, what its changed files (and the list, if it matters) say of resources."""
        found: dict[str, dict[str, Any]] = {}
        for path, side in self.sides.items():
            if path.startswith(_RESOURCES):
                entry = self._object(path, getattr(side, which))
                if entry is not None:
                    if not {"position", "parameters"} <= entry.keys():
                        raise MetadataError(f"{path}, in the origin or in this copy, lacks a key")
                    check_entry(entry, path[len(_RESOURCES) :], path)
                    found[entry["parameters"]["name"]] = entry
        if with_lists:
            params_list = self._json(_RESOURCE_LIST, getattr(self.sides[_RESOURCE_LIST], which)) or []
            checked = check_list(params_list, f"{_RESOURCE_LIST}, in the origin or in this copy")
            for position, params in enumerate(checked):
                entry = {"position": position, "parameters": params}
                found.setdefault(params["name"], entry)
        return found

    def _merge_resource(
        self,
        name: str,
        base: dict[str, Any] | None,
        ours: dict[str, Any] | None,
        theirs: dict[str, Any] | None,
        taken: set[str],
    ) -> dict[str, Any] | None:
        if ours is None or theirs is None or ours["parameters"] == theirs["parameters"]:
            return theirs or ours
        mine, other = ours["parameters"], theirs["parameters"]
        if base is None and any(mine.get(k) != other.get(k) for k in {*mine, *other} - _DETAILS):
            new = _free_name(name, taken)
            taken.add(new)
            self.merge_result.renamed_resources[name] = new
            self._note(f"Your resource '{name}' is now called '{new}': the origin has another resource '{name}'")
            entry = {**ours, "parameters": {**mine, "name": new}}
            self.merge_result.contents[f"{_RESOURCES}{new}{SUFFIX}"] = _encode(entry)
            self._copy_state(mine["role"], name, new)
            return theirs
        before = base["parameters"] if base is not None else {}
        names = _merge_names(name, before, mine, other)
        before, mine, other = (_without_names(side) for side in (before, mine, other))
        merged = self._merge_objects(before, mine, other, f"Resource '{name}', parameter")
        return {**theirs, "parameters": {**merged, **names}}

    def _copy_state(self, role: str, name: str, new: str) -> None:
        prefix = f"{METADATA_DIR}/file/{role}/{name}/"
        for path, side in self.sides.items():
            if path.startswith(prefix) and side.ours is not None:
                target = f"{METADATA_DIR}/file/{role}/{new}/{path[len(prefix) :]}"
                self.merge_result.contents[target] = side.ours

    # -- snapshots -----------------------------------------------------------------------------------------------

    def _merge_snapshots(self) -> None:
        lineage = _by_snapshot(self.sides)
        final: dict[str, SnapshotMetadata] = {}
        for hashval, paths in self.files.items():
            base, ours, theirs = (self._metadata(paths, which) for which in ("base", "ours", "theirs"))
            self.snapshots[hashval] = {"base": base, "ours": ours, "theirs": theirs}
            if self.sides[paths[0]].is_settled if len(paths) == 1 else ours == theirs or base in (ours, theirs):
                merged = theirs if ours == base else ours
            elif ours is None or theirs is None:
                merged = ours or theirs
                if merged is not None:
                    self._keep_whole(hashval, paths, merged, is_ours=ours is not None)
            else:
                merged = self.merge_snapshot(base, ours, theirs)
                self._put(merged)
                self._take_lineage(lineage.get(hashval, []))
            if len(paths) > 1:
                self.merge_result.contents.update(dict.fromkeys(paths))
            if merged is None:
                continue
            if not base == ours == theirs:  # as where nobody has changed the one file of it, which is no side
                final[hashval] = merged
            if len(paths) > 1:
                self._put(merged)
        self._separate_tags(final)
        self._separate_results(final)

    def _put(self, metadata: SnapshotMetadata) -> None:
        """Write the metadata of a snapshot to one place: where the origin has it, if it does."""
        paths = self.files[metadata.hashval]
        place = next((path for path in paths if self.sides[path].theirs is not None), paths[0])
        self.merge_result.contents.update(dict.fromkeys(paths))
        self.merge_result.contents[place] = _encode(metadata.to_json())

    def _metadata(self, paths: Sequence[str], which: str) -> SnapshotMetadata | None:
        """What a side says of a snapshot, in whichever file; a merge by git alone may have left both."""
        found = [self._read_metadata(path, getattr(self.sides[path], which)) for path in paths]
        there = [metadata for metadata in found if metadata is not None]
        return None if not there else reduce(lambda first, second: self.merge_snapshot(None, second, first), there)

    def _read_metadata(self, path: str, entry: TreeEntry | None) -> SnapshotMetadata | None:
        data = self._object(path, entry)
        if data is None:
            return None
        try:
            metadata = SnapshotMetadata.from_json(data)
            if not has_right_types(metadata) or snapshot_of(path.removeprefix(_BELOW)) != metadata.hashval:
                raise TypeError("a value is not what it should be")
            return metadata
        except (KeyError, TypeError) as e:
            raise MetadataError(f"{path}, in the origin or in this copy, is damaged: {e}") from e

    def merge_snapshot(
        self, base: SnapshotMetadata | None, ours: SnapshotMetadata, theirs: SnapshotMetadata
    ) -> SnapshotMetadata:
        """Both have it: both took it of the same content, or both changed its tags or message."""

        before = base.tags if base is not None else []
        gone = {tag for tag in before if not (ours.has_tag(tag) and theirs.has_tag(tag))}
        tags = [tag for tag in dict.fromkeys([*theirs.tags, *ours.tags]) if tag not in gone]
        old_message = base.message if base is not None else ""
        message = theirs.message if theirs.message != old_message else ours.message
        if ours.message not in (old_message, message):
            self._note(f"Snapshot {theirs.hashval[:7]}: the origin's message '{message}' replaces '{ours.message}'")
        restore_hashes = {**ours.restore_hashes, **{k: v for k, v in theirs.restore_hashes.items() if v is not None}}
        what = f"Snapshot {theirs.hashval[:7]}, label"
        labels = self._merge_objects({} if base is None else base.labels, ours.labels, theirs.labels, what)
        updated = max(filter(None, [ours.updated_timestamp, theirs.updated_timestamp]), default=None)
        return theirs.replace(
            tags=tags,
            message=message,
            restore_hashes=restore_hashes,
            labels=labels,
            notes=sorted(dict.fromkeys([*theirs.notes, *ours.notes]), key=lambda note: _moment(note.time)),
            metrics=theirs.metrics if theirs.metrics is not None else ours.metrics,
            updated_timestamp=updated,
        )

    def _keep_whole(self, hashval: str, paths: Sequence[str], metadata: SnapshotMetadata, *, is_ours: bool) -> None:
        """One side deleted the snapshot, the other changed it: it stays, with all that belongs to it."""
        self._note(f"Snapshot {hashval[:7]} stays: one side deleted it, and the other changed it")
        prefixes = (f"{METADATA_DIR}/snapshots/snapshot-{hashval}.json", f"{_LINEAGE}{hashval}/")
        for path, side in self.sides.items():
            if path.startswith(prefixes):
                self.merge_result.contents[path] = side.ours if is_ours else side.theirs
        for path in paths:
            self.merge_result.contents[path] = self.sides[path].ours if is_ours else self.sides[path].theirs
        if metadata.relative_destination_path:
            self.merge_result.kept_results[metadata.relative_destination_path] = is_ours

    def _take_lineage(self, paths: Iterable[str]) -> None:
        """Of a snapshot that both took: the origin's lineage, as of any snapshot that is taken twice the first."""
        for path in paths:
            side = self.sides[path]
            self.merge_result.contents[path] = side.theirs if side.theirs is not None else side.ours

    def _separate_tags(self, final: Mapping[str, SnapshotMetadata]) -> None:
        """A tag that both sides gave to different snapshots stays with the origin's."""

        theirs = {
            tag: hashval
            for hashval, metadata in final.items()
            for tag in metadata.tags
            if tag in self._tags_of_origin(hashval)
        }
        taken = {*self.tags, *theirs, *(tag for metadata in final.values() for tag in metadata.tags)}
        for hashval, metadata in final.items():
            clashing = [tag for tag in metadata.tags if theirs.get(tag, hashval) != hashval]
            if not clashing:
                continue
            tags = list(metadata.tags)
            for tag in clashing:
                new = _free_name(f"{tag}-{metadata.hostname}" if metadata.hostname else tag, taken, first=True)
                taken.add(new)
                tags[tags.index(tag)] = new
                self._note(
                    f"Your snapshot {hashval[:7]} now has the tag '{new}': the origin gave '{tag}' to snapshot "
                    f"{theirs[tag][:7]}"
                )
            metadata.tags[:] = tags
            self._put(metadata.replace(tags=tags))

    def _tags_of_origin(self, hashval: str) -> list[str]:
        metadata = self.snapshots[hashval]["theirs"]
        return [] if metadata is None else metadata.tags

    def _separate_results(self, final: Mapping[str, SnapshotMetadata]) -> None:
        """Results that both sides moved to the same place: ours go to another."""

        new_there = {m.relative_destination_path for h, m in final.items() if self._is_new(h, "theirs")}
        taken = {metadata.relative_destination_path for metadata in final.values()}
        for hashval, metadata in final.items():
            place = metadata.relative_destination_path
            if place and place in new_there and self._is_new(hashval, "ours") and not self._is_new(hashval, "theirs"):
                new = _free_name(place, taken)
                taken.add(new)
                self.merge_result.moved_results[place] = new
                self._note(f"The results of your snapshot {hashval[:7]} are now in '{new}': the origin has {place}")
                before = metadata.results_moved_from or place
                self._put(metadata.replace(relative_destination_path=new, results_moved_from=before))

    def _is_new(self, hashval: str, which: str) -> bool:
        sides = self.snapshots[hashval]
        return sides["base"] is None and sides[which] is not None


_ABSENT = object()


def _moment(time: str) -> float:
    """For the order of notes, whose times others have written."""
    try:
        return datetime.fromisoformat(time).timestamp()
    except (ValueError, OverflowError, OSError):
        return 0.0


def _merge_names(
    stored: str, base: Mapping[str, Any], ours: Mapping[str, Any], theirs: Mapping[str, Any]
) -> dict[str, Any]:
    """What a resource is called that both sides changed, and every other name that one of them gave it. Nothing is
    noted: whoever pulls tells what is called otherwise then."""
    old, mine, other = (side.get(SHOWN_AS) for side in (base, ours, theirs))
    called = mine if other == old else other
    given = [name for side in (theirs, ours) for name in side.get(FORMERLY, [])]
    formerly = [name for name in dict.fromkeys([*given, mine, other]) if name not in (None, called, stored)]
    return {**({SHOWN_AS: called} if called else {}), **({FORMERLY: formerly} if formerly else {})}


def _without_names(params: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in params.items() if key not in _NAMES}


def _files_of_snapshots(sides: Iterable[str]) -> dict[str, list[str]]:
    """The paths of metadata, by the snapshot: one, unless two copies have it at different places."""
    found: dict[str, list[str]] = {}
    for path in sorted(sides):
        if path.startswith(_METADATA) and (hashval := snapshot_of(path.removeprefix(_BELOW))) is not None:
            found.setdefault(hashval, []).append(path)
    return dict(sorted(found.items()))


def _by_snapshot(sides: Iterable[str]) -> dict[str, list[str]]:
    """The paths of lineage, by the snapshot."""
    found: dict[str, list[str]] = {}
    for path in sides:
        if path.startswith(_LINEAGE):
            found.setdefault(path[len(_LINEAGE) :].partition("/")[0], []).append(path)
    return found


def _free_name(name: str, taken: set[str], *, first: bool = False) -> str:
    """A name that nobody has: ``name`` itself, if ``first``, or with a number."""
    if first and name not in taken:
        return name
    number = 2
    while f"{name}-{number}" in taken:
        number += 1
    return f"{name}-{number}"


def _encode(data: Any) -> bytes:
    return to_json(data).encode("utf-8")


def _shown(value: Any) -> str:
    return "nothing" if value is _ABSENT else json.dumps(value)
