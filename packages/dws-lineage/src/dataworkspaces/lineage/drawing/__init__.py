"""Drawings of a lineage: the language of Graphviz, and JSON. The page for a browser is an export format, ``html``, that
``dws-web`` brings."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal, get_args

from dataworkspaces.errors import ConfigurationError, NotFoundError, kind_of_os_error
from dataworkspaces.lineage.graph import LineageGraph
from dataworkspaces.lineage.jsonable import jsonable
from dataworkspaces.toolbox.atomic import to_json
from dataworkspaces.toolbox.output import write_output

__all__ = ["FORMATS", "Format", "check_target", "draw", "format_of", "graph_json", "write_drawing"]

Format = Literal["html", "dot", "json"]
FORMATS: tuple[Format, ...] = get_args(Format)
_OF_SUFFIX: dict[str, Format] = {".dot": "dot", ".gv": "dot", ".json": "json"}


def format_of(path: Path) -> Format:
    """The format that the name of a file asks for: a page, if it says nothing."""
    return _OF_SUFFIX.get(path.suffix.lower(), "html")


def draw(graph: LineageGraph, format_name: Format, width: int | None = None, height: int | None = None) -> str:
    """The text of a drawing. Raises PluginError if there is nobody to make the page.

    :param width: in pixels, of the drawing's area; None: that of the window. ``height`` likewise. JSON has neither."""
    if format_name == "dot":
        from dataworkspaces.lineage.drawing.dot import dot

        return dot(graph, width, height)
    if format_name == "json":
        return to_json(graph_json(graph)) + "\n"
    from dataworkspaces.lineage.exporter import load_drawing

    return load_drawing(format_name).draw(graph, width, height)


def graph_json(graph: LineageGraph) -> dict[str, Any]:
    """The graph as JSON has it, in which there is no NaN."""
    data = graph.to_json()
    return {**data, "nodes": [jsonable(node) for node in data["nodes"]]}


def check_target(path: Path) -> None:
    """Raises ConfigurationError if no file can be written there. Asked before the lineage is read, which may take
    long."""
    try:
        is_directory, has_directory = path.is_dir(), path.exists() or path.resolve().parent.is_dir()
    except (OSError, RuntimeError) as e:  # a name that is too long; links that go round in a circle
        raise kind_of_os_error(e)(f"{path} cannot be a file: {e}") from e
    if is_directory:
        raise ConfigurationError(f"{path} is a directory", hint="Name a file")
    if not has_directory:
        raise NotFoundError(f"The directory of {path} does not exist", hint="Create it first")


def write_drawing(path: Path, text: str) -> None:
    """As :func:`~dataworkspaces.toolbox.output.write_output`, into a directory that is there."""
    check_target(path)
    write_output(path, text.encode("utf-8"))
