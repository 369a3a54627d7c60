"""What autolog costs, against none: a short epoch, a fit that is as long as many users' are, and one of little data."""

from __future__ import annotations

import json
from collections.abc import Iterator

from .harness import Row, Sample
from .sandbox import Settings

GROUP = "autolog"

OPERATIONS = {
    "epochs": "an epoch of 20,000 by 50",
    "fit": "a fit of 20,000 by 50",
    "small": "a fit of 200 by 5",
    "steps": "an epoch of 200 steps of PyTorch",
}

COST = """
import json, sys, time
from importlib.util import find_spec
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

def fit(x=x, y=y):
    model, begun = LogisticRegression(max_iter=500, tol=1e-8), (time.perf_counter(), time.process_time())
    model.fit(x, y)
    return [b - a for a, b in zip(begun, (time.perf_counter(), time.process_time()))]

def small():
    return fit(x[:200, :5], y[:200])

def steps():
    model = torch.nn.Linear(50, 2)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(*tensors), batch_size=100)
    for epoch in range(3):
        begun = time.perf_counter(), time.process_time()
        for inputs, targets in loader:
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(model(inputs), targets).backward()
            optimizer.step()
    return [b - a for a, b in zip(begun, (time.perf_counter(), time.process_time()))]  # of the last one

measures = {"epochs": epochs, "fit": fit, "small": small}
if find_spec("torch") is not None:
    import torch
    tensors = torch.tensor(x, dtype=torch.float32), torch.tensor(y)
    measures["steps"] = steps
times = {name: {what: [] for what in measures} for name in ("plain", "autolog")}
for number in range(int(sys.argv[1]) + 1):
    for name in times:
        autolog(disable=name == "plain", pictures=False)
        for what, measure in measures.items():
            found = measure()
            if number:
                times[name][what].append(found)
autolog(disable=True)
print(json.dumps(times))
"""


def rows(settings: Settings) -> Iterator[Row]:
    shell = settings.ours.shell(settings.work, settings.work / "home")
    shell("dws", "--batch", "init", "--create-resources", "source-data,results", "autolog")
    python = settings.ours.bin / "python"
    times = json.loads(shell(python, "-c", COST, str(settings.rounds)).splitlines()[-1])
    for what in times["plain"]:
        ours, plain = (
            Sample(name, tuple(t[0] for t in times[name][what]), tuple(t[1] for t in times[name][what]))
            for name in ("autolog", "plain")
        )
        yield Row(GROUP, OPERATIONS[what], ours, plain)
