"""A real cluster of Dask for tests: a scheduler and workers, each with a home and a directory of its own."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from endtoend import isolated_environment

_PATIENCE = 60


@dataclass(frozen=True)
class Cluster:
    """:ivar workers: by the name of its home."""

    address: str
    scheduler: subprocess.Popen[bytes]
    workers: dict[str, subprocess.Popen[bytes]]

    @property
    def executor(self) -> str:
        return f"dask:{self.address}"


@contextmanager
def cluster_in(directory: Path, homes: tuple[str, ...] = ("one", "two")) -> Iterator[Cluster]:
    programs = Path(sys.executable).parent
    processes = []

    def start(home: str, *command: str) -> subprocess.Popen[bytes]:
        (directory / home).mkdir()
        env = {**isolated_environment(directory / home), "PATH": f"{programs}:{os.environ['PATH']}"}
        with (directory / f"{home}.log").open("wb") as log:
            process = subprocess.Popen(
                command, cwd=directory / home, env=env, stdout=log, stderr=log, start_new_session=True
            )
        processes.append(process)
        return process

    dask = str(programs / "dask")
    try:
        scheduler = start("scheduler", dask, "scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard")
        until, found = time.monotonic() + _PATIENCE, None
        while found is None:
            assert time.monotonic() < until
            time.sleep(0.1)
            found = re.search(r"Scheduler at:\s+(tcp://\S+)", (directory / "scheduler.log").read_text())
        options = ["--nworkers", "1", "--nthreads", "1", "--no-dashboard", "--no-nanny"]
        workers = {home: start(home, dask, "worker", found[1], *options) for home in homes}
        yield Cluster(found[1], scheduler, workers)
    finally:
        for process in processes:
            kill(process)


def kill(process: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def wait_for(place: Path, pattern: str, beside: subprocess.Popen[str], seconds: float = 120) -> Path:
    """The first file of that pattern, which something makes that ``beside`` has begun."""
    until = time.monotonic() + seconds
    while not list(place.glob(pattern)):
        assert beside.poll() is None, beside.communicate()
        assert time.monotonic() < until
        time.sleep(0.1)
    return next(place.glob(pattern))
