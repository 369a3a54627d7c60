"""What rclone cannot see at some remotes, or would not do if the environment says so: what is told as sent is there."""

from __future__ import annotations

import functools
import shutil
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from endtoend import FAILED, HOST, User, write_files
from rclone_server import RcloneServer, needs_rclone
from servers import free_port

pytestmark = [pytest.mark.slow, needs_rclone]

REMOTES = ("webdav", "crypt", "local")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RcloneServer]:
    """WebDAV without times and hashes."""
    found = RcloneServer("webdav", tmp_path_factory.mktemp("webdav"), vendor="other").start()
    yield found
    found.stop()


@pytest.fixture
def user(user: User) -> User:
    """Two that make one directory at a time lock each other out of rclone's WebDAV."""
    return user.at(user.cwd, RCLONE_RETRIES="1", RCLONE_LOW_LEVEL_RETRIES="1", RCLONE_TRANSFERS="1")


@pytest.fixture
def workspace(user: User, tmp_path: Path) -> User:
    """A user at the root of a workspace without resources, which is published."""
    root = user.cwd / "ws"
    root.mkdir()
    here = user.at(root)
    here.batch("init", "--hostname", HOST)
    here.git("init", "--quiet", "--bare", tmp_path / "hub.git")
    here.batch("publish", tmp_path / "hub.git")
    return here


@pytest.fixture
def place(request: pytest.FixtureRequest, server: RcloneServer, user: User, tmp_path: Path) -> str:
    """An empty directory at a remote of the kind that a test asks for."""
    server.configure(user, "dav")
    directory = tmp_path.name
    (server.root / directory).mkdir()
    if request.param == "local":
        user.run("rclone", "config", "create", "store", "local")
        return f"store:{tmp_path}/remote"
    if request.param == "crypt":
        user.run("rclone", "config", "create", "--obscure", "store", "crypt", f"remote=dav:{directory}", "password=x")
        return "store:inside"
    return f"dav:{directory}"


def at_remote(user: User, place: str) -> dict[str, str]:
    copy = user.cwd.parent / "seen"
    shutil.rmtree(copy, ignore_errors=True)
    user.run("rclone", "copy", place, copy)
    return texts(copy)


def texts(directory: Path) -> dict[str, str]:
    return {str(p.relative_to(directory)): p.read_text() for p in directory.rglob("*") if p.is_file()}


def edit_keeping_times(path: Path, text: str) -> None:
    """As ``cp -p`` of a file with the same size and time does."""
    other = path.with_name("other")
    other.write_text(text)
    shutil.copystat(path, other)
    shutil.copy2(other, path)
    other.unlink()


@pytest.mark.parametrize("place", REMOTES, indirect=True)
def test_an_edit_of_the_same_size_and_time_is_sent(place: str, workspace: User) -> None:
    data = workspace.cwd / "data"
    write_files(data, {"a.csv": "1\n", "deep/ü b.csv": "1\n", "same.csv": "0\n"})
    workspace.batch("add", "rclone", "--role", "source-data", "--master", "local", "--sync-mode", "sync", place, "data")
    first = workspace.batch("push").stdout
    assert ("keeps neither times nor hashes" in first) == ("local" not in place and not place.endswith("/remote"))
    edit_keeping_times(data / "a.csv", "2\n")
    edit_keeping_times(data / "deep/ü b.csv", "2\n")
    assert workspace.json("push", "--dry-run")["changes"]["data"] == [
        {"status": "modified", "path": "a.csv"},
        {"status": "modified", "path": "deep/ü b.csv"},
    ]
    report = workspace.json("report", "status")["resources"]
    assert report[0]["origin"].endswith("a.csv (differs), deep/ü b.csv (differs)")
    told = workspace.batch("push").stdout
    assert "sent 2 files" in told
    assert "keeps neither" not in told
    assert at_remote(workspace, place) == texts(data)
    assert "nothing to push" in workspace.batch("push").stdout


@pytest.mark.parametrize("place", ["webdav"], indirect=True)
def test_what_the_remote_had_before_is_not_taken_for_ours(place: str, workspace: User) -> None:
    data = workspace.cwd / "data"
    write_files(data, {"a.csv": "1\n"})
    write_files(workspace.cwd.parent / "theirs", {"a.csv": "9\n"})
    workspace.run("rclone", "copy", workspace.cwd.parent / "theirs", place)
    workspace.batch("add", "rclone", "--role", "source-data", "--master", "local", place, "data")
    assert "sent 1 file" in workspace.batch("push").stdout
    assert at_remote(workspace, place) == {"a.csv": "1\n"}


@pytest.mark.parametrize("place", ["webdav", "local"], indirect=True)
def test_checksum_finds_what_was_changed_at_the_remote(place: str, workspace: User) -> None:
    data, theirs = workspace.cwd / "data", workspace.cwd.parent / "theirs"
    write_files(data, {"a.csv": "1\n", "b.csv": "1\n"})
    workspace.batch("add", "rclone", "--role", "source-data", "--master", "local", place, "data")
    workspace.batch("push")
    shutil.copytree(data, theirs)
    edit_keeping_times(theirs / "a.csv", "9\n")
    workspace.run("rclone", "copy", "--ignore-times", theirs, place)
    assert "sent 1 file" in workspace.batch("push", "--checksum").stdout
    assert at_remote(workspace, place) == {"a.csv": "1\n", "b.csv": "1\n"}


@pytest.mark.parametrize("place", ["crypt", "local"], indirect=True)
def test_pull(place: str, workspace: User) -> None:
    """What was changed here comes back, and is kept; what was changed there comes with `--checksum`."""
    data, theirs = workspace.cwd / "data", workspace.cwd.parent / "theirs"
    write_files(theirs, {"a.csv": "1\n", "b.csv": "1\n"})
    workspace.run("rclone", "copy", theirs, place)
    workspace.batch("add", "rclone", "--role", "source-data", "--master", "remote", place, "data")
    edit_keeping_times(data / "a.csv", "2\n")
    assert workspace.json("pull", "--dry-run")["changes"]["data"] == [{"status": "modified", "path": "a.csv"}]
    told = workspace.batch("pull").stdout
    assert "fetched 1 file" in told
    assert "1 file changed here before the pull: kept in" in told
    assert texts(data) == texts(theirs)
    write_files(data, {"mine.csv": "only here"})
    edit_keeping_times(theirs / "b.csv", "9\n")
    workspace.run("rclone", "copy", "--ignore-times", theirs, place)
    assert "nothing to pull" in workspace.batch("pull").stdout
    assert "fetched 1 file" in workspace.batch("pull", "--checksum").stdout
    assert texts(data) == {"mine.csv": "only here", **texts(theirs)}


@pytest.mark.parametrize("place", ["local"], indirect=True)
def test_with_all_of_them_what_is_told_as_sent_is_there(place: str, workspace: User) -> None:
    variables = {
        "RCLONE_DRY_RUN": "true", "RCLONE_MAX_TRANSFER": "1b", "RCLONE_EXCLUDE": "*.csv", "RCLONE_IGNORE_EXISTING": "true",
        "RCLONE_IMMUTABLE": "true", "RCLONE_HEAD": "1", "RCLONE_MODIFY_WINDOW": "1000h", "RCLONE_ONE_FILE_SYSTEM": "true",
    }  # fmt: skip
    workspace = workspace.at(workspace.cwd, **variables)
    data = workspace.cwd / "data"
    write_files(data, {"a.csv": "11\n", "b.csv": "1\n"})
    workspace.batch("add", "rclone", "--role", "source-data", "--master", "local", place, "data")
    workspace.batch("push")
    write_files(data, {"a.csv": "22\n"})
    assert "sent 1 file" in workspace.batch("push").stdout
    assert texts(Path(place.partition(":")[2])) == texts(data)
    shutil.rmtree(data)
    assert workspace.batch("cat", "data:a.csv").stdout == "22\n"


def test_a_relative_place_of_this_machine_is_meant_from_here(user: User, workspace: User) -> None:
    user.run("rclone", "config", "create", "here", "local")
    write_files(workspace.cwd.parent / "shared", {"a.csv": "1\n"})
    workspace.batch("add", "rclone", "--role", "source-data", "here:../shared", "data")
    assert texts(workspace.cwd / "data") == {"a.csv": "1\n"}
    told = workspace.json("config", "--resource", "data")
    assert f"here:{workspace.cwd.parent}/shared" in str(told)


# -- reading -------------------------------------------------------------------------------------------------------


class _Sender(BaseHTTPRequestHandler):
    """Serves files without saying how long they are."""

    def __init__(self, root: Path, *args: object) -> None:
        self.root = root
        super().__init__(*args)  # type: ignore[arg-type]

    def do_GET(self) -> None:
        path = self.root / self.path.strip("/")
        self.send_response(200 if path.exists() else 404)
        self.send_header("Content-Type", "text/html" if path.is_dir() else "text/plain")
        self.end_headers()
        if path.is_dir():
            self.wfile.write("".join(f'<a href="{p.name}">{p.name}</a>' for p in sorted(path.iterdir())).encode())
        elif path.exists() and self.command == "GET":
            self.wfile.write(path.read_bytes())

    do_HEAD = do_GET

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


@pytest.fixture
def sender(user: User, tmp_path: Path) -> Iterator[Path]:
    """What the user's remote `web` has, whose files have no size."""
    root = tmp_path / "www"
    root.mkdir()
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_Sender, root))  # type: ignore[arg-type]
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    user.run("rclone", "config", "create", "web", "http", f"url=http://127.0.0.1:{server.server_port}")
    yield root
    server.shutdown()
    server.server_close()


def test_files_of_unknown_size_are_read_to_their_end(sender: Path, workspace: User) -> None:
    content = "0123456789" * 200_000
    write_files(sender, {"a.txt": content, "empty.txt": ""})
    added = workspace.batch("add", "rclone", "--role", "source-data", "--master", "remote", "web:", "data")
    assert "web: does not say how large its files are" in added.stdout
    assert texts(workspace.cwd / "data") == {"a.txt": content, "empty.txt": ""}
    write_files(sender, {"empty.txt": "not any more"})
    assert "fetched 1 file" in workspace.batch("pull", "--checksum").stdout
    assert texts(workspace.cwd / "data")["empty.txt"] == "not any more"
    shutil.rmtree(workspace.cwd / "data")
    assert workspace.batch("cat", "data:a.txt").stdout == content
    workspace.batch("cp", "data:a.txt", "copy.txt")
    assert (workspace.cwd / "copy.txt").read_text() == content
    assert workspace.json("ls", "data:") == [{"name": "a.txt", "size": None}, {"name": "empty.txt", "size": None}]
    script = """
import fsspec
fs = fsspec.filesystem("dws")
print(fs.info("data/a.txt")["size"], fs.cat_file("data/a.txt", -3), fs.cat_file("data/a.txt", 2, 4))
with fs.open("data/a.txt", "rb") as file:
    print(file.seek(0, 2), file.seek(-2, 2), file.read(), file.seek(1), file.read(2))
print(fs.cat("data/empty.txt"))
try:
    print(fs.du("data"))
except Exception as e:
    print(type(e).__name__)
"""
    assert workspace.python("-c", script).stdout.splitlines() == [
        "None b'789' b'23'", "2000000 1999998 b'89' 1 b'12'", "b'not any more'", "UnavailableError",
    ]  # fmt: skip


@pytest.mark.parametrize("kind", ["webdav", "s3", "http"])
def test_a_remote_that_is_away_is_told_in_rclones_words(kind: str, workspace: User, tmp_path: Path) -> None:
    server = RcloneServer("s3" if kind == "s3" else "webdav", tmp_path / "remote")
    write_files(server.root, {"bucket/a.csv": "1\n"})
    server.port = free_port()
    server.configure(workspace)
    if kind == "http":
        workspace.run("rclone", "config", "create", "store", "http", f"url=http://127.0.0.1:{server.port}")
    else:
        server.start()
        workspace.batch("add", "rclone", "--role", "source-data", "store:bucket", "data")
        server.stop()
        shutil.rmtree(workspace.cwd / "data")
        for command in (["cat", "data:a.csv"], ["ls", "data:"], ["ls", "data:none"], ["cp", "data:a.csv", "x"]):
            failed = workspace.batch(*command, check=False)
            assert failed.returncode == 5
            assert "connection refused" in failed.stderr
            assert "There is no" not in failed.stderr
    failed = workspace.batch("add", "rclone", "--role", "source-data", "store:bucket", "more", check=False)
    assert failed.returncode in FAILED
    assert "connection refused" in failed.stderr


@pytest.mark.parametrize("place", ["webdav"], indirect=True)
def test_a_push_that_is_cut_short_is_done_again(place: str, workspace: User) -> None:
    """What it was about to send is not known to be there, though sizes are the same."""
    data = workspace.cwd / "data"
    write_files(data, {"a.csv": "1\n", "b.csv": "1\n"})
    workspace.batch("add", "rclone", "--role", "source-data", "--master", "local", place, "data")
    workspace.batch("push")
    edit_keeping_times(data / "a.csv", "2\n")
    broken = workspace.cwd.parent / "bin" / "rclone"
    broken.parent.mkdir()
    broken.write_text(f'#!/bin/sh\ncase "$*" in *--ignore-times*) exit 7;; esac\nexec {shutil.which("rclone")} "$@"\n')
    broken.chmod(0o755)
    there = workspace.at(workspace.cwd, PATH=f"{broken.parent}:{workspace.env['PATH']}")
    assert there.batch("push", check=False).returncode in FAILED
    edit_keeping_times(data / "a.csv", "1\n")  # as it was when it was sent last
    assert "sent 1 file" in workspace.batch("push").stdout
    assert at_remote(workspace, place) == texts(data)
