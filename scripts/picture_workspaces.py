"""The workspaces that the pictures of the documentation show."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

IDENTITY = {"NAME": "Ada", "EMAIL": "ada@example.com"}

FEATURES = '''\
"""Reduce the pixels of the digits to principal components."""

import numpy
from sklearn.decomposition import PCA

pixels = numpy.loadtxt("source-data/data.csv", delimiter=",")
numpy.save("features/features.npy", PCA(n_components=10, random_state=0).fit_transform(pixels))
'''

TRAIN = '''\
"""Learn to tell the digits apart by their features."""

import json
import sys

import numpy
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, f1_score

X, y = numpy.load("features/features.npy"), numpy.loadtxt("source-data/target.csv")
half = len(y) // 2
model = LogisticRegression(C=float(sys.argv[1]), max_iter=1000).fit(X[:half], y[:half])
found = model.predict(X[half:])
metrics = {"accuracy": accuracy_score(y[half:], found), "f1": f1_score(y[half:], found, average="macro")}
with open("results/metrics.json", "w") as file:
    json.dump(metrics, file)
'''


def run(cwd: Path, *command: str) -> None:
    """A command and its arguments, or one line for a shell."""
    subprocess.run(command if len(command) > 1 else ["sh", "-euc", *command], cwd=cwd, check=True)


def use_own_programs() -> None:
    """`dws` and `python` are those of this environment, and the author is the same for everybody."""
    os.environ |= {f"GIT_{who}_{what}": value for who in ("AUTHOR", "COMMITTER") for what, value in IDENTITY.items()}
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"


def make_demo(directory: Path) -> Path:
    """What `dws demo` makes, and a snapshot of each of its experiments."""
    workspace = _demo(directory)
    for name, tag, message in (("svc", "SVC-1", "support vectors"), ("lr", "LR-1", "logistic regression")):
        run(workspace, f"python code/digits-{name}.py && dws snapshot -m '{message}' {tag}")
    return workspace


def make_pipeline(directory: Path) -> Path:
    """Two steps that `dws run` records, a snapshot for each of two parameters, and a change since then."""
    workspace = _demo(directory)
    run(workspace, "mkdir features && dws add local-files --role intermediate-data --restorable features")
    features = workspace / "code" / "features.py"
    (workspace / "code" / "train.py").write_text(TRAIN, encoding="utf-8")
    for components, c, message in ((10, 1.0, "ten components"), (30, 0.01, "thirty components")):
        features.write_text(FEATURES.replace("n_components=10", f"n_components={components}"), encoding="utf-8")
        run(workspace, "dws run --name features --input source-data -- python code/features.py")
        inputs = f"--input features --input source-data --results results --param C={c}"
        run(workspace, f"dws run --name train {inputs} -- python code/train.py {c}")
        run(workspace, f"dws snapshot -m '{message}' PCA-{components}")
    features.write_text(FEATURES.replace("n_components=10", "n_components=40"), encoding="utf-8")
    return workspace


def _demo(directory: Path) -> Path:
    directory.mkdir()
    run(directory, "dws demo digits")
    run(directory / "digits", "dws config hostname laptop")
    return directory / "digits"
