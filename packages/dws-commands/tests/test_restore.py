"""Planning and doing a restore."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from dataworkspaces.commands.add import add_command
from dataworkspaces.commands.config import set_param
from dataworkspaces.commands.delete_snapshot import delete_snapshot_command
from dataworkspaces.commands.restore import RestorePlan, plan_restore, restore_command
from dataworkspaces.commands.snapshot import snapshot_command
from dataworkspaces.errors import ConfigurationError
from dataworkspaces.testing.memory import MemoryWorkspace
from dataworkspaces.workspace import FileChange

Write = Callable[..., None]


@pytest.fixture
def data(ws: MemoryWorkspace) -> Path:
    """A source-data resource with one file."""
    directory = ws.directory / "data"
    directory.mkdir()
    (directory / "d.csv").write_text("1")
    add_command(ws, "folder", "source-data", "data", path=directory)
    return directory


def remove_resource(ws: MemoryWorkspace, name: str) -> None:
    del ws.store.resources[name]


def names(plan: RestorePlan) -> list[str]:
    return [planned.name for planned in plan.restored]


def reasons(plan: RestorePlan) -> dict[str, str]:
    return {left.name: left.reason for left in plan.left}


def test_all_but_results_are_restored(ws: MemoryWorkspace, data: Path) -> None:
    snapshot_command(ws, "ONE")
    plan = plan_restore(ws, "ONE")
    assert names(plan) == ["code", "data"]
    assert reasons(plan) == {"results": "results are never restored"}


def test_only(ws: MemoryWorkspace, data: Path) -> None:
    snapshot_command(ws, "ONE")
    plan = plan_restore(ws, "ONE", only=["data"])
    assert names(plan) == ["data"]
    assert reasons(plan)["code"] == "not named by --only"


def test_leave(ws: MemoryWorkspace, data: Path) -> None:
    snapshot_command(ws, "ONE")
    plan = plan_restore(ws, "ONE", leave=["data"])
    assert names(plan) == ["code"]
    assert reasons(plan)["data"] == "named by --skip"


def test_only_and_leave_exclude_each_other(ws: MemoryWorkspace) -> None:
    snapshot_command(ws, "ONE")
    with pytest.raises(ConfigurationError, match="cannot be used together"):
        plan_restore(ws, "ONE", only=["code"], leave=["code"])


@pytest.mark.parametrize(("argument", "option"), [("only", "only"), ("leave", "skip")])
def test_a_name_that_is_no_resource_gets_the_nearest(ws: MemoryWorkspace, argument: str, option: str) -> None:
    snapshot_command(ws, "ONE")
    with pytest.raises(ConfigurationError, match=f"--{option}: there is no resource 'cod'") as caught:
        plan_restore(ws, "ONE", **{argument: ["cod"]})  # type: ignore[arg-type]
    assert caught.value.hint == "Did you mean code?"


def test_results_cannot_be_asked_for(ws: MemoryWorkspace) -> None:
    snapshot_command(ws, "ONE")
    with pytest.raises(ConfigurationError, match="'results' holds results, which are never restored"):
        plan_restore(ws, "ONE", only=["code", "results"])


def test_results_may_be_left_by_name(ws: MemoryWorkspace) -> None:
    snapshot_command(ws, "ONE")
    assert names(plan_restore(ws, "ONE", leave=["results"])) == ["code"]


# -- resources that cannot be restored ------------------------------------------------------------------------------


def make_unable(ws: MemoryWorkspace, data: Path, how: str) -> str:
    """Take a snapshot ONE from which ``data`` cannot be restored; returns why."""
    if how == "added later":
        stored = ws.store.resources.pop("data")
        snapshot_command(ws, "ONE")
        ws.store.resources["data"] = stored
        return "the snapshot was taken before it was added"
    if how == "gone":
        snapshot_command(ws, "ONE")
        remove_resource(ws, "data")
        return "it is no longer in the workspace"
    set_param(ws, "keep", "no", "data")
    snapshot_command(ws, "ONE")
    return "the snapshot kept nothing to restore it from (its type is folder); it is as in the snapshot"


HOW = pytest.mark.parametrize("how", ["added later", "gone", "keeps nothing"])


@HOW
def test_what_cannot_be_restored_is_left(ws: MemoryWorkspace, data: Path, how: str) -> None:
    why = make_unable(ws, data, how)
    plan = plan_restore(ws, "ONE")
    assert names(plan) == ["code"]
    assert reasons(plan)["data"] == why


@HOW
def test_strict_refuses_it(ws: MemoryWorkspace, data: Path, how: str) -> None:
    make_unable(ws, data, how)
    with pytest.raises(ConfigurationError, match="'data' cannot be restored"):
        plan_restore(ws, "ONE", strict=True)


@HOW
def test_only_refuses_it(ws: MemoryWorkspace, data: Path, how: str) -> None:
    make_unable(ws, data, how)
    with pytest.raises(ConfigurationError, match="'data' cannot be restored"):
        plan_restore(ws, "ONE", only=["data"])


@HOW
def test_strict_does_not_mind_what_is_left(ws: MemoryWorkspace, data: Path, how: str) -> None:
    make_unable(ws, data, how)
    assert names(plan_restore(ws, "ONE", leave=["data"], strict=True)) == ["code"]


# -- files ----------------------------------------------------------------------------------------------------------


def test_files_are_listed_on_demand(ws: MemoryWorkspace, write_code: Write) -> None:
    snapshot_command(ws, "ONE")
    write_code("2")
    (ws.directory / "code" / "new").touch()
    (planned,) = plan_restore(ws, "ONE", list_files=True).restored
    assert planned.changes == (FileChange("deleted", "new"), FileChange("modified", "a.py"))
    assert plan_restore(ws, "ONE").restored[0].changes is None


def test_with_files_the_checks_of_the_resources_are_made(ws: MemoryWorkspace) -> None:
    snapshot_command(ws, "ONE")
    ws.factories["folder"].kept.clear()  # type: ignore[attr-defined]
    with pytest.raises(ConfigurationError, match="does not hold"):
        plan_restore(ws, "ONE", list_files=True)


# -- doing it -------------------------------------------------------------------------------------------------------


def test_what_was_planned_is_done_and_saved(ws: MemoryWorkspace, data: Path, write_code: Write) -> None:
    snapshot_command(ws, "ONE")
    write_code("2")
    (data / "d.csv").write_text("2")
    outcome = restore_command(ws, plan_restore(ws, "ONE", leave=["data"]))
    assert outcome.restored == ("code",)
    assert (ws.directory / "code" / "a.py").read_text() == "1"
    assert (data / "d.csv").read_text() == "2"
    assert ws.store.saved[-1] == f"Restored code to snapshot {outcome.snapshot.hashval[:7]}"


def test_nothing_to_restore_changes_nothing(ws: MemoryWorkspace) -> None:
    snapshot_command(ws, "ONE")
    saved = list(ws.store.saved)
    assert restore_command(ws, plan_restore(ws, "ONE", leave=["code"])).restored == ()
    assert ws.store.saved == saved


def test_a_snapshot_that_is_gone_meanwhile_is_an_error(ws: MemoryWorkspace, write_code: Write) -> None:
    snapshot_command(ws, "ONE")
    write_code("2")
    plan = plan_restore(ws, "ONE")
    delete_snapshot_command(ws, "ONE")
    with pytest.raises(ConfigurationError, match="no snapshot"):
        restore_command(ws, plan)
    assert (ws.directory / "code" / "a.py").read_text() == "2"


def test_a_plan_is_json(ws: MemoryWorkspace) -> None:
    snapshot_command(ws, "ONE", "first")
    document = json.loads(json.dumps(plan_restore(ws, "ONE", list_files=True).to_json()))
    assert document["snapshot"]["tags"] == ["ONE"]
    assert document["restored"][0]["changes"] == []
    assert document["left"] == [{"name": "results", "reason": "results are never restored"}]
