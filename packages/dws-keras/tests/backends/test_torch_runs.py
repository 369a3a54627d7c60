"""A training loop of PyTorch that dies."""

from __future__ import annotations

from typing import Any

import pytest

from dataworkspaces.kits.torch import training_lineage
from dataworkspaces.lineage.runs import run as run_module
from dataworkspaces.lineage.runs.earlier import EarlierRuns
from dataworkspaces.lineage.runs.log import RunLog, parse_log

torch = pytest.importorskip("torch")


def dying() -> None:
    with training_lineage(torch.nn.Linear(2, 1)) as lineage:
        lineage.end_epoch(loss=0.25)
        raise ZeroDivisionError


def log(workspace: Any) -> RunLog:
    found = parse_log((workspace.root / "results" / "run.jsonl").read_bytes())
    assert found is not None
    return found


def test_epochs_and_parameters_are_there_before_the_end(workspace: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_module, "_own_session", "")
    with training_lineage(torch.nn.Linear(2, 1), parameters={"depth": 1}) as lineage:
        assert log(workspace).parameters["depth"] == 1
        lineage.end_epoch(loss=torch.tensor(0.5))
        lineage.save_model({}, "model.pt")
        lineage.write_results({"accuracy": 1})
    assert (log(workspace).status, log(workspace).epochs) == ("completed", ((1, {"loss": 0.5}),))
    monkeypatch.setattr(run_module, "_own_session", "")
    with pytest.raises(ZeroDivisionError):
        dying()
    assert (log(workspace).status, log(workspace).epochs) == ("failed", ((1, {"loss": 0.25}),))
    assert [p.name for p in (workspace.root / "results").iterdir()] == ["run.jsonl"]
    (earlier,) = EarlierRuns(workspace).all()
    assert (earlier.files / "model.pt").is_file()
