"""For all tests: what the user keeps of agreements is not theirs; a new directory for each example of a test.

Each distribution has a link to this file, so that its sdist can run its tests by itself.
"""

from __future__ import annotations

import itertools
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import pytest

HERE = Path(__file__).parent
_SETTINGS = {"slow": "takes more than a third of a second", "real_starts": "starts each program anew"}
_IS_SDIST = (HERE / "PKG-INFO").exists()
if _IS_SDIST:  # what tests share is in `tests` of the repository
    sys.path.insert(0, str(HERE / "shared"))


def pytest_configure(config: pytest.Config) -> None:
    """No example of hypothesis has a deadline: a machine that does other things too is no fault. In an sdist, further,
    what the repository's settings say."""
    with suppress(ImportError):
        from hypothesis import settings

        settings.register_profile("patient", settings.default, deadline=None)
        settings.load_profile("patient")
    if not _IS_SDIST:
        return
    config.option.importmode = "importlib"
    for name, meaning in _SETTINGS.items():
        config.addinivalue_line("markers", f"{name}: {meaning}")


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


@pytest.fixture(autouse=True, scope="session")
def _environment_is_read_once() -> Iterator[None]:
    """Each workspace records the environment when its first step ends, from a thousand files, which takes longer than
    most tests do. Here all workspaces share it, and it is read again when a directory of modules has changed."""
    try:
        from dataworkspaces.environments import installed as module
    except ImportError:  # of dws-run, which not all tests have
        yield
        return
    read, known, ours = module.installed, dict[str, list[module.Installed]](), set(sys.path)

    def installed(paths: Sequence[str]) -> list[module.Installed]:
        if not ours.issuperset(paths):  # a test has made what is there
            return read(paths)
        key = repr([(path, Path(path).stat().st_mtime_ns) for path in paths if Path(path).exists()])
        if key not in known:
            known[key] = read(paths)
        return known[key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "installed", installed)
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
