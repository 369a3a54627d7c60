"""Where workspaces are: addresses, directories, several workspaces in a database."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import create_engine, update

from dataworkspaces.backends.sql import FACTORY, tables
from dataworkspaces.backends.sql.urls import parse_url
from dataworkspaces.backends.sql.workspace import SqlWorkspace
from dataworkspaces.errors import ConfigurationError, MetadataError, NotAWorkspaceError
from dataworkspaces.params import HOSTNAME
from dataworkspaces.workspace import find_and_load_workspace, init_workspace

Copy = Callable[[str], SqlWorkspace]


def make(directory: Path, name: str = "ws", **options: str) -> SqlWorkspace:
    directory.mkdir(exist_ok=True)
    workspace = init_workspace("sql", name, "host1", True, False, "scratch", directory=str(directory), **options)
    assert isinstance(workspace, SqlWorkspace)
    return workspace


def clone(url: str, directory: Path | None = None) -> SqlWorkspace:
    return FACTORY.clone_workspace({HOSTNAME: "host2"}, True, False, url, directory and str(directory))


# -- addresses -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "sql+postgresql://ada:secret@db.example.com:5432/team",
        "sql+postgresql://ada@/team?host=%2Frun%2Fpostgresql&sslmode=verify-full",
        "sql+sqlite:////srv/team%20one.sqlite",
    ],
)
def test_an_address_stays_what_it_is(text: str) -> None:
    url = parse_url(text)
    assert url.workspace is None
    assert parse_url(url.text) == url
    named = parse_url(f"{text}{'&' if '?' in text else '?'}workspace=a%20b")
    assert (named.workspace, named.text) == ("a b", url.text)


def test_messages_show_no_password() -> None:
    url = parse_url("sql+postgresql://ada:secret@db.example.com/team?sslkey=/home/ada/key&workspace=churn")
    assert str(url) == "sql+postgresql://ada@db.example.com/team"
    with pytest.raises(ConfigurationError) as raised:
        clone("sql+postgresql://ada:secret@127.0.0.1:1/team?connect_timeout=5")
    assert "secret" not in f"{raised.value} {raised.value.hint}"


@pytest.mark.parametrize(
    "text",
    [
        "postgresql://db/team", "sql+mysql://db/team", "sql+postgresql+psycopg2://db/team", "sql+postgresql://db",
        "sql+sqlite://", "sql+sqlite:///relative.sqlite", "sql+sqlite:////srv/x?mode=rwc", "sql+nonsense", "sql+://x",
        "sql+postgresql://db/team?passfile=/etc/shadow", "sql+postgresql://db/team?options=-cfoo",
        "sql+postgresql://db/team?workspace=a&workspace=b", "sql+postgresql://db:port/team",
    ],
)  # fmt: skip
def test_what_is_no_address(text: str) -> None:
    with pytest.raises(ConfigurationError):
        parse_url(text)


# -- making and cloning ----------------------------------------------------------------------------------------------


def test_a_copy_is_its_users_alone(tmp_path: Path) -> None:
    make(tmp_path / "ws")
    link = tmp_path / "ws" / ".dataworkspace" / "backend.json"
    assert link.stat().st_mode & 0o777 == 0o600
    assert sorted(path.name for path in (tmp_path / "ws").iterdir()) == [".dataworkspace", "scratch"]
    link.chmod(0o644)
    with pytest.raises(ConfigurationError, match="others can read or write the file"):
        find_and_load_workspace(True, False, str(tmp_path / "ws"))


def test_a_second_init_changes_nothing(tmp_path: Path) -> None:
    make(tmp_path / "ws", "first")
    with pytest.raises(ConfigurationError, match="is already a workspace"):
        make(tmp_path / "ws", "second")
    assert find_and_load_workspace(True, False, str(tmp_path / "ws")).name == "first"


@pytest.mark.parametrize("options", [{"url": "nonsense"}, {"colour": "blue"}, {"url": "sql+sqlite:////no/such/x"}])
def test_a_failed_init_leaves_nothing(tmp_path: Path, options: dict[str, str]) -> None:
    with pytest.raises(ConfigurationError):
        make(tmp_path / "ws", **options)
    assert list((tmp_path / "ws").iterdir()) == []


@pytest.mark.slow
def test_several_workspaces_in_a_database(tmp_path: Path, url: str) -> None:
    one, two = make(tmp_path / "one", "one", url=url), make(tmp_path / "two", "two", url=url)
    with one.transaction("config"):
        one.set_global_param("results.dir_template", "snapshots/{TAG}")
    assert two.read_params(True) == {"scratch_directory": "scratch"}
    with pytest.raises(ConfigurationError, match="There is already a workspace 'one'"):
        make(tmp_path / "three", "one", url=url)
    with pytest.raises(NotAWorkspaceError, match="several workspaces") as raised:
        clone(url, tmp_path / "three")
    assert str(raised.value.hint).endswith("one of: one, two")
    named = f"{url}{'&' if '?' in url else '?'}workspace=two"
    assert clone(named, tmp_path / "three").id == two.id
    assert find_and_load_workspace(True, False, named).name == "two"
    with pytest.raises(NotAWorkspaceError, match="no workspace 'four'"):
        clone(named.replace("two", "four"), tmp_path / "four")


def test_a_clone_is_named_after_the_workspace(tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    workspace = make(tmp_path / "made", "team", url=url)
    monkeypatch.chdir(tmp_path)
    assert clone(url).get_workspace_local_path_if_any() == str(tmp_path / "team")
    with pytest.raises(ConfigurationError, match="not an empty directory"):
        clone(url)
    for name in ("../outside", ".hidden", "-option", "line\nbreak"):
        engine = create_engine(parse_url(url).url)
        with engine.begin() as connection:
            connection.execute(update(tables.workspaces).values(name=name))
        engine.dispose()
        with pytest.raises(ConfigurationError, match="cannot name a directory"):
            clone(url)
    assert workspace.get_instance() == "host1"


def test_a_database_that_is_not_ours(tmp_path: Path) -> None:
    with pytest.raises(NotAWorkspaceError, match="no database"):
        clone(f"sql+sqlite:///{tmp_path / 'missing'}")
    assert not (tmp_path / "missing").exists()
    (tmp_path / "text").write_text("x" * 5000)
    with pytest.raises(ConfigurationError, match="did not respond as expected"):
        clone(f"sql+sqlite:///{tmp_path / 'text'}")
    (tmp_path / "empty").touch()
    with pytest.raises(NotAWorkspaceError, match="no workspace in"):
        clone(f"sql+sqlite:///{tmp_path / 'empty'}")


def test_tables_of_a_later_release(copy: Copy, url: str) -> None:
    copy("ada")
    engine = create_engine(parse_url(url).url)
    with engine.begin() as connection:
        connection.execute(update(tables.versions).values(version=tables.VERSION + 1))
    engine.dispose()
    with pytest.raises(ConfigurationError, match="have version 2, but"):
        copy("bob").read_params(True)


def test_a_damaged_copy(tmp_path: Path) -> None:
    make(tmp_path / "ws")
    link = tmp_path / "ws" / ".dataworkspace" / "backend.json"
    link.write_text(json.dumps({"backend": "sql", "workspace": 7}))
    with pytest.raises(MetadataError, match="is damaged"):
        find_and_load_workspace(True, False, str(tmp_path / "ws"))
    link.write_text(json.dumps({"backend": "sql", "workspace": "0" * 32, "url": None}))
    with pytest.raises(NotAWorkspaceError, match="no longer in"):
        find_and_load_workspace(True, False, str(tmp_path / "ws"))


# -- what somebody else has written ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "params"),
    [
        ("x", "{"), ("x", "[]"), ("x", '{"name": "y"}'), ("x", '{"name": "x", "role": "code"}'), ("x", "[" * 100_000),
        ("../x", '{"name": "../x", "role": "code", "resource_type": "file"}'),
    ],
)  # fmt: skip
def test_resources_that_are_not_as_they_should_be(tmp_path: Path, name: str, params: str) -> None:
    workspace = make(tmp_path / "ws")
    with workspace.database.changing(workspace.id) as connection:
        connection.execute(tables.resources.insert().values(workspace=workspace.id, name=name, params=params))
    with pytest.raises((MetadataError, ConfigurationError)):
        workspace.read_resource_params()
    assert [problem.area for problem in workspace.check_integrity()] == ["metadata"]


@pytest.mark.parametrize("text", ["{", "[]", "{}", '{"hash": "other"}'])
def test_snapshots_that_are_not_as_they_should_be(tmp_path: Path, text: str) -> None:
    workspace = make(tmp_path / "ws")
    with workspace.database.changing(workspace.id) as connection:
        row = {"workspace": workspace.id, "hash": "a" * 40, "timestamp": "", "metadata": text, "manifest": b"[]"}
        connection.execute(tables.snapshots.insert().values(row))
    with pytest.raises(MetadataError):
        workspace.get_snapshot_metadata("a" * 40)
    with pytest.raises(MetadataError, match="not the manifest that the snapshot had"):
        workspace.get_snapshot_manifest_bytes("a" * 40)
    assert [problem.area for problem in workspace.check_integrity()] == ["snapshot"]
