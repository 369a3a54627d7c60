"""The recorded steps as a pipeline for another tool: ``dws steps --export``."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from dataworkspaces.commands.params_file import split_spec
from dataworkspaces.commands.rerun_graph import Execution
from dataworkspaces.commands.rerun_plan import RerunPlan, command_here, directory_of, plan_rerun
from dataworkspaces.commands.run_beside import relative_argument
from dataworkspaces.commands.run_places import PlaceSet
from dataworkspaces.errors import NotFoundError, NotSupportedError
from dataworkspaces.toolbox.regular import is_present
from dataworkspaces.workspace import LocalStateResourceMixin, ResourceRef, Workspace

_EVERY = "all"
"""What the tools call the step that runs them all."""


@dataclass(frozen=True)
class PipelineStep:
    """A step as a tool runs it. All paths are relative to the workspace's directory.

    :ivar name: what the step is called: somebody's text. :ivar id: letters, digits and underscores; unique.
    :ivar command: the command line. :ivar directory: where it runs; ``.`` is the workspace's directory.
    :ivar after: the ids of the steps whose outputs it reads.
    :ivar reads: files and directories that no step writes: data, code and files of parameters.
    :ivar reads_of_steps: those that other steps write.
    :ivar parameters: by file of parameters the keys that count; none means all.
    :ivar files, directories: what it writes."""

    name: str
    id: str
    command: tuple[str, ...]
    directory: str
    after: tuple[str, ...]
    reads: tuple[str, ...]
    reads_of_steps: tuple[str, ...]
    parameters: Mapping[str, tuple[str, ...]]
    files: tuple[str, ...]
    directories: tuple[str, ...]


@dataclass(frozen=True)
class Pipeline:
    """:ivar steps: in the order of the graph.
    :ivar left_out: the steps that no tool can run, each with the reason.
    :ivar unseen: resources that steps read or write, and that are in no local directory: no tool sees their changes.
    :ivar foreign: the steps whose command lines came with the workspace and have never been run here."""

    steps: tuple[PipelineStep, ...]
    left_out: Mapping[str, str] = field(default_factory=dict)
    unseen: tuple[str, ...] = ()
    foreign: tuple[str, ...] = ()


def read_pipeline(workspace: Workspace) -> Pipeline:
    """The steps of the present lineage, for other tools.

    Raises NotFoundError if there are none that can be run, and NotSupportedError without a local directory."""
    root = workspace.get_workspace_local_path_if_any()
    if root is None:
        raise NotSupportedError("Only a workspace with a local directory can be a pipeline of another tool")
    plan = plan_rerun(workspace, no_cache=True)
    if not plan.steps:
        raise NotFoundError("No steps are recorded", hint="Run a command with 'dws run'")
    found = _Reading(workspace, root, plan)
    if not found.steps:
        raise NotFoundError(f"No recorded step can be run by another tool: {next(iter(found.left_out.values()))}")
    foreign = tuple(step.execution.name for step in plan.steps if not step.is_own)
    return Pipeline(tuple(found.steps), found.left_out, tuple(found.unseen), foreign)


class _Reading:
    def __init__(self, workspace: Workspace, root: str, plan: RerunPlan) -> None:
        self._workspace = workspace
        self._root = root
        self._ids: dict[str, Execution] = {}
        self.steps: list[PipelineStep] = []
        self.left_out: dict[str, str] = {}
        self.unseen: dict[str, None] = {}
        for planned in plan.steps:
            execution = planned.execution
            if execution.command is None:
                self.left_out[execution.name] = f"no command line of step {execution.name} is recorded"
            elif planned.obstacle is not None:
                self.left_out[execution.name] = planned.obstacle
            else:
                self.steps.append(self._step(execution, command_here(execution.command)))

    def _step(self, execution: Execution, command: tuple[str, ...]) -> PipelineStep:
        directory = directory_of(self._workspace, execution)
        own = PlaceSet(execution.places)
        read = list(dict.fromkeys(cert.ref for entry in execution.entries for cert in entry.inputs))
        read = [ref for ref in read if not own.overlaps(ref)]
        makers = {id: list(filter(PlaceSet(other.places).overlaps, read)) for id, other in self._ids.items()}
        made = {ref for refs in makers.values() for ref in refs}
        parameters = self._parameters(execution, directory)
        paths = [*self._paths(ref for ref in read if ref not in made), *self._code(execution)]
        written = self._paths(execution.places)
        name = self._new_id(execution)
        return PipelineStep(
            execution.name,
            name,
            tuple(relative_argument(argument, self._root, directory) for argument in command),
            self._relative(directory),
            tuple(id for id, refs in makers.items() if refs),
            tuple(path for path in dict.fromkeys(paths) if path not in parameters),
            tuple(dict.fromkeys(self._paths(made))),
            parameters,
            tuple(path for path in written if not self._is_directory(path)),
            tuple(path for path in written if self._is_directory(path)),
        )

    def _code(self, execution: Execution) -> Iterator[str]:
        """The files of code that count, where they are known; else the places that hold code."""
        for entry in execution.entries:
            known = {files.ref: files for files in entry.code_files}
            for ref in (*(cert.ref for cert in entry.code if cert.ref not in known), *known):
                if ref in known:
                    refs = [ResourceRef(ref.name, path) for path in known[ref].files]
                    yield from (path for path in self._paths(refs) if is_present(Path(self._root, path)))
                else:  # but the whole workspace, which holds what the steps write, too
                    yield from (path for path in self._paths([ref]) if path != ".")

    def _parameters(self, execution: Execution, directory: str) -> dict[str, tuple[str, ...]]:
        specs = () if execution.record is None else execution.record.params_files
        split = [split_spec(spec, directory) for spec in specs]
        return {self._relative(os.path.join(directory, path)): keys for path, keys in split}  # noqa: PTH118

    def _paths(self, refs: Iterable[ResourceRef]) -> list[str]:
        found: list[str] = []
        names = set(self._workspace.get_resource_names())
        for ref in refs:
            resource = self._workspace.get_resource(ref.name) if ref.name in names else None
            place = resource.get_local_path_if_any() if isinstance(resource, LocalStateResourceMixin) else None
            if place is None:
                self.unseen[ref.name] = None
            else:
                found.append(self._relative(os.path.join(place, ref.subpath or "")))  # noqa: PTH118
        return found

    def _relative(self, path: str) -> str:
        return os.path.relpath(os.path.realpath(path), os.path.realpath(self._root))

    def _is_directory(self, path: str) -> bool:
        return Path(self._root, path).is_dir()

    def _new_id(self, execution: Execution) -> str:
        stem = re.sub(r"[^A-Za-z0-9_]+", "_", execution.name).strip("_") or "step"
        stem = f"step_{stem}" if stem[0].isdigit() or stem == _EVERY else stem
        found, n = stem, 1
        while found in self._ids:
            n += 1
            found = f"{stem}_{n}"
        self._ids[found] = execution
        return found


_TAKEN = {"all"}
