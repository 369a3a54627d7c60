"""``%dws_step`` and ``%%dws_run``: a notebook, or a cell of it, as a step."""

from __future__ import annotations

import ast
from argparse import Namespace
from typing import Any

from IPython.core.error import UsageError

from dataworkspaces.kit_support.places import find_inputs, find_results, open_workspace
from dataworkspaces.kits.jupyter.builder import NotebookLineageBuilder
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


def run_cell(shell: Any, options: Namespace, workspace_directory: str | None, cell: str) -> None:
    """Run a cell as a step. If it fails its error is shown, and the step is recorded as failed."""
    name = begin_step(shell, options, workspace_directory)
    try:
        result = shell.run_cell(cell, store_history=False)
    except BaseException:
        drop_step(shell)
        raise
    if not result.success:
        drop_step(shell)
        raise UsageError(f"dws_run: The cell failed, and so did step {name}; what it wrote is marked as unknown")
    complete_step(shell)
    print(f"Recorded step {escape(name)}")


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
