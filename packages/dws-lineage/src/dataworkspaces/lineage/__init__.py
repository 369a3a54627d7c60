"""The lineage of results: each step of a pipeline says what it read, ran and wrote.

Describe a step with :class:`LineageBuilder`, and run it within the :class:`Lineage` that this makes.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from dataworkspaces.lineage.jsonable import jsonable  # now: its module has the same name

if TYPE_CHECKING:
    from dataworkspaces.lineage.builder import LineageBuilder
    from dataworkspaces.lineage.file_store import FileLineageStore
    from dataworkspaces.lineage.model import NotebookRecord
    from dataworkspaces.lineage.parameters import (
        BooleanParameter,
        ChoiceParameter,
        CmdLineParameter,
        ConstantParameter,
        LineageParameter,
        add_lineage_parameters_to_arg_parser,
        get_lineage_parameter_values,
    )
    from dataworkspaces.lineage.results_step import ResultsLineage
    from dataworkspaces.lineage.script import infer_step
    from dataworkspaces.lineage.step import Lineage
    from dataworkspaces.lineage.store import LineageStore
    from dataworkspaces.workspace.resource_ref import ResourceRef

__all__ = [
    "BooleanParameter",
    "ChoiceParameter",
    "CmdLineParameter",
    "ConstantParameter",
    "FileLineageStore",
    "Lineage",
    "LineageBuilder",
    "LineageParameter",
    "LineageStore",
    "NotebookRecord",
    "ResourceRef",
    "ResultsLineage",
    "add_lineage_parameters_to_arg_parser",
    "get_lineage_parameter_values",
    "infer_step",
    "jsonable",
]

_PARAMETERS = "dataworkspaces.lineage.parameters"
_MODULES = {
    "FileLineageStore": "dataworkspaces.lineage.file_store",
    "Lineage": "dataworkspaces.lineage.step",
    "LineageBuilder": "dataworkspaces.lineage.builder",
    "LineageStore": "dataworkspaces.lineage.store",
    "NotebookRecord": "dataworkspaces.lineage.model",
    "ResourceRef": "dataworkspaces.workspace.resource_ref",
    "ResultsLineage": "dataworkspaces.lineage.results_step",
    "infer_step": "dataworkspaces.lineage.script",
}


def __getattr__(name: str) -> Any:
    """Commands of ``dws`` need the store alone, and need it soon: the rest is imported when it is asked for."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(_MODULES.get(name, _PARAMETERS)), name)
    return value
