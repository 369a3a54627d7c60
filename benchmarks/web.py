"""How soon is a person shown their experiments, ours and in MLflow's UI?

The same 2,000 runs with 30 metrics, in the same Chromium. MLflow has them in SQLite, and shows 100 at first; ours shows
all of them. A time is until the page shows what was asked for, as a script in it sees.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from .harness import Contestant, Row, Sample, race
from .many_snapshots import FIRST, commit_code, write_snapshots
from .peers import PeerMissing, mlflow
from .sandbox import Settings, Shell

GROUP = "web"
RUNS = 2000
METRICS = 30
COMPARED = 10
SORTED_BY = "metric00"
_SECONDS = 120
_ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
_FILL = """
import sys
from mlflow import MlflowClient
from mlflow.entities import Metric, Param

runs, metrics = int(sys.argv[2]), int(sys.argv[3])
client = MlflowClient(sys.argv[1])
experiment = client.create_experiment("many")
ids = []
for number in range(runs):
    run = client.create_run(experiment, run_name=f"RUN-{number:05}")
    values = [Metric(f"metric{m:02}", (number * (m + 7) % 1009) / 1009, 0, 0) for m in range(metrics)]
    client.log_batch(run.info.run_id, metrics=values, params=[Param("number", str(number))])
    client.set_terminated(run.info.run_id)
    ids.append(run.info.run_id)
print(experiment, *ids)
"""


def rows(settings: Settings) -> Iterator[Row]:
    chromium = shutil.which("chromium")
    if chromium is None:
        raise PeerMissing("no Chromium on the PATH")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError as error:
        raise PeerMissing(f"no Playwright: {error}") from error
    peer = mlflow(settings)
    print(f"{GROUP}: making {RUNS} runs of each …", flush=True)
    ours = _workspace(settings)
    database = f"sqlite:///{settings.work / 'mlflow.db'}"
    shell = peer.shell(settings.work, settings.work / "mlflow-home")
    experiment, *ids = shell(peer.bin / "python", "-c", _FILL, database, str(RUNS), str(METRICS)).split()
    with (
        _served(ours, "dws", "web", "--no-open") as (our_server, said),
        _mlflow_served(shell, peer.bin, database) as (peer_server, address),
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=chromium, args=_ARGUMENTS)
        dws = _Ours(browser, said)
        other = _MLflow(browser, address, experiment, ids[:COMPARED])
        for name, operation in _OPERATIONS.items():
            measured = race(_contestant(dws, name), _contestant(other, name), settings.rounds)
            # Servers and the browser go on: what they compute is not known before they end.
            ours_took, peer_took = (Sample(each.name, each.values) for each in measured)
            yield Row(GROUP, operation, ours_took, peer_took, ratio_at_most=1.0)
        memory = Sample(dws.name, (_mib(our_server),)), Sample(other.name, (_mib(peer_server),))
        yield Row(GROUP, "memory of the server", *memory, unit="MiB", ratio_at_most=1.0)
        browser.close()


_OPERATIONS = {
    "open": f"table of {RUNS:,} runs with {METRICS} metrics",
    "sort": "the table in another order",
    "compare": f"{COMPARED} of them compared",
}


def _contestant(side: _Ours | _MLflow, name: str) -> Contestant:
    return Contestant(side.name, getattr(side, name), getattr(side, f"prepare_{name}"))


class _Ours:
    name = "ours"

    def __init__(self, browser: Any, address: str) -> None:
        self._browser = browser
        self._address = address
        self._base = address.split("?")[0]
        self._page: Any = None

    def prepare_open(self, _round: int) -> None:
        """A browser that was never there."""
        if self._page is not None:
            self._page.context.close()
        self._page = self._browser.new_context(viewport={"width": 1600, "height": 900}).new_page()

    def open(self, _round: int) -> None:
        self._page.goto(self._address)
        self._page.wait_for_selector(".line")

    def prepare_sort(self, round_: int) -> None:
        self.prepare_open(round_)
        self.open(round_)

    def sort(self, _round: int) -> None:
        first = self._page.locator(".line a").first.inner_text()
        self._page.click(f".grid-head button:has-text('{SORTED_BY}')")
        self._page.wait_for_function(
            "(first) => document.querySelector('.line a').textContent !== first", arg=first, polling=10
        )

    def prepare_compare(self, round_: int) -> None:
        self.prepare_sort(round_)

    def compare(self, _round: int) -> None:
        names = ",".join([FIRST, *(f"SNAP-{number:05}" for number in range(1, COMPARED))])
        self._page.evaluate("(names) => { location.hash = `/compare/${names}`; }", names)
        self._page.wait_for_selector(f".compared th:has-text('{SORTED_BY}')")


class _MLflow:
    name = "MLflow"

    def __init__(self, browser: Any, address: str, experiment: str, ids: list[str]) -> None:
        self._browser = browser
        self._base = address
        self._experiment = experiment
        self._ids = ids
        self._page: Any = None

    def prepare_open(self, _round: int) -> None:
        if self._page is not None:
            self._page.context.close()
        self._page = self._browser.new_context(viewport={"width": 1600, "height": 900}).new_page()

    def open(self, _round: int) -> None:
        self._page.goto(f"{self._base}/#/experiments/{self._experiment}/runs")
        self._page.wait_for_selector("text=/RUN-0\\d{4}/", timeout=1000 * _SECONDS)

    def prepare_sort(self, round_: int) -> None:
        self.prepare_open(round_)
        self.open(round_)

    def sort(self, _round: int) -> None:
        """As the head of a column does it, which asks the server for the runs in that order."""
        first = self._page.locator("text=/RUN-0\\d{4}/").first.inner_text()
        order = f"orderByKey=metrics.%60{SORTED_BY}%60&orderByAsc=true"
        path = f"/experiments/{self._experiment}/runs?{order}"
        self._page.evaluate("(path) => { location.hash = path; }", path)
        self._page.wait_for_function(
            "(first) => { const found = document.body.innerText.match(/RUN-0\\d{4}/);"
            " return found && found[0] !== first; }",
            arg=first,
            polling=10,
            timeout=1000 * _SECONDS,
        )

    def prepare_compare(self, round_: int) -> None:
        self.prepare_sort(round_)

    def compare(self, _round: int) -> None:
        runs, experiments = json.dumps(self._ids), json.dumps([self._experiment])
        self._page.evaluate(
            "(path) => { location.hash = path; }", f"/compare-runs?runs={runs}&experiments={experiments}"
        )
        self._page.wait_for_selector(f"text=Comparing {COMPARED} Runs", timeout=1000 * _SECONDS)
        self._page.wait_for_selector(f"text={SORTED_BY}", state="attached", timeout=1000 * _SECONDS)


def _workspace(settings: Settings) -> Shell:
    shell = settings.ours.shell(settings.work / "ours", settings.work / "home")
    shell.cwd.mkdir()
    shell("dws", "--batch", "init", "--hostname", "host1", "--create-resources", "code,results")
    (shell.cwd / "code" / "number.txt").write_text("0\n")
    results = {"parameters": {"number": 0}, "metrics": _metrics(0)}
    (shell.cwd / "results" / "results.json").write_text(json.dumps(results))
    shell("dws", "--batch", "snapshot", "-m", "snapshot 0", FIRST)
    write_snapshots(shell.cwd / ".dataworkspace", commit_code(shell, RUNS), _metrics)
    _write_results(shell.cwd)
    shell("git", "add", "--all")
    shell("git", "-c", "maintenance.auto=false", "commit", "--quiet", "-m", "snapshots")
    shell("git", "gc", "--quiet")
    shell("dws", "history", "--limit", "1")
    return shell


def _write_results(root: Path) -> None:
    """Each snapshot gets results of its own, where it says that they are."""
    for file in (root / ".dataworkspace" / "snapshot_metadata").iterdir():
        metadata = json.loads(file.read_text())
        number = int(metadata["tags"][0].rpartition("-")[2])
        if number:
            metadata["relative_destination_path"] += f"-{number}"
            file.write_text(json.dumps(metadata, indent=2))
            directory = root / "results" / metadata["relative_destination_path"]
            directory.mkdir(parents=True)
            results = {"parameters": {"number": number}, "metrics": _metrics(number)}
            (directory / "results.json").write_text(json.dumps(results))


def _metrics(number: int) -> dict[str, float]:
    return {f"metric{m:02}": (number * (m + 7) % 1009) / 1009 for m in range(METRICS)}


@contextmanager
def _served(shell: Shell, *command: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A server of ours, and its address."""
    with _running(shell, command, subprocess.PIPE) as process:
        assert process.stdout is not None
        found = re.search(r"http://\S+", process.stdout.readline())
        if found is None:
            raise PeerMissing("dws web does not say where it serves")
        yield process, found[0]


@contextmanager
def _mlflow_served(shell: Shell, programs: Path, database: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = ["--backend-store-uri", database, "--port", str(port), "--workers", "1"]
    with _running(shell, [str(programs / "mlflow"), "ui", *options], subprocess.DEVNULL) as process:
        address = f"http://127.0.0.1:{port}"
        end = time.monotonic() + _SECONDS
        while True:
            try:
                urllib.request.urlopen(f"{address}/health", timeout=5).close()
                break
            except OSError:
                if time.monotonic() > end or process.poll() is not None:
                    raise PeerMissing("mlflow ui does not answer") from None
                time.sleep(0.2)
        yield process, address


@contextmanager
def _running(shell: Shell, command: Sequence[str], stdout: int) -> Iterator[subprocess.Popen[str]]:
    env = {**shell.env, "PYTHONUNBUFFERED": "1"}
    process = subprocess.Popen(
        command, cwd=shell.cwd, env=env, text=True, stdout=stdout, stderr=subprocess.DEVNULL, start_new_session=True
    )
    try:
        yield process
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _mib(process: subprocess.Popen[str]) -> float:
    """What the processes of a server have in memory, each page once for those that share it (PSS)."""
    total = 0
    for directory in Path("/proc").iterdir():
        try:
            if not directory.name.isdigit() or int(_stat(directory)[3]) != process.pid:  # the session
                continue
            rollup = (directory / "smaps_rollup").read_text()
        except (OSError, IndexError, ValueError):
            continue
        total += sum(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:"))
    return total / 1024


def _stat(directory: Path) -> list[str]:
    """From the state of the process on; its name may hold anything."""
    return (directory / "stat").read_text().rpartition(")")[2].split()
