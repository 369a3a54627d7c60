"""A graph as the formats see it: versions and executions with identifiers, and times with a zone."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

from dataworkspaces.exports.values import clean, iri_part, iri_path, later, with_zone
from dataworkspaces.lineage.graph import DataNode, LineageGraph, StepNode
from dataworkspaces.lineage.model import HashCertificate, ResourceCert, RunRecord, StepLineage
from dataworkspaces.lineage.states import State

PROJECT = "urn:data-workspaces"
"""Who produced the export. A name and no address, so that an export says the same wherever the project has its home."""
TERMS = f"{PROJECT}:term:"
"""What the terms begin with that no standard has; the page about exports in the documentation says what they mean."""
_RUNS = uuid5(NAMESPACE_URL, f"{PROJECT}:run")


@dataclass(frozen=True)
class Version:
    """A version of a place in a resource, data or code.

    :ivar path: its identifier below :attr:`LineageView.base`, percent-encoded.
    :ivar place: that of the place, likewise.
    :ivar foreign: the resource is one of another workspace, whatever ours of that name is.
    :ivar state: None for code: what has become of it since shows in the state of the steps that ran it.
    """

    path: str
    place: str
    cert: ResourceCert
    role: str | None = None
    imported: bool = False
    foreign: bool = False
    state: State | None = None

    @property
    def name(self) -> str:
        """``resource/subpath``."""
        resource, subpath = self.cert.ref
        return clean(resource if subpath is None else f"{resource}/{subpath}")

    @property
    def hashval(self) -> str | None:
        certificate = self.cert.certificate
        return clean(certificate.hashval) if isinstance(certificate, HashCertificate) else None

    @property
    def label(self) -> str:
        """The hash; before a snapshot gives one, the number of the version."""
        return self.hashval or f"unsnapshotted-{self.cert.certificate.version}"


@dataclass(frozen=True)
class Execution:
    """A step as it ran.

    :ivar run_id: the same each time that this execution is exported from a workspace of this name.
    :ivar end: None if it is not known.
    """

    run_id: UUID
    step: StepLineage
    start: datetime
    end: datetime | None
    inputs: tuple[Version, ...]
    code: tuple[Version, ...]
    outputs: tuple[Version, ...]
    imported: bool
    state: State

    @property
    def name(self) -> str:
        return clean(self.step.step_name)

    @property
    def failure(self) -> str | None:
        status = self.step.exit_status
        return f"The command ended with exit status {status}" if status else None

    @property
    def enclosing_run(self) -> RunRecord | None:
        """The ``dws run`` whose command recorded this step; None for the entry of that command itself."""
        run = self.step.run
        is_own = run is not None and (self.step.step_name, self.step.command_line) == (run.name, run.command)
        return None if is_own else run


class LineageView:
    """:ivar base: an absolute IRI that ends with ``/``. It has the scheme ``arcp``, for what lies in a package and not
    at an address: a workspace has none."""

    def __init__(self, graph: LineageGraph) -> None:
        self.graph = graph
        self.workspace = clean(graph.workspace)
        self.base = f"arcp://name,{iri_part(graph.workspace)}/"
        self._versions: dict[str, Version] = {}
        self._code: dict[str, Version] = {}
        self._by_node = {node.id: self._of_node(node) for node in graph.data}

    @cached_property
    def executions(self) -> tuple[Execution, ...]:
        """In the order in which they started."""
        inputs: dict[str, list[Version]] = {}
        outputs: dict[str, list[Version]] = {}
        for edge in self.graph.edges:
            if edge.source in self._by_node:
                inputs.setdefault(edge.target, []).append(self._by_node[edge.source])
            else:
                outputs.setdefault(edge.source, []).append(self._by_node[edge.target])
        seen: dict[UUID, int] = {}
        found = [
            self._execution(node, inputs.get(node.id, ()), outputs.get(node.id, ()), seen) for node in self.graph.steps
        ]
        return tuple(sorted(found, key=lambda execution: (execution.start, str(execution.run_id))))

    @property
    def data(self) -> tuple[Version, ...]:
        return tuple(self._by_node.values())

    @cached_property
    def code(self) -> tuple[Version, ...]:
        """The code that steps ran, unless they read it too: then it is among the data."""
        return tuple(self._code.values()) if self.executions else ()

    def run_id(self, *key: Any) -> UUID:
        """A UUID that depends on the name of the workspace and the key, and nothing else."""
        return uuid5(_RUNS, json.dumps([self.graph.workspace, *key]))

    def enclosing_run_id(self, run: RunRecord) -> UUID:
        """That of the command's own entry, if it is in the graph."""
        return self._own_runs.get(run.run_id) or self.run_id("dws run", run.run_id)

    @cached_property
    def _own_runs(self) -> dict[str, UUID]:
        """The executions that are the entry of a `dws run`, by the id of that run; the first of several."""
        found: dict[str, UUID] = {}
        for execution in self.executions:
            if execution.step.run is not None and execution.enclosing_run is None:
                found.setdefault(execution.step.run.run_id, execution.run_id)
        return found

    # -- identifiers ---------------------------------------------------------------------------------------------

    def _execution(
        self, node: StepNode, inputs: Iterable[Version], outputs: Iterable[Version], seen: dict[UUID, int]
    ) -> Execution:
        step = node.step
        key = (step.step_name, step.start_time.isoformat(), *(["imported"] if node.imported else []))
        run_id = self.run_id(*key)
        seen[run_id] = number = seen.get(run_id, 0) + 1
        if number > 1:  # another workspace's step, of the same name and time, that came with another resource
            run_id = self.run_id(*key, number)
        start = with_zone(step.start_time)
        return Execution(
            run_id,
            step,
            start,
            later(start, step.execution_time_seconds),
            tuple(dict.fromkeys(inputs)),
            tuple(dict.fromkeys(self._code_version(cert, node.imported) for cert in step.code)),
            tuple(dict.fromkeys(outputs)),
            node.imported,
            node.state,
        )

    def _of_node(self, node: DataNode) -> Version:
        foreign = node.imported and node.role is None
        path, place = self._path(node.cert, foreign)
        if path in self._versions:  # of two workspaces that we imported from
            path = f"{path}@{len(self._versions)}"
        version = Version(path, place, node.cert, node.role, node.imported, foreign, node.state)
        self._versions[path] = version
        return version

    def _code_version(self, cert: ResourceCert, foreign: bool) -> Version:
        path, place = self._path(cert, foreign)
        if path not in self._versions:
            self._versions[path] = self._code[path] = Version(path, place, cert, "code", foreign, foreign)
        return self._versions[path]

    def _path(self, cert: ResourceCert, foreign: bool) -> tuple[str, str]:
        parts = ["imported" if foreign else "resource", iri_part(cert.ref.name)]
        if cert.ref.subpath is not None:
            parts.append(iri_path(cert.ref.subpath))
        place = "/".join(parts)
        certificate = cert.certificate
        if isinstance(certificate, HashCertificate):
            return f"{place}@{iri_part(certificate.hashval)}", place
        return f"{place}@~{certificate.version}", place
