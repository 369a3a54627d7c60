"""A large file that git-fat's remote has lost is missing alone."""

from __future__ import annotations

from pathlib import Path

import pytest
from endtoend import FAILED, User

pytestmark = pytest.mark.slow


def test_one_missing_object_refuses_one_file(user: User, tmp_path: Path) -> None:
    (tmp_path / "fat").mkdir()
    hub = tmp_path / "hub.git"
    user.run("git", "init", "-q", "--bare", hub)
    ada = user.at(user.cwd / "ws")
    ada.cwd.mkdir()
    fat = ("--git-fat-remote", str(tmp_path / "fat"), "--git-fat-attributes", "*.bin")
    ada.batch("init", "--hostname", "ada", "--create-resources", "code", *fat)
    for name in ("one", "two"):
        (ada.cwd / f"code/{name}.bin").write_text(name * 1000)
    ada.batch("snapshot", "S1")
    ada.batch("publish", hub)
    lost = next(path for path in (tmp_path / "fat").iterdir() if path.read_text().startswith("one"))
    lost.rename(tmp_path / "lost")

    done = user.batch("clone", "--trust", "--hostname", "ben", hub, "copy", check=False)
    ben = user.at(user.cwd / "copy")
    assert done.returncode in FAILED
    assert lost.name in done.stderr
    assert (ben.cwd / "code/two.bin").read_text() == "two" * 1000
    (ben.cwd / "code/new.py").write_text("print(1)\n")
    ben.batch("snapshot", "T1")
    assert ben.batch("pull", check=False).returncode in FAILED
    (tmp_path / "lost").rename(lost)
    ben.batch("pull")
    assert (ben.cwd / "code/one.bin").read_text() == "one" * 1000
    assert ben.git("status", "--short") == ""
