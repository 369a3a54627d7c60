"""A directory that its user knows, and one that came in another way."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from dataworkspaces.lineage.own_commands import OwnCommands
from dataworkspaces.toolbox.familiar import make_familiar, mark_of, user_secret
from dataworkspaces.workspace.workspace_uri import config_file

PLACE = "/home/ada/ws"


@pytest.fixture(autouse=True)
def be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Go on as another user."""

    def become(name: str) -> None:
        monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / name))

    become("ada")
    return become


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    return tmp_path / "machine"


def test_a_secret_is_made_once_and_is_the_users_alone(be: Callable[[str], None]) -> None:
    mine = user_secret()
    assert mine is not None
    assert len(mine) == 32
    assert user_secret() == mine
    path = config_file().with_name("secret")
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(path.parent.iterdir()) == [path]
    be("mallory")
    assert user_secret() != mine


@pytest.mark.parametrize("content", [b"", b"short", b"x" * 33])
def test_one_that_is_damaged_makes_nothing_familiar(machine: Path, content: bytes) -> None:
    config_file().parent.mkdir(parents=True)
    config_file().with_name("secret").write_bytes(content)
    make_familiar(PLACE, machine)
    assert mark_of(PLACE, machine) is None


def test_a_mark_is_of_one_user_and_one_place(machine: Path, tmp_path: Path, be: Callable[[str], None]) -> None:
    assert mark_of(PLACE, machine) is None
    make_familiar(PLACE, machine)
    assert mark_of(PLACE, machine) == ""
    make_familiar(PLACE, machine, "because")
    assert mark_of(PLACE, machine) == "because"
    copy = Path(shutil.copytree(machine, tmp_path / "copy"))
    assert mark_of(PLACE, copy) is not None  # a backup that is put back
    assert mark_of("/home/ada/copy", copy) is None
    be("mallory")
    assert mark_of(PLACE, machine) is None
    make_familiar(PLACE, machine)
    be("ada")
    assert mark_of(PLACE, machine) == "because"  # two may work in one


def test_a_list_of_commands_from_somebody_else_counts_for_nothing(machine: Path, be: Callable[[str], None]) -> None:
    be("mallory")
    OwnCommands(machine).add(["rm", "-r", "/"])
    assert OwnCommands(machine).has(["rm", "-r", "/"])
    be("ada")
    assert not OwnCommands(machine).has(["rm", "-r", "/"])
    OwnCommands(machine).add(["make"])
    assert OwnCommands(machine).has(["make"])


def test_without_a_place_for_a_secret_nothing_is_known(machine: Path, tmp_path: Path) -> None:
    (tmp_path / "ada").write_text("a file")
    OwnCommands(machine).add(["make"])
    make_familiar(PLACE, machine)
    assert not OwnCommands(machine).has(["make"])
    assert mark_of(PLACE, machine) is None
