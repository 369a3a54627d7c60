"""How a step describes itself."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dataworkspaces.errors import LineageError, PathNotAResourceError
from dataworkspaces.lineage import probe
from dataworkspaces.lineage.model import NotebookRecord
from dataworkspaces.lineage.own_code import watch_own_code
from dataworkspaces.lineage.results_step import ResultsLineage, check_results_ref
from dataworkspaces.lineage.run_environment import current_run, working_directory
from dataworkspaces.lineage.script import script_path
from dataworkspaces.lineage.step import Lineage, check_path, check_ref
from dataworkspaces.toolbox.notebooks import hash_of_sources
from dataworkspaces.workspace import ResourceRef, Workspace, find_and_load_workspace

if TYPE_CHECKING:
    from dataworkspaces.lineage.runs.run import ResultsRun

# From the moment on that a script imports us: most set their seeds before they build a step.
probe.watch()
watch_own_code()


class LineageBuilder:
    """Collects what a step is, reads and writes; :meth:`eval` makes its :class:`Lineage`.

    Each method returns the builder. Give the step's name by :meth:`as_script_step` or :meth:`with_step_name`, its
    inputs by the ``with_input_...`` methods or :meth:`with_no_inputs`; the rest is optional."""

    def __init__(self) -> None:
        self._step_name: str | None = None
        self._script: Path | None = None
        self._command_line: list[str] | None = None
        self._parameters: dict[str, Any] | None = None
        self._inputs: list[str | ResourceRef] = []
        self._no_inputs = False
        self._code: list[str | ResourceRef] = []
        self._workspace_directory: str | None = None
        self._workspace: Workspace | None = None
        self._results: str | ResourceRef | None = None
        self._run_description: str | None = None
        self._run: dict[str, Any] = {}

    # -- the step ------------------------------------------------------------------------------------------------

    def as_script_step(self) -> LineageBuilder:
        """The step is the running script: its name is the script's, its code the code resource that holds it."""
        self._check_unnamed("as_script_step()")
        script = script_path()
        if script is None:
            raise LineageError(
                "as_script_step(): no script is running, so the step has no name",
                hint="Call with_step_name(NAME) instead, or use the notebook kit's NotebookLineageBuilder",
            )
        self._script = script
        self._step_name = script.stem
        self._command_line = [sys.executable, *sys.argv]
        return self

    def with_step_name(self, step_name: str) -> LineageBuilder:
        """The step has this name."""
        self._check_unnamed("with_step_name()")
        if not isinstance(step_name, str) or not step_name:
            raise LineageError(f"with_step_name(): {step_name!r} is not a name")
        self._step_name = step_name
        return self

    def with_parameters(self, parameters: Mapping[str, Any]) -> LineageBuilder:
        """The configuration of the step. May be called once; :meth:`Lineage.add_param` adds more."""
        if not isinstance(parameters, Mapping):
            raise LineageError(f"with_parameters() takes a dictionary, not {parameters!r}")
        if self._parameters is not None:
            raise LineageError("with_parameters() was called twice", hint="Put all parameters into one dictionary")
        self._parameters = dict(parameters)
        return self

    # -- inputs and code -----------------------------------------------------------------------------------------

    def with_input_path(self, path: str) -> LineageBuilder:
        """An input: a local path in a resource. May be called several times, as all of these."""
        check_path(path, "with_input_path()", "with_input_ref()")
        return self._add_input(_absolute(path))

    def with_input_paths(self, paths: Sequence[str]) -> LineageBuilder:
        """Several inputs."""
        if isinstance(paths, (str, Path)):
            raise LineageError("with_input_paths() takes a list of paths", hint="Call with_input_path() for one")
        for path in paths:
            self.with_input_path(path)
        return self

    def with_input_ref(self, ref: ResourceRef) -> LineageBuilder:
        """An input: a resource, or a place in one."""
        ref = check_ref(ref, "with_input_ref()", "with_input_path()")
        return self._add_input(ref)

    def with_no_inputs(self) -> LineageBuilder:
        """The step reads nothing."""
        if self._inputs:
            raise LineageError("with_no_inputs() was called for a step that has inputs", hint="Use only one of them")
        self._no_inputs = True
        return self

    def with_code_path(self, path: str) -> LineageBuilder:
        """Code that the step runs: a local path in a code resource."""
        check_path(path, "with_code_path()", "with_code_ref()")
        self._code.append(_absolute(path))
        return self

    def with_code_ref(self, ref: ResourceRef) -> LineageBuilder:
        """Code that the step runs."""
        ref = check_ref(ref, "with_code_ref()", "with_code_path()")
        self._code.append(ref)
        return self

    # -- where ---------------------------------------------------------------------------------------------------

    def with_workspace_directory(self, workspace_dir: str) -> LineageBuilder:
        """The workspace, if it is not the one that holds the script or the current directory."""
        self._workspace_directory = str(workspace_dir)
        return self

    def with_workspace(self, workspace: Workspace) -> LineageBuilder:
        """The workspace, if it is open already."""
        self._workspace = workspace
        return self

    def as_results_step(self, results_dir: str | ResourceRef, run_description: str | None = None) -> LineageBuilder:
        """The step writes results: to a results resource, or to a directory in one (a local path or a reference)."""
        if self._results is not None:
            raise LineageError("as_results_step() was called twice", hint="A step writes results to one place")
        if isinstance(results_dir, ResourceRef):
            self._results = check_ref(results_dir, "as_results_step()", "It")
        else:
            check_path(results_dir, "as_results_step()", "It")
            self._results = _absolute(results_dir)
        self._run_description = run_description
        return self

    def in_run(
        self, name: str | None, *, find_files: bool = True, continues: ResultsRun | None = None
    ) -> LineageBuilder:
        """How the run of a results step is kept; for kits, which write its files themselves. The parameters are those
        of :class:`ResultsLineage`."""
        self._run = {"run_name": name, "find_files": find_files, "continues": continues}
        return self

    def eval(self) -> Lineage:
        """Check the description and begin the step. Returns a :class:`ResultsLineage` for a results step.

        Raises LineageError for what is missing or contradicts itself, ConfigurationError for what the workspace does
        not have."""
        if self._step_name is None:
            raise LineageError(
                "The step has no name", hint="Call as_script_step() or with_step_name(NAME) before eval()"
            )
        if not self._inputs and not self._no_inputs:
            raise LineageError(
                f"Step {self._step_name} does not name its inputs",
                hint="Call with_input_path() or with_input_ref(), or with_no_inputs(), before eval()",
            )
        workspace = self._find_workspace()
        arguments: dict[str, Any] = {
            "parameters": self._parameters or {},
            "inputs": [self._to_ref(workspace, item) for item in self._inputs],
            "code": self._code_refs(workspace),
            "command_line": self._command_line,
            "run_from_directory": _ref_if_any(workspace, Path.cwd()),
            "working_directory": working_directory(workspace),
            "run": current_run(workspace),
            "notebook": self._notebook(workspace),
        }
        if self._results is None:
            return Lineage(workspace, self._step_name, **arguments)
        results = self._to_ref(workspace, self._results)
        check_results_ref(workspace, results)
        return ResultsLineage(
            workspace,
            self._step_name,
            results_ref=results,
            run_description=self._run_description,
            **self._run,
            **arguments,
        )

    # -- for subclasses ------------------------------------------------------------------------------------------

    def _notebook(self, workspace: Workspace) -> Callable[[], NotebookRecord | None] | None:
        """What tells of the notebook that runs as the step, whenever it is asked; None for what is no notebook."""
        path = None if self._command_line is not None else probe.notebook()
        if path is None:
            return None
        ref = _ref_if_any(workspace, path, expecting_a_code_resource=True)

        def record() -> NotebookRecord:
            try:
                return NotebookRecord(ref, hash_of_sources(path.read_bytes()))
            except OSError:
                return NotebookRecord(ref, None)

        return record

    def _find_workspace(self) -> Workspace:
        if self._workspace is not None:
            return self._workspace
        if self._workspace_directory is not None:
            return find_and_load_workspace(True, False, self._workspace_directory)
        if self._script is not None:
            from dataworkspaces.workspace.workspace_uri import find_workspace_directory

            directory = find_workspace_directory(self._script.resolve().parent)
            if directory is not None:
                return find_and_load_workspace(True, False, str(directory))
        return find_and_load_workspace(True, False)

    def _code_refs(self, workspace: Workspace) -> list[ResourceRef]:
        refs = [self._to_ref(workspace, item) for item in self._code]
        if self._script is not None:
            script = _ref_if_any(workspace, self._script, expecting_a_code_resource=True)
            if script is not None:
                refs.append(ResourceRef(script.name))
        return list(dict.fromkeys(refs))

    @staticmethod
    def _to_ref(workspace: Workspace, item: str | ResourceRef) -> ResourceRef:
        if not isinstance(item, ResourceRef):
            return workspace.map_local_path_to_resource(item)
        ref = ResourceRef(workspace.present_name(item.name), item.subpath)
        workspace.validate_resource_name(ref.name)
        return ref

    def _add_input(self, item: str | ResourceRef) -> LineageBuilder:
        if self._no_inputs:
            raise LineageError("An input was given after with_no_inputs()", hint="Use only one of them")
        if item not in self._inputs:
            self._inputs.append(item)
        return self

    def _check_unnamed(self, call: str) -> None:
        if self._step_name is not None:
            raise LineageError(
                f"{call}: the stepis already named {self._step_name}",
                hint="Call either as_script_step() or with_step_name(), only once",
            )


def _absolute(path: str) -> str:
    """Of the directory in which the caller is now; links stay, since a resource may be one."""
    return os.path.abspath(Path(path).expanduser())  # noqa: PTH100


def _ref_if_any(workspace: Workspace, path: Path, expecting_a_code_resource: bool = False) -> ResourceRef | None:
    """The resource of a path, or None: a step outside any resource is no mistake."""
    try:
        return workspace.map_local_path_to_resource(str(path), expecting_a_code_resource)
    except PathNotAResourceError:
        return None
