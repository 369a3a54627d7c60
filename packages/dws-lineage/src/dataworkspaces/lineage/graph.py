"""The graph of a lineage: steps, and the versions of data that they read and wrote. What pages, dot files and exports
are made from.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from dataworkspaces.lineage.attestations import Attestation
from dataworkspaces.lineage.model import (
    HashCertificate,
    ImportedLineage,
    LineageEntry,
    ResourceCert,
    StepLineage,
    UnknownLineage,
)
from dataworkspaces.lineage.places import Place, covering, is_out_of_date, places
from dataworkspaces.lineage.states import CURRENT, State
from dataworkspaces.workspace.resource_ref import ResourceRef

__all__ = ["DataNode", "Edge", "GraphBuilder", "LineageGraph", "StepNode"]


class DataNode(NamedTuple):
    """A version of a place in a resource.

    :ivar role: the role of the resource; None if the workspace has none of that name.
    :ivar imported: another workspace made it.
    """

    id: str
    cert: ResourceCert
    role: str | None
    imported: bool = False
    state: State = CURRENT

    def to_json(self) -> dict[str, Any]:
        return {
            "kind": "data",
            "id": self.id,
            **version_json(self.cert),
            "role": self.role,
            "imported": self.imported,
            **self.state.to_json(),
        }


class StepNode(NamedTuple):
    """An execution of a step. ``step`` has all that is known of it, the code that it ran included."""

    id: str
    step: StepLineage
    imported: bool = False
    state: State = CURRENT

    def to_json(self) -> dict[str, Any]:
        step = self.step
        return {
            "kind": "step",
            "id": self.id,
            "name": step.step_name,
            "start_time": step.start_time.isoformat(),
            "execution_time_seconds": step.execution_time_seconds,
            "parameters": dict(step.parameters),
            "metrics": None if step.metrics is None else dict(step.metrics),
            "code": [version_json(cert) for cert in step.code],
            "code_trees": dict(step.code_trees),
            "command_line": None if step.command_line is None else list(step.command_line),
            "run_from_directory": None if step.run_from_directory is None else str(step.run_from_directory),
            "user": step.user,
            "exit_status": step.exit_status,
            "environment": None if step.environment is None else step.environment.to_json(),
            "random_seeds": dict(step.random_seeds),
            "notebook": None if step.notebook is None else step.notebook.to_json(),
            **({} if step.inputs_told else {"inputs_told": False}),
            "imported": self.imported,
            **self.state.to_json(),
        }


class Edge(NamedTuple):
    """From what is read to the step, or from the step to what it wrote."""

    source: str
    target: str

    def to_json(self) -> dict[str, Any]:
        return {"source": self.source, "target": self.target}


class LineageGraph(NamedTuple):
    """:ivar resource: of which resource this is the lineage; None for all.
    :ivar snapshot: hash of the snapshot; None for the current lineage.
    :ivar attestations: what people attest of the snapshot; no part of the graph, and not in its JSON.
    :ivar metrics: those of versions of results, by the id of their node. Likewise."""

    workspace: str
    resource: str | None
    snapshot: str | None
    tags: tuple[str, ...] = ()
    data: tuple[DataNode, ...] = ()
    steps: tuple[StepNode, ...] = ()
    edges: tuple[Edge, ...] = ()
    attestations: tuple[Attestation, ...] = ()
    metrics: Mapping[str, Mapping[str, Any]] = {}

    def to_json(self) -> dict[str, Any]:
        return {
            "workspace": self.workspace,
            "resource": self.resource,
            "snapshot": self.snapshot,
            "tags": list(self.tags),
            "nodes": [*(node.to_json() for node in self.data), *(node.to_json() for node in self.steps)],
            "edges": [edge.to_json() for edge in self.edges],
        }


def version_json(cert: ResourceCert) -> dict[str, Any]:
    """A version as keys of a JSON object. ``hash`` is None while no snapshot has given one, ``version`` is the number
    of the placeholder, ``content`` the hash of the content as it was seen then; each may be None."""
    certificate = cert.certificate
    return {
        "resource": cert.ref.name,
        "subpath": cert.ref.subpath,
        "hash": certificate.hashval if isinstance(certificate, HashCertificate) else None,
        "version": certificate.version,
        "content": certificate.content,
    }


class GraphBuilder:
    """Collects the nodes behind places. ``states`` are those of this workspace's places.

    :param lineages: the entries of each resource, all of them."""

    def __init__(
        self,
        lineages: Mapping[str, Sequence[LineageEntry]],
        roles: Mapping[str, str],
        states: Mapping[ResourceRef, State],
    ) -> None:
        self.lineages, self.roles, self.states = lineages, roles, states
        self._data: dict[tuple[Any, ...], DataNode] = {}
        self._steps: dict[tuple[Any, ...], StepNode] = {}
        self._edges: dict[Edge, None] = {}
        self._walked: set[str] = set()
        """The nodes behind which nothing is left to be added."""
        self._read: set[tuple[str, int]] = set()
        """The steps whose inputs have been added; one may have an entry in each resource that it wrote to."""
        self._known = {name: places(name, entries) for name, entries in self.lineages.items()}
        self._imports = {
            name: _Imported(entry)
            for name, entries in self.lineages.items()
            for entry in entries
            if isinstance(entry, ImportedLineage)
        }

    def build(
        self, workspace: str, resource: str | None, snapshot: str | None, tags: Iterable[str] = ()
    ) -> LineageGraph:
        """The graph behind ``resource``, or that of all resources (without code that nothing else is known of)."""
        for name in [resource] if resource is not None else list(self.lineages):
            for place in self._known.get(name, {}).values():
                if resource is not None or self.roles.get(name) != "code":
                    self._add(place.cert)
            if name in self._imports:
                self._add_imported(self._imports[name])
        return LineageGraph(
            workspace,
            resource,
            snapshot,
            tuple(tags),
            tuple(self._data.values()),
            tuple(self._steps.values()),
            tuple(self._edges),
        )

    def _add(self, wanted: ResourceCert) -> None:
        pending = [wanted]
        while pending:
            cert = pending.pop()
            place = covering(self._known.get(cert.ref.name, {}), cert.ref)
            node, is_present = self._data_node(cert, place)
            if node.id in self._walked:
                continue
            self._walked.add(node.id)
            made_by = None if place is None or not is_present else _maker(place.entry)
            if place is not None and made_by is not None:
                step = self._step_node(made_by, self.states.get(place.cert.ref, CURRENT))
                self._edges[Edge(step.id, node.id)] = None
                if (step.id, id(made_by)) in self._read:
                    continue
                self._read.add((step.id, id(made_by)))
                for source in made_by.inputs:
                    source_place = covering(self._known.get(source.ref.name, {}), source.ref)
                    source_node, _ = self._data_node(source, source_place)
                    self._edges[Edge(source_node.id, step.id)] = None
                    pending.append(source)
            elif place is None and cert.ref.name in self._imports:
                self._link_imported(self._imports[cert.ref.name], cert, node)

    def _data_node(self, cert: ResourceCert, place: Place | None) -> tuple[DataNode, bool]:
        """The node of a version, and whether it is the present one."""
        is_present = place is not None and _same_version(place.cert, cert)
        shown = place.cert if is_present and place is not None else cert
        key = (shown.ref, _version_key(shown))
        if key not in self._data:
            if is_present and place is not None:
                state = self.states.get(place.cert.ref, CURRENT)
                if isinstance(place.entry, UnknownLineage):
                    state = State("unknown", (place.entry.cert.certificate.comment,))
            else:
                state = State("out of date", ("there is a newer version",)) if place is not None else CURRENT
            number = len(self._data) + 1
            self._data[key] = DataNode(f"d{number}", shown, self.roles.get(cert.ref.name), False, state)
        return self._data[key], is_present

    def _step_node(self, step: StepLineage, state: State) -> StepNode:
        key = (step.step_name, step.start_time, None)
        known = self._steps.get(key)
        if known is None:
            known = self._steps[key] = StepNode(f"s{len(self._steps) + 1}", step, False, state)
        elif state.kind != "current" and known.state.kind == "current":
            known = self._steps[key] = known._replace(state=state)
        return known

    # -- what another workspace made -----------------------------------------------------------------------------

    def _link_imported(self, imported: _Imported, cert: ResourceCert, node: DataNode) -> None:
        """What this workspace read, below what the other one exported."""
        self._data[(node.cert.ref, _version_key(node.cert))] = node._replace(imported=True)
        place = covering(imported.known.get(cert.ref.name, {}), cert.ref)
        if is_out_of_date(imported.entry, cert):
            return  # it was read before the importer pulled
        if place is not None and isinstance(place.entry, StepLineage):
            self._add_imported_step(imported, place.entry, {place.cert.ref: node.id})

    def _add_imported(self, imported: _Imported) -> None:
        name = imported.entry.resource_name
        for place in imported.known.get(name, {}).values():
            self._add_imported_cert(imported, place.cert)
            if isinstance(place.entry, StepLineage):
                self._add_imported_step(imported, place.entry, {})

    def _add_imported_step(self, imported: _Imported, step: StepLineage, outputs: Mapping[ResourceRef, str]) -> None:
        pending = [(step, dict(outputs))]
        while pending:
            step, known_outputs = pending.pop()
            key = (step.step_name, step.start_time, imported.entry.resource_name)
            is_new = key not in self._steps
            if is_new:
                self._steps[key] = StepNode(f"s{len(self._steps) + 1}", step, True)
            node = self._steps[key]
            for cert in step.outputs:
                if cert.ref.name in imported.known:
                    target = known_outputs.get(cert.ref) or self._add_imported_cert(imported, cert)
                    self._edges[Edge(node.id, target)] = None
            if not is_new:
                continue
            for cert in step.inputs:
                source = self._add_imported_cert(imported, cert)
                self._edges[Edge(source, node.id)] = None
                place = covering(imported.known.get(cert.ref.name, {}), cert.ref)
                if place is not None and isinstance(place.entry, StepLineage):
                    pending.append((place.entry, {place.cert.ref: source}))
                elif cert.ref.name in imported.nested:
                    self._add_imported(imported.nested[cert.ref.name])

    def _add_imported_cert(self, imported: _Imported, cert: ResourceCert) -> str:
        # The resource itself has one name in both workspaces; others of that name have nothing to do with ours.
        inner = imported.entry.resource_name
        key = (cert.ref, _version_key(cert)) if cert.ref.name == inner else (inner, cert.ref, _version_key(cert))
        if key not in self._data:
            role = self.roles.get(inner) if cert.ref.name == inner else None
            self._data[key] = DataNode(f"d{len(self._data) + 1}", cert, role, True)
        return self._data[key].id


class _Imported:
    """The lineage that came with an imported resource, by resource."""

    def __init__(self, entry: ImportedLineage) -> None:
        self.entry = entry
        names = {cert.ref.name for e in entry.lineages if isinstance(e, StepLineage) for cert in e.outputs}
        self.known = {name: places(name, entry.lineages) for name in {*names, entry.resource_name}}
        self.nested = {e.resource_name: _Imported(e) for e in entry.lineages if isinstance(e, ImportedLineage)}


def _maker(entry: LineageEntry) -> StepLineage | None:
    """The step that wrote a place, or failed as it did."""
    if isinstance(entry, UnknownLineage):
        return entry.step
    return entry if isinstance(entry, StepLineage) else None


def _version_key(cert: ResourceCert) -> tuple[str, Any]:
    if isinstance(cert.certificate, HashCertificate):
        return "hash", cert.certificate.hashval
    return "version", cert.certificate.version


def _same_version(one: ResourceCert, other: ResourceCert) -> bool:
    """A hash and a placeholder of the same number are of one version: a snapshot came in between."""
    mine, theirs = one.certificate, other.certificate
    if isinstance(mine, HashCertificate) and isinstance(theirs, HashCertificate):
        return mine.hashval == theirs.hashval
    return mine.version is not None and mine.version == theirs.version
