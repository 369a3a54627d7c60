"""A plug-in of somebody else: built as a wheel, installed beside our distributions, and used."""

from __future__ import annotations

import ast
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import pytest
from endtoend import HOST, User, program

pytestmark = pytest.mark.real_starts

ROOT = Path(__file__).parents[1]
EXAMPLE = ROOT / "examples" / "dws-sqlite-resource"
TEMPLATE = ROOT / "packages" / "_template"
PUBLIC = {"errors", "filetree", "lineage", "params", "toolbox", "workspace", "testing"}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory of `sys.path` into which the wheels of the example and of the template were installed."""
    from endtoend import isolated_environment

    directory = tmp_path_factory.mktemp("plugin")
    user = User(directory, isolated_environment(directory / "home"))
    for number, plugin in enumerate((EXAMPLE, TEMPLATE)):
        source = directory / str(number)
        user.run("cp", "-rL", plugin, source)  # building leaves files beside what is built
        user.run(program("uv"), "build", "--quiet", "--wheel", "--no-build-isolation", "--python", sys.executable,
                 "--out-dir", source / "dist", source)  # fmt: skip
        [wheel] = (source / "dist").glob("*.whl")
        user.run(program("uv"), "pip", "install", "--quiet", "--no-deps", "--python", sys.executable,
                 "--target", directory / "site", wheel)  # fmt: skip
    return directory / "site"


@pytest.fixture
def ada(user: User, site: Path) -> User:
    return user.at(user.cwd, PYTHONPATH=str(site))


def rows(file: Path, statement: str = "SELECT name FROM clients ORDER BY name") -> list[str]:
    with closing(sqlite3.connect(file)) as connection, connection:
        return [row[0] for row in connection.execute(statement)]


def make_table(file: Path) -> None:
    rows(file, "CREATE TABLE clients (name TEXT)")
    rows(file, "INSERT INTO clients VALUES ('Ada')")


def test_it_imports_public_modules_only() -> None:
    imported = set()
    for path in EXAMPLE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("dataworkspaces."):
                imported.add(str(node.module).split(".")[1])
            assert not isinstance(node, ast.Import) or "dataworkspaces" not in {a.name for a in node.names}
    assert imported <= PUBLIC
    assert "workspace" in imported


@pytest.mark.slow
@pytest.mark.parametrize("plugin", [EXAMPLE, TEMPLATE], ids=["example", "template"])
def test_its_own_tests_pass(ada: User, plugin: Path) -> None:
    done = ada.at(plugin).python("-m", "pytest", "-q", "-p", "no:cacheprovider", "tests")
    assert " passed" in done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["git", "sql"])
def test_a_table_is_versioned(ada: User, backend: str) -> None:
    root = ada.cwd / "ws"
    root.mkdir()
    here = ada.at(root)
    here.batch("init", "--backend", backend, "--hostname", HOST)
    file = root / "crm.sqlite"
    make_table(file)
    assert "A table in a SQLite file" in here.dws("add", "--help").stdout
    here.batch("add", "sqlite", "--role", "source-data", "--table", "clients", "crm.sqlite")
    here.batch("snapshot", "ONE")
    rows(file, "INSERT INTO clients VALUES ('Bob')")
    assert "changed" in here.dws("report", "status").stdout
    here.batch("snapshot", "TWO")
    here.batch("restore", "ONE")
    assert rows(file) == ["Ada"]
    here.batch("restore", "TWO")
    assert rows(file) == ["Ada", "Bob"]
    assert "No problems found" in here.dws("fsck").stdout

    if backend == "git":
        ada.git("init", "--quiet", "--bare", "hub.git")
        here.batch("publish", ada.cwd / "hub.git")
        ada.batch("clone", ada.cwd / "hub.git", "other", "--hostname", "host2")
    else:
        address = f"sql+sqlite:///{root / '.dataworkspace' / 'workspace.sqlite'}"
        ada.batch("clone", address, "other", "--hostname", "host2")
    other = ada.at(ada.cwd / "other")
    assert rows(other.cwd / "crm.sqlite") == ["Ada", "Bob"]
    other.batch("restore", "ONE")
    assert rows(other.cwd / "crm.sqlite") == ["Ada"]


@pytest.mark.slow
def test_without_the_plug_in_the_others_go_on(ada: User, user: User) -> None:
    root = ada.cwd / "ws"
    root.mkdir()
    make_table(root / "crm.sqlite")
    ada.at(root).batch("init", "--backend=sql", "--hostname", HOST)
    ada.at(root).batch("add", "sqlite", "--role", "source-data", "--table", "clients", "crm.sqlite")
    done = user.at(root).dws("report", "status")
    assert "There is no resource type 'sqlite'" in done.stderr
    assert "crm.sqlite" in done.stdout
