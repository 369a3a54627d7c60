"""For all tests: what the user keeps of agreements is not theirs; a new directory for each example of a test."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest


@pytest.fixture(autouse=True, scope="session")
def _own_configuration(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CONFIG_HOME", str(tmp_path_factory.mktemp("config")))
        yield


@pytest.fixture
def place(tmp_path: Path) -> Callable[[], Path]:
    """Makes an empty directory, another one at each call."""
    numbers = itertools.count()

    def fresh() -> Path:
        directory = tmp_path / str(next(numbers))
        directory.mkdir()
        return directory

    return fresh
