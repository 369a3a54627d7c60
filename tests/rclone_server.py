"""Remotes of rclone on this machine: rclone's own servers for SFTP, WebDAV and S3."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from endtoend import User
from servers import LOOPBACK, free_port

USER, PASSWORD = "ada", "a-long-password-of-ada"
KINDS = ("sftp", "webdav", "s3")
_START_TIMEOUT = 60
_OPTIONS = ("--config=/dev/null", "--dir-cache-time=10ms", "--poll-interval=0")
"""What a test writes at the remote is seen by the next program, which takes longer to start than directories are kept in
memory. For 0 seconds a server keeps none either, but throws away what it does not have again and again: a processor is
busy with that from the first file that is written until the server ends."""


def find_program() -> str | None:
    beside = Path(sys.executable).with_name("rclone")
    return str(beside) if beside.exists() else shutil.which("rclone")


needs_rclone = pytest.mark.skipif(find_program() is None, reason="needs rclone")


@dataclass
class RcloneServer:
    """What is at the remote lies in `root`; of S3 each directory of it is a bucket."""

    kind: str
    root: Path
    vendor: str = "rclone"
    """Of WebDAV: what `other` has keeps neither times nor hashes."""
    port: int = 0
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def command(self) -> list[str]:
        program = find_program()
        assert program is not None
        keys = [f"--auth-key={USER},{PASSWORD}"] if self.kind == "s3" else [f"--user={USER}", f"--pass={PASSWORD}"]
        places = ["--", str(self.root)]
        return [program, "serve", self.kind, f"--addr={LOOPBACK}:{self.port}", *_OPTIONS, *keys, *places]

    def options(self, password: str = PASSWORD) -> list[str]:
        """What `rclone config create NAME` needs."""
        if self.kind == "sftp":
            return ["sftp", f"host={LOOPBACK}", f"port={self.port}", f"user={USER}", f"pass={password}"]
        if self.kind == "webdav":
            url = f"http://{LOOPBACK}:{self.port}"
            return ["webdav", f"url={url}", f"vendor={self.vendor}", f"user={USER}", f"pass={password}"]
        return [
            "s3", "provider=Other", f"endpoint=http://{LOOPBACK}:{self.port}",
            f"access_key_id={USER}", f"secret_access_key={password}", "use_multipart_uploads=false",
        ]  # fmt: skip

    def configure(self, user: User, name: str = "store", password: str = PASSWORD) -> None:
        """Make a remote in the user's configuration of rclone."""
        user.run("rclone", "config", "create", "--obscure", name, *self.options(password))

    def start(self) -> RcloneServer:
        self.root.mkdir(parents=True, exist_ok=True)
        self.port = self.port or free_port()
        self.process = subprocess.Popen(
            self.command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        for _ in range(_START_TIMEOUT * 20):
            assert self.process.poll() is None, f"rclone serve {self.kind} has ended"
            try:
                socket.create_connection((LOOPBACK, self.port), timeout=1).close()
                return self
            except OSError:
                time.sleep(0.05)
        raise RuntimeError(f"rclone serve {self.kind} does not answer")

    def stop(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()


@pytest.fixture(params=KINDS)
def remote(request: pytest.FixtureRequest, tmp_path: Path, user: User) -> Iterator[RcloneServer]:
    """A server of each kind, which the user's rclone knows as `store`. `bucket` is a directory, or bucket, of it."""
    server = RcloneServer(request.param, tmp_path / "remote")
    (server.root / "bucket").mkdir(parents=True)
    server.start()
    server.configure(user)
    yield server
    server.stop()
