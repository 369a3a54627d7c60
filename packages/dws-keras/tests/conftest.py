"""Workspaces for the tests of this distribution.

Without TensorFlow there is nearly nothing to test: tox installs it in one environment only. What is in ``backends``
runs in processes of its own, which ``test_backends.py`` starts, since TensorFlow and PyTorch do not go together.
"""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from directory_workspace import DirectoryWorkspace, backend, script, workspace

__all__ = ["api_workspace", "backend", "script", "workspace"]

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
HERE = Path(__file__).parent
BACKEND = os.environ.get("KERAS_BACKEND", "tensorflow")

collect_ignore_glob: list[str] = []
if BACKEND != "tensorflow":
    collect_ignore_glob = ["test_*.py"] + ([] if BACKEND == "torch" else ["backends/test_torch_*.py"])
elif find_spec("tensorflow"):
    import tensorflow as tf

    collect_ignore_glob = ["backends/*"]
    # Two devices, for the test of a strategy; that has to be said before anything runs.
    cpu, two = tf.config.list_physical_devices("CPU")[0], [tf.config.LogicalDeviceConfiguration()] * 2
    tf.config.set_logical_device_configuration(cpu, two)
    tf.config.threading.set_intra_op_parallelism_threads(1)  # more would only wait for each other: the data are small
else:
    collect_ignore_glob = ["backends/*", "test_[!w]*.py", "test_wrapping.py"]


@pytest.fixture
def api_workspace(workspace: DirectoryWorkspace) -> Any:
    """A workspace whose data come from an API, as in the manual."""
    params = [p for p in workspace.read_resource_params() if p["name"] != "data"]
    (workspace.metadata / "resources.json").unlink()
    for item in params:
        workspace.write_resource_params(item)
    workspace.add_resource("api", "api-resource", "source-data")
    return workspace


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All that needs a framework is slow."""
    for item in items:
        if item.path.is_relative_to(HERE) and item.path.name != "test_without_keras.py":
            item.add_marker(pytest.mark.slow)
