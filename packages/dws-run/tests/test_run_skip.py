"""When `dws run` skips a step, and what it finds; without git."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dataworkspaces.commands.rerun import rerun_command
from dataworkspaces.commands.rerun_plan import plan_rerun
from dataworkspaces.commands.run import RunOutcome, run_command
from dataworkspaces.commands.run_last import look_at_last
from dataworkspaces.commands.run_request import RunRequest, plan_run
from dataworkspaces.errors import ConfigurationError, LineageError
from dataworkspaces.lineage import FileLineageStore
from dataworkspaces.lineage.model import StepLineage
from dataworkspaces.testing.memory import MemoryWorkspace
from dataworkspaces.workspace import PresentContents

pytestmark = pytest.mark.slow

ROLES = {"data": "source-data", "code": "code", "tools": "code", "middle": "intermediate-data", "results": "results"}
Run = Callable[..., RunOutcome]


@pytest.fixture
def ws(workspace: MemoryWorkspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MemoryWorkspace:
    """A resource of local files for each role; the current directory is that of the workspace."""
    root = workspace.directory
    workspace.lineage_store = FileLineageStore(tmp_path / "current", tmp_path / "snapshots", tmp_path / "m" / "lock")
    for name, role in ROLES.items():
        (root / name).mkdir()
        workspace.add_resource(name, "file", role, path=str(root / name))
    for path in ("data/a", "data/b", "code/main.sh", "code/helper.sh", "tools/tool.sh"):
        (root / path).write_text(f"# {path}\n")
    (root / "code/main.sh").write_text('cat "$1" > "$2"\n')
    monkeypatch.chdir(root)
    monkeypatch.setattr("dataworkspaces.commands.run.gets_input", lambda: False)
    return workspace


@pytest.fixture
def run(ws: MemoryWorkspace) -> Run:
    def do(*command: str, **options: Any) -> RunOutcome:
        return run_command(ws, RunRequest(command=command, **options))

    return do


COPY = ("sh", "code/main.sh", "data/a", "middle/out")
NAMED = {"inputs": ("data/a",), "outputs": ("middle/out",), "code": ("code",)}
WAYS = pytest.mark.parametrize("options", [NAMED, {}], ids=["named", "found"])


@WAYS
@pytest.mark.parametrize(
    "change",
    [
        lambda: Path("data/a").write_text("changed"),
        lambda: Path("code/main.sh").write_text('cat "$1" > "$2" # changed\n'),
        lambda: Path("code/helper.sh").write_text("changed"),
        lambda: Path("middle/out").write_text("edited"),
        lambda: Path("middle/out").unlink(),
    ],
    ids=["input", "code", "helper", "output edited", "output deleted"],
)
def test_what_makes_a_step_run_again(run: Run, options: dict[str, Any], change: Callable[[], None]) -> None:
    assert not run(*COPY, **options).skipped
    assert run(*COPY, **options).skipped
    change()
    assert not run(*COPY, **options).skipped
    assert run(*COPY, **options).skipped


@WAYS
@pytest.mark.parametrize(
    "other",
    [
        {"command": ("sh", "code/main.sh", "data/b", "middle/out")},
        {"parameters": {"x": 1}},
        {"name": "other"},
        {"code": ("tools",)},
        {"results": "results"},
    ],
    ids=str,
)
def test_what_is_another_run(run: Run, options: dict[str, Any], other: dict[str, Any]) -> None:
    run(*COPY, **options)
    arguments = {**options, **other}
    command = arguments.pop("command", COPY)
    assert not run(*command, **arguments).skipped


@pytest.mark.parametrize(("one", "two"), [(1, True), (1, 1.0), (0, False), (None, "null"), (1, "1")])
def test_parameters_that_python_takes_for_equal(run: Run, one: Any, two: Any) -> None:
    run(*COPY, parameters={"x": one})
    assert not run(*COPY, parameters={"x": two}).skipped


@WAYS
@pytest.mark.parametrize(
    "change",
    [
        lambda: os.utime("data/a"),
        lambda: Path("data/a").write_text("# data/a\n"),
        lambda: Path("middle/out").write_text("# data/a\n"),
    ],
    ids=["input touched", "input rewritten", "output rewritten"],
)
def test_what_makes_no_difference(run: Run, options: dict[str, Any], change: Callable[[], None]) -> None:
    run(*COPY, **options)
    change()
    assert run(*COPY, **options).skipped


def test_data_and_code_of_which_nobody_said_anything(run: Run) -> None:
    command = ("sh", "-c", "cat data/* > middle/out")
    run(*command)
    assert run(*command).skipped
    for path in ("data/new", "data/b", "code/main.sh", "tools/tool.sh", "middle/other"):
        Path(path).write_text("changed")
        assert not run(*command).skipped, path
        assert run(*command).skipped, path
    Path("data/new").unlink()
    assert not run(*command).skipped


def test_a_reason_is_told_once(ws: MemoryWorkspace, run: Run) -> None:
    run(*COPY)
    Path("data/a").write_text("changed")
    last = look_at_last(ws, plan_run(ws, RunRequest(command=COPY)).record)
    assert last is not None
    assert last.reasons == ("data:a has changed",)


@pytest.fixture
def looks(ws: MemoryWorkspace, monkeypatch: pytest.MonkeyPatch) -> list[set[str]]:
    """At which resources each look at contents looks. If one in it cannot be read, it tells nothing of the others."""
    found: list[set[str]] = []
    look = ws.present_contents

    def watched(places: dict[str, list[Any]], **more: Any) -> dict[str, PresentContents]:
        found.append(set(places))
        if "tools" in places and (ws.directory / "tools/unreadable").exists():
            return {name: PresentContents([None] * len(subpaths)) for name, subpaths in places.items()}
        return look(places, **more)

    monkeypatch.setattr(ws, "present_contents", watched)
    return found


@WAYS
def test_one_look_tells_whether_a_step_is_up_to_date(run: Run, looks: list[set[str]], options: dict[str, Any]) -> None:
    run(*COPY, **options)
    looks.clear()
    assert run(*COPY, **options).skipped
    assert len(looks) == 1


def test_one_look_tells_which_of_many_steps_are_up_to_date(
    ws: MemoryWorkspace, run: Run, looks: list[set[str]]
) -> None:
    for number in range(4):
        run("cp", "data/a", f"middle/{number}", name=f"step-{number}")
    looks.clear()
    assert len(plan_rerun(ws).steps) == 4
    assert len(looks) == 1


def test_what_cannot_be_read_hides_nothing_of_a_step_that_does_not_read_it(
    ws: MemoryWorkspace, run: Run, looks: list[set[str]]
) -> None:
    run(*COPY, **NAMED)
    run("cp", "data/b", "middle/other")
    looks.clear()
    (ws.directory / "tools/unreadable").touch()

    def reasons() -> dict[str, tuple[str, ...]]:
        return {step.execution.name: step.reasons for step in plan_rerun(ws).steps}

    found = reasons()
    assert found["main"] == ()
    assert any(reason.startswith("tools has changed") for reason in found["cp"])
    Path("data/a").write_text("changed")
    assert reasons()["main"] == ("data:a has changed",)


def test_what_is_made_from_the_outputs_cannot_have_been_read(run: Run) -> None:
    run(*COPY)
    run("cp", "middle/out", "middle/behind")
    assert run(*COPY).skipped
    assert run("cp", "middle/out", "middle/behind").skipped


def test_an_input_that_must_be_made_again(run: Run) -> None:
    run(*COPY, **NAMED)
    behind = {"inputs": ("middle/out",), "outputs": ("middle/behind",)}
    run("cp", "middle/out", "middle/behind", **behind)
    Path("data/a").write_text("changed")
    assert not run("cp", "middle/out", "middle/behind", **behind).skipped


def test_a_new_file_in_an_input_that_is_read_in_parts(run: Run) -> None:
    options = {"inputs": ("middle",), "outputs": ("middle/sum",)}
    Path("middle/one").write_text("1")
    command = ("sh", "-c", "cat middle/[!s]* > middle/sum")
    run(*command, **options)
    assert run(*command, **options).skipped
    Path("middle/two").write_text("2")
    assert not run(*command, **options).skipped
    assert run(*command, **options).skipped


def test_an_input_that_the_command_changes(run: Run) -> None:
    options = {"inputs": ("middle/out",), "outputs": ("middle/out",)}
    Path("middle/out").write_text("")
    command = ("sh", "-c", "echo more >> middle/out")
    assert not run(*command, **options).skipped
    assert not run(*command, **options).skipped


def test_a_script_outside_of_all_resources(run: Run) -> None:
    Path("make.sh").write_text("echo 1 > middle/out")
    options = {"inputs": ("data",), "outputs": ("middle/out",)}
    run("sh", "make.sh", **options)
    assert run("sh", "make.sh", **options).skipped
    Path("make.sh").write_text("echo 2 > middle/out")
    assert not run("sh", "make.sh", **options).skipped


def test_results_that_the_command_line_names(run: Run) -> None:
    Path("results/one").write_text("1")
    run("cp", "results/one", "results/copy")
    assert run("cp", "results/one", "results/copy").skipped
    Path("results/one").write_text("2")
    assert not run("cp", "results/one", "results/copy").skipped


def test_a_link_that_leads_out_of_an_input(run: Run, tmp_path: Path) -> None:
    (tmp_path / "big").write_text("1")
    Path("data/link").symlink_to(tmp_path / "big")
    command = ("sh", "-c", "cat data/link > middle/out")
    options = {"inputs": ("data",), "outputs": ("middle/out",)}
    run(*command, **options)
    assert run(*command, **options).skipped
    (tmp_path / "big").write_text("2")
    assert not run(*command, **options).skipped


def test_data_that_changes_while_the_command_runs(run: Run) -> None:
    command = ("sh", "-c", "cat data/a > middle/out; date +%N > data/b")
    run(*command, outputs=("middle/out",))
    assert not run(*command, outputs=("middle/out",)).skipped


def test_results_that_were_edited(run: Run) -> None:
    command = ("sh", "-c", "echo 1 > results/model")
    run(*command)
    assert run(*command).skipped
    Path("results/model").write_text("2")
    assert not run(*command).skipped


def test_a_failure_between_two_successes(run: Run) -> None:
    command = ("sh", "-c", "echo 1 > middle/out; test ! -e stop")
    run(*command)
    Path("stop").touch()
    assert run(*command, force=True).exit_status == 1
    Path("stop").unlink()
    assert not run(*command).skipped


def test_an_output_that_another_step_has_taken(run: Run) -> None:
    run(*COPY, **NAMED)
    run("cp", "data/b", "middle/out", outputs=("middle/out",), name="other")
    assert not run(*COPY, **NAMED).skipped


def test_entries_of_somebody_else(ws: MemoryWorkspace, run: Run) -> None:
    run(*COPY)
    [entry] = [e for e in ws.lineage_store.entries("middle") if isinstance(e, StepLineage)]
    record = plan_run(ws, RunRequest(command=COPY)).record
    for nonsense in (None, [], {"resources": []}, {"resources": {"data": 1}, "files": {}, "results": {}}):
        entry.other["surroundings"] = nonsense  # type: ignore[index]
        ws.lineage_store.update("middle", lambda _old: [entry])
        last = look_at_last(ws, record)
        assert last is not None
        assert "there is no record of what it may have read" in last.reasons


def test_what_the_command_could_not_be_given(ws: MemoryWorkspace, run: Run) -> None:
    run(*COPY, **NAMED)
    with pytest.raises(ConfigurationError, match="no command 'nosuch'"):
        run("nosuch", **NAMED)
    Path("data/script").write_text("no script")
    Path("data/script").chmod(0o755)
    with pytest.raises(ConfigurationError, match="cannot be run"):
        run("data/script", **NAMED)
    assert run(*COPY, **NAMED).skipped


def test_a_record_that_cannot_be_written_leaves_the_outputs_unknown(
    ws: MemoryWorkspace, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(*COPY, **NAMED)

    def fail(*_: Any) -> None:
        raise LineageError("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr("dataworkspaces.lineage.step.record_step", fail)
        with pytest.raises(LineageError, match="disk is full"):
            run(*COPY, **NAMED, force=True)
    assert not run(*COPY, **NAMED).skipped


@pytest.mark.parametrize(
    "tool", ["cp -p data/a middle/x", "ln -s ../data/a middle/x", "mkdir middle/d; cp data/a middle/d/x"]
)
def test_files_are_found_whatever_wrote_them(run: Run, tool: str) -> None:
    assert [ref.name for ref in run("sh", "-c", tool, force=True).outputs] == ["middle"]
    assert [ref.name for ref in run("sh", "-c", f"rm -rf middle/*; {tool}", force=True).outputs] == ["middle"]


def test_permissions_and_hard_links_are_no_writing(run: Run) -> None:
    outcome = run("sh", "-c", "chmod 600 data/a; ln data/b middle/linked")
    assert [str(ref) for ref in outcome.outputs] == ["middle:linked"]


def test_a_directory_of_many_files_is_one_output(run: Run) -> None:
    many = "mkdir -p middle/d; for i in $(seq 21); do echo 1 > middle/d/$i; done"
    assert [str(ref) for ref in run("sh", "-c", many).outputs] == ["middle:d"]
    Path("middle/d/mine").write_text("")
    assert len(run("sh", "-c", many, force=True).outputs) == 21


def test_names_of_steps(ws: MemoryWorkspace) -> None:
    Path("make.sh").touch()
    for command, name in {
        ("sh", "code/main.sh", "data/a"): "main",
        ("sh", "make.sh"): "make",
        ("cp", "data/a", "middle/x"): "cp",
        (sys.executable, "-c", "1.py"): Path(sys.executable).stem,
    }.items():
        assert plan_run(ws, RunRequest(command=command)).record.name == name


def test_many_files_on_a_command_line_are_their_directory(ws: MemoryWorkspace) -> None:
    names = [f"data/{n}" for n in range(30)]
    for name in names:
        Path(name).touch()
    record = plan_run(ws, RunRequest(command=("cat", *names))).record
    assert [str(ref) for ref in record.inputs] == ["data"]


def test_a_rerun_repeats_what_the_run_was_asked(ws: MemoryWorkspace, run: Run) -> None:
    run(*COPY, parameters={"x": 1}, name="copy")
    Path("data/a").write_text("changed")
    plan = plan_rerun(ws)
    assert [step.execution.name for step in plan.to_run] == ["copy"]
    assert rerun_command(ws, plan).ran == ["copy"]
    assert Path("middle/out").read_text() == "changed"
    assert run(*COPY, parameters={"x": 1}, name="copy").skipped
    assert not plan_rerun(ws).to_run


def test_a_failure_is_no_work_for_a_rerun_once_it_is_made_good(ws: MemoryWorkspace, run: Run) -> None:
    script = "echo 1 > middle/out; test ! -e stop || touch middle/rest && test ! -e stop"
    Path("stop").touch()
    assert run("sh", "-c", script).exit_status == 1
    Path("stop").unlink()
    assert [step.execution.name for step in plan_rerun(ws).to_run] == ["sh"]
    run("sh", "-c", script)
    assert not plan_rerun(ws).to_run


def test_a_missing_directory(ws: MemoryWorkspace, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("code/sub").mkdir()
    monkeypatch.chdir("code/sub")
    run("cp", "../../data/a", "../../middle/x")
    monkeypatch.chdir(ws.directory)
    shutil.rmtree("code/sub")
    Path("data/a").write_text("changed")
    outcome = rerun_command(ws, plan_rerun(ws))
    assert outcome.ran == []
    assert "which is not a directory here" in outcome.left["cp"]
