"""``dws lineage export``."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from dataworkspaces.errors import ConfigurationError
from dataworkspaces.lineage.attestations import attestations_of
from dataworkspaces.lineage.exporter import TextExporter, load_exporter
from dataworkspaces.lineage.workspace_graph import lineage_graph
from dataworkspaces.toolbox.output import names_stdout

if TYPE_CHECKING:
    from dataworkspaces.workspace import Workspace


def export_command(
    workspace: Workspace, format_name: str, out: str, *, snapshot: str | None = None, resource: str | None = None
) -> str | None:
    """Export the lineage of a resource, or of all, now or in a snapshot.

    :param out: a path; one that names stdout returns the text instead of writing it."""
    exporter, is_stdout = load_exporter(format_name), names_stdout(out)
    if is_stdout and not isinstance(exporter, TextExporter):
        raise ConfigurationError(
            f"The format {format_name} is not a string, and cannot go to stdout", hint="Name a file or a directory"
        )
    with _no_search_for_cycles():
        graph = lineage_graph(workspace, resource, snapshot, whole=resource is None)
        if graph.snapshot is not None:
            graph = graph._replace(attestations=tuple(attestations_of(workspace, graph.snapshot)))
        if is_stdout and isinstance(exporter, TextExporter):
            return exporter.text(graph)
        exporter.write(graph, Path(out))
    return None


@contextmanager
def _no_search_for_cycles() -> Iterator[None]:
    """Millions of small objects come, and all of them are needed to the end; Python would look through them for
    garbage again and again."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
