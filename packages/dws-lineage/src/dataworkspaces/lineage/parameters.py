"""Parameters of a script: described once, they become options of its command line and parameters of its step."""

from __future__ import annotations

from abc import ABC, abstractmethod
from argparse import ArgumentParser, Namespace
from collections.abc import Iterable
from typing import Any

from dataworkspaces.errors import LineageError


class LineageParameter(ABC):
    """A parameter of a step.

    :param name: its name in the lineage.
    :param default: its value, if nothing gives another."""

    def __init__(self, name: str, default: Any) -> None:
        self.name = name
        self.default = default

    @abstractmethod
    def add_to_arg_parser(self, arg_parser: ArgumentParser) -> None:
        """Add the option that sets it, if there is one."""

    @abstractmethod
    def get_value(self, parsed_args: Namespace) -> Any:
        """Its value, of a command line that was parsed. Raises LineageError if the parser had no such option."""


class CmdLineParameter(LineageParameter):
    """An option ``--NAME VALUE``, with ``-`` for each ``_`` of the name.

    :param type: makes the value of its text, as in argparse.
    :param help: for ``--help``."""

    def __init__(self, name: str, default: Any, type: Any, help: str) -> None:
        super().__init__(name, default)
        self.type = type
        self.help = help

    def get_arg_name(self) -> str:
        """The option."""
        return "--" + self.name.replace("_", "-")

    def add_to_arg_parser(self, arg_parser: ArgumentParser) -> None:
        arg_parser.add_argument(
            self.get_arg_name(), dest=self.name, type=self.type, default=self.default, help=self.help
        )

    def get_value(self, parsed_args: Namespace) -> Any:
        try:
            return getattr(parsed_args, self.name)
        except AttributeError:
            raise LineageError(
                f"The parsed command line has no parameter '{self.name}'",
                hint="Call add_lineage_parameters_to_arg_parser() with the same parameters before parse_args()",
            ) from None


class BooleanParameter(CmdLineParameter):
    """A flag: ``--NAME`` if the default is False, ``--no-NAME`` if it is True."""

    def __init__(self, name: str, default: bool, help: str) -> None:
        super().__init__(name, default, bool, help)
        self.action = "store_false" if default else "store_true"

    def get_arg_name(self) -> str:
        name = self.name.replace("_", "-")
        return f"--no-{name}" if self.default else f"--{name}"

    def add_to_arg_parser(self, arg_parser: ArgumentParser) -> None:
        arg_parser.add_argument(
            self.get_arg_name(), dest=self.name, action=self.action, default=self.default, help=self.help
        )


class ChoiceParameter(CmdLineParameter):
    """An option whose value is one of ``choices``.

    Raises LineageError for a default (other than None) that is none of them."""

    def __init__(self, name: str, choices: Iterable[Any], default: Any, type: Any, help: str) -> None:
        super().__init__(name, default, type, help)
        self.choices = list(choices)
        if default is not None and default not in self.choices:
            raise LineageError(
                f"The default of parameter '{name}' is {default!r}, which is not one of its choices",
                hint=f"Choose from: {', '.join(map(str, self.choices))}",
            )

    def add_to_arg_parser(self, arg_parser: ArgumentParser) -> None:
        arg_parser.add_argument(
            self.get_arg_name(),
            dest=self.name,
            type=self.type,
            choices=self.choices,
            default=self.default,
            help=self.help,
        )


class ConstantParameter(LineageParameter):
    """A value that the command line cannot change, but that belongs to the lineage."""

    def add_to_arg_parser(self, arg_parser: ArgumentParser) -> None:
        """No option."""

    def get_value(self, parsed_args: Namespace) -> Any:
        return self.default


def add_lineage_parameters_to_arg_parser(parser: ArgumentParser, params: Iterable[LineageParameter]) -> None:
    """Add the options of the parameters."""
    for param in params:
        param.add_to_arg_parser(parser)


def get_lineage_parameter_values(params: Iterable[LineageParameter], parsed_args: Namespace) -> dict[str, Any]:
    """The values by name, for :meth:`LineageBuilder.with_parameters`."""
    return {param.name: param.get_value(parsed_args) for param in params}
