"""Our formats, as the entry points name them. Each imports its library when it writes."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from dataworkspaces.exports.view import LineageView
from dataworkspaces.lineage.exporter import Exporter, TextExporter, library
from dataworkspaces.lineage.graph import LineageGraph


class _OpenLineage(TextExporter):
    name: ClassVar[str] = "openlineage"
    help: ClassVar[str] = "OpenLineage run events, a JSON object a line"

    def text(self, graph: LineageGraph) -> str:
        with library("openlineage-python", "dws-exports"):
            from dataworkspaces.exports.openlineage import to_json_lines
        return to_json_lines(LineageView(graph))


class _Prov(TextExporter):
    name: ClassVar[str] = "prov"
    help: ClassVar[str] = "W3C PROV, as PROV-JSON"

    def text(self, graph: LineageGraph) -> str:
        with library("prov", "dws-exports"):
            from dataworkspaces.exports.prov import to_prov_json
        return to_prov_json(LineageView(graph))


class _ROCrate(Exporter):
    name: ClassVar[str] = "ro-crate"
    help: ClassVar[str] = "a Process Run RO-Crate: a directory, or a file that ends with .zip"

    def write(self, graph: LineageGraph, out: Path) -> None:
        with library("rocrate", "dws-exports"):
            from dataworkspaces.exports.ro_crate import write_crate
        write_crate(LineageView(graph), out)


OPENLINEAGE = _OpenLineage()
PROV = _Prov()
RO_CRATE = _ROCrate()
