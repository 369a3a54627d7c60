"""All that the page of one snapshot, or of the present state, shows."""

from __future__ import annotations

import math
import shlex
from typing import TYPE_CHECKING, Any

from dataworkspaces.commands.present import present_state
from dataworkspaces.commands.results import directories_of_results, read_results, results_resources
from dataworkspaces.commands.show import show_command
from dataworkspaces.errors import DwsError
from dataworkspaces.lineage.jsonable import jsonable
from dataworkspaces.toolbox.flat import flat_items, scalars
from dataworkspaces.web.collected_warnings import warnings_of
from dataworkspaces.web.experiments import NOW, about
from dataworkspaces.workspace import FileResourceMixin

if TYPE_CHECKING:
    from dataworkspaces.lineage.attestations import Attestation
    from dataworkspaces.workspace import SnapshotMetadata, Workspace

_LONGEST_CURVE = 5000
_LARGEST_MATRIX = 100
MOST_FILES = 500
"""Of the results of a snapshot."""


def snapshot_page(workspace: Workspace, name: str) -> dict[str, Any]:
    """:param name: a tag or hash, or :data:`NOW`."""
    if name == NOW:
        return _present(workspace)
    shown = show_command(workspace, name)
    snapshot = shown.snapshot
    found = {
        **about(snapshot),
        "resources": [resource.to_json() for resource in shown.resources],
        "steps": jsonable(shown.to_json()["steps"]),
        "metrics": jsonable(shown.metrics),
        "parameters": jsonable(shown.parameters),
        "reproductions": [_reproduction(each) for each in shown.attestations],
        "children": _children(workspace, snapshot.hashval),
        "commands": commands(snapshot),
    }
    return {**found, **_results(workspace, snapshot), "warnings": warnings_of(workspace)}


def _present(workspace: Workspace) -> dict[str, Any]:
    state = present_state(workspace)
    resources = [
        {
            "name": name,
            "role": workspace.get_resource_role(name),
            "type": workspace.get_resource(name).resource_type,
            "hash": None,
            "restorable": False,
            "change": _CHANGES.get(state.changes[name].state) if name in state.changes else None,
        }
        for name in workspace.get_resource_names()
    ]
    found = {
        "hash": NOW,
        "parents": [] if state.snapshot is None else [state.snapshot.hashval],
        "resources": resources,
        "commands": [{"title": "Keep this state", "text": "dws snapshot -m 'What it is' TAG"}],
    }
    return {**found, **_results(workspace, None), "warnings": warnings_of(workspace)}


def _reproduction(attestation: Attestation) -> dict[str, Any]:
    """What somebody says about having reproduced it; who signed it is not verified here."""
    told = attestation.to_json()
    return {**told, "reproduced": attestation.problem is None and attestation.is_reproduced}


_CHANGES = {"unchanged": "same", "changed": "different", "new": "added"}


def _children(workspace: Workspace, hashval: str) -> list[str]:
    """The snapshots that came after it."""
    return workspace.as_snapshot_ws().get_snapshot_graph().children(hashval)


def _results(workspace: Workspace, snapshot: SnapshotMetadata | None) -> dict[str, Any]:
    """The results files with the courses of their metrics, and all files beside them."""
    results: list[dict[str, Any]] = []
    files: list[dict[str, Any]] = []
    for name in results_resources(workspace):
        resource = workspace.get_resource(name)
        if not isinstance(resource, FileResourceMixin):
            continue
        try:
            for found in read_results(resource, snapshot):
                data = {key: value for key, value in found.data.items() if key not in ("metrics", "parameters")}
                history = {metric: values for metric, values in found.history.items() if len(values) > 1}
                values = {kind: jsonable(scalars(found.data.get(kind))) for kind in ("metrics", "parameters")}
                results.append({"location": found.location, "about": jsonable(data), "history": history, **values})
                results[-1] |= {"seconds": list(found.seconds), "arrays": arrays_of(found.data.get("metrics"))}
            for listed in directories_of_results(resource, snapshot, hidden=False):
                sizes = ((path, info.size) for path, info in sorted(listed.items()))
                files += [{"resource": name, "path": path, "size": size} for path, size in sizes]
                if len(files) > MOST_FILES:
                    break
        except DwsError as e:
            workspace.interaction.warn(f"The results in '{name}' cannot be read: {e.message}")
    return {"results": results, "files": files[:MOST_FILES], "has_more_files": len(files) > MOST_FILES}


def arrays_of(metrics: Any) -> dict[str, Any]:
    """The matrices and curves among the metrics, such as a confusion matrix, by their names."""
    return {name: value for name, value in flat_items(metrics) if _is_curve(value) or _is_matrix(value)}


def _is_curve(value: Any) -> bool:
    return isinstance(value, list) and 1 < len(value) <= _LONGEST_CURVE and all(map(_is_number, value))


def _is_matrix(value: Any) -> bool:
    if not isinstance(value, list) or not 1 < len(value) <= _LARGEST_MATRIX:
        return False
    return all(isinstance(row, list) and len(row) == len(value) and all(map(_is_number, row)) for row in value)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def commands(snapshot: SnapshotMetadata) -> list[dict[str, str]]:
    """What one types to go on with a snapshot."""
    name = snapshot.tags[0] if snapshot.tags else snapshot.hashval[:10]
    quoted = shlex.quote(name)
    python = f"import dataworkspaces.api as dws\nresults, location = dws.get_results(tag_or_hash={name!r})"
    return [
        {"title": "Bring it back", "text": f"dws restore {quoted}"},
        {"title": "Prove that it can be reproduced", "text": f"dws reproduce {quoted}"},
        {"title": "Show it in the terminal", "text": f"dws show {quoted}"},
        {"title": "Compare it with the present state", "text": f"dws diff {quoted}"},
        {"title": "Read its results in Python", "text": python},
    ]
