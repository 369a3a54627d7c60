"""The lineage of resources: which step wrote what, from what, with which code and parameters.

The JSON layout is that of release 1.6 (see the file formats in the documentation), with further keys.
:mod:`dataworkspaces.lineage.from_json` reads it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple, Union

from dataworkspaces.workspace.resource_ref import ResourceRef

__all__ = [
    "Certificate",
    "CodeFiles",
    "CodeLineage",
    "Environment",
    "HashCertificate",
    "ImportedLineage",
    "LineageEntry",
    "NotebookRecord",
    "PlaceholderCertificate",
    "Resolve",
    "ResourceCert",
    "RunRecord",
    "SourceDataLineage",
    "StepLineage",
    "UnknownLineage",
    "entries_to_json",
    "entry_outputs",
    "entry_sources",
]


@dataclass(frozen=True)
class HashCertificate:
    """A version that is known by the hash of its content.

    ``version`` is that of the placeholder that a snapshot resolved. Current lineage keeps it, so that versions go on
    to grow, and that a step which read the placeholder and ends after the snapshot gets the same hash; the files of
    snapshots, which are as those of release 1.6, leave it out. ``content`` is as in :class:`PlaceholderCertificate`."""

    hashval: str
    comment: str = ""
    version: int | None = field(default=None, compare=False)
    content: str | None = field(default=None, compare=False)

    def to_json(self) -> dict[str, Any]:
        data: dict[str, Any] = {"cert_type": "hash", "hashval": self.hashval, "comment": self.comment}
        further = {"version": self.version, "content": self.content}
        return {**data, **{key: value for key, value in further.items() if value is not None}}


@dataclass(frozen=True)
class PlaceholderCertificate:
    """A version that no snapshot has given a hash yet.

    ``version`` grows with each step that writes the reference, and when a step reads source data or code whose
    content has changed. ``is_output`` tells a written version from one that was only read. ``content`` says what lay
    at the reference then (see ``SnapshotResourceMixin.present_contents``); None if nobody could tell."""

    version: int
    comment: str = ""
    is_output: bool = False
    content: str | None = field(default=None, compare=False)

    def to_json(self) -> dict[str, Any]:
        data: dict[str, Any] = {
            "cert_type": "placeholder",
            "version": self.version,
            "comment": self.comment,
            "is_ouput": self.is_output,  # release 1.6 spells it so, and has to be able to read the file
        }
        return data if self.content is None else {**data, "content": self.content}


Certificate = Union[HashCertificate, PlaceholderCertificate]  # noqa: UP007 - an alias that is evaluated, on 3.10 too


class ResourceCert(NamedTuple):
    """A version of a place in a resource."""

    ref: ResourceRef
    certificate: Certificate

    def to_json(self) -> dict[str, Any]:
        return {
            "resource_name": self.ref.name,
            "subpath": self.ref.subpath,
            "certificate": self.certificate.to_json(),
        }


Resolve = Callable[[ResourceCert], ResourceCert]
"""Puts a hash in the place of a placeholder, if it has one for that version."""


class Environment(NamedTuple):
    """What a step ran on. ``distributions`` are those of which something was imported, with their versions; None if
    nobody can tell.

    ``python`` is None for a command of which only the machine is known.

    :ivar records: by kind of environment the document that says all of it, see
        :mod:`dataworkspaces.lineage.environment_kind`.
    :ivar settings: of the machine and the process, which may decide about the last digits: see
        :func:`dataworkspaces.lineage.machine_settings.settings_of`."""

    python: str | None = None
    implementation: str | None = None
    platform: str | None = None
    distributions: Mapping[str, str] | None = None
    records: Mapping[str, str] = {}
    settings: Mapping[str, Any] = {}

    def to_json(self) -> dict[str, Any]:
        return {
            "python": self.python,
            "implementation": self.implementation,
            "platform": self.platform,
            "distributions": None if self.distributions is None else dict(self.distributions),
            **({"records": dict(self.records)} if self.records else {}),
            **({"settings": dict(self.settings)} if self.settings else {}),
        }


class RunRecord(NamedTuple):
    """How ``dws run`` was called: what ``dws rerun`` calls again.

    :ivar run_id: the same in all entries that one execution left.
    :ivar run_from_directory: where the command ran, if that is in a resource.
    :ivar working_directory: that place relative to the workspace's directory (``""`` is this), if it lies there.
    :ivar inputs, code, outputs: what the user named; ``outputs`` is None if they were to be found.
    :ivar reads_nothing: the user said that there are no inputs.
    :ivar params_files: files that have some of the parameters, as ``PATH[:KEY,KEY]``, relative to the directory.
    :ivar autolog: whether what frameworks for machine learning do in it is recorded.
    """

    run_id: str
    name: str
    command: tuple[str, ...]
    run_from_directory: ResourceRef | None = None
    working_directory: str | None = None
    inputs: tuple[ResourceRef, ...] = ()
    code: tuple[ResourceRef, ...] = ()
    outputs: tuple[ResourceRef, ...] | None = None
    parameters: Mapping[str, Any] = {}
    results: ResourceRef | None = None
    params_files: tuple[str, ...] = ()
    reads_nothing: bool = False
    autolog: bool = False

    def to_json(self) -> dict[str, Any]:
        return {
            "id": self.run_id,
            "name": self.name,
            "command": list(self.command),
            "run_from_directory": None if self.run_from_directory is None else list(self.run_from_directory),
            "working_directory": self.working_directory,
            "inputs": [list(ref) for ref in self.inputs],
            "code": [list(ref) for ref in self.code],
            "outputs": None if self.outputs is None else [list(ref) for ref in self.outputs],
            "parameters": dict(self.parameters),
            "results": None if self.results is None else list(self.results),
            **({"params_files": list(self.params_files)} if self.params_files else {}),
            **({"reads_nothing": True} if self.reads_nothing else {}),
            **({"autolog": True} if self.autolog else {}),
        }


class NotebookRecord(NamedTuple):
    """The notebook that ran as a step.

    :ivar ref: where it lies, if that is in a resource.
    :ivar sources: the hash of its cells' sources, without outputs.
    :ivar executed: the cells with code that ran, in the order in which they did, counted from 1; None for one that is
        not in the file as it was saved.
    :ivar is_top_to_bottom: whether these are the first cells with code, each of them once and in their order.
    """

    ref: ResourceRef | None
    sources: str | None
    executed: tuple[int | None, ...] = ()
    is_top_to_bottom: bool = False

    @property
    def line(self) -> tuple[str, ...] | None:
        """What stands for it where command lines do that the user has run, or has agreed to run."""
        return None if self.ref is None else ("notebook", str(self.ref))

    def to_json(self) -> dict[str, Any]:
        return {
            "place": None if self.ref is None else list(self.ref),
            "sources": self.sources,
            "executed": list(self.executed),
            "top_to_bottom": self.is_top_to_bottom,
        }


class CodeFiles(NamedTuple):
    """What of a place that holds code a step depends on, where that is known. Paths are those in the resource.

    :ivar files: texts of the sources that it read, or that have a name that it looked for, by path.
    :ivar rest: one text of all that is no source of Python.
    :ivar names: a source, new or changed, that gives a module one of these names counts, too (and one that gives it a
        name of the standard library).
    :ivar listed: the directories whose names the step asked for: all sources in them count.
    :ivar without: places that do not count.
    """

    ref: ResourceRef
    files: Mapping[str, str]
    rest: str
    names: tuple[str, ...] = ()
    listed: tuple[str, ...] = ()
    without: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        return {
            "place": list(self.ref),
            "files": dict(self.files),
            "rest": self.rest,
            "names": list(self.names),
            "listed": list(self.listed),
            "without": list(self.without),
        }


class StepLineage(NamedTuple):
    """One execution of a step. Times are local, without a zone; the execution time is in seconds.

    From ``working_directory`` on the fields go beyond release 1.6, and are None (or empty) where it wrote the entry.
    ``other`` holds keys that this version does not know; they are kept.

    :ivar working_directory: where it ran, relative to the workspace's directory (``""`` is this), if it lies there.
    :ivar inputs_told: False if there are no inputs because nobody said what the step reads, and nothing showed it.
    :ivar code_trees: by code resource that had uncommitted changes: the git tree that holds it as it ran.
    :ivar code_files: of what of its code it depends. A place that is not named here counts as a whole.
    """

    step_name: str
    start_time: datetime
    execution_time_seconds: float | None = None
    parameters: Mapping[str, Any] = {}
    inputs: tuple[ResourceCert, ...] = ()
    code: tuple[ResourceCert, ...] = ()
    outputs: tuple[ResourceCert, ...] = ()
    command_line: tuple[str, ...] | None = None
    run_from_directory: ResourceRef | None = None
    working_directory: str | None = None
    user: str | None = None
    exit_status: int | None = None
    environment: Environment | None = None
    random_seeds: Mapping[str, Any] = {}
    code_trees: Mapping[str, str] = {}
    metrics: Mapping[str, Any] | None = None
    run: RunRecord | None = None
    notebook: NotebookRecord | None = None
    inputs_told: bool = True
    code_files: tuple[CodeFiles, ...] = ()
    other: Mapping[str, Any] = {}

    def to_json(self) -> dict[str, Any]:
        further = {
            "working_directory": self.working_directory,
            "user": self.user,
            "exit_status": self.exit_status,
            "environment": None if self.environment is None else self.environment.to_json(),
            "random_seeds": dict(self.random_seeds) or None,
            "code_trees": dict(self.code_trees) or None,
            "metrics": None if self.metrics is None else dict(self.metrics),
            "run": None if self.run is None else self.run.to_json(),
            "notebook": None if self.notebook is None else self.notebook.to_json(),
            "inputs_told": None if self.inputs_told else False,
            "code_files": [found.to_json() for found in self.code_files] or None,
        }
        return {
            "type": "step",
            "step_name": self.step_name,
            "start_time": self.start_time.isoformat(),
            "execution_time_seconds": self.execution_time_seconds,
            "parameters": dict(self.parameters),
            "input_resources": [cert.to_json() for cert in self.inputs],
            "code_resources": [cert.to_json() for cert in self.code],
            "output_resources": [cert.to_json() for cert in self.outputs],
            "command_line": None if self.command_line is None else list(self.command_line),
            "run_from_directory": None if self.run_from_directory is None else list(self.run_from_directory),
            **{key: value for key, value in further.items() if value is not None},
            **self.other,
        }

    def resolved(self, resolve: Resolve) -> StepLineage:
        return self._replace(
            inputs=tuple(resolve(cert) for cert in self.inputs),
            code=tuple(resolve(cert) for cert in self.code),
            outputs=tuple(resolve(cert) for cert in self.outputs),
        )

    def describe(self) -> str:
        return f"{self.step_name} at {self.start_time}"


@dataclass(frozen=True)
class SourceDataLineage:
    """Data that no step wrote."""

    cert: ResourceCert

    def to_json(self) -> dict[str, Any]:
        return {**self.cert.to_json(), "type": "source_data"}

    def resolved(self, resolve: Resolve) -> SourceDataLineage:
        return SourceDataLineage(resolve(self.cert))


@dataclass(frozen=True)
class CodeLineage:
    """Code that a step ran."""

    cert: ResourceCert

    def to_json(self) -> dict[str, Any]:
        return {**self.cert.to_json(), "type": "code"}

    def resolved(self, resolve: Resolve) -> CodeLineage:
        return CodeLineage(resolve(self.cert))


@dataclass(frozen=True)
class ImportedLineage:
    """The lineage of a resource as another workspace exported it."""

    resource_name: str
    lineages: tuple[LineageEntry, ...]
    content: str | None = field(default=None, compare=False)
    """Of the whole resource as this lineage came with it."""

    def to_json(self) -> dict[str, Any]:
        return {
            "type": "imported",
            "resource_name": self.resource_name,
            "nested_lineage": [entry.to_json() for entry in self.lineages],
            **({} if self.content is None else {"content": self.content}),
        }

    def resolved(self, resolve: Resolve) -> ImportedLineage:
        """As it is: the hashes of this workspace say nothing of another's resources."""
        return self


class UnknownLineage(NamedTuple):
    """A place that a step was writing when it failed. Its version is a new one: what read the last one is out of date.

    It stands in a list of its own in the file, since release 1.6 refuses entries of a type that it does not know.

    :ivar step: the step that failed, without outputs; None if all that is known of it is the certificate's comment."""

    cert: ResourceCert
    step: StepLineage | None = None

    def to_json(self) -> dict[str, Any]:
        data = self.cert.to_json()
        return data if self.step is None else {**data, "step": self.step.to_json()}

    def resolved(self, resolve: Resolve) -> UnknownLineage:
        """A snapshot does not make known what the content came from."""
        return self if self.step is None else self._replace(step=self.step.resolved(resolve))


LineageEntry = Union[StepLineage, SourceDataLineage, CodeLineage, ImportedLineage, UnknownLineage]  # noqa: UP007


def entry_outputs(entry: LineageEntry) -> tuple[ResourceCert, ...]:
    """The versions that an entry stands for."""
    if isinstance(entry, StepLineage):
        return entry.outputs
    if isinstance(entry, ImportedLineage):
        return ()
    return (entry.cert,)


def entry_sources(entry: LineageEntry) -> tuple[ResourceCert, ...]:
    """The versions that an entry was made from: inputs and code."""
    return (*entry.inputs, *entry.code) if isinstance(entry, StepLineage) else ()


def entries_to_json(entries: Sequence[LineageEntry]) -> dict[str, Any]:
    """The keys of a lineage file that hold the entries."""
    data: dict[str, Any] = {"lineages": [e.to_json() for e in entries if not isinstance(e, UnknownLineage)]}
    unknown = [e.to_json() for e in entries if isinstance(e, UnknownLineage)]
    return {**data, "unknown": unknown} if unknown else data
