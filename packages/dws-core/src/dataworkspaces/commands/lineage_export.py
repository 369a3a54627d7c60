"""``dws lineage export``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from dataworkspaces import plugins
from dataworkspaces.errors import ConfigurationError, PluginError
from dataworkspaces.lineage.exporter import Exporter, TextExporter
from dataworkspaces.lineage.workspace_graph import lineage_graph

if TYPE_CHECKING:
    from dataworkspaces.workspace import Workspace


def export_command(
    workspace: Workspace, format_name: str, out: str, *, snapshot: str | None = None, resource: str | None = None
) -> str | None:
    """Export the lineage of a resource, or of all, now or in a snapshot.

    :param out: a path; ``-`` returns the text instead of writing it."""
    exporter = load_exporter(format_name)
    if out == "-" and not isinstance(exporter, TextExporter):
        raise ConfigurationError(
            f"The format {format_name} is not a text, and cannot go to stdout", hint="Name a file or a directory"
        )
    graph = lineage_graph(workspace, resource, snapshot, whole=resource is None)
    if out == "-" and isinstance(exporter, TextExporter):
        return exporter.text(graph)
    exporter.write(graph, Path(out))
    return None


def load_exporter(name: str) -> Exporter:
    """Raises PluginError if there is no such format, or if its plug-in is of no use."""
    exporter = plugins.load(plugins.EXPORTERS, name)
    if not isinstance(exporter, Exporter):
        raise PluginError(
            f"The export format '{name}' is no instance of {Exporter.__module__}.{Exporter.__qualname__}",
            hint="Report it to the maker of the plug-in",
        )
    return exporter
