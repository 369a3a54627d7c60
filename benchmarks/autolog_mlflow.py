"""What autolog records beside ``mlflow.autolog()`` of the same five scripts.

`python -m benchmarks.autolog_mlflow --mlflow PYTHON` prints the table of docs/howto/autolog.md, and what MLflow records
and autolog does not. PYTHON is that of an environment with MLflow and the frameworks. The status is 1 if there is such.
"""

from __future__ import annotations

import argparse
import ast
import json
import math
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SCRIPTS = Path(__file__).parent.parent / "examples" / "autolog"
KINDS = ("parameters", "metrics", "epochs", "data sets", "files", "candidates")

MLFLOW = """
import json, os, runpy, sys
import mlflow
from mlflow import MlflowClient
directory = sys.argv[2]
mlflow.set_tracking_uri("sqlite:///" + directory + "/mlflow.db")
experiment = mlflow.create_experiment("beside", artifact_location=directory + "/artifacts")
mlflow.set_experiment("beside")
mlflow.autolog(silent=True)
runpy.run_path(sys.argv[1], run_name="__main__")
mlflow.flush_async_logging()
client = MlflowClient()
found = {"parameters": {}, "metrics": {}, "epochs": {}, "data sets": [], "files": [], "candidates": []}
for run in client.search_runs([experiment]):
    if "mlflow.parentRunId" in run.data.tags:
        found["candidates"].append({"parameters": run.data.params, "metrics": run.data.metrics})
        continue
    found["parameters"].update(run.data.params)
    found["metrics"].update(run.data.metrics)
    for metric in run.data.metrics:
        found["epochs"][metric] = len(client.get_metric_history(run.info.run_id, metric))
    for each in run.inputs.dataset_inputs:
        profile = json.loads(each.dataset.profile or "{}")
        rows = profile.get("num_rows", (profile.get("features_shape") or [None])[0])
        found["data sets"].append({"name": each.dataset.name, "digest": each.dataset.digest, "samples": rows})
    top = os.path.join(directory, "artifacts", run.info.run_id, "artifacts")
    for parent, _, names in os.walk(top):
        found["files"] += [os.path.relpath(os.path.join(parent, name), top) for name in names]
for model in client.search_logged_models([experiment]):
    for _, _, names in os.walk(model.artifact_location):
        found["files"] += ["model/" + name for name in names if "model/" + name not in found["files"]]
print(json.dumps(found))
"""


@dataclass(frozen=True)
class Ours:
    """What ``dws run --autolog`` leaves of a script."""

    results: Mapping[str, Any]
    details: Mapping[str, Any]
    history: Mapping[str, Any]

    @property
    def files(self) -> list[str]:
        return [*self.results["files"], *(["metrics_history.json"] if self.history else [])]

    @property
    def data_sets(self) -> list[Mapping[str, Any]]:
        data = self.details.get("data", {})
        validation = data.get("validation", [])
        several = validation if isinstance(validation, list) else [validation]
        return [data[part] for part in ("fit",) if part in data] + several + list(data.get("evaluated", {}).values())

    @property
    def sizes(self) -> dict[str, int]:
        metrics = self.history.get("metrics", {})
        return {
            "parameters": len(dict(_flat(self.results["parameters"]))),
            "metrics": len(self.results["metrics"]),
            "epochs": len(self.history.get("epochs", ())) if metrics else 0,
            "data sets": len(self.data_sets),
            "files": len(set(self.files)),
            "candidates": len(self.details.get("candidates", ())),
        }


# -- what is the same under another name -----------------------------------------------------------------------------

PARAMETERS = (
    (r"optimizer_name", "optimizer"),
    (r"optimizer_(.*)", r"optimizer_settings.\1"),
    (r"batch_size", "fit_batch_size"),
    (r"(.*)", r"fit_settings.\1"),
    (r"(.*)", r"fit_\1"),
)
METRICS = (
    (r"training_accuracy_score", "training_accuracy"),
    (r"training_(precision|recall)_score", r"training_\1_weighted"),
    (r"training_f1_score", "training_f1_score_weighted"),
    (r"validation_(.*)", r"val_\1"),
)
FILES: tuple[tuple[str, Callable[[Ours], Any]], ...] = (
    (r"metric_info\.json", lambda ours: ours.details.get("metrics")),
    (r"feature_importance_(\w+)\.json", lambda ours: ours.details.get("feature_importances")),
    (r"feature_importance_(\w+)\.png", lambda ours: any("feature_importances_" in name for name in ours.files)),
    (r"model/MLmodel", lambda ours: ours.details.get("signature")),
    (r"model/(requirements\.txt|conda\.yaml|python_env\.yaml)", lambda ours: ours.details.get("packages")),
    (r"model/model\.\w+", lambda ours: any(re.fullmatch(r"model\.\w+", name) for name in ours.files)),
    (r"model/keras_module\.txt", lambda ours: ours.details.get("packages", {}).get("keras")),
    (r"(.*)", lambda ours: ours.files),
)


def lacking(theirs: Mapping[str, Any], ours: Ours) -> dict[str, list[str]]:
    """By kind, what MLflow records of a script and autolog does not."""
    parameters, metrics = dict(_flat(ours.results["parameters"])), ours.results["metrics"]
    curves = ours.history.get("metrics", {})
    return {
        "parameters": [
            f"{name}={value}"
            for name, value in theirs["parameters"].items()
            if not any(_same(value, parameters[key]) for key in _names(name, PARAMETERS) if key in parameters)
        ],
        "metrics": [
            name
            for name in theirs["metrics"]
            if not any(key in metrics or key in parameters for key in _names(name, METRICS))
        ],
        # MLflow adds the values of the best epoch once more at the end.
        "epochs": [
            f"{name}: {count}"
            for name, count in theirs["epochs"].items()
            if count > 1
            and not any(len(curves.get(key, ())) + (f"best_{key}" in metrics) >= count for key in _names(name, METRICS))
        ],
        "data sets": [
            str(each["name"])
            for each in theirs["data sets"]
            if not any(found.get("samples") == each["samples"] and "hash" in found for found in ours.data_sets)
        ],
        "files": [name for name in theirs["files"] if not _has_file(name, ours)],
        "candidates": [
            str(each["parameters"])
            for each in theirs["candidates"]
            if not any(_is_candidate(each, found, parameters) for found in ours.details.get("candidates", ()))
        ],
    }


def _names(name: str, table: Iterable[tuple[str, str]]) -> Iterator[str]:
    yield name
    for pattern, replacement in table:
        if re.fullmatch(pattern, name):
            yield re.sub(f"^{pattern}$", replacement, name)


def _has_file(name: str, ours: Ours) -> bool:
    if name in ours.files:
        return True
    for pattern, find in FILES[:-1]:
        if (match := re.fullmatch(pattern, name)) is not None:
            found = find(ours)
            kind = match.group(1) if match.groups() else None
            return bool(found) and (kind is None or not isinstance(found, dict) or kind in found or "python" in found)
    return False


def _is_candidate(theirs: Mapping[str, Any], ours: Mapping[str, Any], parameters: Mapping[str, Any]) -> bool:
    searched = ours["parameters"]
    same = all(_same(theirs["parameters"].get(key), value) for key, value in searched.items())
    rest = all(f"estimator__{key}" in parameters for key in theirs["parameters"] if key not in searched)
    return same and rest and theirs["metrics"].keys() <= ours.keys()


def _flat(values: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in values.items():
        yield before + name, value
        if isinstance(value, Mapping):
            yield from _flat(value, f"{before}{name}.")


def _same(text: Any, value: Any) -> bool:
    if str(text) == str(value) or str(text).lower() == str(value).lower():
        return True
    try:
        found = ast.literal_eval(str(text))
    except (SyntaxError, ValueError):
        return False
    if isinstance(found, (int, float)) and isinstance(value, (int, float)):
        return math.isclose(found, value, rel_tol=1e-6)
    return bool(found == value)


# -- running both ----------------------------------------------------------------------------------------------------


def of_ours(script: Path) -> Ours:
    with tempfile.TemporaryDirectory() as directory:
        root = Path(directory)
        _run(root, "dws", "--batch", "init", "--create-resources", "code,results,source-data")
        (root / "code" / script.name).write_text(script.read_text(encoding="utf-8"), encoding="utf-8")
        _run(root, "dws", "run", "--autolog", "--", sys.executable, f"code/{script.name}")
        parts = [root / "results" / name for name in ("results.json", "autolog.json", "metrics_history.json")]
        return Ours(*(json.loads(path.read_text(encoding="utf-8")) if path.exists() else {} for path in parts))


def of_mlflow(script: Path, python: Path) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as directory:
        lines = _run(Path(directory), str(python), "-c", MLFLOW, str(script), directory).splitlines()
        return dict(json.loads(lines[-1]))


def _run(directory: Path, *command: str) -> str:
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    env = {**os.environ, "PATH": path, "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1", "MPLBACKEND": "agg"}
    done = subprocess.run(command, cwd=directory, env=env, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{' '.join(command[:3])}: {done.stderr[-2000:]}")
    return done.stdout


def rows(script: str, theirs: Mapping[str, Any], ours: Ours, lacks: Mapping[str, list[str]]) -> Iterator[str]:
    """Three lines of the table."""
    epochs = max((count for count in theirs["epochs"].values() if count > 1), default=0)
    counts = {kind: len(theirs[kind]) for kind in KINDS} | {"epochs": epochs}
    both = {kind: len(theirs[kind]) - len(lacks[kind]) for kind in KINDS}
    told = {kind: f"{both[kind]} of {counts[kind]}" if counts[kind] else "" for kind in KINDS}
    told["epochs"] = "" if not counts["epochs"] else "no" if lacks["epochs"] else "all"
    for name, cells in (("MLflow", counts), ("autolog has of these", told), ("autolog", ours.sizes)):
        yield f"| `{script}` | {name} | {' | '.join(str(cells[kind]) for kind in KINDS)} |"


def main(python: Path, only: list[str]) -> int:
    table = [f"| script | | {' | '.join(KINDS)} |", "|---|---|" + "---|" * len(KINDS)]
    status = 0
    for script in sorted(SCRIPTS.glob("*.py")):
        if only and script.stem not in only:
            continue
        theirs, ours = of_mlflow(script, python), of_ours(script)
        lacks = lacking(theirs, ours)
        table += rows(script.stem, theirs, ours, lacks)
        for kind, names in lacks.items():
            for name in names:
                status = 1
                print(f"{script.stem}: of {kind} autolog lacks {name}")
    print("\n".join(table))
    return status


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mlflow", metavar="PYTHON", type=Path, required=True)
    parser.add_argument("script", nargs="*", help="the names of scripts; if none, all")
    options = parser.parse_args()
    sys.exit(main(options.mlflow, options.script))
