"""What autolog records of a training loop of PyTorch, which says nothing of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from dataworkspaces.kit_support.autolog import Session
from dataworkspaces.kits import autolog
from dataworkspaces.kits.torch import training_lineage
from dataworkspaces.lineage.live import live_runs

torch = pytest.importorskip("torch")

X = torch.arange(40.0).reshape(20, 2) / 40
Y = X.sum(1, keepdim=True)


@pytest.fixture
def session(workspace: Any) -> Iterator[Session]:
    yield autolog(input_resource="data", pictures=False)
    autolog(disable=True)


def train(epochs: int = 3) -> Any:
    loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(X, Y), batch_size=5)
    model = torch.nn.Sequential(torch.nn.Linear(2, 1))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    halving = torch.optim.lr_scheduler.StepLR(optimizer, 1, 0.5)
    losses = []
    for _ in range(epochs):
        total = 0.0
        for x, y in loader:
            optimizer.zero_grad()
            loss = torch.nn.functional.mse_loss(model(x), y)
            loss.backward()
            optimizer.step()
            total += float(loss.detach())
        losses.append(total / 4)
        halving.step()
    return model, losses


def test_a_loop(workspace: Any, session: Session) -> None:
    model, losses = train()
    (live,) = live_runs(workspace)
    assert [epoch.metrics["loss"] for epoch in live.epochs] == pytest.approx(losses)
    assert [epoch.metrics["learning_rate"] for epoch in live.epochs] == [0.1, 0.05, 0.025]
    session.save(at_end=True)
    results = workspace.read_results()
    parameters = results["parameters"]
    assert (parameters["optimizer"], parameters["epochs"], parameters["fit_batch_size"]) == ("SGD", 3, 5)
    assert (parameters["model"], parameters["model_parameters"]) == ("Sequential", 3)
    assert parameters["optimizer_settings"]["lr"] == 0.1
    assert results["metrics"]["loss"] == pytest.approx(losses[-1])
    saved = torch.load(workspace.root / "results" / "model.pt", weights_only=True)
    assert torch.equal(saved["0.weight"], model[0].weight)
    details = json.loads((workspace.root / "results" / "autolog.json").read_text())
    assert details["signature"]["batch"][0] == {"type": "torch.float32", "shape": [None, 2]}
    assert details["data"]["fit"] == {"X": "loader", "samples": 20}


def test_what_the_kit_records_is_recorded_once(workspace: Any, session: Session) -> None:
    with training_lineage(input_resource="data") as lineage:
        train(1)
        lineage.end_epoch(loss=1.0)
    assert len(live_runs(workspace)) == 1


def test_the_loss_of_mixed_precision_is_not_the_scaled_one(workspace: Any, session: Session) -> None:
    model = torch.nn.Linear(2, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.0)
    scaler = torch.amp.GradScaler("cpu", init_scale=1024.0)
    expected = float(torch.nn.functional.mse_loss(model(X), Y))
    for _ in torch.utils.data.DataLoader([1, 2]):
        scaler.scale(torch.nn.functional.mse_loss(model(X), Y)).backward()
        scaler.step(optimizer)
        scaler.update()
    (live,) = live_runs(workspace)
    assert live.epochs[-1].metrics["loss"] == pytest.approx(expected)


def test_losses_of_half_precision_have_a_sum(workspace: Any, session: Session) -> None:
    weight = torch.nn.Parameter(torch.tensor(60000.0, dtype=torch.float16))
    optimizer = torch.optim.SGD([weight], lr=0.0)
    for _ in torch.utils.data.DataLoader([1, 2, 3]):
        (weight * 1).backward()
        optimizer.step()
    (live,) = live_runs(workspace)
    assert live.epochs[-1].metrics["loss"] == pytest.approx(60000, rel=0.01)


def test_what_cannot_be_told_of_a_batch_costs_nothing_else(session: Session) -> None:
    class Batch:
        @property
        def columns(self) -> Any:
            raise RuntimeError("none")

    loader = torch.utils.data.DataLoader([Batch()], collate_fn=lambda items: items[0])
    with pytest.warns(UserWarning, match="is not recorded"):
        assert len(list(loader)) == 1


def test_each_model_has_the_signature_of_its_own_data(workspace: Any, session: Session) -> None:
    train(1)
    model = torch.nn.Linear(3, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for (x,) in torch.utils.data.DataLoader(torch.utils.data.TensorDataset(torch.ones(4, 3)), batch_size=2):
        model(x).sum().backward()
        optimizer.step()
    session.save(at_end=True)
    details = json.loads((workspace.root / "results" / "autolog.json").read_text())
    assert [part["shape"] for part in details["signature"]["batch"]] == [[None, 3]]
