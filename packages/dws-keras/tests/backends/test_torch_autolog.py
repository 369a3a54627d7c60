"""What autolog records of a training loop of PyTorch, which says nothing of it."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from dataworkspaces.kit_support.autolog import Session
from dataworkspaces.kit_support.data_hash import hash_of_inputs
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
    assert details["data"]["fit"] == {"X": "loader", "samples": 20, "hash": hash_of_inputs(X, Y)}


def loader_of(*tensors: Any, size: int = 5) -> Any:
    return torch.utils.data.DataLoader(torch.utils.data.TensorDataset(*tensors), batch_size=size)


def test_gradients_that_are_accumulated_have_the_loss_of_their_step(workspace: Any, session: Session) -> None:
    model = torch.nn.Linear(2, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.0)
    expected = float(torch.nn.functional.mse_loss(model(X), Y).detach())
    loader = loader_of(X, Y)
    for number, (x, y) in enumerate(loader):
        (torch.nn.functional.mse_loss(model(x), y) / 2).backward()
        if number % 2:
            optimizer.step()
            optimizer.zero_grad()
    (live,) = live_runs(workspace)
    assert live.epochs[-1].metrics["loss"] == pytest.approx(expected)


def test_a_closure_that_is_called_often_counts_once(workspace: Any, session: Session) -> None:
    model = torch.nn.Linear(2, 1)
    optimizer = torch.optim.LBFGS(model.parameters(), lr=0.0, max_iter=5)
    expected = float(torch.nn.functional.mse_loss(model(X), Y).detach())

    def closure() -> Any:
        optimizer.zero_grad()
        loss = torch.nn.functional.mse_loss(model(X), Y)
        loss.backward()
        return loss

    for _ in torch.utils.data.DataLoader([1, 2]):
        optimizer.step(closure)
    (live,) = live_runs(workspace)
    assert live.epochs[-1].metrics["loss"] == pytest.approx(expected)


def train_two_in_turns() -> tuple[Any, Any]:
    class First(torch.nn.Linear):
        pass

    class Second(torch.nn.Linear):
        pass

    models = First(2, 1), Second(2, 1)
    optimizers = [torch.optim.SGD(model.parameters(), lr=0.1) for model in models]
    loader = loader_of(X, Y)
    for _ in range(2):
        for x, y in loader:
            for model, optimizer in zip(models, optimizers, strict=True):
                optimizer.zero_grad()
                torch.nn.functional.mse_loss(model(x), y).backward()
                optimizer.step()
    return models


def test_two_models_that_are_trained_in_turns(workspace: Any, session: Session) -> None:
    first, second = train_two_in_turns()
    runs = {live.name: live for live in live_runs(workspace)}
    assert {name: len(live.epochs) for name, live in runs.items()} == {"First": 2, "Second": 2}
    session.save(at_end=True)
    results = workspace.root / "results"
    for model, path in ((first, results / "runs" / "First-1"), (second, results)):
        assert torch.equal(torch.load(path / "model.pt", weights_only=True)["weight"], model.weight)


def test_two_threads_train_a_model_each(workspace: Any, session: Session) -> None:
    both = threading.Barrier(2, timeout=60)
    losses: dict[str, list[float]] = {}

    def train_one(kind: Any, rate: float) -> None:
        model = kind(2, 1)
        optimizer = torch.optim.SGD(model.parameters(), lr=rate)
        losses[kind.__name__] = []
        for _ in range(3):
            total = 0.0
            for x, y in loader_of(X, Y):
                optimizer.zero_grad()
                loss = torch.nn.functional.mse_loss(model(x), y)
                loss.backward()
                both.wait()  # both losses are there before one of the steps
                optimizer.step()
                total += float(loss.detach())
            losses[kind.__name__].append(total / 4)

    kinds = [type(name, (torch.nn.Linear,), {}) for name in ("First", "Second")]
    threads = [threading.Thread(target=train_one, args=(kind, 0.1 * i)) for i, kind in enumerate(kinds)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    session.save(at_end=True)
    found = {live.name: [epoch.metrics["loss"] for epoch in live.epochs] for live in live_runs(workspace)}
    assert found == {name: pytest.approx(values) for name, values in losses.items()}


def test_a_model_that_goes_on_after_the_end_is_saved_again(workspace: Any, session: Session) -> None:
    model = torch.nn.Linear(2, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(2):  # as in two cells of a notebook
        for x, y in loader_of(X, Y):
            torch.nn.functional.mse_loss(model(x), y).backward()
            optimizer.step()
        session.save(at_end=True)
    saved = torch.load(workspace.root / "results" / "model.pt", weights_only=True)
    assert torch.equal(saved["weight"], model.weight)
    assert len(live_runs(workspace)[0].epochs) == 2


def test_a_pass_without_a_step_is_an_evaluation(workspace: Any, session: Session) -> None:
    model, _ = train(1)
    X_valid = X[:8]
    valid_loader = loader_of(X_valid, Y[:8])
    with torch.no_grad():
        for x, _ in valid_loader:
            model(x)
    session.save(at_end=True)
    details = json.loads((workspace.root / "results" / "autolog.json").read_text())
    found = details["data"]["evaluated"]["valid_loader"]
    assert found["hash"] == hash_of_inputs(X_valid, Y[:8])


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
