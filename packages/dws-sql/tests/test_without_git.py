"""Without dws-git, ``dws init`` makes a workspace in a database; nobody has to name the backend."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from dataworkspaces import plugins
from dataworkspaces.cli.main import dws
from dataworkspaces.workspace import find_and_load_workspace


@pytest.fixture(autouse=True)
def without_git(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if dws-git were not installed, if it is."""
    names, is_announced = plugins.names, plugins.is_announced

    def names_without(group: str) -> list[str]:
        return [name for name in names(group) if not name.startswith("git")]

    monkeypatch.setattr(plugins, "names", names_without)
    monkeypatch.setattr(plugins, "is_announced", lambda group, name: name != "git" and is_announced(group, name))


def test_plain_init(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for arguments in (
        ["init", "--create-resources", "results"],
        ["snapshot", "ONE"],
        ["restore", "ONE"],
        ["report", "status"],
    ):
        done = CliRunner().invoke(dws, ["--batch", *arguments], input="")
        assert done.exit_code == 0, done.output
    workspace = find_and_load_workspace(True, False, str(tmp_path))
    assert type(workspace).__name__ == "SqlWorkspace"
    assert workspace.get_resource_type("results") == "file"
    assert not (tmp_path / ".git").exists()


def test_help_shows_the_options_of_the_backend_that_is_there() -> None:
    assert "--url" in CliRunner().invoke(dws, ["init", "--help"]).output


def test_git_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plugins, "names", lambda group: ["another", "git", "sql"])
    assert plugins.default_backend() == "git"
    monkeypatch.setattr(plugins, "names", lambda group: [])
    assert plugins.default_backend() == "git"
