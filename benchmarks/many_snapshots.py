"""Does it matter how many snapshots a workspace has?

A workspace gets one real snapshot; the others are written in the layout that workspaces have had since release 1.5,
after its model: their code exists, as a commit each, and their results are those of the first.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

from .harness import Contestant, Row, race
from .peers import PeerMissing, release_1_6
from .sandbox import Settings, Shell, Tool

GROUP = "many snapshots"
FEW = 10
RATIO_AT_MOST = 1.3
SNAPSHOT_RATIO_AT_MOST = 1.5
FIRST = "SNAP-00000"

Operation = Callable[[Shell], object]


class LayoutError(Exception):
    """The tool's snapshot is not what its copies should be made after."""


def _history(shell: Shell) -> None:
    shell("dws", "report", "history", "--limit", "20")


def _snapshot(shell: Shell) -> None:
    with (shell.cwd / "code" / "number.txt").open("a") as code:
        code.write("and more\n")
    shell("dws", "--batch", "snapshot", "-m", "one more")


OPERATIONS: dict[str, Operation] = {
    "report history --limit 20": _history,
    "diff TAG TAG": lambda shell: shell("dws", "diff", "SNAP-00004", "SNAP-00007"),
    "report lineage --snapshot TAG": lambda shell: shell("dws", "report", "lineage", "--snapshot", "SNAP-00005"),
    "report results --snapshot TAG": lambda shell: shell("dws", "report", "results", "--snapshot", FIRST),
}


def rows(settings: Settings) -> Iterator[Row]:
    pair = _pair(settings.ours, settings)
    yield _row("first report history, no index yet", pair, _history, 1, cold=True)
    for operation, run in OPERATIONS.items():
        yield _row(operation, pair, run, settings.rounds, RATIO_AT_MOST)
    yield _row("snapshot", pair, _snapshot, 3, SNAPSHOT_RATIO_AT_MOST)
    try:
        peer = release_1_6(settings)
    except PeerMissing as error:
        print(f"{GROUP}: without release 1.6.0: {error}")
        return
    pair = _pair(peer, settings)
    for operation, run in [*OPERATIONS.items(), ("snapshot", _snapshot)]:
        yield _row(f"release 1.6.0: {operation}", pair, run, 3)


def _row(
    operation: str,
    many_and_few: tuple[Shell, Shell],
    run: Operation,
    rounds: int,
    ratio_at_most: float | None = None,
    *,
    cold: bool = False,
) -> Row:
    many, few = (
        Contestant(shell.cwd.name, lambda _, shell=shell: run(shell))  # type: ignore[misc]
        for shell in many_and_few
    )
    return Row(GROUP, operation, *race(many, few, rounds, warm_up=not cold), ratio_at_most=ratio_at_most)


def _pair(tool: Tool, settings: Settings) -> tuple[Shell, Shell]:
    """A workspace with many snapshots and one with few, each in a directory that says how many."""
    directory = settings.work / tool.name.replace(" ", "-")

    def make(count: int) -> Shell:
        shell = tool.shell(directory / f"{count} snapshots", directory / "home")
        print(f"{tool.name}: making a workspace with {count} snapshots …", flush=True)
        make_workspace(shell, count)
        return shell

    return make(settings.snapshots), make(FEW)


def make_workspace(shell: Shell, count: int) -> None:
    """Make a workspace with `count` snapshots, tagged SNAP-00000, SNAP-00001, …, in the shell's directory."""
    shell.cwd.mkdir(parents=True)
    shell("dws", "--batch", "init", "--hostname", "host1", "--create-resources", "code,results")
    (shell.cwd / "code" / "number.txt").write_text("0\n")
    (shell.cwd / "results" / "results.json").write_text(json.dumps(results_of(0), indent=2))
    shell("dws", "--batch", "snapshot", "-m", "snapshot 0", FIRST)
    commits = commit_code(shell, count)
    write_snapshots(shell.cwd / ".dataworkspace", commits)
    shell("git", "add", "--all")
    # Without its own packing in the background, which would be in the way of the one that follows.
    shell("git", "-c", "maintenance.auto=false", "commit", "--quiet", "-m", "snapshots")
    shell("git", "gc", "--quiet")


def results_of(number: int) -> dict[str, object]:
    return {
        "step": "train",
        "start_time": "2020-01-01T00:00:00",
        "execution_time_seconds": 1.0,
        "parameters": {"number": number},
        "run_description": None,
        "metrics": {"accuracy": 1 - 1 / (number + 2), "loss": 1 / (number + 2)},
    }


def commit_code(shell: Shell, count: int) -> list[tuple[str, str]]:
    """Commit a version of the code for each further snapshot; return each commit and its tree of the code."""
    branch = shell("git", "symbolic-ref", "HEAD").strip()
    head = shell("git", "rev-parse", "HEAD").strip()
    stream = []
    for number in range(1, count):
        content = f"{number}\n"
        stream.append(
            f"commit {branch}\ncommitter Ada <ada@example.com> {1577836800 + 60 * number} +0000\n"
            f"data 5\ncode\n{f'from {head}' if number == 1 else ''}\n"
            f"M 100644 inline code/number.txt\ndata {len(content)}\n{content}\n"
        )
    shell("git", "fast-import", "--quiet", input="".join(stream))
    shell("git", "reset", "--quiet", "--hard")
    commits = shell("git", "rev-list", "--reverse", f"{head}..HEAD").split()
    names = "".join(f"{commit}:code\n" for commit in commits)
    trees = shell("git", "cat-file", "--batch-check=%(objectname)", input=names).split()
    return list(zip(commits, trees, strict=True))


def metrics_of(number: int) -> object:
    return results_of(number)["metrics"]


def write_snapshots(
    metadata_directory: Path, commits: list[tuple[str, str]], metrics: Callable[[int], object] = metrics_of
) -> None:
    """Write what there is of each snapshot below .dataworkspace, after the model of the only one that is there."""
    (manifest_file,) = (metadata_directory / "snapshots").glob("snapshot-*.json")
    model_hash = manifest_file.stem.removeprefix("snapshot-")
    manifest = json.loads(manifest_file.read_text())
    metadata = json.loads((metadata_directory / "snapshot_metadata" / f"{model_hash}_md.json").read_text())
    if _hash(manifest_file.read_text()) != model_hash:
        raise LayoutError(f"{manifest_file}: the hash in its name is not that of its content")
    lineage = metadata_directory / "snapshot_lineage"
    start = datetime.fromisoformat(metadata["timestamp"])
    last = model_hash
    for number, (commit, tree) in enumerate(commits, start=1):
        for entry in manifest:
            if entry["name"] == "code":
                entry["hash"] = tree
        text = json.dumps(manifest, indent=2)
        hashval = _hash(text)
        (metadata_directory / "snapshots" / f"snapshot-{hashval}.json").write_text(text)
        metadata |= {
            "hash": hashval,
            "tags": [f"SNAP-{number:05}"],
            "message": f"snapshot {number}",
            "timestamp": (start + timedelta(minutes=number)).isoformat(),
            "restore_hashes": {**metadata["restore_hashes"], "code": commit},
            "metrics": metrics(number),
            **({"parents": [last]} if "parents" in metadata else {}),
        }
        last = hashval
        (metadata_directory / "snapshot_metadata" / f"{hashval}_md.json").write_text(json.dumps(metadata, indent=2))
        if (lineage / model_hash).is_dir():
            shutil.copytree(lineage / model_hash, lineage / hashval)


def _hash(text: str) -> str:
    """What git calls a file with this text; a snapshot is called as its manifest."""
    content = text.encode()
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
