"""Kinds of environments that steps run in: a Python with its distributions, a conda environment, a container.

An entry point of the group ``dataworkspaces.environments`` names an instance of :class:`EnvironmentKind`. Each writes
down what it knows as one document, in a format of its own that other programs know too. The document is kept once for
each content, on this machine when a step ends, and with the snapshots whose lineage names it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

from dataworkspaces.errors import NotSupportedError

__all__ = ["Created", "EnvironmentKind", "Package", "Process", "Source"]


class Process(NamedTuple):
    """A process that was a step, or part of one.

    :ivar python: the version of its Python; None if it was none.
    :ivar prefix: ``sys.prefix``, the directory of its environment.
    :ivar paths: its ``sys.path``.
    :ivar variables: its environment variables.
    :ivar root: the directory of the workspace, if it has one.
    """

    python: str | None = None
    implementation: str | None = None
    prefix: str | None = None
    paths: tuple[str, ...] = ()
    variables: Mapping[str, str] = {}
    root: Path | None = None


class Package(NamedTuple):
    """What an environment has installed.

    :ivar source: where it came from, as a user reads it; None if that is the index, by its name.
    :ivar hashes: whether the document has the hashes of its archives.
    :ivar contents: a hash of the files as installed; None if nobody can tell.
    """

    name: str
    version: str | None
    source: str | None = None
    hashes: bool = False
    editable: bool = False
    contents: str | None = None

    def to_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "version": self.version,
            "source": self.source,
            "hashes": self.hashes,
            "editable": self.editable,
            "contents": self.contents,
        }


class Source(NamedTuple):
    """What making an environment would fetch, or run, on behalf of whoever wrote the document.

    :ivar address: a URL, a path of this machine, or the name of a package in an index.
    :ivar what: the packages that come from there."""

    address: str
    what: tuple[str, ...]


class Created(NamedTuple):
    """An environment that was made.

    :ivar differences: in what it is not as the document says, a line each; empty if it is the same.
    :ivar verified: how many packages hold the same files, by their hashes."""

    directory: Path
    packages: int
    verified: int
    differences: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        return {
            "directory": str(self.directory),
            "packages": self.packages,
            "verified": self.verified,
            "differences": list(self.differences),
        }


class EnvironmentKind(ABC):
    """The contract. Its module is imported in each program that records steps: it imports nothing that is large. What
    :meth:`state` and :meth:`record` raise is not told to the user, whose program is not about us. Documents may come
    from anybody: the other methods raise MetadataError for one that is not what it should be.

    :cvar prefix, suffix: of the names of its documents, ``PREFIX.HASH.SUFFIX``.
    :cvar formats: those that :meth:`export` knows, the first is that of the document."""

    prefix: ClassVar[str]
    suffix: ClassVar[str]
    formats: ClassVar[tuple[str, ...]] = ()

    @abstractmethod
    def state(self, process: Process) -> Any:
        """What the document depends on, as JSON, or None if the process ran in no environment of this kind. It is asked
        at each step, and takes no more than a few calls of the system; :meth:`record` is asked if it has changed."""

    @abstractmethod
    def record(self, process: Process) -> bytes:
        """The document. It has no secrets in it, and is the same for the same environment."""

    @abstractmethod
    def packages(self, content: bytes) -> Sequence[Package]:
        """What a document says is installed, sorted by name."""

    def summary(self, content: bytes) -> str:
        """A document in a few words: ``Python 3.12.1, 40 distributions``."""
        return f"{len(self.packages(content))} packages"

    def export(self, content: bytes, format: str, root: Path | None = None) -> str:
        """A document in one of :attr:`formats`.

        :param root: the directory of the workspace, to which paths in the document are relative."""
        raise NotSupportedError(f"There is no format '{format}' of such an environment")

    def sources(self, content: bytes, root: Path | None = None) -> Sequence[Source]:
        """What :meth:`create` would fetch, and run."""
        raise NotSupportedError("Environments of this kind cannot be made again")

    def create(
        self, content: bytes, directory: Path, root: Path | None = None, without: Collection[str] = ()
    ) -> Created:
        """Make the environment in ``directory``, which is new or empty. The user has agreed to :meth:`sources`.

        :param without: names of packages to leave out.

        Raises ToolError, and leaves nothing behind, if something cannot be had; the error names it. NotSupportedError
        names the program that is missing."""
        raise NotSupportedError("Environments of this kind cannot be made again")
