"""Lost directories, locales that are not UTF-8, files that ``.dwsignore`` leaves out at another snapshot, memory maps."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from endtoend import User, write_files

pytestmark = pytest.mark.slow

NAMES = (b"caf\xc3\xa9.csv", b"nfd e\xcc\x81", b"bad \xff\xe9", b"tab\tnew\nline", b'"quoted"', b"-rf", b"plain")


@pytest.fixture
def data(workspace: User) -> Path:
    """A restorable resource in the workspace."""
    write_files(workspace.cwd, {"data/a": "1\n"})
    workspace.batch("add", "local-files", "--role", "source-data", "--restorable", "data")
    return workspace.cwd / "data"


def test_a_lost_directory_is_refused_and_restored(workspace: User, data: Path) -> None:
    workspace.batch("snapshot", "A")
    for name, place in (("code", workspace.cwd / "code"), ("data", data)):
        shutil.rmtree(place)
        refused = workspace.batch("snapshot", "B", check=False)
        assert refused.returncode != 0
        assert f"dws restore --only {name}" in refused.stderr
        if name == "data":
            assert "it is not there" in workspace.batch("verify", check=False).stdout
        workspace.batch("restore", "--only", name, "A")
        assert any(place.iterdir())
    (data / "a").unlink()
    found = workspace.batch("verify", check=False)
    assert (found.returncode != 0, "it is empty" in found.stdout) == (True, True)
    assert "is empty" in workspace.batch("snapshot", "C").stderr


@pytest.fixture(scope="module")
def latin_1(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The variables of somebody whose locale is ISO-8859-1."""
    place = tmp_path_factory.mktemp("locales")
    try:
        subprocess.run(
            ["localedef", "-i", "en_US", "-f", "ISO-8859-1", place / "en_US"], check=True, capture_output=True
        )
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("localedef makes no ISO-8859-1 here")
    return {"LOCPATH": str(place), "LC_ALL": "en_US", "LANG": "en_US"}


def test_names_are_bytes_whatever_the_locale(workspace: User, data: Path, latin_1: dict[str, str]) -> None:
    for name in NAMES:
        (data / os.fsdecode(name)).write_bytes(name)
    before = sorted(os.listdir(os.fsencode(data)))
    latin = workspace.at(workspace.cwd, **latin_1)
    plain = workspace.at(workspace.cwd, LC_ALL="C", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0")
    latin.batch("snapshot", "A")
    for user in (workspace, plain, latin):
        for path in data.iterdir():
            path.unlink()
        user.batch("restore", "--only", "data", "A")
        assert sorted(os.listdir(os.fsencode(data))) == before
        assert "Nothing has changed" in user.batch("snapshot").stdout
    said = [shutil.which("dws", path=latin.env["PATH"]) or "dws", "note", "A", b"caf\xe9"]
    subprocess.run(said, cwd=latin.cwd, env=latin.env, check=True)
    assert workspace.json("note", "A")["notes"][0]["text"] == "caf\u00e9"
    # The library, in a process whose names are in the locale's encoding.
    (data / "new").write_text("new")
    script = (
        "import sys; from dataworkspaces.api import take_snapshot; assert sys.getfilesystemencoding() != 'utf-8';"
        "take_snapshot(tag='B')"
    )
    latin.python("-c", script)
    assert "Nothing has changed" in workspace.batch("snapshot").stdout
    done = subprocess.run(
        [shutil.which("dws", path=latin.env["PATH"]) or "dws", "diff", "A", "B"], cwd=latin.cwd, env=latin.env,
        capture_output=True, check=True,
    )  # fmt: skip
    assert b"new" in done.stdout


def test_what_the_snapshot_leaves_out_stays_at_a_restore(workspace: User, data: Path) -> None:
    write_files(data, {"cache/x": "1", "b.tmp": "1"})
    workspace.batch("snapshot", "ALL")
    write_files(data, {".dwsignore": "cache/\n*.tmp\n"})
    workspace.batch("snapshot", "LESS")
    (data / ".dwsignore").unlink()
    (data / "a").unlink()
    workspace.batch("restore", "--only", "data", "LESS")
    assert sorted(path.name for path in data.iterdir()) == [".dwsignore", "a", "b.tmp", "cache"]
    assert (data / "cache/x").read_text() == "1"


def test_what_a_process_writes_through_memory_is_recorded(workspace: User, data: Path) -> None:
    (data / "array").write_bytes(bytes(4096))
    workspace.python(
        "-c",
        "import mmap; from dataworkspaces.api import take_snapshot\n"
        "with open('data/array', 'r+b') as file: array = mmap.mmap(file.fileno(), 4096)\n"
        "array[0] = 1; take_snapshot(tag='ONE')\n"
        "array[1] = 1; take_snapshot(tag='TWO')\n",
    )
    for tag, start in (("ONE", b"\1\0"), ("TWO", b"\1\1")):
        workspace.batch("restore", "--only", "data", tag)
        assert (data / "array").read_bytes()[:2] == start
