"""The magics. Each does what a function of :mod:`dataworkspaces.api` does, and shows it in the cell."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from functools import wraps
from inspect import iscoroutine
from pathlib import Path
from typing import Any, TypeVar, cast

from IPython.core.error import UsageError
from IPython.core.magic import Magics, line_cell_magic, line_magic, magics_class

from dataworkspaces import api
from dataworkspaces.errors import DwsError
from dataworkspaces.kit_support.places import open_workspace
from dataworkspaces.kits.jupyter.arguments import HelpShown, add_parsers
from dataworkspaces.kits.jupyter.history import history_table
from dataworkspaces.kits.jupyter.notebook import find_notebook
from dataworkspaces.kits.jupyter.ran import Ran
from dataworkspaces.kits.jupyter.saved import state_of_notebook
from dataworkspaces.kits.jupyter.sessions import saves_itself
from dataworkspaces.kits.jupyter.stand_ins import Nothing
from dataworkspaces.kits.jupyter.steps import (
    IdleStepOfCell,
    RecordedStep,
    begin_step,
    complete_step,
    drop_step,
    run_cell,
)
from dataworkspaces.kits.jupyter.tables import Shown, StyledFrame, Table
from dataworkspaces.kits.jupyter.web import WebServer, show_web
from dataworkspaces.plain_text import escape
from dataworkspaces.workspace import ResourceRoles
from dataworkspaces.workspace.workspace_uri import find_workspace_directory

F = TypeVar("F", bound=Callable[..., Any])
_WITH_A_VALUE = ("dws_info", "dws_history", "dws_lineage_table", "dws_results")


def _command(function: F) -> F:
    """Parse the line. A mistake of the user becomes a UsageError: IPython shows its one line, and the cells below do
    not run."""

    @wraps(function)
    def run(self: DwsMagics, line: str, *cell: str) -> Any:
        with _mistakes_in_one_line():
            if self.disabled:
                return self.stand_in(function.__name__, line, *cell)
            try:
                options = self.parsers[function.__name__].parse_line(line)
            except HelpShown:
                return None
            result = function(self, options, *cell)
            return _awaited(result) if iscoroutine(result) else result

    return cast(F, run)


async def _awaited(result: Coroutine[Any, Any, Any]) -> Any:
    with _mistakes_in_one_line():
        return await result


@contextmanager
def _mistakes_in_one_line() -> Iterator[None]:
    try:
        yield
    except UsageError as e:
        raise UsageError(escape(e)) from None
    except DwsError as e:
        raise UsageError(escape(_one_line(e))) from None
    except OSError as e:
        raise UsageError(escape(str(e))) from None


def _one_line(error: DwsError) -> str:
    return " ".join(str(error).split())


def _cell_to_run(cell: str | None) -> str:
    if cell is None:
        raise UsageError("dws_run: There is no cell to run. Put %%dws_run on the first line of a cell")
    return cell


@magics_class
class DwsMagics(Magics):
    """The magics of one shell.

    :ivar disabled: they do nothing; a cell is run, and not recorded.
    :ivar ran: what ran since they were loaded.
    :ivar web: what serves the pages of ``%dws_web``.
    """

    def __init__(self, shell: Any, *, disabled: bool = False) -> None:
        super().__init__(shell)
        self.disabled = disabled
        self.parsers = add_parsers()
        self.ran = Ran()
        self.web = WebServer()

    @line_magic
    @_command
    def dws_info(self, options: Namespace) -> Shown:
        notebook = find_notebook()
        resources = api.get_resource_info(self._workspace())
        directory = self._workspace() or find_workspace_directory(Path.cwd())
        snapshots = list(api.get_snapshot_history(self._workspace()))
        last = snapshots[-1] if snapshots else None
        facts = {
            "Workspace": Path(directory).name if directory else None,
            "Directory": str(directory) if directory else None,
            "Notebook": "not known here" if notebook is None else str(notebook),
            "Snapshots": len(snapshots),
            "Last snapshot": None if last is None else " ".join([*last.tags, last.hashval[:8], last.timestamp[:19]]),
            "Data Workspaces": api.get_version(),
        }
        rows = [[r.name, r.role, r.resource_type, r.local_path] for r in resources]
        tables = [
            Table(None, ["Key", "Value"], list(facts.items())),
            Table("Resources", ["Resource", "Role", "Type", "Local path"], rows),
        ]
        return Shown(None, tables, {**facts, "resources": resources})

    @line_magic
    @_command
    def dws_history(self, options: Namespace) -> StyledFrame:
        return history_table(
            api.get_experiments(
                self._workspace(),
                where=options.where,
                sort=options.sort,
                metrics=options.metrics,
                parameters=options.params,
                changed=options.changed,
            ),
            max_count=options.max_count,
            tail=options.tail,
            baseline=options.baseline,
            heatmap=options.heatmap,
            maximize=options.maximize_metrics,
            minimize=options.minimize_metrics,
        )

    @line_magic
    @_command
    def dws_snapshot(self, options: Namespace) -> None:
        print(escape(state_of_notebook(find_notebook(), self.ran, saves_itself)))
        complete_step(self.shell)
        hashval = api.take_snapshot(self._workspace(), options.tag, options.message)
        print(f"Took snapshot {escape(options.tag)} ({hashval[:8]})" if options.tag else f"Took snapshot {hashval[:8]}")

    @line_magic
    @_command
    def dws_lineage_table(self, options: Namespace) -> Shown:
        rows = list(api.make_lineage_table(self._workspace(), options.snapshot))
        return Shown(None, [Table(None, ["Resource", "Lineage type", "Details", "Inputs"], rows)], rows)

    @line_magic
    @_command
    def dws_lineage_graph(self, options: Namespace) -> None:
        from dataworkspaces.kits.jupyter.graph import show_graph

        if options.resource is None:
            found = self._results_resources(options.snapshot)
            if len(found) > 1:
                raise UsageError(
                    f"dws_lineage_graph: There are several results resources: {', '.join(found)}. "
                    "Choose one with --resource"
                )
        show_graph(self._workspace(), options.resource, options.snapshot)

    @line_magic
    @_command
    def dws_web(self, options: Namespace) -> None:
        if options.live and options.snapshot is not None:
            raise UsageError("dws_web: --live and --snapshot are two pages: choose one of them")
        page = "live" if options.live else "snapshot" if options.snapshot is not None else ""
        show_web(self.web, self._workspace(), page, options.snapshot, options.height)

    @line_magic
    @_command
    def dws_results(self, options: Namespace) -> Shown:
        found = api.get_results(self._workspace(), options.snapshot, options.resource)
        if found is None:
            where = f" in {options.resource}" if options.resource else ""
            raise UsageError(f"dws_results: There are no results{where}. A step writes them to results.json")
        data, location = found
        parts: dict[str, Any] = {
            name: data.get(name) if isinstance(data.get(name), dict) else {} for name in ("parameters", "metrics")
        }
        metrics = parts["metrics"] or {}
        sections = {
            "General properties": {k: v for k, v in data.items() if k not in parts},
            "Parameters": parts["parameters"] or {},
            "Metrics": {k: v for k, v in metrics.items() if not isinstance(v, dict)},
            **{f"Metrics: {k}": v for k, v in metrics.items() if isinstance(v, dict)},
        }
        tables = [Table(title, ["Key", "Value"], list(values.items())) for title, values in sections.items() if values]
        return Shown(f"Results file at {location}", tables, data)

    @line_magic
    @_command
    def dws_step(self, options: Namespace) -> None:
        drop_step(self.shell)
        name = escape(begin_step(self.shell, options, self._workspace()))
        print(f"Step {name} has begun. %dws_snapshot completes it; DWS_STEP.write_results(METRICS) writes its results")

    @line_cell_magic
    @_command
    def dws_run(self, options: Namespace, cell: str | None = None) -> Coroutine[Any, Any, None] | None:
        cell = _cell_to_run(cell)
        drop_step(self.shell)
        return run_cell(self.shell, cell, RecordedStep(self.shell, options, self._workspace()))

    def stand_in(self, name: str, line: str, cell: str | None = None) -> Any:
        """What a magic does while all are disabled: the notebook runs on without it."""
        if name == "dws_step":
            IdleStepOfCell(self.shell, self._options_if_any(name, line)).begin()
        elif name == "dws_run":
            step = IdleStepOfCell(self.shell, self._options_if_any(name, line))
            return run_cell(self.shell, _cell_to_run(cell), step)
        return Nothing() if name in _WITH_A_VALUE else None

    # -- for completion ------------------------------------------------------------------------------------------

    def resource_names(self) -> list[str]:
        return [r.name for r in api.get_resource_info(self._workspace()) if escape(r.name) == r.name]

    def snapshot_names(self) -> list[str]:
        snapshots = list(api.get_snapshot_history(self._workspace(), reverse=True))
        tags = (tag for s in snapshots for tag in s.tags if escape(tag) == tag)
        return [*tags, *(s.hashval[:8] for s in snapshots)]

    # -- inside --------------------------------------------------------------------------------------------------

    def _options_if_any(self, name: str, line: str) -> Namespace | None:
        try:
            return self.parsers[name].parse_line(line)
        except (UsageError, HelpShown):  # nobody is told what has no effect
            return None

    def _workspace(self) -> str | None:
        """That of the notebook, wherever the kernel's directory is now; None: that of the current directory."""
        notebook = find_notebook()
        found = None if notebook is None else find_workspace_directory(notebook.resolve().parent)
        return None if found is None else str(found)

    def _results_resources(self, snapshot: str | None) -> list[str]:
        """Those that there are, or were in a snapshot."""
        if snapshot is None:
            return [r.name for r in api.get_resource_info(self._workspace()) if r.role == ResourceRoles.RESULTS]
        snapshots = open_workspace(self._workspace()).as_snapshot_ws()
        metadata = snapshots.get_snapshot_by_tag_or_hash(snapshot)
        manifest = snapshots.get_snapshot_manifest(metadata.hashval)
        return [entry["name"] for entry in manifest if entry["role"] == ResourceRoles.RESULTS]
