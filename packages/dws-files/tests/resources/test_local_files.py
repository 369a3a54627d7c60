"""Resources of type ``file``: directories of files whose versions are recorded."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

import pytest

from dataworkspaces.errors import ConfigurationError, DwsError, MetadataError, NotSupportedError, ParamValidationError
from dataworkspaces.lineage.file_store import FileLineageStore
from dataworkspaces.resources.local_files import FACTORY
from dataworkspaces.resources.local_files_resource import LocalFilesResource
from dataworkspaces.testing import MemoryWorkspace
from dataworkspaces.workspace import BatchInteraction, FileChange, ResourceChange, SnapshotVersion


class ScriptedInteraction(BatchInteraction):
    """A user who gives one answer to every question; what is said is kept."""

    def __init__(self, answer: str | None = None) -> None:
        self.answer = answer
        self.warnings: list[str] = []

    def ask(self, question: str, *, default: str | None = None, option: str | None = None) -> str:
        return super().ask(question, default=default, option=option) if self.answer is None else self.answer

    def warn(self, message: str) -> None:
        self.warnings.append(message)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    root = tmp_path / "data"
    write(root, {"a.csv": "1,2\n", "sub/b.csv": "3,4\n"})
    return root


def write(root: Path, files: dict[str, str]) -> None:
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")


def add(
    workspace: MemoryWorkspace, path: Path, role: str = "source-data", name: str = "data", **options: Any
) -> LocalFilesResource:
    resource = workspace.add_resource(name, "file", role, path=str(path), **options)
    assert isinstance(resource, LocalFilesResource)
    return resource


def take(workspace: MemoryWorkspace, tag: str) -> dict[str, SnapshotVersion]:
    """What ``dws snapshot`` does; the versions of the resources."""
    with workspace.transaction("snapshot"):
        metadata, manifest = workspace.snapshot(tag)
        workspace.save_snapshot_metadata_and_manifest(metadata, manifest)
    return workspace.get_snapshot_versions(metadata.hashval)


def version_of(resource: LocalFilesResource) -> SnapshotVersion:
    return SnapshotVersion(*resource.snapshot())


# -- add -------------------------------------------------------------------------------------------------------------


def test_what_is_recorded_is_what_release_1_6_recorded(workspace: MemoryWorkspace, data: Path) -> None:
    add(workspace, data, "intermediate-data", export=True)
    assert json.dumps(workspace.read_resource_params()[0]) == json.dumps(
        {
            "resource_type": "file",
            "name": "data",
            "role": "intermediate-data",
            "global_local_path": str(data),
            "compute_hash": False,
            "export": True,
            "imported": False,
        }
    )


def test_a_resource_comes_back_as_it_was_added(workspace: MemoryWorkspace, data: Path) -> None:
    added = add(workspace, data, compute_hash=True)
    again = MemoryWorkspace(workspace.directory, workspace.store).get_resource("data")
    assert isinstance(again, LocalFilesResource)
    assert (again.get_params(), again.get_local_params()) == (added.get_params(), added.get_local_params())


def test_a_relative_path_is_made_absolute(
    workspace: MemoryWorkspace, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(workspace.directory)
    assert add(workspace, Path("../data")).global_local_path == str(data)


def test_the_home_directory_may_be_written_as_a_tilde(
    workspace: MemoryWorkspace, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(data.parent))
    assert add(workspace, Path("~/data")).global_local_path == str(data)


def test_the_workspace_is_told_to_ignore_the_directory(workspace: MemoryWorkspace) -> None:
    inside = workspace.directory / "inside"
    inside.mkdir()
    add(workspace, inside)
    assert workspace.store.ignored_paths == [inside]


@pytest.mark.parametrize(
    ("path", "problem"),
    [
        ("missing", "does not exist"),
        ("data/a.csv", "is not a directory"),
        ("workspace", "contains the whole workspace"),
        (".", "contains the whole workspace"),
        ("workspace/.dataworkspace/x", "the workspace keeps its own files there"),
        ("other/below", "overlaps with resource 'other'"),
    ],
)
def test_a_directory_that_cannot_be_added_is_named_and_nothing_is_recorded(
    workspace: MemoryWorkspace, data: Path, path: str, problem: str
) -> None:
    for name in ("other/below", "workspace/.dataworkspace/x"):
        (data.parent / name).mkdir(parents=True)
    add(workspace, data.parent / "other", name="other")
    with pytest.raises(ConfigurationError, match=problem):
        add(workspace, data.parent / path)
    assert list(workspace.get_resource_names()) == ["other"]
    assert workspace.store.ignored_paths == [data.parent / "other"]


def test_the_options_of_the_command_reach_the_factory() -> None:
    assert [param.name for param in FACTORY.get_click_params()] == [
        "path", "compute_hash", "restorable", "remote"
    ]  # fmt: skip


def test_the_suggested_name_is_the_directory(workspace: MemoryWorkspace, data: Path) -> None:
    assert workspace.suggest_resource_name("file", "source-data", path=f"{data}/") == "data"


# -- imported --------------------------------------------------------------------------------------------------------


@pytest.fixture
def lineage(workspace: MemoryWorkspace, tmp_path: Path) -> FileLineageStore:
    workspace.lineage_store = FileLineageStore(tmp_path / "current", tmp_path / "snapshots", tmp_path / "lock")
    return workspace.lineage_store


def test_the_lineage_of_an_imported_resource_is_taken_over(
    workspace: MemoryWorkspace, lineage: FileLineageStore, data: Path
) -> None:
    exported = {"resource_name": "data", "complete": True, "lineages": []}
    write(data, {"lineage.json": json.dumps(exported)})
    add(workspace, data, imported=True)
    (entry,) = lineage.entries("data")
    taken = entry.to_json()
    assert taken.pop("content").startswith("sha1:")
    assert taken == {"type": "imported", "resource_name": "data", "nested_lineage": []}


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (None, "lineage.json is missing"),
        ("[", "lineage.json is not valid JSON"),
        ('{"resource_name": "theirs", "lineages": []}', "'theirs'"),
    ],
)
def test_without_its_lineage_no_imported_resource_is_recorded(
    workspace: MemoryWorkspace, lineage: FileLineageStore, data: Path, content: str | None, problem: str
) -> None:
    if content is not None:
        write(data, {"lineage.json": content})
    with pytest.raises(DwsError, match=problem):
        add(workspace, data, imported=True)
    assert list(workspace.get_resource_names()) == []


def test_the_exported_name_is_suggested(workspace: MemoryWorkspace, data: Path) -> None:
    write(data, {"lineage.json": '{"resource_name": "theirs", "lineages": []}'})
    assert FACTORY.suggest_name(workspace, "source-data", path=str(data), imported=True) == "theirs"


def test_an_imported_resource_is_read_only(workspace: MemoryWorkspace, data: Path) -> None:
    write(data, {"lineage.json": '{"resource_name": "data", "lineages": []}'})
    with pytest.raises(NotSupportedError, match="'data' is read-only"):
        add(workspace, data, imported=True).open("a.csv", "w")


# -- where it is -----------------------------------------------------------------------------------------------------


def make(workspace: MemoryWorkspace, global_path: object, local_params: dict[str, Any]) -> LocalFilesResource:
    params = {"resource_type": "file", "name": "data", "role": "source-data", "global_local_path": global_path}
    workspace.write_resource_local_params("data", local_params)
    return FACTORY.from_json(params, local_params, workspace)


@pytest.mark.parametrize("key", ["my_local_path", "local_path"])  # release 1.6 wrote the latter
def test_a_path_of_this_machine_goes_first(workspace: MemoryWorkspace, data: Path, key: str) -> None:
    assert make(workspace, str(data), {key: "/else/where"}).get_local_path_if_any() == "/else/where"


@pytest.mark.parametrize("local_params", [{}, {"local_path": None}, {"my_local_path": None}])
def test_the_path_where_it_was_added_serves_if_it_exists(
    workspace: MemoryWorkspace, data: Path, local_params: dict[str, Any]
) -> None:
    assert make(workspace, str(data), local_params).get_local_path_if_any() == str(data)
    assert make(workspace, f"{data}/missing", local_params).get_local_path_if_any() is None


@pytest.mark.parametrize("local_params", [{}, {"my_local_path": "/else/where"}])
def test_if_it_is_nowhere_the_error_says_how_to_tell_where(
    workspace: MemoryWorkspace, local_params: dict[str, Any]
) -> None:
    with pytest.raises(ConfigurationError, match="Resource 'data' is not on this machine: /else/where is no") as error:
        make(workspace, "/else/where", local_params).snapshot_precheck()
    assert error.value.hint == "Say where it is: dws config --resource data my_local_path DIRECTORY"


@pytest.mark.parametrize("path", ["relative", "", None, 3, "/a\0b"])
def test_a_stored_path_that_is_not_absolute_is_refused(workspace: MemoryWorkspace, path: object) -> None:
    with pytest.raises(MetadataError, match=r"Resource 'data': .* is not an absolute path"):
        make(workspace, path, {})


def test_the_parameter_takes_a_directory_only(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(data)
    definition = FACTORY.param_defs["my_local_path"]
    assert definition.parse("sub") == str(data / "sub")
    with pytest.raises(ParamValidationError, match="is not a directory on this machine"):
        definition.parse("missing")


# -- clone -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def elsewhere(workspace: MemoryWorkspace, data: Path, tmp_path: Path) -> MemoryWorkspace:
    """A copy of a workspace on another machine, where the resource has another place, if any."""
    add(workspace, data)
    workspace.store.resource_local_params.clear()
    data.rename(tmp_path / "moved")
    return workspace


def clone(workspace: MemoryWorkspace, answer: str | None) -> tuple[LocalFilesResource, list[str]]:
    interaction = workspace.interaction = ScriptedInteraction(answer)
    assert list(workspace.get_names_for_resources_that_need_to_be_cloned()) == ["data"]
    workspace.clone_resource("data")
    assert list(workspace.get_names_for_resources_that_need_to_be_cloned()) == []
    resource = workspace.get_resource("data")
    assert isinstance(resource, LocalFilesResource)
    return resource, interaction.warnings


def test_the_place_that_a_user_names_is_recorded(elsewhere: MemoryWorkspace, tmp_path: Path) -> None:
    resource, warnings = clone(elsewhere, str(tmp_path / "moved"))
    assert (resource.get_local_params(), warnings) == ({"my_local_path": str(tmp_path / "moved")}, [])


def test_in_batch_no_place_is_taken_that_somebody_else_named(
    elsewhere: MemoryWorkspace, data: Path, tmp_path: Path
) -> None:
    """It may be any directory of this machine, and snapshots move results in it."""
    (tmp_path / "moved").rename(data)
    resource, warnings = clone(elsewhere, None)
    assert (resource.get_local_path_if_any(), len(warnings)) == (None, 1)
    again = elsewhere.get_resource("data")
    assert isinstance(again, LocalFilesResource)
    assert again.get_local_path_if_any() is None
    with pytest.raises(ConfigurationError, match="not on this machine") as error:
        again.snapshot_precheck()
    assert error.value.hint == "Say where it is: dws config --resource data my_local_path DIRECTORY"


def test_a_place_that_was_agreed_to_stays_when_somebody_names_another(
    elsewhere: MemoryWorkspace, tmp_path: Path
) -> None:
    clone(elsewhere, str(tmp_path / "moved"))
    params = elsewhere.get_resource_params("data")
    elsewhere.write_resource_params({**params, "global_local_path": str(tmp_path)})
    resource = elsewhere.get_resource("data")
    assert isinstance(resource, LocalFilesResource)
    assert resource.get_local_path_if_any() == str(tmp_path / "moved")


def test_a_resource_that_was_never_here_is_nowhere(workspace: MemoryWorkspace, data: Path) -> None:
    params = add(workspace, data).get_params()
    workspace.store.resource_local_params.clear()
    assert FACTORY.from_json(params, {}, workspace).get_local_path_if_any() is None


@pytest.mark.parametrize("answer", [None, "", "/no/such/place"])
def test_files_that_are_not_here_may_come_later(elsewhere: MemoryWorkspace, answer: str | None) -> None:
    resource, warnings = clone(elsewhere, answer)
    assert resource.get_local_path_if_any() is None
    assert len(warnings) == 1
    assert "dws config --resource data my_local_path DIRECTORY" in warnings[0]


def test_a_place_that_another_resource_has_is_refused(elsewhere: MemoryWorkspace, tmp_path: Path) -> None:
    add(elsewhere, tmp_path / "moved", name="other")
    elsewhere.interaction = ScriptedInteraction(str(tmp_path / "moved"))
    with pytest.raises(ConfigurationError, match="overlaps with resource 'other'"):
        elsewhere.clone_resource("data")
    assert elsewhere.read_resource_local_params("data") is None


# -- snapshots -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("compute_hash", "value_of_a"),
    [(False, "4"), (True, "4:6c703dc4a0fba77a7fa9ee6cc2a992b8d1dbe86e17f897c3c91636539e61f2f1")],
)
def test_a_snapshot_stores_the_manifests(
    workspace: MemoryWorkspace, data: Path, compute_hash: bool, value_of_a: str
) -> None:
    resource = add(workspace, data, compute_hash=compute_hash)
    compare_hash, restore_hash = resource.snapshot()
    manifest = workspace.read_resource_state(resource, str(compare_hash)) or b""
    first, second = (line.split("\t") for line in manifest.decode().splitlines())
    assert (first, restore_hash) == ([value_of_a, "blob", "a.csv"], None)
    assert workspace.read_resource_state(resource, second[0]) is not None


def test_the_same_files_have_the_same_version(workspace: MemoryWorkspace, data: Path) -> None:
    resource = add(workspace, data)
    assert resource.snapshot() == resource.snapshot()


def test_it_cannot_be_restored(workspace: MemoryWorkspace, data: Path) -> None:
    resource = add(workspace, data)
    with pytest.raises(NotSupportedError, match="Resource 'data' cannot be restored"):
        resource.restore_precheck("a" * 40)


def test_a_special_file_fails_the_snapshot_and_results_come_back(workspace: MemoryWorkspace, data: Path) -> None:
    (data.parent / "results").mkdir()
    write(data.parent / "results", {"results.json": "{}"})
    add(workspace, data.parent / "results", "results", "results")
    add(workspace, data)
    os.mkfifo(data / "pipe")
    with pytest.raises(ConfigurationError, match=r"'pipe' \(a named pipe\)"):
        take(workspace, "ONE")
    assert os.listdir(data.parent / "results") == ["results.json"]  # noqa: PTH208


def test_a_place_that_a_snapshot_could_not_write_to_is_named_before(
    workspace: MemoryWorkspace, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Tests may run as root, who may write everywhere: the system's answer to other users is put in its place.
    resource = add(workspace, data, "results")
    monkeypatch.setattr(os, "access", lambda path, mode: not mode & os.W_OK)
    with pytest.raises(ConfigurationError, match="is not writable"):
        resource.snapshot_precheck()


# -- what reports ask ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("compute_hash", [False, True])
def test_changes_are_told_file_by_file(workspace: MemoryWorkspace, data: Path, compute_hash: bool) -> None:
    resource = add(workspace, data, compute_hash=compute_hash)
    version = version_of(resource)
    assert resource.changes_since(version) == ResourceChange("unchanged")
    write(data, {"a.csv": "longer\n", "new/x": "", "new/y": "", "new/z": ""})
    (data / "sub" / "b.csv").unlink()
    assert resource.changes_since(version) == ResourceChange(
        "changed", "3 added, 1 deleted, 1 modified: a.csv, new/x, new/y and 2 more"
    )


def test_content_of_the_same_size_is_a_change_with_hashes_only(workspace: MemoryWorkspace, data: Path) -> None:
    states = []
    for compute_hash in (False, True):
        resource = make(workspace, str(data), {})
        resource.compute_hash = compute_hash
        write(data, {"a.csv": "1,2\n"})
        version = version_of(resource)
        write(data, {"a.csv": "9,9\n"})
        states.append(resource.changes_since(version).state)
    assert states == ["unchanged", "changed"]


def test_much_content_is_not_read_for_a_report(
    workspace: MemoryWorkspace, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    resource = add(workspace, data, compute_hash=True)
    time.sleep(0.2)  # what is younger is read again
    version = version_of(resource)
    monkeypatch.setattr("dataworkspaces.files.file_tree.CHEAP_BYTES", 1)
    assert resource.changes_since(version).state == "unchanged", "nothing has to be read"
    (data / "a.csv").touch()
    assert resource.changes_since(version).state == "unknown"
    write(data, {"new": ""})
    assert resource.changes_since(version) == ResourceChange("changed", "1 added: new")


def test_without_its_directory_it_is_missing(workspace: MemoryWorkspace, data: Path) -> None:
    resource = add(workspace, data)
    version = version_of(resource)
    data.rename(data.parent / "moved")
    assert resource.changes_since(version) == ResourceChange("missing", f"{data} is not there")


def test_what_cannot_be_read_spoils_no_report(workspace: MemoryWorkspace, data: Path) -> None:
    resource = add(workspace, data)
    version = version_of(resource)
    os.mkfifo(data / "pipe")
    change = resource.changes_since(version)
    assert change.state == "unknown"
    assert "'pipe' (a named pipe)" in change.details


def test_a_difference_is_told_from_the_manifests_alone(workspace: MemoryWorkspace, data: Path) -> None:
    resource = add(workspace, data)
    old = version_of(resource)
    write(data, {"sub/b.csv": "", "sub/c.csv": ""})
    new = version_of(resource)
    data.rename(data.parent / "moved")
    assert resource.diff_versions(old, new) == [
        FileChange("modified", "sub/b.csv"),
        FileChange("added", "sub/c.csv"),
    ]


@pytest.mark.parametrize("hashval", [None, "a" * 40, "../../config.json"])
def test_without_a_manifest_no_difference_is_told(workspace: MemoryWorkspace, data: Path, hashval: str | None) -> None:
    resource = add(workspace, data)
    assert resource.diff_versions(version_of(resource), SnapshotVersion(hashval, None)) is None


# -- results and export ----------------------------------------------------------------------------------------------


def test_results_move_at_a_snapshot(workspace: MemoryWorkspace, data: Path) -> None:
    add(workspace, data, "results")
    versions = take(workspace, "ONE")
    assert sorted(p.relative_to(data).as_posix() for p in data.rglob("*.csv")) == [
        "snapshots/here-ONE/a.csv",
        "snapshots/here-ONE/sub/b.csv",
    ]
    assert versions["data"].compare_hash is not None


def test_the_lineage_that_a_snapshot_adds_is_no_change(workspace: MemoryWorkspace, data: Path) -> None:
    resource = add(workspace, data, "results", export=True)
    version = take(workspace, "ONE")["data"]
    resource.add_results_file({"resource_name": "data"}, "snapshots/here-ONE/lineage.json")
    resource.add_results_file({"resource_name": "data"}, "lineage.json")
    assert resource.changes_since(version) == ResourceChange("unchanged")
    assert version_of(resource) == version


def test_lineage_that_release_1_6_counted_in_is_no_change(workspace: MemoryWorkspace, data: Path) -> None:
    write(data, {"snapshots/here-ONE/lineage.json": "{}"})
    old = version_of(add(workspace, data))
    resource = make(workspace, str(data), {})
    resource.role = "results"
    assert version_of(resource) != old
    assert resource.changes_since(old) == ResourceChange("unchanged")


def test_lineage_is_content_where_no_snapshot_writes_it(workspace: MemoryWorkspace, data: Path) -> None:
    resource = add(workspace, data)
    version = version_of(resource)
    write(data, {"lineage.json": "{}"})
    assert resource.changes_since(version) == ResourceChange("changed", "1 added: lineage.json")


def test_a_repository_in_the_directory_stays_whole(workspace: MemoryWorkspace, data: Path) -> None:
    write(data, {".git/config": "", ".dataworkspace/config.json": ""})
    add(workspace, data, "results")
    take(workspace, "ONE")
    assert (data / ".git/config").exists()
    assert (data / ".dataworkspace/config.json").exists()


def test_the_results_of_a_deleted_snapshot_go(workspace: MemoryWorkspace, data: Path) -> None:
    add(workspace, data, "results")
    take(workspace, "ONE")
    workspace.delete_snapshot(workspace.get_snapshot_by_tag("ONE").hashval, include_resources=True)
    assert list(data.iterdir()) == []


def test_results_that_are_not_here_stop_no_deletion(workspace: MemoryWorkspace, data: Path) -> None:
    interaction = workspace.interaction = ScriptedInteraction()
    add(workspace, data, "results")
    take(workspace, "ONE")
    data.rename(data.parent / "moved")
    workspace.delete_snapshot(workspace.get_snapshot_by_tag("ONE").hashval, include_resources=True)
    assert interaction.warnings == [
        "Resource 'data' is not on this machine, so 'snapshots/here-ONE' in it is not deleted"
    ]
