"""The commands of the Quick Start, with ours and with release 1.6.

Each tool makes its own workspace from the same data, and runs the same experiment with its own kit.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from .gitcount import count_git
from .harness import Contestant, Row, Sample, race
from .peers import release_1_6
from .sandbox import Settings, Tool

GROUP = "quick start"
DATASET = "sklearn-digits-dataset"
EXPERIMENT = Path(__file__).resolve().parent.parent / "examples" / "quickstart" / "digits-svc.py"
SNAPSHOT_GIT_PROCESSES = 6
RATIO_AT_MOST = {"report status": 1.2, "snapshot": 0.9, "report history": 1.2, "report lineage": 1.2, "restore": 1.1}
"""The operations with a target; the others show where time goes."""

MAKE_DATASET = """
import numpy as np
from sklearn.datasets import load_digits
digits = load_digits()
np.savetxt("data.csv", digits.data, fmt="%d", delimiter=",")
np.savetxt("target.csv", digits.target, fmt="%d")
open("DESCR.rst", "w").write(digits.DESCR)
"""


class Session:
    """The Quick Start with one of the tools."""

    def __init__(self, tool: Tool, work: Path, origin: Path) -> None:
        self.name = tool.name
        self.directory = work / tool.name.replace(" ", "-")
        self.workspace = self.directory / "quickstart"
        self._shell = tool.shell(self.workspace, self.directory / "home")
        self._origin = origin

    def dws(self, *arguments: str) -> str:
        return self._shell("dws", *arguments)

    def fresh(self) -> None:
        shutil.rmtree(self.workspace, ignore_errors=True)
        self.workspace.mkdir(parents=True)

    def init(self) -> None:
        self.dws("--batch", "init", "--hostname", "host1", "--create-resources", "code,results")

    def clone(self) -> None:
        self._shell("git", "clone", "--quiet", str(self._origin), DATASET)

    def add(self) -> None:
        self.dws("--batch", "add", "git", "--role=source-data", "--read-only", f"./{DATASET}")

    def experiment(self, number: int) -> None:
        """Change the code, and run it: there are new results."""
        code = self.workspace / "code"
        (code / EXPERIMENT.name).write_text(f"{EXPERIMENT.read_text()}# experiment {number}\n")
        self._shell.at(code)("python", EXPERIMENT.name)

    def snapshot(self, number: int) -> None:
        self.dws("--batch", "snapshot", "-m", f"experiment {number}", tag(number))

    def restore(self, number: int) -> None:
        self.dws("--batch", "restore", tag(number))

    def count_snapshot(self, number: int) -> Sample:
        """How many git processes a snapshot starts."""
        counted = count_git(self._shell, self.directory / "count", "dws", "--batch", "snapshot", tag(number))
        print(f"{self.name}: git calls of a snapshot ({counted.processes} processes with git's own children):")
        print("".join(f"    git {call}\n" for call in counted.calls), flush=True)
        return Sample(self.name, (len(counted.calls),))


def tag(number: int) -> str:
    return f"SVC-{number}"


def rows(settings: Settings) -> Iterator[Row]:
    origin = make_origin(settings)
    ours = Session(settings.ours, settings.work, origin)
    peer = Session(release_1_6(settings), settings.work, origin)

    def row(
        operation: str, run: Callable[[Session, int], object], prepare: Callable[[Session, int], object] | None = None
    ) -> Row:
        pair = [
            Contestant(
                s.name,
                lambda number, s=s: run(s, number),  # type: ignore[misc]
                lambda number, s=s: prepare and prepare(s, number),  # type: ignore[misc]
            )
            for s in (ours, peer)
        ]
        samples = race(pair[0], pair[1], settings.rounds)
        return Row(GROUP, operation, *samples, ratio_at_most=RATIO_AT_MOST.get(operation))

    yield row("init", lambda s, _: s.init(), lambda s, _: s.fresh())

    def before_add(s: Session, _: int) -> None:
        s.fresh()
        s.init()
        s.clone()

    yield row("add git", lambda s, _: s.add(), before_add)
    yield row("report status", lambda s, _: s.dws("report", "status"))
    for session in (ours, peer):
        session.experiment(0)
    yield row("report results", lambda s, _: s.dws("report", "results"))
    yield row("snapshot", Session.snapshot, Session.experiment)

    last = settings.rounds + 1
    for session in (ours, peer):
        session.experiment(last)
    yield Row(
        GROUP,
        "git of a snapshot",
        ours.count_snapshot(last),
        peer.count_snapshot(last),
        unit="processes",
        ours_at_most=SNAPSHOT_GIT_PROCESSES,
    )

    yield row("report history", lambda s, _: s.dws("report", "history"))
    yield row("report lineage", lambda s, _: s.dws("report", "lineage", "--snapshot", tag(0)))
    # To and fro between two snapshots, so that there is always something to bring back.
    yield row("restore", lambda s, number: s.restore(number % 2))


def make_origin(settings: Settings) -> Path:
    shell = settings.ours.shell(settings.work / "digits", settings.work / "home")
    shell.cwd.mkdir()
    shell("python", "-c", MAKE_DATASET)
    for arguments in ["init --quiet", "add .", "commit --quiet -m digits"]:
        shell("git", *arguments.split())
    origin = settings.work / f"{DATASET}.git"
    shell("git", "clone", "--quiet", "--bare", ".", origin)
    return origin
