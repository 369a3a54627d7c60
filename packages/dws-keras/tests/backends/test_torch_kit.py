"""``dataworkspaces.kits.torch``: a plain training loop as a step."""

from __future__ import annotations

import json
from importlib.metadata import version
from typing import Any

import numpy as np
import pytest

from dataworkspaces.errors import ApiParamError
from dataworkspaces.kit_support.data_hash import hash_of_inputs
from dataworkspaces.kits.torch import training_lineage

torch = pytest.importorskip("torch")
from torch.utils.data import DataLoader, TensorDataset  # noqa: E402

X = np.random.default_rng(0).normal(size=(50, 4)).astype(np.float32)
Y = (X.sum(axis=1) > 0).astype(np.int64)


def loader(n: int = 50, **kwargs: Any) -> Any:
    return DataLoader(TensorDataset(torch.tensor(X[:n]), torch.tensor(Y[:n])), batch_size=8, **kwargs)


def train(epochs: int = 2, **kwargs: Any) -> Any:
    """What the documentation shows."""
    torch.manual_seed(3)
    model = torch.nn.Linear(4, 2)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
    loss_function = torch.nn.CrossEntropyLoss(label_smoothing=0.1)
    with training_lineage(model, optimizer, loss_function) as lineage:
        train, test = lineage.watch(loader(**kwargs)), lineage.watch(loader(20), "score")
        for _ in range(epochs):
            for x, y in train:
                optimizer.zero_grad()
                loss = loss_function(model(x), y)
                loss.backward()
                optimizer.step()
            lineage.end_epoch(loss=loss)
        right = sum(int((model(x).argmax(1) == y).sum()) for x, y in test)
        lineage.save_model(model.state_dict(), "linear.pt")
        lineage.write_results({"accuracy": right / 20, "loss": loss})
    return model


def test_results(workspace: Any, capsys: pytest.CaptureFixture[str]) -> None:
    train()
    assert capsys.readouterr().out == "Wrote results to results:results.json\n"
    results = workspace.read_results()
    assert set(results["metrics"]) == {"accuracy", "loss"}
    parameters = results["parameters"]
    assert list(parameters.items())[:5] == [
        ("optimizer", "SGD"),
        ("loss_function", "CrossEntropyLoss"),
        ("epochs", 2),
        ("fit_batch_size", 8),
        ("evaluate_batch_size", 8),
    ]
    assert parameters["optimizer_settings"]["lr"] == 0.5
    assert parameters["loss_settings"]["label_smoothing"] == 0.1
    assert (parameters["model"], parameters["model_parameters"]) == ("Linear", 10)


def test_history_and_model(workspace: Any) -> None:
    model = train(epochs=3)
    history = json.loads((workspace.root / "results" / "metrics_history.json").read_text())
    assert history["epochs"] == [1, 2, 3]
    assert history["metrics"]["loss"][-1] == workspace.read_results()["metrics"]["loss"]
    saved = torch.load(workspace.root / "results" / "linear.pt", weights_only=True)
    assert torch.equal(saved["weight"], model.weight)
    assert json.loads((workspace.root / "results" / "linear.pt.json").read_text())["torch"] == version("torch")


def test_seeds(workspace: Any) -> None:
    torch.use_deterministic_algorithms(True)
    try:
        train()
    finally:
        torch.use_deterministic_algorithms(False)
    seeds = workspace.read_lineage()["random_seeds"]
    assert (seeds["torch"], seeds["torch.use_deterministic_algorithms"]) == (3, True)


@pytest.mark.parametrize("workers", [0, 2])
def test_the_hash_of_the_data(api_workspace: Any, workers: int) -> None:
    train(num_workers=workers)
    expected = {"fit": hash_of_inputs(X, Y), "score": hash_of_inputs(X[:20], Y[:20])}
    assert api_workspace.get_resource("api").get_input_hash() == hash_of_inputs(expected)
    [cert] = api_workspace.read_lineage()["input_resources"]
    assert cert["certificate"]["content"] == hash_of_inputs(expected)


def test_a_watched_loader_is_a_loader(api_workspace: Any) -> None:
    with training_lineage() as lineage:
        original = loader()
        watched = lineage.watch(original)
        assert isinstance(watched, DataLoader)
        assert len(watched) == len(original)
        for ours, theirs in zip(watched, original, strict=True):
            assert torch.equal(ours[0], theirs[0])


def test_other_things_to_iterate_over(api_workspace: Any) -> None:
    hashes = set()
    for make in (lambda: [(X, Y)], lambda: ((X[i : i + 9], Y[i : i + 9]) for i in range(0, 50, 9)), loader):
        with training_lineage() as lineage:
            for _ in lineage.watch(make()):
                pass
        hashes.add(api_workspace.get_resource("api").get_input_hash())
    assert hashes == {hash_of_inputs({"fit": hash_of_inputs(X, Y)})}


def test_watching_twice(api_workspace: Any) -> None:
    with training_lineage() as lineage:
        lineage.watch(loader())
        with pytest.raises(ApiParamError, match="twice"):
            lineage.watch(loader())


def test_a_loop_that_fails_leaves_the_earlier_results(workspace: Any) -> None:
    train()
    before = workspace.read_results(), workspace.read_lineage()
    with pytest.raises(ZeroDivisionError), training_lineage() as lineage:
        lineage.end_epoch(loss=1 / 0)
    assert (workspace.read_results(), workspace.read_lineage()) == before


def test_a_training_without_results_has_lineage(workspace: Any) -> None:
    with training_lineage(parameters={"depth": 3}) as lineage:
        lineage.end_epoch({"loss": 1.0})
    assert workspace.read_lineage()["parameters"]["depth"] == 3
    assert not (workspace.root / "results" / "results.json").exists()
