"""Whether a workspace is whole: the problems that ``dws fsck`` tells, and the checks that hold for every backend.

A check changes nothing and raises nothing for what it finds. A backend or resource type that can say more adds its own
(:meth:`Workspace.check_integrity`, :meth:`SnapshotResourceMixin.check_integrity`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from dataworkspaces.errors import NO_ANSWER, ConfigurationError, MetadataError, PluginError
from dataworkspaces.toolbox.move_files import set_aside
from dataworkspaces.toolbox.names import LINEAGE_FILE, check_relative_path, check_resource_name
from dataworkspaces.workspace.absent import is_absent, way_to_bring
from dataworkspaces.workspace.files import FileResourceMixin, LocalStateResourceMixin
from dataworkspaces.workspace.problem import AREAS, UNEXPECTED, Problem, one_line, problem_of
from dataworkspaces.workspace.resource_names import AS_STORED, ResourceNames
from dataworkspaces.workspace.results import RESULTS_FILE, manifest_hash
from dataworkspaces.workspace.snapshot_resource import SnapshotResourceMixin

if TYPE_CHECKING:
    from dataworkspaces.workspace.resource import Resource
    from dataworkspaces.workspace.snapshot_metadata import SnapshotMetadata
    from dataworkspaces.workspace.workspace import Workspace


def readable_names(workspace: Workspace) -> ResourceNames:
    """The names of the resources, as far as these can be read."""
    try:
        return workspace.resource_names
    except UNEXPECTED:  # which is told of the files that hold them
        return AS_STORED


@dataclass
class WorkspaceCheck:
    """The checks that hold for every backend.

    :ivar skip: hashes of snapshots that the backend has already found to be damaged, or in the middle of a change.
    :ivar with_lineage: read the lineage of each snapshot from the lineage store.
    :ivar resources: those that could be opened, once :meth:`check_resources` has run.
    :ivar restore_hashes: of each resource, by snapshot, once :meth:`check_snapshots` has run.
    """

    workspace: Workspace
    skip: frozenset[str] = frozenset()
    with_lineage: bool = True
    resources: dict[str, Resource] = field(default_factory=dict)
    absent: set[str] = field(default_factory=set)
    restore_hashes: dict[str, dict[str, str]] = field(default_factory=dict)

    # -- parameters and resources --------------------------------------------------------------------------------

    def check_params(self) -> Iterator[Problem]:
        for is_global in (True, False):
            kind = "global" if is_global else "local"
            try:
                params = self.workspace.read_params(is_global)
            except UNEXPECTED as e:
                yield problem_of("metadata", f"{kind} parameters", e)
                continue
            for name, value in params.items():
                definition = self.workspace.param_defs.get(name)
                if definition is None or definition.is_global != is_global:
                    continue  # of another release, or of a backend that has more
                try:
                    definition.validate(value)
                except UNEXPECTED as e:
                    yield problem_of("metadata", f"parameter {name}", e, f"dws config {name} VALUE")

    def check_resources(self) -> Iterator[Problem]:
        try:
            names = [str(params["name"]) for params in self.workspace.read_resource_params()]
        except UNEXPECTED as e:
            yield problem_of("metadata", "resources", e)
            return
        for name in sorted({name for name in names if names.count(name) > 1}):
            yield Problem("metadata", name, "two resources have this name", "Rename one of them")
        for name in dict.fromkeys(names):
            try:
                check_resource_name(name)
                self.resources[name] = self.workspace.get_resource(name)
            except PluginError as e:
                yield problem_of("resource", name, e, "Install the plug-in that has this resource type")
                continue
            except UNEXPECTED as e:
                yield problem_of("resource", name, e)
                continue
            yield from self._check_place(self.resources[name])
        own = self.workspace.own_files_resource()
        if own is not None:
            self.resources[own.name] = own

    def _check_place(self, resource: Resource) -> Iterator[Problem]:
        if not isinstance(resource, LocalStateResourceMixin):
            return
        name = resource.name
        try:
            factory = self.workspace.get_resource_factory(resource.resource_type)
            was_here = not factory.has_local_state() or self.workspace.read_resource_local_params(name) is not None
            place = resource.get_local_path_if_any()
        except UNEXPECTED as e:
            yield problem_of("local state", name, e)
            return
        has_files = isinstance(resource, FileResourceMixin)
        if place is None or not (Path(place).is_dir() if has_files else Path(place).exists()):
            self.absent.add(name)
            why = "is not a directory" if has_files else "is not there"
            what = f"is not on this machine: {place} {why}" if place else "is not on this machine"
            remedy = f"If it is elsewhere, name its place with: dws config --resource {name}; else 'dws pull' brings it"
            if is_absent(self.workspace, resource):
                bring = way_to_bring(self.workspace, resource)
                remedy = f"{bring}; until then, snapshots taken here hold its last version"
            yield Problem("resource", name, what, remedy, "warning")
        elif not was_here:
            remedy = "dws pull uses what is there"
            yield Problem("local state", name, "nothing is known about it on this machine", remedy, "warning")

    # -- snapshots -----------------------------------------------------------------------------------------------

    def check_snapshots(self, snapshots: Iterable[SnapshotMetadata]) -> Iterator[Problem]:
        """Each snapshot, and that no tag stands in two of them."""
        tags: dict[str, list[SnapshotMetadata]] = {}
        for snapshot in snapshots:
            for tag in dict.fromkeys(snapshot.tags):
                tags.setdefault(tag, []).append(snapshot)
            yield from self._check_snapshot(snapshot)
        for tag, found in tags.items():
            if len(found) > 1:
                yield self._tag_in_many(tag, found)

    def _tag_in_many(self, tag: str, found: list[SnapshotMetadata]) -> Problem:
        newest, *older = sorted(found, key=lambda s: (s.updated_timestamp or s.timestamp, s.hashval), reverse=True)
        snapshots = self.workspace.as_snapshot_ws()

        def repair() -> str:
            for snapshot in older:
                snapshots.remove_tag_from_snapshot(snapshot.hashval, tag)
            return f"tag '{tag}' stays with the newest snapshot that has it, {newest.hashval[:7]}"

        listed = ", ".join(snapshot.hashval[:7] for snapshot in found)
        remedy = f"dws fsck --repair leaves it on the newest, {newest.hashval[:7]}"
        return Problem("snapshot", tag, f"the tag is on {len(found)} snapshots: {listed}", remedy, repair=repair)

    def _check_snapshot(self, snapshot: SnapshotMetadata) -> Iterator[Problem]:
        where = snapshot_label(snapshot)
        try:
            datetime.fromisoformat(snapshot.timestamp)
        except (TypeError, ValueError):
            yield Problem("snapshot", where, f"its time is {snapshot.timestamp!r:.60}, which is not a time", _BY_HAND)
        for name, value in snapshot.restore_hashes.items():
            if value is not None and not isinstance(value, str):
                yield Problem(
                    "snapshot", where, f"the restore hash of '{name}' is {value!r:.60}, not a string", _BY_HAND
                )
            elif value is not None:
                self.restore_hashes.setdefault(name, {})[snapshot.hashval] = value
        if snapshot.hashval in self.skip:
            return
        names: list[str] = []
        try:
            names = self._names_in_manifest(snapshot.hashval)
        except UNEXPECTED as e:
            yield problem_of("manifest", where, e)
        else:
            for name in sorted(set(names) ^ set(snapshot.restore_hashes)):
                place = "metadata" if name in names else "manifest"
                yield Problem("snapshot", where, f"resource '{name:.80}' is missing in its {place}", _BY_HAND)
        yield from self._check_results(snapshot)
        if self.with_lineage:
            yield from self._check_lineage(snapshot, names)

    @cached_property
    def _names(self) -> ResourceNames:
        return readable_names(self.workspace)

    def _names_in_manifest(self, hashval: str) -> list[str]:
        snapshots = self.workspace.as_snapshot_ws()
        content = snapshots.get_snapshot_manifest_bytes(hashval)
        if manifest_hash(content) != hashval:
            raise MetadataError("its manifest does not match its hash")
        names = [self._names.called(entry["name"]) for entry in snapshots.get_stored_manifest(hashval)]
        for name in names:
            check_resource_name(name)
        if len(set(names)) != len(names):
            raise MetadataError("its manifest names a resource twice")
        return names

    def _check_results(self, snapshot: SnapshotMetadata) -> Iterator[Problem]:
        where = snapshot_label(snapshot)
        destination = snapshot.relative_destination_path
        try:
            if not isinstance(destination, str) or not destination:
                raise ConfigurationError("it does not say where its results are")
            check_relative_path(destination, "its results")
        except ConfigurationError as e:
            yield problem_of("results", where, e, _BY_HAND)
            return
        holders = [
            resource
            for name, resource in self.resources.items()
            if resource.has_results_role() and name in snapshot.restore_hashes
        ]
        is_there = False
        for resource in holders:
            if resource.name in self.absent or not isinstance(resource, FileResourceMixin):
                is_there = True  # for all we know
                continue
            try:
                names = resource.ls(destination)
            except NO_ANSWER:
                is_there = True  # for all we know
                continue
            except UNEXPECTED:
                continue  # a snapshot without results has no directory
            is_there = is_there or RESULTS_FILE in names
            yield from _check_results_files(resource.name, resource, destination, names)
        if holders and not is_there and snapshot.metrics:
            what = f"it has metrics, but no resource holds {destination}/{RESULTS_FILE}"
            yield Problem("results", where, what, _FROM_HISTORY)

    def _check_lineage(self, snapshot: SnapshotMetadata, names: Iterable[str]) -> Iterator[Problem]:
        snapshots = self.workspace.as_snapshot_ws()
        if not snapshots.supports_lineage():
            return
        store = snapshots.get_lineage_store()
        for name in names:
            try:
                store.entries(name, snapshot.hashval)
            except UNEXPECTED as e:
                yield problem_of("lineage", f"{snapshot_label(snapshot)}, {name}", e)

    # -- what resource types know --------------------------------------------------------------------------------

    def check_versions(self, leave_out: Iterable[str] = ()) -> Iterator[Problem]:
        """What the resources that are here say of the versions that snapshots refer to."""
        for name, resource in self.resources.items():
            if name in self.absent or name in leave_out or not isinstance(resource, SnapshotResourceMixin):
                continue
            try:
                yield from resource.check_integrity(self.restore_hashes.get(name, {}))
            except UNEXPECTED as e:
                yield problem_of("resource", name, e)


_BY_HAND = "Restore the file from the workspace's history, or delete the snapshot with: dws delete-snapshot"
_FROM_HISTORY = "Restore the file from the history or from a copy of the resource"


def _check_results_files(
    name: str, files: FileResourceMixin, directory: str, names: Sequence[str]
) -> Iterator[Problem]:
    for file in (RESULTS_FILE, LINEAGE_FILE):
        if file in names:
            path = f"{directory}/{file}"
            try:
                data = files.read_results_file(path)
                if file == LINEAGE_FILE and not isinstance(data.get("lineages"), list):
                    raise MetadataError(f"{path} lacks the list 'lineages'")
            except UNEXPECTED as e:
                yield problem_of("results", f"{name}:/{path}", e, _FROM_HISTORY)


def snapshot_label(snapshot: SnapshotMetadata) -> str:
    """A snapshot as people know it."""
    tags = ", ".join(snapshot.tags)
    return f"{tags} ({snapshot.hashval[:7]})" if tags else snapshot.hashval[:7]


def check_workspace(workspace: Workspace) -> Iterator[Problem]:
    """All checks that hold for every backend, with what :class:`Workspace` and its snapshots can tell."""
    from dataworkspaces.workspace.snapshot import SnapshotWorkspaceMixin

    check = WorkspaceCheck(workspace)
    yield from check_interruption(workspace)
    yield from check.check_params()
    yield from check.check_resources()
    if isinstance(workspace, SnapshotWorkspaceMixin):
        try:
            snapshots = list(workspace.list_snapshots())
        except UNEXPECTED as e:
            yield problem_of("snapshot", "snapshots", e)
        else:
            yield from check.check_snapshots(snapshots)
    yield from check.check_versions()


def check_interruption(workspace: Workspace) -> Iterator[Problem]:
    """A command that was killed, or that runs."""
    from dataworkspaces.toolbox.lock_holder import describe_lock
    from dataworkspaces.workspace.journal import Journal

    directory = workspace.get_machine_directory()
    holder = describe_lock(directory)
    if holder is not None and holder.is_alive:
        remedy = "Check again when it has finished: what it is changing may look wrong"
        yield Problem("interrupted", "lock", holder.text, remedy, "warning")
        return
    path = Journal.path(directory)
    try:
        entry = Journal.pending(directory)
    except UNEXPECTED as e:
        what = f"it is damaged ({one_line(e)}), so the interrupted command cannot be finished"
        remedy = "dws fsck --repair, or dws recover --abandon, sets it aside"
        set_aside = _setting_aside(path)
        yield Problem("interrupted", path.name, what, remedy, repair=set_aside, comes_first=True)
        return
    if entry is not None:
        # The repair is what each command does first.
        what, remedy = (
            f"{entry.describe()} was interrupted",
            "The next command completes or undoes it; if that fails, 'dws recover --abandon' sets it aside",
        )
        yield Problem("interrupted", path.name, what, remedy, "warning", repair=lambda: "completed or undone")
    elif holder is not None:
        remedy = "The next command takes it over"
        yield Problem("interrupted", "lock", holder.text, remedy, "warning", repair=lambda: "taken over")


def _setting_aside(path: Path) -> Callable[[], str]:
    def repair() -> str:
        return f"set aside as {set_aside(path, path.parent)}"

    return repair


def unique(problems: Iterable[Problem]) -> list[Problem]:
    """Without those that say the same of the same thing, in the order of the areas."""
    found = list(dict.fromkeys(problems))
    return sorted(found, key=lambda problem: (AREAS.index(problem.area), problem.severity))
