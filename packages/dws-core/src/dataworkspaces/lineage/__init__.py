"""The lineage of results: each step of a pipeline says what it read, ran and wrote.

Describe a step with :class:`LineageBuilder`, and run it within the :class:`Lineage` that this makes.
"""

from dataworkspaces.lineage.builder import LineageBuilder
from dataworkspaces.lineage.file_store import FileLineageStore
from dataworkspaces.lineage.jsonable import jsonable
from dataworkspaces.lineage.naming import infer_step
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
from dataworkspaces.lineage.seeds import watch_seeds
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
    "ResourceRef",
    "ResultsLineage",
    "add_lineage_parameters_to_arg_parser",
    "get_lineage_parameter_values",
    "infer_step",
    "jsonable",
]

watch_seeds()
