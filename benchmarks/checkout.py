"""What does a snapshot in another directory cost?

`dws checkout` of many small files, against what nobody can do without, `cp -r --reflink=auto` of the workspace, and
against `git worktree add` of a repository with the same files. Neither of these flushes anything, or hashes it; ours
verifies each content that it writes, and survives a power cut from the end on.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from .harness import Contestant, Row, race
from .local_files import DIRECTORIES, FILE_SIZE, FILES, Dws, Git, clear_aside, make_tree, put_aside
from .sandbox import Settings, Shell

GROUP = "checkout"


def rows(settings: Settings) -> Iterator[Row]:
    model = settings.work / "model"
    make_tree(model, settings.files, FILE_SIZE, max(1, settings.files // (FILES // DIRECTORIES)))
    ours = Dws(settings, settings.ours, "ours, restorable", model, "--restorable")
    git = Git(settings, settings.ours, "git", model)
    for side in (ours, git):
        side.start()
        side.keep(0)
    places = {name: settings.work / name for name in ("ours-there", "git-there", "cp-there")}
    shell = Shell(settings.work, dict(os.environ))
    of_dws = _making(
        settings, "dws checkout", ours.shell, ["dws", "--batch", "checkout", "FIRST"], places["ours-there"]
    )
    of_git = _making(
        settings, "git worktree add", git.shell, ["git", "worktree", "add", "--detach", "-f"], places["git-there"]
    )
    copied = _making(
        settings, "cp -r", shell, ["cp", "-r", "--reflink=auto", str(ours.root / "ws")], places["cp-there"]
    )
    yield Row(GROUP, "checkout : git worktree add", *race(of_dws, of_git, settings.rounds))
    yield Row(GROUP, "checkout : cp -r --reflink=auto", *race(of_dws, copied, settings.rounds))
    clear_aside(settings)


def _making(settings: Settings, name: str, shell: Shell, command: list[str], target: Path) -> Contestant:
    """A command that makes a directory, which is its last argument."""

    def prepare(_round: int) -> None:
        put_aside(settings, target)
        os.sync()

    return Contestant(name, lambda _: shell(*command, str(target)), prepare)
