"""`dws du`, `gc`, `verify` and `undo-restore`, as a user sees them."""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path

import pytest
from endtoend import FAILED, User, age_deletions, copy_workspace, isolated_environment, read_tree, write_files
from forked import Forked
from stage import Stage

pytestmark = pytest.mark.slow

LARGE = 400_000


@pytest.fixture
def snapshotted(stage: Stage, fresh_workspace: Path) -> tuple[User, Path]:
    def make(place: Path) -> tuple[User, Path]:
        user = Forked(place / "work" / "ws", isolated_environment(place / "home"))
        user.cwd.parent.mkdir()
        copy_workspace(fresh_workspace, user.cwd)
        write_files(user.cwd, {"code/run.py": "print(1)\n"})
        return user, add_data(user)

    return stage.put("snapshotted", make)


@pytest.fixture
def workspace(snapshotted: tuple[User, Path]) -> User:
    return snapshotted[0]


@pytest.fixture
def data(snapshotted: tuple[User, Path]) -> Path:
    """A resource `data` with snapshots A, B and C: a large file in each is another one."""
    return snapshotted[1]


def add_data(user: User) -> Path:
    place = user.cwd.parent / "data"
    write_files(place, {f"small {n}": f"content {n}\n" for n in range(100)})
    place.joinpath("sub").mkdir()
    user.batch("add", "local-files", "--role", "source-data", "--restorable", place)
    for tag in "ABC":
        write_files(place, {"large": tag.encode() * LARGE, "sub/says": tag})
        user.batch("snapshot", tag)
    return place


def store_size(user: User) -> int:
    return sum(p.stat().st_size for p in (user.cwd / ".dataworkspace/objects").rglob("*") if p.is_file())


def make_old(user: User, days: float = 30) -> None:
    """As if all that is in the store had been there for long, and deletions were as long ago."""
    for path in (user.cwd / ".dataworkspace/objects").rglob("*"):
        if path.is_file():
            os.utime(path, (path.stat().st_mtime - days * 86400,) * 2)
    age_deletions(user.cwd)


def gc(user: User, *arguments: str) -> dict[str, object]:
    found: dict[str, object] = json.loads(user.batch("gc", "--yes", "--json", *arguments).stdout)
    return found


# -- du --------------------------------------------------------------------------------------------------------------


def test_du_shows_what_each_resource_and_snapshot_occupies(workspace: User, data: Path) -> None:
    usage = workspace.json("du")
    (mine,) = [r for r in usage["resources"] if r["name"] == "data"]
    small = sum(path.stat().st_size for path in data.glob("small *"))
    assert mine == {
        "name": "data", "type": "file", "files": small + LARGE + 1, "kept": small + 3 * (LARGE + 1), "versions": 3,
    }  # fmt: skip
    assert [(s["tags"], s["bytes"], s["own_bytes"]) for s in usage["snapshots"]] == [
        ([tag], small + LARGE + 1, LARGE + 1) for tag in "CBA"
    ]
    assert usage["store"]["bytes"] >= 3 * LARGE
    assert usage["store"]["contents"] == small + 3 * (LARGE + 1)
    table = workspace.dws("du").stdout
    assert "400 kB" in table
    assert "1.2 MB" in table


def test_a_limit_is_told_of(workspace: User, data: Path) -> None:
    assert "objects.limit" not in workspace.dws("du").stderr
    workspace.dws("config", "objects.limit", "1MB")
    assert workspace.json("du")["store"]["limit"] == 1_000_000
    assert "larger than objects.limit" in workspace.dws("du").stderr
    write_files(data, {"new": "new"})
    assert "objects.limit" in workspace.batch("snapshot", "D").stderr
    refused = workspace.dws("config", "objects.limit", "a lot", check=False)
    assert refused.returncode in FAILED
    assert "must be a size" in refused.stderr


# -- gc --------------------------------------------------------------------------------------------------------------


def test_what_no_snapshot_needs_goes_and_the_rest_stays(workspace: User, data: Path) -> None:
    make_old(workspace)
    assert gc(workspace)["objects"] == 0
    before = store_size(workspace)
    workspace.batch("delete-snapshot", "B")
    assert gc(workspace)["objects"] == 0, "the deletion can be undone"
    age_deletions(workspace.cwd)
    would = json.loads(workspace.batch("gc", "--dry-run", "--json").stdout)
    assert (would["objects"], would["bytes"], would["removed"]) == (2, LARGE + 1, False)
    assert store_size(workspace) == before
    assert gc(workspace)["removed"]
    assert before - store_size(workspace) >= LARGE
    for tag in "AC":
        workspace.batch("restore", tag)
        assert (data / "sub/says").read_text() == tag
    assert workspace.dws("fsck").returncode == 0
    assert gc(workspace)["objects"] == 0


def test_what_is_young_stays_for_now(workspace: User, data: Path) -> None:
    workspace.batch("delete-snapshot", "B")
    age_deletions(workspace.cwd)
    told = gc(workspace)
    assert (told["objects"], told["young"]) == (0, 2)
    assert gc(workspace, "--keep-days", "0")["objects"] == 2


def test_without_an_answer_nothing_is_removed(workspace: User, data: Path) -> None:
    workspace.batch("delete-snapshot", "B")
    make_old(workspace)
    before = store_size(workspace)
    done = workspace.batch("gc", check=False)
    assert done.returncode in FAILED
    assert "--yes" in done.stderr
    assert workspace.dws("gc", input="n\n", check=False).returncode in FAILED
    assert store_size(workspace) == before


def test_what_another_branch_needs_stays(workspace: User, data: Path) -> None:
    workspace.git("branch", "other")
    workspace.batch("delete-snapshot", "B")
    make_old(workspace)
    assert gc(workspace)["objects"] == 0
    workspace.git("branch", "-D", "other")
    assert gc(workspace)["objects"] == 2


def test_what_was_kept_stays_though_later_versions_are_not_kept(workspace: User, data: Path) -> None:
    workspace.batch("config", "--resource", "data", "restorable", "false")
    make_old(workspace)
    assert gc(workspace)["objects"] == 0
    refused = workspace.batch("restore", "A", "--only", "data", check=False)
    assert refused.returncode in FAILED
    assert "restorable true" in refused.stderr
    workspace.batch("config", "--resource", "data", "restorable", "true")
    workspace.batch("restore", "A")
    assert (data / "sub/says").read_text() == "A"


def test_what_a_restore_replaced_stays_for_the_same_time(workspace: User, data: Path) -> None:
    write_files(data, {"precious": "p" * LARGE})
    workspace.batch("restore", "A")
    make_old(workspace)
    assert gc(workspace)["objects"] == 0
    workspace.batch("undo-restore", "data")
    assert (data / "precious").exists()
    (data / "precious").unlink()
    assert int(str(gc(workspace, "--keep-days", "0")["objects"])) >= 1


def test_what_another_workspace_needs_stays(workspace: User, data: Path) -> None:
    other = workspace.at(workspace.cwd.parent / "other")
    other.cwd.mkdir()
    other.batch("init", "--hostname", "host2")
    shared = workspace.cwd / ".dataworkspace/objects"
    place = workspace.cwd.parent / "data2"
    shutil.copytree(data, place)
    other.batch("add", "local-files", "--role", "source-data", "--restorable", place)
    other.dws("config", "objects.path", shared)
    other.batch("snapshot", "C2")
    for tag in "ABC":
        workspace.batch("delete-snapshot", tag)
    make_old(workspace)
    told = gc(workspace)
    assert told["objects"] == 3, "what A says is in the first pack, which is not worth rewriting for it"
    assert told["workspaces"] == [str(other.cwd)]
    shutil.rmtree(place)
    other.batch("restore", "C2")
    assert read_tree(place) == read_tree(data)
    other.cwd.rename(other.cwd.with_name("moved"))
    done = workspace.batch("gc", "--yes", check=False)
    assert done.returncode in FAILED
    assert "--forget" in done.stderr
    moved = other.cwd.with_name("moved")
    told = gc(workspace, "--forget", str(other.cwd))
    assert (told["objects"], told["workspaces"]) == (0, [str(moved)]), "it is found beside the others"
    shutil.rmtree(moved)
    assert int(str(gc(workspace, "--forget", str(moved))["objects"])) > 50


def test_a_snapshot_after_a_collection_keeps_again_what_had_gone(workspace: User, data: Path) -> None:
    """The cache knows the files' hashes; their content is no longer there."""
    for tag in "ABC":
        workspace.batch("delete-snapshot", tag)
    make_old(workspace)
    assert int(str(gc(workspace)["objects"])) > 100
    before = read_tree(data)
    workspace.batch("snapshot", "D")
    shutil.rmtree(data)
    workspace.batch("restore", "D")
    assert read_tree(data) == before


def test_what_lies_in_a_pack_goes_too(workspace: User, data: Path) -> None:
    shutil.rmtree(data)
    write_files(data, {f"other {n}": os.urandom(2000) for n in range(100)})
    workspace.batch("snapshot", "D")
    packs = len(list((workspace.cwd / ".dataworkspace/objects/packs").iterdir()))
    workspace.batch("delete-snapshot", "D")
    shutil.rmtree(data)
    workspace.batch("restore", "C")
    make_old(workspace)
    assert gc(workspace, "--keep-days", "0")["bytes"] == 200_000
    assert len(list((workspace.cwd / ".dataworkspace/objects/packs").iterdir())) == packs - 1


def test_what_a_killed_push_left_goes(workspace: User, data: Path) -> None:
    left = workspace.cwd / ".dataworkspace/objects/tmp/0123"
    left.mkdir()
    (left / "x.pack").write_text("half")
    os.utime(left, (1_000_000_000, 1_000_000_000))
    gc(workspace)
    assert not left.exists()


def test_many_small_packs_become_one(workspace: User, data: Path) -> None:
    for part in range(20):
        write_files(data, {f"part {part}/{n}": f"{part} {n}" for n in range(64)})
        workspace.batch("snapshot", f"P{part}")
    make_old(workspace)
    directory = workspace.cwd / ".dataworkspace/objects/packs"
    assert len(list(directory.iterdir())) < 16
    before = read_tree(data)
    gc(workspace)
    shutil.rmtree(data)
    workspace.batch("restore", "P19")
    assert read_tree(data) == before


# -- verify ----------------------------------------------------------------------------------------------------------


def test_a_file_that_decayed_is_found_though_its_times_are_the_same(workspace: User, data: Path) -> None:
    assert workspace.dws("verify").returncode == 0
    path = data / "small 7"
    before = path.stat()
    path.write_text("CONTENT 7\n")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    # The time of the change cannot be set back, so the cache is told that it is what it was.
    forge_cache(workspace, path)
    done = workspace.dws("verify", "data", check=False)
    assert done.returncode in FAILED
    assert "small 7" in done.stdout
    assert workspace.dws("verify", "data", check=False).returncode == 0, "the cache does not believe it any more"
    assert "1 modified: small 7" in workspace.dws("report", "status").stdout


def forge_cache(user: User, path: Path) -> None:
    import sqlite3
    import struct

    (database,) = (user.cwd / ".git/dws/stat-cache").glob("data.sqlite")
    with sqlite3.connect(database) as db:
        names, statuses = db.execute("SELECT names, statuses FROM directories WHERE path = ?", (b"",)).fetchone()
        place = names.decode().split("\0").index(path.name)
        now = path.stat()
        row = struct.pack("=4Q", now.st_size, now.st_mtime_ns, now.st_ctime_ns, now.st_ino)
        changed = statuses[: 32 * place] + row + statuses[32 * (place + 1) :]
        db.execute("UPDATE directories SET statuses = ? WHERE path = ?", (changed, b""))


@pytest.mark.parametrize("how", ["large", "pack", "gone"])
def test_content_that_decayed_is_found(workspace: User, data: Path, how: str) -> None:
    objects = workspace.cwd / ".dataworkspace/objects"
    (path, *_) = sorted(objects.glob("packs/*") if how == "pack" else objects.glob("loose/*/*"), key=os.path.getsize)[
        ::-1
    ]
    if how == "gone":
        path.unlink()
    else:
        path.chmod(0o644)
        content = path.read_bytes()
        path.write_bytes(content[:8] + b"XXXX" + content[12:] if how == "pack" else content[::-1][:-1] + b"x")
    told = workspace.dws("verify", "--json", check=False)
    assert told.returncode in FAILED
    faults = json.loads(told.stdout)["faults"]
    assert {fault["resource"] for fault in faults} == {"data"}
    found = {fault["what"] for fault in faults}  # what is compressed together is damaged together
    assert found >= {"small 5"} if how == "pack" else found == {"large"}


def test_what_cannot_be_verified_is_named(workspace: User, data: Path) -> None:
    done = workspace.dws("verify", "code", check=False)
    assert done.returncode in FAILED
    assert "'code'" in done.stderr


# -- undo-restore ----------------------------------------------------------------------------------------------------


def test_what_a_restore_replaced_comes_back_and_can_be_undone_too(workspace: User, data: Path) -> None:
    write_files(data, {"precious": "in no snapshot", "sub/says": "mine"})
    before = read_tree(data)
    workspace.batch("restore", "A")
    after = read_tree(data)
    workspace.batch("restore", "B")
    listed = workspace.json("undo-restore", "data", "--list")
    assert len(listed) == 2
    table = workspace.dws("undo-restore", "--list", "data").stdout
    assert all(f"| data     | {each['version'][:12]} |" in table for each in listed)
    oldest = listed[-1]
    workspace.batch("undo-restore", "data", oldest["version"][:10])
    assert read_tree(data) == before
    workspace.batch("undo-restore", "data")
    assert (data / "sub/says").read_text() == "B"
    assert after != before


def test_there_may_be_nothing_to_undo(workspace: User, data: Path) -> None:
    for arguments in (["data"], ["code"], ["nothing"], ["data", "abcdef"]):
        done = workspace.batch("undo-restore", *arguments, check=False)
        assert done.returncode in FAILED
        assert "Traceback" not in done.stderr


# -- reading the past ------------------------------------------------------------------------------------------------

READ = """
import sys
from dataworkspaces.workspace import find_and_load_workspace
workspace = find_and_load_workspace(True, False)
snapshot = workspace.get_snapshot_by_tag_or_hash(sys.argv[1])
files = workspace.get_resource("data").version_files(workspace.get_snapshot_versions(snapshot.hashval)["data"])
print(files.ls("")[:2], files.ls("sub"), files.get_file_info("large"), files.get_file_info("sub"))
print(files.open("sub/says").read(), files.open("link to").read(), files.get_file_info("link to"))
with files.open("large") as file:
    file.seek(399_998)
    print(file.read())
for path in ("nothing", "sub/nothing", "out", "../x", "/etc/passwd", "small 1/x"):
    try:
        files.open(path)
    except Exception as e:
        print(type(e).__name__, e)
"""


def test_a_version_is_read_without_restoring_it(workspace: User, data: Path) -> None:
    (data / "link to").symlink_to("sub/../sub/says")
    (data / "out").symlink_to("../outside")
    workspace.batch("snapshot", "L")
    before = read_tree(data)
    shutil.rmtree(data / "sub")
    said = workspace.python("-c", READ, "L").stdout.splitlines()
    assert said == [
        "['large', 'link to'] ['says'] FileInfo(kind='file', size=400000, modified=None) "
        "FileInfo(kind='directory', size=None, modified=None)",
        "b'C' b'C' FileInfo(kind='file', size=1, modified=None)",
        "b'CC'",
        *[
            line
            for line in said[3:]
            if line.startswith(("ConfigurationError Resource 'data'", "NotFoundError Resource 'data'"))
        ],
    ]
    assert len(said) == 9
    assert before != read_tree(data)


# -- executors -------------------------------------------------------------------------------------------------------

CLUSTER = """
import sys
from distributed import LocalCluster
with LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None) as cluster:
    print(cluster.scheduler_address, flush=True)
    sys.stdin.read()
"""


def test_dask_does_the_work(workspace: User, data: Path) -> None:
    import subprocess

    before = workspace.json("du")["store"]["bytes"]
    cluster = subprocess.Popen(
        [sys.executable, "-c", CLUSTER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=workspace.env,
        encoding="utf-8",
    )  # fmt: skip
    try:
        assert cluster.stdout is not None
        workspace.dws("config", "executor", f"dask:{cluster.stdout.readline().strip()}")
        write_files(data, {f"new/{n}": os.urandom(3000) for n in range(300)})
        write_files(data, {"new/large": os.urandom(500_000)})
        wanted = read_tree(data)
        workspace.batch("snapshot", "D", timeout=300)
        assert workspace.json("du")["store"]["bytes"] > before + 1_300_000
        shutil.rmtree(data)
        workspace.batch("restore", "D", timeout=300)
        assert read_tree(data) == wanted
        remote = workspace.cwd.parent / "remote"
        workspace.dws("config", "--resource", "data", "my_remote", remote.as_uri())
        workspace.run("git", "init", "-q", "--bare", workspace.cwd.parent / "origin.git")
        workspace.batch("publish", workspace.cwd.parent / "origin.git", timeout=300)
        workspace.dws("config", "executor", "threads")
        shutil.rmtree(workspace.cwd / ".dataworkspace/objects")
        workspace.batch("restore", "A")
        assert (data / "sub/says").read_text() == "A"
    finally:
        cluster.communicate()


@pytest.mark.parametrize(
    ("executor", "status", "text"),
    [("dask:tcp://127.0.0.1:1", 5, "cannot be reached"), ("nonsense", 1, "nonsense"), ("dask:", 0, "")],
)
def test_an_executor_that_cannot_be_had_is_named(
    workspace: User, data: Path, executor: str, status: int, text: str
) -> None:
    workspace.dws("config", "executor", executor)
    write_files(data, {"new": "new"})
    done = workspace.batch("snapshot", "D", check=False, timeout=300)
    assert "Traceback" not in done.stderr
    assert done.returncode == status, done.stderr
    assert text in done.stderr
    workspace.dws("config", "executor", "threads")
    workspace.batch("snapshot", "E")
