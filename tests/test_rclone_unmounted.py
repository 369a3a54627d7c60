"""A remote of rclone on a disk that is not mounted: nothing is said to be absent, and nothing is written in its place."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from endtoend import HOST, User, write_files
from forked import Forked
from rclone_server import needs_rclone

pytestmark = needs_rclone
UNAVAILABLE = 5


@pytest.fixture
def disk(user: User) -> Path:
    """A mount point, in which the disk is."""
    place = user.cwd / "mnt/disk"
    place.mkdir(parents=True)
    return place


@pytest.fixture
def here(user: User, disk: Path) -> Forked:
    """A workspace with the files `img`, which have been sent to the disk."""
    root = user.cwd / "ws"
    root.mkdir()
    write_files(user.cwd, {"rclone.conf": "[disk]\ntype = local\n"})
    found = Forked(root, user.env)
    found.batch("init", "--hostname", HOST)
    write_files(root, {"img/a": "1", "img/sub/b": "2"})
    add(found, disk, "--master", "local", "--sync-mode", "sync")
    return found


def add(user: User, disk: Path, *options: str) -> str:
    arguments = ["--role", "s", "--config", "../rclone.conf", *options, f"disk:{disk}/images", "img"]
    return user.batch("add", "rclone", *arguments).stdout


def publish(user: User) -> None:
    user.git("init", "--quiet", "--bare", user.cwd.parent / "origin.git")
    user.batch("publish", user.cwd.parent / "origin.git")


def test_the_directory_is_made_when_the_resource_is_added(here: Forked, disk: Path) -> None:
    assert (disk / "images").is_dir()


@pytest.mark.parametrize("sent", [True, False])
@pytest.mark.parametrize("gone", ["images", "."])
def test_nothing_is_written_where_the_disk_should_be(here: Forked, disk: Path, sent: bool, gone: str) -> None:
    if sent:
        publish(here)
        assert (disk / "images/sub/b").read_text() == "2"
    else:
        here.git("init", "--quiet", "--bare", here.cwd.parent / "origin.git")
        here.git("remote", "add", "origin", here.cwd.parent / "origin.git")
    shutil.rmtree(disk / gone)
    write_files(here.cwd, {"img/c": "3"})
    for command in (["push"], ["push", "--dry-run"]):
        done = here.batch(*command, check=False)
        assert done.returncode == (1 if "--dry-run" in command else UNAVAILABLE)  # which goes on with other resources
        assert "images is not there, so its content is unknown. Check whether the disk is mounted." in done.stderr
        assert not (disk / "images").exists()
    assert "is not there" in here.dws("status").stdout
    (disk / "images").mkdir(parents=True)  # as the hint says
    if not sent:
        here.batch("push")
        assert (disk / "images/c").read_text() == "3"


def test_an_empty_mount_point_is_asked_about(here: Forked, disk: Path) -> None:
    publish(here)
    shutil.rmtree(disk / "images")
    (disk / "images").mkdir()
    done = here.batch("push", check=False)
    assert done.returncode != 0
    assert "is empty, though files were sent there before. Perhaps a disk is not mounted." in done.stderr
    assert list((disk / "images").iterdir()) == []
    here.batch("push", "--yes")
    assert (disk / "images/a").read_text() == "1"


def test_who_reads_at_the_remote_is_not_told_that_there_is_nothing(here: Forked, disk: Path) -> None:
    publish(here)
    code = (
        "import sys\n"
        "from dataworkspaces.workspace import find_and_load_workspace\n"
        "r = find_and_load_workspace(True, False).get_resource('img').remote_files\n"
        "for ask in (lambda: r.find('a'), lambda: r.find('none'), lambda: r.ls(''), lambda: r.list_infos('sub'),\n"
        "            lambda: r.open('a', 'rb').read()):\n"
        "    try:\n"
        "        print(ask() is not None)\n"
        "    except Exception as e:\n"
        "        print(type(e).__name__)\n"
    )
    write_files(here.cwd, {"ask.py": code})
    assert here.python("ask.py").stdout.split() == ["True", "False", "True", "True", "True"]
    shutil.rmtree(disk)
    assert here.python("ask.py").stdout.split() == ["UnavailableError"] * 5


def test_nor_does_a_pull_delete_what_is_here(user: User, here: Forked, disk: Path) -> None:
    publish(here)
    other = user.cwd / "other"
    other.mkdir()
    there = here.at(other)
    there.batch("init", "--hostname", HOST)
    add(there, disk, "--sync-mode", "sync", "--master", "remote")
    assert (other / "img/a").read_text() == "1"
    shutil.rmtree(disk)
    done = there.batch("pull", check=False)
    assert done.returncode != 0
    assert "directory not found" in done.stderr
    assert (other / "img/a").read_text() == "1"
