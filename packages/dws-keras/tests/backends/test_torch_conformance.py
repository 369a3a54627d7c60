"""The kit for PyTorch keeps the contract of kits."""

from __future__ import annotations

import numpy as np
import pytest

from dataworkspaces.kits.torch import training_lineage
from dataworkspaces.testing.kits import KitSuite
from dataworkspaces.workspace import Workspace

torch = pytest.importorskip("torch")

X = torch.tensor(np.random.default_rng(0).normal(size=(50, 4)).astype(np.float32))


class TestTorch(KitSuite):
    entry_point = "torch"

    def train(self, workspace: Workspace, value: float) -> None:
        model = torch.nn.Linear(4, 1)
        optimizer = torch.optim.SGD(model.parameters(), lr=value)
        loss_function = torch.nn.MSELoss()
        with training_lineage(model, optimizer, loss_function, input_resource="data") as lineage:
            for x in lineage.watch(X.split(10)):
                optimizer.zero_grad()
                loss = loss_function(model(x), x.sum(1, keepdim=True))
                loss.backward()
                optimizer.step()
            lineage.write_results({"loss": loss})
