"""The lineage of resources: which step wrote what, from what, with which code and parameters.

The JSON layout is that of release 1.6 (see the file formats in the documentation). Files may come from other people's
workspaces: whatever does not fit raises MetadataError, and nothing in them is trusted to be a path or a name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Union

from dataworkspaces.errors import MetadataError
from dataworkspaces.workspace.resource_ref import ResourceRef

MAX_DEPTH = 50
"""How deeply imported lineage may be nested."""


@dataclass(frozen=True)
class HashCertificate:
    """A version that is known by the hash of its content.

    ``version`` is that of the placeholder that a snapshot resolved. Current lineage keeps it, so that versions go on
    to grow, and that a step which read the placeholder and ends after the snapshot gets the same hash; the files of
    snapshots, which are as those of release 1.6, leave it out."""

    hashval: str
    comment: str = ""
    version: int | None = field(default=None, compare=False)

    def to_json(self) -> dict[str, Any]:
        data: dict[str, Any] = {"cert_type": "hash", "hashval": self.hashval, "comment": self.comment}
        return data if self.version is None else {**data, "version": self.version}


@dataclass(frozen=True)
class PlaceholderCertificate:
    """A version that no snapshot has given a hash yet.

    ``version`` grows with each step that writes the reference. ``is_output`` tells a written version from one that was
    only read."""

    version: int
    comment: str = ""
    is_output: bool = False

    def to_json(self) -> dict[str, Any]:
        # Release 1.6 spells it so, and has to be able to read the file.
        return {
            "cert_type": "placeholder",
            "version": self.version,
            "comment": self.comment,
            "is_ouput": self.is_output,
        }


Certificate = Union[HashCertificate, PlaceholderCertificate]  # noqa: UP007 - an alias that is evaluated, on 3.10 too


@dataclass(frozen=True)
class ResourceCert:
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


@dataclass(frozen=True)
class StepLineage:
    """One execution of a step. Times are local, without a zone; the execution time is in seconds.

    ``other`` holds keys that this version does not know; they are kept."""

    step_name: str
    start_time: datetime
    execution_time_seconds: float | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    inputs: tuple[ResourceCert, ...] = ()
    code: tuple[ResourceCert, ...] = ()
    outputs: tuple[ResourceCert, ...] = ()
    command_line: tuple[str, ...] | None = None
    run_from_directory: ResourceRef | None = None
    other: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
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
            **self.other,
        }

    def resolved(self, resolve: Resolve) -> StepLineage:
        return replace(
            self,
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

    def to_json(self) -> dict[str, Any]:
        return {
            "type": "imported",
            "resource_name": self.resource_name,
            "nested_lineage": [entry.to_json() for entry in self.lineages],
        }

    def resolved(self, resolve: Resolve) -> ImportedLineage:
        """As it is: the hashes of this workspace say nothing of another's resources."""
        return self


@dataclass(frozen=True)
class UnknownLineage:
    """A place that a step was writing when it failed. Its version is a new one: what read the last one is out of date.

    It stands in a list of its own in the file, since release 1.6 refuses entries of a type that it does not know."""

    cert: ResourceCert

    def to_json(self) -> dict[str, Any]:
        return self.cert.to_json()

    def resolved(self, resolve: Resolve) -> UnknownLineage:
        """As it is: a snapshot does not make known what the content came from."""
        return self


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


def entry_from_json(data: Any, where: str, depth: int = 0) -> LineageEntry:
    """Raises MetadataError, in which ``where`` names the file, for what is no entry."""
    fields = _object(data, where)
    kind = fields.get("type")
    if kind == "step":
        return _step_from_json(fields, where)
    if kind == "source_data":
        return SourceDataLineage(_cert_from_json(fields, where))
    if kind == "code":
        return CodeLineage(_cert_from_json(fields, where))
    if kind == "imported":
        if depth >= MAX_DEPTH:
            raise MetadataError(f"{where}: imported lineage is nested more than {MAX_DEPTH} times")
        nested = tuple(entry_from_json(e, where, depth + 1) for e in _list(fields, "nested_lineage", where))
        return ImportedLineage(_text(fields, "resource_name", where), nested)
    raise MetadataError(f"{where}: a lineage entry has the unknown type {kind!r}")


def entries_from_json(data: Any, where: str) -> list[LineageEntry]:
    """The entries of a lineage file."""
    fields = _object(data, where)
    entries = [entry_from_json(entry, where) for entry in _list(fields, "lineages", where)]
    if "unknown" not in fields:
        return entries
    unknown = [UnknownLineage(_cert_from_json(_object(e, where), where)) for e in _list(fields, "unknown", where)]
    return [*entries, *unknown]


def entries_to_json(entries: Sequence[LineageEntry]) -> dict[str, Any]:
    """The keys of a lineage file that hold the entries."""
    data: dict[str, Any] = {"lineages": [e.to_json() for e in entries if not isinstance(e, UnknownLineage)]}
    unknown = [e.to_json() for e in entries if isinstance(e, UnknownLineage)]
    return {**data, "unknown": unknown} if unknown else data


_STEP_KEYS = (
    "type", "step_name", "start_time", "execution_time_seconds", "parameters", "input_resources", "code_resources",
    "output_resources", "command_line", "run_from_directory",
)  # fmt: skip


def _step_from_json(fields: Mapping[str, Any], where: str) -> StepLineage:
    try:
        start_time = datetime.fromisoformat(_text(fields, "start_time", where))
    except ValueError as e:
        raise MetadataError(f"{where}: a step has the start time {fields['start_time']!r}") from e
    seconds = fields.get("execution_time_seconds")
    if seconds is not None and not isinstance(seconds, (int, float)):
        raise MetadataError(f"{where}: a step has the execution time {seconds!r}")
    command_line = fields.get("command_line")
    if command_line is not None and not (
        isinstance(command_line, list) and all(isinstance(a, str) for a in command_line)
    ):
        raise MetadataError(f"{where}: the command line of a step should be a list of texts")
    directory = fields.get("run_from_directory")
    return StepLineage(
        step_name=_text(fields, "step_name", where),
        start_time=start_time,
        execution_time_seconds=seconds,
        parameters=_object(fields.get("parameters") or {}, where),
        inputs=_certs(fields, "input_resources", where),
        code=_certs(fields, "code_resources", where),
        outputs=_certs(fields, "output_resources", where),
        command_line=None if command_line is None else tuple(command_line),
        run_from_directory=None if directory is None else _ref_from_json(directory, where),
        other={key: value for key, value in fields.items() if key not in _STEP_KEYS},
    )


def _certs(fields: Mapping[str, Any], key: str, where: str) -> tuple[ResourceCert, ...]:
    return tuple(_cert_from_json(_object(item, where), where) for item in _list(fields, key, where))


def _cert_from_json(fields: Mapping[str, Any], where: str) -> ResourceCert:
    subpath = fields.get("subpath")
    if subpath is not None and not isinstance(subpath, str):
        raise MetadataError(f"{where}: a subpath should be a text or null")
    if subpath is not None and (subpath.startswith("/") or "\0" in subpath or ".." in subpath.split("/")):
        raise MetadataError(f"{where}: the subpath {subpath!r} leads out of its resource")
    ref = ResourceRef(_text(fields, "resource_name", where), subpath)
    certificate = _object(fields.get("certificate"), where)
    comment = str(certificate.get("comment", ""))
    kind = certificate.get("cert_type")
    if kind == "hash":
        known = certificate.get("version")
        version = known if isinstance(known, int) and not isinstance(known, bool) else None
        return ResourceCert(ref, HashCertificate(_text(certificate, "hashval", where), comment, version))
    if kind == "placeholder":
        version = certificate.get("version")
        if not isinstance(version, int) or isinstance(version, bool) or version < 0:
            raise MetadataError(f"{where}: a placeholder has the version {version!r}")
        is_output = bool(certificate.get("is_ouput", certificate.get("is_output", False)))
        return ResourceCert(ref, PlaceholderCertificate(version, comment, is_output))
    raise MetadataError(f"{where}: a certificate has the unknown type {kind!r}")


def _ref_from_json(data: Any, where: str) -> ResourceRef:
    """A reference, which is a list of name and subpath."""
    if (
        isinstance(data, list)
        and len(data) == 2
        and isinstance(data[0], str)
        and isinstance(data[1], (str, type(None)))
    ):
        return ResourceRef(data[0], data[1])
    raise MetadataError(f"{where}: a reference should be a list of a resource name and a subpath")


def _object(data: Any, where: str) -> Mapping[str, Any]:
    if not isinstance(data, dict):
        raise MetadataError(f"{where}: lineage should hold a JSON object where it holds {type(data).__name__}")
    return data


def _list(fields: Mapping[str, Any], key: str, where: str) -> Sequence[Any]:
    value = fields.get(key)
    if not isinstance(value, list):
        raise MetadataError(f"{where}: lineage lacks the list '{key}'")
    return value


def _text(fields: Mapping[str, Any], key: str, where: str) -> str:
    value = fields.get(key)
    if not isinstance(value, str):
        raise MetadataError(f"{where}: lineage lacks the text '{key}'")
    return value
