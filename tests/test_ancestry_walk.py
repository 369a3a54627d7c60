"""Walks of several people over one directory of files, each step drawn by hypothesis.

Whatever they do, in whatever order, wherever their clocks are, and whatever their locale, umask and git are told: what
anybody ever had in the directory, and nobody changed, deleted or replaced by a restore, is with everybody who pulls; and
what any snapshot ever held can be had. `DWS_WALK_EXAMPLES` is how many walks follow each other before all meet; more
than the few of a normal run are drawn at random.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import pytest
from endtoend import User
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from test_ancestry import People

from dataworkspaces.commands.restore import plan_restore, restore_command
from dataworkspaces.commands.snapshot import snapshot_command
from dataworkspaces.commands.sync import Selection, pull_command, push_command
from dataworkspaces.errors import ConfigurationError
from dataworkspaces.files.file_tree import FileTreeMixin
from dataworkspaces.filetree.contents import all_objects
from dataworkspaces.toolbox.trust import agreeing
from dataworkspaces.workspace import Workspace, load_workspace
from dataworkspaces.workspace.workspace_uri import find_workspace_uri

pytestmark = pytest.mark.slow

ZONES = {"ada": "Europe/Berlin", "ben": "America/New_York", "cyd": "Asia/Kolkata"}
UMASKS = {"ada": 0o022, "ben": 0o077, "cyd": 0o002}
LOCALES = {"ada": "C.UTF-8", "ben": "C", "cyd": "POSIX"}
GIT = {
    "ada": {"core.autocrlf": "true", "core.safecrlf": "true", "core.commentChar": "S", "commit.cleanup": "strip"},
    "ben": {"core.autocrlf": "input", "core.fileMode": "false", "core.quotePath": "true", "color.ui": "always"},
    "cyd": {"core.eol": "crlf", "core.ignoreCase": "true", "core.precomposeUnicode": "true", "core.pager": "false"},
}
NAMES = ("a", "b", "d/a", "d/e/b", "ä")
STEPS = (*["write"] * 4, *["snapshot", "pull", "push"] * 3, "delete", *["restore"] * 2)
EXAMPLES = int(os.environ.get("DWS_WALK_EXAMPLES", "0"))

T = TypeVar("T")


def settings_of(name: str) -> Mapping[str, str]:
    """What the environment of a person says of locale, time and git."""
    told = {"TZ": ZONES[name], "LANG": LOCALES[name], "LC_ALL": LOCALES[name], "GIT_CONFIG_COUNT": str(len(GIT[name]))}
    for number, (key, value) in enumerate(GIT[name].items()):
        told |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
    return told


class Differing(People):
    """People whose machines differ in more than their clocks."""

    def make(self, name: str, zone: str) -> User:
        user = super().make(name, zone)
        return user.at(user.cwd, **settings_of(name))


@dataclass
class Walk:
    """:ivar there: the directories of the clones. :ivar gone: contents that somebody changed or deleted. :ivar number:
    what chooses in this step."""

    there: dict[str, Path]
    env: pytest.MonkeyPatch
    number: int = 0
    held: set[str] = field(default_factory=set)
    gone: set[str] = field(default_factory=set)
    log: list[str] = field(default_factory=list)

    @contextmanager
    def workspace(self, name: str) -> Iterator[Workspace]:
        for key, value in settings_of(name).items():
            self.env.setenv(key, value)
        time.tzset()
        before = os.umask(UMASKS[name])
        try:
            with agreeing():
                yield load_workspace(find_workspace_uri(str(self.there[name])), True, False)
        finally:
            os.umask(before)

    def files(self, name: str) -> dict[str, str]:
        data = self.there[name] / "data"
        return {p.relative_to(data).as_posix(): p.read_text() for p in sorted(data.rglob("*")) if p.is_file()}

    def contents(self, name: str) -> set[str]:
        return set(self.files(name).values())

    def one_of(self, choices: Sequence[T]) -> T:
        return choices[self.number % len(choices)]

    # -- steps -----------------------------------------------------------------------------------------------------

    def write(self, name: str) -> None:
        path = self.there[name] / "data" / self.one_of(NAMES)
        if path.is_file():
            self.gone.add(path.read_text())
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{name} {len(self.held)}")
        self.held.add(path.read_text())

    def delete(self, name: str) -> None:
        files = self.files(name)
        if files:
            path = self.one_of(sorted(files))
            self.gone.add(files[path])
            (self.there[name] / "data" / path).unlink()

    def snapshot(self, name: str) -> None:
        with self.workspace(name) as workspace:
            snapshot_command(workspace)

    def pull(self, name: str) -> None:
        before = self.contents(name)
        with self.workspace(name) as workspace:
            failed = pull_command(workspace, Selection()).failed
        for error in failed.values():  # on sql everybody sees snapshots whose content nobody has pushed yet
            assert "lacks the" in error.message, error.message
        lost = before - self.contents(name) - self.gone
        assert not lost, f"a pull of {name} lost {lost}"

    def push(self, name: str) -> None:
        with self.workspace(name) as workspace:
            try:
                push_command(workspace, Selection())
            except ConfigurationError as e:
                if "behind its origin" not in e.message:
                    raise

    def restore(self, name: str) -> None:
        before = self.contents(name)
        with self.workspace(name) as workspace:
            found = [s.hashval for s in workspace.as_snapshot_ws().list_snapshots()]
            try:
                restore_command(workspace, plan_restore(workspace, self.one_of(found)))
            except ConfigurationError as e:
                if "lacks the" not in e.message:  # as for a pull
                    raise
        self.gone |= before - self.contents(name)

    def step(self, who: int, step: str, number: int) -> None:
        name = sorted(self.there)[who % len(self.there)]
        self.number = number
        self.log.append(f"{name} {step} {number}")
        try:
            getattr(self, step)(name)
        except Exception as e:
            raise AssertionError(f"after {self.log}") from e

    def meet(self) -> None:
        """Each adds a file, since who has gone back to an old snapshot has nothing new for others, and all exchange."""
        for name, root in self.there.items():
            (root / "data" / f"of {name}").write_text(f"at last {name}")
            self.held.add(f"at last {name}")
        for _ in range(2):
            for name in self.there:
                for step in (self.snapshot, self.pull, self.snapshot, self.push):
                    self.log.append(f"{name} {step.__name__}")
                    step(name)


@pytest.mark.parametrize("clones", [2, 3])
@pytest.mark.parametrize("backend", ["git", "sql"])
def test_nothing_disappears(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, backend: str, clones: int) -> None:
    people = Differing(tmp_path, backend)
    ada = people.first("ada", ZONES["ada"])
    (ada.cwd / "data").mkdir()
    (ada.cwd / "data/a").write_text("first")
    ada.batch("add", "local-files", "--role", "source-data", "--remote", people.remote, "data")
    ada.batch("snapshot", "S1")
    people.publish(ada)
    there = {"ada": ada.cwd, "ben": people.clone("ben", ZONES["ben"]).cwd}
    if clones == 3:
        there["cyd"] = people.clone("cyd", ZONES["cyd"]).cwd
    for key in ("HOME", "XDG_CONFIG_HOME", "GIT_CONFIG_GLOBAL", "GIT_CONFIG_NOSYSTEM"):
        monkeypatch.setenv(key, ada.env[key])
    walk = Walk(there, monkeypatch, held={"first"})
    step = st.tuples(st.integers(0, clones - 1), st.sampled_from(STEPS), st.integers(0, 99))

    # One walk goes on where the one before ended. The first that hypothesis draws is the simplest: somebody writes.
    @settings(
        max_examples=EXAMPLES or 4,
        derandomize=not EXAMPLES,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(st.lists(step, min_size=10, max_size=10))
    def goes(steps: list[tuple[int, str, int]]) -> None:
        for who, what, number in steps:
            walk.step(who, what, number)

    goes()
    walk.meet()
    for name in there:
        people.there[name].batch("pull")  # of a process that began in that locale
        assert walk.held - walk.gone <= walk.contents(name), walk.log
        assert walk.files(name) == walk.files("ada"), walk.log
        check_snapshots(walk, name)


def check_snapshots(walk: Walk, name: str) -> None:
    """All that snapshots hold can be had, and they are in their order."""
    with walk.workspace(name) as workspace:
        snapshots = workspace.as_snapshot_ws()
        found = list(snapshots.list_snapshots(reverse=False))
        place = {snapshot.hashval: number for number, snapshot in enumerate(found)}
        for snapshot in found:
            assert all(place[parent] < place[snapshot.hashval] for parent in snapshot.parents or ())
        resource = workspace.get_resource("data")
        assert isinstance(resource, FileTreeMixin)
        assert resource.remote_content is not None
        for snapshot in found:
            wanted = all_objects(resource.kept_content.tree(str(snapshot.restore_hashes["data"])))
            assert not resource.remote_content.store.missing(wanted)
