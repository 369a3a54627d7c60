"""A million files: how much memory do their first restorable snapshot, one with nothing changed, and a restore need?"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from .harness import Row, Sample
from .local_files import MEASURE, Dws
from .sandbox import Settings

GROUP = "a million files"
FILES, SIZE, EACH = 1_000_000, 64, 100
MIB, AT_MOST = 1024, 1024


def make_files(root: Path, files: int) -> None:
    """Files of random bytes, a hundred in each directory, with as few system calls as can be."""
    for number in range(files // EACH):
        directory = root / f"dir{number:05d}"
        directory.mkdir(parents=True)
        fd = os.open(directory, os.O_RDONLY)
        for file in range(EACH):
            new = os.open(f"file{file:05d}.bin", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644, dir_fd=fd)
            os.write(new, os.urandom(SIZE))
            os.close(new)
        os.close(fd)


class Million(Dws):
    """The files are made where they are needed: a copy of so many takes as long as what is measured."""

    def start(self) -> None:
        self.shell.cwd.mkdir(parents=True)
        make_files(self.data, FILES)
        self.shell("git", "init", "--quiet")
        self.init()


def rows(settings: Settings) -> Iterator[Row]:
    side = Million(settings, settings.ours, "ours, restorable", settings.work, "--restorable")
    side.start()
    yield _memory(side, "first snapshot", "snapshot", "FIRST")
    yield _memory(side, "nothing changed", "snapshot", "SECOND")
    shutil.rmtree(side.data)
    yield _memory(side, "restore of the whole tree", "restore", "FIRST", "--only", "data")


def _memory(side: Dws, operation: str, *command: str) -> Row:
    """Of the largest process of a command."""
    used = int(side.shell("python", "-c", MEASURE, "dws", "--batch", *command).split()[-1]) / MIB
    ours, peer = Sample(side.name, (used,)), Sample("1 GiB", (float(AT_MOST),))
    return Row(GROUP, f"memory of {operation}", ours, peer, unit="MiB", ours_at_most=AT_MOST)
