"""Parameters: what is valid, and what is said about the rest."""

from __future__ import annotations

from typing import Any

import pytest

from dataworkspaces.errors import ParamNotFoundError, ParamValidationError
from dataworkspaces.params import (
    WORKSPACE_PARAMS,
    BoolType,
    EnumType,
    ParamDef,
    check_hostname,
    check_tag,
)

TEMPLATE = WORKSPACE_PARAMS["results.dir_template"]


@pytest.mark.parametrize(
    "value", ["snapshots/{HOSTNAME}-{TAG}", "snapshots/{YEAR}/{MONTH}/{SNAPSHOT_NO}", "snapshots/fixed"]
)
def test_templates(value: str) -> None:
    assert TEMPLATE.parse(value) == value


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("{TAG}", "must start with 'snapshots/'"),
        ("snapshots/", "must start with 'snapshots/' and name a directory"),
        ("snapshots/../{TAG}", "must not contain"),
        ("snapshots/{NOPE}", "unknown variable {NOPE}"),
        ("snapshots/{TAG", "a brace that belongs to no variable"),
        ("snapshots/{TAG!r}", "unknown variable"),
    ],
)
def test_templates_that_are_refused(value: str, problem: str) -> None:
    with pytest.raises(ParamValidationError) as caught:
        TEMPLATE.parse(value)
    assert problem in str(caught.value)
    assert "results.dir_template" in str(caught.value)


def test_a_list_is_typed_as_json() -> None:
    exclude = WORKSPACE_PARAMS["results.move_exclude_files"]
    assert exclude.parse('["a", "b"]') == ["a", "b"]
    for text in ("a,b", '{"a": 1}', "[1]"):
        with pytest.raises(ParamValidationError, match="must be a JSON list of strings"):
            exclude.parse(text)


@pytest.mark.parametrize(("text", "value"), [("true", True), ("No", False), ("1", True), ("off", False)])
def test_yes_and_no(text: str, value: bool) -> None:
    assert ParamDef("p", None, True, "", BoolType()).parse(text) is value


def test_choices() -> None:
    definition = ParamDef("mode", "copy", True, "", EnumType(("copy", "sync")))
    assert definition.parse("sync") == "sync"
    with pytest.raises(ParamValidationError, match="must be one of copy, sync"):
        definition.parse("move")


def test_none_needs_an_optional_parameter() -> None:
    ParamDef("p", None, True, "", optional=True).validate(None)
    with pytest.raises(ParamValidationError, match="must be text"):
        ParamDef("p", "x", True, "").validate(None)


def test_an_unknown_name_suggests_the_nearest() -> None:
    with pytest.raises(ParamNotFoundError) as caught:
        WORKSPACE_PARAMS.find("results.dir_templat")
    assert "results.dir_template" in str(caught.value.hint)
    with pytest.raises(ParamNotFoundError, match="No local parameter 'scratch_directory'"):
        WORKSPACE_PARAMS.find("scratch_directory", is_global=False)


@pytest.mark.parametrize("tag", ["SVC-1", "v1.0_a", "1", "abcdeg1", "abc123"])
def test_tags(tag: str) -> None:
    check_tag(tag)


@pytest.mark.parametrize(
    ("tag", "problem"),
    [
        ("", "must start with"),
        ("-x", "must start with"),
        ("a b", "must start with"),
        ("a/b", "must start with"),
        ("a\n", "must start with"),
        ("ümlaut", "must start with"),
        ("abcdef1", "looks like a snapshot hash"),
        ("1234567", "looks like a snapshot hash"),
        ("A" * 40, "looks like a snapshot hash"),
        ("x" * 101, "more than 100"),
    ],
)
def test_tags_that_are_refused(tag: str, problem: str) -> None:
    with pytest.raises(ParamValidationError, match=problem):
        check_tag(tag)


@pytest.mark.parametrize("name", ["", ".host", "a b", "--option", 7, "x" * 101])
def test_host_names_that_are_refused(name: Any) -> None:
    with pytest.raises(ParamValidationError, match=r"Host name"):
        check_hostname(name)
