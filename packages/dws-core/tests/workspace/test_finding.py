"""Which workspace is meant: directories of several backends, URIs, and names in the user's configuration."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dataworkspaces import plugins
from dataworkspaces.errors import ConfigurationError, NotAWorkspaceError, NotFoundError
from dataworkspaces.workspace.workspace_uri import (
    backend_of,
    find_workspace_by_name,
    find_workspace_uri,
    read_backend_file,
    write_backend_file,
)


@pytest.fixture(autouse=True)
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's configuration, which is not there yet; the backends ``git`` and ``cloud`` are installed."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setattr(plugins, "is_announced", lambda _group, name: name in ("git", "cloud"))
    directory = tmp_path / "config" / "dws"
    directory.mkdir(parents=True)
    return directory / "config.toml"


@pytest.fixture
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A workspace in git, in which the current directory is."""
    root = tmp_path / "my ws"
    (root / ".dataworkspace").mkdir(parents=True)
    (root / "code").mkdir()
    monkeypatch.chdir(root / "code")
    return root


def test_the_workspace_around_here(directory: Path) -> None:
    assert find_workspace_uri() == f"git:{directory.as_uri()[7:]}"


def test_a_directory(directory: Path) -> None:
    assert find_workspace_uri("..") == find_workspace_uri(str(directory)) == find_workspace_uri()
    with pytest.raises(NotAWorkspaceError, match="is not a workspace"):
        find_workspace_uri(str(directory / "code"))


@pytest.mark.parametrize(
    ("text", "backend"),
    [
        ("cloud:/x", "cloud"), ("cloud+ssl://host/x", "cloud"), ("git:/x", "git"), ("git+ssh://h/x", "git"),
        ("https://h/x", None), ("cloud", None), ("a/cloud:/x", None), ("host:cloud", None), ("cloudy:/x", None),
    ],
)  # fmt: skip
def test_the_scheme_names_the_backend(text: str, backend: str | None) -> None:
    assert backend_of(text) == backend


def test_a_uri_stays_as_it_is() -> None:
    assert find_workspace_uri("cloud+ssl://host/x?y=z") == "cloud+ssl://host/x?y=z"


def test_a_directory_of_another_backend(directory: Path) -> None:
    write_backend_file(directory, "cloud", url="cloud://host/x")
    assert find_workspace_uri() == f"cloud:{directory.as_uri()[7:]}"
    assert read_backend_file(directory) == {"backend": "cloud", "url": "cloud://host/x"}


def test_a_backend_file_that_others_could_have_written_is_refused(directory: Path) -> None:
    write_backend_file(directory, "cloud")
    path = directory / ".dataworkspace" / "backend.json"
    assert path.stat().st_mode & 0o777 == 0o600
    for mode in (0o644, 0o620):  # as git checks files out
        path.chmod(mode)
        with pytest.raises(ConfigurationError, match="others can read or write the file"):
            find_workspace_uri()
    target = directory / "elsewhere.json"
    path.rename(target)
    target.chmod(0o600)
    path.symlink_to(target)
    with pytest.raises(ConfigurationError, match="others can read or write the file"):
        find_workspace_uri()


def test_a_name_in_the_configuration(config: Path, directory: Path) -> None:
    config.write_text(f'[workspaces]\nmine = "{directory}"\nteam = "cloud://host/x"\n')
    assert find_workspace_by_name("team") == find_workspace_uri("team") == "cloud://host/x"
    assert find_workspace_by_name("mine") == find_workspace_uri("mine") == find_workspace_uri()


def test_a_directory_goes_before_a_name(config: Path, directory: Path) -> None:
    config.write_text('[workspaces]\ncode = "cloud://host/x"\n')
    with pytest.raises(NotAWorkspaceError):
        find_workspace_uri("../code")
    (directory / "code" / "code" / ".dataworkspace").mkdir(parents=True)
    assert find_workspace_uri("code").startswith("git:")


def test_home_is_meant_by_a_tilde(config: Path, directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(directory.parent))
    config.write_text('[workspaces]\nmine = "~/my ws"\n')
    assert find_workspace_by_name("mine") == find_workspace_uri()


def test_a_name_that_is_not_listed(config: Path) -> None:
    with pytest.raises(ConfigurationError, match="lists no workspace 'team'") as raised:
        find_workspace_by_name("team")
    assert raised.value.hint == "Available: none"
    config.write_text('[workspaces]\nteams = "cloud://host/x"\n')
    with pytest.raises(ConfigurationError) as raised:
        find_workspace_by_name("team")
    assert raised.value.hint == "Did you mean teams?"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[workspaces", "not valid TOML"),
        ("workspaces = 3", "should hold"),
        ("[workspaces]\nteam = 3", "should hold"),
        ('[workspaces]\nteam = "some/where"', "neither an absolute path nor a URI"),
        ('[workspaces]\nteam = "https://host/x"', "neither an absolute path nor a URI"),
        ('[workspaces]\nteam = "/no/such/place"', "is not a workspace"),
        (b"\xff", "cannot be read"),
    ],
)
def test_a_configuration_that_is_not_as_it_should_be(config: Path, text: Any, said: str) -> None:
    config.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(ConfigurationError, match=said):
        find_workspace_by_name("team")


def test_a_current_directory_that_was_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    with pytest.raises(NotFoundError, match="current directory has been removed"):
        find_workspace_uri()
