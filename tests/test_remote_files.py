"""Local files whose content is kept away from this machine too: by path, by SFTP (OpenSSH) and by S3 (SeaweedFS)."""

from __future__ import annotations

import os
import shutil
import subprocess
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import psutil
import pytest
from endtoend import FAILED, LABELS, User, isolated_environment, read_tree, write_files
from forked import Forked
from json_schemas import faults
from s3_server import S3Server
from servers import SshServer, make_bare, needs_sshd
from stage import Stage

pytestmark = pytest.mark.slow

LARGE = os.urandom(700_000)


@dataclass
class Two:
    """Two people with machines of their own, an origin, and the URL of a remote that both can reach."""

    ada: User
    bob: User
    origin: Path
    url: str
    stage: Stage | None = None
    """Where they are, unless the remote is elsewhere."""

    def publish(self) -> Path:
        """Ada makes a workspace with the resource `data`, takes snapshot A and publishes; returns the data's place."""
        if self.stage is None:
            return self._publish()
        return self.stage.put(f"published to {self.url.partition(':')[0]}", lambda _: self._publish())

    def meet(self) -> tuple[Path, User]:
        """She publishes, and Bob clones at once."""
        if self.stage is None:
            return self._publish(), self.clone()
        return self.stage.put(f"met at {self.url.partition(':')[0]}", lambda _: (self.publish(), self.clone()))

    def _publish(self) -> Path:
        for user in (self.ada, self.bob):
            user.cwd.mkdir(parents=True)
            isolated_environment(Path(user.env["HOME"]))
        make_bare(self.origin)
        here = self.ada
        here.batch("init", "--hostname", "ada")
        data = here.cwd / "data"
        write_files(data, {f"d{n % 5}/small {n}": f"content {n}\n" for n in range(120)})
        write_files(data, {"large": LARGE, "script": "#!/bin/sh\n"})
        (data / "script").chmod(0o755)
        (data / "link").symlink_to("large")
        here.batch("add", "local-files", "--role", "source-data", "--remote", self.url, "data")
        here.batch("snapshot", "A")
        here.batch("publish", self.origin)
        return data

    def clone(self) -> User:
        self.bob.batch("clone", self.origin, "ws", "--hostname", "bob")
        return self.bob.at(self.bob.cwd / "ws")


@pytest.fixture(params=["path", pytest.param("sftp", marks=needs_sshd), "s3"])
def two(request: pytest.FixtureRequest, tmp_path: Path, stage: Stage) -> Two:
    if request.param == "path":
        return on_stage(stage, f"file://{stage.place}/remote", {})
    if request.param == "sftp":
        server: SshServer = request.getfixturevalue("ssh_server")
        url = f"{server.url(stage.place / 'remote').replace('ssh://', 'sftp://')}"
        return on_stage(stage, url, {"FSSPEC_SFTP_KEY_FILENAME": str(server.directory / "user_key")})
    s3: S3Server = request.getfixturevalue("s3_server")
    bucket = f"bucket-{abs(hash(tmp_path))}"
    s3.client().create_bucket(Bucket=bucket)
    return make_two(tmp_path, f"s3://{bucket}/a prefix", s3.environment)


@pytest.fixture
def by_path(stage: Stage) -> Two:
    return on_stage(stage, f"file://{stage.place}/remote", {})


def on_stage(stage: Stage, url: str, env: dict[str, str]) -> Two:
    return replace(make_two(stage.place, url, env), stage=stage)


def make_two(place: Path, url: str, env: dict[str, str]) -> Two:
    ada, bob = (
        Forked(place / name / "work", {**isolated_environment(place / name / "home"), **env}) for name in ("ada", "bob")
    )
    return Two(ada, bob, place / "origin.git", url)


def test_a_clone_has_the_files_and_pull_brings_what_is_new(two: Two) -> None:
    data, bob = two.meet()
    assert read_tree(bob.cwd / "data") == read_tree(data)
    write_files(data, {"new": "new\n", "d1/small 1": "changed\n"})
    shutil.rmtree(data / "d2")
    two.ada.batch("snapshot", "B")
    two.ada.batch("push")
    assert "has everything" in two.ada.batch("push").stdout
    bob.batch("pull")
    assert read_tree(bob.cwd / "data") == read_tree(data)
    assert not any((bob.cwd / "data").glob("d2"))
    assert "Nothing has changed" in bob.batch("snapshot").stdout


def test_an_older_snapshot_is_fetched_when_it_is_restored(two: Two) -> None:
    data = two.publish()
    before = read_tree(data)
    write_files(data, {"large": LARGE[::-1], "d1/small 1": "changed\n"})
    two.ada.batch("snapshot", "B")
    two.ada.batch("push")
    bob = two.clone()
    bob.batch("restore", "A")
    assert read_tree(bob.cwd / "data") == before
    assert bob.dws("fsck", check=False).returncode == 0


def test_both_sides_take_snapshots(two: Two) -> None:
    data, bob = two.meet()
    write_files(data, {"of ada": "1"})
    two.ada.batch("snapshot", "ADA")
    two.ada.batch("push")
    write_files(bob.cwd, {"data/of bob": "2"})
    bob.batch("snapshot", "BOB")
    bob.batch("pull")
    bob.batch("push")
    two.ada.batch("pull")
    for user, place in ((two.ada, data), (bob, bob.cwd / "data")):
        for tag, name in (("ADA", "of ada"), ("BOB", "of bob")):
            assert (place / name).exists()
            user.batch("restore", tag)
            assert (place / name).exists()
            assert not (place / {"of ada": "of bob", "of bob": "of ada"}[name]).exists()
            user.batch("undo-restore", "data")


def test_own_changes_stay_when_a_pull_brings_more(two: Two) -> None:
    data, bob = two.meet()
    write_files(bob.cwd, {"data/precious": "not in any snapshot"})
    write_files(data, {"new": "new\n"})
    two.ada.batch("snapshot", "B")
    two.ada.batch("push")
    bob.batch("pull")
    assert (bob.cwd / "data/precious").exists()
    assert (bob.cwd / "data/new").exists()


def test_what_was_lost_here_comes_from_there(two: Two) -> None:
    data = two.publish()
    before = read_tree(data)
    shutil.rmtree(two.ada.cwd / ".dataworkspace/objects")
    shutil.rmtree(data)
    two.ada.batch("restore", "A")
    assert read_tree(data) == before
    assert two.ada.batch("verify").returncode == 0


def one_line(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode in FAILED
    errors = [line for line in done.stderr.splitlines() if line.startswith(LABELS)]
    assert len(errors) == 1, done.stderr
    assert "Traceback" not in done.stderr
    return errors[0]


@pytest.mark.parametrize(
    ("url", "env"),
    [
        ("sftp://nobody@127.0.0.1:1/x", {}),
        ("s3://bucket/x", {"AWS_SECRET_ACCESS_KEY": "wrong"}),
        ("file:///proc/nowhere/x", {}),
    ],
    ids=["nobody listens", "wrong key", "no directory"],
)
def test_a_remote_that_cannot_be_had_fails_before_anything_is_sent(
    user: User, tmp_path: Path, s3_server: S3Server, url: str, env: dict[str, str]
) -> None:
    here = user.at(user.cwd, **{**s3_server.environment, **env})
    if "bucket/" in url:
        s3_server.client().create_bucket(Bucket="bucket")
    origin = make_bare(tmp_path / "origin.git")
    here.batch("init", "--hostname", "h")
    write_files(here.cwd, {"data/a": "1"})
    here.batch("add", "local-files", "--role", "source-data", "--remote", url, "data")
    here.batch("snapshot", "A")
    assert url.partition("://")[0] in one_line(here.batch("publish", origin, check=False, timeout=200))
    assert here.git("ls-remote", origin) == ""


def test_a_clone_without_the_remote_is_a_workspace_and_a_later_pull_brings_the_files(
    stage: Stage, by_path: Two
) -> None:
    data = by_path.publish()
    (stage.place / "remote").rename(stage.place / "away")
    done = by_path.bob.batch("clone", by_path.origin, "ws", "--hostname", "bob", check=False)
    assert "data" in done.stderr
    bob = by_path.bob.at(by_path.bob.cwd / "ws")
    (stage.place / "away").rename(stage.place / "remote")
    bob.batch("pull")
    assert read_tree(bob.cwd / "data") == read_tree(data)


@needs_sshd
@pytest.mark.parametrize("command", ["push", "clone"])
def test_a_server_that_goes_away_in_the_middle(tmp_path: Path, ssh_server: SshServer, command: str, user: User) -> None:
    """The connection is broken again and again; in the end all is there, and never anything by halves."""
    url = ssh_server.url(tmp_path / "remote").replace("ssh://", "sftp://")
    here = user.at(user.cwd, FSSPEC_SFTP_KEY_FILENAME=str(ssh_server.directory / "user_key"))
    origin = make_bare(tmp_path / "origin.git")
    here.batch("init", "--hostname", "h")
    write_files(here.cwd, {f"data/{n}": os.urandom(3_000_000) for n in range(12)})
    here.batch("add", "local-files", "--role", "source-data", "--remote", url, "data")
    here.batch("snapshot", "A")
    if command == "clone":
        here.batch("publish", origin)
    arguments = ["publish", origin] if command == "push" else ["clone", origin, tmp_path / "clone", "--hostname", "b"]
    running = subprocess.Popen(
        [str(a) for a in ("dws", "--batch", *arguments)], cwd=here.cwd, env=here.env, stderr=subprocess.PIPE
    )
    for _ in range(5):
        try:
            running.wait(timeout=0.4)
            break
        except subprocess.TimeoutExpired:
            break_connections(ssh_server)
    _, errors = running.communicate(timeout=120)
    assert b"Traceback" not in errors
    if command == "push":
        here.batch(*arguments) if running.returncode else here.batch("push")
        here.batch("clone", origin, tmp_path / "clone", "--hostname", "b")
    elif running.returncode or errors:
        here.at(tmp_path / "clone").batch("pull")
    assert read_tree(tmp_path / "clone/data") == read_tree(here.cwd / "data")
    assert here.dws("verify", check=False).returncode == 0


def break_connections(server: SshServer) -> None:
    """Kill the processes that serve somebody."""
    assert server.process is not None
    for process in psutil.Process(server.process.pid).children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            process.kill()


@pytest.mark.parametrize("place", [".git/hooks", ".dataworkspace/x", "../outside", "code"])
def test_a_hostile_place_is_not_written_to(by_path: Two, place: str) -> None:
    by_path.publish()
    path = by_path.ada.cwd / ".dataworkspace/resources/data.json"
    path.write_text(path.read_text().replace('"relative_local_path": "data"', f'"relative_local_path": "{place}"'))
    by_path.ada.git("commit", "-qam", "an attack")
    by_path.ada.git("push", "-q", "origin", "HEAD")
    done = by_path.bob.batch("clone", by_path.origin, "ws", "--hostname", "bob", check=False)
    assert "Traceback" not in done.stderr
    found = [p for p in by_path.bob.cwd.rglob("*") if p.name.startswith("small ") or p.name == "large"]
    assert place == "code" or found == []


# -- garbage at the remote -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("two", ["path", "s3"], indirect=True)
def test_what_no_snapshot_needs_any_more_goes_from_the_remote(two: Two) -> None:
    data = two.publish()
    write_files(data, {"large": LARGE[::-1], **{f"d{n % 5}/small {n}": f"changed {n}\n" for n in range(100)}})
    two.ada.batch("snapshot", "B")
    two.ada.batch("push")
    bob = two.clone()
    (deleted,) = [s for s in two.ada.json("history")["snapshots"] if s["tags"] == ["A"]]
    two.ada.batch("delete-snapshot", "A")

    def collect(user: User, *options: str) -> dict[str, object]:
        done = user.json("gc", "--remote", *options)
        assert faults("gc-remote", done, strict=True) == []
        (found,) = done["remotes"]
        return dict(found)

    soon = ("--keep-days", "0", "--yes")
    assert collect(two.ada, *soon)["objects"] == 0, "the origin still has A"
    two.ada.batch("push")
    assert collect(bob, *soon)["objects"] == 0, "Bob still has A"
    assert collect(two.ada)["objects"] == 0, "the deletion can be undone"
    planned = collect(two.ada, "--dry-run", "--keep-days", "0")
    assert planned["objects"] >= 101
    done = collect(two.ada, *soon)
    assert done == {**planned, "removed": True}
    assert collect(two.ada, *soon)["objects"] == 0
    assert not two.ada.json("verify", "--remote", "--read")["faults"]
    bob.batch("pull")
    assert not bob.json("verify")["faults"]
    write_files(bob.cwd, {"data/large": LARGE})  # what has gone is needed again
    bob.batch("snapshot", "C")
    assert "lost" not in bob.batch("push").stderr
    two.ada.batch("pull")
    assert read_tree(data) == read_tree(bob.cwd / "data")
    assert not two.ada.json("verify", "--remote", "--read")["faults"]
    assert deleted["hash"] not in {s["hash"] for s in two.ada.json("history")["snapshots"]}


def test_doubt_removes_nothing_from_the_remote(tmp_path: Path, by_path: Two, stage: Stage) -> None:
    by_path.publish()
    ada, remote = by_path.ada, stage.place / "remote"
    ada.batch("delete-snapshot", "A")

    def refused() -> str:
        before = read_tree(remote)
        done = ada.batch("gc", "--remote", "--keep-days", "0", "--yes", check=False)
        assert read_tree(remote) == before
        return one_line(done)

    by_path.origin.rename(tmp_path / "away")
    assert "origin" in refused()
    (tmp_path / "away").rename(by_path.origin)
    (remote / "format").write_text("9")
    assert "has the format '9'" in refused()
    (remote / "format").write_text("2")
    other = Forked(by_path.bob.cwd, by_path.bob.env)
    other.batch("init", "--hostname", "other")
    write_files(other.cwd, {"things/a": "1"})
    other.batch("add", "local-files", "--role", "source-data", "--remote", by_path.url, "things")
    other.batch("snapshot", "A")
    other.batch("publish", make_bare(tmp_path / "other.git"))
    assert "also keeps contents of" in refused()
    ada.batch("push")
    kept = ada.json("gc", "--remote", "--keep-days", "0", "--yes", "--also", other.cwd)["remotes"][0]
    assert kept["objects"] >= 100
    assert "/other " in kept["workspaces"][0]
    assert not other.json("verify", "--remote", "--read")["faults"]
