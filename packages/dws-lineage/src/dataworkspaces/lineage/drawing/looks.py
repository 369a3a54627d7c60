"""What a node is at a glance, and how text from anywhere is shown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal

from dataworkspaces.lineage.graph import DataNode, LineageGraph, StepNode
from dataworkspaces.plain_text import escape
from dataworkspaces.workspace.resource import ResourceRoles

__all__ = ["Look", "look", "nodes_of", "visible"]

Look = Literal["step", "source", "intermediate", "result", "imported", "other"]

_OF_ROLE: Mapping[str | None, Look] = {
    ResourceRoles.SOURCE_DATA_SET: "source",
    ResourceRoles.INTERMEDIATE_DATA: "intermediate",
    ResourceRoles.RESULTS: "result",
}


def nodes_of(graph: LineageGraph) -> Iterator[DataNode | StepNode]:
    """All nodes, in the order of the graph's JSON."""
    yield from graph.data
    yield from graph.steps


def look(node: DataNode | StepNode) -> Look:
    """That another workspace made a node is more than what it is used for here."""
    if node.imported:
        return "imported"
    return "step" if isinstance(node, StepNode) else _OF_ROLE.get(node.role, "other")


def visible(text: str, limit: int | None = None) -> str:
    """``text`` with its control characters, and those that reverse its direction, shown as ``\\n``, ``\\u202e``, ...

    :param limit: of characters; the middle of a longer text is left out."""
    if limit is not None and len(text) > limit:
        text = f"{text[: limit // 2]}…{text[-(limit - limit // 2 - 1) :]}"
    return escape(text)
