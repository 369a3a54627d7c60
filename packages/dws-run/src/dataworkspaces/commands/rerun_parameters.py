"""A recorded step with other parameters."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

from dataworkspaces.commands.params_file import check_inside, read_parameters
from dataworkspaces.commands.rerun_graph import Execution
from dataworkspaces.errors import ConfigurationError


def with_parameters(execution: Execution, parameters: Mapping[str, Any]) -> Execution:
    """The execution with other values of some parameters: those that ``dws run --param`` recorded, and those that are
    options on its command line (``--C 1``, ``--C=1``, ``C=1``), which is changed.

    Raises ConfigurationError for a parameter that is neither: it would change nothing."""
    recorded = {} if execution.record is None else dict(execution.record.parameters)
    command = list(execution.command or ())
    for name, value in parameters.items():
        is_on_it = _replace(command, name, value)
        if not is_on_it and name not in recorded:
            known = ", ".join({**recorded, **execution.parameters}) or "none"
            raise ConfigurationError(
                f"--param: step {execution.name} has no parameter '{name}' that can be set, and no option --{name}",
                hint=f"Its parameters: {known}. Change others in its code, or run its command yourself",
            )
        if name in recorded:
            recorded[name] = value
    record = execution.record
    if record is not None:
        record = record._replace(parameters=recorded, command=tuple(command))
    return replace(execution, command=tuple(command) if execution.command is not None else None, record=record)


def changed_in_files(execution: Execution, directory: str, root: str | None) -> list[str]:
    """What the files with parameters of a step say otherwise than when it ran, in a few words each."""
    record = execution.record
    if record is None or not record.params_files:
        return []
    try:
        check_inside(record.params_files, directory, root)
        now = read_parameters(record.params_files, directory)
    except ConfigurationError as e:
        return [e.message]
    then = record.parameters
    return [
        f"parameter {name} is {json.dumps(value)}, was {json.dumps(then[name]) if name in then else 'not there'}"
        for name, value in now.items()
        if name not in then or json.dumps(value) != json.dumps(then[name])
    ]


def with_files(execution: Execution, directory: str, root: str | None, given: Collection[str] = ()) -> Execution:
    """The execution with the values that its files have now, but for the parameters that the user has ``given``."""
    record = execution.record
    if record is None or not record.params_files:
        return execution
    check_inside(record.params_files, directory, root)
    now = {name: value for name, value in read_parameters(record.params_files, directory).items() if name not in given}
    return replace(execution, record=record._replace(parameters={**record.parameters, **now}))


def _replace(command: list[str], name: str, value: Any) -> bool:
    """Put a value in the place of that on a command line; False if it is not there. The last one counts, as it does
    for most programs."""
    text = value if isinstance(value, str) else json.dumps(value)
    options = _spelled(name)
    for number in range(len(command) - 1, 0, -1):
        argument = command[number]
        before, equals, _ = argument.partition("=")
        if equals and (before in options or before == name):
            command[number] = f"{before}={text}"
            return True
        if argument in options and number + 1 < len(command):
            command[number + 1] = text
            return True
    return False


def _spelled(name: str) -> Sequence[str]:
    dashed = name.replace("_", "-")
    short = [f"-{name}"] if len(name) == 1 else []
    return [f"--{name}", f"--{dashed}", *short]
