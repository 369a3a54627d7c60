"""An SSH server of our own on this machine, if OpenSSH is there."""

from __future__ import annotations

import getpass
import os
import shlex
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

SSHD = Path("/usr/sbin/sshd")
LOOPBACK = "127.0.0.1"


@dataclass(frozen=True)
class SshServer:
    """`command` is for git's `core.sshCommand`: it knows the server and has a key for it."""

    port: int
    command: str

    def url(self, path: Path) -> str:
        return f"ssh://{getpass.getuser()}@{LOOPBACK}:{self.port}{path}"


@contextmanager
def ssh_server(directory: Path) -> Iterator[SshServer | None]:
    """One that lives as long as the context, with keys and configuration in a directory; None where there is none."""
    if not os.access(SSHD, os.X_OK):
        yield None
        return
    directory.mkdir()
    for name in ("host_key", "user_key"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(directory / name)], check=True)
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(parents=True, exist_ok=True)
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port = int(probe.getsockname()[1])
    (directory / "config").write_text(
        f"Port {port}\nListenAddress {LOOPBACK}\nHostKey {directory}/host_key\n"
        f"AuthorizedKeysFile {directory}/user_key.pub\nStrictModes no\nUsePAM no\nPasswordAuthentication no\n"
        "KbdInteractiveAuthentication no\nPermitRootLogin prohibit-password\nPidFile none\n"
    )
    host_key = " ".join((directory / "host_key.pub").read_text().split()[:2])
    (directory / "known_hosts").write_text(f"[{LOOPBACK}]:{port} {host_key}\n")
    options = ["-F", "none", "-i", str(directory / "user_key"), "-o", f"UserKnownHostsFile={directory}/known_hosts"]
    command = shlex.join(["ssh", *options, "-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes"])
    with (directory / "log").open("wb") as log:
        process = subprocess.Popen([SSHD, "-D", "-e", "-f", str(directory / "config")], stdout=log, stderr=log)
    try:
        _wait(process, port, directory / "log")
        yield SshServer(port, command)
    finally:
        process.terminate()
        process.wait(timeout=30)


def _wait(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    for _ in range(500):
        if process.poll() is not None:
            break
        with suppress(OSError):
            socket.create_connection((LOOPBACK, port), timeout=1).close()
            return
        time.sleep(0.02)
    raise RuntimeError(f"sshd does not listen: {log.read_text()}")
