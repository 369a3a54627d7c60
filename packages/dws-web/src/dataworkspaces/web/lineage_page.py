"""A lineage as the front end reads it, and the page of one: a file of HTML that shows it and needs nothing else, no
network either.

What comes from a workspace is in the page as JSON only, in an element that no browser executes. The
Content-Security-Policy allows the script and the style sheet by their hashes, and nothing to be fetched from anywhere.
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
from dataworkspaces.lineage.graph import DataNode, LineageGraph, version_json
from dataworkspaces.lineage.jsonable import jsonable
from dataworkspaces.toolbox.version import get_version
from dataworkspaces.web.built import APP

_ESCAPES = {char: f"\\u{ord(char):04x}" for char in "<>&\u2028\u2029"}


def lineage_data(graph: LineageGraph, width: int | None = None, height: int | None = None) -> dict[str, Any]:
    """What the script reads. Steps have the number of their environment, which often is the same for all of them.

    :param width: of the drawing's area, in pixels; None: as there is space. ``height`` likewise."""
    data = graph_json(graph)
    environments: dict[str, int] = {}
    for node, values in zip(nodes_of(graph), data["nodes"], strict=True):
        values["look"] = look(node)
        if isinstance(node, DataNode):
            values["metrics"] = jsonable(dict(graph.metrics.get(node.id) or {})) or None
            continue
        for name, certs in (("inputs", node.step.inputs), ("outputs", node.step.outputs)):
            values[name] = [version_json(cert) for cert in certs]
        if values.get("environment") is not None:
            key = json.dumps(values["environment"], sort_keys=True)
            values["environment"] = environments.setdefault(key, len(environments))
    return {
        "graph": data,
        "environments": [json.loads(environment) for environment in environments],
        "width": width,
        "height": height,
    }


def page(graph: LineageGraph, width: int | None = None, height: int | None = None) -> str:
    """The page, as ASCII text but for what the libraries hold.

    :param width: of the drawing's area, in pixels; None: that of the window. ``height`` likewise."""
    style, script = _app("lineage.css"), _app("lineage.js")
    policy = [
        "default-src 'none'",
        f"script-src {_source(script)}",
        f"style-src {_source(style)}",
        "img-src data:",
        "base-uri 'none'",
        "form-action 'none'",
    ]
    parts = {
        "POLICY": "; ".join(policy),
        "GENERATOR": f"Data Workspaces {get_version()}",
        "LICENCES": _app("LICENSES-lineage.txt").strip().replace("--", "- -"),  # which would end their comment
        "STYLE": style,
        "DATA": json_for_script(lineage_data(graph, width, height)),
        "SCRIPT": script,
    }
    frame = resources.files(__package__).joinpath("lineage_page.html").read_text(encoding="utf-8")
    # All at once: what is put in is not searched for further places.
    return re.sub("@([A-Z]+)@", lambda match: parts[match[1]], frame)


def json_for_script(data: Any) -> str:
    """JSON that can stand in a script element, whatever names and values are in it."""
    return re.sub("[<>&\u2028\u2029]", lambda match: _ESCAPES[match[0]], json.dumps(data, separators=(",", ":")))


def _app(name: str) -> str:
    return APP.joinpath(name).read_text(encoding="utf-8")


def _source(text: str) -> str:
    """How a policy names an element with this text in it."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


class _Page(Drawing):
    name: ClassVar[str] = "html"
    help: ClassVar[str] = "a self-contained page for the browser"

    def draw(self, graph: LineageGraph, width: int | None, height: int | None) -> str:
        return page(graph, width, height)


HTML = _Page()
