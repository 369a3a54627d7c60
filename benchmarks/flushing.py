"""What does it cost that a snapshot survives a power cut?

The first snapshot of many small files, against the same with nothing flushed, neither by us nor by git; and against
`cp -r` and `sync`, which is the least that anybody who keeps a copy on the disk has to do.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

from .harness import Contestant, Row, race
from .local_files import DIRECTORIES, FILE_SIZE, FILES, Dws, clear_aside, first_time, make_tree, put_aside
from .sandbox import Settings, Shell

GROUP = "flushing"
UNFLUSHED = """
import os, sys
os.fsync = lambda fd: None
import dataworkspaces.durability, dataworkspaces.gitrepo.run as run
dataworkspaces.durability.start_flushing = lambda fd: None
run._DURABLE = run._INDEX_THROWN_AWAY = ("-c", "core.fsync=none")
from dataworkspaces.cli.main import main
sys.argv[0] = "dws"
main()
"""
"""`dws` as it would be if nothing were flushed."""


class Unflushed(Dws):
    def keep(self, number: int) -> None:
        self.shell("python", "-c", UNFLUSHED, "--batch", "snapshot", "FIRST")


def rows(settings: Settings) -> Iterator[Row]:
    model = settings.work / "model"
    make_tree(model, settings.files, FILE_SIZE, max(1, settings.files // (FILES // DIRECTORIES)))
    for what, option in (("recorded", "--compute-hash"), ("restorable", "--restorable")):
        ours = Dws(settings, settings.ours, f"ours, {what}", model, option)
        unflushed = Unflushed(settings, settings.ours, f"unflushed, {what}", model, option)
        samples = race(first_time(ours), first_time(unflushed), settings.rounds)
        yield Row(GROUP, f"first snapshot, {what} : nothing flushed", *samples, ratio_at_most=1.3)
        if option == "--restorable":
            samples = race(first_time(ours), _copy_and_sync(settings), settings.rounds)
            yield Row(GROUP, "first snapshot, restorable : cp -r; sync", *samples)
        clear_aside(settings)


def _copy_and_sync(settings: Settings) -> Contestant:
    target = settings.work / "copy"
    shell = Shell(settings.work, dict(os.environ))
    command = 'cp -r "$1" "$2" && sync -f "$2"'

    def prepare(_round: int) -> None:
        put_aside(settings, target)
        os.sync()

    return Contestant(
        "cp -r; sync", lambda _: shell("sh", "-c", command, "sh", settings.work / "model", target), prepare
    )
