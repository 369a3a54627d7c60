"""The lineage of a command that runs as a step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from dataworkspaces.errors import DwsError, LineageError
from dataworkspaces.lineage.environment import this_machine
from dataworkspaces.lineage.model import Environment, LineageEntry, RunRecord, StepLineage
from dataworkspaces.lineage.places import refs_overlap
from dataworkspaces.lineage.results_step import RESULTS_FILE, results_of, write_results_file
from dataworkspaces.lineage.step import Lineage
from dataworkspaces.lineage.store import Entries, ResourceLineage
from dataworkspaces.workspace import FileResourceMixin, ResourceRef, Workspace

METRICS_FILE = "metrics.json"
"""What a command may leave in its results directory: a JSON object of metrics, for ``results.json``."""


class CommandLineage(Lineage):
    """:param inputs: those of the record, in places that can be read each as one version."""

    def __init__(self, workspace: Workspace, record: RunRecord, inputs: Sequence[ResourceRef]) -> None:
        self._record = record
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
        for ref in (*(record.outputs or ()), *filter(None, [record.results])):
            self.add_output_ref(ref)
        self._results_before = self._results_file()

    def fail(self, outputs: Sequence[ResourceRef], how: str, exit_status: int | None) -> None:
        """What the command wrote is unknown now; that it failed is the error to be told."""
        try:
            self._fail([*self._output_refs, *self._not_recorded(outputs)], how, exit_status)
        except DwsError as e:
            self.workspace.interaction.warn(f"The outputs of step {self.step_name} could not be marked: {e}")

    def succeed(self, outputs: Sequence[ResourceRef]) -> list[ResourceRef]:
        """Record the step as the maker of its outputs, but for those that steps within the command have recorded.

        Raises LineageError, and leaves what was written unknown, if an output that was named is not there, or if one
        overlaps with that of another step."""
        own = self._not_recorded(outputs)
        try:
            self._check_outputs(own)
        except DwsError:
            self.fail(outputs, "failed", 0)
            raise
        if self._record.results is not None and self._record.results in own:
            self._write_results(self._record.results)
        self._output_refs = own
        self.complete()
        inner = self._inner_steps()
        recorded = list(dict.fromkeys(cert.ref for entry in inner for cert in entry.outputs))
        if inner:
            self._add_to_inner_steps(sorted({ref.name for ref in recorded}))
        return [*own, *recorded]

    def _check_outputs(self, own: Sequence[ResourceRef]) -> None:
        for ref in own:
            resource = self.workspace.get_resource(ref.name)
            is_there = not isinstance(resource, FileResourceMixin) or resource.does_subpath_exist(ref.subpath or "")
            if not is_there and ref != self._record.results:
                raise LineageError(
                    f"Step {self.step_name} has ended with success, but did not write {ref}",
                    hint="Correct --output, or the command",
                )
            if ref not in self._output_refs:
                self.add_output_ref(ref)

    # -- steps within the command --------------------------------------------------------------------------------

    def _inner_steps(self) -> list[StepLineage]:
        """The steps that the command itself recorded, by the lineage API or a kit."""
        return [
            entry
            for name in self.workspace.get_resource_names()
            for entry in self._store.entries(name)
            if self._is_inner(entry) and isinstance(entry, StepLineage)
        ]

    def _is_inner(self, entry: LineageEntry) -> bool:
        return (
            isinstance(entry, StepLineage)
            and entry.run is not None
            and entry.run.run_id == self._record.run_id
            and entry.start_time != self._start_time
        )

    def _not_recorded(self, outputs: Sequence[ResourceRef]) -> list[ResourceRef]:
        recorded = [cert.ref for entry in self._inner_steps() for cert in entry.outputs]
        return [ref for ref in outputs if not any(refs_overlap(ref, other) for other in recorded)]

    def _add_to_inner_steps(self, names: Sequence[str]) -> None:
        """They know what they read and with which parameters; what the user told ``dws run`` comes on top."""

        def add(entry: LineageEntry) -> LineageEntry:
            if not self._is_inner(entry) or not isinstance(entry, StepLineage):
                return entry
            known = [cert.ref for cert in (*entry.inputs, *entry.outputs)]
            inputs = [cert for cert in self._inputs if not any(refs_overlap(cert.ref, ref) for ref in known)]
            code = [cert for cert in self._code if cert.ref not in {other.ref for other in entry.code}]
            return replace(
                entry,
                inputs=(*entry.inputs, *inputs),
                code=(*entry.code, *code),
                parameters={**self._record.parameters, **entry.parameters},
            )

        def change(old: Mapping[str, ResourceLineage]) -> dict[str, Entries]:
            return {name: [add(entry) for entry in lineage.entries] for name, lineage in old.items()}

        self._store.update_all(names, change)

    # -- results -------------------------------------------------------------------------------------------------

    def _write_results(self, directory: ResourceRef) -> None:
        """``results.json`` with the metrics that the command left, unless it wrote that file itself."""
        written = self._results_file()
        if written is not None and written != self._results_before:
            metrics = written.get("metrics")
            self._metrics = metrics if isinstance(metrics, dict) else None
            return
        self._metrics = self._read(METRICS_FILE) or {}
        write_results_file(self.workspace, directory, results_of(self, self._metrics, None))

    def _results_file(self) -> dict[str, Any] | None:
        return self._read(RESULTS_FILE)

    def _read(self, name: str) -> dict[str, Any] | None:
        """A JSON file of the results directory; None if it is not there."""
        directory = self._record.results
        if directory is None:
            return None
        resource = self.workspace.get_resource(directory.name)
        where = f"{directory.subpath}/{name}" if directory.subpath else name
        if not isinstance(resource, FileResourceMixin) or not resource.does_subpath_exist(where, must_be_file=True):
            return None
        return resource.read_results_file(where)

    # -- what of this process says nothing of the command --------------------------------------------------------

    def _environment(self) -> Environment:
        return this_machine()

    def _random_seeds(self) -> dict[str, Any]:
        return dict(self._seeds)
