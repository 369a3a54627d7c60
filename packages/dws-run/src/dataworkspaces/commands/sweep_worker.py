"""A process that makes runs of a sweep, one after the other: it reads tasks from its input, a JSON object a line, and
answers each with a line. It ends with the process that started it.

A run happens in a checkout of its own, and what it left becomes an experiment of the workspace. The workspace's lock is
held only for that moment."""

from __future__ import annotations

import json
import os
import shutil
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from dataworkspaces.commands.kept_experiments import experiments_of, take_experiment_command
from dataworkspaces.commands.reproduce_places import place_in_copy, same_places
from dataworkspaces.commands.run import execute
from dataworkspaces.commands.run_beside import checked_out, end_of_log, share_what_is_installed
from dataworkspaces.commands.run_guard import Apart, guarding
from dataworkspaces.commands.run_request import RunRequest, plan_run
from dataworkspaces.commands.sweep_command import recorded_parameters, set_in_files
from dataworkspaces.commands.sweep_runs import SWEEP
from dataworkspaces.errors import DwsError, LockedError
from dataworkspaces.lineage.own_commands import OwnCommands
from dataworkspaces.workspace import BatchInteraction, Workspace, find_and_load_workspace

T = TypeVar("T")
LOG, PRUNE, WHERE = "log", "prune", "where"
"""Files beside the checkout: what the command prints, the word that it is to be ended, the workspace's directory."""
_PATIENCE = 3600.0
"""Seconds to wait for the lock: somebody works in the workspace meanwhile."""


def main() -> None:
    tasks = os.fdopen(os.dup(0), encoding="utf-8")
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    with open(os.devnull, "rb") as nothing:  # noqa: PTH123 - what runs must not read our tasks, or answer
        os.dup2(nothing.fileno(), 0)
    os.dup2(2, 1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # who started us ends us
    for line in tasks:
        answers.write(json.dumps(answering(partial(run_one, json.loads(line)))) + "\n")
        answers.flush()


def answering(run: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """What a run says, or why there was none."""
    try:
        return {"ok": True, **run()}
    except DwsError as e:
        return {"ok": False, "message": e.message, "hint": e.hint}
    except Exception as e:
        return {"ok": False, "message": f"{type(e).__name__}: {e}", "hint": None}


def run_one(task: dict[str, Any]) -> dict[str, Any]:
    """Check out, run, keep. What is left in the directory of the task is removed by whoever made it."""
    place = Path(task["place"])
    place.mkdir()
    made = place / "workspace"
    workspace = open_workspace(task["workspace"])
    try:
        # What it borrows stays: the experiment that the runs start from holds it.
        with checked_out(workspace, task["base"], made, workspace.get_instance(), borrow=True) as there:
            (place / WHERE).write_text(str(there.directory), encoding="utf-8")
            status, seconds = _run(task, workspace, there.copy, there.directory, place)
            share_what_is_installed(there.copy, workspace)
            return _keep(task, there.directory, status, seconds, place)
    finally:
        os.chdir("/")
        shutil.rmtree(made, ignore_errors=True)


def open_workspace(place: str) -> Workspace:
    """One that asks nothing."""
    workspace = find_and_load_workspace(True, False, place)
    workspace.interaction = BatchInteraction()
    return workspace


def _run(task: dict[str, Any], workspace: Workspace, copy: Workspace, root: Path, place: Path) -> tuple[int, float]:
    directory = root / task["directory"]
    os.chdir(directory)
    set_in_files(task["point"], directory, root)
    places = same_places(workspace, copy)
    command = _command(task["command"], places, Path(task["workspace"]) / task["directory"], root)
    options: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in task["options"].items()}
    parameters = recorded_parameters(task["point"])
    request = RunRequest(command=command, parameters=parameters, force=True, no_cache=True, **options)
    planned = plan_run(copy, request)
    began = time.monotonic()
    with guarding(place) as guard, _pruned_when(place / PRUNE) as started:
        apart = Apart(guard, place / LOG)

        def call(*arguments: Any) -> int:
            begin = arguments[3]

            def both(process: int) -> None:
                started(process)
                begin(process)

            return apart.call(arguments[0], arguments[1], arguments[2], both)

        status = 1
        try:
            status = execute(copy, planned, None, call).exit_status
        except DwsError as e:
            if apart.ended != [0]:
                raise
            with (place / LOG).open("a", encoding="utf-8") as log:
                log.write(f"dws: {e.message}\n")
    OwnCommands(workspace.get_machine_directory()).add(command)
    return status, round(time.monotonic() - began, 3)


def _command(command: list[str], places: dict[str, str], here: Path, root: Path) -> tuple[str, ...]:
    """In the checkout. A program that git does not keep, of an environment in the workspace, is that one."""
    program, *arguments = command
    if os.sep in program:
        moved = place_in_copy(program, places, root)
        there = here / program
        program = moved if os.path.exists(moved) or not there.exists() else str(there)  # noqa: PTH110
    return (program, *(place_in_copy(argument, places, root) for argument in arguments))


@contextmanager
def _pruned_when(mark: Path) -> Iterator[Any]:
    """Yields what is told the process of the command, which ends once a file is there."""
    over = threading.Event()
    processes: list[int] = []

    def watch() -> None:
        while not over.wait(0.1):
            if mark.exists() and processes:
                with suppress(ProcessLookupError, PermissionError):
                    os.killpg(processes[0], signal.SIGTERM)
                if over.wait(5.0):
                    return
                with suppress(ProcessLookupError, PermissionError):
                    os.killpg(processes[0], signal.SIGKILL)
                return

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield processes.append
    finally:
        over.set()
        thread.join()


def _keep(task: dict[str, Any], root: Path, exit_status: int, seconds: float, place: Path) -> dict[str, Any]:
    is_pruned = exit_status != 0 and (place / PRUNE).exists()
    status = "completed" if exit_status == 0 else "pruned" if is_pruned else "failed"
    told = {
        "name": task["sweep"],
        "number": task["number"],
        "parameters": recorded_parameters(task["point"]),
        "status": status,
        "exit_status": exit_status,
        "seconds": seconds,
        **({"base": task["base_hash"]} if "base_hash" in task else {}),
    }
    labels = {} if exit_status == 0 else {"status": status, "exit_status": str(exit_status)}
    name = task["experiment"]
    log = end_of_log(place / LOG) if exit_status != 0 else ""
    last = "".join(c for c in log.strip().rpartition("\n")[2] if c.isprintable())[:200]
    taken = take_experiment_command(open_workspace(str(root)), name, last, labels, {SWEEP: told})
    bring_back(task["workspace"], root, name, "sweep")
    return {**told, "hash": taken.snapshot.hashval, "metrics": taken.snapshot.metrics, "log": log}


def bring_back(place: str, root: Path, name: str, command: str) -> None:
    """Have an experiment that was taken in a copy of a workspace there too.

    :param place: of the workspace. :param root: of the copy. :param command: for which it is done."""

    def attempt() -> None:
        workspace = open_workspace(place)
        with workspace.transaction(command):
            experiments_of(workspace).take_back_experiment(root, name)

    patiently(attempt)


def patiently(attempt: Callable[[], T]) -> T:
    """Try until nobody else holds the lock of a workspace, in which somebody may be working."""
    began = time.monotonic()
    while True:
        try:
            return attempt()
        except LockedError:
            if time.monotonic() - began > _PATIENCE:
                raise


if __name__ == "__main__":
    main()
