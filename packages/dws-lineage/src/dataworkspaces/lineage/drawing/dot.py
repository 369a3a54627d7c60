"""The graph in the language of Graphviz: ``dot -Tsvg lineage.dot > lineage.svg``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from dataworkspaces.lineage.drawing.looks import Look, look, nodes_of, visible
from dataworkspaces.lineage.graph import DataNode, LineageGraph, StepNode
from dataworkspaces.lineage.model import HashCertificate, ResourceCert

LABEL_LIMIT = 40
"""Characters in a line of a node."""
TOOLTIP_LIMIT = 2000
PIXELS_PER_INCH = 96

# The colours are those of the page: a palette that people with any kind of colour vision tell apart.
_LOOKS: Mapping[Look, Mapping[str, str]] = {
    "step": {"shape": "box", "style": "rounded,filled", "fillcolor": "#33425a", "fontcolor": "#ffffff"},
    "source": {"shape": "cylinder", "fillcolor": "#d4e8f6", "color": "#0072b2"},
    "intermediate": {"shape": "parallelogram", "fillcolor": "#d2f0e6", "color": "#009e73"},
    "result": {"shape": "hexagon", "fillcolor": "#ffeac2", "color": "#d08f00"},
    "imported": {"shape": "octagon", "fillcolor": "#f7e1ee", "color": "#b8578f"},
    "other": {"shape": "ellipse", "fillcolor": "#e8ecf1", "color": "#77869a"},
}
_STATES: Mapping[str, Mapping[str, str]] = {
    "out of date": {"style": "filled,dashed", "color": "#d55e00", "penwidth": "3"},
    "unknown": {"style": "filled,dotted", "color": "#5b6675", "penwidth": "3"},
}
_IMPORTED_STEP = {"fillcolor": "#33425a", "fontcolor": "#ffffff", "penwidth": "3"}


def dot(graph: LineageGraph, width: int | None = None, height: int | None = None) -> str:
    """The graph from left to right.

    :param width: that the drawing may have at most, in pixels of 1/96 inch; None: as large as it gets. ``height``
        likewise."""
    return "\n".join(_lines(graph, width, height)) + "\n"


def _lines(graph: LineageGraph, width: int | None, height: int | None) -> Iterator[str]:
    attributes = {"rankdir": "LR", "tooltip": graph.workspace, "nodesep": "0.2", "ranksep": "0.6"}
    if width is not None or height is not None:
        # Graphviz knows no limit for one of them.
        attributes["size"] = ",".join(f"{(size or 100_000) / PIXELS_PER_INCH:.4g}" for size in (width, height))
    yield "digraph lineage {"
    yield f"  graph {_attributes(attributes)};"
    yield f"  node {_attributes({'style': 'filled', 'fontname': 'sans-serif', 'fontsize': '11'})};"
    yield f"  edge {_attributes({'color': '#77869a', 'arrowsize': '0.7'})};"
    for node in nodes_of(graph):
        yield f"  {_quoted(node.id)} {_attributes(_node(node))};"
    for edge in graph.edges:
        yield f"  {_quoted(edge.source)} -> {_quoted(edge.target)};"
    yield "}"


def _node(node: DataNode | StepNode) -> dict[str, str]:
    if isinstance(node, StepNode):
        name, detail = node.step.step_name, f"{node.step.start_time:%Y-%m-%d %H:%M}"
        facts = [f"{key} = {value}" for key, value in node.step.parameters.items()]
    else:
        name, detail, facts = str(node.cert.ref), version(node.cert), []
    lines = [name, detail]
    if node.state.kind != "current":
        lines.append(node.state.kind)
        facts = [*node.state.reasons, *facts]
    attributes = {
        "label": "\n".join(visible(line, LABEL_LIMIT) for line in lines),
        "tooltip": "\n".join(visible(line, TOOLTIP_LIMIT // 4) for line in [name, *facts])[:TOOLTIP_LIMIT],
        **_LOOKS[look(node)],
    }
    if node.imported and isinstance(node, StepNode):
        attributes.update(_IMPORTED_STEP)
    attributes.update(_STATES.get(node.state.kind, {}))
    return attributes


def version(cert: ResourceCert) -> str:
    """A version, in a word."""
    certificate = cert.certificate
    if isinstance(certificate, HashCertificate):
        return certificate.hashval[:8]
    return f"version {certificate.version}"


def _attributes(attributes: Mapping[str, str]) -> str:
    return "[" + ", ".join(f"{name}={_quoted(value)}" for name, value in attributes.items()) + "]"


def _quoted(text: str) -> str:
    """A string that Graphviz shows as it is. It takes ``&lt;`` for ``<``, and ``\\N`` for the name of the node."""
    lines = [visible(line) for line in text.split("\n")]
    escaped = "\n".join(lines).replace("&", "&amp;").replace("\\", "\\\\").replace('"', '\\"')
    return '"' + escaped.replace("\n", "\\n") + '"'
