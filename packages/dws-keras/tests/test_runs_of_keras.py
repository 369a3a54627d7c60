"""What runs of Keras leave in the results directory: epochs as they end, checkpoints, several evaluations."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

keras = pytest.importorskip("keras")

from dataworkspaces.kits.tensorflow import CheckpointConfig, add_lineage_to_keras_model_class  # noqa: E402
from dataworkspaces.lineage.runs import run as run_module  # noqa: E402
from dataworkspaces.lineage.runs.earlier import EarlierRuns  # noqa: E402
from dataworkspaces.lineage.runs.log import RunLog, parse_log  # noqa: E402

X = np.random.default_rng(0).normal(size=(40, 4)).astype("float32")
Y = (X.sum(axis=1) > 0).astype("int64")
CHECKPOINT = {"digits.keras", "digits.keras.json"}


@pytest.fixture(autouse=True)
def script_begins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_module, "_own_session", "")


def make_model(**kwargs: Any) -> Any:
    cls = add_lineage_to_keras_model_class(keras.Sequential, input_resource="data", **kwargs)
    model = cls([keras.layers.Dense(2, activation="softmax")])
    model.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def names(workspace: Any) -> set[str]:
    root: Path = workspace.root / "results"
    return {p.relative_to(root).as_posix() for p in root.rglob("*") if p.is_file()}


def log(workspace: Any) -> RunLog:
    found = parse_log((workspace.root / "results" / "run.jsonl").read_bytes())
    assert found is not None
    return found


class Interrupt(keras.callbacks.Callback):  # type: ignore[misc]
    def __init__(self, workspace: Any) -> None:
        super().__init__()
        self.workspace = workspace
        self.seen: list[int] = []

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self.seen.append(len(log(self.workspace).epochs))
        if epoch == 2:
            raise KeyboardInterrupt


@pytest.mark.graphs
def test_an_interrupted_training_has_its_epochs_and_no_old_checkpoint(
    workspace: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = make_model(checkpoint_config=CheckpointConfig("digits", monitor="loss"))
    first.fit(X, Y, epochs=1, verbose=0)
    first.evaluate(X, Y, verbose=0)
    assert names(workspace) >= CHECKPOINT
    monkeypatch.setattr(run_module, "_own_session", "")
    second = make_model(checkpoint_config=CheckpointConfig("digits", monitor="loss"))
    interrupt = Interrupt(workspace)
    with pytest.raises(KeyboardInterrupt):
        second.fit(X, Y, epochs=5, verbose=0, callbacks=[interrupt])
    assert interrupt.seen == [0, 1, 2]  # each epoch is in the log as soon as it has ended
    found = log(workspace)
    assert (found.status, len(found.epochs), found.parameters["epochs"]) == ("failed", 2, 5)
    assert names(workspace) == {"run.jsonl"}
    (earlier,) = EarlierRuns(workspace).all()
    assert {p.name for p in earlier.files.iterdir()} >= CHECKPOINT

    second.evaluate(X, Y, verbose=0)  # what is evaluated is what that training made
    assert log(workspace).run_id == found.run_id
    assert (log(workspace).status, len(log(workspace).epochs)) == ("completed", 2)
    assert names(workspace) == {"run.jsonl", "results.json", "metrics_history.json"}


def test_evaluations_of_one_model_are_kept(workspace: Any) -> None:
    model = make_model()
    model.fit(X, Y, epochs=1, verbose=0)
    model.evaluate(X, Y, verbose=0)
    model.evaluate(X[:10], Y[:10], verbose=0)
    both = {"results.json", "metrics_history.json"}
    assert names(workspace) == both | {"run.jsonl"} | {f"runs/Sequential-1/{name}" for name in both}
    model.fit(X, Y, epochs=1, verbose=0)
    model.evaluate(X, Y, verbose=0)
    results = sorted(name for name in names(workspace) if name.endswith("results.json"))
    assert results == [
        "results.json",
        "runs/Sequential-2/results.json",
        "runs/Sequential-2/runs/Sequential-1/results.json",
    ]


def test_the_list_of_files(workspace: Any) -> None:
    model = make_model(checkpoint_config=CheckpointConfig("digits", monitor="loss"))
    model.fit(X, Y, epochs=1, verbose=0)
    model.evaluate(X, Y, verbose=0)
    results = json.loads((workspace.root / "results" / "results.json").read_text())
    assert set(results["files"]) == CHECKPOINT | {"metrics_history.json"}
    assert log(workspace).files.keys() == results["files"].keys()
