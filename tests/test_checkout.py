"""`dws checkout`: the workspace as of a snapshot in another directory, and what is done there brought back."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from endtoend import HOST, User, isolated_environment, machine_files, remove, whole_state, write_files
from forked import Forked
from kill_points import kill_points
from s3_server import S3Bucket, S3Server
from stage import Stage
from test_kill import Server

pytestmark = pytest.mark.slow


def fill(user: User, backend: str) -> None:
    """Snapshots V1 and V2 of code, data that is kept, and results; then work that is in no snapshot."""
    user.batch("init", "--hostname", HOST, "--backend", backend, "--create-resources", "code,results")
    write_files(user.cwd, {"data/large": b"x" * 200_000, "data/deep/small": "small"})
    (user.cwd / "data/link").symlink_to("large")
    user.batch("add", "local-files", "--role", "source-data", "--restorable", "data")
    for number in (1, 2):
        write_files(
            user.cwd,
            {
                "code/run.py": f"print({number})\n",
                "data/table": f"{number}\n",
                "results/results.json": json.dumps({"metrics": {"n": number}}),
                "results/plots/plot": f"plot {number}",
            },
        )
        user.batch("snapshot", f"V{number}")
    write_files(user.cwd, {"code/run.py": "print('not committed')\n", "data/table": "not kept\n"})


@pytest.fixture(params=["git", "sql"])
def here(request: pytest.FixtureRequest, stage: Stage) -> User:
    """At the same place each time: what a copy of a directory with a database is, no user of it makes."""

    def make(place: Path) -> User:
        user = Forked(place / "ws", isolated_environment(place / "home"))
        user.cwd.mkdir()
        fill(user, request.param)
        return user

    return stage.put(request.param, make)


def held(root: Path) -> dict[str, str]:
    names = ["code/run.py", "data/table", "data/deep/small", "results/results.json", "results/plots/plot"]
    return {name: (root / name).read_text() for name in names}


def test_a_snapshot_stands_elsewhere_and_nothing_changes_here(here: User, tmp_path: Path) -> None:
    here.dws("status")  # after which caches are as they are
    before = whole_state(here.cwd), machine_files(here.cwd)
    there = here.at(tmp_path / "V1")
    outcome = here.json("checkout", "V1", there.cwd)
    assert (whole_state(here.cwd), machine_files(here.cwd)) == before
    assert outcome["directory"] == str(there.cwd)
    assert outcome["left"] == []
    assert held(there.cwd) == {
        "code/run.py": "print(1)\n",
        "data/table": "1\n",
        "data/deep/small": "small",
        "results/results.json": '{"metrics": {"n": 1}}',
        "results/plots/plot": "plot 1",
    }
    assert (there.cwd / "data/link").readlink() == Path("large")
    assert os.access(there.cwd / "results/results.json", os.W_OK)
    status = {row["name"]: row["state"] for row in there.json("status")["resources"]}
    assert (status["code"], status["data"]) == ("unchanged", "unchanged")
    assert there.json("fsck")["problems"] == []
    assert sorted(path.name for path in tmp_path.iterdir() if path.name.startswith(".dws")) == []


def test_a_checkout_into_the_current_directory(small: User, tmp_path: Path) -> None:
    place = tmp_path / "mine"
    place.mkdir(mode=0o700)
    before = place.stat()
    small.at(place).batch("--workspace-dir", small.cwd, "checkout", "V1", ".")
    assert (place.stat().st_mode, place.stat().st_ino) == (before.st_mode, before.st_ino)
    assert small.at(place).json("fsck")["problems"] == []
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_snapshots_come_back(here: User, tmp_path: Path) -> None:
    there = here.at(tmp_path / "try")
    here.dws("checkout", "V1", there.cwd)
    write_files(there.cwd, {"data/table": "tried\n", "results/results.json": '{"metrics": {"n": 3}}'})
    there.batch("snapshot", "TRY")
    now = held_now(here)
    here.batch("pull", "--checkout", there.cwd)
    assert held_now(here) == now
    assert "TRY" in [tag for row in here.json("history")["snapshots"] for tag in row["tags"]]
    here.batch("restore", "--only", "data", "TRY")
    assert (here.cwd / "data/table").read_text() == "tried\n"
    here.batch("pull", "--checkout", there.cwd)


def held_now(user: User) -> list[str]:
    return [(user.cwd / name).read_text() for name in ("code/run.py", "data/table")]


def test_a_checkout_needs_nothing_of_where_it_is_from(workspace: User, tmp_path: Path) -> None:
    """Neither what is collected there, nor that it is removed as a whole, takes anything from the checkout."""
    write_files(workspace.cwd, {"data/table": "1\n", "data/large": b"1" * 200_000})
    workspace.batch("add", "local-files", "--role", "source-data", "--restorable", "data")
    workspace.batch("snapshot", "V1")
    there = workspace.at(tmp_path / "V1")
    workspace.dws("checkout", "V1", there.cwd)
    workspace.batch("delete-snapshot", "V1")
    workspace.git("reflog", "expire", "--expire=now", "--all")
    workspace.git("gc", "--quiet", "--prune=now")
    workspace.batch("gc", "--keep-days", "0", "--yes")
    there.git("fsck", "--full")
    remove(workspace.cwd)
    write_files(there.cwd, {"data/table": "2\n", "data/large": b"2" * 200_000})
    there.batch("snapshot", "V2")
    there.batch("restore", "V1")
    assert (there.cwd / "data/table").read_text() == "1\n"
    assert (there.cwd / "data/large").read_bytes() == b"1" * 200_000
    assert there.json("fsck")["problems"] == []


def test_what_was_written_there_is_known_there(here: User, tmp_path: Path) -> None:
    """The first command in a checkout does not read all files again."""
    there = tmp_path / "V1"
    here.dws("checkout", "V1", there)
    (cache,) = there.rglob("stat-cache/data.sqlite")
    with closing(sqlite3.connect(cache)) as db:
        names = [os.fsdecode(row[0]) for row in db.execute("SELECT names FROM directories ORDER BY path")]
        (context,) = db.execute("SELECT context FROM about").fetchone()
    assert names == ["large\0table", "small"]
    assert context.endswith(f" {(there / 'data').stat().st_ino}")  # which a rename of the checkout keeps


@pytest.fixture
def small(workspace: User) -> User:
    write_files(workspace.cwd, {"data/table": "1\n"})
    workspace.batch("add", "local-files", "--role", "source-data", "--compute-hash", "data")
    workspace.batch("snapshot", "V1")
    return workspace


def refused(user: User, *arguments: str | Path) -> str:
    before = whole_state(user.cwd.parent)
    done = user.dws("checkout", *arguments, check=False)
    assert done.returncode != 0
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1, done.stderr
    assert whole_state(user.cwd.parent) == before
    return lines[0]


def test_places_that_cannot_be_a_checkout(small: User) -> None:
    outside = small.cwd.parent / "outside"
    write_files(outside, {"full/file": "", "file": ""})
    (outside / "leads").symlink_to(small.cwd)
    assert "is not empty" in refused(small, "V1", outside / "full")
    assert "is not a directory" in refused(small, "V1", outside / "file")
    assert "is not a directory" in refused(small, "V1", outside / "leads")
    assert "cannot be made" in refused(small, "V1", outside / "file/below")
    assert "is inside the workspace itself" in refused(small, "V1", small.cwd / "new")
    assert "is inside the workspace itself" in refused(small, "V1", outside / "leads/new")
    assert "line break" in refused(small, "V1", outside / "a\nb")
    assert "nope" in refused(small, "nope", outside / "new")
    assert "no resource 'nope'" in refused(small, "--only", "nope", "V1", outside / "new")
    small.dws("checkout", "V1", "--", str(outside / "-rf --help $(x)"))
    assert (outside / "-rf --help $(x)/data/table").read_text() == "1\n"


def test_a_resource_of_which_nothing_is_kept(small: User) -> None:
    """As long as its files are those of the snapshot they are copied; then it is refused, and can be left out."""
    elsewhere = small.cwd.parent / "elsewhere"
    small.dws("checkout", "V1", elsewhere / "one")
    assert (elsewhere / "one/data/table").read_text() == "1\n"
    write_files(small.cwd, {"data/table": "2\n"})
    assert "'data' cannot be checked out" in refused(small, "V1", elsewhere / "two")
    outcome = small.json("checkout", "--only", "code", "V1", elsewhere / "two")
    assert [left["name"] for left in outcome["left"]] == ["data"]
    assert not (elsewhere / "two/data").exists()


def test_a_content_that_is_lost(workspace: User, tmp_path: Path) -> None:
    write_files(workspace.cwd, {"data/large": b"1" * 200_000})
    workspace.batch("add", "local-files", "--role", "source-data", "--restorable", "data")
    workspace.batch("snapshot", "V1")
    write_files(workspace.cwd, {"data/large": b"2" * 200_000})
    shutil.rmtree(workspace.cwd / ".dataworkspace/objects/loose")
    assert "'large' is not in the object store" in refused(workspace, "V1", tmp_path / "new")


def test_resources_outside_of_the_workspace_come_into_the_checkout(workspace: User, tmp_path: Path) -> None:
    write_files(tmp_path / "outside", {"table": "1\n"})
    workspace.batch("add", "local-files", "--role", "source-data", "--name", "code-2", tmp_path / "outside")
    workspace.make_repository(tmp_path / "repository", {"file": "1\n"})
    workspace.batch("add", "git", "--role", "source-data", "--name", "repo", tmp_path / "repository")
    workspace.batch("snapshot", "V1")
    there = workspace.at(tmp_path / "there")
    workspace.dws("checkout", "V1", there.cwd)
    assert (there.cwd / "code-2/table").read_text() == "1\n"
    assert (there.cwd / "repo/file").read_text() == "1\n"
    assert there.git("status", "--porcelain") == ""
    write_files(there.cwd, {"repo/file": "tried\n"})
    there.batch("snapshot", "TRY")
    assert (tmp_path / "repository/file").read_text() == "1\n"
    workspace.batch("pull", "--checkout", there.cwd)
    assert (tmp_path / "repository/file").read_text() == "tried\n"


@pytest.mark.skipif(shutil.which("git-lfs") is None, reason="git-lfs is not installed")
def test_large_files_of_git_lfs(user: User) -> None:
    root = user.cwd / "ws"
    root.mkdir()
    here, there = user.at(root), user.at(user.cwd / "there")
    here.batch("init", "--hostname", HOST, "--git-lfs-attributes", "*.gz", "--create-resources", "source-data")
    write_files(root, {"source-data/a.gz": b"first" * 1000})
    here.batch("snapshot", "V1")
    write_files(root, {"source-data/a.gz": b"second" * 1000})
    here.batch("snapshot", "V2")
    here.dws("checkout", "V1", there.cwd)
    assert (there.cwd / "source-data/a.gz").read_bytes() == b"first" * 1000
    assert (root / "source-data/a.gz").read_bytes() == b"second" * 1000


def test_a_bucket_is_pinned(workspace: User, tmp_path: Path, s3_server: S3Server) -> None:
    workspace = s3_server.for_user(workspace)
    bucket = S3Bucket(s3_server.client())
    bucket.put("table", b"1")
    workspace.batch(
        "add", "s3", "--role", "source-data", "--name", "remote", "--endpoint-url", s3_server.url, bucket.name
    )
    workspace.batch("snapshot", "V1")
    workspace.dws("s3", "unpin", "remote")
    bucket.put("table", b"2")
    there = workspace.at(tmp_path / "there")
    workspace.dws("checkout", "V1", there.cwd)
    assert there.dws("cat", "remote:table").stdout == "1"
    assert workspace.dws("cat", "remote:table").stdout == "2"


# -- kills -------------------------------------------------------------------------------------------------------------


def test_a_killed_checkout(here: User, tmp_path: Path) -> None:
    """Nothing changes in the workspace, there is a whole checkout or none, and the next one removes what was left."""
    server, base = Server(here.env), here.cwd
    here.dws("status")
    before = whole_state(base), machine_files(base)
    points = server.run(base, "checkout", "V1", str(tmp_path / "whole")).points
    for point in kill_points(points, some=5):
        place = tmp_path / str(point)
        answer = server.run(base, "checkout", "V1", str(place / "V1"), kill_at=point)
        assert answer.status != 0 or answer.points < point, answer  # how many there are varies a little
        assert (whole_state(base), machine_files(base)) == before, answer.killed_at
        if (place / "V1").exists():
            place = place / "V1"
        else:
            server.run(base, "checkout", "V1", str(place / "V1"))
            assert [path.name for path in place.iterdir()] == ["V1"], answer.killed_at
            place = place / "V1"
        assert (place / "data/table").read_text() == "1\n", answer.killed_at
        problems = here.at(place).json("fsck")["problems"]  # but for the lock of the process that was killed
        assert [problem for problem in problems if problem["area"] != "interrupted"] == [], answer.killed_at
        shutil.rmtree(place)
