"""Do clone, push and pull cost much more than the git that they run?

A workspace with many snapshots, each with a commit of its code and one of its metadata, has two copies of its origin:
ours and plain git's. Both do the same with them, by path, where git itself is fastest. Then, if there is an SSH server,
what is idle is done through it too: by path, nothing is left of it but the start of Python.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from .gitcount import count_git
from .harness import Contestant, Row, Sample, race
from .many_snapshots import FIRST, commit_code, results_of, write_snapshots
from .sandbox import Settings, Shell
from .sshd import SshServer, ssh_server

GROUP = "collaboration"
RATIO_AT_MOST = 1.5
IDLE_PULL_AT_MOST, IDLE_PUSH_AT_MOST = 3.0, 6.0
SNAPSHOTS = 1000
BRANCH = "main"
DWS = ("dws", "--batch")
GIT = ("git",)


@dataclass(frozen=True)
class Origins:
    """Bare repositories to copy: with the first snapshot only, and with all."""

    first: Path
    all: Path


@dataclass(frozen=True)
class Side:
    """Who does it: a directory with an origin and a workspace that nobody else uses."""

    name: str
    program: tuple[str, ...]
    shell: Shell
    origins: Origins

    @property
    def origin(self) -> Path:
        return self.shell.cwd / "origin.git"

    @property
    def workspace(self) -> Path:
        return self.shell.cwd / "ws"

    def set_origin(self, model: Path) -> None:
        shutil.rmtree(self.origin, ignore_errors=True)
        shutil.copytree(model, self.origin)

    def set_workspace(self, model: Path) -> None:
        """A clone of this program's own, of the state of an origin. It is made once, and copied from then on."""
        made = self.shell.cwd / f"{model.stem}-clone"
        shutil.rmtree(self.workspace, ignore_errors=True)
        if not made.exists():
            self.set_origin(model)
            self.clone(self.origin)
            self.workspace.rename(made)
        shutil.copytree(made, self.workspace, symlinks=True)
        # A copy has other inodes than git's index knows, and git would read all files, which it does nowhere else.
        self.shell.at(self.workspace)("git", "update-index", "-q", "--refresh")

    def clone(self, url: Path | str) -> None:
        shutil.rmtree(self.workspace, ignore_errors=True)
        self.shell(*self.program, "clone", str(url), "ws")

    def run(self, command: str) -> None:
        self.shell.at(self.workspace)(*self.program, command)


def rows(settings: Settings) -> Iterator[Row]:
    origins = _make_origins(settings)
    ours, peer = (
        Side(name, program, _shell(settings, name), origins) for name, program in (("dws", DWS), ("git", GIT))
    )
    rounds = settings.rounds

    def row(operation: str, command: str, origin: Path, workspace: Path | None, target: float | None = None) -> Row:
        mine, theirs = (_contestant(side, command, origin, workspace) for side in (ours, peer))
        return Row(GROUP, operation, *race(mine, theirs, rounds), ratio_at_most=target)

    yield row("clone", "clone", origins.all, None, RATIO_AT_MOST)
    yield row("pull of all snapshots", "pull", origins.all, origins.first, RATIO_AT_MOST)
    yield row("push of all snapshots", "push", origins.first, origins.all, RATIO_AT_MOST)
    yield row("idle pull", "pull", origins.all, origins.all, IDLE_PULL_AT_MOST)
    yield row("idle push", "push", origins.all, origins.all, IDLE_PUSH_AT_MOST)
    yield from _git_processes(ours, peer, settings)
    with ssh_server(settings.work / "sshd") as server:
        if server is None:
            print(f"{GROUP}: no SSH server here, so nothing was measured through SSH")
        else:
            yield from _through_ssh(ours, peer, server, rounds)


def _contestant(side: Side, command: str, origin: Path, workspace: Path | None) -> Contestant:
    def prepare(_round: int) -> None:
        if workspace is not None:
            side.set_workspace(workspace)
        side.set_origin(origin)
        if command == "push" and origin != workspace:
            # As before the snapshots, in the origin's eyes and in the workspace's.
            commit = side.shell.at(origin)("git", "rev-parse", BRANCH).strip()
            side.shell.at(side.workspace)("git", "update-ref", f"refs/remotes/origin/{BRANCH}", commit)

    def run(_round: int) -> None:
        if command == "clone":
            side.clone(side.origin)
        else:
            side.run(command)

    def clear_and_prepare(number: int) -> None:
        if command == "clone":
            shutil.rmtree(side.workspace, ignore_errors=True)
        prepare(number)

    return Contestant(side.name, run, clear_and_prepare)


def _git_processes(ours: Side, peer: Side, settings: Settings) -> Iterator[Row]:
    """Those that the command itself starts; plain git is one."""
    for command, origin, workspace in (
        ("clone", ours.origins.all, None),
        ("pull", ours.origins.all, ours.origins.first),
        ("push", ours.origins.first, ours.origins.all),
        ("idle pull", ours.origins.all, ours.origins.all),
        ("idle push", ours.origins.all, ours.origins.all),
    ):
        verb = command.split()[-1]
        contestant = _contestant(ours, verb, origin, workspace)
        contestant.prepare(0)
        if verb == "clone":
            shutil.rmtree(ours.workspace, ignore_errors=True)
            calls = count_git(ours.shell, settings.work / "count", *DWS, "clone", str(ours.origin), "ws")
        else:
            calls = count_git(ours.shell.at(ours.workspace), settings.work / "count", *DWS, verb)
        yield Row(
            GROUP,
            f"git processes: {command}",
            Sample("dws", (len(calls.calls),)),
            Sample(peer.name, (1,)),
            unit="processes",
        )


def _through_ssh(ours: Side, peer: Side, server: SshServer, rounds: int) -> Iterator[Row]:
    """Origins that are reached through SSH. Each connection takes its time, on whichever side."""
    for side in (ours, peer):
        side.set_workspace(side.origins.all)
        side.set_origin(side.origins.all)
        at = side.shell.at(side.workspace)
        at("git", "remote", "set-url", "origin", server.url(side.origin))
        at("git", "config", "core.sshCommand", server.command)
    for command in ("pull", "push"):
        mine, theirs = (
            Contestant(side.name, lambda _, side=side, command=command: side.run(command))  # type: ignore[misc]
            for side in (ours, peer)
        )
        yield Row(GROUP, f"idle {command}, SSH", *race(mine, theirs, rounds), ratio_at_most=RATIO_AT_MOST)


def _shell(settings: Settings, name: str) -> Shell:
    shell = settings.ours.shell(settings.work / name, settings.work / name / "home")
    shell.cwd.mkdir(parents=True, exist_ok=True)
    return shell


def _make_origins(settings: Settings) -> Origins:
    """A workspace of ours with one real snapshot, published, and then all the others."""
    directory = settings.work / "made"
    shell = settings.ours.shell(directory / "ws", directory / "home")
    shell.cwd.mkdir()
    shell(*DWS, "init", "--hostname", "host1", "--create-resources", "code,results")
    (shell.cwd / "code" / "number.txt").write_text("0\n")
    (shell.cwd / "results" / "results.json").write_text(json.dumps(results_of(0), indent=2))
    shell(*DWS, "snapshot", "-m", "snapshot 0", FIRST)
    first, every = directory / "first.git", directory / "all.git"
    shell("git", "init", "--quiet", "--bare", str(first))
    shell(*DWS, "publish", str(first))
    print(f"making a workspace with {SNAPSHOTS} snapshots …", flush=True)
    write_snapshots(shell.cwd / ".dataworkspace", commit_code(shell, SNAPSHOTS))
    _commit_each_snapshot(shell)
    shutil.copytree(first, every)
    shell("git", "push", "--quiet", str(every), BRANCH)
    for origin in (first, every):
        shell.at(origin)("git", "gc", "--quiet")
    return Origins(first, every)


def _commit_each_snapshot(shell: Shell) -> None:
    """A commit for the metadata of each snapshot that has none yet, in the order in which they were taken."""
    listed = shell("git", "ls-files", "--others", "--exclude-standard", "-z", ".dataworkspace").split("\0")
    by_snapshot: dict[str, list[str]] = {}
    for path in filter(None, listed):
        # snapshots/snapshot-HASH.json, snapshot_metadata/HASH_md.json, snapshot_lineage/HASH/…
        name = path.split("/")[2].removeprefix("snapshot-").removesuffix(".json").removesuffix("_md")
        by_snapshot.setdefault(name, []).append(path)
    head = shell("git", "rev-parse", "HEAD").strip()
    metadata = shell.cwd / ".dataworkspace" / "snapshot_metadata"
    taken = {name: json.loads((metadata / f"{name}_md.json").read_text())["timestamp"] for name in by_snapshot}
    stream = []
    for number, name in enumerate(sorted(by_snapshot, key=taken.__getitem__)):
        paths = by_snapshot[name]
        stream.append(
            f"commit refs/heads/{BRANCH}\ncommitter Ada <ada@example.com> {1577836800 + 60 * number} +0000\n"
            f"data 9\nsnapshot\n{f'from {head}' if number == 0 else ''}\n"
        )
        for path in paths:
            content = (shell.cwd / path).read_text()
            stream.append(f"M 100644 inline {path}\ndata {len(content.encode())}\n{content}\n")
    shell("git", "fast-import", "--quiet", input="".join(stream))
    shell("git", "reset", "--quiet", "--hard")
