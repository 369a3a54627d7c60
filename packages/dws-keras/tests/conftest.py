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


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "graphs: the models of this test are compiled, as they are for a user")


@pytest.fixture(autouse=True)
def _steps_are_not_compiled(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a test is about what is recorded. To compile the steps of a model takes several times as long as to train
    it with so few data; each way in which a model reads data or is trained has tests that are marked ``graphs``."""
    if find_spec(BACKEND) is None or request.node.get_closest_marker("graphs"):
        return
    from keras import Model

    trainer = next(cls for cls in Model.__mro__ if isinstance(vars(cls).get("run_eagerly"), property))
    monkeypatch.setattr(trainer, "run_eagerly", trainer.run_eagerly.getter(lambda model: True))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All that needs a framework is slow."""
    for item in items:
        if item.path.is_relative_to(HERE) and item.path.name != "test_without_keras.py":
            item.add_marker(pytest.mark.slow)
