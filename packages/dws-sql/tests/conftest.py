"""A database of each kind, and copies of a workspace in it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from postgresql_server import postgresql, postgresql_url

from dataworkspaces.backends.sql import FACTORY
from dataworkspaces.backends.sql.workspace import SqlWorkspace
from dataworkspaces.params import HOSTNAME, SCRATCH_DIRECTORY

__all__ = ["postgresql", "postgresql_url"]

Copy = Callable[[str], SqlWorkspace]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A user of whom the machine knows nothing."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for name in ("XDG_CONFIG_HOME", "XDG_STATE_HOME", "PGPASSWORD", "PGHOST", "PGUSER", "PGSERVICE"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a database that holds nothing."""
    if request.param == "sqlite":
        return f"sql+sqlite:///{tmp_path / 'shared.sqlite'}"
    found: str = request.getfixturevalue("postgresql_url")
    return found


@pytest.fixture
def copy(url: str, tmp_path: Path) -> Copy:
    """``copy("ada")`` is Ada's copy of the workspace ``team``, which the first call makes."""
    made: list[str] = []

    def make(name: str) -> SqlWorkspace:
        directory = tmp_path / name
        made.append(name)
        if len(made) > 1:
            return FACTORY.clone_workspace({HOSTNAME: name}, True, False, url, str(directory))
        directory.mkdir()
        return FACTORY.init_workspace(
            "team", "2.0", {SCRATCH_DIRECTORY: "scratch"}, {HOSTNAME: name}, True, False, "scratch",
            directory=str(directory), url=url,
        )  # fmt: skip

    return make
