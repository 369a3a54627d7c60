"""``dws report``: the state of a workspace, its snapshots, its lineage and its results."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple

from dataworkspaces.commands.named_versions import find_snapshot
from dataworkspaces.commands.present import present_state
from dataworkspaces.commands.summaries import snapshot_json
from dataworkspaces.errors import DwsError
from dataworkspaces.workspace import RESOURCE_ROLE_CHOICES, LocalStateResourceMixin, SyncedWorkspaceMixin
from dataworkspaces.workspace.missing_type import ResourceOfMissingType, resources_to_show

if TYPE_CHECKING:
    from dataworkspaces.commands.results import FoundResults
    from dataworkspaces.lineage.views import LineageRow
    from dataworkspaces.workspace import OriginState, Resource, ResourceChange, SnapshotMetadata, Workspace


class ResourceStatus(NamedTuple):
    """A resource.

    :ivar parameters: those worth showing.
    :ivar change: how it stands to the last snapshot; None if there is none.
    :ivar origin: how its files differ from those at its origin; "" if they do not, or nobody can tell.
    """

    name: str
    role: str
    resource_type: str
    parameters: dict[str, Any]
    change: ResourceChange | None
    origin: str = ""

    def to_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "role": self.role,
            "type": self.resource_type,
            "parameters": self.parameters,
            "state": None if self.change is None else self.change.state,
            "details": None if self.change is None else self.change.details,
            "origin": self.origin,
        }


class StatusReport(NamedTuple):
    """Where a workspace is.

    :ivar last_snapshot: the newest; None if none was taken.
    :ivar snapshot: that which the present state is, or comes from: the changes of resources are those since then.
    :ivar is_snapshot: whether nothing has changed since.
    :ivar origin: what is known of the origin without asking it; None for a backend without one.
    :ivar unpushed: the resources whose own origins may lack something that is here."""

    workspace: str
    resources: tuple[ResourceStatus, ...]
    roles_without_resource: tuple[str, ...]
    last_snapshot: SnapshotMetadata | None
    snapshot: SnapshotMetadata | None = None
    is_snapshot: bool = False
    origin: OriginState | None = None
    unpushed: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        return {
            "workspace": self.workspace,
            "resources": [r.to_json() for r in self.resources],
            "roles_without_resource": list(self.roles_without_resource),
            "last_snapshot": None if self.last_snapshot is None else snapshot_json(self.last_snapshot),
            "snapshot": None if self.snapshot is None else snapshot_json(self.snapshot),
            "is_snapshot": self.is_snapshot,
            "branch": None if self.origin is None else self.origin.branch,
            "origin": None if self.origin is None or not self.origin.has_origin else self._origin_json(self.origin),
            "unpushed": list(self.unpushed),
        }

    @staticmethod
    def _origin_json(origin: OriginState) -> dict[str, Any]:
        return {"ahead": origin.ahead, "behind": origin.behind, "snapshots": origin.snapshots}


class LineageReport(NamedTuple):
    """The lineage of all resources: of a snapshot, or the current one (``snapshot`` is None)."""

    workspace: str
    snapshot: SnapshotMetadata | None
    rows: tuple[LineageRow, ...]

    def to_json(self) -> dict[str, Any]:
        return {
            "workspace": self.workspace,
            "snapshot": None if self.snapshot is None else snapshot_json(self.snapshot),
            "lineage": [row.to_json() for row in self.rows],
        }


class ResultsReport(NamedTuple):
    """What a run left in its results file.

    :ivar location: ``resource:/path``.
    :ivar snapshot: the snapshot that holds it; None for current results.
    :ivar properties: all that is neither a parameter nor a metric.
    :ivar metrics: those with one value.
    :ivar metric_tables: those that are dictionaries.
    :ivar history: by metric its value of each epoch, if a training recorded that.
    :ivar others: of further steps, which have other directories.
    """

    location: str
    snapshot: SnapshotMetadata | None
    properties: dict[str, Any]
    parameters: dict[str, Any]
    metrics: dict[str, Any]
    metric_tables: dict[str, dict[str, Any]]
    history: dict[str, list[float | None]]
    others: tuple[ResultsReport, ...] = ()

    def to_json(self) -> dict[str, Any]:
        return {
            "location": self.location,
            "snapshot": None if self.snapshot is None else snapshot_json(self.snapshot),
            "properties": self.properties,
            "parameters": self.parameters,
            "metrics": {**self.metrics, **self.metric_tables},
            **({"metrics_history": self.history} if self.history else {}),
            **({"others": [other.to_json() for other in self.others]} if self.others else {}),
        }


def status_report(workspace: Workspace) -> StatusReport:
    """The resources, and how each stands to the snapshot that the present state is, or comes from."""
    state = present_state(workspace)
    changes = state.changes
    shown = list(resources_to_show(workspace))
    for resource in shown:
        if isinstance(resource, ResourceOfMissingType):
            workspace.interaction.warn(f"Resource '{resource.name}': {resource.problem}")
    resources = tuple(
        ResourceStatus(r.name, r.role, r.resource_type, dict(r.describe_params()), changes.get(r.name), _origin(r))
        for r in shown
    )
    taken = {resource.role for resource in resources}
    missing = tuple(role for role in RESOURCE_ROLE_CHOICES if role not in taken)
    origin = workspace.origin_state() if isinstance(workspace, SyncedWorkspaceMixin) else None
    unpushed = tuple(_unpushed(workspace, origin))
    return StatusReport(
        workspace.name, resources, missing, state.newest, state.snapshot, state.is_snapshot, origin, unpushed
    )


def _unpushed(workspace: Workspace, origin: OriginState | None) -> Iterator[str]:
    """Of a workspace that was never published all is here alone, which need not be said of each resource."""
    if origin is None or not origin.has_origin:
        return
    for resource in resources_to_show(workspace):
        with suppress(DwsError):
            if isinstance(resource, LocalStateResourceMixin) and resource.has_unpushed_content():
                yield resource.name


def _origin(resource: Resource) -> str:
    return resource.differences_from_origin() if isinstance(resource, LocalStateResourceMixin) else ""


def lineage_report(workspace: Workspace, snapshot: str | None = None) -> LineageReport:
    """The lineage, current or of a snapshot (tag or hash)."""
    from dataworkspaces.lineage.views import make_lineage_table
    from dataworkspaces.lineage.workspace_graph import lineage_states

    snapshots = workspace.as_lineage_ws()
    metadata = None if snapshot is None else find_snapshot(workspace, snapshot)
    if metadata is None:
        names, hashval = list(workspace.get_resource_names()), None
    else:
        names, hashval = list(snapshots.get_snapshot_versions(metadata.hashval)), metadata.hashval
    store = snapshots.get_lineage_store()
    lineages = {name: store.entries(name, hashval) for name in names}
    states = lineage_states(workspace, lineages, metadata)
    return LineageReport(workspace.name, metadata, tuple(make_lineage_table(lineages, states)))


def results_report(
    workspace: Workspace, snapshot: str | None = None, resource: str | None = None
) -> ResultsReport | None:
    """The results of the steps of a snapshot (tag or hash); without one the current results or, if there are none,
    those of the most recent snapshot that has some. None if nothing was found."""
    from dataworkspaces.commands.results import find_all_results

    found = [_report_of(results) for results in find_all_results(workspace, snapshot, resource)]
    return found[0]._replace(others=tuple(found[1:])) if found else None


def _report_of(found: FoundResults) -> ResultsReport:
    metrics = _dictionary(found.data.get("metrics"))
    return ResultsReport(
        location=found.location,
        snapshot=found.snapshot,
        properties={key: value for key, value in found.data.items() if key not in ("parameters", "metrics")},
        parameters=_dictionary(found.data.get("parameters")),
        metrics={name: value for name, value in metrics.items() if not isinstance(value, dict)},
        metric_tables={name: value for name, value in metrics.items() if isinstance(value, dict)},
        history=found.history,
    )


def _dictionary(value: Any) -> dict[str, Any]:
    """Results files are anybody's: what should be a dictionary may be something else."""
    return value if isinstance(value, dict) else {}
