"""The page: a file of HTML that shows a graph and needs nothing else, no network either.

What comes from a workspace is in it as JSON only, in an element that no browser executes. The Content-Security-Policy
allows the scripts and the style sheet by their hashes, and nothing to be fetched from anywhere.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from importlib import resources
from typing import Any, ClassVar

from dataworkspaces.lineage.drawing import graph_json
from dataworkspaces.lineage.drawing.looks import look, nodes_of
from dataworkspaces.lineage.exporter import Drawing
from dataworkspaces.lineage.graph import LineageGraph
from dataworkspaces.toolbox.version import get_version

_LIBRARIES = ("vendor/cytoscape.min.js", "vendor/cytoscape-dagre.min.js")
_OWN_SCRIPTS = ("model.js", "layout.js", "drawing.js", "panel.js", "page.js")
_LICENCES = ("cytoscape", "cytoscape-dagre", "dagre", "graphlib")
_ESCAPES = {char: f"\\u{ord(char):04x}" for char in "<>&\u2028\u2029"}


def page(graph: LineageGraph, width: int | None = None, height: int | None = None) -> str:
    """The page, as ASCII text but for what the libraries hold.

    :param width: of the drawing's area, in pixels; None: that of the window. ``height`` likewise."""
    scripts = list(linked_scripts().values())
    elements = "\n".join(f"<script>{script}</script>" for script in scripts)
    return _filled(_data(graph, width, height), " ".join(map(_source, scripts)), elements, licences())


def linked_page(graph: LineageGraph, place: str) -> str:
    """The same, for many pages that share their scripts.

    :param place: of :func:`linked_scripts`, seen from the page: ``app/``."""
    elements = "\n".join(f'<script src="{place}{name}"></script>' for name in linked_scripts())
    return _filled(_data(graph, None, None), "'self'", elements, f"Their licences are in {place}lineage-libraries.txt")


def linked_scripts() -> dict[str, str]:
    """The scripts of the page by their names, in the order in which they run."""
    found = {name.rpartition("/")[2]: _without_source_map(_read(name)) for name in _LIBRARIES}
    return {**found, "lineage.js": "\n".join(_read(name) for name in _OWN_SCRIPTS)}


def licences() -> str:
    """Those of the libraries of the page."""
    return "\n\n".join(_licence(name) for name in _LICENCES)


def _filled(data: dict[str, Any], script_sources: str, scripts: str, licences: str) -> str:
    style = _read("page.css")
    parts = {
        "POLICY": "; ".join(
            [
                "default-src 'none'",
                f"script-src {script_sources}",
                f"style-src {_source(style)}",
                "img-src data:",
                "base-uri 'none'",
                "form-action 'none'",
            ]
        ),
        "GENERATOR": f"Data Workspaces {get_version()}",
        "LICENCES": licences,
        "STYLE": style,
        "DATA": json_for_script(data),
        "SCRIPTS": scripts,
    }
    # All at once: what is put in is not searched for further places.
    return re.sub("@([A-Z]+)@", lambda match: parts[match[1]], _read("page.html"))


def json_for_script(data: Any) -> str:
    """JSON that can stand in a script element, whatever names and values are in it."""
    return re.sub("[<>&\u2028\u2029]", lambda match: _ESCAPES[match[0]], json.dumps(data, separators=(",", ":")))


def _data(graph: LineageGraph, width: int | None, height: int | None) -> dict[str, Any]:
    """What the scripts read. Steps have the number of their environment, which often is the same for all of them."""
    data = graph_json(graph)
    environments: dict[str, int] = {}
    for node, values in zip(nodes_of(graph), data["nodes"], strict=True):
        values["look"] = look(node)
        if values.get("environment") is not None:
            key = json.dumps(values["environment"], sort_keys=True)
            values["environment"] = environments.setdefault(key, len(environments))
    return {
        "graph": data,
        "environments": [json.loads(environment) for environment in environments],
        "width": width,
        "height": height,
    }


def _read(name: str) -> str:
    return resources.files(__package__).joinpath(name).read_text(encoding="utf-8")


def _source(text: str) -> str:
    """How a policy names an element with this text in it."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _without_source_map(script: str) -> str:
    """A browser's developer tools would look for a file that is not there."""
    return re.sub(r"^//# sourceMappingURL=.*$", "", script, flags=re.MULTILINE)


def _licence(name: str) -> str:
    text = _read(f"vendor/LICENSE.{name}").strip()
    return f"{name}\n\n{text}".replace("--", "- -")  # which would end the comment that they stand in


class _Page(Drawing):
    name: ClassVar[str] = "html"
    help: ClassVar[str] = "a self-contained page for the browser"

    def draw(self, graph: LineageGraph, width: int | None, height: int | None) -> str:
        return page(graph, width, height)


HTML = _Page()
