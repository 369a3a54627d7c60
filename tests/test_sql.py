"""The backend ``sql`` as people use it: one person with a SQLite file, two with a PostgreSQL database."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from endtoend import FAILED, User, write_files
from forked import DATABASES, Forked
from postgresql_server import postgresql, postgresql_url  # noqa: F401 - fixtures

SCRIPT = """
import json, pathlib
total = sum(int(line) for line in pathlib.Path("source-data/numbers.csv").read_text().split())
pathlib.Path("results/results.json").write_text(json.dumps({"metrics": {"total": total}}))
"""


@pytest.fixture
def user(user: Forked) -> User:
    return replace(user, imported=DATABASES)


def new_workspace(user: User, *options: str) -> User:
    root = user.cwd / "sums"
    root.mkdir()
    here = user.at(root)
    here.batch("init", "--backend=sql", "--hostname=ada", "--create-resources=source-data,code,results", *options)
    write_files(root, {"source-data/numbers.csv": "1\n2\n", "code/total.py": SCRIPT})
    return here


def compute(here: User) -> None:
    here.batch("run", "--input", "source-data", "--output", "results", "--code", "code/total.py", "--",
               "python", "code/total.py")  # fmt: skip


@pytest.mark.slow
def test_one_person_and_a_file(user: User) -> None:
    here = new_workspace(user)
    compute(here)
    here.batch("snapshot", "-m", "first", "ONE")
    write_files(here.cwd, {"source-data/numbers.csv": "3\n4\n5\n"})
    compute(here)
    here.batch("snapshot", "TWO")
    history = here.json("report", "history")
    assert [(s["tags"], s["metrics"]["total"]) for s in history["snapshots"]] == [(["TWO"], 12), (["ONE"], 3)]
    assert "source-data" in here.dws("report", "lineage", "--snapshot", "ONE").stdout
    assert here.json("diff", "ONE", "TWO")

    here.batch("restore", "ONE")
    assert (here.cwd / "source-data" / "numbers.csv").read_text() == "1\n2\n"
    lineage = here.dws("report", "lineage").stdout
    assert "total" in lineage
    assert "No problems found" in here.dws("fsck").stdout

    here.batch("delete-snapshot", "TWO")
    assert [s["tags"] for s in here.json("report", "history")["snapshots"]] == [["ONE"]]
    assert not (here.cwd / "results" / "snapshots" / "ada-TWO").exists()
    assert not (here.cwd / ".git").exists()
    moved = here.cwd.with_name("moved")
    here.cwd.rename(moved)
    assert here.at(moved).json("config", "hostname")["value"] == "ada"


def test_a_failed_init_leaves_nothing(user: User) -> None:
    done = user.batch(
        "init", "--backend=sql", "--url", "sql+postgresql://x@127.0.0.1:1/db?connect_timeout=5", check=False
    )
    assert done.returncode in FAILED
    assert "did not respond as expected" in done.stderr
    assert "Traceback" not in done.stderr
    assert list(user.cwd.iterdir()) == []


@pytest.mark.slow
def test_two_people_and_a_server(user: User, postgresql_url: str, tmp_path: Path) -> None:  # noqa: F811
    ada = new_workspace(user, "--url", postgresql_url)
    hub = tmp_path / "hub"
    for name in ("source-data", "code", "results"):
        ada.batch("config", "--resource", name, "remote", hub.joinpath(name).as_uri())
    compute(ada)
    ada.batch("snapshot", "ONE")
    ada.batch("push")

    user.batch("clone", postgresql_url, "of-bob", "--hostname", "bob")
    bob = user.at(user.cwd / "of-bob")
    assert (bob.cwd / "source-data" / "numbers.csv").read_text() == "1\n2\n"
    write_files(bob.cwd, {"source-data/numbers.csv": "7\n"})
    compute(bob)
    bob.batch("snapshot", "TWO")
    bob.batch("push")

    assert [s["tags"] for s in ada.json("report", "history")["snapshots"]] == [["TWO"], ["ONE"]]
    ada.batch("pull")
    assert (ada.cwd / "source-data" / "numbers.csv").read_text() == "7\n"
    write_files(tmp_path, {"home/.config/dws/config.toml": f'[workspaces]\nsums = "{postgresql_url}&workspace=sums"\n'})
    elsewhere = user.at(tmp_path)
    assert "TWO" in elsewhere.dws("report", "history", "--workspace", "sums").stdout
    found = elsewhere.python(
        "-c", "from dataworkspaces.api import get_snapshot_history as h; print([s.tags for s in h('sums')])"
    ).stdout
    assert json.loads(found.replace("'", '"')) == [["ONE"], ["TWO"]]


@pytest.mark.slow
def test_the_page_is_true(user: User, postgresql_url: str) -> None:  # noqa: F811
    """The commands in docs/sql.md run as they stand there, one after the other, with another server's address."""
    page = Path(__file__).parents[1] / "docs" / "sql.md"
    lines = [line[6:] for line in page.read_text(encoding="utf-8").splitlines() if line.startswith("    $ ")]
    assert len(lines) > 8
    database, _, query = postgresql_url.partition("?")
    address = "sql+postgresql://ada@db.example.com/team"
    assert sum(address in line for line in lines) == 2
    commands = [line.replace(f"{address}?", f"{address}?{query}&").replace(address, database) for line in lines]
    commands = [c if "--url" not in c else f"{c}?{query}" for c in commands]
    script = 'set -e\ndws() { command dws --batch "$@"; }\n' + "\n".join(commands)
    said = user.at(user.cwd, XDG_CONFIG_HOME=str(user.cwd / "config")).run("bash", "-c", script).stdout
    assert "Took snapshot FIRST" in said
    assert said.count("FIRST") >= 3
