"""Loose objects, read without git: it says what git says, or nothing."""

from __future__ import annotations

import subprocess
import zlib
from pathlib import Path

import pytest

from dataworkspaces.gitrepo.contents import objects_elsewhere
from dataworkspaces.gitrepo.loose_objects import resolve_loose
from dataworkspaces.gitrepo.plumbing import resolve
from dataworkspaces.gitrepo.run import run_git

CODE = "code/train.py"


def git(root: Path, *arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=root, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture(params=["sha1", "sha256"])
def root(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    git(tmp_path, "init", "--quiet", f"--object-format={request.param}")
    (tmp_path / "code").mkdir()
    (tmp_path / CODE).write_text("a = 1\n")
    (tmp_path / "ümlaut\n").write_text("")
    (tmp_path / "link").symlink_to("code")
    git(tmp_path, "add", ".")
    git(tmp_path, "-c", "user.name=A", "-c", "user.email=a@b", "commit", "--quiet", "-m", "code")
    return tmp_path


def by_git(root: Path, name: str) -> str | None:
    done = subprocess.run(
        ["git", "rev-parse", "--verify", "--quiet", "--end-of-options", name], cwd=root, capture_output=True, text=True
    )
    return done.stdout.strip() if done.returncode == 0 else None


def objects_of(root: Path, name: str) -> Path:
    return root / ".git" / "objects" / name[:2] / name[2:]


@pytest.mark.parametrize(
    "name",
    [
        "HEAD", "HEAD:code", f"HEAD:{CODE}", "HEAD:", "HEAD^{tree}", "HEAD^{commit}", "HEAD:ümlaut\n",
        "HEAD:none", "HEAD:code/none", f"HEAD:{CODE}/none", "HEAD:link", "HEAD:link/train.py",
    ],
)  # fmt: skip
def test_it_answers_as_git_does(root: Path, name: str) -> None:
    commit = git(root, "rev-parse", "HEAD")
    expected = by_git(root, name)
    assert resolve_loose(root, [name, name.replace("HEAD", commit)]) == [expected, expected]


@pytest.mark.parametrize(
    "name", ["HEAD:./code", "HEAD:code/", "HEAD:code/../code", "HEAD~1", "main", "HEAD@{0}", ":code"]
)
def test_what_only_git_understands_is_left_to_it(root: Path, name: str) -> None:
    assert resolve_loose(root, [name]) is None


def test_an_object_in_a_pack_is_left_to_git(root: Path) -> None:
    tree = git(root, "rev-parse", "HEAD:code")
    git(root, "repack", "-a", "-d", "--quiet")
    assert resolve_loose(root, ["HEAD:code"]) is None
    assert resolve(root, ["HEAD:code"]) == [tree]


@pytest.mark.parametrize("what", ["HEAD", "HEAD^{tree}", "HEAD:code"])
@pytest.mark.parametrize("damage", [b"", b"damaged", zlib.compress(b"tree 3\0abc"), zlib.compress(b"tree " * 99)])
def test_a_damaged_object_is_left_to_git(root: Path, what: str, damage: bytes) -> None:
    place = objects_of(root, git(root, "rev-parse", what))
    place.chmod(0o600)
    place.write_bytes(damage)
    assert resolve_loose(root, [f"HEAD:{CODE}"]) is None


def test_an_object_that_is_replaced_is_left_to_git(root: Path) -> None:
    git(root, "replace", git(root, "rev-parse", f"HEAD:{CODE}"), git(root, "rev-parse", "HEAD:ümlaut\n"))
    assert resolve_loose(root, [f"HEAD:{CODE}"]) is None


def test_a_submodule_is_left_to_git(root: Path) -> None:
    commit = git(root, "rev-parse", "HEAD")
    git(root, "update-index", "--add", "--cacheinfo", f"160000,{commit},module")
    tree = git(root, "write-tree")
    assert resolve_loose(root, [f"{tree}:module"]) is None
    assert resolve_loose(root, [f"{tree}:module/code"]) == [None]


def test_without_a_commit_git_is_asked(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet")
    assert resolve_loose(tmp_path, ["HEAD"]) is None
    assert resolve_loose(tmp_path / "none", ["HEAD"]) is None


def test_git_is_not_started_for_what_a_commit_has_just_written(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tree = git(root, "rev-parse", "HEAD:code")
    monkeypatch.setenv("PATH", "")
    assert resolve(root, ["HEAD:code"]) == [tree]


def test_objects_written_elsewhere_are_read_beside_the_others(
    root: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (root / "new").write_text("new\n")
    env = {"GIT_INDEX_FILE": str(elsewhere / "index"), **objects_elsewhere(root, elsewhere / "objects")}
    run_git(root, ["add", "."], env=env)
    tree = run_git(root, ["write-tree"], env=env).stdout.decode().strip()
    names = [tree, f"{tree}:new", f"{tree}:{CODE}", f"{tree}:none", "HEAD^{tree}"]
    new, code, head = git(root, "hash-object", "new"), by_git(root, f"HEAD:{CODE}"), by_git(root, "HEAD^{tree}")
    assert resolve_loose(root, names) is None
    assert resolve_loose(root, names, elsewhere / "objects") == [tree, new, code, None, head]
    assert resolve(root, names, env=env) == [tree, new, code, None, head]


def test_another_repository_is_asked_by_git(root: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    other = tmp_path_factory.mktemp("other")
    git(other, "init", "--quiet", "--bare")
    commit = git(root, "rev-parse", "HEAD")
    assert resolve(root, [commit], env={"GIT_DIR": str(other)}) == [None]
