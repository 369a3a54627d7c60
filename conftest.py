"""For all tests: what the user keeps of agreements is not theirs; a new directory for each example of a test."""

from __future__ import annotations

import itertools
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest


@pytest.fixture(autouse=True, scope="session")
def _can_be_interrupted() -> None:
    """What a shell runs in the background ignores SIGINT, and so would all that tests call and interrupt."""
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


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
