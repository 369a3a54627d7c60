"""The lineage of a running step that writes results."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from dataworkspaces.errors import ConfigurationError
from dataworkspaces.lineage.jsonable import jsonable
from dataworkspaces.lineage.step import Lineage
from dataworkspaces.workspace import FileResourceMixin, ResourceRef, ResourceRoles, Workspace

RESULTS_FILE = "results.json"


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
        self._metrics = jsonable(dict(metrics))
        results = results_of(self, self._metrics, self.run_description)
        return write_results_file(self.workspace, self.results_ref, results)


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
