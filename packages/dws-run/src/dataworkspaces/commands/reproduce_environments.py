"""The environments that steps ran in, made again for them to run in."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from dataworkspaces.commands.environments import PYTHON, PlannedEnvironment, create_environment, plan_document
from dataworkspaces.commands.reproduce_verdict import RecordedEnvironment
from dataworkspaces.commands.rerun_graph import Execution
from dataworkspaces.commands.run_process import python_version
from dataworkspaces.errors import NotFoundError
from dataworkspaces.toolbox.names import some

if TYPE_CHECKING:
    from dataworkspaces.workspace import Workspace


@dataclass(frozen=True)
class StepEnvironment:
    """What a step runs in. :ivar directory: of a Python environment; None for the recorded interpreter, or ours if that
    is not here."""

    directory: Path | None = None

    @property
    def variables(self) -> dict[str, str]:
        """For its processes, beside ours."""
        if self.directory is None:
            return {}
        path = os.pathsep.join([str(self.directory / "bin"), os.environ.get("PATH", os.defpath)])
        return {"VIRTUAL_ENV": str(self.directory), "PATH": path}

    @property
    def python(self) -> str | None:
        return None if self.directory is None else str(self.directory / "bin" / "python")

    def program(self, program: str) -> str | None:
        """That of the environment which stands for a recorded one; None if it has none."""
        if self.directory is None:
            return None
        name = Path(program).name
        found = self.directory / "bin" / ("python" if name.startswith("python") else name)
        return str(found) if found.is_file() else None


CURRENT = StepEnvironment()


@dataclass(frozen=True)
class PlannedEnvironments:
    """:ivar of_steps: by number of an execution the document that it ran in; missing for what was no Python."""

    planned: Mapping[str, PlannedEnvironment] = field(default_factory=dict)
    of_steps: Mapping[int, str] = field(default_factory=dict)
    without: tuple[str, ...] = ()


def plan_environments(
    workspace: Workspace, executions: Sequence[Execution], without: Collection[str] = ()
) -> PlannedEnvironments:
    """What there is to make. Changes nothing. Raises NotFoundError for a step whose environment is not recorded."""
    of_steps: dict[int, str] = {}
    unknown = []
    for number, execution in enumerate(executions):
        environments = [entry.environment for entry in execution.entries if entry.environment is not None]
        document = next((each.records[PYTHON] for each in environments if PYTHON in each.records), None)
        if document is not None:
            of_steps[number] = document
        elif not environments or any(each.python is not None for each in environments):
            unknown.append(execution.name)
    if unknown:
        raise NotFoundError(
            f"The environment is not recorded of: {some(unknown)}",
            hint="--env current runs the steps in the present one; name the STEPs to leave these out",
        )
    planned = {document: plan_document(workspace, document) for document in dict.fromkeys(of_steps.values())}
    return PlannedEnvironments(planned, of_steps, tuple(without))


def make_environments(
    copy: Workspace, plan: PlannedEnvironments, executions: Sequence[Execution], directory: Path
) -> tuple[dict[int, StepEnvironment], list[RecordedEnvironment]]:
    """Make them below a directory; what the workspace itself holds is installed from its copy. The user has agreed to
    what is fetched."""
    made: dict[str, StepEnvironment] = {}
    told = []
    for count, (document, planned) in enumerate(plan.planned.items(), 1):
        place = directory / f"environment-{count}"
        created = create_environment(copy, planned, place, plan.without)
        made[document] = StepEnvironment(place)
        names = [executions[n].name for n, name in plan.of_steps.items() if name == document]
        version = python_version([str(place / "bin" / "python")], None) or "unknown"
        told.append(RecordedEnvironment(tuple(names), version, created.packages, created.verified, created.differences))
    return {number: made[document] for number, document in plan.of_steps.items()}, told
