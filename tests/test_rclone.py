"""Resources that rclone copies to and from a remote: real servers, and what goes wrong with them."""

from __future__ import annotations

import json
import re
import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from endtoend import FAILED, HOST, User, read_tree, write_files
from rclone_server import RcloneServer, find_program, needs_rclone
from servers import LOOPBACK
from test_sync_on_a_terminal import at_terminal

pytestmark = [pytest.mark.slow, needs_rclone]

FILES: dict[str, str | bytes] = {"a.csv": "one\n", "deep/er/b.csv": "two\n", "-option": "three\n", "with blank": b""}


@pytest.fixture
def user(user: User) -> User:
    """Does not wait long for what is gone."""
    return user.at(user.cwd, RCLONE_RETRIES="1", RCLONE_LOW_LEVEL_RETRIES="1", RCLONE_CONTIMEOUT="5s")


@pytest.fixture
def workspace(user: User) -> User:
    """A user at the root of a workspace `ws` without resources."""
    root = user.cwd / "ws"
    root.mkdir()
    here = user.at(root)
    here.batch("init", "--hostname", HOST)
    return here


def add(workspace: User, *options: str | Path, place: str = "data", at: str = "store:bucket") -> None:
    workspace.batch("add", "rclone", "--role", "source-data", *options, at, place)


def published(workspace: User) -> Path:
    bare = workspace.cwd.parent / "hub.git"
    workspace.git("init", "--quiet", "--bare", bare)
    workspace.batch("publish", bare)
    return bare


@pytest.fixture
def local(tmp_path: Path, user: User) -> Path:
    """What the user's remote `store` leads to: on this machine, since the kind of server does not matter."""
    bucket = tmp_path / "remote" / "bucket"
    bucket.mkdir(parents=True)
    user.run("rclone", "config", "create", "store", "alias", f"remote={tmp_path}/remote")
    return bucket


# -- both directions, with each kind of server ----------------------------------------------------------------------


def test_what_is_at_the_remote_is_fetched_and_followed(remote: RcloneServer, workspace: User) -> None:
    bucket = remote.root / "bucket"
    write_files(bucket, FILES)
    add(workspace, "--master", "remote", "--sync-mode", "sync", "--compute-hash")
    data = workspace.cwd / "data"
    assert read_tree(data) == read_tree(bucket)
    workspace.batch("snapshot", "ONE")
    published(workspace)

    write_files(bucket, {"a.csv": "another\n", "new/c.csv": "four\n"})
    (bucket / "deep/er/b.csv").unlink()
    planned = workspace.json("pull", "--dry-run")["changes"]["data"]
    assert planned == [
        {"status": "modified", "path": "a.csv"},
        {"status": "deleted", "path": "deep/er/b.csv"},
        {"status": "added", "path": "new/c.csv"},
    ]
    assert (data / "deep/er/b.csv").exists()
    workspace.batch("pull")
    assert read_tree(data) == read_tree(bucket)
    assert not (data / "deep").exists()
    assert "nothing to pull" in workspace.batch("pull").stdout


def test_many_files_that_changed_among_others(local: Path, workspace: User) -> None:
    """So many are found by listing, and not asked for one by one."""
    write_files(local, {f"same/{number}": "1" for number in range(50)})
    write_files(local, {f"new/{number}": "1" for number in range(150)})
    add(workspace, "--master", "remote")
    published(workspace)
    write_files(local, {f"new/{number}": "22" for number in range(150)})
    assert "fetched 150 files" in workspace.batch("pull").stdout
    assert read_tree(workspace.cwd / "data") == read_tree(local)


def test_what_is_here_is_sent(remote: RcloneServer, workspace: User) -> None:
    bucket = remote.root / "bucket"
    data = workspace.cwd / "data"
    write_files(data, FILES)
    add(workspace, "--master", "local", "--sync-mode", "sync")
    workspace.batch("snapshot", "ONE")
    published(workspace)
    assert read_tree(bucket) == read_tree(data)

    write_files(data, {"a.csv": "another\n", "new/c.csv": "four\n"})
    (data / "with blank").unlink()
    planned = workspace.json("push", "--dry-run")["changes"]["data"]
    assert planned == [
        {"status": "modified", "path": "a.csv"},
        {"status": "added", "path": "new/c.csv"},
        {"status": "deleted", "path": "with blank"},
    ]
    report = workspace.json("report", "status")["resources"]
    origin = next(resource["origin"] for resource in report if resource["name"] == "data")
    assert origin == "store:bucket: a.csv (differs), new/c.csv (only here), with blank (only there)"
    workspace.batch("push")
    assert read_tree(bucket) == read_tree(data)
    assert "nothing to push" in workspace.batch("push").stdout


def test_a_checkout_has_from_the_remote_what_is_no_longer_here(local: Path, workspace: User, tmp_path: Path) -> None:
    write_files(local, FILES)
    add(workspace, "--master", "remote", "--compute-hash")
    workspace.batch("snapshot", "ONE")
    write_files(workspace.cwd / "data", {"a.csv": "edited here\n"})
    workspace.batch("checkout", "ONE", tmp_path / "one")
    assert read_tree(tmp_path / "one/data") == read_tree(local)
    assert (workspace.cwd / "data/a.csv").read_text() == "edited here\n"
    assert workspace.at(tmp_path / "one").json("status")["is_snapshot"]
    # It is verified: the same names with other content are not the version.
    write_files(local, {"a.csv": "edited there\n"})
    done = workspace.batch("checkout", "ONE", tmp_path / "two", check=False)
    assert "no longer has the version" in done.stderr
    assert not (tmp_path / "two").exists()
    (local / "a.csv").unlink()
    done = workspace.batch("checkout", "ONE", tmp_path / "two", check=False)
    assert "cannot be checked out" in done.stderr
    assert not (tmp_path / "two").exists()


def test_without_a_local_copy_the_remote_is_read(remote: RcloneServer, workspace: User) -> None:
    content = bytes(range(256)) * 20_000
    bucket = remote.root / "bucket"
    write_files(bucket, {**FILES, "big.bin": content})
    add(workspace)
    workspace.run("rm", "-r", "data")
    script = """
from dataworkspaces.api import get_filesystem_for_resource
fs = get_filesystem_for_resource("data")
print(sorted(fs.find("")))
print(fs.info("a.csv")["size"], fs.isdir("deep/er"), fs.exists("nothing"))
print(fs.open("a.csv", "r").read().strip())
with fs.open("big.bin") as file:
    print(file.seek(4_000_000), list(file.read(2)), file.seek(300), list(file.read(2)), file.seek(-1, 2), list(file.read()))
print(len(fs.cat_file("big.bin")), list(fs.cat_file("big.bin", 256, 258)))
try:
    fs.open("new", "wb")
except Exception as e:
    print(e)
"""
    said = workspace.python("-c", script).stdout.splitlines()
    assert said == [
        "['-option', 'a.csv', 'big.bin', 'deep/er/b.csv', 'with blank']",
        "4 True False",
        "one",
        f"4000000 [{4_000_000 % 256}, {4_000_001 % 256}] 300 [44, 45] {len(content) - 1} [255]",
        f"{len(content)} [0, 1]",
        "Resource 'data' is not on this machine, so it can only be read",
    ]


def test_a_directory_at_the_remote_is_not_looked_at_file_by_file(local: Path, workspace: User, tmp_path: Path) -> None:
    write_files(local, {f"many/{number:03}": f"{number}" for number in range(200)})
    add(workspace)
    workspace.run("rm", "-r", "data")
    log, wrapper = tmp_path / "calls", tmp_path / "bin" / "rclone"
    wrapper.parent.mkdir()
    wrapper.write_text(f"#!/bin/sh\necho \"$1\" >>'{log}'\nexec '{find_program()}' \"$@\"\n")
    wrapper.chmod(0o755)
    here = workspace.at(workspace.cwd, PATH=f"{wrapper.parent}:{workspace.env['PATH']}")
    assert here.json("ls", "data:many") == [{"name": f"{n:03}", "size": len(str(n))} for n in range(200)]
    assert log.read_text().split().count("lsjson") <= 5
    script = """
import fsspec
fs = fsspec.filesystem("dws")
print(b",".join(fs.cat([f"data/many/{number:03}" for number in range(20)]).values()).decode())
"""
    assert here.python("-c", script).stdout.strip() == ",".join(map(str, range(20)))


# -- what goes wrong ------------------------------------------------------------------------------------------------


class CuttingProxy:
    """Stands before a server, and is gone for good when it has passed on so many bytes of what the server, or the
    client, says."""

    def __init__(self, port: int, budget: int) -> None:
        self._target = port
        self._budget = budget
        self._lock = threading.Lock()
        self._open: list[socket.socket] = []
        self._listener = socket.create_server((LOOPBACK, 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection((LOOPBACK, self._target))
                self._open += [client, server]
                for pair in ((client, server), (server, client)):
                    threading.Thread(target=self._pass_on, args=pair, daemon=True).start()

    def _pass_on(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(4096):
                with self._lock:
                    self._budget -= len(data)
                    if self._budget < 0:
                        self.close()
                target.sendall(data)
        with suppress(OSError):
            target.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        for opened in (self._listener, *self._open):
            with suppress(OSError):
                opened.shutdown(socket.SHUT_RDWR)
            opened.close()


@pytest.fixture
def cut(remote: RcloneServer, user: User) -> Iterator[CuttingProxy]:
    """The user's `store` is gone in the middle of a megabyte."""
    proxy = CuttingProxy(remote.port, 1_000_000)
    direct = remote.port
    remote.port = proxy.port
    remote.configure(user)
    remote.port = direct
    yield proxy
    proxy.close()


MEGABYTES: dict[str, str | bytes] = {f"{number}.bin": bytes([number]) * 400_000 for number in range(6)}


def test_a_remote_that_vanishes_while_files_come(remote: RcloneServer, cut: CuttingProxy, workspace: User) -> None:
    write_files(remote.root / "bucket", MEGABYTES)
    data = workspace.cwd / "data"
    failed = workspace.batch("add", "rclone", "--role", "s", "--master", "remote", "store:bucket", "data", check=False)
    assert failed.returncode in FAILED
    assert "could not be fetched from store:bucket" in failed.stderr
    assert ".bin" in failed.stderr
    assert "Traceback" not in failed.stderr
    assert not data.exists()
    assert workspace.json("report", "status")["resources"] == []
    remote.configure(workspace)
    add(workspace, "--master", "remote")
    assert read_tree(data) == read_tree(remote.root / "bucket")


def test_a_remote_that_vanishes_while_files_are_sent(remote: RcloneServer, cut: CuttingProxy, workspace: User) -> None:
    data = workspace.cwd / "data"
    write_files(data, MEGABYTES)
    add(workspace, "--master", "local")
    before = read_tree(data)
    hub = workspace.cwd.parent / "hub.git"
    workspace.git("init", "--quiet", "--bare", hub)
    failed = workspace.batch("publish", hub, check=False)
    assert failed.returncode in FAILED
    assert "Resource 'data'" in failed.stderr
    assert ".bin" in failed.stderr
    assert "Traceback" not in failed.stderr
    assert workspace.git("--git-dir", hub, "for-each-ref") == ""  # nobody gets metadata without its data
    remote.configure(workspace)
    workspace.batch("publish", hub)
    assert read_tree(data) == before == read_tree(remote.root / "bucket")


def test_wrong_credentials(remote: RcloneServer, workspace: User) -> None:
    remote.configure(workspace, password="a-wrong-password-of-ada")
    failed = workspace.batch("add", "rclone", "--role", "s", "store:bucket", "data", check=False)
    assert failed.returncode in FAILED
    assert "error: Looking at store:bucket failed: " in failed.stderr
    assert "wrong-password" not in failed.stderr
    assert not (workspace.cwd / "data").exists()


def test_a_remote_that_is_full(tmp_path: Path, local: Path, workspace: User) -> None:
    """A link to the device that is always full stands for the place that has no room."""
    workspace = workspace.at(workspace.cwd, RCLONE_INPLACE="true")
    write_files(workspace.cwd / "data", {"fits": "1", "full": "2"})
    add(workspace, "--master", "local")
    (local / "full").symlink_to("/dev/full")
    hub = tmp_path / "hub.git"
    workspace.git("init", "--quiet", "--bare", hub)
    failed = workspace.batch("publish", hub, check=False)
    assert failed.returncode in FAILED
    assert "'full' could not be sent to store:bucket" in failed.stderr
    assert (local / "fits").read_text() == "1"
    assert "no space left on device" in failed.stderr
    workspace.batch("publish", hub)
    assert read_tree(local) == read_tree(workspace.cwd / "data")


def test_a_pull_that_was_killed_is_completed_by_the_next(local: Path, workspace: User) -> None:
    write_files(local, FILES)
    add(workspace)
    published(workspace)
    data = workspace.cwd / "data"
    note = workspace.cwd / ".dataworkspace/scratch/data/arriving.json"
    (data / "a.csv").unlink()
    note.write_text(json.dumps({"root": str(data)}))
    refused = workspace.batch("snapshot", check=False)
    assert "not all of its files are in place yet" in refused.stderr
    workspace.batch("pull")
    assert read_tree(data) == read_tree(local)
    assert not note.exists()
    workspace.batch("snapshot")


# -- deletions ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("master", ["local", "remote"])
def test_sync_asks_before_it_deletes_more_than_half(master: str, local: Path, workspace: User) -> None:
    data = workspace.cwd / "data"
    write_files(local, FILES)
    add(workspace)
    workspace.batch("config", "--resource", "data", "master", master)
    workspace.batch("config", "--resource", "data", "sync_mode", "sync")
    hub = published(workspace)
    original, replica = (data, local) if master == "local" else (local, data)
    (original / "a.csv").unlink()
    (original / "with blank").unlink()
    (original / "deep/er/b.csv").unlink()
    command = "push" if master == "local" else "pull"
    refused = workspace.batch(command, check=False)
    assert refused.returncode in FAILED
    assert "would delete 3 of the 4 files" in refused.stderr
    assert "--yes" in refused.stderr
    assert len(read_tree(replica)) == 4
    declined = workspace.dws(command, input="n\n", check=False)
    assert declined.returncode in FAILED
    assert len(read_tree(replica)) == 4
    workspace.batch(command, "--yes")
    assert read_tree(replica) == read_tree(original)
    assert hub.exists()


# -- several machines -----------------------------------------------------------------------------------------------


def cloned(workspace: User, hub: Path, *options: str) -> User:
    workspace.at(workspace.cwd.parent).batch("clone", "--hostname", "host2", *options, hub, "copy")
    return workspace.at(workspace.cwd.parent / "copy")


@pytest.mark.parametrize("master", ["none", "remote"])
def test_a_clone_fetches_where_the_place_is_free(master: str, local: Path, workspace: User) -> None:
    write_files(local, FILES)
    add(workspace, "--master", master)
    workspace.batch("snapshot", "ONE")
    copy = cloned(workspace, published(workspace))
    assert read_tree(copy.cwd / "data") == read_tree(local)
    assert copy.git("status", "--porcelain") == ""


def test_a_clone_does_not_write_where_nobody_agreed(local: Path, workspace: User) -> None:
    write_files(workspace.cwd / "data", FILES)
    add(workspace, "--master", "local", "--sync-mode", "sync")
    copy = cloned(workspace, published(workspace))
    data = copy.cwd / "data"
    write_files(data, {"hostile": "x"})
    copy.batch("config", "--resource", "data", "my_local_path", data)
    refused = copy.batch("push", check=False)
    assert refused.returncode in FAILED
    assert "Write to it?" in refused.stderr
    assert not (local / "hostile").exists()
    copy.dws("push", input="y\ny\n")
    assert read_tree(local) == read_tree(data)
    assert "nothing to push" in copy.batch("push").stdout  # and is not asked again


def test_versions_are_restored_where_they_were_taken(local: Path, workspace: User) -> None:
    write_files(local, FILES)
    add(workspace, "--master", "remote", "--sync-mode", "sync", "--restorable")
    data = workspace.cwd / "data"
    before = read_tree(data)
    workspace.batch("snapshot", "ONE")
    published(workspace)
    write_files(local, {"a.csv": "another\n"})
    workspace.batch("pull")
    assert read_tree(data) != before
    workspace.batch("restore", "ONE")
    assert read_tree(data) == before


def test_a_version_records_that_the_remote_has_the_same(local: Path, workspace: User) -> None:
    write_files(local, FILES)
    add(workspace, "--compute-hash")
    workspace.batch("snapshot", "ONE")
    directory = workspace.cwd / ".dataworkspace/file/source-data/data"
    [record] = directory.glob("*.remote.json")
    assert json.loads(record.read_text()) == {"remote_origin": "store:bucket", "hash": "md5"}
    write_files(workspace.cwd / "data", {"a.csv": "another\n"})
    workspace.batch("snapshot", "TWO")
    assert list(directory.glob("*.remote.json")) == [record]


def test_a_pull_keeps_what_was_changed_here(local: Path, workspace: User) -> None:
    write_files(local, FILES)
    add(workspace, "--master", "remote", "--sync-mode", "sync")
    published(workspace)
    write_files(workspace.cwd / "data", {"a.csv": "mine\n", "new/x.csv": "mine too\n"})
    write_files(local, {"a.csv": "theirs\n", "deep/er/b.csv": "theirs too\n"})
    said = workspace.batch("pull").stdout
    assert read_tree(workspace.cwd / "data") == read_tree(local)
    place = Path(said.partition("2 files changed here before the pull: kept in ")[2].splitlines()[0])
    assert {str(p.relative_to(place)): p.read_text() for p in place.rglob("*") if p.is_file()} == {
        "a.csv": "mine\n",
        "new/x.csv": "mine too\n",
    }
    assert workspace.git("status", "--porcelain") == ""


def plain(shown: str) -> str:
    """Without colours, and what moves the cursor."""
    return re.sub(r"\x1b\[[^a-zA-Z]*[a-zA-Z]", "", shown)


def test_progress_on_a_terminal(local: Path, workspace: User) -> None:
    slow = workspace.at(workspace.cwd, RCLONE_BWLIMIT="2M")
    write_files(local, {"large": bytes(5_000_000)})
    place = ["add", "rclone", "--role=source-data", "--master=remote", "store:bucket", "data"]
    shown = plain(at_terminal(slow, *place, answers="\n"))
    assert re.search(r"Fetching data.* [1-4]\.\d/\? MB", shown), shown
    published(workspace)
    write_files(local, {"large": bytes(5_000_001)})
    shown = plain(at_terminal(slow, "pull", "--only", "data"))
    assert re.search(r"Fetching data.* [1-4]\.\d/5\.0 MB", shown), shown
    (local.parent / "other").mkdir()
    write_files(workspace.cwd / "out", {"large": bytes(5_000_000)})
    add(workspace, "--master", "local", "--name", "out", place="out", at="store:other")
    shown = plain(at_terminal(slow, "push", "--only", "out"))
    assert re.search(r"Sending out.* [1-4]\.\d/5\.0 MB", shown), shown


def test_a_workspace_of_release_1_6(local: Path, workspace: User) -> None:
    """What it stored, as the format says: one list of resources, and no agreement on this machine."""
    write_files(local, FILES)
    data = workspace.cwd / "data"
    write_files(data, FILES)
    add(workspace, "--master", "local", "--compute-hash")
    metadata = workspace.cwd / ".dataworkspace"
    stored = {
        "resource_type": "rclone", "name": "data", "role": "source-data", "remote_origin": "store:bucket",
        "config": None, "master": "local", "sync_mode": "copy", "size_only": False, "compute_hash": True,
        "global_local_path": "/srv/example/data", "export": False, "imported": False,
    }  # fmt: skip
    (metadata / "resources" / "data.json").write_text(json.dumps({"position": 9, "parameters": stored}))
    (metadata / "resource_local_params.json").write_text(json.dumps({"data": {"my_local_path": str(data)}}))
    workspace.git("commit", "--quiet", "--all", "--message", "as 1.6 had it")
    workspace.batch("snapshot", "ONE")
    published(workspace)
    local_params = json.loads((metadata / "resource_local_params.json").read_text())
    assert read_tree(local) == read_tree(data)
    assert local_params["data"]["my_local_path"] == str(data)


# -- what is refused ------------------------------------------------------------------------------------------------

REFUSED = {
    "-x:y": "is not a REMOTE:PATH",
    "--config=x:y": "is not a REMOTE:PATH",
    ":sftp,ssh='touch CANARY':x": "connection string",
    "store,ssh=x:y": "connection string",
    "plain/path": "names no remote",
    "nosuch:path": "There is no remote 'nosuch'",
    "store:nosuch": "There is no directory store:nosuch",
}


def test_addresses_that_are_refused(local: Path, workspace: User) -> None:
    before = read_tree(workspace.cwd)
    for address, told in REFUSED.items():
        failed = workspace.batch("add", "rclone", "--role", "s", "--", address, "data", check=False)
        assert failed.returncode in FAILED
        assert told in failed.stderr
        assert len(failed.stderr.splitlines()) == 1
        assert read_tree(workspace.cwd) == before


PROGRAMS = {
    "ssh": "type = sftp\nhost = example.com\nssh = touch {canary}",
    "bearer_token_command": "type = webdav\nurl = http://127.0.0.1:9\nbearer_token_command = touch {canary}",
    "md5sum_command": "type = sftp\nhost = example.com\nmd5sum_command = touch {canary}",
    "remote": "type = alias\nremote = :sftp,ssh='touch {canary}':x",
    "upstreams": "type = combine\nupstreams = a=:sftp,ssh='touch\\ {canary}':x",
    "shared_credentials_file": "type = s3\nshared_credentials_file = {canary}",
    "override.metadata_mapper": "type = memory\noverride.metadata_mapper = touch {canary}",
}


def test_a_configuration_in_the_workspace_runs_no_program(tmp_path: Path, workspace: User) -> None:
    canary = tmp_path / "CANARY"
    for key, section in PROGRAMS.items():
        write_files(workspace.cwd, {"rclone.conf": f"[store]\n{section.format(canary=canary)}\n"})
        add_it = ("add", "rclone", "--role", "s", "--config", "rclone.conf", "store:bucket", "data")
        failed = workspace.batch(*add_it, check=False)
        assert failed.returncode in FAILED
        assert f"has the option '{key}'" in failed.stderr or "is of the type" in failed.stderr
        assert not canary.exists()


def test_a_configuration_in_the_workspace_that_turns_hostile(
    remote: RcloneServer, tmp_path: Path, workspace: User
) -> None:
    """A pull brings another configuration: it runs no program, and nothing is sent to where it leads."""
    own = workspace.run("rclone", "config", "file").stdout.splitlines()[-1]
    section = Path(own).read_text().partition("[store]\n")[2].partition("\n[")[0]
    write_files(workspace.cwd, {"rclone.conf": f"[own]\n{section}\n", "data/a": "1"})
    write_files(remote.root / "bucket", {"there": "1"})
    workspace.batch(
        "add", "rclone", "--role", "s", "--master", "local", "--config", "rclone.conf", "own:bucket", "data"
    )
    parameters = workspace.json("config", "--resource", "data")
    assert next(p["value"] for p in parameters if p["name"] == "config") == "rclone.conf"
    published(workspace)
    assert (remote.root / "bucket" / "a").read_text() == "1"
    write_files(workspace.cwd, {"rclone.conf": "[own]\ntype = sftp\nhost = 127.0.0.2\nuser = x\n"})
    refused = workspace.batch("push", check=False)
    assert refused.returncode == 9, refused.stderr
    assert "nobody has agreed to contact it from this copy of the workspace" in refused.stderr
    assert "127.0.0.2" in refused.stderr
    canary = tmp_path / "CANARY"
    write_files(workspace.cwd, {"rclone.conf": f"[own]\ntype = sftp\nhost = x\nssh = touch {canary}\n"})
    assert "has the option 'ssh'" in workspace.batch("push", check=False).stderr
    status = next(r for r in workspace.json("report", "status")["resources"] if r["name"] == "data")
    assert "has the option 'ssh'" in status["origin"]
    assert not canary.exists()


def test_secrets_stay_in_the_configuration(remote: RcloneServer, workspace: User) -> None:
    configuration = Path(workspace.env["XDG_CONFIG_HOME"]) / "rclone" / "rclone.conf"
    secrets = [
        line.split(" = ")[1] for line in configuration.read_text().splitlines() if line.startswith(("pass ", "secret_"))
    ]
    write_files(remote.root / "bucket", FILES)
    said = workspace.dws("--verbose", "--batch", "add", "rclone", "--role", "s", "store:bucket", "data")
    workspace.batch("snapshot", HOST)
    stored = b"".join(
        path.read_bytes() for path in workspace.cwd.rglob("*") if path.is_file() and ".git/" not in str(path)
    )
    assert secrets
    for secret in secrets:
        assert secret not in said.stdout + said.stderr
        assert secret.encode() not in stored
