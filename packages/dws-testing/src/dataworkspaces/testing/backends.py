"""The suite for workspace backends. The numbers are those of ``docs/spec/workspace-backend.md``."""

from __future__ import annotations

import itertools
from abc import abstractmethod
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, ClassVar

import pytest

from dataworkspaces.errors import (
    ConfigurationError,
    DwsError,
    InternalError,
    LockedError,
    MetadataError,
    NotSupportedError,
    ParamNotFoundError,
    ParamValidationError,
    UnavailableError,
)
from dataworkspaces.params import HOSTNAME, RESULTS_DIR_TEMPLATE, RESULTS_MOVE_EXCLUDE_FILES
from dataworkspaces.testing.faults import failing
from dataworkspaces.testing.suite import ConformanceSuite
from dataworkspaces.workspace import (
    CentralWorkspaceMixin,
    Journal,
    Resource,
    ResourceRef,
    SnapshotMetadata,
    SyncedWorkspaceMixin,
    Workspace,
)
from dataworkspaces.workspace.results import manifest_hash
from dataworkspaces.workspace.snapshot_metadata import Note

ANYTHING: dict[str, Any] = {"text": "Zoë's 日本 \u0000 \udc80", "list": [1, 2.5, None, True], "object": {"": {}}}
"""Values of each kind that JSON has."""


class WorkspaceBackendSuite(ConformanceSuite):
    """A subclass says how to make a workspace, and how to open it again.

    :cvar faults_of_a_command: how many calls of its storage are let fail, one after the other, in each command; None
        for all that the command makes, which takes its time."""

    faults_of_a_command: ClassVar[int | None] = 3

    @abstractmethod
    def make(self, directory: Path) -> Workspace:
        """A new workspace without resources in a directory that exists and is empty. Its host name is ``host1``."""

    @abstractmethod
    def reopen(self, workspace: Workspace) -> Workspace:
        """The same workspace as another process would open it."""

    @pytest.fixture
    def directory(self, tmp_path: Path) -> Path:
        path = tmp_path / "ws"
        path.mkdir()
        return path

    @pytest.fixture
    def workspace(self, directory: Path) -> Workspace:
        return self.make(directory)

    @pytest.fixture
    def snapshots(self, workspace: Workspace) -> Any:
        """The workspace, as one that has snapshots."""
        return workspace.as_snapshot_ws()

    def add(self, workspace: Workspace, tmp_path: Path, name: str, role: str = "source-data", **options: Any) -> Path:
        """Add a resource of local files, which every backend can have; returns its directory."""
        path = tmp_path / "data" / name
        path.mkdir(parents=True)
        (path / "file").write_text("1")
        with workspace.transaction("add"):
            workspace.add_resource(name, "file", role, path=str(path), restorable=True, **options)
            workspace.save(f"Added {name}")
        return path

    def put(self, workspace: Any, manifest: bytes, **values: Any) -> SnapshotMetadata:
        """Store a snapshot with a manifest."""
        defaults: dict[str, Any] = {
            "hashval": manifest_hash(manifest), "tags": [], "message": "", "hostname": "host1",
            "timestamp": "2026-01-01T12:00:00", "relative_destination_path": "snapshots/x", "restore_hashes": {},
        }  # fmt: skip
        metadata = SnapshotMetadata(**{**defaults, **values})
        with workspace.transaction("snapshot"):
            workspace.save_snapshot_metadata_and_manifest(metadata, manifest)
            workspace.save("A snapshot")
        return metadata

    # -- capabilities ----------------------------------------------------------------------------------------

    def test_is_synced_or_central(self, workspace: Workspace) -> None:
        """W1: a workspace is synchronised with an origin, or has a central store."""
        assert isinstance(workspace, SyncedWorkspaceMixin) != isinstance(workspace, CentralWorkspaceMixin)

    # -- parameters ------------------------------------------------------------------------------------------

    def test_a_parameter_that_is_not_set_has_its_default(self, workspace: Workspace) -> None:
        """W2: a parameter that is not set has its default."""
        assert workspace.get_global_param(RESULTS_MOVE_EXCLUDE_FILES) == ["README.txt", "README.rst", "README.md"]

    def test_parameters_stay(self, workspace: Workspace) -> None:
        """W3: what was set is there when the workspace is opened again."""
        with workspace.transaction("config"):
            workspace.set_global_param(RESULTS_DIR_TEMPLATE, "snapshots/{TAG}")
            workspace.set_local_param(HOSTNAME, "host2")
            workspace.save("config")
        again = self.reopen(workspace)
        assert again.get_global_param(RESULTS_DIR_TEMPLATE) == "snapshots/{TAG}"
        assert again.get_local_param(HOSTNAME) == again.get_instance() == "host2"

    def test_global_and_local_parameters_are_kept_apart(self, workspace: Workspace) -> None:
        """W4: writing parameters of one kind replaces all of that kind and none of the other."""
        with workspace.transaction("config"):
            before = workspace.read_params(True)
            workspace.write_params(False, {"a": ANYTHING})
            workspace.write_params(True, {**before, "b": ANYTHING})
            workspace.write_params(False, {"c": 1})
            workspace.save("config")
        again = self.reopen(workspace)
        assert again.read_params(False) == {"c": 1}
        assert again.read_params(True) == {**before, "b": ANYTHING}

    def test_wrong_parameters_change_nothing(self, workspace: Workspace) -> None:
        """W5: an unknown parameter and a value that does not fit are refused, and nothing changes."""
        before = workspace.read_params(True)
        with pytest.raises(ParamNotFoundError):
            workspace.set_global_param("results.no_such", 1)
        with pytest.raises(ParamNotFoundError):
            workspace.get_global_param(HOSTNAME)
        with pytest.raises(ParamValidationError):
            workspace.set_global_param(RESULTS_DIR_TEMPLATE, "../outside")
        assert workspace.read_params(True) == before

    # -- resources -------------------------------------------------------------------------------------------

    def test_resources_are_in_the_order_in_which_they_were_added(self, workspace: Workspace, tmp_path: Path) -> None:
        """W6: resources keep the order in which they were added."""
        names = ["zeta", "Alpha", "m 1", "beta"]
        for name in names:
            self.add(workspace, tmp_path, name)
        assert list(workspace.get_resource_names()) == names
        assert [r.name for r in self.reopen(workspace).get_resources()] == names

    def test_parameters_of_a_resource_are_replaced_in_their_place(self, workspace: Workspace) -> None:
        """W7: writing the parameters of a resource again replaces them, and it keeps its place."""
        with workspace.transaction("add"):
            for name in ("one", "two"):
                workspace.write_resource_params({"resource_type": "t", "name": name, "role": "code"})
            workspace.write_resource_params({"resource_type": "t", "name": "one", "role": "code", "more": ANYTHING})
            workspace.save("two resources")
        first, second = self.reopen(workspace).read_resource_params()
        assert first == {"resource_type": "t", "name": "one", "role": "code", "more": ANYTHING}
        assert second["name"] == "two"

    def test_a_resource_is_renamed(self, workspace: Workspace, tmp_path: Path) -> None:
        """W38: a resource that was renamed has its new name wherever its old one is stored, and all that is its
        own."""
        from dataworkspaces.commands.rename import rename_command
        from dataworkspaces.commands.restore import plan_restore, restore_command
        from dataworkspaces.commands.snapshot import snapshot_command

        if not workspace.renames_resources:
            with pytest.raises(NotSupportedError):
                rename_command(workspace, "data", "new")
            return
        path = self.add(workspace, tmp_path, "data")
        self.add(workspace, tmp_path, "other")
        with workspace.transaction("state"):
            workspace.write_resource_state(workspace.get_resource("data"), {"key": b"x"})
            workspace.save("state")
        taken = snapshot_command(workspace, "ONE").metadata
        before = self.reopen(workspace)
        place = before.get_resource_local_directory(before.get_resource("data"))
        local = before.read_resource_local_params("data")

        rename_command(before, "data", "new")
        for again in (before, workspace, self.reopen(workspace)):
            resource = again.get_resource("data")
            assert (resource.name, again.get_resource("new").name) == ("new", "new")
            assert list(again.get_resource_names()) == ["new", "other"]
            assert again.read_resource_local_params("new") == local
            assert again.read_resource_state(resource, "key") == b"x"
            assert again.get_resource_local_directory(resource) == place
            snapshots = again.as_snapshot_ws()
            assert list(snapshots.get_snapshot_metadata(taken.hashval).restore_hashes) == ["new", "other"]
            assert [list(s.restore_hashes) for s in snapshots.list_snapshots()] == [["new", "other"]]
            assert list(snapshots.get_snapshot_versions(taken.hashval)) == ["new", "other"]
            assert not snapshot_command(again).is_new
        (path / "file").write_text("2")
        second = snapshot_command(workspace, "TWO").metadata
        assert list(second.restore_hashes) == ["new", "other"]
        restore_command(workspace, plan_restore(workspace, "ONE"))
        assert (path / "file").read_text() == "1"
        with workspace.transaction("config"):
            workspace.write_resource_params({**workspace.get_resource_params("new"), "more": ANYTHING})
            workspace.save("config")
        rename_command(self.reopen(workspace), "new", "data")
        again = self.reopen(workspace)
        assert again.get_resource_params("data")["more"] == ANYTHING
        assert list(again.get_resource_names()) == ["data", "other"]

    def test_a_name_is_given_once(self, workspace: Workspace, tmp_path: Path) -> None:
        """W8: a name is unique; who asks for one that is not there is told which are."""
        self.add(workspace, tmp_path, "data")
        with pytest.raises(ConfigurationError, match="There is already a resource 'data'"):
            workspace.add_resource("data", "file", "code", path=str(tmp_path))
        with pytest.raises(ConfigurationError, match="no resource 'dat'") as raised:
            workspace.get_resource("dat")
        assert raised.value.hint == "It has: data"

    def test_local_parameters_of_a_resource(self, workspace: Workspace) -> None:
        """W9: a resource has local parameters once they were written, be they empty."""
        assert workspace.read_resource_local_params("data") is None
        with workspace.transaction("add"):
            workspace.write_resource_local_params("data", {"path": ANYTHING})
            workspace.write_resource_local_params("other", {})
        again = self.reopen(workspace)
        assert again.read_resource_local_params("data") == {"path": ANYTHING}
        assert again.read_resource_local_params("other") == {}

    def test_what_needs_to_be_cloned(self, workspace: Workspace, tmp_path: Path) -> None:
        """W10: a resource with local state needs to be cloned where it has no local parameters."""
        self.add(workspace, tmp_path, "data")
        params = workspace.get_resource_params("data")
        with workspace.transaction("add"):
            workspace.write_resource_params({**params, "name": "elsewhere", "global_local_path": "/no/such/place"})
            workspace.save("add")
        assert list(workspace.get_names_for_resources_that_need_to_be_cloned()) == ["elsewhere"]
        if isinstance(workspace, CentralWorkspaceMixin):
            assert workspace.get_resources_that_need_to_be_cloned() == ["elsewhere"]

    # -- state of resources ----------------------------------------------------------------------------------

    @pytest.fixture
    def resource(self, workspace: Workspace, tmp_path: Path) -> Resource:
        self.add(workspace, tmp_path, "data")
        return workspace.get_resource("data")

    def test_state_of_a_resource(self, workspace: Workspace, resource: Resource, tmp_path: Path) -> None:
        """W11: state is kept byte by byte, for one resource; writing an item twice changes nothing."""
        items = {"empty": b"", "a.b_c-1": bytes(range(256))}
        assert workspace.read_resource_state(resource, "empty") is None
        for _ in range(2):
            with workspace.transaction("state"):
                workspace.write_resource_state(resource, items)
                workspace.save("state")
        again = self.reopen(workspace)
        same = again.get_resource("data")
        assert {key: again.read_resource_state(same, key) for key in items} == items
        self.add(again, tmp_path, "other")
        assert again.read_resource_state(again.get_resource("other"), "empty") is None

    @pytest.mark.parametrize("key", ["../out", "/out", "a/../../out"])
    def test_a_key_that_leads_out(self, workspace: Workspace, resource: Resource, key: str) -> None:
        """W12: a key of state that is a path to elsewhere is refused, to read and to write."""
        with pytest.raises(ConfigurationError):
            workspace.write_resource_state(resource, {key: b"x"})
        with pytest.raises(ConfigurationError):
            workspace.read_resource_state(resource, key)

    # -- places ----------------------------------------------------------------------------------------------

    def test_places(self, workspace: Workspace, resource: Resource, tmp_path: Path) -> None:
        """W13: the places of a workspace are absolute, stay the same, and are no two resources'."""
        self.add(workspace, tmp_path, "other")
        again = self.reopen(workspace)

        def places(of: Workspace) -> list[Path]:
            local = [of.get_resource_local_directory(of.get_resource(name)) for name in ("data", "other")]
            return [of.get_machine_directory(), of.get_objects_directory(), Path(of.get_scratch_directory()), *local]

        assert all(path.is_absolute() for path in places(workspace))
        assert len(set(places(workspace))) == 5
        assert places(again) == places(workspace)

    def test_the_host_name_identifies_the_copy(self, workspace: Workspace) -> None:
        """W14: the instance is the host name that was given when the copy was made."""
        assert workspace.get_instance() == "host1"

    # -- changing a workspace --------------------------------------------------------------------------------

    def test_one_change_at_a_time(self, workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
        """W15: while a command changes a copy, another is refused and told who."""
        monkeypatch.setenv("DWS_LOCK_TIMEOUT", "0")
        second = self.reopen(workspace).transaction("second")
        with workspace.transaction("first"), pytest.raises(LockedError, match="dws first"), second:
            raise AssertionError("two transactions at once")
        with workspace.transaction("third"):
            pass

    def test_what_raises_is_undone_at_once(self, workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
        """W16: what a command has noted in the journal is handed to recovery at once, if it raises."""
        seen = _recoveries(workspace, monkeypatch)

        def fail() -> None:
            with workspace.transaction("fails") as journal:
                journal.record("operation", what="x")
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            fail()
        assert seen == [("operation", {"what": "x"}, False)]
        assert Journal.pending(workspace.get_machine_directory()) is None

    def test_what_was_killed_is_recovered_by_the_next(
        self, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """W17: what a killed command has noted is handed to recovery before the next command changes anything."""
        Journal(workspace.get_machine_directory(), "killed").record("operation", what="x")
        again = self.reopen(workspace)
        seen = _recoveries(again, monkeypatch)
        with again.transaction("next"):
            assert seen == [("operation", {"what": "x"}, True)]

    # -- snapshots -------------------------------------------------------------------------------------------

    def test_a_snapshot_is_found(self, workspace: Workspace, snapshots: Any) -> None:
        """W18: a snapshot is found by hash, by the beginning of its hash, and by tag, with all that was stored."""
        stored = self.put(
            snapshots, b"[]", tags=["V2", "V1"], message="Zoë's\nfirst", restore_hashes={"a": "x", "b": None},
            metrics={"accuracy": 0.5, "nested": {"x": [1]}}, updated_timestamp="2026-01-02T00:00:00", other={"new": 1},
        )  # fmt: skip
        again: Any = self.reopen(workspace).as_snapshot_ws()
        for found in (
            again.get_snapshot_metadata(stored.hashval),
            again.get_snapshot_by_partial_hash(stored.hashval[:7].upper()),
            again.get_snapshot_by_tag("V1"),
            again.get_snapshot_by_tag_or_hash("V2"),
        ):
            assert found == stored
        assert again.has_snapshot(stored.hashval)
        assert again.get_snapshot_manifest_bytes(stored.hashval) == b"[]"

    def test_what_is_not_there(self, snapshots: Any) -> None:
        """W19: who asks for a snapshot that is not there gets a ConfigurationError, for a manifest a MetadataError."""
        self.put(snapshots, b"[]", tags=["V1"])
        for look in (snapshots.get_snapshot_metadata, snapshots.get_snapshot_by_partial_hash):
            with pytest.raises(ConfigurationError):
                look("0" * 40)
        with pytest.raises(ConfigurationError, match="no snapshot with the tag 'V2'"):
            snapshots.get_snapshot_by_tag("V2")
        with pytest.raises(MetadataError):
            snapshots.get_snapshot_manifest_bytes("0" * 40)
        assert not snapshots.has_snapshot("0" * 40)
        assert snapshots.get_hashes_with_tag("V2") == []

    def test_a_hash_that_fits_several(self, snapshots: Any) -> None:
        """W20: a shortened hash that fits several snapshots is an error that lists them."""
        hashes = [self.put(snapshots, b"[%d]" % number).hashval for number in range(20)]
        first = next(h[0] for h in hashes if sum(other[0] == h[0] for other in hashes) > 1)
        several = [h for h in hashes if h[0] == first]
        with pytest.raises(ConfigurationError) as raised:
            snapshots.get_snapshot_by_partial_hash(first)
        assert all(hashval in str(raised.value) for hashval in several)

    def test_snapshots_are_listed_by_time(self, snapshots: Any) -> None:
        """W21: snapshots are listed by time, the newest first unless told otherwise, and at most as many as asked."""
        times = ["2026-01-01T12:00:00", "2025-12-31T23:59:59.999999", "2026-01-01T12:00:00.000001"]
        for number, time in enumerate(times):
            self.put(snapshots, b"[%d]" % number, timestamp=time)
        newest = sorted(times, reverse=True)
        assert [s.timestamp for s in snapshots.list_snapshots()] == newest
        assert [s.timestamp for s in snapshots.list_snapshots(reverse=False)] == newest[::-1]
        assert [s.timestamp for s in snapshots.list_snapshots(max_count=2)] == newest[:2]
        assert list(snapshots.list_snapshots(max_count=0)) == []
        assert snapshots.get_snapshot_count() == 3
        assert snapshots.get_most_recent_snapshot().timestamp == newest[0]

    def test_without_snapshots(self, snapshots: Any) -> None:
        """W22: a new workspace has no snapshot and no tag."""
        assert list(snapshots.list_snapshots()) == snapshots.get_tags() == []
        assert snapshots.get_snapshot_count() == 0
        assert snapshots.get_most_recent_snapshot() is None

    def test_labels_and_notes(self, workspace: Workspace, snapshots: Any) -> None:
        """W37: a snapshot is found by a label that only it has; labels and notes change after it was taken."""
        one = self.put(snapshots, b"[1]", labels={"stage": "production", "owner": "Zoë"})
        two = self.put(snapshots, b"[2]", labels={"stage": "production"}, notes=[Note("so-so", "2026-01-02", "h")])
        again: Any = self.reopen(workspace).as_snapshot_ws()
        assert again.get_labels() == ["owner=Zoë", "stage=production"]
        assert sorted(again.get_hashes_with_label("stage", "production")) == sorted([one.hashval, two.hashval])
        assert again.get_snapshot_by_tag_or_hash("owner=Zoë") == one
        for label in ("stage=production", "stage=test"):
            with pytest.raises(ConfigurationError):
                again.get_snapshot_by_tag_or_hash(label)
        with again.transaction("label"):
            new = again.update_snapshot_metadata(two.hashval, lambda m: m.replace(labels={}, tags=["B"]))
            again.save("label")
        assert self.reopen(workspace).as_snapshot_ws().get_snapshot_by_tag_or_hash("stage=production") == one
        assert again.get_snapshot_by_tag("B") == new == two.replace(labels={}, tags=["B"])

    def test_tags(self, snapshots: Any) -> None:
        """W23: tags are listed sorted; one can be taken from a snapshot, and taking what is not there is an error."""
        one = self.put(snapshots, b"[1]", tags=["b", "C"])
        self.put(snapshots, b"[2]", tags=["a"])
        assert snapshots.get_tags() == ["C", "a", "b"]
        assert snapshots.get_hashes_with_tag("b") == [one.hashval]
        with snapshots.transaction("tag"):
            snapshots.remove_tag_from_snapshot(one.hashval, "b")
            snapshots.save("tag")
        assert snapshots.get_snapshot_metadata(one.hashval).tags == ["C"]
        assert snapshots.get_tags() == ["C", "a"]
        for hashval, tag in ((one.hashval, "b"), ("0" * 40, "C")):
            with pytest.raises(InternalError):
                snapshots.remove_tag_from_snapshot(hashval, tag)

    def test_a_snapshot_is_stored_again(self, snapshots: Any) -> None:
        """W24: storing a snapshot again replaces what is kept of it, and there are no more snapshots than before."""
        hashval = self.put(snapshots, b"[]", tags=["A", "B"], message="first").hashval
        metadata = snapshots.get_snapshot_metadata(hashval)
        metadata.tags, metadata.message = ["B", "C"], "second"
        with snapshots.transaction("snapshot"):
            snapshots.save_snapshot_metadata_and_manifest(metadata, b"[]")
        assert snapshots.get_snapshot_metadata(hashval) == metadata
        assert snapshots.get_tags() == ["B", "C"]
        assert snapshots.get_snapshot_count() == 1

    def test_a_deleted_snapshot_is_gone(self, workspace: Workspace, snapshots: Any) -> None:
        """W25: deleting removes metadata, tags and manifest, and may be done twice."""
        hashval = self.put(snapshots, b"[]", tags=["A"]).hashval
        for _ in range(2):
            with workspace.transaction("delete"):
                snapshots.delete_snapshot_metadata_and_manifest(hashval)
                workspace.save("delete")
        again: Any = self.reopen(workspace).as_snapshot_ws()
        assert not again.has_snapshot(hashval)
        assert again.get_tags() == []
        with pytest.raises(MetadataError):
            again.get_snapshot_manifest_bytes(hashval)

    def test_snapshots_are_numbered(self, snapshots: Any) -> None:
        """W26: the number of the next snapshot is greater than all before, those that were deleted included."""
        numbers = [snapshots.get_next_snapshot_number()]
        for number in range(2):
            hashval = self.put(snapshots, b"[%d]" % number).hashval
            numbers.append(snapshots.get_next_snapshot_number())
        with snapshots.transaction("delete"):
            snapshots.delete_snapshot_metadata_and_manifest(hashval)
        self.put(snapshots, b"[9]")
        numbers.append(snapshots.get_next_snapshot_number())
        assert numbers == sorted(set(numbers))
        assert numbers[0] > 0

    # -- what commands do ------------------------------------------------------------------------------------

    def test_snapshot_and_restore(self, workspace: Workspace, tmp_path: Path) -> None:
        """W27: what a snapshot holds can be brought back, from a copy that is opened again."""
        from dataworkspaces.commands.restore import plan_restore, restore_command
        from dataworkspaces.commands.snapshot import snapshot_command

        data = self.add(workspace, tmp_path, "data")
        taken = snapshot_command(workspace, "ONE", "first").metadata
        (data / "file").write_text("2")
        assert snapshot_command(self.reopen(workspace), "TWO").metadata.hashval != taken.hashval
        again = self.reopen(workspace)
        restore_command(again, plan_restore(again, "ONE"))
        assert (data / "file").read_text() == "1"
        snapshots = again.as_snapshot_ws()
        assert snapshots.changes_since(snapshots.get_snapshot_versions(taken.hashval))["data"].state == "unchanged"

    def test_results_move_at_a_snapshot(self, workspace: Workspace, tmp_path: Path) -> None:
        """W28: results move to the place that the snapshot names, with their lineage, and go with the snapshot."""
        from dataworkspaces.commands.delete_snapshot import delete_snapshot_command
        from dataworkspaces.commands.snapshot import snapshot_command

        out = self.add(workspace, tmp_path, "out", "results")
        taken = snapshot_command(workspace, "ONE").metadata
        place = out / taken.relative_destination_path
        assert (place / "file").read_text() == "1"
        assert not (out / "file").exists()
        assert (place / "lineage.json").exists() == workspace.as_snapshot_ws().supports_lineage()
        again = self.reopen(workspace)
        again.batch = True
        delete_snapshot_command(again, "ONE")
        assert not place.exists()

    def test_a_tag_moves(self, workspace: Workspace, tmp_path: Path) -> None:
        """W29: a tag that is given again on confirmation leaves the snapshot that had it."""
        from dataworkspaces.commands.snapshot import snapshot_command
        from dataworkspaces.workspace import BatchInteraction

        class Yes(BatchInteraction):
            def confirm(self, question: str, *, default: bool, option: str | None = None) -> bool:
                return True

        data = self.add(workspace, tmp_path, "data")
        first = snapshot_command(workspace, "V1").metadata.hashval
        (data / "file").write_text("2")
        again = self.reopen(workspace)
        again.interaction, again.batch = Yes(), False
        second = snapshot_command(again, "V1").metadata.hashval
        found = self.reopen(workspace).as_snapshot_ws()
        assert found.get_hashes_with_tag("V1") == [second]
        assert found.get_snapshot_metadata(first).tags == []

    def test_a_whole_workspace_has_no_problems(self, workspace: Workspace, tmp_path: Path) -> None:
        """W30: the check of a workspace that is whole finds nothing."""
        from dataworkspaces.commands.snapshot import snapshot_command

        self.add(workspace, tmp_path, "data")
        snapshot_command(workspace, "V1")
        assert list(self.reopen(workspace).check_integrity()) == []

    # -- storage that does not answer ------------------------------------------------------------------------

    def faults(self, workspace: Workspace, command: Callable[[Workspace], object]) -> Iterator[tuple[int, bool]]:
        """Which call of the storage is to fail while a command runs, and whether after it was done: each of those that
        ``command`` makes, or ``faults_of_a_command`` of them, spread evenly."""
        with failing(workspace, None) as calls:
            command(workspace)
        count = len(calls.made)
        wanted = min(count, self.faults_of_a_command or count)
        for number in range(wanted):
            at = number * count // wanted
            yield at, False
            if calls.made[at].startswith(("write", "save", "delete", "remove")):
                yield at, True

    def fail(self, workspace: Workspace, command: Callable[[Workspace], object], at: int, after: bool) -> str:
        """Run a command of which one call of the storage fails; returns which."""
        with failing(workspace, at, after=after) as calls, suppress(DwsError):
            command(workspace)
        return f"call {at}, {calls.failed}, fails {'after' if after else 'before'} it is done"

    def check_nothing_is_lost(self, workspace: Workspace, taken: dict[str, str], what: str) -> None:
        """By another process: that each snapshot can be found, and its manifest and lineage read.

        :param taken: tags of snapshots by hash."""
        again = self.reopen(workspace)
        with again.transaction("check"):
            pass
        assert Journal.pending(again.get_machine_directory()) is None, what
        snapshots = again.as_snapshot_ws()
        listed = {metadata.hashval: metadata for metadata in snapshots.list_snapshots()}
        for hashval, tag in taken.items():
            assert hashval in listed, what
            assert snapshots.has_snapshot(hashval), what
            assert snapshots.get_snapshot_by_tag(tag).hashval == hashval, what
            assert snapshots.get_snapshot_manifest(hashval), what
            if snapshots.supports_lineage():
                snapshots.get_lineage_store().entries("data", hashval)

    def test_storage_that_does_not_answer_is_no_answer(self, workspace: Workspace, snapshots: Any) -> None:
        """W32: a snapshot of which storage cannot tell is not taken for one that is not there."""
        hashval = self.put(snapshots, b"[]", tags=["V1"]).hashval
        for look in ("has_snapshot", "get_snapshot_metadata", "get_snapshot_versions"):
            with failing(snapshots, 0), pytest.raises(UnavailableError):
                getattr(snapshots, look)(hashval)
        assert snapshots.has_snapshot(hashval)

    def test_a_snapshot_whose_storage_fails(self, workspace: Workspace, tmp_path: Path) -> None:
        """W33: whichever call of storage fails during a snapshot, no snapshot is lost, and no file."""
        from dataworkspaces.commands.snapshot import snapshot_command

        data = self.add(workspace, tmp_path, "data")
        out = self.add(workspace, tmp_path, "out", "results")
        taken = {snapshot_command(workspace, "V-first").metadata.hashval: "V-first"}

        def change(text: str) -> None:
            (data / "file").write_text(text)
            (out / "file").write_text(text)

        change("counted")
        for at, after in self.faults(self.reopen(workspace), lambda ws: snapshot_command(ws)):
            text = f"{at}{after}"
            change(text)
            what = self.fail(self.reopen(workspace), lambda ws: snapshot_command(ws), at, after)
            self.check_nothing_is_lost(workspace, taken, what)
            assert (data / "file").read_text() == text, what
            assert any(path.read_text() == text for path in out.rglob("file")), what
            tag = f"V{text}"
            taken[snapshot_command(self.reopen(workspace), tag).metadata.hashval] = tag
        self.check_nothing_is_lost(workspace, taken, "at the end")

    def test_a_recovery_whose_storage_fails(self, workspace: Workspace, tmp_path: Path) -> None:
        """W36: a snapshot that was stored, and not finished, stays whichever call of storage fails in its recovery."""
        from dataworkspaces.commands.snapshot import snapshot_command

        self.add(workspace, tmp_path, "data")
        self.add(workspace, tmp_path, "out", "results")
        first = self.reopen(workspace)
        commit = "save_snapshot_metadata_and_manifest"
        with failing(first, commit, after=True, for_good=True), pytest.raises(UnavailableError):
            snapshot_command(first, "ONE")
        [taken] = self.reopen(workspace).as_snapshot_ws().list_snapshots()
        for at in itertools.count():
            again = self.reopen(workspace)
            with failing(again, at) as calls, suppress(DwsError), again.transaction("recover"):
                pass
            assert self.reopen(workspace).as_snapshot_ws().has_snapshot(taken.hashval), f"call {at}, {calls.failed}"
            if calls.failed is None:
                break
        self.check_nothing_is_lost(workspace, {taken.hashval: "ONE"}, "at the end")

    def test_a_restore_whose_storage_fails(self, workspace: Workspace, tmp_path: Path) -> None:
        """W34: whichever call of storage fails during a restore, what lay there is there, or what was asked for."""
        from dataworkspaces.commands.restore import plan_restore, restore_command
        from dataworkspaces.commands.snapshot import snapshot_command

        data = self.add(workspace, tmp_path, "data")
        taken = {snapshot_command(workspace, "ONE").metadata.hashval: "ONE"}

        def restore(ws: Workspace) -> None:
            restore_command(ws, plan_restore(ws, "ONE"))

        for at, after in self.faults(self.reopen(workspace), restore):
            text = f"{at}{after}"
            (data / "file").write_text(text)
            what = self.fail(self.reopen(workspace), restore, at, after)
            self.check_nothing_is_lost(workspace, taken, what)
            assert (data / "file").read_text() in (text, "1"), what
        restore(self.reopen(workspace))
        assert (data / "file").read_text() == "1"

    def test_a_deletion_whose_storage_fails(self, workspace: Workspace, tmp_path: Path) -> None:
        """W35: whichever call of storage fails while a snapshot is deleted, the others stay, and so do their
        results."""
        from dataworkspaces.commands.delete_snapshot import delete_snapshot_command
        from dataworkspaces.commands.snapshot import snapshot_command

        data = self.add(workspace, tmp_path, "data")
        out = self.add(workspace, tmp_path, "out", "results")
        stays = snapshot_command(workspace, "ONE").metadata
        place = out / stays.relative_destination_path / "file"

        def delete(ws: Workspace) -> None:
            ws.batch = True
            delete_snapshot_command(ws, "TWO")

        def take(text: str) -> None:
            (data / "file").write_text(text)
            (out / "file").write_text(text)
            snapshot_command(self.reopen(workspace), "TWO")

        take("counted")
        for at, after in self.faults(self.reopen(workspace), delete):
            text = f"{at}{after}"
            take(text)
            what = self.fail(self.reopen(workspace), delete, at, after)
            self.check_nothing_is_lost(workspace, {stays.hashval: "ONE"}, what)
            assert place.read_text() == "1", what
            again = self.reopen(workspace)
            if "TWO" in again.as_snapshot_ws().get_tags():  # it stays as a whole
                taken = again.as_snapshot_ws().get_snapshot_by_tag("TWO")
                assert (out / taken.relative_destination_path / "file").read_text() == text, what
                delete(again)

    # -- lineage ---------------------------------------------------------------------------------------------

    def test_lineage_is_kept(self, workspace: Workspace, tmp_path: Path) -> None:
        """W31: the lineage of a step is there for another process; a snapshot keeps it, a restore brings it back."""
        from dataworkspaces.commands.snapshot import snapshot_command
        from dataworkspaces.lineage import LineageBuilder

        self.add(workspace, tmp_path, "data")
        out = self.add(workspace, tmp_path, "out", "intermediate-data")

        def step(value: int) -> None:
            builder = LineageBuilder().with_workspace(self.reopen(workspace)).with_step_name("step")
            builder = builder.with_parameters({"value": value}).with_input_ref(ResourceRef("data"))
            with builder.eval() as lineage:
                lineage.add_output_ref(ResourceRef("out"))
                (out / "file").write_text(str(value))

        def value(snapshot: str | None = None) -> Any:
            store = self.reopen(workspace).as_lineage_ws().get_lineage_store()
            return [getattr(entry, "parameters", {}).get("value") for entry in store.entries("out", snapshot)]

        step(1)
        assert value() == [1]
        taken = snapshot_command(workspace, "ONE").metadata.hashval
        step(2)
        assert (value(), value(taken)) == ([2], [1])
        store = self.reopen(workspace).as_lineage_ws().get_lineage_store()
        store.restore(taken, ["out"])
        assert value() == [1]
        for _ in range(2):
            store.delete_snapshot(taken)
        assert value(taken) == []


def _recoveries(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """What is handed to recovery from now on, which does nothing with it."""
    seen: list[tuple[Any, ...]] = []

    def recover(*noted: Any) -> str:
        seen.append(noted)
        return ""

    monkeypatch.setattr(workspace, "recover", recover)
    return seen
