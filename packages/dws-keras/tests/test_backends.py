"""The tests in ``backends``, with each backend of Keras that is not TensorFlow."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest


@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_backend(backend: str) -> None:
    if find_spec(backend) is None:
        pytest.skip(f"{backend} is not installed")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist"]
    env = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    tests = Path(__file__).parent / "backends"
    run = subprocess.run(
        [*command, str(tests)], env={**env, "KERAS_BACKEND": backend}, capture_output=True, text=True, cwd=tests
    )
    assert run.returncode == 0, run.stdout[-5000:] + run.stderr[-2000:]
