"""What a workspace names is contacted once the user of this machine has agreed, and not before."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from endtoend import FAILED, User, isolated_environment, write_files
from forked import Forked

pytestmark = pytest.mark.slow


class Listener:
    """A server that notes the first line of each request, and refuses it."""

    def __init__(self) -> None:
        requests: list[str] = []

        class Handler(BaseHTTPRequestHandler):
            def handle_one_request(self) -> None:
                requests.append(self.rfile.readline().decode("latin-1"))
                self.close_connection = True
                self.wfile.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")

        self.requests = requests
        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def listener() -> Iterator[Listener]:
    found = Listener()
    yield found
    found.server.shutdown()


@pytest.fixture
def author(tmp_path: Path) -> User:
    """Somebody with a workspace of theirs, and an empty repository to publish it to."""
    directory = tmp_path / "author" / "ws"
    directory.mkdir(parents=True)
    author = Forked(directory, isolated_environment(tmp_path / "author-home"))
    author.git("init", "-q", "--bare", tmp_path / "hub.git")
    author.batch("init", "--hostname", "h1", "--create-resources", "code")
    return author


@pytest.fixture
def victim(tmp_path: Path) -> User:
    """Somebody else, who agrees to nothing unasked."""
    (tmp_path / "victim").mkdir()
    env = {
        **isolated_environment(tmp_path / "victim-home"),
        "AWS_ACCESS_KEY_ID": "ID",
        "AWS_SECRET_ACCESS_KEY": "SECRET",
    }
    return Forked(tmp_path / "victim", env, trusts=False)


def publish(author: User, tmp_path: Path) -> Path:
    write_files(author.cwd, {"code/run.py": "print(1)\n"})
    author.batch("snapshot", "S1")
    author.batch("publish", tmp_path / "hub.git")
    return tmp_path / "hub.git"


def plant(author: User, name: str, parameters: str) -> None:
    """A resource that no `dws add` has made."""
    entry = f'{{"position": 9, "parameters": {{"name": "{name}", {parameters}}}}}\n'
    write_files(author.cwd, {f".dataworkspace/resources/{name}.json": entry})
    author.git("add", "--all")
    author.git("commit", "-q", "-m", "x")
    author.git("push", "-q", "origin", "HEAD")


def test_a_remote_of_local_files(author: User, victim: User, tmp_path: Path) -> None:
    write_files(author.cwd, {"data/a": "1\n"})
    remote = tmp_path / "remote"
    author.batch("add", "local-files", "--role", "s", "--remote", remote, "data")  # who adds it has agreed
    hub = publish(author, tmp_path)
    done = victim.batch("clone", "--hostname", "h2", hub, "ws", check=False)
    assert done.returncode in FAILED
    assert f"error: Resource 'data' names {remote.as_uri()}" in done.stderr
    assert "dws trust" in done.stderr
    here = victim.at(victim.cwd / "ws")
    assert not (here.cwd / "data" / "a").exists()
    listed = here.json("trust")
    assert [(row["address"], row["agreed"]) for row in listed] == [(remote.as_uri(), False)]
    assert here.batch("trust", "nowhere", check=False).returncode == 4
    here.batch("trust", "data")
    assert here.json("trust")[0]["agreed"]
    here.batch("pull")
    assert (here.cwd / "data" / "a").read_text() == "1\n"
    # Another copy is another workspace, as what is said of it tells; its address is asked for again, and a yes is kept.
    said = victim.dws("clone", "--hostname", "h3", hub, "other", input="y\n")
    assert "which this copy of the workspace has not contacted yet" in said.stdout + said.stderr
    assert (victim.cwd / "other" / "data" / "a").exists(), said.stdout + said.stderr


def test_a_changed_address_is_a_new_one(author: User, victim: User, tmp_path: Path) -> None:
    write_files(author.cwd, {"data/a": "1\n"})
    author.batch("add", "local-files", "--role", "s", "--remote", tmp_path / "remote", "data")
    hub = publish(author, tmp_path)
    victim.batch("clone", "--hostname", "h2", "--trust", hub, "ws")
    here = victim.at(victim.cwd / "ws")
    elsewhere = tmp_path / "elsewhere"
    author.batch("config", "--resource", "data", "remote", elsewhere)
    write_files(author.cwd, {"data/b": "2\n"})
    author.batch("snapshot", "S2")
    author.batch("push")
    done = here.batch("pull", check=False)
    assert done.returncode in FAILED
    assert f"names {elsewhere.as_uri()}" in done.stderr
    assert not (here.cwd / "data" / "b").exists()
    here.batch("pull", "--trust")
    assert (here.cwd / "data" / "b").exists()
    here.batch("trust", "--revoke", elsewhere.as_uri())
    assert not here.json("trust")[0]["agreed"]


def test_a_bucket_at_a_server_of_somebody(author: User, victim: User, listener: Listener, tmp_path: Path) -> None:
    hub = publish(author, tmp_path)
    parameters = (
        f'"resource_type": "s3", "role": "source-data", "bucket_name": "bucket", "endpoint_url": "{listener.url}"'
    )
    plant(author, "bait", parameters)
    victim.batch("clone", "--hostname", "h2", hub, "ws")
    here = victim.at(victim.cwd / "ws")
    for command in (["ls", "bait:"], ["snapshot", "S2"], ["restore", "S1"], ["report", "status"], ["fsck"], ["pull"]):
        said = here.batch(*command, check=False)
        assert "Traceback" not in said.stderr
    assert listener.requests == []
    refused = here.batch("ls", "bait:", check=False)
    assert refused.returncode == 9
    assert f"s3://bucket at {listener.url}" in refused.stderr
    here.batch("trust", "bait")
    assert here.batch("ls", "bait:", check=False).returncode != 9
    assert listener.requests


def test_a_remote_of_rclone_that_is_the_users_own(author: User, victim: User, tmp_path: Path) -> None:
    """The name of a remote in the victim's own configuration is enough to read it."""
    hub = publish(author, tmp_path)
    private = tmp_path / "private"
    write_files(private, {"diary": "secret\n"})
    victim.run("rclone", "config", "create", "private", "alias", "remote", private)
    parameters = (
        '"resource_type": "rclone", "role": "source-data", "remote_origin": "private:", "config": null, '
        '"master": "remote", "global_local_path": "/nowhere", "relative_local_path": "loot", "compute_hash": true, '
        '"export": false, "imported": false'
    )
    plant(author, "loot", parameters)
    done = victim.batch("clone", "--hostname", "h2", hub, "ws", check=False)
    assert done.returncode in FAILED
    assert "names rclone private: of your configuration" in done.stderr
    assert not (victim.cwd / "ws" / "loot" / "diary").exists()


def test_a_configuration_of_rclone_that_wipes_a_directory(author: User, victim: User, tmp_path: Path) -> None:
    hub = publish(author, tmp_path)
    place = tmp_path / "place"
    write_files(place, {"precious": "1\n"})
    section = f"[bait]\ntype = cache\nremote = other:\nchunk_path = {place}\ndb_path = {place}\ndb_purge = true\n"
    write_files(author.cwd, {"rclone.conf": f"{section}[other]\ntype = memory\n"})
    parameters = (
        '"resource_type": "rclone", "role": "source-data", "remote_origin": "bait:", "config": "rclone.conf", '
        '"master": "remote", "global_local_path": "/nowhere", "relative_local_path": "loot"'
    )
    plant(author, "loot", parameters)
    done = victim.batch("clone", "--hostname", "h2", "--trust", hub, "ws", check=False)
    assert done.returncode in FAILED
    assert "is of the type 'cache'" in done.stderr
    assert (place / "precious").read_text() == "1\n"
    assert [path.name for path in place.iterdir()] == ["precious"]


def test_git_fat_at_a_place_of_this_machine(author: User, victim: User, tmp_path: Path) -> None:
    hub = publish(author, tmp_path)
    store = tmp_path / "store"
    store.mkdir()
    write_files(author.cwd, {".gitfat": f"[rsync]\n\tremote = {store}\n", ".gitattributes": "*.bin filter=fat -crlf\n"})
    author.git("add", "--all")
    author.git("commit", "-q", "-m", "x")
    author.git("push", "-q", "origin", "HEAD")
    done = victim.batch("clone", "--hostname", "h2", hub, "ws", check=False)
    assert done.returncode in FAILED
    assert f"names git-fat {store}" in done.stderr
    here = victim.at(victim.cwd / "ws")
    write_files(here.cwd, {"code/large.bin": "x" * 1000})
    here.batch("snapshot", "V1", check=False)
    assert here.batch("push", check=False).returncode == 9
    assert list(store.iterdir()) == []


def test_agreements_do_not_travel(author: User, victim: User, tmp_path: Path) -> None:
    """Neither with a clone nor with a copy of all of the author's files."""
    write_files(author.cwd, {"data/a": "1\n"})
    author.batch("add", "local-files", "--role", "s", "--remote", tmp_path / "remote", "data")
    author.batch("snapshot", "S1")
    author.run("cp", "-a", author.cwd, victim.cwd / "copy")
    here = victim.at(victim.cwd / "copy")
    assert [row["agreed"] for row in here.json("trust")] == [False]
    assert here.batch("push", check=False).returncode != 0
