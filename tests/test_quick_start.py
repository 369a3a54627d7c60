"""The manual's Quick Start, and the further experiments of its Tutorial, on the digits, word for word."""

from __future__ import annotations

import json
import re
import stat
from pathlib import Path

import pytest
from endtoend import User, isolated_environment, read_tree

pytestmark = [pytest.mark.slow, pytest.mark.real_starts]

DATASET = "sklearn-digits-dataset"

EXAMPLES = Path(__file__).parent.parent / "examples" / "quickstart"


class QuickStart:
    """The workspace after all commands, and what each of them said."""

    def __init__(self, directory: Path, digits: Path) -> None:
        env = {**isolated_environment(directory / "home"), "COLUMNS": "200"}
        start = User(directory, env)
        start.git("clone", "--quiet", "--bare", digits, f"{DATASET}.git")
        (directory / "quickstart").mkdir()
        user = self.user = start.at(directory / "quickstart")
        self.root = user.cwd
        host_prompt_taken_as_it_is = "\n"
        self.init = user.dws("init", "--create-resources", "code,results", input=host_prompt_taken_as_it_is).stdout
        user.git("clone", "--quiet", f"../{DATASET}.git")
        self.add = user.dws("add", "git", "--role=source-data", "--read-only", f"./{DATASET}", input="\n").stdout
        self.status = user.dws("report", "status").stdout
        self.run_svc = self.experiment("digits-svc.py")
        self.files_of_run = sorted(path.name for path in (self.root / "results").iterdir())
        self.results = user.dws("report", "results").stdout
        self.snapshot = user.dws("snapshot", "-m", "first run with SVC", "SVC-1").stdout
        self.files_of_snapshot = read_tree(self.root / "results")
        self.history = user.dws("report", "history").stdout
        self.lineage = user.dws("report", "lineage", "--snapshot", "SVC-1").stdout
        self.code_at_svc = read_tree(self.root / "code")

        self.run_lr = self.experiment("digits-lr.py")
        user.dws("snapshot", "-m", "Logistic Regression experiment", "LR-1")
        self.history_of_two = user.dws("report", "history").stdout
        self.results_of_two = read_tree(self.root / "results")
        self.restore = user.dws("restore", "SVC-1", input="y\n")
        self.history_after_restore = user.dws("report", "history").stdout

    def experiment(self, name: str) -> str:
        script = self.root / "code" / name
        script.write_text((EXAMPLES / name).read_text())
        # Some values of C do not converge, of which scikit-learn warns at length.
        return self.user.at(script.parent).python("-W", "ignore", script.name).stdout

    @property
    def hostname(self) -> str:
        return str(json.loads((self.root / ".dataworkspace" / "local_params.json").read_text())["hostname"])


@pytest.fixture(scope="module")
def quick_start(tmp_path_factory: pytest.TempPathFactory, digits_source: Path) -> QuickStart:
    return QuickStart(tmp_path_factory.mktemp("quick-start"), digits_source)


def row(text: str, first: str) -> list[str]:
    """The cells of the row of a table that begins with a word."""
    for line in text.splitlines():
        cells = [cell.strip() for cell in re.split(r"[|│┃]", line)]
        cells = cells[1:-1] if cells and not cells[0] else cells
        if cells and cells[0] == first:
            return cells
    raise AssertionError(f"no row {first!r} in\n{text}")


def test_status_shows_resources_with_role_and_type(quick_start: QuickStart) -> None:
    assert row(quick_start.status, DATASET)[1:3] == ["source-data", "git"]
    assert row(quick_start.status, "code")[1:3] == ["code", "git-subdirectory"]
    assert row(quick_start.status, "results")[1:3] == ["results", "git-subdirectory"]


def test_status_shows_parameters(quick_start: QuickStart) -> None:
    assert "read_only=True" in quick_start.status
    assert "relative_path=code" in quick_start.status


def test_status_names_the_roles_without_resource(quick_start: QuickStart) -> None:
    assert "No resources for the following roles: intermediate-data." in quick_start.status


def test_experiment_says_where_results_are_and_prints_the_score(quick_start: QuickStart) -> None:
    assert quick_start.run_svc.splitlines() == ["Wrote results to results:results.json", "0.9688542825361512"]


def test_experiment_writes_results_and_model(quick_start: QuickStart) -> None:
    assert quick_start.files_of_run == [
        "README.txt",
        "digits.joblib",
        "digits.joblib.json",
        "results.json",
        "run.jsonl",
    ]


def test_results_show_step_parameters_and_metrics(quick_start: QuickStart) -> None:
    assert "results:/results.json" in quick_start.results
    assert row(quick_start.results, "step")[1] == "digits-svc"
    assert row(quick_start.results, "gamma")[1] == "0.001"
    assert row(quick_start.results, "kernel")[1] == "rbf"
    assert row(quick_start.results, "accuracy")[1] == "0.969"
    assert row(quick_start.results, "0.0")[1] == "1.0"  # the precision of the first class


def test_snapshot_moves_results_to_a_directory_of_its_own(quick_start: QuickStart) -> None:
    kept = f"snapshots/{quick_start.hostname}-SVC-1"
    assert sorted(quick_start.files_of_snapshot) == [
        "README.txt", f"{kept}/digits.joblib", f"{kept}/digits.joblib.json", f"{kept}/lineage.json",
        f"{kept}/results.json", f"{kept}/run.jsonl",
    ]  # fmt: skip


def test_moved_results_are_read_only(quick_start: QuickStart) -> None:
    moved = quick_start.root / "results" / "snapshots" / f"{quick_start.hostname}-SVC-1"
    for name in ("digits.joblib", "results.json"):
        assert not (moved / name).stat().st_mode & (stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH), name


def test_lineage_file_leads_to_the_version_of_the_data(quick_start: QuickStart) -> None:
    path = quick_start.root / "results" / "snapshots" / f"{quick_start.hostname}-SVC-1" / "lineage.json"
    data = quick_start.user.at(quick_start.root / DATASET).git("rev-parse", "HEAD").strip()
    graph = json.loads(path.read_text())
    assert graph["resource_name"] == "results"
    assert graph["complete"] is True
    assert data in path.read_text()


def test_history_shows_tag_metric_and_message(quick_start: QuickStart) -> None:
    cells = next(line for line in quick_start.history.splitlines() if "SVC-1" in line)
    assert re.search(r"\b[0-9a-f]{7}\b", cells)
    assert "0.969" in cells
    assert "first run with SVC" in cells
    assert "1 snapshot total" in quick_start.history


def test_lineage_shows_step_and_its_input(quick_start: QuickStart) -> None:
    data = quick_start.user.at(quick_start.root / DATASET).git("rev-parse", "HEAD").strip()
    results = row(quick_start.lineage, "results")
    assert results[1] == "Step"
    assert results[2].startswith("digits-svc at ")
    assert f"{DATASET} (Hash:{data[:8]})" in results[3]
    assert row(quick_start.lineage, DATASET)[1:3] == ["Source Data", f"Hash:{data[:8]}"]


def test_logistic_regression_scores_less(quick_start: QuickStart) -> None:
    first, score = quick_start.run_lr.splitlines()
    assert first == "Wrote results to results:results.json"
    assert 0.92 < float(score) < 0.96


def test_history_shows_both_newest_first(quick_start: QuickStart) -> None:
    tags = re.findall(r"LR-1(?= +\|)|SVC-1(?= +\|)", quick_start.history_of_two)
    assert tags == ["LR-1", "SVC-1"]
    assert "2 snapshots total" in quick_start.history_of_two


def test_restore_tells_what_it_restores_and_leaves(quick_start: QuickStart) -> None:
    said = quick_start.restore.stdout + quick_start.restore.stderr
    assert re.search(r"code", said)
    assert re.search(r"results", said)


def test_restore_brings_back_the_code(quick_start: QuickStart) -> None:
    assert read_tree(quick_start.root / "code") == quick_start.code_at_svc


def test_restore_leaves_the_results_of_both(quick_start: QuickStart) -> None:
    assert read_tree(quick_start.root / "results") == quick_start.results_of_two


def test_restore_leaves_the_history(quick_start: QuickStart) -> None:
    rows = [line for line in quick_start.history_of_two.splitlines() if line.startswith("|")]
    assert [line for line in quick_start.history_after_restore.splitlines() if line.startswith("|")] == rows
    assert "The present state is SVC-1 (" in quick_start.history_after_restore


def test_all_is_committed_in_the_end(quick_start: QuickStart) -> None:
    assert quick_start.user.git("status", "--porcelain") == ""


def test_both_experiments_are_reproduced(quick_start: QuickStart) -> None:
    for snapshot in ("SVC-1", "LR-1"):
        found = quick_start.user.json("reproduce", snapshot, "--yes", "--no-attest")
        assert found["reproduced"], found["outputs"]
        assert "results:results.json" in {output["output"] for output in found["outputs"]}
