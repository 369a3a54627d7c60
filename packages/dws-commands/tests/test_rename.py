"""A resource that is called otherwise: everything tells the new name, of what is old, too, and nothing moves."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dataworkspaces.commands.add import add_command
from dataworkspaces.commands.config import get_param, set_param
from dataworkspaces.commands.delete_snapshot import delete_snapshot_command
from dataworkspaces.commands.present import present_state
from dataworkspaces.commands.remove import remove_command, undo_remove_command
from dataworkspaces.commands.rename import rename_command
from dataworkspaces.commands.report import lineage_report
from dataworkspaces.commands.restore import plan_restore, restore_command
from dataworkspaces.commands.snapshot import snapshot_command
from dataworkspaces.commands.undo_delete import undo_delete_command
from dataworkspaces.errors import ConfigurationError, NotFoundError, NotSupportedError
from dataworkspaces.lineage import LineageBuilder
from dataworkspaces.lineage.model import ImportedLineage, entry_outputs
from dataworkspaces.testing.faults import failing
from dataworkspaces.testing.memory import MemoryStore, MemoryWorkspace
from dataworkspaces.workspace import ResourceRef

Write = Callable[..., None]


def reopened(ws: MemoryWorkspace) -> MemoryWorkspace:
    return MemoryWorkspace(ws.directory, ws.store, factories=ws.factories, lineage_store=ws.lineage_store)


def names(ws: MemoryWorkspace) -> list[str]:
    return list(reopened(ws).get_resource_names())


def train(ws: MemoryWorkspace, results: str, code: str = "code") -> None:
    builder = LineageBuilder().with_workspace(ws).with_step_name("train").with_no_inputs()
    with builder.with_code_ref(ResourceRef(code)).eval() as lineage:
        lineage.add_output_ref(ResourceRef(results))


def lineage(ws: MemoryWorkspace, snapshot: str | None = None) -> list[str]:
    return [row.ref for row in lineage_report(reopened(ws), snapshot).rows]


def test_it_is_there_under_its_new_name(ws: MemoryWorkspace) -> None:
    done = rename_command(ws, "results", "scores")
    assert done.to_json() == {
        "name": "scores", "old_name": "results", "role": "results", "type": "folder",
        "path": str(ws.directory / "results"),
    }  # fmt: skip
    assert names(ws) == ["code", "scores"]  # in its place
    assert reopened(ws).get_resource("scores").name == "scores"
    assert ws.store.saved == ["Renamed resource results to scores"]


def test_snapshots_of_old_tell_the_new_name(ws: MemoryWorkspace, write_results: Write) -> None:
    write_results({"accuracy": 0.9})
    old = snapshot_command(ws, "ONE").metadata
    manifest = ws.get_snapshot_manifest_bytes(old.hashval)
    rename_command(ws, "results", "scores")
    again = reopened(ws)
    assert list(again.get_snapshot_metadata(old.hashval).restore_hashes) == ["code", "scores"]
    assert again.get_snapshot_metadata(old.hashval).other["results_in"] == ["scores"]
    assert [entry["name"] for entry in again.get_snapshot_manifest(old.hashval)] == ["code", "scores"]
    assert list(again.get_snapshot_versions(old.hashval)) == ["code", "scores"]
    assert again.get_snapshot_manifest_bytes(old.hashval) == manifest


def test_a_new_name_is_no_change(ws: MemoryWorkspace) -> None:
    """The next snapshot is the last one, as nothing in it has changed."""
    first = snapshot_command(ws, "ONE").metadata
    rename_command(ws, "code", "scripts")
    state = present_state(ws)
    assert state.is_snapshot
    assert not snapshot_command(ws).is_new
    assert snapshot_command(ws).metadata.hashval == first.hashval


def test_a_snapshot_from_before_restores(ws: MemoryWorkspace, write_code: Callable[[str], None]) -> None:
    snapshot_command(ws, "ONE")
    write_code("2")
    rename_command(ws, "code", "scripts")
    snapshot_command(ws, "TWO")
    restore_command(ws, plan_restore(ws, "ONE"))
    assert (ws.directory / "code" / "a.py").read_text() == "1"
    restore_command(ws, plan_restore(ws, "TWO", only=["scripts"]))
    assert (ws.directory / "code" / "a.py").read_text() == "2"


@pytest.mark.slow
def test_lineage_tells_the_new_name(ws: MemoryWorkspace) -> None:
    train(ws, "results")
    snapshot_command(ws, "ONE")
    rename_command(ws, "results", "scores")
    assert lineage(ws) == lineage(ws, "ONE") == ["code", "scores"]
    train(ws, "scores")
    assert lineage(ws) == ["code", "scores"]
    rename_command(ws, "scores", "results")
    assert lineage(ws) == ["code", "results"]


@pytest.mark.slow
def test_a_script_that_names_the_old_one_works(ws: MemoryWorkspace) -> None:
    rename_command(ws, "results", "scores")
    rename_command(ws, "code", "scripts")
    train(ws, "results", "code")
    assert lineage(ws) == ["scripts", "scores"]


@pytest.mark.slow
def test_a_step_that_began_before(ws: MemoryWorkspace) -> None:
    """It wrote there once, and writes there again while somebody else renames the resource."""
    train(ws, "results")
    builder = LineageBuilder().with_workspace(reopened(ws)).with_step_name("train").with_no_inputs()
    with builder.eval() as step:
        step.add_output_ref(ResourceRef("results"))
        rename_command(ws, "results", "scores")
    assert lineage(ws) == ["code", "scores"]
    (entry,) = ws.get_lineage_store().entries("scores")
    assert [cert.ref.name for cert in entry.outputs] == ["scores"]  # type: ignore[union-attr]


def test_who_asks_for_the_old_name_gets_it(ws: MemoryWorkspace) -> None:
    rename_command(ws, "code", "one")
    rename_command(ws, "one", "two")
    again = reopened(ws)
    assert [again.get_resource(name).name for name in ("code", "one", "two")] == ["two"] * 3
    assert again.get_resource_role("code") == "code"


def test_a_list_of_names_has_the_present_ones(ws: MemoryWorkspace) -> None:
    snapshot_command(ws, "ONE")
    rename_command(ws, "code", "all scripts")
    with pytest.raises(NotFoundError, match="no longer has a resource 'code': it is now called 'all scripts'") as told:
        plan_restore(ws, "ONE", only=["code"])
    assert told.value.hint == "Use that name, or give it the old name again: dws rename 'all scripts' code"


@pytest.mark.parametrize(
    ("name", "new", "told"),
    [
        ("nothing", "new", "has no resource 'nothing'"),
        ("code", "code", "is called so already"),
        ("code", "results", "There is already a resource 'results'"),
        ("code", "_workspace", "stands for the workspace's own files"),
        ("code", "a/b", "cannot name a resource"),
        ("code", "..", "cannot name a resource"),
        ("code", "", "cannot name a resource"),
        ("code", "gone", "Snapshots still hold versions of a removed resource 'gone'"),
    ],
)
def test_a_name_that_cannot_be_given(ws: MemoryWorkspace, name: str, new: str, told: str) -> None:
    add_command(ws, "folder", "code", "gone", path=ws.directory / "code")
    ws.batch = True
    remove_command(ws, "gone")
    before = dict(ws.store.resources)
    with pytest.raises(ConfigurationError, match=told):
        rename_command(ws, name, new)
    assert ws.store.resources == before


def test_the_old_name_is_nobody_elses(ws: MemoryWorkspace, tmp_path: Path) -> None:
    """A script that says it would mean either."""
    rename_command(ws, "code", "one")
    rename_command(ws, "one", "two")
    for name in ("code", "one"):
        with pytest.raises(ConfigurationError, match=f"'{name}' was the name of resource 'two'"):
            add_command(ws, "folder", "code", name, path=tmp_path)
        with pytest.raises(ConfigurationError, match=f"'{name}' was the name of resource 'two'"):
            rename_command(ws, "results", name)


@pytest.mark.parametrize("back", ["code", "one"])
def test_it_gets_a_name_back_that_it_had(ws: MemoryWorkspace, back: str) -> None:
    rename_command(ws, "code", "one")
    rename_command(ws, "one", "two")
    rename_command(ws, "two", back)
    assert names(ws) == [back, "results"]


def test_parameters_are_written_beside_the_name(ws: MemoryWorkspace) -> None:
    rename_command(ws, "code", "scripts")
    set_param(ws, "keep", "false", "scripts")
    set_param(ws, "colour", "red", "scripts")
    again = reopened(ws)
    assert names(ws) == ["scripts", "results"]
    assert [get_param(again, name, "scripts").value for name in ("keep", "colour")] == [False, "red"]
    assert "shown_as" not in again.get_resource_params("scripts")


def test_it_is_removed_and_comes_back(ws: MemoryWorkspace) -> None:
    snapshot_command(ws, "ONE")
    rename_command(ws, "code", "scripts")
    ws.batch = True
    remove_command(ws, "scripts")
    assert names(ws) == ["results"]
    assert reopened(ws).get_removed_resource_names() == ["scripts"]
    undo_remove_command(ws, "scripts")
    assert "scripts" in [each.name for each in plan_restore(ws, "ONE").restored]


@pytest.mark.slow
def test_what_was_deleted_before_comes_back(ws: MemoryWorkspace, write_results: Write) -> None:
    write_results({"accuracy": 0.9})
    train(ws, "results")
    hashval = snapshot_command(ws, "ONE").metadata.hashval
    ws.batch = True
    delete_snapshot_command(ws, "ONE")
    rename_command(ws, "results", "scores")
    undo_delete_command(ws, "ONE")
    assert list(reopened(ws).get_snapshot_versions(hashval)) == ["code", "scores"]
    assert lineage(ws, "ONE") == ["code", "scores"]
    assert (ws.directory / "results" / "snapshots" / "here-ONE" / "results.json").exists()


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("at", range(8))
def test_storage_that_fails_leaves_the_one_or_the_other(ws: MemoryWorkspace, at: int, after: bool) -> None:
    snapshot = snapshot_command(ws, "ONE").metadata.hashval
    with failing(ws, at, after=after) as calls:
        try:
            rename_command(ws, "code", "scripts")
        except ConfigurationError:
            assert calls.failed is not None
    (name, _results) = names(ws)
    assert name in ("code", "scripts")
    assert next(iter(reopened(ws).get_snapshot_versions(snapshot))) == name
    if name == "code":
        rename_command(reopened(ws), "code", "scripts")
    assert names(ws) == ["scripts", "results"]


def test_a_backend_that_cannot(ws: MemoryWorkspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(ws), "renames_resources", False)
    before = dict(ws.store.resources)
    with pytest.raises(NotSupportedError, match="'memory': its backend cannot rename resources"):
        rename_command(ws, "code", "scripts")
    assert ws.store.resources == before


def test_what_is_stored_keeps_the_name(ws: MemoryWorkspace) -> None:
    """One write, of the one resource."""
    before: dict[str, Any] = dict(ws.store.resources)
    others = MemoryStore(**{**vars(ws.store), "resources": {}, "saved": []})
    rename_command(ws, "code", "scripts")
    assert list(ws.store.resources) == list(before)
    assert ws.store.resources["results"] == before["results"]
    assert MemoryStore(**{**vars(ws.store), "resources": {}, "saved": []}) == others


def test_what_was_renamed_where_it_was_exported_keeps_its_name_here(ws: MemoryWorkspace) -> None:
    read = {"resource_name": "scripts", "subpath": "a", "certificate": {"cert_type": "hash", "hashval": "1"}}
    exported = {
        "resource_name": "scripts",
        "complete": True,
        "lineages": [{"type": "source_data", **read}],
        "former_names": ["older", "code"],
    }
    store = ws.get_lineage_store()
    store.store_imported("code", exported)
    (entry,) = reopened(ws).get_lineage_store().entries("code")
    assert isinstance(entry, ImportedLineage)
    assert [cert.ref for nested in entry.lineages for cert in entry_outputs(nested)] == [ResourceRef("code", "a")]
    for former in (["other"], "code", None, [1]):
        with pytest.raises(ConfigurationError, match="belongs to a resource 'scripts', not 'results'"):
            store.store_imported("results", {**exported, "former_names": former})


def test_former_names_are_told(ws: MemoryWorkspace) -> None:
    assert ws.resource_names.former("code") == []
    rename_command(ws, "code", "scripts")
    rename_command(ws, "scripts", "programs")
    assert ws.resource_names.former("programs") == ["code", "scripts"]
    assert ws.resource_names.former("code") == []


def test_what_another_workspace_exported_keeps_its_name_there(ws: MemoryWorkspace) -> None:
    exported = {"resource_name": "code", "complete": True, "lineages": []}
    rename_command(ws, "code", "shared")
    store = ws.get_lineage_store()
    store.store_imported("shared", exported)
    assert [entry.resource_name for entry in reopened(ws).get_lineage_store().entries("shared")] == ["shared"]
    with pytest.raises(ConfigurationError, match="belongs to a resource 'code', not 'results'"):
        store.store_imported("results", exported)
