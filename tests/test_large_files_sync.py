"""Publishing, cloning, pushing and pulling workspaces and repositories that keep large files in git-lfs."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from collaboration import local_state, machine
from endtoend import FAILED, User, program, read_tree, write_files
from servers import make_bare
from stage import Stage

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("git-lfs") is None, reason="git-lfs is not installed"),
]
LFS = "filter=lfs diff=lfs merge=lfs -text"
LARGE, LARGER, LARGEST = (os.urandom(size) for size in (3000, 4000, 5000))


def objects(repository: Path) -> set[bytes]:
    """The large files at a remote."""
    return {path.read_bytes() for path in (repository / "lfs" / "objects").rglob("*") if path.is_file()}


@pytest.fixture
def hub(stage: Stage) -> Path:
    return stage.put("hub", make_hub)


@pytest.fixture
def first(stage: Stage, hub: Path) -> User:
    """The first machine, in a workspace with large files and a snapshot."""
    return stage.put("first", make_first)


@pytest.fixture
def second(stage: Stage, first: User, hub: Path) -> User:
    """The second machine, with a clone of what the first one has published."""

    def make(place: Path) -> User:
        stage.put("first", make_first).batch("publish", hub.as_uri())
        return clone(place, hub.as_uri())

    return stage.put("second", make)


def make_hub(place: Path) -> Path:
    return make_bare(place / "hub" / "analysis.git")


def make_first(place: Path) -> User:
    make_hub(place)
    user = machine(place / "machine1", "ada")
    root = user.cwd / "analysis"
    root.mkdir()
    here = user.at(root)
    here.batch("init", "--hostname", "first", "--create-resources", "source-data,code", "--git-lfs-attributes", "*.gz")
    write_files(root, {"source-data/a.gz": LARGE, "source-data/b.txt": "small\n"})
    here.batch("snapshot", "S1")
    return here


def clone(tmp_path: Path, url: str | Path) -> User:
    """The second machine, whose account knows nothing of git-lfs."""
    user = machine(tmp_path / "machine2", "bob")
    user.batch("clone", "--hostname", "second", url)
    return user.at(user.cwd / "analysis")


@pytest.mark.parametrize("form", ["{}", "file://{}"])
def test_publish_and_clone(first: User, hub: Path, tmp_path: Path, form: str) -> None:
    first.batch("publish", form.format(hub))
    assert objects(hub) == {LARGE}
    second = clone(tmp_path, form.format(hub))
    assert (second.cwd / "source-data" / "a.gz").read_bytes() == LARGE
    assert second.git("status", "--porcelain") == ""
    assert "filter.lfs.clean" in second.git("config", "--global", "--list")


def test_contents_do_not_travel_in_git(first: User, hub: Path) -> None:
    first.batch("publish", hub.as_uri())
    sizes = first.at(hub).git(
        "cat-file", "--batch-all-objects", "--batch-check=%(objectname) %(objecttype) %(objectsize)"
    )
    blobs = [line.split() for line in sizes.splitlines() if " blob " in line]
    contents = {first.at(hub).run("git", "cat-file", "blob", name).stdout for name, _, size in blobs if int(size) < 200}
    assert any(text.startswith("version https://git-lfs") for text in contents)
    assert str(len(LARGE)) not in [size for _, _, size in blobs]


def test_push_and_pull(first: User, second: User, hub: Path) -> None:
    write_files(second.cwd, {"source-data/a.gz": LARGER, "source-data/new.gz": LARGEST})
    second.batch("snapshot", "S2")
    second.batch("push")
    assert objects(hub) == {LARGE, LARGER, LARGEST}
    first.batch("pull")
    assert (first.cwd / "source-data" / "a.gz").read_bytes() == LARGER
    assert (first.cwd / "source-data" / "new.gz").read_bytes() == LARGEST
    assert first.git("status", "--porcelain") == ""


def test_each_of_several_snapshots_is_pushed(first: User, second: User, hub: Path) -> None:
    for tag, content in (("S2", LARGER), ("S3", LARGEST)):
        write_files(second.cwd, {"source-data/a.gz": content})
        second.batch("snapshot", tag)
    second.batch("push")
    first.batch("pull")
    first.batch("restore", "S2")
    assert (first.cwd / "source-data" / "a.gz").read_bytes() == LARGER


def test_a_pull_that_merges(first: User, second: User) -> None:
    write_files(second.cwd, {"source-data/second.gz": LARGER})
    second.batch("snapshot", "S2")
    second.batch("push")
    write_files(first.cwd, {"source-data/first.gz": LARGEST})
    first.batch("snapshot", "S1b")
    first.batch("pull")
    assert (first.cwd / "source-data" / "second.gz").read_bytes() == LARGER
    assert (first.cwd / "source-data" / "first.gz").read_bytes() == LARGEST
    assert first.git("status", "--porcelain") == ""
    first.batch("push")
    second.batch("pull")
    assert (second.cwd / "source-data" / "first.gz").read_bytes() == LARGEST


def test_a_pull_of_the_first_large_file(tmp_path: Path, hub: Path) -> None:
    """Neither the workspace nor the account knew of git-lfs when it was cloned."""
    user = machine(tmp_path / "machine1", "ada")
    (user.cwd / "analysis").mkdir()
    first = user.at(user.cwd / "analysis")
    first.batch("init", "--hostname", "first", "--create-resources", "source-data")
    first.batch("publish", hub.as_uri())
    second = clone(tmp_path, hub.as_uri())
    first.git("lfs", "install")
    write_files(first.cwd, {"source-data/.gitattributes": f"*.gz {LFS}\n", "source-data/a.gz": LARGE})
    first.batch("snapshot", "S1")
    first.batch("push")
    second.batch("pull")
    assert (second.cwd / "source-data" / "a.gz").read_bytes() == LARGE
    assert second.git("status", "--porcelain") == ""


def test_a_clone_restores_an_older_snapshot(first: User, hub: Path, tmp_path: Path) -> None:
    write_files(first.cwd, {"source-data/a.gz": LARGER})
    first.batch("snapshot", "S2")
    first.batch("publish", hub.as_uri())
    second = clone(tmp_path, hub.as_uri())
    assert (second.cwd / "source-data" / "a.gz").read_bytes() == LARGER
    second.batch("restore", "S1")
    assert (second.cwd / "source-data" / "a.gz").read_bytes() == LARGE


# -- a repository that is a resource -----------------------------------------------------------------------------------


@pytest.fixture
def with_resource(tmp_path: Path, hub: Path) -> User:
    """A workspace without large files, with a repository that has one."""
    user = machine(tmp_path / "machine1", "ada")
    (user.cwd / "analysis" / "data").mkdir(parents=True)
    here = user.at(user.cwd / "analysis")
    here.batch("init", "--hostname", "first", "--create-resources", "code")
    data = here.at(here.cwd / "data")
    data.git("init", "--quiet")
    data.git("lfs", "install", "--local")
    write_files(data.cwd, {"in/.gitattributes": f"*.gz {LFS}\n", "in/a.gz": LARGE})
    data.git("add", "--all")
    data.git("commit", "--quiet", "--message", "first")
    data.git("remote", "add", "origin", make_bare(hub.parent / "data.git").as_uri())
    here.batch("add", "git", "--role", "source-data", "--name", "data", "data")
    here.batch("snapshot", "S1")
    return here


def test_publish_clone_push_and_pull_with_a_resource(with_resource: User, hub: Path, tmp_path: Path) -> None:
    first, store = with_resource, hub.parent / "data.git"
    first.batch("publish", hub.as_uri())
    first.batch("push")
    assert objects(store) == {LARGE}
    second = clone(tmp_path, hub.as_uri())
    assert (second.cwd / "data" / "in" / "a.gz").read_bytes() == LARGE
    write_files(second.cwd, {"data/in/a.gz": LARGER})
    second.batch("snapshot", "S2")
    second.batch("push")
    assert objects(store) == {LARGE, LARGER}
    first.batch("pull")
    assert (first.cwd / "data" / "in" / "a.gz").read_bytes() == LARGER
    assert first.at(first.cwd / "data").git("status", "--porcelain") == ""


def test_a_hostile_lfsconfig_of_a_resource(with_resource: User, hub: Path, tmp_path: Path) -> None:
    """Nothing is sent to another host, and the origin does not change."""
    data = with_resource.at(with_resource.cwd / "data")
    write_files(data.cwd, {".lfsconfig": "[lfs]\n\tpushurl = https://evil.example.com/x\n"})
    with_resource.batch("snapshot", "S2")
    done = with_resource.batch("publish", hub.as_uri(), check=False)
    assert done.returncode == 9
    assert "dws trust 'git-lfs https://evil.example.com/x'" in done.stderr
    assert with_resource.at(hub.parent / "data.git").git("for-each-ref") == ""


# -- what is missing ---------------------------------------------------------------------------------------------------


def without_lfs(user: User) -> User:
    programs = user.cwd.parent / "programs"
    programs.mkdir(exist_ok=True)
    for name in ("git", "sh", "ssh"):
        (programs / name).unlink(missing_ok=True)
        (programs / name).symlink_to(str(shutil.which(name)))
    return user.at(user.cwd, PATH=f"{programs}{os.pathsep}{Path(program('dws')).parent}")


def test_clone_without_the_program_leaves_nothing(first: User, hub: Path, tmp_path: Path) -> None:
    first.batch("publish", hub.as_uri())
    user = machine(tmp_path / "machine2", "bob")
    (user.cwd / "here").mkdir()
    here = without_lfs(user.at(user.cwd / "here"))
    done = here.batch("clone", "--hostname", "second", hub.as_uri(), check=False)
    assert done.returncode in FAILED
    assert "'git-lfs' was not found" in done.stderr
    assert "Install" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert not list(here.cwd.iterdir())


@pytest.mark.parametrize("command", ["push", "pull"])
def test_push_and_pull_without_the_program_change_nothing(first: User, second: User, hub: Path, command: str) -> None:
    for user, name in ((first, "first"), (second, "second")):
        write_files(user.cwd, {f"source-data/{name}.gz": LARGER})
        user.batch("snapshot", name)
    if command == "pull":
        first.batch("push")
    before, there = local_state(second.cwd), first.at(hub).git("for-each-ref")
    done = without_lfs(second).batch(command, check=False)
    assert done.returncode in FAILED
    assert "git-lfs" in done.stderr
    assert "Traceback" not in done.stderr
    assert local_state(second.cwd) == before
    assert first.at(hub).git("for-each-ref") == there


def test_a_clone_without_contents_at_the_origin_says_so_and_gets_them_later(
    first: User, hub: Path, tmp_path: Path
) -> None:
    first.batch("publish", hub.as_uri())
    (hub / "lfs").rename(tmp_path / "lfs")
    user = machine(tmp_path / "machine2", "bob")
    done = user.batch("clone", "--hostname", "second", hub.as_uri(), check=False)
    assert done.returncode in FAILED
    assert "Getting large files with git-lfs failed" in done.stderr
    shutil.copytree(tmp_path / "lfs", hub / "lfs", dirs_exist_ok=True)
    there = user.at(user.cwd / "analysis")
    there.batch("pull")
    assert read_tree(there.cwd / "source-data") == read_tree(first.cwd / "source-data")


def test_a_push_that_cannot_send_contents_sends_no_commits(first: User, second: User, hub: Path) -> None:
    for tag, content in (("S2", LARGER), ("S3", LARGEST)):
        write_files(second.cwd, {"source-data/a.gz": content})
        second.batch("snapshot", tag)
    shutil.rmtree(second.cwd / ".git" / "lfs" / "objects")  # git-lfs can make one of them from the file that is there
    there = first.at(hub).git("for-each-ref")
    done = second.batch("push", check=False)
    assert done.returncode in FAILED
    assert "Sending large files with git-lfs failed" in done.stderr
    assert first.at(hub).git("for-each-ref") == there


def test_a_resource_gets_them_later_too(with_resource: User, hub: Path, tmp_path: Path) -> None:
    first, store = with_resource, hub.parent / "data.git"
    first.batch("publish", hub.as_uri())
    second = clone(tmp_path, hub.as_uri())
    write_files(second.cwd, {"data/in/a.gz": LARGER})
    second.batch("snapshot", "S2")
    second.batch("push")
    (store / "lfs").rename(store / "away")
    assert first.batch("pull", check=False).returncode in FAILED
    shutil.rmtree(store / "lfs")
    (store / "away").rename(store / "lfs")
    first.batch("pull")
    assert (first.cwd / "data" / "in" / "a.gz").read_bytes() == LARGER


def test_contents_that_come_later_are_pulled_then(first: User, second: User, hub: Path) -> None:
    """A pull that could not get large files, and one after somebody has mended the store."""
    write_files(second.cwd, {"source-data/a.gz": LARGER})
    second.batch("snapshot", "S2")
    second.batch("push")
    (hub / "lfs").rename(hub / "away")
    assert first.batch("pull", check=False).returncode in FAILED
    shutil.rmtree(hub / "lfs")
    (hub / "away").rename(hub / "lfs")
    first.batch("pull")
    assert (first.cwd / "source-data" / "a.gz").read_bytes() == LARGER


# -- git-fat -----------------------------------------------------------------------------------------------------------


@pytest.mark.skipif(shutil.which("rsync") is None, reason="rsync is not installed")
def test_git_fat_from_init_to_pull(tmp_path: Path, hub: Path) -> None:
    store = tmp_path / "fat-store"
    store.mkdir()
    user = machine(tmp_path / "machine1", "ada")
    (user.cwd / "analysis").mkdir()
    first = user.at(user.cwd / "analysis")
    options = ("--create-resources", "source-data", "--git-fat-remote", store, "--git-fat-attributes", "*.gz")
    first.batch("init", "--hostname", "first", *options)
    write_files(first.cwd, {"source-data/a.gz": LARGE})
    first.batch("snapshot", "S1")
    first.batch("publish", hub.as_uri())
    assert {path.read_bytes() for path in store.iterdir()} == {LARGE}
    second = clone(tmp_path, hub.as_uri())
    assert (second.cwd / "source-data" / "a.gz").read_bytes() == LARGE
    assert second.git("status", "--porcelain") == ""
    for tag, content in (("S2", LARGEST), ("S3", LARGER)):
        write_files(second.cwd, {"source-data/a.gz": content})
        second.batch("snapshot", tag)
    second.batch("push")
    assert {path.read_bytes() for path in store.iterdir()} == {LARGE, LARGEST, LARGER}
    first.batch("pull")
    assert (first.cwd / "source-data" / "a.gz").read_bytes() == LARGER
    assert first.git("status", "--porcelain") == ""
    # S2 was never in the first copy: its content comes with the restore.
    first.batch("restore", "S2")
    assert (first.cwd / "source-data" / "a.gz").read_bytes() == LARGEST
    for path in store.iterdir():
        path.unlink()
    shutil.rmtree(first.cwd / ".git" / "fat" / "objects")
    done = first.batch("restore", "S1")
    assert "git fat pull" in done.stderr
    assert first.git("status", "--porcelain") == ""
