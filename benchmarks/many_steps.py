"""Does it matter how many steps a workspace has?

A pipeline of many steps: each wrote a file, and read two files of earlier steps. A hundred of them share a resource.
The lineage is written by the store of the tool itself, as so many steps would have; then one more step is run.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from .harness import Contestant, Row, Sample, race
from .sandbox import Settings, Shell, Tool

GROUP = "many steps"
FEW = 10
PER_RESOURCE = 100
RATIO_AT_MOST = 1.3
SNAPSHOTS = 80
PACKED_AT_MOST = 0.05

_MAKE = """
import sys
from datetime import datetime, timedelta
from pathlib import Path

from dataworkspaces.lineage import ResourceRef
from dataworkspaces.lineage.model import PlaceholderCertificate, ResourceCert, StepLineage
from dataworkspaces.workspace import find_and_load_workspace

count, per_resource = int(sys.argv[1]), int(sys.argv[2])
workspace = find_and_load_workspace(True, False)
store = workspace.get_lineage_store()


def ref(number):
    return ResourceRef(f"data{number // per_resource:03}", f"file{number:05}")


def cert(number, content=None):
    return ResourceCert(ref(number), PlaceholderCertificate(number % per_resource + 1, "made", True, content))


names = [f"data{number:03}" for number in range((count + per_resource - 1) // per_resource)]
for number in range(count):
    path = Path(ref(number).name, ref(number).subpath)
    path.write_text(f"{number}\\n")
subpaths = {name: [ref(n).subpath for n in range(count) if ref(n).name == name] for name in names}
contents = workspace.present_contents(subpaths)
known = {ResourceRef(n, p): c for n in names for p, c in zip(subpaths[n], contents[n].contents)}
start = datetime(2026, 1, 1)
entries = {name: [] for name in names}
for number in range(count):
    inputs = tuple(cert(n, known[ref(n)]) for n in {number - 1, number // 2} if 0 <= n < number)
    outputs = (cert(number, known[ref(number)]),)
    when = start + timedelta(minutes=number)
    entries[ref(number).name].append(StepLineage(f"step{number}", when, 1.0, {"number": number}, inputs, (), outputs))
for name in names:
    store.update(name, lambda _old, name=name: entries[name])
"""

_STEP = """
import sys

from dataworkspaces.lineage import LineageBuilder

builder = LineageBuilder().with_step_name("last").with_parameters({"x": 1})
for path in sys.argv[1:]:
    builder.with_input_path(path)
with builder.eval() as lineage:
    lineage.add_output_path("out/file")
    with open("out/file", "a") as file:
        file.write("more\\n")
"""


def rows(settings: Settings) -> Iterator[Row]:
    many, few = (_workspace(settings.ours, settings, count) for count in (settings.steps, FEW))
    yield _row("save an entry, one input", many, few, settings, ["python", "step.py", "LAST"], RATIO_AT_MOST)
    yield _row("save an entry, two inputs", many, few, settings, ["python", "step.py", "LAST", "FIRST"])
    yield _row("report lineage", many, few, settings, ["dws", "report", "lineage"])
    yield _row("lineage graph, as a page", many, few, settings, ["dws", "lineage", "graph", "--all", "graph.html"])
    yield _packed_lineage(settings)


def _packed_lineage(settings: Settings) -> Row:
    """What packs hold of each further snapshot of a pipeline of a hundred steps, of which one has run again; and what
    the lineage of one is as a file."""
    shell = _workspace(settings.ours, settings, PER_RESOURCE)
    kept = shell.cwd / ".dataworkspace" / "snapshot_lineage"
    whole = max(path.stat().st_size for path in kept.rglob("*.json"))
    found = []
    for number in range(SNAPSHOTS):
        shell("python", "step.py", "data000/file00099")
        shell("dws", "--batch", "snapshot", "-m", f"snapshot {number}")
    for pack in (shell.cwd / ".dataworkspace" / "snapshot_packs").iterdir():
        places = [place for place, _length in json.loads(pack.read_bytes().partition(b"\n")[0])["snapshots"].values()]
        found += [(last - first) / (len(places) - 1) for first, last in [(min(places), max(places))]]
    return Row(
        GROUP,
        "lineage of one more snapshot, packed : as a file",
        Sample("packed", (max(found),)),
        Sample("a file", (whole,)),
        unit="bytes",
        ratio_at_most=PACKED_AT_MOST,
    )


def _row(
    operation: str, many: Shell, few: Shell, settings: Settings, command: list[str], at_most: float | None = None
) -> Row:
    def contestant(shell: Shell) -> Contestant:
        files = sorted(shell.cwd.glob("data*/file*"))
        places = {"LAST": str(files[-1].relative_to(shell.cwd)), "FIRST": str(files[0].relative_to(shell.cwd))}
        arguments = [places.get(word, word) for word in command]
        return Contestant(shell.cwd.name, lambda _: shell(*arguments))

    sample = race(contestant(many), contestant(few), settings.rounds)
    return Row(GROUP, operation, *sample, ratio_at_most=at_most)


def _workspace(tool: Tool, settings: Settings, count: int) -> Shell:
    shell = tool.shell(settings.work / f"{count} steps", settings.work / "home")
    shell.cwd.mkdir(parents=True)
    print(f"making a workspace with {count} steps …", flush=True)
    shell("dws", "--batch", "init", "--hostname", "host1")
    names = [f"data{number:03}" for number in range((count + PER_RESOURCE - 1) // PER_RESOURCE)]
    for name in [*names, "out"]:
        (shell.cwd / name).mkdir()
        shell("dws", "--batch", "add", "git", "--role", "intermediate-data", name)
    (shell.cwd / "make.py").write_text(_MAKE)
    (shell.cwd / "step.py").write_text(_STEP)
    shell("python", "make.py", str(count), str(PER_RESOURCE))
    shell("dws", "--batch", "snapshot", "-m", "all of them")
    Path(shell.cwd / "make.py").unlink()
    return shell
