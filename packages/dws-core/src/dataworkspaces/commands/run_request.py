"""What ``dws run`` was asked for, in terms of the workspace."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dataworkspaces.errors import ConfigurationError, PathNotAResourceError
from dataworkspaces.lineage.model import RunRecord, StepLineage
from dataworkspaces.lineage.places import contains, overlap, places
from dataworkspaces.lineage.running import working_directory
from dataworkspaces.workspace import FileResourceMixin, ResourceRef, ResourceRoles, Workspace

_DATA = (ResourceRoles.SOURCE_DATA_SET, ResourceRoles.INTERMEDIATE_DATA)


@dataclass(frozen=True)
class RunRequest:
    """Paths are local, relative to the current directory.

    :ivar name: default: that of the script, or of the program.
    :ivar inputs: default: the data that the command line names.
    :ivar outputs: default: what changes below the workspace's resources.
    :ivar code: default: the code resources of the files that the command line names.
    """

    command: tuple[str, ...]
    name: str | None = None
    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    code: tuple[str, ...] = ()
    parameters: Mapping[str, Any] = field(default_factory=dict)
    results: str | None = None
    force: bool = False


def to_record(workspace: Workspace, request: RunRequest) -> RunRecord:
    """Check a request. Raises ConfigurationError for a path that is in no resource, an input that is not there, a
    results directory that is in no results resource, and a name that is empty."""
    if not request.command:
        raise ConfigurationError("No command was given", hint="dws run [OPTIONS] -- COMMAND ARGUMENTS...")
    if request.name is not None and not request.name.strip():
        raise ConfigurationError("The name of the step is empty", hint="Leave out --name to have that of the script")
    results = None if request.results is None else _ref(workspace, request.results, "--results")
    if results is not None and workspace.get_resource_role(results.name) != ResourceRoles.RESULTS:
        raise ConfigurationError(
            f"--results: {request.results} lies in resource '{results.name}', which holds no results"
        )
    outputs = [_ref(workspace, path, "--output") for path in request.outputs]
    inputs = [_ref(workspace, path, "--input", must_exist=True) for path in request.inputs]
    code = [_ref(workspace, path, "--code", must_exist=True) for path in request.code]
    named = list(_named_places(workspace, request.command))
    if not inputs:
        written = [*outputs, *filter(None, [results]), *_written_before(workspace, request)]
        inputs = [
            ref for ref in named if workspace.get_resource_role(ref.name) in _DATA and not _overlaps(ref, written)
        ]
    if not code:
        code = [ResourceRef(r.name) for r in named if workspace.get_resource_role(r.name) == ResourceRoles.CODE]
    return RunRecord(
        run_id=uuid.uuid4().hex,
        name=request.name or step_name(request.command),
        command=request.command,
        run_from_directory=_ref_if_any(workspace, os.curdir),
        working_directory=working_directory(workspace),
        inputs=tuple(dict.fromkeys(inputs)),
        code=tuple(dict.fromkeys(code)),
        outputs=tuple(dict.fromkeys(outputs)) if outputs else None,
        parameters=dict(request.parameters),
        results=results,
    )


def step_name(command: Sequence[str]) -> str:
    """The name of the first file on a command line that an interpreter would run, or else of the program."""
    program = Path(command[0]).name
    for argument in command[1:]:
        if not argument.startswith("-") and Path(argument).suffix and Path(argument).is_file():
            return Path(argument).stem
    return Path(program).stem or program


def inputs_to_read(workspace: Workspace, refs: Iterable[ResourceRef]) -> list[ResourceRef]:
    """The inputs, with the parts that steps wrote in the place of a directory that holds them."""
    found: list[ResourceRef] = []
    store = workspace.as_lineage_ws().get_lineage_store()
    for ref in refs:
        known = places(ref.name, store.entries(ref.name))
        written = [part for part, place in known.items() if isinstance(place.entry, StepLineage) and part != ref]
        parts = [part for part in written if contains(ref.subpath, part.subpath)]
        found += _divide(workspace, ref, parts) if parts else [ref]
    return list(dict.fromkeys(found))


def _divide(workspace: Workspace, ref: ResourceRef, parts: Sequence[ResourceRef]) -> list[ResourceRef]:
    resource = workspace.get_resource(ref.name)
    if not isinstance(resource, FileResourceMixin):
        return list(parts)
    found: list[ResourceRef] = []
    for name in resource.ls(ref.subpath or ""):
        child = ResourceRef(ref.name, f"{ref.subpath}/{name}" if ref.subpath else name)
        inside = [part for part in parts if overlap(child.subpath, part.subpath)]
        if child in inside or not inside:
            found.append(child)
        else:
            found += _divide(workspace, child, inside)
    return found


def _named_places(workspace: Workspace, command: Sequence[str]) -> Iterable[ResourceRef]:
    """The places in resources that a command line names, as arguments or as values of options (``--data=PATH``)."""
    for argument in command:
        for text in (argument, argument.partition("=")[2]):
            if text and os.path.lexists(text) and (ref := _ref_if_any(workspace, text)) is not None:
                yield ref


def _written_before(workspace: Workspace, request: RunRequest) -> list[ResourceRef]:
    """What the same command line wrote the last time: an argument that names it names no input."""
    store = workspace.as_lineage_ws().get_lineage_store()
    return [
        cert.ref
        for name in workspace.get_resource_names()
        for entry in store.entries(name)
        if isinstance(entry, StepLineage) and entry.run is not None and entry.run.command == request.command
        for cert in entry.outputs
    ]


def _overlaps(ref: ResourceRef, others: Iterable[ResourceRef]) -> bool:
    return any(ref.name == other.name and overlap(ref.subpath, other.subpath) for other in others)


def _ref(workspace: Workspace, path: str, option: str, *, must_exist: bool = False) -> ResourceRef:
    if must_exist and not os.path.lexists(Path(path).expanduser()):
        raise ConfigurationError(f"{option}: {path} does not exist")
    try:
        return workspace.map_local_path_to_resource(path)
    except PathNotAResourceError as e:
        raise ConfigurationError(f"{option}: {e.message}", hint=e.hint) from e


def _ref_if_any(workspace: Workspace, path: str) -> ResourceRef | None:
    try:
        return workspace.map_local_path_to_resource(path)
    except PathNotAResourceError:
        return None
