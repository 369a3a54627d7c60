"""How much sooner are many short runs done on four machines than on one?

The machines are workers of a real Dask scheduler, each with a directory and a home of its own. A run waits for two
seconds, as for work elsewhere, since all of them share the cores of this machine; all that is done for a run is done.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from .harness import Row, Sample
from .peers import PeerMissing
from .sandbox import Settings, trainer

GROUP = "cluster"
RUNS = 200
SECONDS = 2
WORKERS = 4
RATIO = 1 / 3
_STARTING = 60
_SCRIPT = """\
import json, sys, time
time.sleep(float(sys.argv[2]))
with open("results/results.json", "w") as file:
    json.dump({"metrics": {"accuracy": float(sys.argv[1])}}, file)
"""


def rows(settings: Settings) -> Iterator[Row]:
    if not (settings.ours.bin / "dask").exists():
        raise PeerMissing("no Dask: pip install 'dws-files[dask]'")
    many, one = (Sample(f"{count} workers", (sweep(settings, count),)) for count in (WORKERS, 1))
    yield Row(GROUP, f"{RUNS} runs of {SECONDS} s", many, one, ratio_at_most=RATIO)


def sweep(settings: Settings, workers: int, runs: int = RUNS) -> float:
    """How long a sweep takes, in seconds."""
    shell = trainer(settings, f"of-{workers}", _SCRIPT)
    shell("git", "init", "--quiet", "--bare", f"{shell.cwd}.git")
    shell("dws", "--batch", "publish", f"{shell.cwd}.git")
    with _cluster(settings, workers) as address:
        began = time.perf_counter()
        shell(
            "dws", "--batch", "sweep", "--name", "many", "--executor", f"dask:{address}", "--param", f"n=1..{runs}",
            "--", "python3", "code/train.py", "{n}", str(SECONDS),
        )  # fmt: skip
        return time.perf_counter() - began


@contextmanager
def _cluster(settings: Settings, workers: int) -> Iterator[str]:
    """The address of a scheduler with so many workers, of one thread each."""
    place = settings.work / f"cluster-{workers}"
    processes = []

    def start(name: str, *arguments: str) -> Path:
        home = place / name
        home.mkdir(parents=True)
        shell, log = settings.ours.shell(home, home), home / "log"
        with log.open("wb") as file:
            command = [str(settings.ours.bin / "dask"), *arguments, "--no-dashboard"]
            processes.append(
                subprocess.Popen(command, cwd=home, env=shell.env, stdout=file, stderr=file, start_new_session=True)
            )
        return log

    try:
        log = start("scheduler", "scheduler", "--host", "127.0.0.1", "--port", "0")
        address = _said(log, r"Scheduler at:\s+(tcp://\S+)")
        options = ["--nworkers", "1", "--nthreads", "1", "--no-nanny"]
        logs = [start(f"worker-{number}", "worker", address, *options) for number in range(workers)]
        for each in logs:
            _said(each, r"Registered to:\s+(tcp://\S+)")
        yield address
    finally:
        for process in processes:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _said(log: Path, pattern: str) -> str:
    until = time.monotonic() + _STARTING
    while (found := re.search(pattern, log.read_text(errors="replace"))) is None:
        if time.monotonic() > until:
            raise PeerMissing(f"Dask does not start: {log.read_text(errors='replace')[-500:]}")
        time.sleep(0.1)
    return found[1]
