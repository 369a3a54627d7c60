"""Documents that are nested more deeply than a parser can follow are refused as any other that is no document."""

from __future__ import annotations

from pathlib import Path

import pytest

from dataworkspaces.cli.param_types import ParameterType
from dataworkspaces.errors import ConfigurationError, MetadataError
from dataworkspaces.lineage.run_environment import VARIABLE, current_run
from dataworkspaces.params import StringListType
from dataworkspaces.testing.memory import MemoryWorkspace
from dataworkspaces.workspace.workspace_uri import config_file, known_workspaces

DEEP = "[" * 100_000


@pytest.mark.parametrize("text", [f"x = {DEEP}", f"x = {'1' * 5000}"], ids=["deep", "long number"])
def test_configuration_of_the_user(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    config_file().parent.mkdir()
    config_file().write_text(text)
    with pytest.raises(ConfigurationError, match="not valid TOML"):
        known_workspaces()


def test_manifest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    workspace = MemoryWorkspace(tmp_path)
    monkeypatch.setattr(workspace, "get_snapshot_manifest_bytes", lambda _hash: DEEP.encode())
    with pytest.raises(MetadataError, match="not valid JSON"):
        workspace.get_snapshot_manifest("0" * 40)


def test_what_is_said_on_the_command_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert ParameterType().convert(f"x={DEEP}", None, None) == ("x", DEEP)
    with pytest.raises(ValueError, match="JSON list"):
        StringListType().parse(DEEP)
    monkeypatch.setenv(VARIABLE, DEEP)
    assert current_run(MemoryWorkspace(tmp_path)) is None
