"""`dws steps`, forgetting one, and `dws rerun` with other parameters and after a failure."""

from __future__ import annotations

import json

import pytest
from endtoend import User, write_files
from forked import Forked

TRAIN = """\
import json, sys
C = float(sys.argv[sys.argv.index("--C") + 1])
json.dump({"C": C}, open("results/metrics.json", "w"))
"""


@pytest.fixture
def here(workspace: User) -> Forked:
    here = Forked(workspace.cwd, workspace.env)
    write_files(here.cwd, {"data/a": "1", "mid/.keep": "", "code/train.py": TRAIN})
    here.batch("add", "local-files", "--role", "source-data", "--name", "raw", "data")
    here.batch("add", "local-files", "--role", "intermediate-data", "--name", "mid", "mid")
    here.dws("run", "--name", "prepare", "--input", "data", "--output", "mid/x", "--", "cp", "data/a", "mid/x")
    train(here, 1)
    return here


def train(here: Forked, c: int) -> str:
    options = ["--name", "train", "--input", "mid/x", "--results", "results", "--param", f"C={c}"]
    return here.dws("run", *options, "--", "python", "code/train.py", "--C", str(c)).stderr


def test_one_that_failed_stops_nothing_and_can_be_forgotten(here: Forked) -> None:
    run = ["run", "--name", "bad", "--input", "mid/x", "--output", "mid/y", "--", "false"]
    assert here.dws(*run, check=False).returncode == 1
    write_files(here.cwd, {"data/a": "2"})
    listed = {step["step"]: step for step in here.json("steps")}
    assert [listed[name]["runs"] for name in ("prepare", "train", "bad")] == [True, True, True]
    assert listed["train"]["parameters"] == {"C": 1}
    done = here.batch("rerun", check=False)
    assert done.returncode == 1
    assert "Ran prepare, train" in done.stderr
    assert "dws steps forget bad" in done.stderr
    assert "bad: failed" in here.dws("steps").stdout
    assert here.json("steps", "forget", "bad") == {"step": "bad", "outputs": ["mid:y"]}
    assert "All is up to date" in here.batch("rerun").stdout
    unknown = here.batch("steps", "forget", "bad", check=False)
    assert unknown.returncode == 4
    assert "prepare, train" in unknown.stderr


def test_rerun_with_another_parameter(here: Forked) -> None:
    assert "Ran train" in here.batch("rerun", "train", "--param", "C=10").stderr
    results = json.loads((here.cwd / "results/results.json").read_text())
    assert (results["parameters"], results["metrics"]) == ({"C": 10}, {"C": 10.0})
    assert "All is up to date" in here.batch("rerun").stdout
    assert "Ran train" in here.batch("rerun", "--force", "train").stderr
    unknown = here.batch("rerun", "train", "--param", "D=10", check=False)
    assert "no parameter 'D'" in unknown.stderr
    assert here.batch("rerun", "--param", "C=1", check=False).returncode == 1


def test_a_run_says_why_it_repeats(here: Forked) -> None:
    assert "Step train runs again: parameter C is 2, was 1" in train(here, 2)
    assert "up to date" in train(here, 2)
    write_files(here.cwd, {"mid/x": "other"})
    assert "mid:x" in train(here, 2).partition("runs again: ")[2]


def test_parameters_from_a_file(here: Forked) -> None:
    """Only those that the step names make it out of date."""
    params = "train: {{C: {}}}\nother: {}\n"
    script = "import yaml, json; json.dump(yaml.safe_load(open('conf/params.yaml'))['train'], open('results/metrics.json', 'w'))"
    write_files(here.cwd, {"conf/params.yaml": params.format(1, 1), "fit.py": script, "code/conf.json": '{"rate": 1}'})
    options = ["--input", "mid/x", "--results", "results", "--params-file", "conf/params.yaml:train"]
    run = ["run", *options, "--params-file", "code/conf.json", "--", "python", "fit.py"]
    here.batch("rerun")  # of code that is new, somebody might have read something
    here.dws(*run)
    results = json.loads((here.cwd / "results/results.json").read_text())
    assert results["parameters"] == {"C": 1, "rate": 1}
    write_files(here.cwd, {"conf/params.yaml": params.format(1, 2)})
    assert "up to date" in here.dws(*run).stderr
    assert here.json("steps")[-1]["reasons"] == []
    write_files(here.cwd, {"conf/params.yaml": params.format(3, 2)})
    assert here.json("steps")[-1]["reasons"] == ["parameter C is 3, was 1"]
    assert "Ran fit" in here.batch("rerun", "fit").stderr
    results = json.loads((here.cwd / "results/results.json").read_text())
    assert (results["parameters"]["C"], results["metrics"]) == (3, {"C": 3})
    assert "up to date" in here.dws(*run).stderr
    write_files(here.cwd, {"code/conf.json": '{"rate": 2}'})
    assert "parameter rate is 2, was 1" in here.dws(*run).stderr
    write_files(here.cwd.parent, {"secret.json": "{}"})
    refused = here.batch("run", "--params-file", "../secret.json", "--", "true", check=False)
    assert "outside of the workspace" in refused.stderr
