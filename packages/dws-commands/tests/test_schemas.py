"""The schemas themselves: each is one, complete, and told by its name. `tests/test_json_schemas.py` has documents."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from click.testing import CliRunner
from jsonschema import Draft202012Validator

from dataworkspaces import errors
from dataworkspaces.cli.main import dws
from dataworkspaces.schemas import SAME_AS, load, names


def references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        for key, value in node.items():
            if key == "$ref":
                yield value
            else:
                yield from references(value)
    elif isinstance(node, list):
        for value in node:
            yield from references(value)


@pytest.mark.parametrize("name", names())
def test_a_schema_is_valid_and_complete_in_itself(name: str) -> None:
    schema = load(name)
    Draft202012Validator.check_schema(schema)
    assert schema["$schema"] == Draft202012Validator.META_SCHEMA["$id"]
    assert re.fullmatch(rf"urn:data-workspaces:schema:{name}:[1-9]\d*", schema["$id"])
    assert schema["title"]
    assert {f"#/$defs/{each}" for each in schema.get("$defs", ())} == set(references(schema))


def test_a_definition_is_the_same_in_all_schemas() -> None:
    known: dict[str, Any] = {}
    for name in names():
        for each, definition in load(name).get("$defs", {}).items():
            assert known.setdefault(each, definition) == definition, f"{each} of {name}"


def test_commands_that_print_the_same_have_the_same_schema() -> None:
    assert load("push") == load("publish")
    assert not SAME_AS.keys() & set(names())
    assert set(SAME_AS.values()) <= set(names())


@pytest.mark.parametrize("name", ["nothing", "", "../plain_text", "version.schema.json"])
def test_an_unknown_name_is_not_found(name: str) -> None:
    with pytest.raises(errors.NotFoundError):
        load(name)


def test_the_kinds_of_errors_are_those_that_there_are() -> None:
    def kinds(cls: type[errors.DwsError]) -> set[str]:
        return {cls.kind}.union(*map(kinds, cls.__subclasses__()))

    own = {kind for kind in kinds(errors.DwsError) if kind}
    assert set(load("error")["properties"]["error"]["properties"]["kind"]["enum"]) == {"usage", *own}


def test_the_command_lists_them_and_prints_one() -> None:
    run = CliRunner().invoke
    listed = run(dws, ["schema"]).output
    assert all(f"| {name} " in listed for name in names())
    assert json.loads(run(dws, ["schema", "report-status"]).output) == load("status")
