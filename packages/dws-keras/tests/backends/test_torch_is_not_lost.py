"""A record that cannot be kept costs no training loop of PyTorch, and its parameters are what happened."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import pytest
from training_troubles import fail, no_end_and_no_abort, no_results_directory, no_workspace

from dataworkspaces.errors import LockedError, NotAWorkspaceError
from dataworkspaces.kits.torch import training_lineage
from dataworkspaces.lineage.runs import run as run_module
from dataworkspaces.lineage.runs.log import parse_log

torch = pytest.importorskip("torch")


def no_torch(workspace: Any, patch: pytest.MonkeyPatch) -> None:
    patch.setattr(torch, "save", fail)


def no_beginning(workspace: Any, patch: pytest.MonkeyPatch) -> None:
    patch.setattr("dataworkspaces.kit_support.training.begin_step", fail)


def loop(make_trouble: Callable[[], None], **kwargs: Any) -> list[Any]:
    """What it returns is what the record returned."""
    with training_lineage(torch.nn.Linear(2, 1), **kwargs) as lineage:
        for epoch in range(3):
            if epoch == 1:
                make_trouble()
            lineage.end_epoch(loss=torch.tensor(0.5), strange=object())
        return [lineage.save_model({}, "m.pt"), lineage.write_results({"accuracy": 1})]


@pytest.mark.parametrize("trouble", [no_end_and_no_abort, no_results_directory, no_workspace])
def test_trouble_meanwhile(workspace: Any, monkeypatch: pytest.MonkeyPatch, trouble: Callable[..., None]) -> None:
    with pytest.warns(UserWarning, match="is not recorded"):
        model, results = loop(lambda: trouble(workspace, monkeypatch))
    assert results is None
    assert (model is None) == (trouble is not no_end_and_no_abort)  # where its file is there, and no lineage


@pytest.mark.parametrize("name", ["m.pt", "../m.pt"])
def test_a_model_that_cannot_be_saved(workspace: Any, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    if name == "m.pt":
        no_torch(workspace, monkeypatch)
    with training_lineage() as lineage:
        with pytest.warns(UserWarning, match="is not stored"):
            assert lineage.save_model({}, name) is None
        assert lineage.write_results({"accuracy": 1}) is not None
    assert workspace.read_results()["parameters"]["not_stored: " + name]


def test_trouble_before(workspace: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        no_beginning(workspace, patch)
        with pytest.warns(UserWarning, match="This training is not recorded"):
            assert loop(lambda: None) == [None, None]

    def locked(*args: Any, **kwargs: Any) -> Any:
        raise LockedError("another script writes there")

    with monkeypatch.context() as patch:
        patch.setattr("dataworkspaces.kit_support.training.begin_step", locked)
        with pytest.raises(LockedError):
            loop(lambda: None)
    monkeypatch.chdir(workspace.root.parent)
    with pytest.raises(NotAWorkspaceError):
        loop(lambda: None)


class Combined(torch.nn.Module):  # type: ignore[misc]
    def __init__(self) -> None:
        super().__init__()
        self.share = 0.25
        self.first = torch.nn.CrossEntropyLoss(weight=torch.tensor([1.0, 3.0]))


@pytest.mark.filterwarnings("error")
def test_settings(workspace: Any) -> None:
    model = torch.nn.LazyLinear(2)  # nobody knows how many parameters it will have
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.5)
    optimizer.param_groups[0]["lr"] = 0.125
    with training_lineage(model, optimizer, Combined(), initial_epoch=10) as lineage:
        lineage.end_epoch(loss=1.0)
        lineage.end_epoch(loss=0.5)
        lineage.write_results({})
    parameters = workspace.read_results()["parameters"]
    assert parameters["optimizer_settings"]["lr"] == 0.125
    assert parameters["loss_settings"]["share"] == 0.25
    assert parameters["loss_settings"]["first"]["weight"] == [1.0, 3.0]
    assert (parameters["epochs"], parameters["initial_epoch"], parameters["model_parameters"]) == (2, 10, None)
    log = parse_log((workspace.root / "results" / "run.jsonl").read_bytes())
    assert log is not None
    assert [number for number, _ in log.epochs] == [11, 12]
    loss = functools.partial(torch.nn.functional.cross_entropy, label_smoothing=0.5)
    with training_lineage(loss=loss) as lineage:
        lineage.write_results({})
    parameters = workspace.read_results()["parameters"]
    assert (parameters["loss_function"], parameters["loss_settings"]) == ("cross_entropy", {"label_smoothing": 0.5})


def test_a_loop_that_dies_says_where_the_earlier_results_are(
    workspace: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(run_module, "_own_session", "")
    loop(lambda: None)
    monkeypatch.setattr(run_module, "_own_session", "")

    def die() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        loop(die)
    log = parse_log((workspace.root / "results" / "run.jsonl").read_bytes())
    assert log is not None
    assert (log.status, log.error, len(log.epochs)) == ("failed", "ZeroDivisionError", 1)
    assert "failed" in caplog.text
