"""`dws init` with git-lfs and git-fat."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from endtoend import FAILED, HOST, User, program, whole_state, write_files
from forked import Forked

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        shutil.which("git-lfs") is None or shutil.which("rsync") is None, reason="git-lfs or rsync is not installed"
    ),
]
LARGE = os.urandom(3000)
LFS = "filter=lfs diff=lfs merge=lfs -text"
FAT = "filter=fat -crlf"


def init(user: User, *arguments: str) -> None:
    user.batch("init", "--hostname", HOST, *arguments)


def attributes(user: User) -> list[str]:
    return (user.cwd / ".gitattributes").read_text().splitlines()


def in_git(user: User, path: str, commit: str = "HEAD") -> str:
    return user.git("show", f"{commit}:{path}")


def refused(user: User, *arguments: str) -> str:
    """An init that ends with an error, and leaves everything as it was."""
    before = whole_state(user.cwd)
    home = Path(user.env["GIT_CONFIG_GLOBAL"]).read_bytes()
    done = user.batch("init", "--hostname", HOST, *arguments, check=False)
    assert done.returncode in (1, 2)
    assert "Traceback" not in done.stderr
    assert whole_state(user.cwd) == before
    assert Path(user.env["GIT_CONFIG_GLOBAL"]).read_bytes() == home
    return done.stderr


# -- git-lfs -----------------------------------------------------------------------------------------------------------


def test_the_attributes_are_in_the_first_commit(user: User) -> None:
    init(user, "--git-lfs-attributes", "*.gz, *.npy", "--create-resources", "all")
    first = user.git("rev-list", "--max-parents=0", "HEAD").strip()
    assert in_git(user, ".gitattributes", first).splitlines() == [f"*.gz {LFS}", f"*.npy {LFS}"]
    assert user.git("status", "--porcelain") == ""


def test_a_snapshot_has_a_pointer_in_git_and_the_content_in_the_directory(user: User) -> None:
    init(user, "--git-lfs-attributes", "*.gz", "--create-resources", "source-data")
    write_files(user.cwd, {"source-data/a.gz": LARGE, "source-data/b.txt": "small\n"})
    user.batch("snapshot", "S1")
    assert in_git(user, "source-data/a.gz").startswith("version https://git-lfs.github.com/spec/v1\n")
    assert in_git(user, "source-data/b.txt") == "small\n"
    assert (user.cwd / "source-data" / "a.gz").read_bytes() == LARGE
    assert user.git("status", "--porcelain") == ""


def test_restore_brings_contents_back(user: Forked) -> None:
    user = user.in_new_processes()
    init(user, "--git-lfs-attributes", "*.gz", "--create-resources", "source-data")
    for tag, content in (("S1", LARGE), ("S2", b"other")):
        write_files(user.cwd, {"source-data/a.gz": content})
        user.batch("snapshot", tag)
    user.batch("restore", "S1")
    assert (user.cwd / "source-data" / "a.gz").read_bytes() == LARGE
    assert user.git("status", "--porcelain") == ""


@pytest.mark.parametrize("by", ["--git-lfs-attributes=*.gz", "--git-fat-attributes=*.gz"])
def test_content_is_read_at_a_snapshot_if_it_is_on_this_machine(user: User, by: str) -> None:
    remote = ["--git-fat-remote=remote-server:/store"] if "fat" in by else []
    init(user, by, *remote, "--create-resources", "source-data")
    for tag, content in (("S1", LARGE), ("S2", b"other")):
        write_files(user.cwd, {"source-data/a.gz": content})
        user.batch("snapshot", tag)
    assert {"name": "a.gz", "size": len(LARGE)} in user.json("ls", "source-data@S1:")
    user.dws("cp", "source-data@S1:a.gz", "old.gz")
    assert (user.cwd / "old.gz").read_bytes() == LARGE

    for kept in ("lfs", "fat"):
        shutil.rmtree(user.cwd / ".git" / kept / "objects", ignore_errors=True)
    done = user.dws("cp", "source-data@S1:a.gz", "lost.gz", check=False)
    assert done.returncode in FAILED
    assert "the content of 'a.gz' is not on this machine" in done.stderr
    assert ("git fat pull" if "fat" in by else "lfs fetch") in done.stderr
    assert not (user.cwd / "lost.gz").exists()


def test_the_files_of_a_resource_that_is_made_of_them_are_kept_there_too(user: User) -> None:
    write_files(user.cwd, {"source-data/a.gz": LARGE})
    init(user, "--git-lfs-attributes", "*.gz", "--create-resources", "source-data")
    assert in_git(user, "source-data/a.gz").startswith("version https://git-lfs")


@pytest.mark.parametrize("patterns", ["*", "*.json,*.gz", "**", "**/*"])
def test_what_git_and_we_read_stays_in_git(user: User, patterns: str) -> None:
    init(user, "--git-lfs-attributes", patterns, "--create-resources", "code,results")
    write_files(user.cwd, {"results/results.json": '{"metrics": {"a": 1}}', "code/x.gz": LARGE})
    user.batch("snapshot", "S1")
    names = user.git("ls-files").split()
    metadata = [name for name in names if name.startswith(".dataworkspace/") or Path(name).name.startswith(".git")]
    assert len(metadata) > 5
    assert not [name for name in metadata if "git-lfs.github.com" in in_git(user, name)]
    assert in_git(user, "code/x.gz").startswith("version https://git-lfs")


@pytest.mark.parametrize("pattern", ["with blank/*.gz", 'q"uote*.gz', "back\\\\slash*.gz", "größe*.gz", "/top.gz"])
def test_patterns_of_every_kind(user: User, pattern: str) -> None:
    name = pattern.replace("*", "x").replace("\\\\", "\\").lstrip("/")
    init(user, "--git-lfs-attributes", pattern)
    assert user.git("check-attr", "-z", "filter", "--", name).split("\0")[2] == "lfs"


def test_attributes_that_are_there_are_added_to(user: User) -> None:
    user.git("init", "-q")
    write_files(user.cwd, {".gitattributes": f"*.txt text\n*.gz {LFS}"})
    init(user, "--git-lfs-attributes", "*.gz,*.npy")
    assert attributes(user) == ["*.txt text", f"*.gz {LFS}", f"*.npy {LFS}"]
    assert user.git("status", "--porcelain") == ""


@pytest.mark.parametrize(
    "patterns", ["", ",", "*.gz\n* filter=evil", "!*.gz", "[attr]x", "*.gz\t-text", "data/", "a\x7f", "#*.gz"]
)
def test_bad_patterns_are_refused(user: User, patterns: str) -> None:
    assert "--git-lfs-attributes" in refused(user, "--git-lfs-attributes", patterns)


def test_a_pattern_sets_no_other_attribute(user: User) -> None:
    init(user, "--git-lfs-attributes", "*.gz filter=evil")
    assert "evil" not in user.git("check-attr", "filter", "--", "a.gz")


def test_an_account_that_is_set_up_is_left_alone(user: User) -> None:
    user.git("lfs", "install", "--skip-repo")
    before = Path(user.env["GIT_CONFIG_GLOBAL"]).read_bytes()
    init(user, "--git-lfs-attributes", "*.gz")
    assert Path(user.env["GIT_CONFIG_GLOBAL"]).read_bytes() == before


def test_without_large_files_nothing_is_set_up(user: User) -> None:
    before = Path(user.env["GIT_CONFIG_GLOBAL"]).read_bytes()
    init(user)
    assert Path(user.env["GIT_CONFIG_GLOBAL"]).read_bytes() == before
    assert not (user.cwd / ".gitattributes").exists()


def without(user: User, missing: str) -> User:
    """The user on a machine without a program."""
    programs = user.cwd.parent / "programs"
    programs.mkdir()
    for name in ("git", "sh", "ssh", "rsync", "git-lfs"):
        if name != missing:
            (programs / name).symlink_to(str(shutil.which(name)))
    return user.at(user.cwd, PATH=f"{programs}{os.pathsep}{Path(program('dws')).parent}")


@pytest.mark.parametrize("is_repository", [True, False])
def test_a_missing_program_is_told_of_before_anything_is_written(user: User, is_repository: bool) -> None:
    if is_repository:
        user.git("init", "-q")
    said = refused(without(user, "git-lfs"), "--git-lfs-attributes", "*.gz")
    assert "git-lfs" in said
    assert "Install" in said


# -- git-fat -----------------------------------------------------------------------------------------------------------


def test_git_fat_as_in_the_manual(user: Forked) -> None:
    user = user.in_new_processes()
    init(
        user, "--create-resources=source-data", "--git-fat-remote=remote-server:/home/fat/fat-store",
        "--git-fat-user=fat", "--git-fat-port=2222", "--git-fat-attributes=*.gz",
    )  # fmt: skip
    first = user.git("rev-list", "--max-parents=0", "HEAD").strip()
    assert in_git(user, ".gitattributes", first).splitlines() == [f"*.gz {FAT}"]
    listed = user.git("config", "--blob", f"{first}:.gitfat", "--list").splitlines()
    assert sorted(listed) == [
        "rsync.remote=remote-server:/home/fat/fat-store", "rsync.sshport=2222", "rsync.sshuser=fat",
    ]  # fmt: skip
    write_files(user.cwd, {"source-data/a.gz": LARGE})
    user.batch("snapshot", "s1")
    assert in_git(user, "source-data/a.gz").startswith("#$# git-fat ")
    assert (user.cwd / "source-data" / "a.gz").read_bytes() == LARGE
    assert user.git("status", "--porcelain") == ""


def test_git_fat_without_patterns(user: User) -> None:
    init(user, "--git-fat-remote=remote-server:/store")
    assert "remote-server:/store" in in_git(user, ".gitfat")
    assert user.git("status", "--porcelain") == ""


def test_metadata_is_no_large_file(user: User) -> None:
    init(user, "--git-fat-remote=remote-server:/store", "--git-fat-attributes=*", "--create-resources=code")
    write_files(user.cwd, {"code/x": LARGE})
    user.batch("snapshot", "S1")
    names = [
        n for n in user.git("ls-files").split() if n.startswith(".dataworkspace/") or Path(n).name.startswith(".git")
    ]
    assert not [name for name in names if in_git(user, name).startswith("#$# git-fat")]
    assert in_git(user, "code/x").startswith("#$# git-fat")


@pytest.mark.parametrize(
    "options",
    [
        ["--git-fat-user=fat"],
        ["--git-fat-attributes=*.gz"],
        ["--git-fat-remote=host:/x", "--git-lfs-attributes=*.gz"],
        ["--git-fat-remote=host:/x", "--git-fat-attributes=*.gz\n* filter=evil"],
        ["--git-fat-remote=-oProxyCommand=x:/x"],
        ["--git-fat-remote=host:/x\n[rsync]"],
        ["--git-fat-remote=host:/x", "--git-fat-user=-oProxyCommand=x"],
        ["--git-fat-remote=host:/x", "--git-fat-port=0"],
        ["--git-fat-remote=host:/x", "--git-fat-port=65536"],
        ["--git-fat-remote="],
    ],
)
def test_options_that_do_not_go_together_or_would_be_more_than_they_are(user: User, options: list[str]) -> None:
    assert "git-fat" in refused(user, *options)


@pytest.mark.parametrize("option", ["--git-fat-user=u", "--git-fat-port=22", "--git-fat-attributes=*.gz"])
def test_git_fat_needs_its_remote(user: User, option: str) -> None:
    done = user.batch("init", option, check=False)
    assert done.returncode == 2
    assert f"{option.split('=')[0]} needs --git-fat-remote" in done.stderr


@pytest.mark.parametrize("missing", ["rsync", "ssh"])
def test_git_fat_without_its_programs(user: User, missing: str) -> None:
    assert missing in refused(without(user, missing), "--git-fat-remote=host:/x", "--git-fat-attributes=*.gz")
