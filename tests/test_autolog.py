"""``dws run --autolog``: a script that knows nothing of Data Workspaces, as a user runs it."""

from __future__ import annotations

import json
import os
import signal
import sys
from typing import Any

import pytest
from endtoend import User, write_files

pytestmark = pytest.mark.slow

TRAIN = """\
import os
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import SGDClassifier
from sklearn.metrics import f1_score
from sklearn.model_selection import GridSearchCV, train_test_split

X, y = load_breast_cancer(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
search = GridSearchCV(SGDClassifier(random_state=0), {"alpha": [0.01, 1.0]}, cv=3, n_jobs=int(os.environ.get("JOBS", 2)))
search.fit(X_train, y_train)
print(f1_score(y_test, search.predict(X_test)))
"""
SHORT = """\
from sklearn.linear_model import SGDClassifier
SGDClassifier().fit([[0], [1]], [0, 1])
"""
KILLED = """\
import os, signal
import numpy as np
from sklearn.linear_model import SGDClassifier
model = SGDClassifier()
for epoch in range(5):
    model.partial_fit(np.eye(4), [0, 1, 0, 1], classes=[0, 1])
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def ws(workspace: User) -> User:
    write_files(
        workspace.cwd, {"code/train.py": TRAIN, "code/short.py": SHORT, "code/killed.py": KILLED, "data/a": "1"}
    )
    workspace.batch("add", "local-files", "--role", "source-data", "--name", "data", "data")
    return workspace


def results(user: User) -> Any:
    return json.loads((user.cwd / "results" / "results.json").read_text())


def test_a_script_is_recorded_as_it_is(ws: User) -> None:
    said = ws.dws("run", "--autolog", "--input", "data", "--", sys.executable, "code/train.py")
    found = results(ws)
    assert (found["step"], found["parameters"]["estimator_name"]) == ("train", "GridSearchCV")
    assert found["metrics"]["f1_score_X_test"] == float(said.stdout)
    assert "best_cv_score" in found["metrics"]
    assert {"model.joblib", "autolog.json", "cv_results.csv"} <= set(found["files"])
    (run,) = ws.json("runs")["runs"]  # of the search, and no other: not of its candidates, in whichever process
    assert (run["status"], run["run_id"]) == ("completed", found["run_id"])
    steps = ws.json("steps")
    assert [step["step"] for step in steps] == ["train"]

    again = ws.dws("run", "--autolog", "--input", "data", "--", sys.executable, "code/train.py")
    assert "is up to date" in again.stderr
    ws = ws.at(ws.cwd, JOBS="1")  # further processes would do what they have done already
    without = ws.dws("run", "--input", "data", "--", sys.executable, "code/train.py")
    assert "another use of --autolog" in without.stderr
    ws.dws("run", "--autolog", "--force", "--input", "data", "--", sys.executable, "code/train.py")
    ws.dws("snapshot", "AUTO")
    (snapshot,) = ws.json("history")["snapshots"]
    assert snapshot["values"]["f1_score_X_test"] == found["metrics"]["f1_score_X_test"]


def test_a_killed_training_keeps_its_epochs_and_blocks_nothing(ws: User) -> None:
    done = ws.dws("run", "--autolog", "--", sys.executable, "code/killed.py", check=False)
    assert done.returncode == 128 + signal.SIGKILL
    (run,) = ws.json("runs")["runs"]
    assert (run["status"], len(run["epochs"])) == ("killed", 5)
    assert ws.json("report", "results")["parameters"]["estimator_name"] == "SGDClassifier"
    ws.dws("run", "--autolog", "--", sys.executable, "code/short.py")
    assert [run["status"] for run in ws.json("runs")["runs"]] == ["completed", "killed"]


def test_a_python_without_data_workspaces_runs_as_ever(ws: User) -> None:
    write_files(ws.cwd, {"code/plain.py": "import sys\nsys.path[:] = sys.path[:0]\ntry:\n    import sklearn\nexcept ImportError:\n    print('none')\n"})  # fmt: skip
    said = ws.dws("run", "--autolog", "--", sys.executable, "code/plain.py")
    assert said.stdout == "none\n"
    assert "records nothing of this Python" in said.stderr
    assert os.environ.get("DWS_AUTOLOG") is None
