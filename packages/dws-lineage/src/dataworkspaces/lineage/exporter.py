"""The contract of an export format."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar

from dataworkspaces import plugins
from dataworkspaces.errors import PluginError
from dataworkspaces.lineage.graph import LineageGraph
from dataworkspaces.toolbox.output import write_output

__all__ = ["Drawing", "Exporter", "TextExporter", "library", "load_drawing", "load_exporter"]


class Exporter(ABC):
    """A format. An entry point of the group ``dataworkspaces.exporters`` names an instance.

    The module of the entry point is imported to list the formats: a library that only some users have is imported in
    :meth:`write`, within :func:`library`.

    :cvar name: that of the entry point.
    :cvar help: what it is, in a line.
    """

    name: ClassVar[str]
    help: ClassVar[str]

    @abstractmethod
    def write(self, graph: LineageGraph, out: Path) -> None:
        """Write the graph to ``out``: a file, or a directory if the format is one. What an earlier export left there
        is replaced; anything else is refused with ConfigurationError. An error leaves what was there.

        Names, parameters and the like in the graph are text of strangers: nothing in them may choose where is
        written."""


class TextExporter(Exporter):
    """A format that is one text file, and so can go to stdout."""

    @abstractmethod
    def text(self, graph: LineageGraph) -> str:
        """The content of the file."""

    def write(self, graph: LineageGraph, out: Path) -> None:
        write_output(out, self.text(graph).encode("utf-8"))


class Drawing(TextExporter):
    """A picture of a graph. ``dws lineage graph`` asks for the one of the name ``html``."""

    @abstractmethod
    def draw(self, graph: LineageGraph, width: int | None, height: int | None) -> str:
        """The content of the file.

        :param width: of the drawing's area, in pixels; None: as there is space. ``height`` likewise."""

    def text(self, graph: LineageGraph) -> str:
        return self.draw(graph, None, None)


def load_exporter(name: str) -> Exporter:
    """The format of a name. Raises PluginError if there is none, or if its plug-in is of no use."""
    exporter = plugins.load(plugins.EXPORTERS, name)
    if not isinstance(exporter, Exporter):
        raise _no_instance(name, Exporter)
    return exporter


def load_drawing(name: str) -> Drawing:
    """Likewise, for a format that is a picture."""
    exporter = load_exporter(name)
    if not isinstance(exporter, Drawing):
        raise _no_instance(name, Drawing)
    return exporter


def _no_instance(name: str, kind: type) -> PluginError:
    return PluginError(
        f"The export format '{name}' is not an instance of {kind.__module__}.{kind.__qualname__}",
        hint="Report it to the author of the plug-in",
    )


@contextmanager
def library(distribution: str, install: str) -> Iterator[None]:
    """Around the import of a module that needs a distribution that may be missing, or broken.

    :param install: what to install to have it."""
    try:
        yield
    except ImportError as e:
        if (e.name or "").startswith("dataworkspaces"):
            raise
        raise PluginError(
            f"The export needs the distribution {distribution}, which is not installed ({e})",
            hint=f"Install it with: pip install {install}",
        ) from e
