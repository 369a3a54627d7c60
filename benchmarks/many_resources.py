"""Does it matter how many resources a workspace has?

`dws run` of a step in a workspace with 200 resources, against the same with 4; `rerun --dry-run` of a pipeline of 100
steps; `status` and `fsck` with 1,500 resources. The last three are held to CPU seconds, not to a peer.

A workspace gets one real resource of each kind; the others are written after its model.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

from .harness import Contestant, Row, Sample, race
from .sandbox import Settings, Shell, Tool

GROUP = "many resources"
FEW, MANY, VERY_MANY = 4, 200, 1500
STEPS = 100
RATIO_AT_MOST = 1.3
SECONDS_AT_MOST = {"status": 2.0, "fsck": 5.0, "rerun --dry-run": 2.0}
MODEL = "data0000"
STEP = """\
import sys

total = 0
for path in sys.argv[1:-1]:
    with open(path) as file:
        total += len(file.read())
with open(sys.argv[-1], "w") as file:
    file.write("x" * (total + 1))
"""


def rows(settings: Settings) -> Iterator[Row]:
    many, few = (make_workspace(settings.ours, settings, count) for count in (MANY, FEW))
    ours, peer = (
        Contestant(f"{count} resources", lambda _, shell=shell: _run_a_step(shell))  # type: ignore[misc]
        for shell, count in ((many, MANY), (few, FEW))
    )
    yield Row(GROUP, "run of a step", *race(ours, peer, settings.rounds), ratio_at_most=RATIO_AT_MOST)
    print(f"running a pipeline of {STEPS} steps …", flush=True)
    for number in range(STEPS):
        run(many, f"step{number:03}", f"data{number:04}/file", f"data{number + 1:04}/file")
    (many.cwd / MODEL / "file").write_text("changed, and so all is out of date\n")
    yield _seconds(f"rerun --dry-run of {STEPS} steps", many, settings, "rerun --dry-run")
    very_many = make_workspace(settings.ours, settings, VERY_MANY)
    for command in ("status", "fsck"):
        yield _seconds(f"{command} of {VERY_MANY:,} resources", very_many, settings, command)


def run(shell: Shell, name: str, read: str, written: str) -> None:
    options = ("--name", name, "--input", read, "--output", written, "--code", "code/step.py", "--force", "--no-cache")
    shell("dws", "--batch", "run", *options, "--", "python", "code/step.py", read, written)


def make_workspace(tool: Tool, settings: Settings, count: int) -> Shell:
    """Code, and `count` resources with a file each; a snapshot holds them."""
    shell = tool.shell(settings.work / f"{count} resources", settings.work / "home")
    print(f"making a workspace with {count} resources …", flush=True)
    shell.cwd.mkdir(parents=True)
    shell("dws", "--batch", "init", "--hostname", "host1", "--create-resources", "code")
    (shell.cwd / "code" / "step.py").write_text(STEP)
    names = [f"data{number:04}" for number in range(count)]
    for name in names:
        (shell.cwd / name).mkdir()
        (shell.cwd / name / "file").write_text(f"{name}\n")
    shell("dws", "--batch", "add", "local-files", "--role", "intermediate-data", "--compute-hash", MODEL)
    write_resources(shell, names[1:])
    shell("dws", "--batch", "snapshot", "-m", "all of them", "FIRST")
    return shell


def write_resources(shell: Shell, names: list[str]) -> None:
    """What `dws add` of each would have written."""
    metadata = shell.cwd / ".dataworkspace"
    model = (metadata / "resources" / f"{MODEL}.json").read_text()
    position = json.loads(model)["position"]
    local = metadata / "resource_local_params.json"
    places = json.loads(local.read_text())
    ignored = shell.cwd / ".gitignore"
    lines = ignored.read_text()
    for number, name in enumerate(names, start=1):
        entry = json.loads(model.replace(MODEL, name)) | {"position": position + number}
        (metadata / "resources" / f"{name}.json").write_text(json.dumps(entry, indent=2))
        places[name] = json.loads(json.dumps(places[MODEL]).replace(MODEL, name))
        lines += f"/{name}/\n"
    local.write_text(json.dumps(places, indent=2))
    ignored.write_text(lines)
    shell("git", "add", "--all", ".dataworkspace", ".gitignore")
    shell("git", "commit", "--quiet", "-m", "resources")


def _run_a_step(shell: Shell) -> None:
    run(shell, "first", "data0000/file", "data0001/file")


def _seconds(operation: str, shell: Shell, settings: Settings, command: str) -> Row:
    """CPU seconds of a command, against those of `dws --version`."""

    def contestant(*words: str) -> Contestant:
        return Contestant(f"dws {' '.join(words)}", lambda _: shell("dws", "--batch", *words))

    ours, peer = race(contestant(*command.split()), contestant("--version"), min(settings.rounds, 3))
    ours, peer = (Sample(sample.name, sample.cpu, sample.cpu) for sample in (ours, peer))
    return Row(GROUP, f"{operation}, CPU", ours, peer, ours_at_most=SECONDS_AT_MOST[command])
