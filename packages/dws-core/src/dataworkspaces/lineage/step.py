"""The lineage of a running step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from types import TracebackType
from typing import Any

from dataworkspaces.errors import ConfigurationError, DwsError, LineageError
from dataworkspaces.lineage.consistency import check_one_version_of_each
from dataworkspaces.lineage.jsonable import jsonable
from dataworkspaces.lineage.model import (
    HashCertificate,
    LineageEntry,
    PlaceholderCertificate,
    ResourceCert,
    StepLineage,
    UnknownLineage,
    entry_outputs,
)
from dataworkspaces.lineage.places import overlap
from dataworkspaces.lineage.store import LineageStore
from dataworkspaces.workspace import FileResourceMixin, ResourceRef, ResourceRoles, Workspace

RESULTS_FILE = "results.json"


class Lineage:
    """What a step reads, runs and writes. Made by :class:`~dataworkspaces.lineage.LineageBuilder`.

    A context manager: leaving the block calls :meth:`complete`, or :meth:`abort` if it raised. After either, the next
    :meth:`restart` begins a new execution of the same step."""

    def __init__(
        self,
        workspace: Workspace,
        step_name: str,
        *,
        parameters: Mapping[str, Any],
        inputs: Sequence[ResourceRef],
        code: Sequence[ResourceRef],
        command_line: Sequence[str] | None = None,
        run_from_directory: ResourceRef | None = None,
    ) -> None:
        self.workspace = workspace
        self.step_name = step_name
        self._parameters = {str(k): jsonable(v) for k, v in parameters.items()}
        self._input_refs = list(inputs)
        self._code_refs = list(code)
        self._output_refs: list[ResourceRef] = []
        self._command_line = None if command_line is None else tuple(command_line)
        self._run_from_directory = run_from_directory
        self._store: LineageStore = workspace.as_lineage_ws().get_lineage_store()
        self._open = False
        self.restart()

    @property
    def start_time(self) -> datetime:
        """When this execution began; local time, without a zone."""
        return self._start_time

    @property
    def parameters(self) -> dict[str, Any]:
        return dict(self._parameters)

    def restart(self, start_time: datetime | None = None) -> None:
        """Begin an execution: now is its start, and the inputs and the code are those of now.

        With the ``start_time`` of the last one, that execution goes on: :meth:`complete` records it once more.
        Raises LineageError if they depend on two versions of one resource."""
        self._start_time = datetime.now() if start_time is None else start_time
        comment = f"Step {self.step_name} at {self._start_time}"
        self._inputs = [self._store.cert_to_read(ref, is_code=False, comment=comment) for ref in self._input_refs]
        self._code = [self._store.cert_to_read(ref, is_code=True, comment=comment) for ref in self._code_refs]
        check_one_version_of_each(self._store, self.step_name, self._inputs)
        self._open = True

    # -- what the step says of itself ----------------------------------------------------------------------------

    def add_param(self, name: str, value: Any) -> None:
        """Add a parameter, or replace its value."""
        self._parameters[name] = jsonable(value)

    def add_output_path(self, path: str) -> None:
        """Add an output: the resource in which a local path lies. From now on a failure makes it unknown."""
        self.add_output_ref(self.workspace.map_local_path_to_resource(path))

    def add_output_ref(self, ref: ResourceRef) -> None:
        """Add an output. From now on a failure makes it unknown.

        Raises LineageError if it overlaps with another output, or with what another step wrote."""
        self.workspace.validate_resource_name(ref.name)
        if ref in self._output_refs:
            return
        for other in self._output_refs:
            if other.name == ref.name and overlap(other.subpath, ref.subpath):
                raise LineageError(f"Step {self.step_name} has two outputs that overlap: {other} and {ref}")
        is_results = self.workspace.get_resource_role(ref.name) == ResourceRoles.RESULTS
        for entry in self._store.entries(ref.name):
            if isinstance(entry, StepLineage) and entry.step_name != self.step_name:
                for cert in entry.outputs:
                    if is_results and isinstance(cert.certificate, HashCertificate):
                        continue  # a snapshot has moved them away
                    nested = cert.ref.subpath != ref.subpath and overlap(cert.ref.subpath, ref.subpath)
                    if cert.ref.name == ref.name and nested:
                        raise LineageError(
                            f"Step {self.step_name} would write {ref}, which overlaps with {cert.ref}, "
                            f"the output of step {entry.describe()}",
                            hint="Let each step write to a directory of its own",
                        )
        self._output_refs.append(ref)

    # -- the end -------------------------------------------------------------------------------------------------

    def complete(self) -> None:
        """The step has succeeded: record it as the maker of its outputs."""
        self._check_open("complete()")
        seconds = (datetime.now() - self._start_time).total_seconds()
        comment = f"Step {self.step_name} at {self._start_time}"
        outputs = [self._next_version(ref, comment) for ref in self._output_refs]
        entry = StepLineage(
            step_name=self.step_name,
            start_time=self._start_time,
            execution_time_seconds=seconds,
            parameters=self._parameters,
            inputs=tuple(self._inputs),
            code=tuple(self._code),
            outputs=tuple(outputs),
            command_line=self._command_line,
            run_from_directory=self._run_from_directory,
        )
        for name in dict.fromkeys(ref.name for ref in self._output_refs):
            refs = [ref for ref in self._output_refs if ref.name == name]
            self._store.update(name, lambda entries, refs=refs: [*_without(entries, refs), entry])  # type: ignore[misc]
        self._open = False

    def abort(self) -> None:
        """The step has failed: what its outputs hold is unknown now. A second call does nothing."""
        if not self._open:
            return
        comment = f"Step {self.step_name} at {self._start_time} failed"
        for name in dict.fromkeys(ref.name for ref in self._output_refs):
            refs = [ref for ref in self._output_refs if ref.name == name]
            unknown = [UnknownLineage(self._next_version(ref, comment)) for ref in refs]
            self._store.update(
                name,
                lambda entries, refs=refs, unknown=unknown: [*_without(entries, refs), *unknown],  # type: ignore[misc]
            )
        self._open = False

    def __enter__(self) -> Lineage:
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if not self._open:
            return
        if exc_type is None or (isinstance(exc, SystemExit) and exc.code in (None, 0)):
            self.complete()
            return
        try:
            self.abort()
        except DwsError as e:  # the error of the step is the one to be told
            self.workspace.interaction.warn(f"The outputs of step {self.step_name} could not be marked: {e}")

    def _next_version(self, ref: ResourceRef, comment: str) -> ResourceCert:
        current = self._store.current_cert(ref)
        version = 0 if current is None else current.certificate.version or 0
        return ResourceCert(ref, PlaceholderCertificate(version + 1, comment, is_output=True))

    def _check_open(self, call: str) -> None:
        if not self._open:
            raise LineageError(f"{call}: step {self.step_name} has ended already", hint="Call restart() first")


class ResultsLineage(Lineage):
    """The lineage of a step that writes results."""

    def __init__(self, *args: Any, results_ref: ResourceRef, run_description: str | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.results_ref = results_ref
        self.run_description = run_description
        self.add_output_ref(results_ref)

    def __enter__(self) -> ResultsLineage:
        return self

    def write_results(self, metrics: Mapping[str, Any]) -> ResourceRef:
        """Write ``results.json`` to the results directory, and return where it is.

        :param metrics: numbers, texts, and dictionaries and lists of these, from any library (see ``jsonable``)."""
        self._check_open("write_results()")
        resource = self.workspace.get_resource(self.results_ref.name)
        if not isinstance(resource, FileResourceMixin):
            raise ConfigurationError(f"Resource '{resource.name}' holds no files, so results cannot be written to it")
        where = f"{self.results_ref.subpath}/{RESULTS_FILE}" if self.results_ref.subpath else RESULTS_FILE
        results = {
            "step": self.step_name,
            "start_time": self._start_time.isoformat(),
            "execution_time_seconds": (datetime.now() - self._start_time).total_seconds(),
            "parameters": self._parameters,
            "run_description": self.run_description,
            "metrics": jsonable(metrics),
        }
        resource.add_results_file(results, where)
        return ResourceRef(self.results_ref.name, where)


def check_results_ref(workspace: Workspace, ref: ResourceRef) -> None:
    """Raise ConfigurationError if results cannot go to ``ref``."""
    workspace.validate_resource_name(ref.name, None, ResourceRoles.RESULTS)


def _without(entries: list[LineageEntry], refs: Sequence[ResourceRef]) -> list[LineageEntry]:
    """The entries that say something of other places than the references, all of which are of one resource."""

    def is_rewritten(entry: LineageEntry) -> bool:
        mine = [cert.ref for cert in entry_outputs(entry) if cert.ref.name == refs[0].name]
        return bool(mine) and all(any(overlap(own.subpath, ref.subpath) for ref in refs) for own in mine)

    return [entry for entry in entries if not is_rewritten(entry)]
