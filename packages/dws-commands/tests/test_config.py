"""Showing and setting parameters."""

from __future__ import annotations

import pytest

from dataworkspaces.commands.config import get_param, list_params, set_param
from dataworkspaces.errors import ConfigurationError, DwsError, ParamNotFoundError, ParamValidationError
from dataworkspaces.testing.memory import MemoryWorkspace
from dataworkspaces.workspace import Resource


def test_all_parameters_of_the_workspace_are_listed(ws: MemoryWorkspace) -> None:
    assert [row.name for row in list_params(ws)] == list(ws.param_defs)


def test_a_resource_has_parameters_of_all_resources_and_of_its_type(ws: MemoryWorkspace) -> None:
    values = {row.name: row.value for row in list_params(ws, "code")}
    assert values == {
        "resource_type": "folder",
        "name": "code",
        "role": "code",
        "path": str(ws.directory / "code"),
        "keep": True,
        "export": False,
        "imported": False,
        "colour": None,
    }


def test_one_that_is_not_set_has_its_default(ws: MemoryWorkspace) -> None:
    row = get_param(ws, "results.dir_template")
    assert (row.value, row.is_default, row.scope) == ("snapshots/{HOSTNAME}-{TAG}", True, "global")


def test_a_global_one_is_set_and_saved(ws: MemoryWorkspace) -> None:
    row = set_param(ws, "results.dir_template", "snapshots/{TAG}")
    assert (row.value, row.is_default) == ("snapshots/{TAG}", False)
    assert ws.get_global_param("results.dir_template") == "snapshots/{TAG}"
    assert len(ws.store.saved) == 1


def test_a_local_one_stays_here(ws: MemoryWorkspace) -> None:
    set_param(ws, "hostname", "laptop")
    assert ws.get_local_param("hostname") == "laptop"
    assert ws.store.saved == []


def test_a_list_is_typed_as_json(ws: MemoryWorkspace) -> None:
    assert set_param(ws, "results.move_exclude_files", '["a", "b"]').value == ["a", "b"]


@pytest.mark.parametrize(
    ("name", "text"),
    [("results.dir_template", "elsewhere/{TAG}"), ("results.move_exclude_files", "a"), ("hostname", "../x")],
)
def test_a_value_that_does_not_fit_changes_nothing(ws: MemoryWorkspace, name: str, text: str) -> None:
    before = list_params(ws)
    with pytest.raises(ParamValidationError, match=name):
        set_param(ws, name, text)
    assert list_params(ws) == before


@pytest.mark.parametrize(("name", "resource"), [("scratch_directory", None), ("path", "code")])
def test_what_is_fixed_cannot_be_changed(ws: MemoryWorkspace, name: str, resource: str | None) -> None:
    with pytest.raises(ConfigurationError, match=f"'{name}' cannot be changed"):
        set_param(ws, name, "results", resource)


def test_an_unknown_name_gets_the_nearest(ws: MemoryWorkspace) -> None:
    with pytest.raises(ParamNotFoundError) as caught:
        get_param(ws, "host_name")
    assert caught.value.hint == "Did you mean hostname?"


def test_an_unknown_resource(ws: MemoryWorkspace) -> None:
    with pytest.raises(ConfigurationError, match="'cod'"):
        list_params(ws, "cod")


def test_a_global_one_of_a_resource_is_set_and_saved(ws: MemoryWorkspace) -> None:
    row = set_param(ws, "keep", "no", "code")
    assert (row.value, row.resource) == (False, "code")
    assert ws.get_resource_params("code")["keep"] is False
    assert len(ws.store.saved) == 1


def test_a_local_one_of_a_resource_stays_here(ws: MemoryWorkspace) -> None:
    set_param(ws, "colour", "red", "code")
    assert ws.read_resource_local_params("code") == {"colour": "red"}
    assert ws.store.saved == []


def test_a_value_of_which_the_type_makes_no_resource_changes_nothing(ws: MemoryWorkspace) -> None:
    with pytest.raises(DwsError, match="cannot be seen"):
        set_param(ws, "colour", "invisible", "code")
    assert ws.read_resource_local_params("code") == {}


@pytest.mark.parametrize(("sharing", "old", "role"), [
    ("export", "intermediate-data", "source-data"), ("imported", "source-data", "code"),
])  # fmt: skip
def test_a_shared_resource_keeps_a_role_that_can_be_shared(
    ws: MemoryWorkspace, sharing: str, old: str, role: str
) -> None:
    ws.write_resource_params({**ws.get_resource_params("code"), "role": old, sharing: True})
    with pytest.raises(ConfigurationError, match=f"'{sharing}', so it cannot have the role '{role}'"):
        set_param(ws, "role", role, "code")
    assert ws.get_resource_role("code") == old


def test_parameters_that_do_not_go_together_change_nothing(
    ws: MemoryWorkspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(resource: Resource) -> None:
        raise ConfigurationError(f"{resource.get_params()['keep']} does not go with it")

    monkeypatch.setattr(Resource, "check_params", refuse)
    with pytest.raises(ConfigurationError, match="False does not go with it"):
        set_param(ws, "keep", "false", "code")
    assert ws.get_resource_params("code").get("keep", True) is True
