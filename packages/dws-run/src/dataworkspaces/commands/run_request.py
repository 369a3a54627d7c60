"""What ``dws run`` was asked for, in terms of the workspace."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dataworkspaces.commands.params_file import check_inside, paths_of, read_parameters, split_spec
from dataworkspaces.commands.run_around import Around
from dataworkspaces.commands.run_places import PlaceSet, Roots, named_paths, rest_of
from dataworkspaces.errors import ConfigurationError, NotFoundError, PathNotAResourceError
from dataworkspaces.lineage.model import RunRecord, StepLineage, UnknownLineage, entry_outputs
from dataworkspaces.lineage.run_environment import working_directory
from dataworkspaces.toolbox.regular import is_present
from dataworkspaces.workspace import ResourceRef, ResourceRoles, Workspace

_DATA = (ResourceRoles.SOURCE_DATA_SET, ResourceRoles.INTERMEDIATE_DATA)


_MANY_FILES = 20
"""More files of a directory than this on a command line are taken for the directory."""


@dataclass(frozen=True)
class RunRequest:
    """Paths are local, relative to the current directory.

    :ivar name: default: that of the script, or of the program.
    :ivar inputs: default: the data that the command line names.
    :ivar no_input: the command reads no data.
    :ivar autolog: record what frameworks for machine learning do in it.
    :ivar no_cache: take no outputs from earlier runs.
    :ivar outputs: default: what changes below the workspace's resources.
    :ivar code: default: the code resources of the files that the command line names.
    :ivar params_files: ``PATH[:KEY,KEY]``, whose values are parameters, too; ``parameters`` come before them.
    """

    command: tuple[str, ...]
    name: str | None = None
    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    code: tuple[str, ...] = ()
    parameters: Mapping[str, Any] = field(default_factory=dict)
    results: str | None = None
    force: bool = False
    params_files: tuple[str, ...] = ()
    no_input: bool = False
    no_cache: bool = False
    autolog: bool = False


@dataclass(frozen=True)
class PlannedRun:
    """:ivar unnamed: the resources of which nobody said whether the command reads them: data, if no input was named,
    and code. The inputs of the record are then a guess."""

    record: RunRecord
    unnamed: tuple[str, ...] = ()

    def guesses_inputs(self, workspace: Workspace) -> bool:
        return any(workspace.get_resource_role(name) in _DATA for name in self.unnamed)


def plan_run(workspace: Workspace, request: RunRequest, around: Around | None = None) -> PlannedRun:
    """Check a request. Raises ConfigurationError for a path that is in no resource, an input that is not there, a
    results directory that is in no results resource, and a name that is empty."""
    if not request.command:
        raise ConfigurationError("No command was given", hint="dws run [OPTIONS] -- COMMAND ARGUMENTS...")
    if request.name is not None and not request.name.strip():
        raise ConfigurationError("The name of the step is empty", hint="Omit --name to use the name of the script")
    if request.no_input and request.inputs:
        raise ConfigurationError("--no-input says that the command reads no data, but --input names some")
    roots = (around or Around(workspace)).roots
    results = None if request.results is None else _ref(workspace, roots, request.results, "--results")
    if results is not None and workspace.get_resource_role(results.name) != ResourceRoles.RESULTS:
        raise ConfigurationError(
            f"--results: {request.results} lies in resource '{results.name}', which is not a results resource",
            hint="'dws status' shows the roles of the resources",
        )
    outputs = [_ref(workspace, roots, path, "--output") for path in request.outputs]
    inputs = [_ref(workspace, roots, path, "--input", must_exist=True) for path in request.inputs]
    code = [_ref(workspace, roots, path, "--code", must_exist=True) for path in request.code]
    roles = {name: workspace.get_resource_role(name) for name in workspace.get_resource_names()}
    here = roots.ref(os.curdir)
    check_inside(request.params_files, None, workspace.get_workspace_local_path_if_any())
    from_files = read_parameters(request.params_files)
    params_refs = _params_refs(roots, request)
    named = [
        ref
        for _, path in named_paths(request.command, None)
        if (ref := roots.ref(path)) is not None and ref not in params_refs
    ]
    unnamed: list[str] = []
    if not request.inputs and not request.no_input:
        written = PlaceSet([*outputs, *filter(None, [results]), *written_before(workspace, request.command)])
        made = roots.written_own_files()
        data = (r for r in named if roles[r.name] in _DATA or (r.subpath is not None and made.overlaps(r)))
        inputs = _in_directories(ref for ref in data if not written.overlaps(ref))
        unnamed += [name for name, role in roles.items() if role in _DATA or name == roots.own_name]
    if not request.code:
        # Who works in the workspace's directory does not mean all that lies there: that is among what is unnamed.
        places = [*named, here] if here is not None and here.name != roots.own_name else named
        code = [ResourceRef(ref.name) for ref in places if roles[ref.name] == ResourceRoles.CODE]
        of_code = {ref.name for ref in code}
        other_code = [name for name, role in roles.items() if role == ResourceRoles.CODE and name not in of_code]
        unnamed += [name for name in other_code if name not in unnamed]
    # Of the files with parameters only these count.
    apart = PlaceSet(params_refs)
    code = [part for ref in code for part in rest_of(workspace, ref, apart)]
    inputs = [part for ref in inputs for part in rest_of(workspace, ref, apart)]
    record = RunRecord(
        run_id=uuid.uuid4().hex,
        name=request.name or _step_name(request.command, roots, roles),
        command=request.command,
        run_from_directory=here,
        working_directory=working_directory(workspace),
        inputs=tuple(dict.fromkeys(inputs)),
        code=tuple(dict.fromkeys(code)),
        outputs=tuple(dict.fromkeys(outputs)) if outputs else None,
        parameters={**from_files, **request.parameters},
        results=results,
        params_files=_relative(request.params_files),
        reads_nothing=request.no_input,
        autolog=request.autolog,
    )
    return PlannedRun(record, tuple(unnamed))


def _params_refs(roots: Roots, request: RunRequest) -> list[ResourceRef]:
    return [ref for path in paths_of(request.params_files, None) if (ref := roots.ref(path)) is not None]


def _relative(specs: Iterable[str]) -> tuple[str, ...]:
    """Files are noted relative to the directory, so that others find them."""
    found = []
    for spec in specs:
        path, keys = split_spec(spec, None)
        relative = os.path.relpath(path) if Path(path).expanduser().is_absolute() else path
        found.append(f"{relative}:{','.join(keys)}" if keys else relative)
    return tuple(found)


def _in_directories(refs: Iterable[ResourceRef]) -> list[ResourceRef]:
    """Of many references in one directory, the directory."""
    inside: dict[ResourceRef, list[ResourceRef]] = {}
    for ref in dict.fromkeys(refs):
        directory = (ref.subpath or "").rpartition("/")[0]
        inside.setdefault(ResourceRef(ref.name, directory or None), []).append(ref)
    return [r for directory, found in inside.items() for r in (found if len(found) <= _MANY_FILES else [directory])]


def _step_name(command: Sequence[str], roots: Roots, roles: Mapping[str, str]) -> str:
    """The name of the first file on a command line that an interpreter would run, or else of the program."""
    for argument in command[1:]:
        if not argument.startswith("-") and Path(argument).suffix and os.path.isfile(argument):  # noqa: PTH113
            ref = roots.ref(argument)
            if ref is None or roles[ref.name] == ResourceRoles.CODE:
                return Path(argument).stem
    program = Path(command[0]).name
    return Path(program).stem or program or "run"


def written_before(workspace: Workspace, command: Sequence[str]) -> list[ResourceRef]:
    """What the same command line wrote the last time, even if it failed: an argument that names it names no input."""
    store = workspace.as_lineage_ws().get_lineage_store()
    found = []
    for entry in (entry for name in workspace.get_resource_names() for entry in store.entries(name)):
        step = entry.step if isinstance(entry, UnknownLineage) else entry
        if isinstance(step, StepLineage) and step.run is not None and step.run.command == tuple(command):
            found += [cert.ref for cert in entry_outputs(entry)]
    return found


def _ref(workspace: Workspace, roots: Roots, path: str, option: str, *, must_exist: bool = False) -> ResourceRef:
    if must_exist and not is_present(Path(path).expanduser()):
        raise NotFoundError(f"{option}: {path} does not exist")
    found = roots.in_added(os.path.realpath(Path(path).expanduser()))
    if found is not None:
        return found
    try:
        return workspace.map_local_path_to_resource(path)
    except PathNotAResourceError as e:
        raise ConfigurationError(f"{option}: {e.message}", hint=e.hint) from e
