"""Git as it is in the world: ignore files, line ends, repositories in repositories, told to git by its users."""

from __future__ import annotations

from pathlib import Path

import pytest
from collaboration import machine
from endtoend import read_tree, write_files

SETTINGS = {
    "core.autocrlf": "true", "core.commentChar": "S", "commit.cleanup": "strip", "color.ui": "always",
    "log.showSignature": "true", "grep.lineNumber": "true", "status.showUntrackedFiles": "no", "merge.ff": "false",
    "push.recurseSubmodules": "on-demand", "core.safecrlf": "warn", "push.followTags": "true",
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("format", ["sha1", "sha256"])
def test_two_people_whose_git_is_told_a_lot(tmp_path: Path, format: str) -> None:
    """Both take snapshots, each gets the other's, and nothing is damaged or left out."""
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    ada, bob = machine(tmp_path / "a", "ada"), machine(tmp_path / "b", "bob")
    for user in (ada, bob):
        user.env["GIT_DEFAULT_HASH"] = format
        for name, value in SETTINGS.items():
            user.git("config", "--global", name, value)
        (user.cwd / "ignore").write_text(".*\n*.json\n")
        user.git("config", "--global", "core.excludesFile", user.cwd / "ignore")
        (user.cwd / "attributes").write_text("*.json text=auto eol=crlf\n")
        user.git("config", "--global", "core.attributesFile", user.cwd / "attributes")
    hub = tmp_path / "hub.git"
    ada.git("init", "--quiet", "--bare", "-b", "main", hub)
    library = ada.make_repository(tmp_path / "library", {"lib.py": "lib = 1\n"})
    root = ada.cwd / "ws"
    root.mkdir()
    ada = ada.at(root)
    ada.batch("init", "--hostname", "a", "--create-resources", "code,results")
    ada.git("clone", "--quiet", library.cwd, "code/lib")
    write_files(root, {"code/run.py": "run\n", "results/plot.png": "1", "results/r.json": '{"metrics": {"m": 1}}'})
    said = ada.batch("snapshot", "A1", "-m", "#1 of A")
    assert "code/lib is a git repository of its own" in said.stderr
    refused = ada.batch("snapshot", "A2", check=False)
    assert "Nothing has changed" in refused.stdout
    ada.batch("publish", hub)
    bob.batch("clone", hub, "ws", "--hostname", "b")
    bob = bob.at(bob.cwd / "ws")
    assert (bob.cwd / "code/lib/lib.py").read_text() == "lib = 1\n"
    for user, tag in ((ada, "A3"), (bob, "B3")):
        write_files(user.cwd, {f"code/{tag}.py": tag, "results/plot.png": tag})
        user.batch("snapshot", tag)
    ada.batch("push")
    bob.batch("pull")
    bob.batch("push")
    ada.batch("pull")
    for user in (ada, bob):
        assert {"code/A3.py", "code/B3.py", "code/lib/lib.py"} <= read_tree(user.cwd).keys()
        assert "No problems" in user.batch("fsck").stdout
        assert [s["tags"] for s in user.json("report", "history")["snapshots"]][-1] == ["A1", "A2"]
        user.batch("restore", "A1")
        assert not (user.cwd / "code/B3.py").exists()
        assert b"\r" not in next((user.cwd / ".dataworkspace/snapshots").iterdir()).read_bytes()
