"""The suites for resource types, one for each mixin. The numbers are those of ``docs/spec/resource-type.md``.

A type's tests inherit from the suites of all mixins that it has.
"""

from __future__ import annotations

import itertools
import json
import re
from abc import abstractmethod
from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any, ClassVar

import pytest

from dataworkspaces import plugins
from dataworkspaces.errors import ConfigurationError, DwsError
from dataworkspaces.lineage.file_store import FileLineageStore
from dataworkspaces.testing.memory import MemoryStore, MemoryWorkspace
from dataworkspaces.testing.outages import Outage, outages
from dataworkspaces.testing.suite import ConformanceSuite
from dataworkspaces.toolbox.trust import Agreements
from dataworkspaces.workspace import (
    RESOURCE_ROLE_CHOICES,
    LocalStateResourceMixin,
    Resource,
    ResourceFactory,
    SnapshotVersion,
    Workspace,
)
from dataworkspaces.workspace.trust import place_of

STRANGE: tuple[Any, ...] = (None, 3, True, "", "../../x", "/\0", "-o", [], {"a": 1})
"""What somebody else may have written in the place of a parameter."""
NAME = "tested"
Act = Callable[[Any], Any]
"""Something that is done with a resource."""


class ResourceFixtures(ConformanceSuite):
    """A subclass says how to add a resource, and how to change what it holds.

    :cvar faults_of_a_case: how many calls of what it keeps something with are let fail, one after the other, in each
        case, spread evenly; None for all that are made, as with ``DWS_FAULTS=each`` in the environment.
    :cvar faults_for_good: whether all calls after it fail, too: by turns, unless its client tries for minutes."""

    faults_of_a_case: ClassVar[int | None] = 6
    faults_for_good: ClassVar[Sequence[bool]] = (False, True)

    @abstractmethod
    def add(self, workspace: Workspace, directory: Path) -> Resource:
        """Add a resource of the type with :meth:`Workspace.add_resource`, by the name :data:`NAME`, and return it. It
        holds something, and is no results resource. Its data may lie in ``directory``, which is empty."""

    def change(self, resource: Any, value: str) -> None:
        """Make what the resource holds another thing, which depends on ``value`` and on nothing else."""
        raise NotImplementedError

    def content(self, resource: Any) -> Any:
        """What the resource holds, as something that can be compared."""
        raise NotImplementedError

    @pytest.fixture
    def workspace(self, tmp_path: Path) -> Workspace:
        """A workspace that needs no backend. Override it for a type that needs one."""
        directory = tmp_path / "ws"
        directory.mkdir()
        lineage = FileLineageStore(tmp_path / "current", tmp_path / "snapshots", tmp_path / "lineage.lock")
        return MemoryWorkspace(directory, lineage_store=lineage)

    @pytest.fixture
    def resource(self, workspace: Workspace, tmp_path: Path) -> Any:
        """The resource, as another process has it."""
        directory = tmp_path / "place"
        directory.mkdir()
        with workspace.transaction("add"):
            self.add(workspace, directory)
            workspace.save("add")
        return workspace.get_resource(NAME)

    def again(self, resource: Any) -> Any:
        """The resource, made once more from what is stored of it."""
        return resource.workspace.get_resource(resource.name)

    def outages(
        self, resource: Any, act: Act, before: Callable[[int], object] = lambda number: None
    ) -> Iterator[Outage]:
        """What comes of something that is done with the resource while one call fails, of files, programs, servers, or
        of the workspace's storage: see :mod:`dataworkspaces.testing.outages`."""
        return outages(
            self.scene,
            resource.workspace,
            lambda: act(self.again(resource)),
            before=before,
            count=self.faults_of_a_case,
            for_good=self.faults_for_good,
        )

    @pytest.fixture(autouse=True)
    def _scene(self, tmp_path: Path) -> None:
        self.scene = tmp_path


class ResourceSuite(ResourceFixtures):
    """For every type."""

    def test_the_entry_point(self, resource: Any) -> None:
        """R1: the entry point's name is the type as it is stored, and what it names is the type's factory."""
        assert resource.resource_type == self.entry_point
        factory = plugins.load(plugins.RESOURCES, self.entry_point)
        assert isinstance(factory, ResourceFactory)
        assert set(factory.roles) <= set(RESOURCE_ROLE_CHOICES)
        assert resource.role in factory.roles

    def test_parameters_make_the_resource(self, resource: Any) -> None:
        """R2: the parameters are JSON, name type, name and role, and make the same resource again."""
        params = resource.get_params()
        assert json.loads(json.dumps(params)) == params == self.again(resource).get_params()
        assert (params["resource_type"], params["name"], params["role"]) == (self.entry_point, NAME, resource.role)

    def test_strange_parameters(self, workspace: Workspace, resource: Any) -> None:
        """R3: stored parameters that are missing or strange give a resource or a DwsError, and no other error."""
        params = resource.get_params()
        for key in params.keys() - {"resource_type", "name", "role"}:
            for stored in (*({**params, key: value} for value in STRANGE), {k: params[k] for k in params if k != key}):
                workspace.write_resource_params(stored)
                try:
                    json.dumps(workspace.get_resource(NAME).get_params())
                except DwsError:
                    continue

    def test_a_place_that_is_not_there(self, resource: Any) -> None:
        """R4: a place that is not in the resource is a ConfigurationError."""
        with pytest.raises(ConfigurationError):
            resource.validate_subpath_exists("no/such/place")

    def test_the_options_of_add(self) -> None:
        """R5: the options of ``dws add`` are click's, and leave the common ones to the shell."""
        import click

        params = plugins.load(plugins.RESOURCES, self.entry_point).get_click_params()
        names = [param.name for param in params]
        assert all(isinstance(param, click.Parameter) for param in params)
        assert len(set(names)) == len(names)
        assert not {"role", "name", "export", "imported"} & set(names)

    def test_local_state_is_announced(self, resource: Any) -> None:
        """R6: a type that says it has local state makes resources that have it."""
        if plugins.load(plugins.RESOURCES, self.entry_point).has_local_state():
            assert isinstance(resource, LocalStateResourceMixin)


class SnapshotResourceSuite(ResourceSuite):
    """For types with :class:`SnapshotResourceMixin`."""

    def take(self, resource: Any) -> SnapshotVersion:
        resource.snapshot_precheck()
        return SnapshotVersion(*resource.snapshot())

    def test_unchanged_content_is_the_same_version(self, resource: Any) -> None:
        """S1: a snapshot of unchanged content gives the same hashes, and changes nothing that is held."""
        self.change(resource, "a")
        before = self.content(resource)
        assert self.take(resource) == self.take(self.again(resource))
        assert self.content(resource) == before

    def test_hashes_tell_versions_apart(self, resource: Any) -> None:
        """S2: other content has another compare hash."""
        assert len(set(self._compare_hashes(resource, "a", "b", "c"))) == 3

    def test_hashes_are_of_content(self, resource: Any) -> None:
        """S10: content that was there before has the compare hash that it had then."""
        first, _, again = self._compare_hashes(resource, "a", "b", "a")
        assert again == first

    def _compare_hashes(self, resource: Any, *values: str) -> list[str | None]:
        found = []
        for value in values:
            self.change(resource, value)
            found.append(self.take(self.again(resource)).compare_hash)
        return found

    def test_a_version_is_restored(self, resource: Any) -> None:
        """S3: a restore brings back exactly what a version held; a second one changes nothing."""
        self.change(resource, "a")
        held, version = self.content(resource), self.take(resource)
        assert version.restore_hash is not None
        self.change(resource, "b")
        self.take(resource)
        for _ in range(2):
            resource = self.again(resource)
            resource.restore_precheck(version.restore_hash)
            resource.restore(version.restore_hash)
            assert self.content(resource) == held

    def test_both_ways(self, resource: Any) -> None:
        """S4: a restore loses nothing that a version holds: the newer one can be restored as well."""
        versions = {}
        for value in ("a", "b"):
            self.change(resource, value)
            versions[value] = (self.content(resource), str(self.take(resource).restore_hash))
        for value in ("a", "b", "a"):
            self.again(resource).restore(versions[value][1])
            assert self.content(resource) == versions[value][0]

    @pytest.mark.parametrize("restore_hash", ["0" * 40, "", "-x", "../../x", "no hash"])
    def test_a_version_that_is_not_there(self, resource: Any, restore_hash: str) -> None:
        """S5: the check before a restore refuses what is no version, with a DwsError, and changes nothing."""
        before = self.content(resource)
        with pytest.raises(DwsError):
            resource.restore_precheck(restore_hash)
        assert self.content(resource) == before

    def test_changes(self, resource: Any) -> None:
        """S6: what is said of changes since a version is true, or that it is unknown."""
        self.change(resource, "a")
        version = self.take(resource)
        unchanged = self.again(resource).changes_since(version)
        assert unchanged.state in ("unchanged", "unknown"), unchanged
        self.change(resource, "other")
        assert self.again(resource).changes_since(version).state in ("changed", "unknown")

    def test_questions_change_nothing(self, resource: Any) -> None:
        """S7: plans, differences and checks change nothing, and a resource that is whole has no problems."""
        self.change(resource, "a")
        old = self.take(resource)
        self.change(resource, "b")
        new = self.take(resource)
        before = self.content(resource)
        assert resource.diff_versions(old, old) in (None, [])
        assert resource.diff_versions(old, new) != []
        if old.restore_hash is not None:
            assert resource.plan_restore(old.restore_hash) != []
            assert list(resource.check_integrity({"1" * 40: old.restore_hash})) == []
        assert self.content(resource) == before

    def test_deleting_what_is_kept_for_a_snapshot(self, resource: Any) -> None:
        """S8: deleting what is kept for a snapshot may be done twice, and leaves what is held now."""
        self.change(resource, "a")
        version, before = self.take(resource), self.content(resource)
        for _ in range(2):
            resource.delete_snapshot("1" * 40, version.restore_hash, "snapshots/x")
        assert self.content(resource) == before

    def test_content_for_lineage(self, resource: Any) -> None:
        """S9: the text that stands for what is held is the same for the same and another for other content, and is
        that of the version that holds it; or there is none."""
        found = []
        for value in ("a", "b", "a"):
            self.change(resource, value)
            found.append(self.again(resource).present_contents([None]).contents)
        assert all(len(contents) == 1 for contents in found)
        if found[0] != [None]:
            assert found[0] == found[2] != found[1]
        kept = resource.version_contents(str(self.take(resource).compare_hash), [None, "no/such/place"])
        assert len(kept) == 2
        assert kept[0] in (None, found[2][0])

    # -- storage that does not answer ------------------------------------------------------------------------

    def test_a_snapshot_that_fails(self, resource: Any) -> None:
        """S11: whichever call fails while a version is taken, what is held stays, the next try takes it, and versions
        from before can be restored."""
        self.change(resource, "a")
        held, first = self.content(resource), self.take(resource)
        for outage in self.outages(resource, self.take, lambda number: self.change(resource, f"b{number}")):
            present = self.content(resource)
            outage.check(self.take(self.again(resource)))
            assert self.content(resource) == present, outage.call
        if first.restore_hash is not None:
            self.again(resource).restore(first.restore_hash)
            assert self.content(resource) == held

    def test_a_restore_that_fails(self, resource: Any) -> None:
        """S12: whichever call fails while a version is restored, the next try restores it, and the version from before
        can be restored as well."""
        held, versions = {}, {}
        for value in ("a", "b"):
            self.change(resource, value)
            held[value], versions[value] = self.content(resource), self.take(resource).restore_hash
        if versions["a"] is None:
            return

        def restore(value: str, resource: Any) -> None:
            resource.restore_precheck(versions[value])
            resource.restore(versions[value])

        def begin(number: int) -> None:
            restore("b", self.again(resource))
            assert self.content(resource) == held["b"]

        for outage in self.outages(resource, lambda again: restore("a", again), begin):
            outage.check()
            restore("a", self.again(resource))
            assert self.content(resource) == held["a"], outage.call

    def test_questions_without_an_answer(self, resource: Any) -> None:
        """S13: whichever call fails, what is said of versions is true, or that it is unknown."""
        self.change(resource, "a")
        old = self.take(resource)
        self.change(resource, "b")
        new = self.take(resource)
        unknown = self.again(resource).changes_since(new).state, "unknown"
        for outage in self.outages(resource, lambda again: again.changes_since(new).state):
            outage.check(*unknown)
        questions: list[tuple[Act, Any]] = [
            (lambda again: again.diff_versions(old, new), None),
            (lambda again: again.present_contents([None]).contents, [None]),
            (lambda again: again.version_contents(str(old.compare_hash), [None]), [None]),
        ]
        if old.restore_hash is not None:
            questions.append((lambda again: again.restore_precheck(old.restore_hash), None))
            questions.append((lambda again: again.plan_restore(old.restore_hash), None))
        for ask, no_answer in questions:
            answer = ask(self.again(resource))
            for outage in self.outages(resource, ask):
                outage.check(answer, no_answer)

    def test_a_deletion_that_fails(self, resource: Any) -> None:
        """S14: whichever call fails while what is kept for a snapshot is deleted, the next try deletes it, what is held
        stays, and other versions can be restored."""
        self.change(resource, "a")
        held, kept = self.content(resource), self.take(resource)
        version = kept

        def take(number: int) -> None:
            nonlocal version
            self.change(resource, f"b{number}")
            version = self.take(resource)

        def delete(resource: Any) -> None:
            resource.delete_snapshot("1" * 40, version.restore_hash, "snapshots/x")

        for outage in self.outages(resource, delete, take):
            outage.check()
            present = self.content(resource)
            delete(self.again(resource))
            assert self.content(resource) == present, outage.call
        if kept.restore_hash is not None:
            self.again(resource).restore(kept.restore_hash)
            assert self.content(resource) == held


class CheckOutSuite(ResourceFixtures):
    """For types with :class:`CheckOutMixin`, beside :class:`SnapshotResourceSuite`."""

    def copy_of(self, workspace: Workspace, version: SnapshotVersion, directory: Path) -> Any:
        """The resource in a copy of the workspace that has it in a directory at a version."""
        resource: Any = workspace.get_resource(NAME)
        directory.mkdir()
        params = resource.check_out(version, directory / "place")
        store = MemoryStore()
        if isinstance(workspace, MemoryWorkspace):
            store = deepcopy(workspace.store)
            store.resource_local_params.clear()
        else:
            store.resources = {params["name"]: json.dumps(params) for params in workspace.read_all_resource_params()}
        copy = MemoryWorkspace(directory / "copy", store)
        Agreements(place_of(copy)).add(Agreements(place_of(workspace)).addresses())  # as `dws checkout` does
        if params is not None:
            assert json.loads(json.dumps(dict(params))) == params
            copy.write_resource_local_params(NAME, dict(params))
        for _ in range(2):
            resource.hand_over(copy.get_resource(NAME), version)
        return copy.get_resource(NAME)

    def two_versions(self, resource: Any) -> SnapshotVersion:
        """The first of two versions of which the second is held."""
        found = []
        for value in ("a", "b"):
            self.change(resource, value)
            found.append(SnapshotVersion(*self.again(resource).snapshot()))
            self.again(resource).snapshot_stored(str(found[-1].compare_hash))
        return found[0]

    def test_a_version_in_another_directory(self, workspace: Workspace, resource: Any, tmp_path: Path) -> None:
        """C1: a version that is no longer held can be had in any number of other directories; a check before changes
        nothing, and what is held here stays."""
        version = self.two_versions(resource)
        before = self.content(self.again(resource))
        self.again(resource).check_out_precheck(version)
        copies = [self.copy_of(workspace, version, tmp_path / name) for name in ("one", "two")]
        assert self.content(self.again(resource)) == before
        self.change(self.again(resource), "a")
        assert [self.content(copy) for copy in copies] == [self.content(self.again(resource))] * 2

    def test_a_copy_goes_on_by_itself(self, workspace: Workspace, resource: Any, tmp_path: Path) -> None:
        """C2: what is held in a copy is its version, and what is done there changes nothing here."""
        version = self.two_versions(resource)
        before = self.content(self.again(resource))
        copy = self.copy_of(workspace, version, tmp_path / "one")
        assert copy.changes_since(version).state in ("unchanged", "unknown")
        assert copy.snapshot()[0] == version.compare_hash
        self.change(copy, "c")
        assert self.content(self.again(resource)) == before

    def test_a_version_that_is_none_is_refused(self, resource: Any, tmp_path: Path) -> None:
        """C3: what is no version is refused with a DwsError before anything is made."""
        for hashval in ("0" * 40, "-o", "../x"):
            with pytest.raises(DwsError):
                resource.check_out_precheck(SnapshotVersion(hashval, hashval))
        assert not (tmp_path / "one").exists()

    def test_what_is_new_in_a_copy_is_taken_back(self, workspace: Workspace, resource: Any, tmp_path: Path) -> None:
        """C4: what a copy keeps of its versions can be taken back, twice, and what is held here stays."""
        version = self.two_versions(resource)
        before = self.content(self.again(resource))
        copy = self.copy_of(workspace, version, tmp_path / "one")
        for _ in range(2):
            self.again(resource).take_back(copy)
            assert self.content(self.again(resource)) == before

    def test_a_check_out_that_fails(self, workspace: Workspace, resource: Any, tmp_path: Path) -> None:
        """C5: whichever call fails while a version is placed elsewhere, what is held here stays, and the version can be
        placed in another directory."""
        version = self.two_versions(resource)
        before = self.content(self.again(resource))
        places = (tmp_path / f"copy{number}" for number in itertools.count())

        def check_out(resource: Any) -> None:
            resource.check_out_precheck(version)
            place = next(places)
            place.mkdir()
            resource.check_out(version, place / "place")

        for outage in self.outages(resource, check_out):
            outage.check()
            assert self.content(self.again(resource)) == before, outage.call
        copy = self.copy_of(workspace, version, next(places))
        self.change(self.again(resource), "a")
        assert self.content(copy) == self.content(self.again(resource))


class FileResourceSuite(ResourceSuite):
    """For types with :class:`FileResourceMixin`. What :meth:`add` puts into the resource does not matter."""

    def write(self, resource: Any, path: str, text: str) -> None:
        with resource.open(path, "w") as file:
            file.write(text)

    def read(self, resource: Any, path: str) -> str:
        with resource.open(path, "r") as file:
            return str(file.read())

    def test_files_are_written_and_read(self, resource: Any) -> None:
        """F1: a file is written, with the directories above it, and read, as text (UTF-8) or bytes."""
        self.write(resource, "new/dir/text", "Zoë\n")
        with resource.open("new/dir/text", "rb") as file:
            assert file.read() == "Zoë\n".encode()
        assert self.read(self.again(resource), "new/dir/text") == "Zoë\n"

    def test_directories_are_listed(self, resource: Any) -> None:
        """F2: the entries of a directory are listed sorted; what is not a directory is a ConfigurationError."""
        before = resource.ls("")
        self.write(resource, "dir/b", "")
        self.write(resource, "dir/a/c", "")
        assert resource.ls("") == sorted([*before, "dir"])
        assert resource.ls("dir") == ["a", "b"]
        for path in ("dir/b", "no/such"):
            with pytest.raises(ConfigurationError):
                resource.ls(path)

    def test_what_is_there(self, resource: Any) -> None:
        """F3: whether something is there, and of which kind and size."""
        self.write(resource, "dir/file", "12345")
        exists = resource.does_subpath_exist
        assert exists("dir")
        assert exists("dir", must_be_directory=True)
        assert not exists("dir", must_be_file=True)
        assert exists("dir/file", must_be_file=True)
        assert not exists("dir/file", must_be_directory=True)
        assert not exists("dir/other")
        assert resource.get_file_info("dir").kind == "directory"
        info = resource.get_file_info("dir/file")
        assert (info.kind, info.size) == ("file", 5)
        for ask in (resource.get_file_info, lambda path: resource.open(path, "r")):
            with pytest.raises(ConfigurationError):
                ask("dir/other")

    def test_files_are_deleted(self, resource: Any) -> None:
        """F4: a file is deleted; one that is not there is no error."""
        self.write(resource, "dir/file", "")
        for _ in range(2):
            resource.delete_file("dir/file")
            assert not resource.does_subpath_exist("dir/file")

    def test_files_are_uploaded(self, resource: Any, tmp_path: Path) -> None:
        """F5: a local file is copied into the resource, and replaces what is there."""
        source = tmp_path / "source"
        for text in ("first", "2"):
            source.write_text(text)
            resource.upload_file(str(source), "dir/file")
            assert self.read(resource, "dir/file") == text

    def test_results_files(self, resource: Any) -> None:
        """F6: a results file holds JSON; one that is missing or no JSON object is a ConfigurationError."""
        resource.add_results_file({"metrics": {"x": 1}}, "dir/results.json")
        resource.add_results_file({"metrics": {"x": 2}}, "dir/results.json")
        assert resource.read_results_file("dir/results.json") == {"metrics": {"x": 2}}
        self.write(resource, "list", "[1]")
        self.write(resource, "text", "{")
        for path in ("missing", "list", "text"):
            with pytest.raises(ConfigurationError):
                resource.read_results_file(path)

    @pytest.mark.parametrize("path", ["../x", "/x", "a/../../x", "a//b", "\0"])
    def test_paths_that_lead_out(self, resource: Any, path: str) -> None:
        """F7: a path that leads out of the resource is refused by each method."""
        for use in (
            resource.ls,
            lambda p: resource.open(p, "r"),
            lambda p: resource.open(p, "w"),
            resource.delete_file,
            lambda p: resource.add_results_file({}, p),
            resource.get_file_info,
        ):
            with pytest.raises(ConfigurationError):
                use(path)

    def test_results_move(self, resource: Any) -> None:
        """F8: the current files move to a new directory, but for those that stay, and can be brought back."""
        self._empty(resource)
        for path in ("file", "dir/file", "README.txt", "snapshots/old/file"):
            self.write(resource, path, path)
        stay = ({"README.txt"}, re.compile("snapshots$"))
        assert resource.results_current_files(*stay) == ["dir/file", "file"]
        resource.results_move_current_files("snapshots/new", *stay)
        assert self._files(resource) == [
            "README.txt", "snapshots/new/dir/file", "snapshots/new/file", "snapshots/old/file",
        ]  # fmt: skip
        with pytest.raises(ConfigurationError):
            resource.results_move_current_files("snapshots/old", *stay)
        for _ in range(2):
            resource.results_undo_move("snapshots/new", ["dir/file", "file"])
            assert self._files(resource) == ["README.txt", "dir/file", "file", "snapshots/old/file"]
        assert self.read(resource, "dir/file") == "dir/file"

    def test_results_are_copied(self, resource: Any) -> None:
        """F9: the results of an exported resource are copied, and stay where they are."""
        self._empty(resource)
        self.write(resource, "dir/file", "x")
        resource.results_copy_current_files("snapshots/new", set(), re.compile("snapshots$"))
        assert self._files(resource) == ["dir/file", "snapshots/new/dir/file"]

    def test_files_without_an_answer(self, resource: Any) -> None:
        """F10: whichever call fails, a file is not said to be missing that is there, and none to be there that is
        not."""
        self.write(resource, "dir/file", "12345")
        self.add_results(resource)
        questions: tuple[Act, ...] = (
            lambda again: again.does_subpath_exist("dir/file"),
            lambda again: again.does_subpath_exist("dir", must_be_directory=True),
            lambda again: again.does_subpath_exist("dir/none"),
            lambda again: again.validate_subpath_exists("dir/file"),
            lambda again: again.ls("dir"),
            lambda again: again.get_file_info("dir/file").size,
            lambda again: self.read(again, "dir/file"),
            lambda again: again.read_results_file("results.json"),
            lambda again: again.results_current_files(set(), re.compile(r"$^")),
        )
        for ask in questions:
            answer = ask(self.again(resource))
            for outage in self.outages(resource, ask):
                outage.check(answer)

    def add_results(self, resource: Any) -> None:
        resource.add_results_file({"metrics": {"x": 1}}, "results.json")

    def test_writes_that_fail(self, resource: Any, tmp_path: Path) -> None:
        """F11: whichever call fails while a file is written, it is the old or the new one, and others stay."""
        source = tmp_path / "source"
        source.write_text("new")
        self.write(resource, "dir/other", "other")
        uses: tuple[tuple[Act, list[str]], ...] = (
            (lambda again: self.write(again, "dir/file", "new"), ["file", "other"]),
            (lambda again: again.upload_file(str(source), "dir/file"), ["file", "other"]),
            (lambda again: again.delete_file("dir/file"), ["other"]),
        )
        left = set[str]()  # by what could not clean up
        for use, leaves in uses:
            for outage in self.outages(resource, use, lambda number: self.write(resource, "dir/file", "old")):
                outage.check()
                again = self.again(resource)
                if outage.lasts:
                    left.update(name for name in again.ls("dir") if name.endswith(".tmp"))
                found = [name for name in again.ls("dir") if name not in left]
                assert found in (leaves, ["file", "other"]), f"{outage.call}: {found}"
                for name in found:
                    assert self.read(again, f"dir/{name}") in (name, "old", "new"), outage.call

    def test_a_move_of_results_that_fails(self, resource: Any) -> None:
        """F12: whichever call fails while results move, each file is at its old or its new place, or at both, and the
        move can be undone."""
        stay = (set[str](), re.compile("snapshots$"))
        self._empty(resource)
        for path in ("file", "dir/file"):
            self.write(resource, path, path)

        def undo(number: int = 0) -> None:
            self.again(resource).results_undo_move("snapshots/new", ["dir/file", "file"])
            assert self._files(resource) == ["dir/file", "file"]

        for outage in self.outages(
            resource, lambda again: again.results_move_current_files("snapshots/new", *stay), undo
        ):
            outage.check()
            places = {path.removeprefix("snapshots/new/") for path in self._files(resource)}
            assert places == {"dir/file", "file"}, outage.call
            undo()

    def _files(self, resource: Any) -> list[str]:
        found: list[str] = resource.results_current_files(set(), re.compile(r"$^"))
        return found

    def _empty(self, resource: Any) -> None:
        for path in self._files(resource):
            resource.delete_file(path)


class LocalStateResourceSuite(ResourceSuite):
    """For types with :class:`LocalStateResourceMixin`. The origin of what :meth:`add` makes, if there is one, is
    there."""

    def test_the_place_on_this_machine(self, resource: Any) -> None:
        """L1: a resource knows its place on this machine from its parameters; it is absolute, or there is none."""
        place = resource.get_local_path_if_any()
        assert place is None or Path(place).is_absolute()
        local = resource.get_local_params()
        assert json.loads(json.dumps(local)) == local
        again = self.again(resource)
        assert (again.get_local_path_if_any(), again.get_local_params()) == (place, local)

    def test_nothing_to_synchronise(self, resource: Any) -> None:
        """L2: push and pull can be done twice, and what is held stays when nobody else has changed it."""
        before = self.content(resource)
        for _ in range(2):
            resource.push_precheck()
            resource.push()
            assert not resource.has_unpushed_content()
            resource.pull_precheck()
            assert not resource.pull()
            assert self.content(resource) == before

    def test_synchronising_that_fails(self, resource: Any) -> None:
        """L4: whichever call fails during a push or a pull, what is held stays, and the next try succeeds."""
        before = self.content(resource)
        acts: tuple[Act, ...] = (
            lambda again: (again.push_precheck(), again.push()),
            lambda again: (again.pull_precheck(), again.pull()),
        )
        for act in acts:
            for outage in self.outages(resource, act):
                outage.check()
                assert self.content(self.again(resource)) == before, outage.call
            act(self.again(resource))
        answer = self.again(resource).has_unpushed_content()
        for outage in self.outages(resource, lambda again: again.has_unpushed_content()):
            outage.check(answer)

    def test_it_is_here(self, workspace: Workspace, resource: Any) -> None:
        """L3: a resource that was added on this machine need not be cloned to it, and a check finds it here."""
        assert workspace.read_resource_local_params(NAME) == resource.get_local_params()
        assert NAME not in workspace.get_names_for_resources_that_need_to_be_cloned()
        assert [problem for problem in workspace.check_integrity() if problem.where == NAME] == []
