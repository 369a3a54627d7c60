"""The lineage of a running step."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from pathlib import Path, PurePath
from types import TracebackType
from typing import TYPE_CHECKING, Any

from dataworkspaces.errors import DwsError, LineageError
from dataworkspaces.lineage import probe
from dataworkspaces.lineage.code_files import CodeScan, Scans, code_files_of
from dataworkspaces.lineage.consistency import check_one_version_of_each
from dataworkspaces.lineage.environment import this_environment, this_user
from dataworkspaces.lineage.jsonable import jsonable
from dataworkspaces.lineage.model import (
    CodeFiles,
    Environment,
    HashCertificate,
    NotebookRecord,
    PlaceholderCertificate,
    ResourceCert,
    RunRecord,
    StepLineage,
)
from dataworkspaces.lineage.own_code import code_read, watch_own_code
from dataworkspaces.lineage.own_commands import OwnCommands
from dataworkspaces.lineage.places import group, overlap
from dataworkspaces.lineage.store import Entries, LineageStore, ResourceLineage, unknown, without
from dataworkspaces.workspace import ResourceRef, ResourceRoles, SnapshotWorkspaceMixin, Workspace
from dataworkspaces.workspace.own_files import warn_of_ignored

__all__ = ["Lineage", "check_path", "check_ref", "mark_unknown", "record_step"]

if TYPE_CHECKING:
    from dataworkspaces.lineage.file_tracker import FileTracker


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
        working_directory: str | None = None,
        run: RunRecord | None = None,
        notebook: Callable[[], NotebookRecord | None] | None = None,
    ) -> None:
        self.workspace = workspace
        self.step_name = step_name
        self._parameters = {str(k): jsonable(v) for k, v in parameters.items()}
        self._input_refs = list(inputs)
        self._code_refs = list(code)
        self._output_refs: list[ResourceRef] = []
        self._command_line = None if command_line is None else tuple(command_line)
        self._run_from_directory = run_from_directory
        self._working_directory = working_directory
        self._run = run
        self._notebook = notebook
        self._seeds: dict[str, Any] = {}
        self._metrics: dict[str, Any] | None = None
        self._snapshots: SnapshotWorkspaceMixin = workspace.as_lineage_ws()
        self._store: LineageStore = self._snapshots.get_lineage_store()
        self._code_scans: dict[str, CodeScan | None] = {}
        self._end_writing: Callable[[], None] | None = None
        self._end_tracking: Callable[[], None] | None = None
        self._tracker: FileTracker | None = None
        self._open = False
        self._process = os.getpid()
        self._watch()
        self.restart()

    @property
    def start_time(self) -> datetime:
        """When this execution began; local time, without a zone."""
        return self._start_time

    @property
    def input_refs(self) -> tuple[ResourceRef, ...]:
        return tuple(self._input_refs)

    @property
    def output_refs(self) -> tuple[ResourceRef, ...]:
        return tuple(self._output_refs)

    @property
    def parameters(self) -> dict[str, Any]:
        return dict(self._parameters)

    def restart(self, start_time: datetime | None = None) -> None:
        """Begin an execution: now is its start, and the inputs and the code are those of now.

        With the ``start_time`` of the last one, that execution goes on: :meth:`complete` records it once more.
        Raises LineageError if they depend on two versions of one resource."""
        self._start_time = datetime.now() if start_time is None else start_time
        self._metrics = None
        if start_time is None and self._tracker is not None:
            self._input_refs = [ref for ref in self._input_refs if ref not in self._tracker.inputs]
            self._tracker.forget()
        self._inputs: list[ResourceCert] = []
        self._code_trees: dict[str, str] = {}
        code = self._snapshots.present_contents(group(self._code_refs), keep=True)
        self._code_trees = {name: found.kept for name, found in code.items() if found.kept is not None}
        self._snapshots.refresh_imported_lineage(ref.name for ref in self._input_refs)
        contents = self._contents(self._input_refs)
        for name, subpaths in group(self._code_refs).items():
            contents.update((ResourceRef(name, p), c) for p, c in zip(subpaths, code[name].contents, strict=True))
        certs = self._store.certs_to_read(self._input_refs, self._code_refs, contents, self._comment)
        self._inputs = [certs[ref] for ref in self._input_refs]
        self._code = [certs[ref] for ref in self._code_refs]
        check_one_version_of_each(self._store, self.step_name, self._inputs)
        warn_of_ignored(self.workspace, [*self._input_refs, *self._code_refs], f"Step {self.step_name}")
        self._look_at_code()
        self._open = True
        if self._output_refs:
            self._note_writing()
        if self._tracker is not None:
            self.track_reads()

    # -- what the step says of itself ----------------------------------------------------------------------------

    def add_param(self, name: str, value: Any) -> None:
        """Add a parameter, or replace its value."""
        self._parameters[str(name)] = jsonable(value)

    def add_seed(self, name: str, value: Any) -> None:
        """Record a random seed that cannot be found out: that of a generator of your own, or one that was set before
        this module was imported."""
        self._seeds[str(name)] = jsonable(value)

    def add_input_path(self, path: str) -> None:
        """Add an input that is known only now: a local path in a resource."""
        check_path(path, "add_input_path()", "add_input_ref()")
        self.add_input_ref(self.workspace.map_local_path_to_resource(path))

    def add_input_ref(self, ref: ResourceRef) -> None:
        """Add an input that is known only now.

        Raises LineageError if the step would depend on two versions of one resource."""
        ref = self._present(check_ref(ref, "add_input_ref()", "add_input_path()"))
        self._check_open("add_input_ref()")
        self.workspace.validate_resource_name(ref.name)
        warn_of_ignored(self.workspace, [ref], f"Step {self.step_name}")
        if ref not in self._input_refs:
            self.replace_inputs((), [ref])

    def replace_inputs(self, old: Collection[ResourceRef], new: Sequence[ResourceRef]) -> None:
        """Let others stand for some inputs, as directories do for files.

        Raises LineageError, and changes nothing, if the step would depend on two versions of one resource."""
        self._snapshots.refresh_imported_lineage({ref.name for ref in new})
        certs = self._store.certs_to_read(new, [], self._contents(new), self._comment)
        before = dict(zip(self._input_refs, self._inputs, strict=True))
        inputs = {ref: cert for ref, cert in before.items() if ref not in old} | certs
        check_one_version_of_each(self._store, self.step_name, list(inputs.values()))
        self._input_refs, self._inputs = list(inputs), list(inputs.values())
        gone = [before[ref] for ref in old if ref in before]
        self._store.forget_sources([cert for cert in gone if cert.certificate.comment == self._comment])

    def add_input_hash(self, ref: ResourceRef, hashval: str) -> None:
        """Say what was read of an input whose resource cannot tell (data from an API): its hash. For kits."""
        if ref not in self._input_refs:
            self.add_input_ref(ref)
        cert = self._store.certs_to_read([ref], [], {ref: hashval}, self._comment)[ref]
        self._inputs[self._input_refs.index(ref)] = cert

    def track_reads(self) -> None:
        """From now on until the step ends, and when it is restarted, each file that is opened through the file system
        of a resource (also as ``dws://…``) is an input, and each that is written an output, unless it lies in one
        already. Of many files in a directory, the directory is. Files as they were in a snapshot are none: they are
        no version that the workspace is at."""
        from dataworkspaces.lineage.file_tracker import FileTracker

        self._check_open("track_reads()")
        if self._tracker is None:
            self._tracker = FileTracker(self)
        if self._end_tracking is None:
            self._end_tracking = self._tracker.begin()

    def add_output_path(self, path: str) -> None:
        """Add an output: the resource in which a local path lies. From now on a failure makes it unknown."""
        check_path(path, "add_output_path()", "add_output_ref()")
        self.add_output_ref(self.workspace.map_local_path_to_resource(path))

    def add_output_ref(self, ref: ResourceRef) -> None:
        """Add an output. From now on a failure makes it unknown.

        Raises LineageError if it overlaps with another output, or with what another step wrote."""
        ref = self._present(check_ref(ref, "add_output_ref()", "add_output_path()"))
        self.workspace.validate_resource_name(ref.name)
        if ref in self._output_refs:
            return
        for other in self._output_refs:
            if other.name == ref.name and overlap(other.subpath, ref.subpath):
                raise LineageError(f"Step {self.step_name} has two outputs that overlap: {other} and {ref}")
        self._check_nobody_else_wrote(ref)
        self._output_refs.append(ref)
        if self._open:
            self._note_writing()

    def replace_outputs(self, old: Collection[ResourceRef], new: Sequence[ResourceRef]) -> None:
        """Let others stand for some outputs, as directories do for files.

        Raises LineageError, and changes nothing, if one overlaps with what another step wrote."""
        for ref in new:
            self._check_nobody_else_wrote(ref)
        self._output_refs = [*(ref for ref in self._output_refs if ref not in old), *new]
        if self._open:
            self._note_writing()

    def _check_nobody_else_wrote(self, ref: ResourceRef) -> None:
        is_results = self._is_results(ref)
        for entry in self._store.entries(ref.name):
            if not isinstance(entry, StepLineage) or entry.step_name == self.step_name:
                continue
            for cert in entry.outputs:
                if is_results and isinstance(cert.certificate, HashCertificate):
                    continue  # a snapshot has moved them away
                nested = cert.ref.subpath != ref.subpath and overlap(cert.ref.subpath, ref.subpath)
                if cert.ref.name == ref.name and nested:
                    raise LineageError(
                        f"Step {self.step_name} would write {ref}, which overlaps with {cert.ref}, "
                        f"the output of step {entry.describe()}",
                        hint="Let each step write to its own directory",
                    )

    def write_results(self, metrics: Mapping[str, Any]) -> ResourceRef:
        """Only a results step writes results: raises LineageError."""
        raise LineageError(
            f"write_results(): step {self.step_name} is not a results step",
            hint="Call as_results_step(RESULTS_DIRECTORY) on the builder before eval()",
        )

    # -- the end -------------------------------------------------------------------------------------------------

    def complete(self) -> None:
        """The step has succeeded: record it as the maker of its outputs."""
        self._check_open("complete()")
        contents = self._contents([ref for ref in self._output_refs if not self._is_results(ref)])
        entry = self._entry(exit_status=0)._replace(code_files=self._find_code_files())
        try:
            record_step(self._store, entry, self._output_refs, contents)
        except BaseException:
            self._leave_to_the_next()
            raise
        for line in (self._command_line, None if entry.notebook is None else entry.notebook.line):
            if line is not None:
                OwnCommands(self.workspace.get_machine_directory()).add(line)
        self._ended()

    def abort(self) -> None:
        """The step has failed: what its outputs hold is unknown now. A second call does nothing."""
        if self._open:
            self._fail(self._output_refs, "failed", None)

    def __enter__(self) -> Lineage:
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if not self._open or os.getpid() != self._process:
            return  # a copy of the process, made by fork, ends for itself alone
        if exc_type is None or (isinstance(exc, SystemExit) and exc.code in (None, 0)):
            self.complete()
            return
        status = exc.code if isinstance(exc, SystemExit) and isinstance(exc.code, int) else 1
        try:
            self._fail(self._output_refs, "failed", status)
        except DwsError as e:  # the error of the step is the one to be told
            self._leave_to_the_next()
            self.workspace.interaction.warn(f"The outputs of step {self.step_name} could not be marked: {e.message}")

    # -- inside --------------------------------------------------------------------------------------------------

    def _fail(self, refs: Sequence[ResourceRef], how: str, exit_status: int | None) -> None:
        if refs:
            entry = self._entry(exit_status)
            mark_unknown(self._store, list(dict.fromkeys(refs)), f"{self._comment} {how}", entry)
        self._ended()

    def _entry(self, exit_status: int | None, *, is_over: bool = True) -> StepLineage:
        """What is known of the step by now, but for its outputs."""
        return StepLineage(
            step_name=self.step_name,
            start_time=self._start_time,
            execution_time_seconds=(datetime.now() - self._start_time).total_seconds(),
            parameters=self._parameters,
            inputs=tuple(self._inputs),
            code=tuple(self._code),
            command_line=self._command_line,
            run_from_directory=self._run_from_directory,
            working_directory=self._working_directory,
            user=this_user(),
            exit_status=exit_status,
            environment=self._environment() if is_over else None,
            random_seeds=self._random_seeds(),
            code_trees=self._code_trees,
            metrics=self._metrics,
            run=self._run,
            notebook=None if self._notebook is None else self._notebook(),
        )

    def _environment(self) -> Environment:
        root = self.workspace.get_workspace_local_path_if_any()
        return this_environment(self.workspace.get_machine_directory(), None if root is None else Path(root))

    def _watch(self) -> None:
        probe.watch()
        watch_own_code()

    def _look_at_code(self) -> None:
        """As the step begins."""
        if self._run is None:  # else `dws run` knows
            scans = Scans(self.workspace, self._code_scans)
            self._code_scans = {ref.name: scans.of(ref.name) for ref in self._code_refs}

    def _find_code_files(self) -> tuple[CodeFiles, ...]:
        """On which files of its code the step depends, which has succeeded."""
        scans = {name: found for name, found in self._code_scans.items() if found is not None}
        read = code_read([found.root for found in scans.values()]) if scans else None
        if read is None:
            return ()
        now = Scans(self.workspace, scans)
        return tuple(code_files_of(self._code_refs, self._output_refs, scans, now, read))

    def _random_seeds(self) -> dict[str, Any]:
        return {**probe.random_seeds(), **self._seeds}

    @property
    def _comment(self) -> str:
        return f"Step {self.step_name} at {self._start_time}"

    def _note_writing(self) -> None:
        """From here on a process that is killed leaves its outputs unknown; one that ends in order, and never said
        that the step is complete, leaves them as they are."""
        import weakref

        end_earlier = self._end_writing
        begun = self._entry(None, is_over=False)._replace(execution_time_seconds=None)
        end = self._store.begin_writing(self._output_refs, begun)
        self._end_writing = weakref.finalize(self, end)
        if end_earlier is not None:
            end_earlier()

    def _leave_to_the_next(self) -> None:
        """How the step ended could not be written: the note of what it wrote stays, for the next process to settle."""
        import weakref

        if isinstance(self._end_writing, weakref.finalize):
            found = self._end_writing.detach()
            self._end_writing = None if found is None else found[1]

    def _ended(self) -> None:
        self._open = False
        if self._end_tracking is not None:
            self._end_tracking()
            self._end_tracking = None
        if self._end_writing is not None:
            self._end_writing()
            self._end_writing = None

    def _contents(self, refs: Sequence[ResourceRef]) -> dict[ResourceRef, str | None]:
        """What lies at references now."""
        places = group(refs)
        found = self._snapshots.present_contents(places)
        return {
            ResourceRef(name, subpath): content
            for name, subpaths in places.items()
            for subpath, content in zip(subpaths, found[name].contents, strict=True)
        }

    def _is_results(self, ref: ResourceRef) -> bool:
        return self.workspace.get_resource_role(ref.name) == ResourceRoles.RESULTS

    def _present(self, ref: ResourceRef) -> ResourceRef:
        """The reference, by what its resource is called now."""
        return ResourceRef(self.workspace.present_name(ref.name), ref.subpath)

    def _check_open(self, call: str) -> None:
        if not self._open:
            raise LineageError(
                f"{call}: step {self.step_name} has already ended",
                hint="Call it inside the 'with' block of the step, which ends it; restart() begins another run",
            )


def record_step(
    store: LineageStore, entry: StepLineage, outputs: Sequence[ResourceRef], contents: Mapping[ResourceRef, str | None]
) -> None:
    """Make a step the maker of ``outputs``, each in a new version, in place of who wrote there before.

    ``contents`` says what lies there; results have none, since a snapshot moves them."""
    comment = f"Step {entry.describe()}"
    names = list(dict.fromkeys(ref.name for ref in outputs))

    def change(old: Mapping[str, ResourceLineage]) -> dict[str, Entries]:
        certs = []
        for ref in outputs:
            version = old[ref.name].last_version + 1
            certs.append(ResourceCert(ref, PlaceholderCertificate(version, comment, True, contents.get(ref))))
        written = entry._replace(outputs=tuple(certs))
        return {
            name: [*without(lineage.entries, [ref for ref in outputs if ref.name == name]), written]
            for name, lineage in old.items()
        }

    store.update_all(names, change)


def mark_unknown(store: LineageStore, refs: Sequence[ResourceRef], comment: str, step: StepLineage) -> None:
    """Nothing is known any more of what lies at ``refs``, which ``step`` was writing when it failed."""
    names = list(dict.fromkeys(ref.name for ref in refs))
    store.update_all(names, lambda old: {n: unknown(lineage, n, refs, comment, step) for n, lineage in old.items()})


def check_path(path: object, call: str, other: str) -> None:
    """Raise LineageError if ``path``, an argument of ``call``, is no path; ``other`` is the call that takes refs."""
    if isinstance(path, ResourceRef) or not isinstance(path, (str, os.PathLike)):
        raise LineageError(f"{call} takes a local path, not {path!r}", hint=f"{other} takes a ResourceRef")


def check_ref(ref: object, call: str, other: str) -> ResourceRef:
    """The reference, with its subpath in the one form that lineage knows. Raise LineageError if ``ref``, an argument
    of ``call``, is none, or leads out of its resource; ``other`` is the call for paths."""
    if not isinstance(ref, ResourceRef):
        raise LineageError(f"{call} takes a ResourceRef, not {ref!r}", hint=f"{other} takes a local path")
    if ref.subpath is None:
        return ref
    if not isinstance(ref.subpath, (str, PurePath)):
        raise LineageError(f"{call}: the subpath of a ResourceRef is a text, not {ref.subpath!r}")
    text = ref.subpath if isinstance(ref.subpath, str) else ref.subpath.as_posix()
    parts = [part for part in text.split("/") if part not in ("", ".")]
    if text.startswith("/") or ".." in parts or "\0" in text:
        raise LineageError(
            f"{call}: the subpath {text!r} leads out of resource '{ref.name}'", hint=f"{other} takes a local path"
        )
    return ResourceRef(ref.name, "/".join(parts) or None)
