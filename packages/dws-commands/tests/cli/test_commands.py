"""What the commands say, and what they hand on. What they do is tested with :mod:`dataworkspaces.commands`."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import click
import pytest

from dataworkspaces import plugins
from dataworkspaces.cli.diff_tables import value_row
from dataworkspaces.commands.diff import ValueDiff
from dataworkspaces.commands.init import InitOutcome
from dataworkspaces.errors import UserAbort
from dataworkspaces.testing.command_line import Run
from dataworkspaces.testing.memory import MemoryWorkspace
from dataworkspaces.workspace import Workspace, WorkspaceFactory


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """A directory with the results of a run."""
    directory = tmp_path / "out"
    directory.mkdir()
    write_results(directory, 0.9688542825361512, 1.0)
    return directory


def write_results(directory: Path, accuracy: float, c: float) -> None:
    document = {
        "step": "digits-svc",
        "start_time": "2020-01-14T12:54:00.473892",
        "execution_time_seconds": 0.12963,
        "parameters": {"C": c, "tol": 0.0001, "class_weight": None},
        "run_description": None,
        "metrics": {"accuracy": accuracy, "report": {"0.0": {"recall": 0.9886363636363636, "support": 88}}},
    }
    (directory / "results.json").write_text(json.dumps(document))


@pytest.fixture
def full(current_workspace: MemoryWorkspace, run: Run, data: Path, results: Path) -> MemoryWorkspace:
    """A workspace with source data and results, and the snapshots ``ONE`` and ``TWO``."""
    assert run("-b", "add", "local-files", "--role=s", "--name=data", str(data)).exit_code == 0
    assert run("-b", "add", "local-files", "--role=r", "--name=out", str(results)).exit_code == 0
    assert run("snapshot", "-m", "first\nrun | one", "ONE").exit_code == 0
    (data / "a.csv").write_text("1\n2\n")
    (data / "b.csv").write_text("3\n")
    write_results(results, 0.94, 2.0)
    assert run("snapshot", "-m", "second run", "TWO").exit_code == 0
    return current_workspace


def cells(output: str, first: str) -> list[str]:
    """The cells of the row that begins with a text."""
    for line in output.splitlines():
        row = [cell.strip() for cell in line.strip("|").split(" | ")]
        if row[0] == first:
            return row
    raise AssertionError(f"no row {first!r} in\n{output}")


# -- init ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def init_calls(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What ``dws init`` hands on. It is pretended, since dws-core has no backend that could make a workspace."""
    calls: list[dict[str, Any]] = []

    def pretended(
        directory: Path, name: str, hostname: str, resources: list[str], scratch: str, _ui: object, **options: Any
    ) -> InitOutcome:
        calls.append({"name": name, "hostname": hostname, "resources": resources, "scratch": scratch, **options})
        return InitOutcome(directory, name or directory.name, tuple(resources))

    monkeypatch.setattr("dataworkspaces.commands.init.init_command", pretended)
    return calls


def test_init_asks_for_the_host_name(run: Run, init_calls: list[dict[str, Any]]) -> None:
    assert run("init", input="lab7\n").exit_code == 0
    assert init_calls[0]["hostname"] == "lab7"


def test_init_offers_the_short_name_of_the_host(
    run: Run, init_calls: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.uname", lambda: SimpleNamespace(nodename="_my host.example.com"))
    run("init", input="\n")
    assert init_calls[0]["hostname"] == "my-host"


def test_init_in_batch_asks_nothing(run: Run, init_calls: list[dict[str, Any]]) -> None:
    assert run("-b", "init").exit_code == 0


class PretendedFactory(WorkspaceFactory):
    """A backend with an option for ``dws init``."""

    @staticmethod
    def get_click_params() -> list[click.Parameter]:
        return [click.Option(["--colour"], help="Of the workspace.")]


@pytest.fixture
def pretended_backend(monkeypatch: pytest.MonkeyPatch) -> None:
    load = plugins.load
    monkeypatch.setattr(plugins, "load", lambda g, n: PretendedFactory if n == "pretended" else load(g, n))


@pytest.mark.usefixtures("pretended_backend")
def test_init_hands_its_options_on(run: Run, init_calls: list[dict[str, Any]]) -> None:
    run(
        "init", "ws", "--hostname=h", "--create-resources", "code, results", "--scratch-directory=/tmp/s",
        "--colour", "blue", "--backend=pretended",
    )  # fmt: skip
    assert init_calls == [
        {
            "name": "ws",
            "hostname": "h",
            "resources": ["code", "results"],
            "scratch": "/tmp/s",
            "batch": False,
            "verbose": False,
            "backend": "pretended",
            "colour": "blue",
        }
    ]


def test_init_says_what_it_made(run: Run, init_calls: list[dict[str, Any]]) -> None:
    out = run("init", "ws", "--hostname=h", "--create-resources=code").output
    assert "Workspace 'ws' is ready in " in out
    assert "Created resource 'code'" in out


@pytest.mark.usefixtures("pretended_backend")
@pytest.mark.parametrize("backend", [["--backend", "pretended"], ["--backend=pretended"]])
def test_the_help_of_init_has_the_options_of_the_backend(run: Run, backend: list[str]) -> None:
    assert "--colour" in run("init", *backend, "--help").output
    assert "--colour" not in run("init", "--help").output


def test_init_with_a_backend_that_is_not_installed(run: Run) -> None:
    result = run("-b", "init", "--backend", "cloud")
    assert result.exit_code == 1
    assert "no workspace backend 'cloud'" in result.stderr


# -- add -------------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("current_workspace")
def test_add_lists_the_installed_types(run: Run) -> None:
    out = run("add", "--help").output
    assert "\n  local-files   A directory of files" in out
    assert "git-subdirectory" not in out


def test_add_help_shows_own_and_common_options(run: Run) -> None:
    out = run("add", "local-files", "--help").output
    for option in ("--compute-hash", "--role ROLE", "--name NAME", "-e, --export", "--imported", "--workspace-dir DIR"):
        assert option in out


def test_add_offers_what_the_type_takes(run: Run) -> None:
    assert "--export" not in run("add", "api-resource", "--help").output


def test_add_asks_for_the_role_and_for_a_name_that_is_taken(
    run: Run, current_workspace: MemoryWorkspace, data: Path
) -> None:
    result = run("add", "local-files", str(data), input="x\ns\n")
    assert result.exit_code == 0
    assert "'x' is not one of them" in result.output
    assert "Name of the resource" not in result.output
    assert "Added resource 'data' (file, source-data)" in result.output
    assert current_workspace.get_resource_role("data") == "source-data"


def test_add_checks_before_it_asks(run: Run, current_workspace: MemoryWorkspace, data: Path) -> None:
    result = run("add", "local-files", str(data / "nothing"), input="s\n")
    assert result.exit_code == 1
    assert "does not exist" in result.output
    assert "Role" not in result.output
    other = data.parent / "elsewhere" / "data"
    other.mkdir(parents=True)
    run("-b", "add", "local-files", "--role", "s", str(data))
    assert "Name of the resource [data-2]: " in run("add", "local-files", str(other), input="s\n\n").output
    taken = run("add", "local-files", "--name", "data", str(other), input="s\n")
    assert "Role" not in taken.output


@pytest.mark.parametrize("role", ["i", "intermediate-data", "I"])
def test_add_takes_a_role_or_its_letter(run: Run, current_workspace: MemoryWorkspace, data: Path, role: str) -> None:
    run("-b", "add", "local-files", "--role", role, str(data))
    assert current_workspace.get_resource_role("data") == "intermediate-data"


def test_add_refuses_an_unknown_role(run: Run, current_workspace: MemoryWorkspace, data: Path) -> None:
    result = run("add", "local-files", "--role=stuff", str(data))
    assert result.exit_code == 2
    assert "'stuff' is not a role. Choose from: source-data, intermediate-data, code, results" in result.stderr


def test_add_in_batch_names_the_missing_role(run: Run, current_workspace: MemoryWorkspace, data: Path) -> None:
    result = run("-b", "add", "local-files", str(data))
    assert result.exit_code == 1
    assert "--role" in result.stderr


@pytest.mark.usefixtures("current_workspace")
def test_add_of_a_type_that_is_not_installed_says_how_to_install_it(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(plugins.KNOWN_DISTRIBUTIONS, (plugins.RESOURCES, "tape"), "dws-tape")
    result = run("add", "tape", "x:y", "z")
    assert result.exit_code == 2
    assert "pip install dws-tape" in result.stderr


@pytest.mark.usefixtures("current_workspace")
def test_add_suggests_a_type(run: Run) -> None:
    assert "Did you mean local-files?" in run("add", "localfiles").stderr


# -- snapshot --------------------------------------------------------------------------------------------------------


def test_snapshot_says_its_name_and_where_results_are(run: Run, full: MemoryWorkspace, results: Path) -> None:
    write_results(results, 0.5, 3.0)
    out = run("snapshot", "THREE").output
    assert out.splitlines()[0].startswith("Took snapshot THREE (")
    assert out.splitlines()[1] == "Its results are in out:snapshots/here-THREE"


def test_snapshot_says_that_nothing_has_changed(run: Run, full: MemoryWorkspace) -> None:
    assert run("snapshot").output.startswith("Nothing has changed since snapshot TWO (")


def test_snapshot_asks_before_it_moves_a_tag(run: Run, full: MemoryWorkspace, data: Path) -> None:
    (data / "c.csv").write_text("4\n")
    one = full.get_snapshot_by_tag("ONE").hashval
    out = run("snapshot", "ONE", input="y\n").output
    assert "Move it to the new snapshot? [y/N]: " in out
    assert f"Tag ONE was at snapshot {one[:7]} before" in out


def test_snapshot_does_not_move_a_tag_in_batch(run: Run, full: MemoryWorkspace, data: Path) -> None:
    (data / "c.csv").write_text("4\n")
    result = run("-b", "snapshot", "ONE")
    assert result.exit_code == 1
    assert "Tag 'ONE' already names" in result.stderr


# -- restore ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def restored(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """What ``dws restore`` would have brought back: local files cannot be."""
    from dataworkspaces.commands import restore

    calls: list[list[str]] = []

    def plan(_ws: Workspace, tag: str, only: Any, leave: Any, strict: bool, *, list_files: bool) -> restore.RestorePlan:
        from dataworkspaces.workspace import FileChange, SnapshotMetadata

        snapshot = SnapshotMetadata("f1401a8" + "0" * 33, [tag], "", "h", "2020-01-14T13:00:39", "", {})
        changes = (FileChange("modified", "a\nb.py"), FileChange("renamed", "new", "old")) if list_files else None
        planned = [restore.PlannedRestore(name, "0" * 40, changes) for name in only or ["code"]]
        return restore.RestorePlan(snapshot, tuple(planned), (restore.LeftResource("out", "results are not restored"),))

    def act(_ws: Workspace, plan: restore.RestorePlan) -> restore.RestoreOutcome:
        calls.append([planned.name for planned in plan.restored])
        return restore.RestoreOutcome(plan.snapshot, tuple(calls[-1]), plan.left)

    monkeypatch.setattr(restore, "plan_restore", plan)
    monkeypatch.setattr(restore, "restore_command", act)
    return calls


@pytest.mark.usefixtures("current_workspace")
def test_restore_shows_its_plan_and_asks(run: Run, restored: list[list[str]]) -> None:
    out = run("restore", "ONE", input="y\n").output
    assert out.index("Will restore code") < out.index("Restore these resources? [Y/n]")
    assert "Will leave out: results are not restored" in out
    assert out.endswith("Restored code to ONE (f1401a8)\n")
    assert restored == [["code"]]


@pytest.mark.usefixtures("current_workspace")
def test_restore_is_cancelled(run: Run, restored: list[list[str]]) -> None:
    result = run("restore", "ONE", input="n\n")
    assert result.exit_code == UserAbort.exit_code
    assert result.stderr.startswith("Cancelled: ")
    assert not restored


@pytest.mark.usefixtures("current_workspace")
def test_restore_in_batch_does_not_ask(run: Run, restored: list[list[str]]) -> None:
    assert run("restore", "ONE", "--batch").exit_code == 0
    assert restored == [["code"]]


@pytest.mark.usefixtures("current_workspace")
def test_restore_takes_a_list_of_resources(run: Run, restored: list[list[str]]) -> None:
    run("-b", "restore", "ONE", "--only", "code, my data")
    assert restored == [["code", "my data"]]


@pytest.mark.usefixtures("current_workspace")
def test_dry_run_shows_the_files_and_does_nothing(run: Run, restored: list[list[str]]) -> None:
    out = run("restore", "ONE", "--dry-run").output
    assert out.splitlines()[1:] == [
        "  Would restore code: 2 files would change",
        "    modified  a\\nb.py",
        "    renamed   old -> new",
        "  Would leave out: results are not restored",
    ]
    assert not restored


def test_restore_of_nothing(run: Run, full: MemoryWorkspace) -> None:
    result = run("restore", "ONE")
    assert result.exit_code == 0
    assert "There is nothing to restore" in result.output


# -- delete-snapshot -------------------------------------------------------------------------------------------------


def test_delete_snapshot_asks(run: Run, full: MemoryWorkspace) -> None:
    assert run("delete-snapshot", "ONE", input="n\n").exit_code == 1
    assert run("delete-snapshot", "ONE", input="y\n").output.splitlines()[-1].startswith("Deleted snapshot ONE (")
    assert full.get_tags() == ["TWO"]


# -- report ----------------------------------------------------------------------------------------------------------


def test_status(run: Run, full: MemoryWorkspace, data: Path) -> None:
    (data / "c.csv").write_text("4\n")
    out = run("report", "status").output
    assert out.startswith("Status for workspace: memory\nThe present state has changed since snapshot TWO (")
    assert cells(out, "data")[1:3] == ["source-data", "file"]
    assert cells(out, "data")[4].startswith("changed")
    assert out.endswith("\nNo resources for the following roles: intermediate-data, code.\n")


def test_status_of_an_empty_workspace(run: Run, current_workspace: MemoryWorkspace) -> None:
    out = run("report", "status").output
    assert "|" not in out
    assert "No resources for the following roles: source-data, intermediate-data, code, results." in out


def test_history(run: Run, full: MemoryWorkspace) -> None:
    out = run("report", "history").output
    lines = out.splitlines()
    assert lines[0] == "History of snapshots"
    assert [cell.strip() for cell in lines[1].split("|")[1:4]] == ["Hash", "Tags", "Created"]
    two, one = (full.get_snapshot_by_tag(tag) for tag in ("TWO", "ONE"))
    assert cells(out, two.hashval[:7])[1:4] == ["TWO", two.timestamp[:19], "0.94"]
    assert cells(out, one.hashval[:7])[-1].removesuffix(" |") == "first run \\| one"
    assert lines[-1] == "2 snapshots total"


def test_history_with_a_limit(run: Run, full: MemoryWorkspace) -> None:
    out = run("report", "history", "--limit", "1").output
    assert "TWO" in out
    assert "ONE" not in out
    assert out.endswith("Showing first 1 snapshot\n")


def test_history_of_nothing(run: Run, current_workspace: MemoryWorkspace) -> None:
    assert run("report", "history").output == "0 snapshots total\n"


def test_lineage_of_nothing(run: Run, current_workspace: MemoryWorkspace) -> None:
    assert run("report", "lineage").output.endswith("none is recorded\n")


def test_lineage_of_a_snapshot(run: Run, full: MemoryWorkspace, monkeypatch: pytest.MonkeyPatch) -> None:
    from dataworkspaces.commands import report
    from dataworkspaces.lineage.views import LineageRow

    rows = (
        LineageRow("out", "Step", "digits-svc at 2020-01-14", ["data (Hash:635b7182)", "code"]),
        LineageRow("data", "Source Data", "Hash:635b7182", None),
    )
    monkeypatch.setattr(report, "lineage_report", lambda _ws, _snapshot: report.LineageReport("ws", None, rows))
    out = run("report", "lineage", "--snapshot", "ONE").output
    assert out.splitlines()[0] == "Lineage for ONE"
    assert cells(out, "out")[1:] == ["Step", "digits-svc at 2020-01-14", "data (Hash:635b7182), code"]
    assert cells(out, "data")[-1] == "None"


def test_results_with_the_course_of_metrics(run: Run, full: MemoryWorkspace, results: Path) -> None:
    write_results(results, 0.9, 1.0)
    history = {"metrics": {"loss": [4, 3, 2, 1], "gone": [None], "a\x1b[31m": [1, 1]}}
    (results / "metrics_history.json").write_text(json.dumps(history))
    out = run("report", "results").stdout
    assert "Metrics of 4 epochs" in out
    assert [cell.strip() for row in out.splitlines() if "loss" in row for cell in row.split("|")[1:-1]] == [
        "loss", "█▆▃▁", "4", "1", "1", "4",
    ]  # fmt: skip
    assert "gone" not in out
    assert "\x1b" not in out


def test_results(run: Run, full: MemoryWorkspace) -> None:
    out = run("report", "results", "--snapshot", "ONE").output
    assert out.startswith("Results file at out:/snapshots/here-ONE/results.json\n")
    titles = [line for line in out.splitlines() if line and not line.startswith("|")][1:]
    assert titles == ["General Properties", "Parameters", "Metrics", "Metrics: report"]
    assert cells(out, "execution_time_seconds")[1] == "0.13"
    assert cells(out, "run_description")[1] == "None"
    assert cells(out, "tol")[1] == "0.0001"
    assert cells(out, "accuracy")[1] == "0.969"
    assert cells(out, "0.0")[1:] == ["0.989", "88"]


def test_no_results(run: Run, current_workspace: MemoryWorkspace) -> None:
    assert run("report", "results").output == "No results were found\n"


def test_status_with_history(run: Run, full: MemoryWorkspace) -> None:
    result = run("status", "--history", "--limit", "1")
    assert result.stderr == ""
    assert result.stdout.startswith("Status for workspace: memory\nThe present state is snapshot TWO (")
    assert result.stdout.endswith("Showing first 1 snapshot\n")
    assert run("status").stdout == run("report", "status").stdout


def test_a_report_puts_in_order_what_was_interrupted(run: Run, full: MemoryWorkspace) -> None:
    from dataworkspaces.workspace import Journal

    Journal(full.get_machine_directory(), "snapshot").record("snapshot", destination="snapshots/x", moved={})
    result = run("report", "status")
    assert "was interrupted" in result.stderr
    assert Journal.pending(full.get_machine_directory()) is None


# -- diff ------------------------------------------------------------------------------------------------------------


def test_diff(run: Run, full: MemoryWorkspace) -> None:
    out = run("diff", "ONE", "TWO").output
    assert out.startswith("From ONE (")
    assert cells(out, "data")[1].startswith("different")
    assert "  added     b.csv" in out
    assert "  modified  a.csv" in out
    assert cells(out, "C")[1:] == ["1.0", "2.0", "+1"]
    assert cells(out, "accuracy")[1:] == ["0.969", "0.940", "-0.029 worse"]


@pytest.mark.parametrize(
    ("second", "shown"), [(0.94001, ["0.969", "0.940", "-0.029"]), (0.96887, ["0.96885", "0.96887", "+0.00002"])]
)
def test_a_diff_is_short_but_tells_values_apart(second: float, shown: list[str]) -> None:
    row = value_row(ValueDiff("n", "changed", 0.9688542825361512, second), are_metrics=True)
    assert list(map(str, row)) == ["n", *shown]


# -- config ----------------------------------------------------------------------------------------------------------


def test_config_lists_parameters(run: Run, current_workspace: MemoryWorkspace) -> None:
    out = run("config").output
    row = cells(out, "results.dir_template")
    assert row[1:4] == ["global", "snapshots/{HOSTNAME}-{TAG}", "yes"]


def test_config_shows_one(run: Run, current_workspace: MemoryWorkspace) -> None:
    out = run("config", "results.move_exclude_files").output
    assert cells(out, "results.move_exclude_files")[2] == '["README.txt", "README.rst", "README.md"]'


def test_config_sets_one(run: Run, current_workspace: MemoryWorkspace) -> None:
    assert run("config", "hostname", "lab7").output == "Set local parameter hostname to lab7\n"
    assert cells(run("config", "hostname").output, "hostname")[2:4] == ["lab7", "no"]


def test_config_of_a_resource(run: Run, full: MemoryWorkspace) -> None:
    assert cells(run("config", "--resource", "data").output, "compute_hash")[2] == "false"


# -- --json ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "command",
    [
        ["report", "status"], ["report", "history"], ["report", "lineage"], ["report", "results"],
        ["diff", "ONE", "TWO"], ["config"], ["config", "hostname"], ["config", "hostname", "lab7"],
    ],
    ids=" ".join,
)  # fmt: skip
def test_json_is_one_document(run: Run, full: MemoryWorkspace, command: list[str]) -> None:
    result = run(*command, "--json")
    assert result.exit_code == 0
    json.loads(result.stdout)


def test_json_of_no_results(run: Run, current_workspace: MemoryWorkspace) -> None:
    assert json.loads(run("report", "results", "--json").stdout) is None


def test_json_is_not_disturbed_by_what_is_told(
    run: Run, full: MemoryWorkspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dataworkspaces.commands import report

    original = report.status_report

    def telling(workspace: Workspace) -> report.StatusReport:
        workspace.interaction.tell("by the way")
        return original(workspace)

    monkeypatch.setattr(report, "status_report", telling)
    result = run("report", "status", "--json")
    assert json.loads(result.stdout)["workspace"] == "memory"
    assert result.stderr == "by the way\n"
