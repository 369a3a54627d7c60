"""The run cache: what a step takes from earlier runs, and what it never takes; without git."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dataworkspaces.commands.rerun import rerun_command
from dataworkspaces.commands.rerun_plan import plan_rerun
from dataworkspaces.commands.run import RunOutcome, run_command
from dataworkspaces.commands.run_request import RunRequest
from dataworkspaces.commands.snapshot import snapshot_command
from dataworkspaces.errors import DwsError
from dataworkspaces.lineage import FileLineageStore
from dataworkspaces.lineage.model import StepLineage
from dataworkspaces.lineage.runs.earlier import EarlierRuns
from dataworkspaces.testing.memory import MemoryWorkspace

pytestmark = pytest.mark.slow

COUNT = 'echo run >> "$LOG"; { cat "$1"; echo "times $2"; } > middle/out/text; mkdir -p middle/out/empty\n'
SCORE = """echo run >> "$LOG"
printf '{"size": %d}' $(wc -c < middle/out/text) > results/metrics.json
ls data > results/list
"""
ROLES = {"data": "source-data", "code": "code", "middle": "intermediate-data", "results": "results"}
COPY = ("sh", "code/count.sh", "data/a")
COUNTED = {"inputs": ("data/a",), "outputs": ("middle/out",), "code": ("code",), "name": "count"}
SCORED = {"inputs": ("middle/out",), "results": "results", "name": "score", "code": ("code",)}
Run = Callable[..., RunOutcome]


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "log"
    monkeypatch.setenv("LOG", str(path))
    return path


@pytest.fixture
def ws(workspace: MemoryWorkspace, tmp_path: Path, log: Path, monkeypatch: pytest.MonkeyPatch) -> MemoryWorkspace:
    """A pipeline of two steps, and the directory of its workspace."""
    monkeypatch.setattr("dataworkspaces.commands.run.gets_input", lambda: False)
    monkeypatch.setattr("dataworkspaces.commands.rerun_steps.gets_input", lambda: False)
    monkeypatch.setattr("dataworkspaces.commands.rerun_plan.gets_input", lambda: False)
    monkeypatch.chdir(workspace.directory)
    return prepared(workspace, tmp_path)


def prepared(workspace: MemoryWorkspace, place: Path) -> MemoryWorkspace:
    root = workspace.directory
    workspace.lineage_store = FileLineageStore(place / "current", place / "snapshots", place / "m" / "lock")
    for name, role in {
        "data": "source-data",
        "code": "code",
        "middle": "intermediate-data",
        "results": "results",
    }.items():
        (root / name).mkdir()
        workspace.add_resource(name, "file", role, path=str(root / name), restorable=name == "middle")
    (root / "middle" / "out").mkdir()
    (root / "data/a").write_text("one\n")
    (root / "data/b").write_text("other\n")
    (root / "code/count.sh").write_text(COUNT)
    (root / "code/score.sh").write_text(SCORE)
    return workspace


def count(ws: MemoryWorkspace, times: int = 1, **options: Any) -> RunOutcome:
    request = RunRequest(command=(*COPY, str(times)), parameters={"times": times}, **{**COUNTED, **options})
    return run_command(ws, request)


def score(ws: MemoryWorkspace, **options: Any) -> RunOutcome:
    return run_command(ws, RunRequest(command=("sh", "code/score.sh"), **{**SCORED, **options}))


def times_run(log: Path) -> int:
    return len(log.read_text().splitlines()) if log.exists() else 0


def tree(directory: Path) -> dict[str, str]:
    paths = sorted(path for path in directory.rglob("*") if "snapshots" not in path.relative_to(directory).parts)
    return {str(p.relative_to(directory)): p.read_text() if p.is_file() else "directory" for p in paths}


def step(ws: MemoryWorkspace, resource: str) -> StepLineage:
    found = [e for e in ws.get_lineage_store().entries(resource) if isinstance(e, StepLineage)]
    assert len(found) == 1
    return found[0]


def was_taken(outcome: RunOutcome) -> bool:
    return outcome.taken is not None and not outcome.skipped


def test_outputs_of_an_earlier_run_take_the_place_of_running(ws: MemoryWorkspace, log: Path) -> None:
    count(ws)
    score(ws)
    first = tree(Path("middle")), tree(Path("results"))
    original = step(ws, "middle")
    snapshot_command(ws, "ONE")
    count(ws, 2)
    score(ws)
    snapshot_command(ws, "TWO")
    before = times_run(log)

    counted, scored = count(ws), score(ws)

    assert was_taken(counted)
    assert was_taken(scored)
    assert times_run(log) == before
    assert (tree(Path("middle")), tree(Path("results"))) == first
    assert counted.taken is not None
    assert counted.taken.run.snapshot.tags == ["ONE"]
    now = step(ws, "middle")
    assert now.other["taken_from"] == {
        "snapshot": counted.taken.run.snapshot.hashval,
        "run_id": original.run.run_id if original.run else None,
        "start_time": original.start_time.isoformat(),
    }
    assert (now.execution_time_seconds, now.environment) == (original.execution_time_seconds, original.environment)
    assert now.parameters == {"times": 1}
    assert count(ws).skipped
    assert score(ws).skipped


def test_what_stood_at_the_outputs_is_kept(ws: MemoryWorkspace) -> None:
    count(ws)
    snapshot_command(ws, "ONE")
    count(ws, 2)
    Path("middle/out/mine").write_text("by hand")
    stood = tree(Path("middle/out"))
    taken = count(ws).taken
    assert taken is not None
    (kept,) = taken.kept
    assert tree(kept / "out") == stood
    assert [(e.ref.name, e.step, e.files) for e in EarlierRuns(ws).all()] == [("middle", "count", kept)]


def test_results_of_a_whole_resource_leave_what_no_snapshot_takes(ws: MemoryWorkspace) -> None:
    count(ws)
    score(ws)
    snapshot_command(ws, "ONE")
    Path("results/README.md").write_text("read me")
    Path("results/notes").write_text("by hand")
    outcome = score(ws)
    assert was_taken(outcome)
    assert outcome.taken is not None
    assert tree(outcome.taken.kept[0]) == {"notes": "by hand"}
    assert Path("results/README.md").read_text() == "read me"
    assert Path("results/list").read_text() == "a\nb\n"
    Path("results/list").write_text("what a snapshot moved can be written to again")


@pytest.mark.parametrize(
    "change",
    [
        lambda: Path("data/a").write_text("changed\n"),
        lambda: Path("code/count.sh").write_text(COUNT + "# changed\n"),
        lambda: Path("code/helper.sh").write_text("new\n"),
    ],
    ids=["input", "code", "new code"],
)
def test_other_inputs_or_other_code_run(ws: MemoryWorkspace, change: Callable[[], None]) -> None:
    count(ws)
    snapshot_command(ws, "ONE")
    count(ws, 2)
    change()
    assert not was_taken(count(ws))


@pytest.mark.parametrize("options", [{"force": True}, {"no_cache": True}], ids=["force", "no cache"])
def test_whoever_wants_to_run_runs(ws: MemoryWorkspace, log: Path, options: dict[str, bool]) -> None:
    count(ws)
    snapshot_command(ws, "ONE")
    count(ws, 2)
    count(ws, **options)
    assert times_run(log) == 3


def test_an_output_edited_before_the_snapshot_is_not_taken(ws: MemoryWorkspace) -> None:
    count(ws)
    Path("middle/out/text").write_text("edited")
    snapshot_command(ws, "ONE")
    count(ws, 2)
    assert not was_taken(count(ws))
    assert Path("middle/out/text").read_text() == "one\ntimes 1\n"


def test_results_that_somebody_edited_are_not_taken(ws: MemoryWorkspace) -> None:
    count(ws)
    score(ws)
    snapshot_command(ws, "ONE")
    (moved,) = Path("results/snapshots").glob("*/list")
    moved.chmod(0o644)
    moved.write_text("edited")
    Path("results/own").write_text("stays, since the command runs beside it")
    assert not was_taken(score(ws))
    assert Path("results/list").read_text() == "a\nb\n"


def test_nothing_is_taken_from_a_resource_that_keeps_no_content(ws: MemoryWorkspace) -> None:
    plain = ws.directory / "plain"
    plain.mkdir()
    ws.add_resource("plain", "file", "intermediate-data", path=str(plain), compute_hash=True)
    request = RunRequest(command=("sh", "-c", "cat data/a > plain/x"), inputs=("data/a",), name="copy")
    run_command(ws, request)
    snapshot_command(ws, "ONE")
    (plain / "x").unlink()
    assert not was_taken(run_command(ws, request))


def test_data_that_nobody_named_counts(ws: MemoryWorkspace) -> None:
    found = {"inputs": (), "outputs": (), "code": ()}
    count(ws, **found)
    snapshot_command(ws, "ONE")
    count(ws, 2, **found)
    snapshot_command(ws, "TWO")
    assert was_taken(count(ws, **found))
    count(ws, 2, no_cache=True, **found)
    Path("data/b").write_text("changed")
    assert not was_taken(count(ws, **found))


@pytest.mark.parametrize("how", ["input", "code"])
def test_a_run_that_nothing_can_repeat_is_not_taken(
    ws: MemoryWorkspace, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if how == "input":
        with monkeypatch.context() as patch:
            patch.setattr("dataworkspaces.commands.run.gets_input", lambda: True)
            count(ws)
    else:
        Path("code/count.sh").write_text(COUNT + "echo '# made' > code/made.sh\n")
        Path("code/made.sh").write_text("# made\n")
        count(ws, outputs=())
    snapshot_command(ws, "ONE")
    count(ws, 2)
    assert not was_taken(count(ws, **({} if how == "input" else {"outputs": ()})))


def test_a_snapshot_of_somebody_else_puts_nothing_elsewhere(ws: MemoryWorkspace, tmp_path: Path) -> None:
    """Lineage that came with a workspace may name any place as an output."""
    count(ws, outputs=())
    hashval = snapshot_command(ws, "ONE").metadata.hashval
    file = tmp_path / "snapshots" / hashval / "middle.json"
    text = file.read_text()
    for place in ("code", "data"):
        forged = json.loads(text)
        for entry in forged["lineages"]:
            for output in entry.get("output_resources", []):
                output.update(resource_name=place, subpath="a" if place == "data" else "count.sh")
        file.write_text(json.dumps(forged))
        (tmp_path / "snapshots" / hashval / f"{place}.json").write_text(json.dumps({**forged, "resource_name": place}))
        before = {name: tree(Path(name)) for name in ("code", "data")}
        count(ws, 2, no_cache=True)
        assert not was_taken(count(ws, outputs=()))
        assert {name: tree(Path(name)) for name in ("code", "data")} == before


def test_an_output_below_a_link_that_leads_out_is_not_taken(ws: MemoryWorkspace, tmp_path: Path) -> None:
    nested = {"outputs": ("middle/out/text",)}
    count(ws, **nested)
    snapshot_command(ws, "ONE")
    outside = tmp_path / "outside"
    shutil.move("middle/out", outside)
    (outside / "text").write_text("not ours")
    Path("middle/out").symlink_to(outside)
    from dataworkspaces.commands.run_cache_take import take_cached
    from dataworkspaces.commands.run_request import plan_run

    request = RunRequest(command=(*COPY, "1"), parameters={"times": 1}, **{**COUNTED, **nested})
    try:
        planned = plan_run(ws, request)
    except DwsError:
        return  # refused before
    assert take_cached(ws, planned, None) is None
    assert (outside / "text").read_text() == "not ours"


@pytest.mark.parametrize("number", range(1, 7))
@pytest.mark.parametrize("how", ["raises", "killed"])
def test_what_is_cut_short_loses_nothing(
    ws: MemoryWorkspace, log: Path, tmp_path: Path, number: int, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    count(ws)
    snapshot_command(ws, "ONE")
    count(ws, 2)
    Path("middle/out/mine").write_text("by hand")
    stood = tree(Path("middle/out"))
    ran = times_run(log)
    calls = 0

    def cut(real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:
            nonlocal calls
            calls += 1
            if calls == number:
                if how == "killed":
                    os._exit(9)
                raise OSError(28, "No space left on device")
            return real(*arguments, **options)

        return call

    import dataworkspaces.commands.run_cache_take as module

    def patched(patch: pytest.MonkeyPatch) -> RunOutcome:
        for name in ("move_tree", "record_step", "content_now", "flush_files"):
            patch.setattr(module, name, cut(getattr(module, name)))
        return count(ws)

    if how == "raises":
        with monkeypatch.context() as patch:
            outcome = patched(patch)
        if not was_taken(outcome):
            assert times_run(log) == ran + 1
        assert Path("middle/out/text").read_text() == "one\ntimes 1\n"
        mine = [Path("middle/out/mine"), *(e.files / "out" / "mine" for e in EarlierRuns(ws).all())]
        assert any(path.exists() for path in mine)
        return
    child = os.fork()
    if child == 0:
        with pytest.MonkeyPatch.context() as patch:
            patched(patch)
        os._exit(0)
    os.waitpid(child, 0)
    kept = [tree(earlier.files / "out") for earlier in EarlierRuns(ws).all() if (earlier.files / "out").exists()]
    assert stood in [tree(Path("middle/out")), *kept]
    ws.lineage_store = FileLineageStore(tmp_path / "current", tmp_path / "snapshots", tmp_path / "m" / "lock")
    count(ws)
    assert Path("middle/out/text").read_text() == "one\ntimes 1\n"
    assert count(ws).skipped


def test_rerun_takes_too_and_says_so_before(ws: MemoryWorkspace, log: Path) -> None:
    count(ws)
    score(ws)
    snapshot_command(ws, "ONE")
    Path("data/a").write_text("another\n")
    rerun_command(ws, plan_rerun(ws))
    snapshot_command(ws, "TWO")
    Path("data/a").write_text("one\n")
    ran = times_run(log)

    plan = plan_rerun(ws)
    told = {step["step"]: step["from_cache"] for step in plan.to_json()["steps"]}
    assert told["count"]["tags"] == ["ONE"]
    assert told["score"] is None  # nobody knows yet what it will read
    outcome = rerun_command(ws, plan)
    assert list(outcome.taken) == ["count", "score"]
    assert outcome.ran == []
    assert times_run(log) == ran
    assert plan_rerun(ws).to_run == []

    Path("data/a").write_text("another\n")
    assert rerun_command(ws, plan_rerun(ws, no_cache=True)).ran == ["count", "score"]


def test_another_parameter_that_was_there_before(ws: MemoryWorkspace, log: Path) -> None:
    def run(times: int) -> RunOutcome:
        command = ("sh", "code/count.sh", "data/a", f"times={times}")
        return run_command(ws, RunRequest(command=command, parameters={"times": times}, **COUNTED))

    run(1)
    snapshot_command(ws, "ONE")
    run(2)
    ran = times_run(log)
    plan = plan_rerun(ws, "count", parameters={"times": 1})
    assert list(rerun_command(ws, plan).taken) == ["count"]
    assert times_run(log) == ran
    forced = plan_rerun(ws, "count", parameters={"times": 1}, force=True)
    assert rerun_command(ws, forced).ran == ["count"]


def test_the_index_may_be_lost_and_spares_reading(ws: MemoryWorkspace, monkeypatch: pytest.MonkeyPatch) -> None:
    count(ws)
    snapshot_command(ws, "ONE")
    count(ws, 2)
    for number in range(3):
        Path("data/b").write_text(str(number))
        snapshot_command(ws, f"T{number}")
    assert was_taken(count(ws))
    read: list[str] = []
    real = FileLineageStore.entries

    def entries(self: FileLineageStore, name: str, snapshot: str | None = None) -> Any:
        read.extend([] if snapshot is None else [snapshot])
        return real(self, name, snapshot)

    monkeypatch.setattr(FileLineageStore, "entries", entries)
    count(ws, 3)
    assert read == []
    (ws.get_machine_directory() / "runs.sqlite").write_bytes(b"damaged")
    assert was_taken(count(ws, 2))


ACTIONS = st.one_of(
    st.tuples(st.just("data"), st.sampled_from(["one\n", "two\n"])),
    st.tuples(st.just("code"), st.sampled_from([COUNT, COUNT.replace("times", "TIMES")])),
    st.tuples(st.just("edit"), st.just("edited")),
    st.tuples(st.just("delete"), st.none()),
    st.tuples(st.just("snapshot"), st.none()),
    st.tuples(st.just("run"), st.sampled_from([1, 2])),
    st.tuples(st.just("run"), st.sampled_from([1, 2])),
)


@settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(ACTIONS, min_size=4, max_size=14))
def test_what_is_taken_is_what_running_would_write(
    tmp_path_factory: pytest.TempPathFactory, actions: list[tuple[str, Any]]
) -> None:
    place = tmp_path_factory.mktemp("cache")
    (place / "workspace").mkdir()
    ws = prepared(MemoryWorkspace(place / "workspace"), place)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ws.directory)
        patch.setenv("LOG", str(place / "log"))
        patch.setattr("dataworkspaces.commands.run.gets_input", lambda: False)
        out = Path("middle/out/text")
        for number, (action, value) in enumerate(actions):
            if action == "data":
                Path("data/a").write_text(value)
            elif action == "code":
                Path("code/count.sh").write_text(value)
            elif action == "edit":
                out.write_text(value)
            elif action == "delete":
                shutil.rmtree("middle/out")
                Path("middle/out").mkdir()
            elif action == "snapshot":
                snapshot_command(ws, f"T{number}")
            else:
                outcome = count(ws, value)
                word = "TIMES" if "TIMES" in Path("code/count.sh").read_text() else "times"
                assert out.read_text() == f"{Path('data/a').read_text()}{word} {value}\n"
                assert sorted(path.name for path in out.parent.iterdir()) == ["empty", "text"]
                assert outcome.exit_status == 0
                assert count(ws, value).skipped
