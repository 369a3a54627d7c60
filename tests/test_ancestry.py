"""Directories of files that several people change: what a pull makes of them, whatever their clocks say."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pytest
from endtoend import User, isolated_environment, write_files
from servers import make_bare

pytestmark = pytest.mark.slow


@dataclass
class People:
    """People with machines of their own, in places with clocks of their own, and what they share."""

    directory: Path
    backend: str
    there: dict[str, User] = field(default_factory=dict)

    @property
    def remote(self) -> str:
        return f"file://{self.directory}/remote"

    def make(self, name: str, zone: str) -> User:
        directory = self.directory / name / "work"
        directory.mkdir(parents=True)
        return User(directory, {**isolated_environment(self.directory / name / "home"), "TZ": zone})

    def first(self, name: str, zone: str = "Europe/Berlin") -> User:
        """Makes the workspace."""
        user = self.make(name, zone)
        if self.backend == "sql":
            url = f"sql+sqlite:///{self.directory}/db.sqlite"
            user.batch("init", "--hostname", name, "--backend", "sql", url)
        else:
            user.batch("init", "--hostname", name)
        self.there[name] = user
        return user

    def publish(self, user: User) -> None:
        if self.backend == "sql":
            user.batch("push")
        else:
            user.batch("publish", make_bare(self.directory / "origin.git"))

    def clone(self, name: str, zone: str = "America/New_York") -> User:
        user = self.make(name, zone)
        origin = self.directory / "origin.git"
        address = f"sql+sqlite:///{self.directory}/db.sqlite" if self.backend == "sql" else origin
        user.batch("clone", address, "ws", "--hostname", name)
        self.there[name] = user.at(user.cwd / "ws")
        return self.there[name]


@pytest.fixture
def people(tmp_path: Path) -> People:
    return People(tmp_path, "git")


def share(people: People, *, role: str = "source-data", **files: str) -> tuple[User, User]:
    """Ada, in Berlin, has a directory `data` with files; Ben, in New York, has a clone."""
    ada = people.first("ada")
    write_files(ada.cwd, {f"data/{name}": content for name, content in files.items()})
    (ada.cwd / "data").mkdir(exist_ok=True)
    ada.batch("add", "local-files", "--role", role, "--remote", people.remote, "data")
    ada.batch("snapshot", "S1")
    people.publish(ada)
    return ada, people.clone("ben")


def data_of(user: User) -> dict[str, str]:
    return {path.name: path.read_text() for path in (user.cwd / "data").iterdir() if path.is_file()}


def test_a_snapshot_comes_after_what_it_was_made_of_whatever_the_clocks_say(people: People) -> None:
    ada, ben = share(people, a="1")
    write_files(ben.cwd, {"data/b": "2"})
    ben.batch("snapshot", "T1")
    assert ben.json("report", "status")["last_snapshot"]["tags"] == ["T1"]
    ben.batch("push")
    ben.batch("pull")
    assert data_of(ben) == {"a": "1", "b": "2"}
    ada.batch("pull")
    assert data_of(ada) == {"a": "1", "b": "2"}
    assert ada.json("report", "status")["last_snapshot"]["tags"] == ["T1"]


def test_a_snapshot_of_something_else_takes_nothing_back(people: People) -> None:
    ada, ben = share(people, a="1")
    write_files(ada.cwd, {"data/b": "2"})
    ada.batch("snapshot", "S2")
    ada.batch("push")
    ben.batch("snapshot", "-m", "other", "T1")  # the same content
    write_files(ben.cwd, {"data/c": "3"})
    ben.batch("snapshot", "T2")
    ben.batch("pull")
    assert data_of(ben) == {"a": "1", "b": "2", "c": "3"}
    ben.batch("push")
    ada.batch("pull")
    assert data_of(ada) == {"a": "1", "b": "2", "c": "3"}


def test_both_change_one_file(people: People) -> None:
    ada, ben = share(people, a="1", b="1", c="1")
    write_files(ada.cwd, {"data/a": "ada", "data/b": "ada"})
    (ada.cwd / "data/c").unlink()
    ada.batch("snapshot", "S2")
    ada.batch("push")
    write_files(ben.cwd, {"data/a": "ben", "data/d": "not in any snapshot"})
    done = ben.batch("pull", check=False)
    assert done.returncode == 1
    assert "both sides changed a (theirs: a.ada)" in done.stderr
    expected = {"a": "ben", "a.ada": "ada", "b": "ada", "d": "not in any snapshot"}
    assert data_of(ben) == expected
    ben.batch("pull")  # which has nothing to say any more
    (ben.cwd / "data/a.ada").rename(ben.cwd / "data/a")
    ben.batch("snapshot", "T2")
    ben.batch("push")
    ada.batch("pull")
    assert data_of(ada) == data_of(ben) == {"a": "ada", "b": "ada", "d": "not in any snapshot"}
