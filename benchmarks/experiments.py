"""What does an experiment cost, and a sweep of many?

An experiment's snapshot in a small workspace; and 50 runs of a script that sleeps for 0.1 s and writes a metric, two at
a time: `dws sweep`, DVC's queue of experiments, and a loop of the shell, which keeps nothing.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

from .harness import Contestant, Row, race
from .peers import dvc
from .sandbox import CommandFailed, Settings, Shell, trainer

GROUP = "experiments"
MOST_SECONDS = 0.3
RUNS = 50
_SCRIPT = """\
import json, sys, time
time.sleep(0.1)
with open(sys.argv[2], "w") as file:
    json.dump({"metrics": {"accuracy": float(sys.argv[1])}}, file)
"""
_DVC_SCRIPT = """\
import json, time
n = open("params.yaml").read().split(":")[1]
time.sleep(0.1)
with open("metrics.json", "w") as file:
    json.dump({"accuracy": float(n)}, file)
"""
_DVC_YAML = """\
stages:
  train:
    cmd: python3 train.py
    deps: [train.py]
    params: [n]
    metrics: [metrics.json]
"""
_LOOP = "for n in $(seq 1 {runs}); do echo $n; done | xargs -P 2 -I N python3 code/train.py N /dev/null"


def rows(settings: Settings) -> Iterator[Row]:
    shell = trainer(settings, "one", _SCRIPT)
    train = shell.cwd / "code/train.py"

    def change(number: int) -> None:
        train.write_text(f"{_SCRIPT}# {number}\n")

    taking = Contestant(
        "dws snapshot --experiment", lambda n: shell("dws", "--batch", "snapshot", "--experiment", f"try-{n}"), change
    )
    starting = Contestant("dws version", lambda _n: shell("dws", "version"))
    yield Row(GROUP, "an experiment : dws starts", *race(taking, starting, settings.rounds), ours_at_most=MOST_SECONDS)
    sweep = _sweep(settings)
    loop = Contestant("xargs -P 2", lambda _n: shell("sh", "-c", _LOOP.format(runs=RUNS)))
    rounds = min(settings.rounds, 2)
    yield Row(GROUP, f"a sweep of {RUNS} runs : a loop", *race(sweep, loop, rounds, warm_up=False))
    yield Row(GROUP, f"a sweep of {RUNS} runs : DVC", *race(sweep, _queue(settings), 1, warm_up=False))


def _sweep(settings: Settings) -> Contestant:
    shell = trainer(settings, "sweep", _SCRIPT)
    done: list[str] = []

    def run(_round: int) -> None:
        done.append(f"s{len(done)}")
        shell(
            "dws", "--batch", "sweep", "--name", done[-1], "--jobs", "2", "--param", f"n=1..{RUNS}",
            "--", "python3", "code/train.py", "{n}", "results/results.json",
        )  # fmt: skip

    return Contestant("dws sweep -j 2", run)


def _queue(settings: Settings) -> Contestant:
    tool = dvc(settings)
    root = settings.work / "dvc"
    root.mkdir()
    shell = tool.shell(root, settings.work / "dvc-home")
    shell("git", "init", "--quiet")
    shell("dvc", "init", "--quiet")
    shell("dvc", "config", "core.analytics", "false")
    _write(root, {"train.py": _DVC_SCRIPT, "params.yaml": "n: 0\n", "dvc.yaml": _DVC_YAML})
    shell("dvc", "repro", "--quiet")
    shell("git", "add", "--all")
    shell("git", "commit", "--quiet", "--message", "first")

    def run(_round: int) -> None:
        shell("dvc", "exp", "run", "--queue", "--set-param", f"n=range(1,{RUNS + 1})")
        shell("dvc", "queue", "start", "-j", "2")
        while _under_way(shell):
            time.sleep(0.5)

    return Contestant("dvc queue start -j 2", run)


def _under_way(shell: Shell) -> bool:
    listed = shell("dvc", "queue", "status")
    if "Failed" in listed:
        raise CommandFailed(f"a run of DVC's failed:\n{listed}")
    return "Queued" in listed or "Running" in listed


def _write(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (root / name).write_text(text)
