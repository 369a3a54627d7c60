"""OpenLineage: each execution as the events of a run.

Runs, jobs and datasets have the facets of the standard where there is one that says what we know. The rest is in two
facets of ours, ``dws_step`` and ``dws_version``, whose schema is ``facets.schema.json``.

The client makes one of each kind of event and facet, which says its schema and producer. What differs is set in copies
of them, since the client takes longer for an object than all else here; a test has the client make each event again.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from importlib.metadata import version
from typing import Any
from uuid import UUID

import attr
from openlineage.client.event_v2 import Dataset, InputDataset, Job, OutputDataset, Run, RunEvent, RunState
from openlineage.client.generated.base import DatasetFacet, RunFacet
from openlineage.client.generated.dataset_version_dataset import DatasetVersionDatasetFacet
from openlineage.client.generated.documentation_job import DocumentationJobFacet
from openlineage.client.generated.error_message_run import ErrorMessageRunFacet
from openlineage.client.generated.execution_parameters_run import ExecutionParametersRunFacet
from openlineage.client.generated.job_type_job import JobTypeJobFacet
from openlineage.client.generated.parent_run import Job as ParentJob
from openlineage.client.generated.parent_run import ParentRunFacet
from openlineage.client.generated.parent_run import Run as ParentRun
from openlineage.client.generated.processing_engine_run import ProcessingEngineRunFacet
from openlineage.client.generated.source_code_location_job import SourceCodeLocationJobFacet
from openlineage.client.serde import Serde

from dataworkspaces.exports.values import as_text, clean, named_values
from dataworkspaces.exports.view import PROJECT, Execution, LineageView, Version
from dataworkspaces.lineage.states import State

_NIL = str(UUID(int=0))
_FACETS = f"{PROJECT}:facets.schema.json#/$defs/"


def to_json_lines(view: LineageView) -> str:
    """The events in the order of their times. Data that no step read or wrote is in none of them."""
    datasets = _Datasets(view)
    events = [event for execution in view.executions for event in _events(datasets, execution)]
    return "".join(f"{json.dumps(event, sort_keys=True)}\n" for _, event in sorted(events, key=lambda item: item[0]))


def _events(datasets: _Datasets, execution: Execution) -> list[tuple[datetime, dict[str, Any]]]:
    """START and COMPLETE, or FAIL; an end that is not known is told as the time of the start."""
    view = datasets.view
    end = execution.end or execution.start
    last = RunState.FAIL if execution.failure else RunState.COMPLETE
    job = {"namespace": view.workspace, "name": execution.name, "facets": _job_facets(view, execution)}
    facets = _run_facets(view, execution)
    inputs = [datasets.get(InputDataset, version) for version in execution.inputs]
    outputs = [datasets.get(OutputDataset, version) for version in execution.outputs]
    start = _event(execution, RunState.START, execution.start)
    start["run"]["facets"] = {**facets, "dws_step": _step_facet(view, execution, False)}
    start |= {"job": job, "inputs": inputs, "outputs": []}
    ended = _event(execution, last, end)
    ended["run"]["facets"] = {**facets, **_failure(execution), "dws_step": _step_facet(view, execution, True)}
    ended |= {"job": job, "inputs": inputs, "outputs": outputs}
    return [(execution.start, start), (end, ended)]


def _event(execution: Execution, state: RunState, at: datetime) -> dict[str, Any]:
    """Without what both events of a run share."""
    return {**_event_head(state), "eventTime": at.isoformat(), "run": {"runId": str(execution.run_id)}}


@cache
def _event_head(state: RunState) -> dict[str, Any]:
    run, job = Run(runId=_NIL), Job(namespace="", name="")
    event = RunEvent(eventTime="2026-01-01T00:00:00+00:00", producer=PROJECT, eventType=state, run=run, job=job)
    return Serde.to_dict(event)


@cache
def _head(kind: type[Any]) -> dict[str, Any]:
    """What each facet of a kind begins with."""
    fields = {field.name: "" for field in attr.fields(kind) if field.init and field.default is attr.NOTHING}
    made = Serde.to_dict(kind(**fields, producer=PROJECT))
    return {key: made[key] for key in ("_producer", "_schemaURL")}


class _Datasets:
    """Data as events show them, each made once: a version is in the events of all steps that read or wrote it."""

    def __init__(self, view: LineageView) -> None:
        self.view = view
        self._made: dict[tuple[type[Dataset], str], dict[str, Any]] = {}
        self._facets: dict[str, dict[str, Any]] = {}
        kinds: tuple[type[Dataset], ...] = (InputDataset, OutputDataset)
        self._heads = {kind: Serde.to_dict(kind(namespace="", name="")) for kind in kinds}

    def get(self, kind: type[Dataset], data: Version) -> dict[str, Any]:
        made = self._made.get((kind, data.path))
        if made is None:
            facets = self._facets.get(data.path)
            if facets is None:
                facets = self._facets[data.path] = _dataset_facets(data)
            namespace, name = _dataset(self.view, data)
            made = {**self._heads[kind], "namespace": namespace, "name": name, "facets": facets}
            self._made[kind, data.path] = made
        return made


# -- facets of runs --------------------------------------------------------------------------------------------------


def _run_facets(view: LineageView, execution: Execution) -> dict[str, Any]:
    """Those that are the same when a run starts and when it has ended."""
    step = execution.step
    facets: dict[str, Any] = {}
    if step.parameters:
        parameters = [{"key": clean(name), "value": as_text(value)} for name, value in step.parameters.items()]
        facets["executionParameters"] = {**_head(ExecutionParametersRunFacet), "parameters": parameters}
    environment = step.environment
    if environment is not None and environment.python is not None:
        facets["processing_engine"] = {
            **_head(ProcessingEngineRunFacet),
            "version": clean(environment.python),
            "name": clean(environment.implementation or "Python"),
            "openlineageAdapterVersion": _own_version(),
        }
    run = execution.enclosing_run
    if run is not None:
        head = _parent_head()
        parent_run = {**head["run"], "runId": str(view.enclosing_run_id(run))}
        parent_job = {**head["job"], "namespace": view.workspace, "name": clean(run.name)}
        facets["parent"] = {**head, "run": parent_run, "job": parent_job}
    return facets


@cache
def _own_version() -> str:
    return version("dws-core")


@cache
def _parent_head() -> dict[str, Any]:
    run, job = ParentRun(runId=_NIL), ParentJob(namespace="", name="")
    return Serde.to_dict(ParentRunFacet(run=run, job=job, producer=PROJECT))


def _failure(execution: Execution) -> dict[str, Any]:
    if not execution.failure:
        return {}
    environment = execution.step.environment
    language = "Python" if environment is not None and environment.python is not None else "unknown"
    known = {"message": execution.failure, "programmingLanguage": language}
    return {"errorMessage": {**_head(ErrorMessageRunFacet), **known}}


def _step_facet(view: LineageView, execution: Execution, has_ended: bool) -> dict[str, Any]:
    step = execution.step
    known: dict[str, Any] = {
        "imported": execution.imported,
        **_state(execution.state),
        "parameters": named_values(step.parameters),
        "randomSeeds": named_values(step.random_seeds),
        "commandLine": None if step.command_line is None else [clean(word) for word in step.command_line],
        "workingDirectory": None if step.working_directory is None else clean(step.working_directory),
        "user": None if step.user is None else clean(step.user),
        "code": [_code(execution, code) for code in execution.code],
        "inputsTold": None if step.inputs_told else False,
        "snapshot": view.graph.snapshot,
        "snapshotTags": [clean(tag) for tag in view.graph.tags],
    }
    if step.environment is not None:
        known["platform"] = None if step.environment.platform is None else clean(step.environment.platform)
        distributions = step.environment.distributions
        known["distributions"] = None if distributions is None else named_values(distributions)
    if has_ended:
        known["exitStatus"] = step.exit_status
        known["executionTimeSeconds"] = None if execution.end is None else step.execution_time_seconds
        known["metrics"] = None if step.metrics is None else named_values(step.metrics)
    return _own_facet("StepRunFacet", known)


def _code(execution: Execution, code: Version) -> dict[str, Any]:
    tree = execution.step.code_trees.get(code.cert.ref.name)
    return _known({"name": code.name, "version": code.label, "tree": None if tree is None else clean(tree)})


# -- facets of jobs and datasets -------------------------------------------------------------------------------------


def _job_facets(view: LineageView, execution: Execution) -> dict[str, Any]:
    step = execution.step
    is_command = step.run is not None and execution.enclosing_run is None
    origin = "imported into" if execution.imported else "of"
    description = f"Step {execution.name} {origin} the workspace {view.workspace}"
    if step.command_line:
        description += f", run as: {shlex.join(map(clean, step.command_line))}"
    documentation = {**_head(DocumentationJobFacet), "description": description}
    facets = {"jobType": _job_type(is_command), "documentation": documentation}
    if execution.code:  # The facet has room for one; all are in dws_step.
        code = execution.code[0]
        location = {
            "type": "data-workspaces",
            "url": view.base + code.path,
            "path": None if code.cert.ref.subpath is None else clean(code.cert.ref.subpath),
            "version": code.label,
        }
        facets["sourceCodeLocation"] = {**_head(SourceCodeLocationJobFacet), **_known(location)}
    return facets


@cache
def _job_type(is_command: bool) -> dict[str, Any]:
    kind = "COMMAND" if is_command else "STEP"
    facet = JobTypeJobFacet(processingType="BATCH", integration="DATA_WORKSPACES", jobType=kind, producer=PROJECT)
    return Serde.to_dict(facet)


def _dataset(view: LineageView, data: Version) -> tuple[str, str]:
    """Namespace and name. Nothing in the names of another workspace can make them look like ours."""
    return f"{view.workspace}/imported" if data.foreign else view.workspace, data.name


def _dataset_facets(data: Version) -> dict[str, Any]:
    certificate = data.cert.certificate
    known = {
        "resource": clean(data.cert.ref.name),
        "subpath": None if data.cert.ref.subpath is None else clean(data.cert.ref.subpath),
        "role": data.role,
        "hash": data.hashval,
        "version": certificate.version,
        "content": None if certificate.content is None else clean(certificate.content),
        "imported": data.imported,
        **_state(data.state),
    }
    return {
        "version": {**_head(DatasetVersionDatasetFacet), "datasetVersion": data.label},
        "dws_version": _own_facet("VersionDatasetFacet", known),
    }


def _state(state: State | None) -> dict[str, Any]:
    return {} if state is None else {"state": state.kind, "reasons": [clean(reason) for reason in state.reasons]}


_OWN = {"StepRunFacet": RunFacet, "VersionDatasetFacet": DatasetFacet}
"""What the definitions of our schema extend."""


def _own_facet(schema: str, known: Mapping[str, Any]) -> dict[str, Any]:
    return {**_own_head(schema), **_known(known)}


def _known(values: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value is not None}


@cache
def _own_head(schema: str) -> dict[str, Any]:
    """What each facet begins with."""
    return {**Serde.to_dict(_OWN[schema](producer=PROJECT)), "_schemaURL": _FACETS + schema}
