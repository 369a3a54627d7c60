"""Git as it is in the world: ignore files, line ends, repositories in repositories, told to git by its users."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from collaboration import machine, refused
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
    assert "code/lib is a separate git repository" in said.stderr
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


@pytest.mark.slow
def test_restored_data_is_unchanged_and_placeholders_stay(tmp_path: Path) -> None:
    user = machine(tmp_path, "ada")
    data = user.make_repository(tmp_path / "data", {"d": "1\n"})
    root = user.cwd / "ws"
    root.mkdir()
    user = user.at(root)
    user.batch("init", "--create-resources", "results")
    user.batch("add", "git", "--role", "source-data", "--name", "data", data.cwd)
    write_files(root, {"results/plots/.gitkeep": "", "results/.gitkeep": "", "results/plots/p": "1"})
    user.batch("snapshot", "A")
    assert {"results/plots/.gitkeep", "results/.gitkeep"} <= read_tree(root).keys()
    write_files(data.cwd, {"d": "2\n"})
    user.batch("snapshot", "B")
    write_files(data.cwd, {"d": "3\n"})
    user.batch("restore", "B")
    state = next(r for r in user.json("report", "status")["resources"] if r["name"] == "data")
    assert "unchanged" in str(state)
    assert "Nothing has changed" in user.batch("snapshot").stdout


@pytest.mark.slow
def test_nothing_is_made_or_moved_where_git_cannot_sign(tmp_path: Path) -> None:
    user = machine(tmp_path, "ada")
    user.git("config", "--global", "gpg.program", "false")
    root = user.cwd / "ws"
    root.mkdir()
    user = user.at(root)
    user.git("config", "--global", "commit.gpgSign", "true")
    assert "cannot" in user.batch("init", check=False).stderr
    assert list(root.iterdir()) == []
    user.git("config", "--global", "commit.gpgSign", "false")
    user.batch("init", "--create-resources", "code,results")
    write_files(root, {"results/r": "1"})
    user.git("config", "--global", "commit.gpgSign", "true")
    refused(user, "snapshot", "A", says=["commit.gpgSign"])
    user.git("config", "--global", "commit.gpgSign", "false")
    user.batch("snapshot", "A")


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("git-lfs") is None, reason="git-lfs is not installed")
def test_pointers_of_large_files_are_no_restored_files(tmp_path: Path) -> None:
    user = machine(tmp_path, "ada")
    user.git("lfs", "install")
    root = user.cwd / "ws"
    root.mkdir()
    user = user.at(root)
    user.batch("init", "--create-resources", "code")
    write_files(root, {".gitattributes": "*.bin filter=lfs diff=lfs merge=lfs -text\n", "code/x.bin": "one"})
    user.git("add", "--all")
    user.git("commit", "--quiet", "-m", "large")
    user.batch("snapshot", "A")
    write_files(root, {"code/x.bin": "two"})
    user.batch("snapshot", "B")
    user.at(root, GIT_LFS_SKIP_SMUDGE="1").batch("restore", "A")
    assert (root / "code/x.bin").read_text() == "one"
    user.git("lfs", "install", "--skip-smudge", "--force")
    shutil.rmtree(root / ".git" / "lfs" / "objects")
    assert "code/x.bin are still pointers" in user.batch("restore", "B").stderr


@pytest.mark.slow
def test_resources_are_pulled_without_an_origin_of_the_workspace(tmp_path: Path) -> None:
    user = machine(tmp_path, "ada")
    data = user.make_repository(tmp_path / "data", {"d": "1\n"})
    data.git("clone", "--quiet", tmp_path / "data.git", tmp_path / "other")
    root = user.cwd / "ws"
    root.mkdir()
    user = user.at(root)
    user.batch("init", "--create-resources", "code")
    assert "no origin" in user.batch("pull", check=False).stderr
    user.batch("add", "git", "--role", "source-data", "--name", "data", data.cwd)
    other = user.at(tmp_path / "other")
    write_files(other.cwd, {"d": "2\n"})
    other.git("commit", "--quiet", "--all", "-m", "more")
    other.git("push", "--quiet")
    assert "only its resources" in user.batch("pull").stdout
    assert (data.cwd / "d").read_text() == "2\n"
