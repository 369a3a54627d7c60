"""A Process Run RO-Crate: each execution is an action, its tool is the step with the versions of its code.

That profile and no other of the Workflow Run RO-Crates: no workflow is written down in a workspace, which the other
profiles want as a file in the crate.
"""

from __future__ import annotations

import io
import json
import shlex
import zipfile
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any

from rocrate.model.contextentity import ContextEntity
from rocrate.model.dataset import Dataset
from rocrate.model.person import Person
from rocrate.rocrate import ROCrate

from dataworkspaces.errors import ConfigurationError
from dataworkspaces.exports.values import clean, in_utc, iri_part, is_scalar, plain
from dataworkspaces.exports.view import TERMS, Execution, LineageView, Version
from dataworkspaces.lineage.attestations import Attestation
from dataworkspaces.lineage.states import State
from dataworkspaces.toolbox.atomic import write_bytes
from dataworkspaces.toolbox.output import write_output

PROCESS_RUN = "https://w3id.org/ro/wfrun/process/0.5"
METADATA = "ro-crate-metadata.json"
_STATUS = "http://schema.org/{}ActionStatus"
_OWN_TERMS = {
    "dwsImported": "imported",
    "dwsState": "state",
    "dwsReason": "reason",
    "dwsContent": "content",
    "dwsCodeTree": "codeTree",
    "dwsSignature": "signature",
}


def write_crate(view: LineageView, out: Path) -> None:
    """A former crate at ``out`` gets new metadata; what else lies in its directory stays."""
    crate = to_crate(view)
    if out.suffix == ".zip":
        write_output(out, _zip(_metadata(crate)))
        return
    if out.is_dir():
        if any(out.iterdir()) and not (out / METADATA).is_file():
            raise ConfigurationError(
                f"{out} is a directory with other files, not an RO-Crate", hint="Choose a new or an empty directory"
            )
    elif out.exists():
        raise ConfigurationError(f"{out} is a file", hint="An RO-Crate is a directory, or a file that ends with .zip")
    write_bytes(out / METADATA, _metadata(crate))


def _metadata(crate: ROCrate) -> bytes:
    """An entity a line: indented, as the library writes it, takes json's slow encoder."""
    content = crate.metadata.generate()
    graph = ",\n".join(json.dumps(entity, sort_keys=True, ensure_ascii=False) for entity in content.pop("@graph"))
    head = json.dumps(content, sort_keys=True, ensure_ascii=False)
    return f'{head[:-1]}, "@graph": [\n{graph}\n]}}\n'.encode()


def _zip(metadata: bytes) -> bytes:
    """Without the times at which it was made, so that equal crates are equal files."""
    entry = zipfile.ZipInfo(METADATA)
    entry.external_attr = 0o644 << 16
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(entry, metadata, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def to_crate(view: LineageView) -> ROCrate:
    """Its data entities are versions of places: absolute IRIs, of which nothing is in the crate."""
    return _Writer(view).crate


class _Writer:
    def __init__(self, view: LineageView) -> None:
        self._view = view
        self.crate = ROCrate(version="1.1")
        # The profile's context comes from another address; one term of it is used.
        self.crate.metadata.extra_terms = {
            "environment": "https://w3id.org/ro/terms/workflow-run#environment",
            **{key: TERMS + term for key, term in _OWN_TERMS.items()},
        }
        self._describe()
        self._data = {version.path: self._add_data(version) for version in view.data}
        self._data.update({version.path: self._add_code(version) for version in view.code})
        actions = [self._add_action(execution) for execution in view.executions]
        if actions:
            self.crate.root_dataset.append_to("mentions", actions, compact=True)
        attested = [self._add_attestation(each) for each in view.graph.attestations if each.problem is None]
        if attested:
            self.crate.root_dataset.append_to("subjectOf", attested, compact=True)

    def _describe(self) -> None:
        graph, root = self._view.graph, self.crate.root_dataset
        what = "The lineage" if graph.resource is None else f"The lineage of {clean(graph.resource)}"
        snapshot = None if graph.snapshot is None else " ".join(map(clean, [graph.snapshot, *graph.tags]))
        when = "now" if snapshot is None else f"in the snapshot {snapshot}"
        profile = {"name": "Process Run Crate", "version": "0.5"}
        root["conformsTo"] = self._add(PROCESS_RUN, "CreativeWork", profile)
        root["name"] = f"Lineage of {self._view.workspace}"
        root["description"] = f"{what} in the workspace {self._view.workspace}, as it is {when}"
        root["license"] = "Not stated: the data belongs to the owner of the workspace, and is not in this crate"
        root["datePublished"] = date.today().isoformat()

    def _add_attestation(self, attestation: Attestation) -> Any:
        """What somebody says to have reproduced: the statement with its signatures, byte for byte, so that whoever gets
        the crate can verify it. Nothing of it is verified here."""
        return self._add(
            f"#attestation/{iri_part(attestation.name)}",
            "CreativeWork",
            {
                "name": f"Reproduction: {clean(attestation.verdict)}",
                "description": clean(attestation.describe()),
                "about": self.crate.root_dataset,
                "author": self._person(attestation.by) if attestation.by else None,
                "dateCreated": clean(attestation.time) or None,
                "encodingFormat": "application/vnd.in-toto+json",
                "text": attestation.content.decode("utf-8"),
                "dwsSignature": list(attestation.signatures),
            },
        )

    # -- data and code -------------------------------------------------------------------------------------------

    def _add_data(self, version: Version) -> Any:
        properties = _compact(self._about(version))
        return self.crate.add(Dataset(self.crate, self._view.base + version.path, properties=properties))

    def _add_code(self, version: Version) -> Any:
        return self._add(self._view.base + version.path, "SoftwareSourceCode", self._about(version))

    def _about(self, version: Version) -> dict[str, Any]:
        content = version.cert.certificate.content
        role = f", {version.role}" if version.role else ""
        resource = "a resource of another workspace" if version.foreign else "a resource"
        return {
            "name": version.name or version.path,
            "description": f"A version of a place in {resource}{role}; it is not in this crate",
            "version": version.label,
            "dwsContent": None if content is None else clean(content),
            **_state(version.state, version.imported),
        }

    # -- actions -------------------------------------------------------------------------------------------------

    def _add_action(self, execution: Execution) -> Any:
        step, run = execution.step, str(execution.run_id)
        seeds = dict(step.random_seeds)
        hash_seed = {"PYTHONHASHSEED": seeds.pop("PYTHONHASHSEED")} if "PYTHONHASHSEED" in seeds else {}
        inputs = [self._data[version.path] for version in execution.inputs]
        outputs = [self._data[version.path] for version in execution.outputs]
        inputs += self._values(run, "parameter", step.parameters) + self._values(run, "seed", seeds)
        outputs += self._values(run, "metric", step.metrics or {})
        properties = {
            "name": execution.name or "a step",
            "description": _description(execution),
            "startTime": _time(execution.start),
            "instrument": self._tool(execution),
            "actionStatus": _STATUS.format("Failed" if execution.failure else "Completed"),
            "endTime": None if execution.end is None else _time(execution.end),
            "error": execution.failure,
            "agent": None if step.user is None else self._person(step.user),
            "object": inputs,
            "result": outputs,
            "environment": self._values(run, "environment", hash_seed),
            "dwsCodeTree": [f"{clean(name)}: {clean(tree)}" for name, tree in step.code_trees.items()],
            **_state(execution.state, execution.imported),
        }
        return self._add(f"urn:uuid:{run}", "CreateAction", properties)

    def _values(self, run: str, kind: str, values: Mapping[str, Any]) -> list[Any]:
        return [
            self._add(
                f"#{kind}/{run}/{number}",
                "PropertyValue",
                {
                    "name": name or "(no name)",
                    "propertyID": kind,
                    "value": value if is_scalar(value) else json.dumps(value, ensure_ascii=False),
                },
            )
            for number, (name, value) in enumerate(plain(values).items(), 1)
        ]

    def _tool(self, execution: Execution) -> Any:
        """The step, in the versions of its code and environment: executions of one tool share it."""
        environment = execution.step.environment
        known = {} if environment is None else plain(environment.to_json())
        paths = [version.path for version in execution.code]
        return self._add(
            f"{self._view.base}step/{self._view.run_id('tool', execution.name, paths, known)}",
            "SoftwareApplication",
            {
                "name": execution.name or "a step",
                "softwareVersion": " ".join(version.label for version in execution.code) or None,
                "isBasedOn": [self._data[path] for path in paths],
                "softwareRequirements": list(self._software(known)),
                "operatingSystem": known.get("platform"),
            },
        )

    def _software(self, environment: Mapping[str, Any]) -> Iterable[Any]:
        python = environment.get("implementation") or "Python", environment.get("python")
        for name, version in [python, *(environment.get("distributions") or {}).items()]:
            if version is None:
                continue
            yield self._add(
                f"{self._view.base}software/{iri_part(name)}@{iri_part(version)}",
                "SoftwareApplication",
                {"name": name or "(no name)", "softwareVersion": version},
            )

    def _person(self, user: str) -> Any:
        return self.crate.add(Person(self.crate, f"#user/{iri_part(user)}", {"name": clean(user) or "(no name)"}))

    def _add(self, identifier: str, kind: str, properties: Mapping[str, Any]) -> Any:
        """Properties that are None or empty are left out, and a list of one is its item, as RO-Crate has it."""
        return self.crate.add(ContextEntity(self.crate, identifier, {"@type": kind, **_compact(properties)}))


def _compact(properties: Mapping[str, Any]) -> dict[str, Any]:
    single = {
        key: value[0] if isinstance(value, list) and len(value) == 1 else value for key, value in properties.items()
    }
    return {key: value for key, value in single.items() if value is not None and value != []}


def _state(state: State | None, imported: bool) -> dict[str, Any]:
    if state is None:
        return {"dwsImported": imported}
    return {"dwsImported": imported, "dwsState": state.kind, "dwsReason": [clean(reason) for reason in state.reasons]}


def _description(execution: Execution) -> str:
    step = execution.step
    what = "Run of a step" if step.command_line is None else shlex.join(map(clean, step.command_line))
    if step.working_directory is not None:
        what += f" (in the directory {clean(step.working_directory) or 'of the workspace'})"
    return (what or "Run of a step") + ("" if step.inputs_told else "; which data it read is not known")


def _time(at: datetime) -> str:
    """In UTC and milliseconds: validators of the profile know no negative offsets, and no microseconds."""
    return in_utc(at).isoformat(timespec="milliseconds")
