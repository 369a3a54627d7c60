"""The lineage of a running step that writes results."""

from __future__ import annotations

import weakref
from collections.abc import Mapping, Sequence
from datetime import datetime
from types import TracebackType
from typing import Any

from dataworkspaces.errors import ConfigurationError
from dataworkspaces.lineage.jsonable import jsonable
from dataworkspaces.lineage.runs.run import ResultsRun
from dataworkspaces.lineage.step import Lineage
from dataworkspaces.workspace import FileResourceMixin, ResourceRef, ResourceRoles, Workspace
from dataworkspaces.workspace.results import RESULTS_FILE

__all__ = ["ResultsLineage", "check_results_ref", "results_of", "run_of", "write_results_file"]


class ResultsLineage(Lineage):
    """The lineage of a step that writes results.

    :param run_name: what a run is called that is not the last of its script.
    :param find_files: whether all files that change in the results directory are the step's.
    :param continues: a run of this process whose model is evaluated once more, if what it left is still there.
    :ivar run: what it leaves in the results directory."""

    def __init__(
        self,
        *args: Any,
        results_ref: ResourceRef,
        run_description: str | None = None,
        run_name: str | None = None,
        find_files: bool = True,
        continues: ResultsRun | None = None,
        **kwargs: Any,
    ) -> None:
        self._is_begun = False
        super().__init__(*args, **kwargs)
        self.results_ref = results_ref
        self.run_description = run_description
        self._run_name = run_name
        self._find_files = find_files
        self._error: str | None = None
        if continues is None or not self._continue(continues):
            self._begin_run()

    def __enter__(self) -> ResultsLineage:
        return self

    def restart(self, start_time: datetime | None = None) -> None:
        super().restart(start_time)
        if self._is_begun and start_time is None:
            self._begin_run()

    def add_param(self, name: str, value: Any) -> None:
        before = self._parameters.get(str(name), self)
        super().add_param(name, value)
        if self._is_begun and before != self._parameters[str(name)]:
            self.run.add_parameters({str(name): self._parameters[str(name)]})

    def end_epoch(self, metrics: Mapping[str, Any], number: int | None = None) -> None:
        """An epoch of a training has ended with these metrics, which are on disk once this returns."""
        self._check_open("end_epoch()")
        self.run.end_epoch(metrics, number)

    def write_results(self, metrics: Mapping[str, Any]) -> ResourceRef:
        """Write ``results.json`` to the results directory, and return where it is.

        :param metrics: numbers, texts, and dictionaries and lists of these, from any library (see ``jsonable``)."""
        self._check_open("write_results()")
        self._metrics = jsonable(dict(metrics))
        self.run.about_to_write_results()
        self.run.find_files()
        return self._write_results_file()

    def update_results(self, metrics: Mapping[str, Any]) -> ResourceRef:
        """The same in the place of what this run has written there before, with metrics that are known by now."""
        self._check_open("update_results()")
        self._metrics = jsonable(dict(metrics))
        self.run.find_files()
        where = self._write_results_file()
        self.run.results_may_change()
        return where

    def complete(self) -> None:
        self._check_open("complete()")
        if self.run.find_files() and self._metrics is not None:
            self._write_results_file()
        super().complete()
        self.run.end("completed")

    def drop(self, error: BaseException | None = None) -> None:
        """The step ends here, and nobody says how, or with an error. If it has left something by now, it has failed; if
        not, the results are those of before, and what is known of them."""
        if not self._open:
            return
        if self.run.has_news and not self.run.is_empty:
            self._error = None if error is None else type(error).__name__
            self.abort()
            if error is not None and self.run.earlier_files is not None:
                self.workspace.interaction.warn(
                    f"Step {self.step_name} failed, and left its files in {self.run.results_ref}. "
                    f"The files of the run before it are in {self.run.earlier_files}"
                )
        else:
            self._ended()
            self.run.abandon()

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._error = None if exc_type is None else exc_type.__name__
        super().__exit__(exc_type, exc, traceback)

    # -- inside --------------------------------------------------------------------------------------------------

    def _continue(self, run: ResultsRun) -> bool:
        if run.results_ref != self.results_ref or not run.can_continue():
            return False
        self.run = run
        self.add_output_ref(self.results_ref)
        self.run.add_parameters(self._parameters)
        self._is_begun = True
        weakref.finalize(self, self.run.release)
        return True

    def _begin_run(self) -> None:
        self.run = ResultsRun.claim(self.workspace, self.results_ref, self.step_name, self._run_name)
        try:
            self.add_output_ref(self.results_ref)
            self.run.start(self._parameters, self._start_time, find_files=self._find_files)
        except BaseException:
            self.run.release()
            raise
        self._is_begun = True
        weakref.finalize(self, self.run.abandon)

    def _write_results_file(self) -> ResourceRef:
        results = results_of(self, self._metrics, self.run_description)
        where = write_results_file(self.workspace, self.run.directory.ref, results | run_of(self.run))
        self.run.results_written()
        return where

    def _fail(self, refs: Sequence[ResourceRef], how: str, exit_status: int | None) -> None:
        self.run.find_files()
        super()._fail(refs, how, exit_status)
        if self.run.is_empty:
            self.run.abandon()
        else:
            self.run.end("failed", self._error)


def results_of(step: Lineage, metrics: Mapping[str, Any] | None, run_description: str | None) -> dict[str, Any]:
    """What ``results.json`` holds."""
    return {
        "step": step.step_name,
        "start_time": step.start_time.isoformat(),
        "execution_time_seconds": (datetime.now() - step.start_time).total_seconds(),
        "parameters": step.parameters,
        "run_description": run_description,
        "metrics": metrics,
    }


def run_of(run: ResultsRun) -> dict[str, Any]:
    """What it holds beside."""
    return {"run_id": run.run_id, "files": run.list_of_files()}


def write_results_file(workspace: Workspace, directory: ResourceRef, results: dict[str, Any]) -> ResourceRef:
    """Write ``results.json`` to a directory of a results resource, and return where it is."""
    resource = workspace.get_resource(directory.name)
    if not isinstance(resource, FileResourceMixin):
        raise ConfigurationError(f"Resource '{resource.name}' holds no files, so results cannot be written to it")
    where = f"{directory.subpath}/{RESULTS_FILE}" if directory.subpath else RESULTS_FILE
    resource.add_results_file(results, where)
    return ResourceRef(directory.name, where)


def check_results_ref(workspace: Workspace, ref: ResourceRef) -> None:
    """Raise ConfigurationError if results cannot go to ``ref``."""
    workspace.validate_resource_name(ref.name, None, ResourceRoles.RESULTS)
