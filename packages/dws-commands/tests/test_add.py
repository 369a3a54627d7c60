"""Adding resources."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from dataworkspaces.commands.add import add_command
from dataworkspaces.errors import ConfigurationError
from dataworkspaces.testing.memory import MemoryWorkspace
from dataworkspaces.workspace import Resource


@pytest.fixture
def data(tmp_path: Path) -> Path:
    directory = tmp_path / "data"
    directory.mkdir()
    return directory


def test_the_resource_is_recorded_and_saved(ws: MemoryWorkspace, data: Path) -> None:
    resource = add_command(ws, "folder", "source-data", "numbers", path=data)
    assert (resource.name, resource.role) == ("numbers", "source-data")
    assert list(ws.get_resource_names()) == ["code", "results", "numbers"]
    assert ws.store.saved == ["Added resource numbers"]


def test_without_a_name_the_types_suggestion_is_taken(ws: MemoryWorkspace, data: Path) -> None:
    assert add_command(ws, "folder", "source-data", path=data).name == "data"


def test_a_suggested_name_is_made_unique(ws: MemoryWorkspace, tmp_path: Path) -> None:
    (tmp_path / "elsewhere" / "code").mkdir(parents=True)
    assert add_command(ws, "folder", "code", path=tmp_path / "elsewhere" / "code").name == "code-2"


def test_what_a_type_refuses_is_not_recorded(ws: MemoryWorkspace, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="is not a directory"):
        add_command(ws, "folder", "code", "other", path=tmp_path / "nothing")
    assert list(ws.get_resource_names()) == ["code", "results"]
    assert ws.store.saved == []


def test_parameters_that_do_not_go_together_are_not_recorded(
    ws: MemoryWorkspace, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(resource: Resource) -> None:
        raise ConfigurationError(f"What '{resource.name}' has does not go together")

    monkeypatch.setattr(Resource, "check_params", refuse)
    with pytest.raises(ConfigurationError, match="What 'other' has does not go together"):
        add_command(ws, "folder", "source-data", "other", path=data)
    assert list(ws.get_resource_names()) == ["code", "results"]
    assert ws.store.saved == []


@pytest.mark.parametrize("role", ["source-data", "code"])
def test_export_is_for_what_this_workspace_makes(ws: MemoryWorkspace, data: Path, role: str) -> None:
    with pytest.raises(ConfigurationError, match=f"--export does not apply to a resource with the role {role}"):
        add_command(ws, "folder", role, "data", path=data, export=True)


@pytest.mark.parametrize("role", ["intermediate-data", "code", "results"])
def test_only_source_data_is_imported(ws: MemoryWorkspace, data: Path, role: str) -> None:
    with pytest.raises(ConfigurationError, match=f"--imported does not apply to a resource with the role {role}"):
        add_command(ws, "folder", role, "data", path=data, imported=True)


def test_export_and_import_exclude_each_other(ws: MemoryWorkspace, data: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be used together"):
        add_command(ws, "folder", "source-data", "data", path=data, export=True, imported=True)


@pytest.mark.parametrize("option", ["export", "imported"])
def test_a_type_need_not_be_exported_or_imported(ws: MemoryWorkspace, option: str) -> None:
    with pytest.raises(ConfigurationError, match=f"--{option} does not apply to a resource of type api-resource"):
        add_command(ws, "api-resource", "source-data", "feed", **{option: True})


def lineage(name: str) -> dict[str, Any]:
    certificate = {"cert_type": "hash", "hashval": "abc", "comment": ""}
    entry = {"type": "source_data", "resource_name": name, "subpath": None, "certificate": certificate}
    return {"resource_name": name, "complete": True, "lineages": [entry]}


def test_the_lineage_of_an_imported_resource_is_taken_over(ws: MemoryWorkspace, data: Path) -> None:
    (data / "lineage.json").write_text(json.dumps(lineage("data")))
    add_command(ws, "folder", "source-data", "data", path=data, imported=True)
    assert [entry.to_json()["type"] for entry in ws.get_lineage_store().entries("data")] == ["imported"]


@pytest.mark.parametrize("exported_as", [None, "another"])
def test_an_imported_resource_without_its_lineage_is_not_recorded(
    ws: MemoryWorkspace, data: Path, exported_as: str | None
) -> None:
    if exported_as is not None:
        (data / "lineage.json").write_text(json.dumps(lineage(exported_as)))
    with pytest.raises(ConfigurationError, match="lineage"):
        add_command(ws, "folder", "source-data", "data", path=data, imported=True)
    assert list(ws.get_resource_names()) == ["code", "results"]
