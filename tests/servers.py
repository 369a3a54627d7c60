"""Real remotes for the end-to-end tests, all on this machine: bare repositories by path, by SSH and by HTTP.

The servers are the ones that people meet: OpenSSH's sshd, and git's own `http-backend` behind a small HTTP server that
can ask for a password, refuse to be written to, break connections, and count what is asked of it.
"""

from __future__ import annotations

import base64
import getpass
import os
import shlex
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import BinaryIO
from urllib.parse import unquote, urlsplit

import pytest
from endtoend import User, write_git_config

LOOPBACK = "127.0.0.1"
SSHD = "/usr/sbin/sshd"

needs_sshd = pytest.mark.skipif(not os.access(SSHD, os.X_OK), reason="needs OpenSSH's server")


def make_bare(path: Path) -> Path:
    """An empty bare repository, as a hosting service makes one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run(["git", "init", "--quiet", "--bare", "--initial-branch=main", str(path)], check=True)
    return path


def references(bare: Path) -> dict[str, str]:
    """All references of a repository with their commits: what a push changes."""
    listed = subprocess.run(
        ["git", "for-each-ref", "--format=%(refname) %(objectname)"],
        cwd=bare, capture_output=True, check=True, encoding="utf-8",
    ).stdout  # fmt: skip
    return dict(line.split() for line in listed.splitlines())


# -- SSH -----------------------------------------------------------------------------------------------------------


@dataclass
class SshServer:
    """An sshd of our own. A user reaches it with the environment that `for_user` gives."""

    directory: Path
    port: int = 0
    process: subprocess.Popen[bytes] | None = None

    @property
    def environment(self) -> dict[str, str]:
        """What makes git's ssh know this host and have a key for it."""
        return {"GIT_SSH_COMMAND": f"ssh -F {shlex.quote(str(self.directory / 'client_config'))}"}

    def for_user(self, user: User) -> User:
        return user.at(user.cwd, **self.environment)

    def url(self, path: Path) -> str:
        return f"ssh://{getpass.getuser()}@{LOOPBACK}:{self.port}{path}"

    def short_url(self, path: Path) -> str:
        """The form that hosting services show: `git@github.com:NAME/REPOSITORY.git`."""
        return f"{getpass.getuser()}@hub.example.com:{path}"

    def start(self) -> None:
        self.directory.mkdir(parents=True, exist_ok=True)
        for name in ("host_key", "user_key"):
            subprocess.run(
                ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(self.directory / name)], check=True
            )
        shutil.copyfile(self.directory / "user_key.pub", self.directory / "authorized_keys")
        if os.geteuid() == 0:
            Path("/run/sshd").mkdir(parents=True, exist_ok=True)
        for _ in range(5):
            self.port = free_port()
            self.write_configuration()
            log = (self.directory / "sshd.log").open("ab")
            with log:
                self.process = subprocess.Popen(
                    [SSHD, "-D", "-e", "-f", str(self.directory / "server_config")],
                    stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                )  # fmt: skip
            if self.answers():
                return
        raise RuntimeError((self.directory / "sshd.log").read_text())

    def write_configuration(self) -> None:
        where = self.directory
        (where / "server_config").write_text(
            f"Port {self.port}\nListenAddress {LOOPBACK}\nHostKey {where}/host_key\n"
            f"AuthorizedKeysFile {where}/authorized_keys\nStrictModes no\nUsePAM no\nPasswordAuthentication no\n"
            "KbdInteractiveAuthentication no\nPermitRootLogin prohibit-password\nPidFile none\nMaxStartups 100\n"
            "Subsystem sftp internal-sftp\n"
        )
        host_key = " ".join((where / "host_key.pub").read_text().split()[:2])
        (where / "known_hosts").write_text(f"[{LOOPBACK}]:{self.port} {host_key}\n")
        (where / "client_config").write_text(
            f"Host hub.example.com\n  HostName {LOOPBACK}\n  Port {self.port}\n"
            f"Host *\n  IdentityFile {where}/user_key\n  IdentitiesOnly yes\n  UserKnownHostsFile {where}/known_hosts\n"
            "  GlobalKnownHostsFile /dev/null\n  StrictHostKeyChecking yes\n  BatchMode yes\n"
        )

    def answers(self) -> bool:
        """Wait until it listens; False if it has ended instead, for another process took the port."""
        assert self.process is not None
        for _ in range(500):
            if self.process.poll() is not None:
                return False
            try:
                socket.create_connection((LOOPBACK, self.port), timeout=1).close()
                return True
            except OSError:
                time.sleep(0.02)
        return False

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(timeout=30)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def ssh_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SshServer]:
    """One sshd for all tests: it serves any path, and has no state."""
    if not os.access(SSHD, os.X_OK):
        pytest.skip("needs OpenSSH's server")
    server = SshServer(tmp_path_factory.mktemp("sshd"))
    server.start()
    yield server
    server.stop()


# -- HTTP ----------------------------------------------------------------------------------------------------------


@dataclass
class HttpServer:
    """Serves all bare repositories below a directory.

    :ivar user_name, password: if set, every request has to bring them.
    :ivar read_only: names of repositories (`ws.git`) that refuse a push as hosting services do, with status 403.
    :ivar gone: names of repositories that are not found, whatever the disk holds.
    :ivar cut_after: break the connection when a POST has brought or got so many bytes; None is never.
    :ivar requests: method and path of each request, in order.
    """

    root: Path
    user_name: str | None = None
    password: str | None = None
    read_only: set[str] = field(default_factory=set)
    gone: set[str] = field(default_factory=set)
    cut_after: int | None = None
    requests: list[tuple[str, str]] = field(default_factory=list)
    httpd: ThreadingHTTPServer | None = None

    def start(self) -> None:
        self.root.mkdir(parents=True, exist_ok=True)
        write_git_config(self.root / "gitconfig")
        outer = self

        class Handler(GitHandler):
            server_state = outer

        self.httpd = ThreadingHTTPServer((LOOPBACK, 0), Handler)
        self.httpd.daemon_threads = True
        threading.Thread(target=self.httpd.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def stop(self) -> None:
        if self.httpd is not None:
            self.httpd.shutdown()
            self.httpd.server_close()
            self.httpd = None

    def url(self, path: Path, *, user_name: str | None = None, password: str | None = None) -> str:
        """The address of a repository below the root, with a name and a password on request."""
        assert self.httpd is not None
        who = "" if user_name is None else f"{user_name}@" if password is None else f"{user_name}:{password}@"
        return f"http://{who}{LOOPBACK}:{self.httpd.server_address[1]}/{path.relative_to(self.root)}"

    @property
    def sent_packs(self) -> int:
        """How many requests have brought something to be pushed (git asks first what is there; this is not counted)."""
        return sum(method == "POST" and path.endswith("/git-receive-pack") for method, path in self.requests)


class GitHandler(BaseHTTPRequestHandler):
    """Hands each request to `git http-backend`, as the web servers of the manual of git do."""

    protocol_version = "HTTP/1.1"
    server_state: HttpServer

    def do_GET(self) -> None:
        self.handle_request(b"")

    def do_POST(self) -> None:
        body = self.read_body()
        if body is None:
            self.break_connection()
        else:
            self.handle_request(body)

    def read_body(self) -> bytes | None:
        """What the client sends; None if the connection is to break before its end."""
        limit = self.server_state.cut_after
        source: BinaryIO = self.rfile  # type: ignore[assignment]
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            length = int(self.headers.get("Content-Length") or 0)
            body = source.read(length if limit is None else min(length, limit))
            return None if len(body) < length else body
        body = b""
        while size := int(source.readline().split(b";")[0], 16):
            body += source.read(size)
            source.readline()
            if limit is not None and len(body) > limit:
                return None
        source.readline()
        return body

    def handle_request(self, body: bytes) -> None:
        state = self.server_state
        split = urlsplit(self.path)
        path = unquote(split.path)
        state.requests.append((self.command, path))
        repository = path.lstrip("/").split("/")[0]
        if not self.is_authorized():
            self.answer(401, b"who are you?\n", {"WWW-Authenticate": 'Basic realm="git"'})
        elif repository in state.gone:
            self.answer(404, b"not found\n")
        elif repository in state.read_only and "git-receive-pack" in self.path:
            self.answer(403, b"you may not push here\n")
        else:
            self.answer_of_git(path, split.query, body)

    def is_authorized(self) -> bool:
        state = self.server_state
        if state.user_name is None:
            return True
        kind, _, given = self.headers.get("Authorization", "").partition(" ")
        expected = f"{state.user_name}:{state.password}".encode()
        try:
            return kind == "Basic" and base64.b64decode(given) == expected
        except ValueError:
            return False

    def answer_of_git(self, path: str, query: str, body: bytes) -> None:
        env = {
            "PATH": os.environ["PATH"],
            "GIT_PROJECT_ROOT": str(self.server_state.root),
            "GIT_HTTP_EXPORT_ALL": "1",
            "GIT_CONFIG_GLOBAL": str(self.server_state.root / "gitconfig"),
            "GIT_CONFIG_NOSYSTEM": "1",
            "REMOTE_USER": "somebody",  # so that http-backend lets them push
            "REMOTE_ADDR": self.client_address[0],
            "REQUEST_METHOD": self.command,
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(body)),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
        }
        done = subprocess.run(["git", "http-backend"], env=env, input=body, capture_output=True)
        head, _, content = done.stdout.partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode("latin-1").split("\r\n") if ": " in line)
        status = int(headers.pop("Status", "200 OK" if done.returncode == 0 else "500 Error").split()[0])
        self.answer(status, content, headers)

    def answer(self, status: int, content: bytes, headers: dict[str, str] | None = None) -> None:
        limit = self.server_state.cut_after
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command == "POST" and limit is not None and len(content) > limit:
            self.wfile.write(content[:limit])
            self.break_connection()
        else:
            self.wfile.write(content)

    def break_connection(self) -> None:
        self.close_connection = True
        self.wfile.flush()
        self.connection.shutdown(socket.SHUT_RDWR)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: the list of requests says it."""


@pytest.fixture
def http_server(tmp_path: Path) -> Iterator[HttpServer]:
    """A server of the repositories that a test makes below its root."""
    server = HttpServer(tmp_path / "www")
    server.start()
    yield server
    server.stop()
