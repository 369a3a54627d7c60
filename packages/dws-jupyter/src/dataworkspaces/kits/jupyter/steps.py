"""``%dws_step`` and ``%%dws_run``: a notebook, or a cell of it, as a step."""

from __future__ import annotations

import ast
from argparse import Namespace
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from IPython.core.error import UsageError

from dataworkspaces.kit_support.places import find_inputs, find_results, open_workspace
from dataworkspaces.kits.jupyter.builder import NotebookLineageBuilder
from dataworkspaces.kits.jupyter.stand_ins import IdleStep
from dataworkspaces.lineage import Lineage, ResourceRef
from dataworkspaces.plain_text import escape

STEP = "DWS_STEP"
"""The variable with the step that runs."""


def begin_step(shell: Any, options: Namespace, workspace_directory: str | None) -> str:
    """Begin the step that the options describe, and return its name. Files that are opened through the file systems of
    resources until it ends are its inputs and outputs."""
    parameters = dict(_parameter(text) for text in options.param)
    workspace = open_workspace(workspace_directory)
    results = find_results(workspace, options.resource)
    builder = NotebookLineageBuilder(results, options.step_name)
    builder.with_workspace(workspace).with_parameters(parameters)
    inputs = [_place(text, set(workspace.get_resource_names())) for text in options.input]
    if inputs:
        for ref in find_inputs(workspace, inputs):
            builder.with_input_ref(ref)
    else:
        builder.with_no_inputs()
    step = builder.eval()
    step.track_reads()
    shell.push({STEP: step})
    return step.step_name


def complete_step(shell: Any) -> None:
    """Record the step that runs, if one does."""
    step = shell.user_ns.get(STEP)
    if isinstance(step, Lineage):
        step.complete()
        del shell.user_ns[STEP]


def drop_step(shell: Any) -> None:
    """Let go of a step that was begun and never completed: the notebook runs again from the top."""
    step = shell.user_ns.pop(STEP, None)
    if isinstance(step, Lineage):
        step.abort()


class RecordedStep:
    """The step that a cell is."""

    def __init__(self, shell: Any, options: Namespace, workspace_directory: str | None) -> None:
        self._shell = shell
        self._options = options
        self._workspace_directory = workspace_directory
        self._name = ""

    def begin(self) -> None:
        self._name = begin_step(self._shell, self._options, self._workspace_directory)

    def fail(self) -> str:
        """Returns what there is to say."""
        drop_step(self._shell)
        return f"The cell failed, and so did step {self._name}; what it wrote is marked as unknown"

    def complete(self) -> None:
        complete_step(self._shell)
        print(f"Recorded step {escape(self._name)}")


class IdleStepOfCell:
    """What takes its place while the magics are disabled.

    :param options: None if they could not be read."""

    def __init__(self, shell: Any, options: Namespace | None) -> None:
        self._shell = shell
        self._options = options

    def begin(self) -> None:
        parameters = {}
        for text in () if self._options is None else self._options.param:
            with suppress(UsageError):
                name, value = _parameter(text)
                parameters[name] = value
        step_name = None if self._options is None else self._options.step_name
        self._shell.push({STEP: IdleStep(step_name, parameters)})

    def fail(self) -> str:
        self.complete()
        return "The cell failed"

    def complete(self) -> None:
        self._shell.user_ns.pop(STEP, None)


def run_cell(shell: Any, cell: str, step: RecordedStep | IdleStepOfCell) -> Coroutine[Any, Any, None] | None:
    """Run a cell as a step. If it fails its error is shown, and the step is recorded as failed.

    A cell that awaits something is run by what is returned: see :func:`await_the_cell`."""
    transformed = shell.transform_cell(cell)
    if shell.should_run_async(cell, transformed_cell=transformed):
        return _run_async(shell, cell, transformed, step)
    step.begin()
    with _failing(step):
        _check(shell.run_cell(cell, store_history=False), step)
    step.complete()
    return None


async def _run_async(shell: Any, cell: str, transformed: str, step: RecordedStep | IdleStepOfCell) -> None:
    step.begin()
    with _failing(step):
        _check(await shell.run_cell_async(cell, store_history=False, transformed_cell=transformed), step)
    step.complete()


def await_the_cell(shell: Any) -> Callable[[list[str]], list[str]]:
    """What lets IPython run a cell with ``%%dws_run`` in its loop, if what stands below awaits something. (A magic that
    runs already could not wait: the loop waits for it.)"""

    def transform(lines: list[str]) -> list[str]:
        first, *body = lines or [""]
        name, _, options = first.rstrip("\n").partition(" ")
        cell = "".join(body)
        if name != "%%dws_run" or not shell.should_run_async(cell, transformed_cell=shell.transform_cell(cell)):
            return lines
        return [f"await get_ipython().run_cell_magic('dws_run', {options!r}, {cell!r})\n"]

    return transform


@contextmanager
def _failing(step: RecordedStep | IdleStepOfCell) -> Iterator[None]:
    try:
        yield
    except UsageError:
        raise
    except BaseException:
        step.fail()
        raise


def _check(result: Any, step: RecordedStep | IdleStepOfCell) -> None:
    if not result.success:
        raise UsageError(f"dws_run: {step.fail()}")


def _parameter(text: str) -> tuple[str, Any]:
    name, sign, value = text.partition("=")
    if not sign or not name:
        raise UsageError(f"--param {text}: Write it as NAME=VALUE")
    try:
        return name, ast.literal_eval(value)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return name, value


def _place(text: str, names: set[str]) -> str | ResourceRef:
    """A resource, a place in one, or a local path."""
    name, sign, subpath = text.partition(":")
    return ResourceRef(name, subpath.strip("/") or None) if sign and name in names and text not in names else text
