"""The tests in ``backends``, with each backend of Keras that is not TensorFlow; those of PyTorch itself with that."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest


@pytest.mark.parametrize(("backend", "modules"), [("jax", "test_training.py"), ("torch", "test_*.py")])
def test_backend(backend: str, modules: str) -> None:
    if find_spec(backend) is None:
        pytest.skip(f"{backend} is not installed")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist"]
    env = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    tests = Path(__file__).parent / "backends"
    run = subprocess.run(
        [*command, *map(str, sorted(tests.glob(modules)))],
        env={**env, "KERAS_BACKEND": backend},
        capture_output=True,
        text=True,
        cwd=tests,
    )
    assert run.returncode == 0, run.stdout[-5000:] + run.stderr[-2000:]
