"""The steps as text for one of the tools that run pipelines."""

from __future__ import annotations

from dataworkspaces.commands.pipeline import Pipeline, read_pipeline
from dataworkspaces.commands.pipeline_dvc import dvc_yaml
from dataworkspaces.commands.pipeline_make import makefile
from dataworkspaces.commands.pipeline_snakemake import snakefile
from dataworkspaces.workspace import Workspace

FORMATS = {"dvc": dvc_yaml, "make": makefile, "snakemake": snakefile}


def export_steps(workspace: Workspace, tool: str) -> tuple[str, Pipeline]:
    """The text of a file for ``tool``, one of :data:`FORMATS`, and the pipeline that is in it.

    Raises NotFoundError if there are no steps that can be run, and NotSupportedError for a workspace without a local
    directory and for names that the tool cannot have."""
    pipeline = read_pipeline(workspace)
    return FORMATS[tool](pipeline.steps), pipeline
