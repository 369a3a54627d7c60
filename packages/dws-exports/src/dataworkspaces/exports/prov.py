"""W3C PROV: versions are entities, executions are activities, users and what ran the steps are agents.

Names are local parts of qualified names in the namespace of the workspace, percent-encoded; as people know them they
are the labels.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Mapping
from typing import Any

from prov.constants import PROV_LABEL, PROV_ROLE, PROV_TYPE
from prov.identifier import Namespace, QualifiedName
from prov.model import Literal, ProvDocument

from dataworkspaces.exports.prov_json import JsonDocument
from dataworkspaces.exports.values import clean, iri_part, is_scalar, plain
from dataworkspaces.exports.view import TERMS, Execution, LineageView, Version
from dataworkspaces.lineage.model import Environment
from dataworkspaces.lineage.states import State

Attributes = list[tuple[QualifiedName, Any]]


def to_prov_json(view: LineageView) -> str:
    document = JsonDocument()
    _Writer(view, document).write()
    return f"{json.dumps(document.content)}\n"  # not indented: that takes json's slow encoder


def to_document(view: LineageView) -> ProvDocument:
    """The same as records of the library, which checks each."""
    document = ProvDocument()
    _Writer(view, document).write()
    return document


class _Writer:
    def __init__(self, view: LineageView, document: ProvDocument | JsonDocument) -> None:
        self._view = view
        self._document = document
        self._names = self._document.add_namespace("ws", view.base)
        self._terms = self._document.add_namespace("dws", TERMS)
        self._prov = Namespace("prov", "http://www.w3.org/ns/prov#")
        self._known: set[str] = set()

    def write(self) -> None:
        for version in (*self._view.data, *self._view.code):
            self._entity(version)
        for execution in self._view.executions:
            self._activity(execution)

    def _entity(self, version: Version) -> None:
        certificate = version.cert.certificate
        entity = self._names[version.path]
        self._document.entity(
            entity,
            [
                (PROV_LABEL, f"{version.name} {version.label}"),
                *([(PROV_TYPE, self._prov["Plan"])] if version.role == "code" else []),
                *self._optional("hash", version.hashval),
                *self._optional("version", certificate.version),
                *self._optional("content", None if certificate.content is None else clean(certificate.content)),
                *self._optional("role", version.role),
                *self._state(version.state, version.imported),
            ],
        )
        if self._is_new(version.place):
            self._document.entity(self._names[version.place], [(PROV_LABEL, version.name)])
        self._document.specialization(entity, self._names[version.place])

    # -- activities ----------------------------------------------------------------------------------------------

    def _activity(self, execution: Execution) -> None:
        step = execution.step
        activity = self._names[f"run/{execution.run_id}"]
        command = None if step.command_line is None else shlex.join(map(clean, step.command_line))
        directory = None if step.working_directory is None else clean(step.working_directory)
        self._document.activity(
            activity,
            execution.start,
            execution.end,
            [
                (PROV_LABEL, execution.name),
                (PROV_TYPE, self._terms["Step"]),
                *self._optional("commandLine", command),
                *self._optional("workingDirectory", directory),
                *self._optional("exitStatus", step.exit_status),
                *self._optional("inputsTold", None if step.inputs_told else False),
                *self._values("parameter", step.parameters),
                *self._values("metric", step.metrics or {}),
                *self._values("randomSeed", step.random_seeds),
                *self._values("codeTree", step.code_trees),
                *self._state(execution.state, execution.imported),
            ],
        )
        for version in execution.inputs:
            self._document.usage(activity, self._names[version.path], other_attributes=self._role("input"))
        for version in execution.code:
            self._document.usage(activity, self._names[version.path], other_attributes=self._role("code"))
        for version in execution.outputs:
            generated = self._names[version.path]
            self._document.generation(generated, activity, execution.end, other_attributes=self._role("output"))
            for source in execution.inputs:
                if source.path != version.path:
                    self._document.derivation(generated, self._names[source.path], activity)
        self._agents(execution, activity)

    def _agents(self, execution: Execution, activity: QualifiedName) -> None:
        user, environment = execution.step.user, execution.step.environment
        person = None if user is None else self._person(clean(user), iri_part(user))
        software = None if environment is None else self._software(environment)
        plans: list[QualifiedName | None] = [self._names[version.path] for version in execution.code]
        plans = plans or [None]
        if person is not None:
            for plan in plans:
                self._document.association(activity, person, plan)
            for version in execution.outputs:
                if self._is_new(f"{version.path} of {person}"):
                    self._document.attribution(self._names[version.path], person)
        if software is not None:
            for plan in plans:
                self._document.association(activity, software, plan)
        if person is not None and software is not None:
            self._document.delegation(software, person, activity)

    def _person(self, name: str, part: str) -> QualifiedName:
        person = self._names[f"user/{part}"]
        if self._is_new(str(person)):
            self._document.agent(person, [(PROV_TYPE, self._prov["Person"]), (PROV_LABEL, name)])
        return person

    def _software(self, environment: Environment) -> QualifiedName:
        """The environment that ran the step: Python, or the machine of a command."""
        known = plain(environment.to_json())
        agent = self._names[f"environment/{self._view.run_id('environment', known)}"]
        if self._is_new(str(agent)):
            python = f"Python {known['python']}" if known["python"] is not None else "command"
            self._document.agent(
                agent,
                [
                    (PROV_TYPE, self._prov["SoftwareAgent"]),
                    (PROV_LABEL, f"{python} on {known['platform'] or 'an unknown platform'}"),
                    *self._optional("python", known["python"]),
                    *self._optional("implementation", known["implementation"]),
                    *self._optional("platform", known["platform"]),
                    *((self._terms["distribution"], f"{n} {v}") for n, v in (known["distributions"] or {}).items()),
                ],
            )
        return agent

    # -- attributes ----------------------------------------------------------------------------------------------

    def _is_new(self, name: str) -> bool:
        is_new = name not in self._known
        self._known.add(name)
        return is_new

    def _optional(self, term: str, value: Any) -> Attributes:
        return [] if value is None else [(self._terms[term], value)]

    def _role(self, role: str) -> Attributes:
        return [(PROV_ROLE, self._terms[role])]

    def _state(self, state: State | None, imported: bool) -> Attributes:
        attributes: Attributes = [(self._terms["imported"], imported)]
        if state is not None:
            attributes.append((self._terms["state"], state.kind))
            attributes += [(self._terms["reason"], clean(reason)) for reason in state.reasons]
        return attributes

    def _values(self, kind: str, values: Mapping[str, Any]) -> Iterator[tuple[QualifiedName, Any]]:
        """An attribute ``dws:kind/name`` for each; JSON text, with a type that says so, for what is no scalar."""
        for name, value in values.items():
            value = plain(value)
            if not is_scalar(value):
                value = Literal(json.dumps(value, ensure_ascii=False), self._terms["json"])
            yield self._terms[f"{kind}/{iri_part(name)}"], value
