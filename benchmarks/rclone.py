"""rclone resources: what do push and pull add to the rclone that they run?

Many small files, to and from rclone's own SFTP server on this machine. The peer is ``rclone copy`` with the same
configuration. Both start from an empty replica, or with nothing to do; then the listings of the remote are counted.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from .harness import Contestant, Row, Sample, race
from .local_files import clear_aside, make_tree, put_aside
from .peers import PeerMissing
from .sandbox import Settings, Shell

GROUP = "rclone"
FILES, FILE_SIZE, DIRECTORIES = 5000, 4096, 50
RATIO_AT_MOST = 1.2
LOOPBACK = "127.0.0.1"
DWS = ("dws", "--batch")


def rows(settings: Settings) -> Iterator[Row]:
    shell = settings.ours.shell(settings.work / "ws", settings.work / "home")
    if shutil.which("rclone", path=shell.env["PATH"]) is None:
        raise PeerMissing("rclone is not installed")
    model = settings.work / "model"
    make_tree(model, FILES, FILE_SIZE, DIRECTORIES)
    remote = settings.work / "remote"
    remote.mkdir()
    with _server(shell, remote):
        shell.cwd.mkdir()
        shell("git", "init", "--quiet", "--bare", str(settings.work / "hub.git"))
        shell(*DWS, "init", "ws", "--hostname", "h")
        yield from _push(settings, shell, model, remote)
        yield from _pull(settings, shell, model, remote)


def _push(settings: Settings, shell: Shell, model: Path, remote: Path) -> Iterator[Row]:
    data = shell.cwd / "out"
    shutil.copytree(model, data)
    shell(*DWS, "add", "rclone", "--role", "i", "--master", "local", "store:out", "out")
    shell(*DWS, "publish", "--skip", "out", str(settings.work / "hub.git"))
    push = (*DWS, "push", "--only", "out")
    copy = ("rclone", "copy", str(data), "store:out")

    def empty(_round: int) -> None:
        put_aside(settings, remote / "out")

    yield from _race(settings, shell, "push", push, copy, empty)


def _pull(settings: Settings, shell: Shell, model: Path, remote: Path) -> Iterator[Row]:
    shutil.copytree(model, remote / "in")
    shell(*DWS, "add", "rclone", "--role", "s", "--master", "remote", "store:in", "in")
    pull = (*DWS, "pull", "--only", "in")
    copy = ("rclone", "copy", "store:in", str(shell.cwd / "in"))

    def empty(_round: int) -> None:
        put_aside(settings, shell.cwd / "in")

    yield from _race(settings, shell, "pull", pull, copy, empty)


def _race(
    settings: Settings,
    shell: Shell,
    name: str,
    ours: Sequence[str],
    peer: Sequence[str],
    empty: Callable[[int], None],
) -> Iterator[Row]:
    a, b = race(
        Contestant("ours", lambda _: shell(*ours), empty),
        Contestant("rclone copy", lambda _: shell(*peer), empty),
        rounds=min(settings.rounds, 5),
    )
    yield Row(GROUP, f"{name} of {FILES:,} files", a, b, ratio_at_most=RATIO_AT_MOST)
    clear_aside(settings)
    a, b = race(
        Contestant("ours", lambda _: shell(*ours)),
        Contestant("rclone copy", lambda _: shell(*peer)),
        rounds=settings.rounds,
    )
    yield Row(GROUP, f"{name} with nothing to do", a, b)
    lists = Sample("ours", (float(_listings(settings, shell, ours)),))
    yield Row(GROUP, f"{name} with nothing to do: listings", lists, Sample("rclone copy", (1.0,)), "", None, 1)


def _listings(settings: Settings, shell: Shell, command: Sequence[str]) -> int:
    """How many of the rclones that a command runs look at the remote: each of them lists it once."""
    rclone = shutil.which("rclone", path=shell.env["PATH"])
    log, wrapper = settings.work / "rclone-calls", settings.work / "wrapper" / "rclone"
    wrapper.parent.mkdir(exist_ok=True)
    wrapper.write_text(f"#!/bin/sh\necho \"$*\" >>'{log}'\nexec '{rclone}' \"$@\"\n")
    wrapper.chmod(0o755)
    log.write_text("")
    shell.with_env(PATH=f"{wrapper.parent}{os.pathsep}{shell.env['PATH']}")(*command)
    return sum("store:" in line for line in log.read_text().splitlines())


@contextmanager
def _server(shell: Shell, root: Path) -> Iterator[None]:
    """rclone's SFTP server, which the user's rclone knows as `store`."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port = probe.getsockname()[1]
    command = ["rclone", "serve", "sftp", f"--addr={LOOPBACK}:{port}", "--user=ada", "--pass=secret", str(root)]
    options = ["--config=/dev/null", "--dir-cache-time=0s"]
    process = subprocess.Popen(
        [*command, *options], env=shell.env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        for _ in range(600):
            with suppress(OSError):
                socket.create_connection((LOOPBACK, port), timeout=1).close()
                break
            time.sleep(0.1)
        place = [f"host={LOOPBACK}", f"port={port}", "user=ada", "pass=secret"]
        shell.at(root)("rclone", "config", "create", "--obscure", "store", "sftp", *place)
        yield
    finally:
        process.kill()
        process.wait()
