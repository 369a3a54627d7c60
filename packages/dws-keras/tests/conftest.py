"""Workspaces for the tests of this distribution, and small data. Without TensorFlow there is nothing to test: it is
installed in one environment of tox only, see tox.ini."""

from __future__ import annotations

import os
from importlib.util import find_spec
from typing import Any

import pytest
from directory_workspace import DirectoryWorkspace, backend, script, workspace

__all__ = ["api_workspace", "backend", "script", "workspace"]

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

collect_ignore_glob = [] if find_spec("tensorflow") else ["test_[!w]*.py"]


if find_spec("tensorflow"):
    import tensorflow as tf

    # Two devices, for the test of a strategy; that has to be said before anything runs.
    cpu, two = tf.config.list_physical_devices("CPU")[0], [tf.config.LogicalDeviceConfiguration()] * 2
    tf.config.set_logical_device_configuration(cpu, two)


@pytest.fixture
def api_workspace(workspace: DirectoryWorkspace) -> Any:
    """A workspace whose data come from an API, as in the manual."""
    params = [p for p in workspace.read_resource_params() if p["name"] != "data"]
    (workspace.metadata / "resources.json").unlink()
    for item in params:
        workspace.write_resource_params(item)
    workspace.add_resource("api", "api-resource", "source-data")
    return workspace
