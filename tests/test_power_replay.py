"""The power is cut at each point of a command, on a disk that keeps as little as it may: power_model.py says what.

Of each command some hundred states are recorded. Each of them holds all contents that were there before and that the
snapshots in it need, and no file of ours or of git's is empty. The last is laid out, and looked at by `dws`, which costs
two seconds each (DWS_POWER_STATES says how many of each command; `all` takes an hour): the workspace opens, the
snapshots of before come back, and what is damaged is mended by `dws fsck --repair`.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from blake3 import blake3
from endtoend import (
    HOST,
    contents_in_git,
    contents_in_tree,
    copy_workspace,
    isolated_environment,
    read_tree,
    write_files,
)
from forked import Forked
from power_contents import Reader, problems_of
from power_model import State, lay_out, read_states
from test_kill import Server

from dataworkspaces.errors import DwsError
from dataworkspaces.filetree.objects.store import ObjectStore

pytestmark = pytest.mark.slow

STATES = os.environ.get("DWS_POWER_STATES", "1")
"""How many states of each command are looked at, or `all`."""
KEEP = os.environ.get("DWS_POWER_KEEP", "")
"""Where states are kept that do not hold."""
REPOSITORIES = ("", "data")


@pytest.fixture(scope="module")
def env(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return isolated_environment(tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="module")
def server(env: dict[str, str]) -> Server:
    return Server(env)


@dataclass(frozen=True)
class World:
    """A workspace `ws`, its origins beside it, and what each snapshot holds."""

    server: Server
    place: Path
    trees: dict[str, dict[str, str]]

    @property
    def root(self) -> Path:
        return self.place / "ws"

    def run(self, *command: str, record: Path | None = None) -> str:
        answer = self.server.run(self.root, *command, record=(self.root, record) if record else None)
        assert "Traceback" not in answer.stderr, answer
        assert answer.status == 0, answer
        return answer.stdout + answer.stderr

    def at(self, place: Path) -> World:
        return World(self.server, place, self.trees)


PLACES = ("code", "files", "data", "results")


def work(root: Path, tag: str) -> None:
    """The same contents in all versions, in another one each, and new ones."""
    write_files(root, {f"files/small {n}": f"{n} at {tag if n % 2 == 0 else 'all'}\n" for n in range(70)})
    write_files(root, {"files/large": tag.encode() * 200_000, f"files/only {tag}/file": f"{tag} of files\n"})
    write_files(root, {"code/run.py": f"{tag} of code\n", f"code/only {tag}": tag, "data/data.csv": f"{tag} of data\n"})
    write_files(root, {"results/results.json": json.dumps({"metrics": {"number": len(tag)}}), "results/model": tag * 9})


def trees(root: Path) -> dict[str, str]:
    """The files of the resources that a restore brings back."""
    places = ("code", "files", "data")
    return {f"{place}/{path}": what for place in places for path, what in read_tree(root / place).items()}


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory, server: Server, env: dict[str, str]) -> World:
    """Snapshots A and B, published; and work since that no snapshot has."""
    world = World(server, tmp_path_factory.mktemp("power") / "base", {})
    root = world.root
    root.mkdir(parents=True)
    user = Forked(root, env)
    world.run("--batch", "init", "--hostname", HOST, "--create-resources", "code,results")
    user.make_repository(root / "data", {"data.csv": "1,2\n"})
    shutil.move(root / "data.git", world.place / "data.git")
    user.at(root / "data").git("remote", "set-url", "origin", world.place / "data.git")
    write_files(root, {"files/first": "1"})
    world.run("--batch", "add", "git", "--role", "source-data", "--name", "data", "data")
    world.run("--batch", "add", "local-files", "--role", "source-data", "--restorable", "files")
    world.run("--batch", "config", "--resource", "files", "remote", (world.place / "remote").as_uri())
    for tag in ("A", "B"):
        work(root, tag)
        world.trees[tag] = trees(root)
        world.run("--batch", "snapshot", tag)
    user.git("init", "--quiet", "--bare", world.place / "origin.git")
    world.run("--batch", "publish", str(world.place / "origin.git"))
    write_files(root, {"files/small 1": "precious\n", "files/new": "precious too\n", "files/only A/file": "another\n"})
    write_files(root, {"code/run.py": "precious code\n", "data/new.csv": "precious data\n", "notes": "precious note\n"})
    (root / "files/small 2").unlink()
    return world


# -- what has to hold ------------------------------------------------------------------------------------------------


def contents(world: World) -> set[str]:
    """All that somebody has in a workspace: in the working tree, in git, and in the object store."""
    import hashlib

    found = contents_in_tree(world.root).union(
        *(contents_in_git(world.root / n, world.server.env) for n in REPOSITORIES)
    )
    for store in [ObjectStore(place.parent) for place in world.root.glob(".dataworkspace/**/packs")]:
        for object_id in store.ids():
            content = store.read(object_id)
            assert blake3(content).digest() == object_id.digest
            found.add(hashlib.sha256(content).hexdigest())
    return found


def cut_power(world: World, state: State) -> None:
    shutil.rmtree(world.root)
    world.root.mkdir()

    def here(path: str, content: bytes) -> bytes:
        if path.endswith("dws/place.json") and content:  # the directory is the one that it was
            inode = (world.root / ".dataworkspace").stat().st_ino
            return json.dumps({**json.loads(content), "inode": inode}).encode()
        return content

    lay_out(world.root, sorted(state.entries, key=lambda entry: (entry.path.startswith(".git/"), entry.path)), here)
    for lock in (world.root / ".git" / "dws").glob("*lock"):  # the machine has been started since, which takes a while
        lock.unlink()


def check(world: World, had: set[str], tags: Sequence[str]) -> None:
    """The workspace opens and is whole, or can be made so; these snapshots are there, and nothing is lost."""
    world.run("report", "status")
    told = world.server.run(world.root, "fsck")
    if told.status:
        world.run("--batch", "fsck", "--repair")
        world.run("fsck")
    for name in REPOSITORIES:
        Forked(world.root / name, world.server.env).git("fsck", "--strict")
    lost = had - contents(world)
    assert not lost, f"{len(lost)} contents are lost"
    history = world.run("report", "history")
    for tag in tags:
        assert tag in history
        world.run("--batch", "restore", tag)
        now = trees(world.root)
        differ = [path for path in now.keys() | world.trees[tag] if now.get(path) != world.trees[tag].get(path)]
        assert not differ, f"{tag} lacks {differ}"


def chosen(states: list[State]) -> list[tuple[int, State]]:
    """The last, and others at even distances, with their numbers."""
    numbered = [*enumerate(states)]
    return numbered if STATES == "all" else numbered[:: -max(1, len(states) // int(STATES))][: int(STATES)]


def copy_of(base: World, tmp_path: Path) -> World:
    world = World(base.server, tmp_path / "world", {**base.trees, "C": trees(base.root)})
    copy_workspace(base.place, world.place)
    user = Forked(world.root, world.server.env)
    user.git("remote", "set-url", "origin", world.place / "origin.git")
    user.at(world.root / "data").git("remote", "set-url", "origin", world.place / "data.git")
    world.run("--batch", "config", "--resource", "files", "my_local_path", str(world.root / "files"))
    world.run("--batch", "config", "--resource", "files", "my_remote", (world.place / "remote").as_uri())
    shutil.rmtree(world.root / ".dataworkspace" / "objects" / "users", ignore_errors=True)  # the original has its own
    return world


def replay(
    world: World,
    *command: str,
    tags: Sequence[str] = ("A", "B"),
    afterwards: Sequence[str] = (),
    may_remove: bool = False,
) -> None:
    """Cut the power during a command.

    :param tags: the snapshots that are there all the time; ``afterwards`` are those of the end.
    :param may_remove: what the command removes need not be there."""
    had = contents(world)
    recorded = world.place.with_name("states")
    world.run("--batch", *command, record=recorded)
    if may_remove:
        had &= contents(world)
    states = read_states(recorded)
    assert len(states) > 10
    reader = Reader(world.place.with_name("scratch"))
    snapshots = {tag: {told.split()[-1] for told in tree.values()} for tag, tree in world.trees.items()}
    found: dict[str, list[int]] = {}
    for number, state in enumerate(states):
        for problem in problems_of(state, reader, had, snapshots):
            found.setdefault(problem, []).append(number)
    problems = [
        f"{problem} in {len(numbers)} states: {numbers[:5]}, the first cut before {states[numbers[0]].before:.200}"
        for problem, numbers in found.items()
    ]
    todo = chosen(states)
    for number, state in todo:
        cut_power(world, state)
        # All of them at the end, else one or the other: a restore costs more than all that is looked at before.
        wanted = (afterwards or tags) if state.before == "the end" else tags[number % len(tags) :][:1]
        try:
            check(world, had, wanted)
        except (AssertionError, DwsError, ValueError, OSError) as e:
            told = str(e).partition("\nassert ")[0][:900]
            problems.append(f"state {number}, cut before {state.before}, {state.after}: {told}")
            if KEEP:
                cut_power(world, state)
                shutil.copytree(world.place, Path(KEEP, f"{command[0]}-{number}"), symlinks=True)
    assert not problems, f"{len(problems)} problems, with {len(todo)} states looked at of {len(states)}\n" + "\n".join(
        problems[:20]
    )


def test_snapshot(base: World, tmp_path: Path) -> None:
    replay(copy_of(base, tmp_path), "snapshot", "C", afterwards=("A", "B", "C"))


def test_restore(base: World, tmp_path: Path) -> None:
    replay(copy_of(base, tmp_path), "restore", "A")


def test_config(base: World, tmp_path: Path) -> None:
    replay(copy_of(base, tmp_path), "config", "hostname", "another")


def test_delete_snapshot(base: World, tmp_path: Path) -> None:
    replay(copy_of(base, tmp_path), "delete-snapshot", "B", tags=("A",))


def test_push(base: World, tmp_path: Path) -> None:
    world = copy_of(base, tmp_path)
    world.run("--batch", "snapshot", "C")
    replay(world, "push", tags=("A", "C"))


def test_gc(base: World, tmp_path: Path) -> None:
    world = copy_of(base, tmp_path)
    world.run("--batch", "snapshot", "C")
    world.run("--batch", "delete-snapshot", "A")
    world.run("--batch", "push")
    replay(world, "gc", "--keep-days", "0", "--yes", tags=("B", "C"), may_remove=True)


def test_pull(base: World, tmp_path: Path) -> None:
    world = copy_of(base, tmp_path)
    answer = world.server.run(
        world.place, "--batch", "clone", "--trust", str(world.place / "origin.git"), "other", "--hostname", "other"
    )
    assert answer.status == 0, answer
    other = World(world.server, world.place / "other", world.trees)
    other.server.run(
        other.place, "--batch", "config", "--resource", "files", "my_remote", (world.place / "remote").as_uri()
    )
    write_files(other.place, {f"{place}/of P": "of P" for place in ("files", "code", "data")})
    other.server.run(other.place, "--batch", "snapshot", "P")
    answer = other.server.run(other.place, "--batch", "push")
    assert answer.status == 0, answer
    world.run("--batch", "snapshot", "C")
    replay(world, "pull", tags=("A", "B", "C"), afterwards=("A", "C"))
