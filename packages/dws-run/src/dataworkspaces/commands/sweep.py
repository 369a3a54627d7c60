"""``dws sweep``: a command for many parameters, each run in a checkout of its own, and an experiment."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dataworkspaces.commands.far import AT_A_TIME, LostExecutorError
from dataworkspaces.commands.kept_experiments import experiments_of, take_experiment_command
from dataworkspaces.commands.run_beside import place_beside
from dataworkspaces.commands.run_guard import Guard, guarding
from dataworkspaces.commands.sweep_command import command_of, recorded_parameters
from dataworkspaces.commands.sweep_far import FarRuns, far_runs
from dataworkspaces.commands.sweep_plan import SweepPlan, alone, keep_plan
from dataworkspaces.commands.sweep_runs import run_of
from dataworkspaces.commands.sweep_search import Search, search_of
from dataworkspaces.commands.sweep_values import Point
from dataworkspaces.errors import DwsError, ToolError
from dataworkspaces.toolbox.build_directory import directory_to_build_in
from dataworkspaces.workspace import Workspace

BUILDING = "sweep"
_LABELS = ("completed", "failed", "pruned")


@dataclass(frozen=True)
class DoneRun:
    """:ivar status: ``completed``, ``failed`` or ``pruned``; ``unrecorded`` if it could not be kept, and why.
    :ivar is_new: whether it ran now, and not before."""

    number: int
    experiment: str
    parameters: Mapping[str, Any]
    status: str
    exit_status: int | None
    seconds: float
    metrics: Mapping[str, Any] | None = None
    is_new: bool = True
    why: str = ""

    def to_json(self) -> dict[str, Any]:
        return {
            "number": self.number,
            "experiment": self.experiment,
            "parameters": dict(self.parameters),
            "status": self.status,
            "exit_status": self.exit_status,
            "seconds": self.seconds,
            "metrics": None if self.metrics is None else dict(self.metrics),
            "is_new": self.is_new,
        }


@dataclass(frozen=True)
class SweepOutcome:
    """:ivar runs: in the order of their numbers."""

    name: str
    runs: tuple[DoneRun, ...]

    def count(self, status: str) -> int:
        return sum(run.status == status for run in self.runs)

    def to_json(self) -> dict[str, Any]:
        counts = {status: self.count(status) for status in (*_LABELS, "unrecorded")}
        return {"sweep": self.name, "counts": counts, "runs": [run.to_json() for run in self.runs]}


Tell = Callable[[DoneRun], None]


def done_runs(workspace: Workspace, plan: SweepPlan) -> dict[int, DoneRun]:
    """Those of a sweep that are kept, by number."""
    found = {}
    for each in experiments_of(workspace).list_experiments():
        run = run_of(each.snapshot)
        if run is None or run.name != plan.name or each.name != plan.experiment(run.number):
            continue
        metrics = each.snapshot.metrics
        found[run.number] = DoneRun(
            run.number, each.name, run.parameters, run.status, run.exit_status, run.seconds, metrics, is_new=False
        )
    return found


def sweep_command(
    workspace: Workspace,
    plan: SweepPlan,
    *,
    jobs: int | None = None,
    retry: bool = False,
    executor: str | None = None,
    tell: Tell = lambda _run: None,
) -> SweepOutcome:
    """Run what has not been run. ``tell`` is told each run that ends.

    :param jobs: how many run at a time; None is one here, and as many as it takes for an executor.
    :param retry: run those again that failed.
    :param executor: ``NAME`` or ``NAME:ADDRESS``; None for processes of this machine. See :mod:`.sweep_far`.

    Raises LockedError if this sweep is running already."""
    with alone(workspace, plan):
        return _sweep(workspace, plan, jobs, retry, executor, tell)


def _sweep(
    workspace: Workspace, plan: SweepPlan, jobs: int | None, retry: bool, executor: str | None, tell: Tell
) -> SweepOutcome:
    experiments = experiments_of(workspace)
    done = done_runs(workspace, plan)
    if all(each.name != plan.base for each in experiments.list_experiments()):
        keep_plan(workspace, plan)
        take_experiment_command(workspace, plan.base, f"What the runs of sweep {plan.name} start from")
    if retry:
        for number in [n for n, run in done.items() if run.status == "failed"]:
            with workspace.transaction("sweep"):
                experiments.remove_experiment(plan.experiment(number))
            del done[number]
    search = search_of(plan, done)
    with workspace.interaction.progress(f"Sweep {plan.name}", plan.total, "runs") as advance:
        advance(len(done))
        for run in _run_all(workspace, plan, search, done, jobs, executor):
            done[run.number] = run
            tell(run)
            advance(1)
    return SweepOutcome(plan.name, tuple(done[number] for number in sorted(done)))


def _run_all(
    workspace: Workspace,
    plan: SweepPlan,
    search: Search,
    done: Mapping[int, DoneRun],
    jobs: int | None,
    executor: str | None,
) -> Iterator[DoneRun]:
    missing = [number for number in range(1, plan.total + 1) if number not in done]
    if not missing:
        return
    jobs = min(jobs or (1 if executor is None else AT_A_TIME), len(missing))
    with ExitStack() as stack:
        scratch = stack.enter_context(directory_to_build_in(place_beside(workspace), BUILDING))
        guard = stack.enter_context(guarding(scratch))
        workers: list[Worker] | list[FarRuns]
        if executor is None:
            workers = [Worker(scratch / f"worker-{number}", guard) for number in range(jobs)]
        else:
            workers = [stack.enter_context(far_runs(workspace, plan, executor))] * jobs
        free: list[Worker | FarRuns] = list(workers)
        running: dict[Future[DoneRun], Worker | FarRuns] = {}
        with ThreadPoolExecutor(jobs) as pool:
            try:
                while missing or running:
                    while missing and free:
                        number, worker = missing.pop(0), free.pop()
                        point = search.point(number)
                        task = _task(workspace, plan, number, point, scratch)
                        running[pool.submit(_run, worker, task, search)] = worker
                    for future in wait(running, return_when=FIRST_COMPLETED).done:
                        free.append(running.pop(future))
                        run = future.result()
                        search.ended(run.number, run.status, run.metrics)
                        yield run
            except BaseException:
                guard.close()
                for each in workers:
                    each.stop()
                pool.shutdown(wait=False, cancel_futures=True)
                raise
            finally:
                for worker in workers:
                    worker.end()


def _task(workspace: Workspace, plan: SweepPlan, number: int, point: Point, scratch: Path) -> dict[str, Any]:
    return {
        "workspace": workspace.get_workspace_local_path_if_any(),
        "sweep": plan.name,
        "number": number,
        "experiment": plan.experiment(number),
        "base": plan.base,
        "point": point,
        "command": list(command_of(plan.request.command, point)),
        "options": dict(plan.request.options),
        "directory": plan.directory,
        "place": str(scratch / f"run-{number}"),
    }


def _run(worker: Worker | FarRuns, task: dict[str, Any], search: Search) -> DoneRun:
    try:
        with search.watching(int(task["number"]), Path(task["place"])):
            answer = worker.ask(task)
    except LostExecutorError:
        raise
    except DwsError as e:  # the others can run all the same
        answer = {"ok": False, "message": e.message}
    parameters = recorded_parameters(task["point"])
    if not answer.get("ok"):
        why = str(answer.get("message"))
        return DoneRun(task["number"], task["experiment"], parameters, "unrecorded", None, 0.0, why=why)
    return DoneRun(
        task["number"],
        task["experiment"],
        parameters,
        str(answer["status"]),
        int(answer["exit_status"]),
        float(answer["seconds"]),
        answer["metrics"],
        why=str(answer.get("log") or ""),
    )


@dataclass
class Worker:
    """A process that makes runs, started when it is first asked, and again should it die."""

    directory: Path
    guard: Guard
    _process: subprocess.Popen[bytes] | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def ask(self, task: dict[str, Any]) -> dict[str, Any]:
        with self._lock:
            process = self._running()
            assert process.stdin is not None
            assert process.stdout is not None
            try:
                process.stdin.write(json.dumps(task).encode() + b"\n")
                process.stdin.flush()
                line = process.stdout.readline()
                answer: dict[str, Any] = json.loads(line)
                return answer
            except (OSError, ValueError) as e:
                self._process = None
                process.kill()
                self.guard.forget(process.pid)
                log = self.directory / "log"
                told = log.read_text(encoding="utf-8", errors="replace")[-500:] if log.exists() else ""
                raise ToolError(f"The process of a sweep's runs has died: {told.strip() or e}") from e

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._process.poll() is not None:
            self.directory.mkdir(exist_ok=True)
            with (self.directory / "log").open("ab") as log:
                self._process = subprocess.Popen(
                    [sys.executable, "-m", "dataworkspaces.commands.sweep_worker"], cwd=self.directory,
                    stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, start_new_session=True,
                )  # fmt: skip
            self.guard.take(self._process.pid)
        return self._process

    def stop(self) -> None:
        """The guard has killed it."""

    def end(self) -> None:
        process = self._process
        if process is None:
            return
        for stream in (process.stdin, process.stdout):
            with suppress(OSError):
                if stream is not None:
                    stream.close()
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        self.guard.forget(process.pid)


def commands_of(plan: SweepPlan) -> Sequence[tuple[int, Point, tuple[str, ...]]]:
    """What would run, for ``--dry-run``."""
    return [(n, point, command_of(plan.request.command, point)) for n, point in enumerate(plan.points, start=1)]
