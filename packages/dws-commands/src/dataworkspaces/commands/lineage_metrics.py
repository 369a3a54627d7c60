"""The metrics of the results in a lineage, as their files have them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dataworkspaces.commands.experiments import results_of
from dataworkspaces.commands.results import results_resources
from dataworkspaces.errors import DwsError
from dataworkspaces.toolbox.flat import scalars
from dataworkspaces.toolbox.logs import log
from dataworkspaces.workspace.results import RESULTS_FILE

if TYPE_CHECKING:
    from dataworkspaces.lineage.drawing import Format
    from dataworkspaces.lineage.graph import DataNode, LineageGraph
    from dataworkspaces.workspace import Workspace


def draw_with_metrics(
    workspace: Workspace, graph: LineageGraph, format_name: Format, width: int | None, height: int | None
) -> str:
    """As :func:`dataworkspaces.lineage.drawing.draw`, with metrics where the format shows them: on a page."""
    from dataworkspaces.lineage.drawing import draw

    return draw(with_metrics(workspace, graph) if format_name == "html" else graph, format_name, width, height)


def with_metrics(workspace: Workspace, graph: LineageGraph) -> LineageGraph:
    """The graph, with the metrics of each version of results whose files are there. Those that cannot be read are left
    out: a lineage is of use without them."""
    made = {edge.target for edge in graph.edges}
    # A version that was replaced has no step that made it; its files are those of a later one.
    present = [node for node in graph.data if node.state.kind != "out of date" or node.id in made]
    metrics: dict[str, dict[str, Any]] = {}
    snapshot = (
        None if graph.snapshot is None else workspace.as_snapshot_ws().get_snapshot_by_tag_or_hash(graph.snapshot)
    )
    for name in results_resources(workspace, quiet=True):
        nodes = [node for node in present if node.cert.ref.name == name and not node.imported]
        if not nodes:
            continue
        try:
            for place, data in results_of(workspace, name, snapshot):
                values = scalars(data.get("metrics"))
                for node in nodes:
                    if _covers(node, place):
                        prefix = f"{place}/" if place and node.cert.ref.subpath != place else ""
                        found = {f"{prefix}{key}": value for key, value in values.items()}
                        metrics[node.id] = {**metrics.get(node.id, {}), **found}
        except DwsError as e:
            log.info("the metrics of '%s' are not in the graph: %s", name, e)
    return graph._replace(metrics=metrics)


def _covers(node: DataNode, place: str) -> bool:
    """Whether the results file of a place is, or lies in, what a node is a version of."""
    subpath = node.cert.ref.subpath
    file = f"{place}/{RESULTS_FILE}".lstrip("/")
    return not subpath or file == subpath or file.startswith(f"{subpath}/")
