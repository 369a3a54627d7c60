"""``dws steps``: the recorded steps, and forgetting one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dataworkspaces.commands.rerun_plan import RerunPlan, plan_rerun
from dataworkspaces.errors import NotFoundError
from dataworkspaces.lineage.model import LineageEntry, StepLineage, UnknownLineage, entry_outputs

if TYPE_CHECKING:
    from dataworkspaces.workspace import ResourceRef, Workspace


@dataclass(frozen=True)
class ForgottenStep:
    """:ivar places: what it wrote, or failed to write: files that are there, and of which no origin is known now."""

    name: str
    places: tuple[ResourceRef, ...]

    def to_json(self) -> dict[str, Any]:
        return {"step": self.name, "outputs": [str(ref) for ref in self.places]}


def list_steps(workspace: Workspace) -> RerunPlan:
    """All steps of the present lineage, in the order of the graph, with what is out of date of them."""
    return plan_rerun(workspace)


def forget_step(workspace: Workspace, name: str) -> ForgottenStep:
    """Remove a step from the present lineage, with all its executions. Files, and what snapshots keep of it, stay."""
    store = workspace.as_lineage_ws().get_lineage_store()
    resources = list(workspace.get_resource_names())
    with workspace.transaction("forget-step"):
        entries = {resource: [e for e in store.entries(resource) if _is_of(e, name)] for resource in resources}
        found = [entry for each in entries.values() for entry in each]
        if not found:
            known = {step.execution.name for step in plan_rerun(workspace).steps}
            raise NotFoundError(
                f"No step '{name}' is recorded", hint=f"Available: {', '.join(sorted(known)) or 'none'}"
            )
        touched = [resource for resource, each in entries.items() if each]
        store.update_all(touched, lambda old: {n: [e for e in old[n].entries if not _is_of(e, name)] for n in touched})
    return ForgottenStep(name, tuple(dict.fromkeys(cert.ref for entry in found for cert in entry_outputs(entry))))


def _is_of(entry: LineageEntry, name: str) -> bool:
    step = entry.step if isinstance(entry, UnknownLineage) else entry
    return isinstance(step, StepLineage) and name in (step.step_name, None if step.run is None else step.run.name)
