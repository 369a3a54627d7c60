"""The lineage of a command that runs as a step."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any

from dataworkspaces.errors import DwsError, LineageError
from dataworkspaces.lineage import Lineage, jsonable
from dataworkspaces.lineage.environment import this_machine
from dataworkspaces.lineage.live import LiveRecord
from dataworkspaces.lineage.model import (
    CodeFiles,
    Environment,
    HashCertificate,
    LineageEntry,
    ResourceCert,
    RunRecord,
    StepLineage,
    UnknownLineage,
    entry_outputs,
)
from dataworkspaces.lineage.places import refs_overlap
from dataworkspaces.lineage.results_step import check_results_ref, results_of, run_of, write_results_file
from dataworkspaces.lineage.runs.run import ResultsRun
from dataworkspaces.lineage.store import Entries, ResourceLineage
from dataworkspaces.toolbox.logs import log
from dataworkspaces.toolbox.notebooks import SUFFIX as NOTEBOOK
from dataworkspaces.toolbox.regular import is_present
from dataworkspaces.workspace import FileResourceMixin, LocalStateResourceMixin, ResourceRef, Workspace, is_own_files
from dataworkspaces.workspace.results import RESULTS_FILE

METRICS_FILE = "metrics.json"
"""What a command may leave in its results directory: a JSON object of metrics, for ``results.json``."""


class CommandLineage(Lineage):
    """Ends with one of :meth:`forget`, :meth:`fail`, and :meth:`finish` with :meth:`succeed`.

    :ivar find_code: is given places with code, and the outputs: of which files in them the command depends. None if
        nobody can tell.

    :param inputs: those of the record, in places that can be read each as one version.
    :param python: the version of Python, if that is what the command runs.
    :param other: further keys of its entry, should it fail.
    """

    def __init__(
        self,
        workspace: Workspace,
        record: RunRecord,
        inputs: Sequence[ResourceRef],
        python: str | None = None,
        other: Mapping[str, Any] = MappingProxyType({}),
    ) -> None:
        self.find_code: Callable[[Sequence[ResourceRef], Sequence[ResourceRef]], list[CodeFiles]] | None = None
        self._code_files: tuple[CodeFiles, ...] = ()
        self._machine = this_machine()._replace(python=python)
        self._other = other
        super().__init__(
            workspace,
            record.name,
            parameters=record.parameters,
            inputs=inputs,
            code=record.code,
            command_line=record.command,
            run_from_directory=record.run_from_directory,
            working_directory=record.working_directory,
            run=record,
        )
        self._record = record
        if record.results is not None:
            check_results_ref(workspace, record.results)
        for ref in (*(record.outputs or ()), *filter(None, [record.results])):
            self.add_output_ref(ref)
        self._run_of_results = self._begin_run(record)
        self._live = self._begin_live(record)
        self._named = tuple(self._output_refs)
        before = self._entries()
        self._recorded_before = {_identity(entry) for entry in before}
        self._files_before = {name: self._status(name) for name in (METRICS_FILE, RESULTS_FILE)}
        self._note_what_was_written_before(before)

    def ran_on(self, environment: Environment) -> None:
        """What the command ran on, once it has ended."""
        self._machine = environment

    def forget(self) -> None:
        """The command could not be started: all is as it was."""
        self._ended()
        if self._live is not None:
            with suppress(OSError):
                self._live.discard()
        if self._run_of_results is not None:
            self._run_of_results.abandon()

    def fail(self, outputs: Sequence[ResourceRef], how: str, exit_status: int | None) -> None:
        """What the command wrote is unknown now; that it failed is the error to be told."""
        if not self._open:
            return
        try:
            self._fail([*self._named, *self.not_recorded(outputs)], how, exit_status)
        except DwsError as e:
            self._leave_to_the_next()
            self.workspace.interaction.warn(f"The outputs of step {self.step_name} could not be marked: {e.message}")
        self._end_live("failed", how)
        run = self._run_of_results
        if run is not None:
            run.find_files()
            if run.is_empty:
                run.abandon()
            else:
                run.end("failed", how)

    def not_recorded(self, outputs: Sequence[ResourceRef]) -> list[ResourceRef]:
        """The outputs but for those that other steps have recorded meanwhile: within the command, or beside it."""
        new = [entry for entry in self._recorded if _identity(entry) not in self._recorded_before]
        recorded = [cert.ref for entry in new for cert in entry.outputs]
        return [ref for ref in outputs if not any(refs_overlap(ref, other) for other in recorded)]

    def finish(self, outputs: Sequence[ResourceRef]) -> list[ResourceRef]:
        """The command has ended with success: write its ``results.json``, and return which outputs are its own.

        Raises LineageError if an output that was named is not there, or if one overlaps with that of another step."""
        own = self.not_recorded(outputs)
        for ref in own:
            if not is_there(self.workspace, ref) and ref != self._record.results:
                raise LineageError(
                    f"Step {self.step_name} succeeded, but did not write {ref}",
                    hint="Correct --output or the command",
                )
            if ref not in self._output_refs:
                self._check_nobody_else_wrote(ref)
        if self._record.results is not None and self._record.results in own:
            self._write_results(self._record.results)
        if self._run_of_results is not None:
            self._run_of_results.end("completed")  # now: what lies there next is what a later run compares with
        self._end_live("completed")
        self._output_refs = own
        return own

    def inner_outputs(self) -> list[ResourceRef]:
        """What the steps within the command recorded, by the lineage API or a kit."""
        return list(dict.fromkeys(cert.ref for entry in self._inner for cert in entry.outputs))

    def succeed(self, record: RunRecord, inputs: Sequence[ResourceRef], other: Mapping[str, Any]) -> None:
        """Record the step as the maker of its own outputs.

        :param record: with the inputs that it has, now that the outputs are known.
        :param inputs: the same, in places that can be read each as one version.
        :param other: further keys of its entries."""
        self._record = self._run = record
        self._other = other
        self._read_only(inputs)
        self._leave_out_notebooks()
        self._code_files = self._files_of_code()
        self.complete()
        self._complete_inner_steps()
        self._forget_what_is_gone()

    # -- inside --------------------------------------------------------------------------------------------------

    @cached_property
    def _recorded(self) -> list[StepLineage]:
        """What is recorded once the command has ended, which is when this is asked first."""
        return self._entries()

    @property
    def _inner(self) -> list[StepLineage]:
        """The steps within the command."""
        return [entry for entry in self._recorded if self._is_inner(entry)]

    def _entries(self) -> list[StepLineage]:
        return [
            entry
            for name in self.workspace.get_resource_names()
            for entry in self._store.entries(name)
            if isinstance(entry, StepLineage)
        ]

    def _note_what_was_written_before(self, entries: Sequence[StepLineage]) -> None:
        """The command may write there again, and be killed then."""
        mine = [e for e in entries if e.step_name == self.step_name and e.run is not None]
        refs = dict.fromkeys(cert.ref for entry in mine for cert in entry.outputs)
        more = [ref for ref in refs if not any(refs_overlap(ref, named) for named in self._named)]
        if more:
            self._output_refs = [*self._named, *more]
            self._note_writing()
            self._output_refs = list(self._named)

    def _read_only(self, refs: Sequence[ResourceRef]) -> None:
        known = dict(zip(self._input_refs, self._inputs, strict=True))
        new = [ref for ref in refs if ref not in known]
        if new:
            known.update(self._store.certs_to_read(new, [], self._contents(new), self._comment))
        self._input_refs = list(refs)
        self._inputs = [known[ref] for ref in refs]

    def _look_at_code(self) -> None:
        """Whoever runs the command has done so."""

    def _find_code_files(self) -> tuple[CodeFiles, ...]:
        return self._code_files

    def _files_of_code(self) -> tuple[CodeFiles, ...]:
        """Of the command, and of the steps within it."""
        if self.find_code is None:
            return ()
        inner = [cert.ref for entry in self._inner for cert in entry.code]
        outputs = (*self._output_refs, *self.inner_outputs())
        return tuple(self.find_code((*self._code_refs, *inner), outputs))

    def _leave_out_notebooks(self) -> None:
        """Of the workspace's own files those count as code that no step wrote: a notebook that the command ran in place
        counted when it began, and does so no more."""
        own = self.workspace.own_files_resource()
        whole = None if own is None else ResourceRef(own.name)
        if own is None or whole not in self._code_refs or not is_own_files(own):
            return
        mine = [r.subpath for r in self._output_refs if r.name == own.name and r.subpath is not None]
        others = [path for path in mine if not path.endswith(NOTEBOOK)]
        place = self._code_refs.index(whole)
        cert = self._code[place]
        if len(others) < len(mine) and own.content_without(others) == cert.certificate.content:
            content = own.content_without(mine)
            self._code[place] = cert._replace(certificate=replace(cert.certificate, content=content))

    def _forget_what_is_gone(self) -> None:
        """Places that an earlier run of the step wrote, or failed to write, and that it no longer writes."""

        def is_gone(cert: ResourceCert) -> bool:
            if any(refs_overlap(cert.ref, ref) for ref in self._output_refs):
                return True
            moved_by_snapshot = self._is_results(cert.ref) and isinstance(cert.certificate, HashCertificate)
            return not moved_by_snapshot and not is_there(self.workspace, cert.ref)

        def is_obsolete(entry: LineageEntry) -> bool:
            step = entry.step if isinstance(entry, UnknownLineage) else entry
            is_ours = isinstance(step, StepLineage) and step.step_name == self.step_name and step.run is not None
            is_earlier = is_ours and isinstance(step, StepLineage) and step.run != self._run
            return is_earlier and all(is_gone(cert) for cert in entry_outputs(entry))

        names = [
            name for name in self.workspace.get_resource_names() if any(map(is_obsolete, self._store.entries(name)))
        ]
        if names:
            self._store.update_all(
                names, lambda old: {n: [e for e in old[n].entries if not is_obsolete(e)] for n in names}
            )

    # -- steps within the command --------------------------------------------------------------------------------

    def _is_inner(self, entry: LineageEntry) -> bool:
        return (
            isinstance(entry, StepLineage)
            and entry.run is not None
            and entry.run.run_id == self._record.run_id
            and entry.start_time != self._start_time
        )

    def _complete_inner_steps(self) -> None:
        """They know what they read and with which parameters; what the user told ``dws run`` comes on top."""

        def complete(entry: LineageEntry) -> LineageEntry:
            if not self._is_inner(entry) or not isinstance(entry, StepLineage):
                return entry
            known = [cert.ref for cert in (*entry.inputs, *entry.outputs)]
            inputs = [cert for cert in self._inputs if not any(refs_overlap(cert.ref, ref) for ref in known)]
            code = [cert for cert in self._code if cert.ref not in {other.ref for other in entry.code}]
            return entry._replace(
                inputs=(*entry.inputs, *inputs),
                code=(*entry.code, *code),
                parameters={**self._record.parameters, **entry.parameters},
                run=self._record,
                code_files=self._code_files,
                other={**entry.other, **self._other},
            )

        def change(old: Mapping[str, ResourceLineage]) -> dict[str, Entries]:
            return {name: [complete(entry) for entry in lineage.entries] for name, lineage in old.items()}

        names = sorted({ref.name for ref in self.inner_outputs()})
        if names:
            self._store.update_all(names, change)

    # -- results ---------------------------------------------------------------------------------------------

    def _begin_run(self, record: RunRecord) -> ResultsRun | None:
        if record.results is None:
            return None
        run = ResultsRun.claim(self.workspace, record.results, record.name, command_id=record.run_id)
        try:
            run.start(self._parameters, self._start_time, find_files=True)
        except BaseException:
            run.release()
            raise
        weakref.finalize(self, run.abandon)
        return run

    def _begin_live(self, record: RunRecord) -> LiveRecord | None:
        """Of a command without results, which has no run with a record; None where there is none."""
        if self._run_of_results is not None:
            return None
        live = LiveRecord(self.workspace, record.run_id)
        begin = {
            "run_id": record.run_id,
            "session": record.run_id,
            "step": record.name,
            "start_time": self._start_time.isoformat(),
            "parameters": self._parameters,
        }
        try:
            live.begin(begin)
        except OSError as e:
            log.info("step %s has no live record: %s", record.name, e)
            return None
        return live

    def _end_live(self, status: str, error: str | None = None) -> None:
        if self._live is not None:
            with suppress(OSError):
                self._live.append("end", {"status": status, "error": error, "time": datetime.now().isoformat()})

    def _write_results(self, directory: ResourceRef) -> None:
        """``results.json`` with the metrics that the command left, unless it wrote that file itself."""
        if self._run_of_results is not None:
            self._run_of_results.find_files()
        if self._status(RESULTS_FILE) != self._files_before[RESULTS_FILE]:
            metrics = self._read(RESULTS_FILE).get("metrics")
            self._metrics = metrics if isinstance(metrics, dict) else None
            return
        is_new = self._status(METRICS_FILE) != self._files_before[METRICS_FILE]
        self._metrics = jsonable(self._read(METRICS_FILE)) if is_new else {}
        listed = {} if self._run_of_results is None else run_of(self._run_of_results)
        write_results_file(self.workspace, directory, results_of(self, self._metrics, None) | listed)

    def _status(self, name: str) -> object:
        """Something else once the command has written a file of the results directory."""
        directory = self._record.results
        resource = None if directory is None else self.workspace.get_resource(directory.name)
        root = resource.get_local_path_if_any() if isinstance(resource, LocalStateResourceMixin) else None
        if directory is None or root is None:
            return None
        try:
            status = Path(root, directory.subpath or "", name).stat()
        except OSError:
            return None
        return status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino

    def _read(self, name: str) -> dict[str, Any]:
        """A JSON object of the results directory, which the command wrote; empty, with a warning, if it is none."""
        directory = self._record.results
        assert directory is not None
        resource = self.workspace.get_resource(directory.name)
        where = f"{directory.subpath}/{name}" if directory.subpath else name
        try:
            if isinstance(resource, FileResourceMixin) and resource.does_subpath_exist(where, must_be_file=True):
                return resource.read_results_file(where)
        except (DwsError, RecursionError) as e:
            self.workspace.interaction.warn(f"No metrics are recorded: {e or 'the file is nested too deeply'}")
        return {}

    # -- what is recorded beside ---------------------------------------------------------------------------------

    def _entry(self, exit_status: int | None, *, is_over: bool = True) -> StepLineage:
        entry = super()._entry(exit_status, is_over=is_over)
        told = bool(self._record.inputs) or self._record.reads_nothing
        return entry._replace(inputs_told=told, other=self._other)

    def _environment(self) -> Environment:
        return self._machine

    def _watch(self) -> None:
        """Not this process."""

    def _random_seeds(self) -> dict[str, Any]:
        return dict(self._seeds)


def is_there(workspace: Workspace, ref: ResourceRef) -> bool:
    """Whether something lies at a reference, be it a link; True if that cannot be told here."""
    resource = workspace.get_resource(ref.name)
    if isinstance(resource, LocalStateResourceMixin):
        root = resource.get_local_path_if_any()
        return root is None or is_present(Path(root, ref.subpath or ""))
    return not isinstance(resource, FileResourceMixin) or resource.does_subpath_exist(ref.subpath or "")


def _identity(entry: StepLineage) -> tuple[str, str, str]:
    return entry.step_name, entry.start_time.isoformat(), "" if entry.run is None else entry.run.run_id
