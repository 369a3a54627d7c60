"""Lineage in the formats of standards.

Each is a :class:`~dataworkspaces.lineage.exporter.Exporter`, announced by an entry point of the group
``dataworkspaces.exporters``; ours are in :mod:`dataworkspaces.exports.formats`. What a format needs of a graph is in
:mod:`dataworkspaces.exports.view`, for the formats of others too.
"""

from dataworkspaces.exports.view import Execution, LineageView, Version

__all__ = ["Execution", "LineageView", "Version"]
