"""The lineage of results: each step of a pipeline says what it read, ran and wrote.

Describe a step with :class:`LineageBuilder`, and run it within the :class:`Lineage` that this makes.
"""

from dataworkspaces.lineage.builder import LineageBuilder
from dataworkspaces.lineage.jsonable import jsonable
from dataworkspaces.lineage.naming import infer_step
from dataworkspaces.lineage.step import Lineage, ResultsLineage
from dataworkspaces.lineage.store import FileLineageStore, LineageStore
from dataworkspaces.workspace.resource_ref import ResourceRef

__all__ = [
    "FileLineageStore",
    "Lineage",
    "LineageBuilder",
    "LineageStore",
    "ResourceRef",
    "ResultsLineage",
    "infer_step",
    "jsonable",
]
