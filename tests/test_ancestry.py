"""Directories of files that several people change: what a pull makes of them, whatever their clocks say."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pytest
from endtoend import FAILED, User, isolated_environment, write_files
from forked import Forked
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

    @property
    def database(self) -> str:
        return f"sql+sqlite:///{self.directory}/db.sqlite"

    def make(self, name: str, zone: str) -> User:
        directory = self.directory / name / "work"
        directory.mkdir(parents=True)
        return Forked(directory, {**isolated_environment(self.directory / name / "home"), "TZ": zone})

    def first(self, name: str, zone: str = "Europe/Berlin") -> User:
        """Makes the workspace."""
        user = self.make(name, zone)
        if self.backend == "sql":
            user.batch("init", "--hostname", name, "--backend", "sql", "--url", self.database)
        else:
            user.batch("init", "--hostname", name)
        self.there[name] = user
        return user

    def publish(self, user: User) -> None:
        if self.backend == "sql":
            user.batch("push")
        else:
            user.batch("publish", make_bare(self.directory / "origin.git"))

    def clone(self, name: str, zone: str = "America/New_York", *, check: bool = True) -> User:
        user = self.make(name, zone)
        origin = self.directory / "origin.git"
        address = self.database if self.backend == "sql" else origin
        user.batch("clone", address, "ws", "--hostname", name, check=check)
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
    assert done.returncode in FAILED
    assert "both sides changed a (theirs: a.ada)" in done.stderr
    expected = {"a": "ben", "a.ada": "ada", "b": "ada", "d": "not in any snapshot"}
    assert data_of(ben) == expected
    ben.batch("pull")  # which has nothing to say any more
    (ben.cwd / "data/a.ada").rename(ben.cwd / "data/a")
    ben.batch("snapshot", "T2")
    ben.batch("push")
    ada.batch("pull")
    assert data_of(ada) == data_of(ben) == {"a": "ada", "b": "ada", "d": "not in any snapshot"}


def test_files_that_git_tracks_and_a_remote_that_comes_later(people: People) -> None:
    """The layout of Kedro and cookiecutter: git keeps a directory alive, and some of its files."""
    ada = people.make("ada", "Europe/Berlin")
    ada.git("init", "--quiet")
    write_files(ada.cwd, {"data/.gitkeep": "", "data/tracked": "1"})
    ada.git("add", "--all")
    ada.git("commit", "--quiet", "--message", "first")
    ada.batch("init", "--hostname", "ada")
    ada.batch("add", "local-files", "--role", "source-data", "--restorable", "data")
    ada.batch("snapshot", "S1")
    write_files(ada.cwd, {"data/tracked": "2", "data/new": "3"})
    ada.batch("snapshot", "S2")
    ada.batch("config", "--resource", "data", "remote", people.remote)
    people.publish(ada)
    ben = people.clone("ben")
    assert data_of(ben) == data_of(ada) == {".gitkeep": "", "tracked": "2", "new": "3"}
    write_files(ben.cwd, {"data/of ben": "4"})
    ben.batch("snapshot", "T1")
    ben.batch("push")
    ada.batch("pull")
    assert data_of(ada) == data_of(ben)


def test_a_restore_that_fails_leaves_an_incomplete_directory_incomplete(people: People) -> None:
    ada = people.first("ada")
    write_files(ada.cwd, {"data/a": "1" * 300_000})
    ada.batch("add", "local-files", "--role", "source-data", "--remote", people.remote, "data")
    ada.batch("snapshot", "S1")
    people.publish(ada)
    remote = people.directory / "remote"
    for path in (p for p in remote.rglob("*") if p.is_file() and p.stat().st_size > 200_000):
        path.rename(people.directory / path.name)
    ben = people.clone("ben", check=False)
    assert ben.batch("restore", "S1", check=False).returncode in FAILED
    done = ben.batch("snapshot", "T1", check=False)
    assert "not all of its files have been fetched yet" in done.stderr
    ada.batch("push", "--repair", check=False)
    ben.batch("pull")
    assert data_of(ben) == data_of(ada)


def test_a_version_that_cannot_be_had_leaves_the_one_before_and_deletes_for_nobody(people: People) -> None:
    ada = people.first("ada")
    write_files(ada.cwd, {"data/a": "1"})
    ada.batch("add", "local-files", "--role", "source-data", "--remote", people.remote, "data")
    first = ada.json("snapshot", "S1")["hash"]
    people.publish(ada)
    write_files(ada.cwd, {"data/b": "2" * 300_000})
    ada.batch("snapshot", "S2")
    ada.batch("push")
    for path in (p for p in (people.directory / "remote").rglob("*") if p.is_file() and p.stat().st_size > 200_000):
        path.rename(people.directory / path.name)
    ben = people.make("ben", "America/New_York")
    done = ben.batch("clone", people.directory / "origin.git", "ws", "--hostname", "ben", check=False)
    assert done.returncode in FAILED
    assert f"Resource 'data' is now as in snapshot {first[:7]}, the newest that was available" in done.stdout
    ben = ben.at(ben.cwd / "ws")
    assert data_of(ben) == {"a": "1"}
    assert ben.batch("restore", "S2", check=False).returncode in FAILED
    write_files(ben.cwd, {"data/of ben": "3"})
    ben.batch("snapshot", "T1")
    ben.batch("push")
    ada.batch("pull")
    assert data_of(ada) == {"a": "1", "b": "2" * 300_000, "of ben": "3"}
    ada.batch("push", "--repair")
    ben.batch("pull")
    assert data_of(ben) == data_of(ada)


@pytest.mark.parametrize("backend", ["git", "sql"])
def test_results_are_a_union(tmp_path: Path, backend: str) -> None:
    people = People(tmp_path, backend)
    ada, ben = share(people, role="results")
    for user, name in ((ada, "A1"), (ben, "B1")):
        write_files(user.cwd, {"data/results.json": f'{{"metrics": {{"of": "{name}"}}}}'})
        user.batch("snapshot", name)
        if backend == "git":
            user.batch("pull")
        user.batch("push")
    for user in (ada, ben):
        user.batch("pull")
        for name in ("A1", "B1"):
            assert f"| of  | {name} " in user.batch("report", "results", "--snapshot", name).stdout
            assert (user.cwd / f"data/snapshots/{'ada' if name == 'A1' else 'ben'}-{name}/results.json").exists()


def test_lineage_of_ones_own_newest_results_stays(tmp_path: Path) -> None:
    """Ben's are older, and come with a pull; what Ada made since stays known as she made it."""
    people = People(tmp_path, "git")
    ada = people.first("ada")
    for name, role in (("table", "intermediate-data"), ("results", "results"), ("code", "code")):
        (ada.cwd / name).mkdir()
        ada.batch("add", "git", "--role", role, name)
    write_files(ada.cwd, {"code/p.py": "open('table/t', 'w').write('table')", "code/t.py": "open('results/r', 'w')"})
    ada.batch("snapshot", "S1")
    people.publish(ada)
    ben = people.clone("ben")
    for user, tag in ((ben, "T1"), (ada, "S2")):
        user.batch("run", "--output", "table", "--code", "code", "--", "python", "code/p.py")
        user.batch("run", "--input", "table", "--output", "results", "--code", "code", "--", "python", "code/t.py")
        user.batch("snapshot", tag)
    ben.batch("push")
    before = ada.json("report", "lineage")
    ada.batch("pull")
    assert ada.json("report", "lineage") == before


def test_results_of_two_snapshots_in_one_directory(people: People) -> None:
    ada, ben = share(people, role="results")
    for user, name in ((ada, "A1"), (ben, "B1")):
        user.batch("config", "results.dir_template", "snapshots/same")
        write_files(user.cwd, {"data/results.json": f'{{"metrics": {{"of": "{name}"}}}}', f"data/{name}": name})
    ada.batch("snapshot", "A1")
    ada.batch("push")
    ben.batch("snapshot", "B1")
    ben.batch("pull")
    ben.batch("push")
    ada.batch("pull")
    for user in (ada, ben):
        for name, place in (("A1", "same"), ("B1", "same-2")):
            assert f"| of  | {name} " in user.batch("report", "results", "--snapshot", name).stdout
            assert (user.cwd / "data/snapshots" / place / name).read_text() == name
    assert not (ben.cwd / "data/snapshots/same/lineage.json").exists()
    assert (ben.cwd / "data/snapshots/same-2/lineage.json").exists()
