"""What the kit for PyTorch says of an optimizer, which it asks for no more than PyTorch documents."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from dataworkspaces.kits.torch import training_lineage


def optimizer(*rates: float) -> Any:
    groups = [{"params": [object()], "lr": rate, "betas": (0.9, 0.99)} for rate in rates]
    return SimpleNamespace(defaults={"lr": 0.1}, param_groups=groups)


def recorded(workspace: Any, used: Any, last: float | None = None) -> dict[str, Any]:
    with training_lineage(optimizer=used) as lineage:
        if last is not None:
            used.param_groups[0]["lr"] = last
        lineage.write_results({"loss": 1.0})
    parameters: dict[str, Any] = workspace.read_results()["parameters"]
    return parameters


def test_the_groups_and_not_the_defaults(workspace: Any) -> None:
    assert recorded(workspace, optimizer(0.005))["optimizer_settings"] == {"lr": 0.005, "betas": [0.9, 0.99]}
    found = recorded(workspace, optimizer(0.005, 0.1))
    assert [group["lr"] for group in found["optimizer_settings"]] == [0.005, 0.1]
    assert "optimizer_settings_at_end" not in found


def test_a_rate_that_was_scheduled(workspace: Any) -> None:
    found = recorded(workspace, optimizer(0.1), last=0.001)
    assert (found["optimizer_settings"]["lr"], found["optimizer_settings_at_end"]["lr"]) == (0.1, 0.001)
