"""Running steps in the order of the graph, some of them side by side."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import TypeVar

from dataworkspaces.commands.rerun_graph import Execution
from dataworkspaces.lineage.places import refs_overlap
from dataworkspaces.workspace import ResourceRef

T = TypeVar("T")


def inputs_of(execution: Execution) -> list[ResourceRef]:
    return [cert.ref for entry in execution.entries for cert in entry.inputs]


def reads_from(execution: Execution, other: Execution) -> bool:
    """Whether an execution reads what another one writes."""
    return _overlap(inputs_of(execution), other.places)


def waits_for(executions: Sequence[Execution], number: int) -> set[int]:
    """Those before an execution that have to end before it begins: it reads or overwrites what they write, or they read
    what it overwrites. Of one of which nobody knows what it reads, all."""
    mine = executions[number]
    if not mine.inputs_told:
        return set(range(number))
    return {
        n
        for n, other in enumerate(executions[:number])
        if not other.inputs_told
        or reads_from(mine, other)
        or reads_from(other, mine)
        or _overlap(mine.places, other.places)
    }


def run_in_order(
    executions: Sequence[Execution],
    run: Callable[[int], T],
    *,
    jobs: int = 1,
    alone: Collection[int] = (),
    stop: Callable[[], None] = lambda: None,
) -> list[T]:
    """Call ``run`` with the number of each execution, and return what it returns, in their order.

    :param jobs: how many may run at a time, each in a thread of its own; one runs in this thread.
    :param alone: those beside which nothing else may run.
    :param stop: called if we are interrupted: ends what runs."""
    if jobs == 1 or len(executions) < 2:
        return [run(number) for number in range(len(executions))]
    before = {n: waits_for(executions, n) for n in range(len(executions))}
    for n in alone:
        before[n] = set(range(n))
        for later in range(n + 1, len(executions)):
            before[later].add(n)
    done: dict[int, T] = {}
    running: dict[Future[T], int] = {}
    pending = list(before)
    with ThreadPoolExecutor(jobs) as pool:
        try:
            while pending or running:
                for n in [n for n in pending if before[n] <= done.keys()]:
                    pending.remove(n)
                    running[pool.submit(run, n)] = n
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    done[running.pop(future)] = future.result()
        except BaseException:
            stop()
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return [done[n] for n in range(len(executions))]


def _overlap(some: Collection[ResourceRef], others: Collection[ResourceRef]) -> bool:
    return any(refs_overlap(one, other) for one in some for other in others)
