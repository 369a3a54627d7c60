"""Parameters of scripts: options of a command line, and values of the lineage."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

import pytest

from dataworkspaces.errors import LineageError
from dataworkspaces.lineage import (
    BooleanParameter,
    ChoiceParameter,
    CmdLineParameter,
    ConstantParameter,
    LineageBuilder,
    LineageParameter,
    ResourceRef,
    add_lineage_parameters_to_arg_parser,
    get_lineage_parameter_values,
)
from dataworkspaces.testing.memory import MemoryWorkspace

PARAMETERS: list[LineageParameter] = [
    CmdLineParameter(name="learning_rate", default=0.1, type=float, help="rate"),
    BooleanParameter(name="shuffle", default=True, help="shuffle"),
    BooleanParameter(name="keep_all", default=False, help="keep"),
    ChoiceParameter(name="kernel", choices=("rbf", "linear"), default="rbf", type=str, help="kernel"),
    ChoiceParameter(name="depth", choices=[1, 2], default=None, type=int, help="depth"),
    ConstantParameter(name="model", default="svc"),
]


def values(*arguments: str, parameters: list[LineageParameter] = PARAMETERS) -> dict[str, Any]:
    parser = ArgumentParser()
    add_lineage_parameters_to_arg_parser(parser, parameters)
    return get_lineage_parameter_values(parameters, parser.parse_args(arguments))


def test_defaults() -> None:
    assert values() == {
        "learning_rate": 0.1, "shuffle": True, "keep_all": False, "kernel": "rbf", "depth": None, "model": "svc",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "name", "value"),
    [
        (["--learning-rate", "0.5"], "learning_rate", 0.5),
        (["--no-shuffle"], "shuffle", False),
        (["--keep-all"], "keep_all", True),
        (["--kernel", "linear"], "kernel", "linear"),
        (["--depth", "2"], "depth", 2),
    ],
)
def test_option_sets_the_value(arguments: list[str], name: str, value: Any) -> None:
    assert values(*arguments) == {**values(), name: value}


@pytest.mark.parametrize(
    "arguments", [["--kernel", "poly"], ["--depth", "3"], ["--learning-rate", "x"], ["--model", "x"], ["--shuffle"]]
)
def test_wrong_option_is_refused_by_the_parser(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        values(*arguments)
    assert arguments[0].lstrip("-") in capsys.readouterr().err


def test_help_shows_each_option() -> None:
    parser = ArgumentParser()
    add_lineage_parameters_to_arg_parser(parser, PARAMETERS)
    text = parser.format_help()
    for option in ("--learning-rate", "--no-shuffle", "--keep-all", "--kernel", "--depth"):
        assert option in text


def test_default_that_is_no_choice_is_refused() -> None:
    with pytest.raises(LineageError, match="not one of its choices") as e:
        ChoiceParameter(name="kernel", choices=["a", "b"], default="c", type=str, help="")
    assert e.value.hint == "Choose from: a, b"


def test_choices_may_be_an_iterator() -> None:
    parameter = ChoiceParameter("kernel", iter(["a", "b"]), "b", str, "")
    assert values("--kernel", "a", parameters=[parameter]) == {"kernel": "a"}


def test_parser_without_the_options_says_what_to_call() -> None:
    with pytest.raises(LineageError, match="no parameter 'learning_rate'") as e:
        get_lineage_parameter_values(PARAMETERS, ArgumentParser().parse_args([]))
    assert "add_lineage_parameters_to_arg_parser()" in str(e.value.hint)


def test_options_of_the_script_stay_its_own() -> None:
    parser = ArgumentParser()
    parser.add_argument("--data")
    add_lineage_parameters_to_arg_parser(parser, PARAMETERS)
    parsed = parser.parse_args(["--data", "x", "--keep-all"])
    assert parsed.data == "x"
    assert "data" not in get_lineage_parameter_values(PARAMETERS, parsed)


def test_same_parameter_twice_is_an_error() -> None:
    parser = ArgumentParser()
    with pytest.raises(Exception, match="conflicting option"):
        add_lineage_parameters_to_arg_parser(parser, [PARAMETERS[0], PARAMETERS[0]])


@pytest.mark.slow
def test_values_go_into_the_lineage(project: MemoryWorkspace) -> None:
    builder = LineageBuilder().with_workspace(project).with_step_name("train").with_no_inputs()
    with builder.with_parameters(values("--depth", "1")).eval() as lineage:
        lineage.add_output_ref(ResourceRef("middle", "o"))
    (entry,) = project.lineage_store.entries("middle")
    assert entry.parameters == {**values(), "depth": 1}  # type: ignore[union-attr]
