"""The workspace for the tests of this distribution, and the digits in it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from directory_workspace import DirectoryWorkspace, backend, script, workspace
from sklearn.datasets import load_digits
from threadpoolctl import threadpool_limits

__all__ = ["backend", "digits", "script", "workspace"]


@pytest.fixture(autouse=True, scope="session")
def _one_thread() -> Iterator[None]:
    """The data are so small that threads would only get in each other's way, and in that of other tests."""
    with threadpool_limits(1):
        yield


@pytest.fixture
def digits(workspace: DirectoryWorkspace) -> DirectoryWorkspace:
    """The digits of scikit-learn, as the data set of the resource ``data``."""
    X, y = load_digits(return_X_y=True)
    np.savetxt(workspace.root / "data" / "data.csv", X, delimiter=",", fmt="%d")
    np.savetxt(workspace.root / "data" / "target.csv", y, fmt="%d")
    return workspace
