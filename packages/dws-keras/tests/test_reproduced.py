"""Training is run again by `dws reproduce`, and comes out the same if its seeds are set."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow

TRAINING = """
import json, sys
import keras, numpy

if sys.argv[1:]:
    keras.utils.set_random_seed(int(sys.argv[1]))
data = numpy.arange(160.0).reshape(20, 8) % 7
model = keras.Sequential([keras.layers.Dense(4, activation="relu"), keras.layers.Dense(1)])
model.compile("adam", "mse")
loss = model.fit(data, data.sum(axis=1), epochs=1, verbose=0).history["loss"][-1]
numpy.save("results/weights.npy", model.get_weights()[0])
json.dump({"metrics": {"loss": loss}}, open("results/results.json", "w"))
"""


class Owner:
    """Of a workspace, with a home of their own."""

    def __init__(self, directory: Path) -> None:
        self.root = directory / "ws"
        self.root.mkdir()
        home = directory / "home"
        home.mkdir()
        (home / ".gitconfig").write_text("[user]\n\tname = Ada\n\temail = ada@example.com\n")
        programs = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        self.env = {"PATH": programs, "HOME": str(home), "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""}
        if compiled := os.environ.get("PYTHONPYCACHEPREFIX"):
            self.env["PYTHONPYCACHEPREFIX"] = compiled  # which takes TensorFlow longer than the training

    def dws(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["dws", "--batch", *arguments], cwd=self.root, env=self.env, capture_output=True, text=True, check=check,
            timeout=300,
        )  # fmt: skip

    def train(self, tag: str, *arguments: str) -> None:
        self.dws(
            "run", "--name", "train", "--code", "code", "--output", "results", "--", "python", "code/t.py", *arguments
        )
        self.dws("snapshot", tag)

    def reproduce(self, tag: str) -> tuple[int, Any]:
        done = self.dws("reproduce", "--yes", "--json", tag, check=False)
        return done.returncode, json.loads(done.stdout)


def test_training_is_reproduced_if_its_seeds_are_set(tmp_path: Path) -> None:
    owner = Owner(tmp_path)
    owner.dws("init", "--hostname", "laptop", "--create-resources", "code,results")
    (owner.root / "code" / "t.py").write_text(TRAINING)
    owner.train("SEEDED", "7")
    owner.train("FREE")
    status, found = owner.reproduce("SEEDED")
    assert (status, found["reproduced"], found["counts"].keys() <= {"identical", "equal"}) == (0, True, True)
    status, found = owner.reproduce("FREE")
    assert (status, found["reproduced"]) == (1, False)
    assert {output["verdict"] for output in found["outputs"]} == {"different"}
    assert any("no random seed was set" in reason for step in found["steps"] for reason in step["reasons"])
