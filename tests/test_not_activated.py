"""`dws` called by its path, in an environment that is not activated: what belongs to it is found beside it."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from endtoend import HOST, User, program, write_files


@pytest.mark.skipif(shutil.which("rsync") is None, reason="needs rsync")
def test_git_fat_is_found_beside_dws(user: User) -> None:
    own = Path(program("dws")).parent
    path = os.pathsep.join(p for p in user.env["PATH"].split(os.pathsep) if Path(p) != own)
    here = user.at(user.cwd, PATH=path)
    assert shutil.which("git-fat", path=path) is None
    options = ["--git-fat-remote", here.cwd.parent / "fat", "--git-fat-attributes", "*.gz"]
    (here.cwd.parent / "fat").mkdir()
    here.batch("init", "--hostname", HOST, "--create-resources", "s", *options)
    write_files(here.cwd, {"source-data/x.gz": "large\n"})
    here.batch("snapshot", "A")
    assert here.git("show", "HEAD:source-data/x.gz").startswith("#$# git-fat ")
    (here.cwd / "source-data/x.gz").unlink()
    here.git("checkout", "--", "source-data/x.gz")  # by git itself, too
    assert (here.cwd / "source-data/x.gz").read_text() == "large\n"
