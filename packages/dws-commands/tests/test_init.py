"""What ``init`` checks before there is a workspace. That it makes one is shown with the git backend, in ``tests/``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dataworkspaces.commands.init import init_command
from dataworkspaces.errors import ConfigurationError
from dataworkspaces.workspace import BatchInteraction


def refused(directory: Path, match: str, **options: Any) -> None:
    given: dict[str, Any] = {"name": "ws", "hostname": "here", "create_resources": [], "scratch_directory": "scratch"}
    before = sorted(directory.rglob("*"))
    with pytest.raises(ConfigurationError, match=match):
        init_command(directory, **{**given, **options}, interaction=BatchInteraction())
    assert sorted(directory.rglob("*")) == before


@pytest.mark.parametrize("name", ["", "a/b", "..", ".hidden", "-x", "a\nb", "x" * 201])
def test_a_name_must_be_one_of_a_directory(tmp_path: Path, name: str) -> None:
    refused(tmp_path, "cannot name a workspace", name=name)


def test_roles_are_known(tmp_path: Path) -> None:
    refused(tmp_path, "no role 'reslts'", create_resources=["code", "reslts"])


def test_a_host_name_is_checked(tmp_path: Path) -> None:
    refused(tmp_path, "Host name", hostname="a b")


@pytest.mark.parametrize("scratch", ["..", ".", "", "/"])
def test_scratch_does_not_hold_the_workspace(tmp_path: Path, scratch: str) -> None:
    refused(tmp_path, "would contain the whole workspace", scratch_directory=scratch)


@pytest.mark.parametrize("scratch", ["../scratch", "a/../../b"])
def test_a_relative_scratch_directory_stays_inside(tmp_path: Path, scratch: str) -> None:
    refused(tmp_path, "outside", scratch_directory=scratch)


@pytest.mark.parametrize("scratch", ["code", "code/tmp"])
def test_scratch_is_no_part_of_a_resource(tmp_path: Path, scratch: str) -> None:
    refused(tmp_path, "would be part of the resource", scratch_directory=scratch, create_resources=["code"])


def test_a_file_is_in_the_way(tmp_path: Path) -> None:
    (tmp_path / "code").touch()
    refused(tmp_path, "is not a directory", create_resources=["all"])


def test_there_is_no_such_directory(tmp_path: Path) -> None:
    refused(tmp_path / "nothing", "is not a directory")


def test_there_is_no_such_backend(tmp_path: Path) -> None:
    refused(tmp_path, "no workspace backend 'cloud'", backend="cloud")
