"""What autolog costs, and what it records beside ``mlflow.autolog()`` of the same five scripts.

`python -m benchmarks.autolog --mlflow PYTHON` prints the table of docs/howto/autolog.md. PYTHON is that of an
environment with MLflow and the frameworks. `python -m benchmarks autolog` measures the cost.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .harness import Row, Sample
from .sandbox import Settings

GROUP = "autolog"
SCRIPTS = Path(__file__).parent.parent / "examples" / "autolog"

COST = """
import json, sys, time
import numpy as np
from dataworkspaces.kits import autolog
from sklearn.linear_model import LogisticRegression, SGDClassifier

x = np.random.default_rng(0).normal(size=(20_000, 50))
y = (x.sum(axis=1) > 0).astype(int)

def epochs():
    model = SGDClassifier(random_state=0)
    model.partial_fit(x, y, classes=[0, 1])
    begun = time.perf_counter(), time.process_time()
    for _ in range(50):
        model.partial_fit(x, y)
    return [(b - a) / 50 for a, b in zip(begun, (time.perf_counter(), time.process_time()))]

def fit():
    model, begun = LogisticRegression(max_iter=500, tol=1e-8), (time.perf_counter(), time.process_time())
    model.fit(x, y)
    return [b - a for a, b in zip(begun, (time.perf_counter(), time.process_time()))]

times = {name: {"epochs": [], "fit": []} for name in ("plain", "autolog")}
for number in range(int(sys.argv[1]) + 1):
    for name in times:
        autolog(disable=name == "plain", pictures=False)
        for what, measure in (("epochs", epochs), ("fit", fit)):
            found = measure()
            if number:
                times[name][what].append(found)
autolog(disable=True)
print(json.dumps(times))
"""

MLFLOW = """
import json, runpy, sys
import mlflow
mlflow.set_tracking_uri("sqlite:///" + sys.argv[2] + "/mlflow.db")
mlflow.autolog(silent=True)
runpy.run_path(sys.argv[1], run_name="__main__")
from mlflow import MlflowClient
client = MlflowClient()
found = {"parameters": [], "metrics": [], "steps": 0, "files": []}

def walk(run, path=None):
    for item in client.list_artifacts(run, path):
        if item.is_dir:
            walk(run, item.path)
        else:
            found["files"].append(item.path)

runs = client.search_runs([e.experiment_id for e in client.search_experiments()])
found["runs"] = len(runs)
for run in runs:
    if "mlflow.parentRunId" in run.data.tags:
        continue
    found["parameters"] += list(run.data.params)
    found["metrics"] += list(run.data.metrics)
    for metric in run.data.metrics:
        found["steps"] = max(found["steps"], len(client.get_metric_history(run.info.run_id, metric)))
    walk(run.info.run_id)
    found["models"] = len(client.search_logged_models([e.experiment_id for e in client.search_experiments()]))
    found["inputs"] = len(run.inputs.dataset_inputs)
print(json.dumps(found))
"""


def rows(settings: Settings) -> Iterator[Row]:
    shell = settings.ours.shell(settings.work, settings.work / "home")
    shell("dws", "--batch", "init", "--create-resources", "source-data,results", "autolog")
    python = settings.ours.bin / "python"
    times = json.loads(shell(python, "-c", COST, str(settings.rounds)).splitlines()[-1])
    for what, operation in (("epochs", "an epoch of 20,000 by 50"), ("fit", "a fit of 20,000 by 50")):
        ours, plain = (
            Sample(name, tuple(t[0] for t in times[name][what]), tuple(t[1] for t in times[name][what]))
            for name in ("autolog", "plain")
        )
        yield Row(GROUP, operation, ours, plain)


# -- beside MLflow ---------------------------------------------------------------------------------------------------


def of_ours(script: Path) -> dict[str, Any]:
    """What `dws run --autolog` leaves of a script."""
    with tempfile.TemporaryDirectory() as directory:
        root = Path(directory)
        _run(root, "dws", "--batch", "init", "--create-resources", "code,results,source-data")
        (root / "code" / script.name).write_text(script.read_text(encoding="utf-8"), encoding="utf-8")
        _run(root, "dws", "run", "--autolog", "--", sys.executable, f"code/{script.name}")
        results = root / "results"
        found: dict[str, Any] = json.loads((results / "results.json").read_text(encoding="utf-8"))
        history = results / "metrics_history.json"
        steps = len(json.loads(history.read_text(encoding="utf-8"))["epochs"]) if history.exists() else 0
        return {
            "parameters": list(found["parameters"]),
            "metrics": list(found["metrics"]),
            "steps": steps,
            "files": list(found["files"]),
            "details": json.loads((results / "autolog.json").read_text(encoding="utf-8")),
        }


def of_mlflow(script: Path, python: Path) -> dict[str, Any]:
    """What `mlflow.autolog()` leaves of it."""
    with tempfile.TemporaryDirectory() as directory:
        lines = _run(Path(directory), str(python), "-c", MLFLOW, str(script), directory).splitlines()
        return dict(json.loads(lines[-1]))


def _run(directory: Path, *command: str) -> str:
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    env = {**os.environ, "PATH": path, "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"}
    done = subprocess.run(command, cwd=directory, env=env, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{' '.join(command[:3])}: {done.stderr[-2000:]}")
    return done.stdout


def table(python: Path) -> str:
    """In Markdown: by script, what each of the two records."""
    lines = [
        "| script | | parameters | metrics | epochs | of functions you call | files |",
        "|---|---|---|---|---|---|---|",
    ]
    for script in sorted(SCRIPTS.glob("*.py")):
        for name, found in (("ours", of_ours(script)), ("MLflow", of_mlflow(script, python))):
            called = [m for m in found["metrics"] if "score_" in m and ("_X_test" in m or "_y_test" in m)]
            files = ", ".join(f"`{file}`" for file in sorted(found["files"])) or "none"
            if found.get("models"):
                files += ", and the model"
            cells = [
                len(found["parameters"]),
                len(found["metrics"]),
                found["steps"],
                ", ".join(called) or "none",
                files,
            ]
            lines.append(f"| `{script.stem}` | {name} | {' | '.join(map(str, cells))} |")
    return "\n".join(lines)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mlflow", metavar="PYTHON", type=Path, required=True)
    print(table(parser.parse_args().mlflow))
