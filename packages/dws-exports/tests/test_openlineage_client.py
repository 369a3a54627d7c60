"""Events are what the client of OpenLineage writes of the same, checks of its classes included."""

from __future__ import annotations

import json
from typing import Any

import pytest
from export_graphs import graphs
from hypothesis import given, settings
from openlineage.client.event_v2 import InputDataset, Job, OutputDataset, Run, RunEvent, RunState
from openlineage.client.generated.base import BaseFacet
from openlineage.client.generated.dataset_version_dataset import DatasetVersionDatasetFacet
from openlineage.client.generated.documentation_job import DocumentationJobFacet
from openlineage.client.generated.error_message_run import ErrorMessageRunFacet
from openlineage.client.generated.execution_parameters_run import ExecutionParameter, ExecutionParametersRunFacet
from openlineage.client.generated.job_type_job import JobTypeJobFacet
from openlineage.client.generated.parent_run import Job as ParentJob
from openlineage.client.generated.parent_run import ParentRunFacet
from openlineage.client.generated.parent_run import Run as ParentRun
from openlineage.client.generated.processing_engine_run import ProcessingEngineRunFacet
from openlineage.client.generated.source_code_location_job import SourceCodeLocationJobFacet
from openlineage.client.serde import Serde

from dataworkspaces.exports import formats
from dataworkspaces.lineage.graph import LineageGraph

pytestmark = pytest.mark.slow

FACETS: dict[str, type[BaseFacet]] = {
    "version": DatasetVersionDatasetFacet,
    "documentation": DocumentationJobFacet,
    "errorMessage": ErrorMessageRunFacet,
    "executionParameters": ExecutionParametersRunFacet,
    "jobType": JobTypeJobFacet,
    "parent": ParentRunFacet,
    "processing_engine": ProcessingEngineRunFacet,
    "sourceCodeLocation": SourceCodeLocationJobFacet,
}


def facets(written: dict[str, Any]) -> dict[str, Any]:
    return {name: facet if name.startswith("dws_") else made(name, facet) for name, facet in written.items()}


def made(name: str, facet: dict[str, Any]) -> BaseFacet:
    """By the client, which says the schema itself."""
    fields = {key: value for key, value in facet.items() if not key.startswith("_")}
    if name == "parent":
        fields = {"run": ParentRun(**fields["run"]), "job": ParentJob(**fields["job"])}
    if name == "executionParameters":
        fields["parameters"] = [ExecutionParameter(**parameter) for parameter in fields["parameters"]]
    return FACETS[name](**fields, producer=facet["_producer"])


def event(written: dict[str, Any]) -> RunEvent:
    run, job = written["run"], written["job"]
    return RunEvent(
        eventTime=written["eventTime"],
        producer=written["producer"],
        eventType=RunState[written["eventType"]],
        run=Run(runId=run["runId"], facets=facets(run["facets"])),
        job=Job(namespace=job["namespace"], name=job["name"], facets=facets(job["facets"])),
        inputs=[InputDataset(**{**data, "facets": facets(data["facets"])}) for data in written["inputs"]],
        outputs=[OutputDataset(**{**data, "facets": facets(data["facets"])}) for data in written["outputs"]],
    )


def check(graph: LineageGraph) -> None:
    for line in formats.OPENLINEAGE.text(graph).splitlines():
        assert Serde.to_json(event(json.loads(line))) == line


def test_client_writes_the_same(graph: LineageGraph) -> None:
    check(graph)


@settings(max_examples=40, deadline=None)
@given(graphs())
def test_client_writes_the_same_of_any_names(graph: LineageGraph) -> None:
    check(graph)
