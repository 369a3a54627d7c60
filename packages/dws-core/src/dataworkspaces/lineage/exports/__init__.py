"""Lineage in the formats of standards.

An :class:`Exporter` writes one format; the entry-point group ``dataworkspaces.exporters`` announces them, ours in
:mod:`dataworkspaces.lineage.exports.formats`. What a format needs of a graph is in
:mod:`dataworkspaces.lineage.exports.view`, for the formats of others too.
"""

from dataworkspaces.lineage.exports.base import Exporter, TextExporter
from dataworkspaces.lineage.exports.view import Execution, LineageView, Version

__all__ = ["Execution", "Exporter", "LineageView", "TextExporter", "Version"]
