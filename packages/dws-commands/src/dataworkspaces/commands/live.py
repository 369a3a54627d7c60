"""``dws runs``: the runs under way, and the last ones, epoch by epoch."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from dataworkspaces.errors import NotFoundError
from dataworkspaces.lineage.live import LiveEpoch, LiveRun, live_runs

if TYPE_CHECKING:
    from dataworkspaces.workspace import Workspace

__all__ = ["follow", "runs_by_name"]


def runs_by_name(workspace: Workspace, name: str | None = None) -> list[LiveRun]:
    """The latest first. A command of ``dws run`` is left out where the runs within it tell more.

    :param name: the id of a run, or the beginning of one, or the name of a step, of which the latest run is meant.

    Raises NotFoundError if there is no such run."""
    found = live_runs(workspace)
    if name is not None:
        named = [run for run in found if run.run_id == name or run.step == name or run.run_id.startswith(name)]
        if not named:
            raise NotFoundError(f"There is no live record of a run '{name}'", hint="'dws runs' lists them")
        return [next((run for run in named if run.run_id == name), named[0])]
    within = {run.session for run in found if not run.is_command}
    return [run for run in found if not run.is_command or run.epochs or run.run_id not in within]


def follow(workspace: Workspace, run: LiveRun, wait: Callable[[], object]) -> Iterator[LiveEpoch]:
    """The epochs of a run, each when it ends, until the run does."""
    seen = 0
    while True:
        yield from run.epochs[seen:]
        seen = len(run.epochs)
        if not run.is_running:
            return
        wait()
        (run,) = runs_by_name(workspace, run.run_id)
