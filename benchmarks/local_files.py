"""Local files: what do snapshots and restores of many files, and of a large one, cost?

The same tree for each: (a) many small files, (b) ten times as many that are smaller, (c) one large file. Peers are
release 1.6 with ``--compute-hash``, DVC, git, and what nobody can do without: ``cp``, ``find``, and hashing alone.

Before a run nothing is deleted, and what was written is flushed: a file system can take many times as long to make
files when as many have just been removed (``put_aside``).
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from .harness import Contestant, Row, Sample, race
from .peers import dvc, release_1_6
from .sandbox import Settings, Shell, Tool

GROUP = "local files"
FILES, FILE_SIZE, DIRECTORIES = 20_000, 4096, 200
MANY_FILES, MANY_SIZE, MANY_DIRECTORIES = 200_000, 1024, 2000
LARGE_SIZE = 4 << 30
KIB = 1024
MEASURE = (
    "import resource, subprocess, sys; subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL);"
    " print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
)
"""Prints the most memory, in KiB, that a command had."""
HASH_ALL = """
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from blake3 import blake3
with ThreadPoolExecutor() as threads:
    for _ in threads.map(lambda path: blake3(path.read_bytes()).digest(), Path(sys.argv[1]).rglob("*.bin")):
        pass
"""
"""The hash of all files of a tree, without what a snapshot records."""
HASH = (
    "import sys; from blake3 import blake3; h = blake3(max_threads=blake3.AUTO); h.update_mmap(sys.argv[1]);"
    " print(h.hexdigest())"
)


def make_tree(root: Path, files: int, size: int, directories: int) -> None:
    """Files of random bytes, no two the same."""
    for number in range(directories):
        directory = root / f"dir{number:05d}"
        directory.mkdir(parents=True)
        for file in range(files // directories):
            (directory / f"file{file:05d}.bin").write_bytes(os.urandom(size))


class Side:
    """A tool with a directory in which nobody else works: its workspace is `ws`, the data is `data`.

    The data lies in the workspace, since DVC wants that."""

    def __init__(self, settings: Settings, tool: Tool, name: str, model: Path) -> None:
        self.name = name
        self.model = model
        self.settings = settings
        self.root = settings.work / name.replace(" ", "-")
        self.shell = tool.shell(self.root / "ws", settings.work / f"home of {name.replace(' ', '-')}")

    @property
    def data(self) -> Path:
        return self.root / "ws" / "data"

    def start(self) -> None:
        """A new workspace, with the data and nothing known of it. The files are older than any tick of the clock."""
        put_aside(self.settings, self.root)
        self.shell.cwd.mkdir(parents=True)
        copy(self.model, self.data)
        self.shell("git", "init", "--quiet")
        self.init()
        os.sync()
        self.shell("sleep", "0.3")

    def init(self) -> None:
        raise NotImplementedError

    def keep(self, number: int) -> None:
        """Take a version; number 0 is the one that is brought back."""
        raise NotImplementedError

    def bring_back(self) -> None:
        raise NotImplementedError


class Dws(Side):
    """Data Workspaces, of this or another release."""

    def __init__(self, settings: Settings, tool: Tool, name: str, model: Path, *options: str) -> None:
        super().__init__(settings, tool, name, model)
        self.options = options
        self.snapshots = 0

    def init(self) -> None:
        self.shell("dws", "--batch", "init", "ws", "--hostname", "h")
        self.shell("dws", "--batch", "add", "local-files", "--role", "source-data", *self.options, str(self.data))

    def keep(self, number: int) -> None:
        self.snapshots += 1
        self.shell("dws", "--batch", "snapshot", "FIRST" if number == 0 else f"tag-{self.snapshots}")

    def bring_back(self) -> None:
        self.shell("dws", "--batch", "restore", "FIRST", "--only", "data")


class Dvc(Side):
    def init(self) -> None:
        self.shell("dvc", "init", "--quiet")
        self.shell("dvc", "config", "core.analytics", "false")

    def keep(self, number: int) -> None:
        self.shell("dvc", "add", "--quiet", "data")

    def bring_back(self) -> None:
        self.shell("dvc", "checkout", "--quiet", "data.dvc")


class Git(Side):
    def init(self) -> None:
        pass

    def keep(self, number: int) -> None:
        self.shell("git", "add", "data")
        self.shell("git", "commit", "--quiet", "--allow-empty", "-m", str(number))

    def bring_back(self) -> None:
        self.shell("git", "checkout", "--quiet", "--", "data")


def put_aside(settings: Settings, tree: Path) -> None:
    """Move a tree to where `clear_aside` removes it: not while something is measured."""
    if tree.exists():
        aside = settings.work / "aside"
        aside.mkdir(exist_ok=True)
        tree.rename(aside / str(len(list(aside.iterdir()))))


def clear_aside(settings: Settings) -> None:
    shutil.rmtree(settings.work / "aside", ignore_errors=True)


def copy(source: Path, target: Path) -> None:
    """As a user would, with the times: the copy is as old as the original."""
    shutil.copytree(source, target)


def rows(settings: Settings) -> Iterator[Row]:
    if settings.files:
        yield from _trees(settings)
    if settings.large_size:
        yield from _large(settings)


def _trees(settings: Settings) -> Iterator[Row]:
    rounds = min(settings.rounds, 5)
    peer_dvc, old = dvc(settings), release_1_6(settings)
    model = settings.work / "a"
    make_tree(model, settings.files, FILE_SIZE, max(1, settings.files // (FILES // DIRECTORIES)))
    hashed = Dws(settings, settings.ours, "ours", model, "--compute-hash")
    kept = Dws(settings, settings.ours, "ours, restorable", model, "--restorable")
    theirs = Dws(settings, old, "release 1.6", model, "--compute-hash")
    of_dvc = Dvc(settings, peer_dvc, "DVC", model)
    of_git = Git(settings, settings.ours, "git", model)
    floor = settings.ours.shell(settings.work, settings.work / "home")
    found = Contestant("find -printf", lambda _: floor("find", str(model), "-printf", "%s %T@ %C@ %i %p\n"))
    hashing = Contestant("hashing alone", lambda _: floor("python", "-c", HASH_ALL, str(model)))

    first = race(first_time(hashed), first_time(theirs), min(rounds, 3))
    yield Row(GROUP, "first snapshot", *first, ratio_at_most=1 / 6)
    first_kept = race(first_time(kept), first_time(of_dvc), min(rounds, 3))
    yield Row(GROUP, "first snapshot, restorable", *first_kept, ratio_at_most=1 / 2)
    yield Row(GROUP, "first snapshot : hashing alone", *race(first_time(hashed), hashing, min(rounds, 3)))
    yield Row(GROUP, "first snapshot, restorable : git", *race(first_time(kept), first_time(of_git), min(rounds, 3)))
    sides = (hashed, kept, theirs, of_dvc, of_git)
    for side in sides:
        side.start()
        side.keep(0)
    same = race(unchanged(hashed), unchanged(theirs), rounds)
    yield Row(GROUP, "nothing changed", *same, ratio_at_most=1 / 8)
    same_kept = race(unchanged(kept), unchanged(of_dvc), rounds)
    yield Row(GROUP, "nothing changed, restorable", *same_kept, ratio_at_most=1 / 3)
    yield Row(GROUP, "nothing changed : find -printf", *race(unchanged(hashed), found, rounds))
    yield Row(GROUP, "nothing changed, restorable : git", *race(unchanged(kept), unchanged(of_git), rounds))
    same_git = race(unchanged(kept), status_and_python(of_git), rounds)
    yield Row(GROUP, "nothing changed, restorable : git status, and a start of Python", *same_git, ratio_at_most=1.5)
    one, none = race(one_changed(hashed), unchanged(hashed), rounds)
    yield Row(GROUP, "one changed : nothing changed", one, none, ratio_at_most=1.25)
    one, none = race(one_changed(kept), unchanged(kept), rounds)
    yield Row(GROUP, "one changed : nothing changed, restorable", one, none, ratio_at_most=1.25)
    back = race(restoring(kept), restoring(of_dvc), min(rounds, 3))
    yield Row(GROUP, "restore of the whole tree", *back, ratio_at_most=1 / 4)
    back = race(restoring(kept), copying(settings, model), min(rounds, 3))
    yield Row(GROUP, "restore of the whole tree : cp -r", *back, ratio_at_most=1.2)
    back = race(restoring(kept), restoring(of_git), min(rounds, 3))
    yield Row(GROUP, "restore of the whole tree : git", *back, ratio_at_most=1.2)
    for side in sides:
        shutil.rmtree(side.root)
    clear_aside(settings)
    if settings.many_files:
        yield from _many(settings, hashed, kept)
    shutil.rmtree(model)


def first_time(side: Side) -> Contestant:
    return Contestant(side.name, lambda _: side.keep(0), lambda _: side.start())


def unchanged(side: Side) -> Contestant:
    return Contestant(side.name, lambda number: side.keep(1 + number))


def status_and_python(side: Git) -> Contestant:
    """What a command in Python that tells whether anything has changed cannot do without."""

    def run(_round: int) -> None:
        side.shell("git", "status")
        side.shell("python", "-c", "pass")

    return Contestant("git status; python", run)


def one_changed(side: Side) -> Contestant:
    def prepare(number: int) -> None:
        path = next(side.data.rglob("*.bin"))
        path.write_bytes(f"changed {number} {os.urandom(8).hex()}".encode())
        side.shell("sleep", "0.3")

    return Contestant(f"{side.name}, one changed", lambda number: side.keep(1 + number), prepare)


def restoring(side: Side) -> Contestant:
    def prepare(_round: int) -> None:
        put_aside(side.settings, side.data)
        os.sync()

    return Contestant(side.name, lambda _: side.bring_back(), prepare)


def copying(settings: Settings, model: Path, *, sync: bool = False) -> Contestant:
    """:param sync: whether the copy has to be on the disk, as what a snapshot keeps has to be."""
    target = settings.work / "copy"
    shell = Shell(settings.work, dict(os.environ))
    command = 'cp -r "$1" "$2"' + (' && sync -f "$2"' if sync else "")

    def prepare(_round: int) -> None:
        put_aside(settings, target)
        os.sync()

    name = "cp -r; sync" if sync else "cp -r"
    return Contestant(name, lambda _: shell("sh", "-c", command, "sh", model, target), prepare)


def _many(settings: Settings, hashed: Dws, kept: Dws) -> Iterator[Row]:
    """What a file costs must not grow with their number, in time and in memory."""
    model = settings.work / "b"
    make_tree(model, settings.many_files, MANY_SIZE, max(1, settings.many_files // (MANY_FILES // MANY_DIRECTORIES)))
    for few in (hashed, kept):
        many = Dws(settings, settings.ours, f"many {few.name}", model, *few.options)
        what = ", restorable" if few is kept else ""
        ours, peer = race(first_time(many), first_time(few), 2)
        times = settings.many_files / settings.files
        yield Row(
            GROUP, f"first snapshot, a file of {settings.many_files:,} : of {settings.files:,}{what}",
            _each(ours, times), peer, ratio_at_most=1.3,
        )  # fmt: skip
        yield from _memory(settings, many, what)
        shutil.rmtree(few.root)
        shutil.rmtree(many.root)
        clear_aside(settings)
    shutil.rmtree(model)


def _each(sample: Sample, times: float) -> Sample:
    return Sample(sample.name, tuple(v / times for v in sample.values), tuple(v / times for v in sample.cpu))


def _memory(settings: Settings, many: Dws, what: str) -> Iterator[Row]:
    """Bytes a file that a snapshot, and a restore of what is kept, need beyond what one of nothing does."""
    empty = settings.work / "nothing"
    empty.mkdir(exist_ok=True)
    nothing = Dws(settings, settings.ours, "of nothing", empty, *many.options)
    used: dict[str, list[int]] = {"a snapshot": [], "a restore": []}
    for side in (many, nothing):
        side.start()
        used["a snapshot"].append(_most_memory(side, "snapshot", "m"))
        if "--restorable" in many.options:
            put_aside(settings, side.data)
            used["a restore"].append(_most_memory(side, "restore", "m", "--only", "data"))
    for operation, (ours, least) in ((operation, found) for operation, found in used.items() if found):
        sample = Sample(many.name, ((ours - least) * KIB / settings.many_files,))
        peer = Sample("1 KiB", (float(KIB),))
        yield Row(GROUP, f"memory of {operation}, a file{what}", sample, peer, unit="bytes", ratio_at_most=1.0)


def _most_memory(side: Dws, *command: str) -> int:
    return int(side.shell("python", "-c", MEASURE, "dws", "--batch", *command).split()[-1])


def _large(settings: Settings) -> Iterator[Row]:
    """One file: everything is reading and writing."""
    model = settings.work / "c"
    model.mkdir()
    with (model / "large.bin").open("wb") as file:
        for _ in range(settings.large_size >> 20):
            file.write(os.urandom(1 << 20))  # nothing comes twice, for that would be kept once
    hashed = Dws(settings, settings.ours, "ours", model, "--compute-hash")
    kept = Dws(settings, settings.ours, "ours, restorable", model, "--restorable")
    shell = settings.ours.shell(settings.work, settings.work / "home")
    alone: Callable[[int], object] = lambda _: shell("python", "-c", HASH, str(model / "large.bin"))  # noqa: E731
    yield Row(
        GROUP, "first snapshot of one large file : hashing alone",
        *race(first_time(hashed), Contestant("hashing alone", alone), 2), ratio_at_most=1.3,
    )  # fmt: skip
    shutil.rmtree(hashed.root)
    clear_aside(settings)
    yield Row(
        GROUP, "first snapshot of one large file, restorable : cp; sync",
        *race(first_time(kept), copying(settings, model, sync=True), 2), ratio_at_most=1.2,
    )  # fmt: skip
    shutil.rmtree(kept.root)
    clear_aside(settings)
