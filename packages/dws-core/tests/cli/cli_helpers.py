"""What the tests of the command line share: a workspace in files, pretended distributions, and a real terminal."""

from __future__ import annotations

import fcntl
import os
import pickle
import pty
import select
import struct
import subprocess
import sys
import termios
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import ParseResult

from dataworkspaces.testing.memory import MemoryStore, MemoryWorkspace

TESTS = Path(__file__).parent.parent
DWS = [sys.executable, "-m", "dataworkspaces.cli.main"]
STORE = "store.pickle"


class StoredWorkspaceFactory:
    """Opens, in another process, what :func:`store` left: the scheme ``stored`` of workspaces' URIs."""

    @staticmethod
    def load_workspace(batch: bool, verbose: bool, parsed_uri: ParseResult) -> MemoryWorkspace:
        directory = Path(parsed_uri.path)
        kept: MemoryStore = pickle.loads((directory / STORE).read_bytes())
        workspace = MemoryWorkspace(directory, kept)
        workspace.batch = batch
        return workspace


def store(workspace: MemoryWorkspace) -> str:
    """Keep a workspace for other processes; returns its URI."""
    (workspace.directory / STORE).write_bytes(pickle.dumps(workspace.store))
    return f"stored:{workspace.directory}"


@dataclass
class Installation:
    """A directory in which distributions are installed, for processes that have it on their path."""

    directory: Path
    env: dict[str, str] = field(default_factory=dict)

    def add(self, name: str, entry_points: dict[str, dict[str, str]], modules: dict[str, str] | None = None) -> None:
        """Install a distribution: entry points by group, and source code by module."""
        info = self.directory / f"{name.replace('-', '_')}-1.0.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        sections = [
            f"[{group}]\n" + "".join(f"{key} = {value}\n" for key, value in names.items())
            for group, names in entry_points.items()
        ]
        (info / "entry_points.txt").write_text("\n".join(sections))
        for module, source in (modules or {}).items():
            (self.directory / f"{module}.py").write_text(source)

    def environment(self, **more: str) -> dict[str, str]:
        path = os.pathsep.join([str(self.directory), str(TESTS), str(TESTS / "cli")])
        return {**os.environ, "PYTHONPATH": path, **self.env, **more}

    def run(self, *arguments: str, input: str = "", **env: str) -> subprocess.CompletedProcess[str]:
        """Run ``dws`` in a process of its own, without a terminal."""
        return subprocess.run(
            [*DWS, *arguments], env=self.environment(**env), input=input, capture_output=True, text=True, timeout=60
        )

    def python(self, code: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", code], env=self.environment(), capture_output=True, text=True, timeout=60
        )


@dataclass
class Screen:
    """What a program did on a terminal."""

    text: str
    status: int


def on_terminal(
    command: list[str],
    *,
    columns: int = 80,
    env: dict[str, str] | None = None,
    answers: dict[str, str] | None = None,
    stdout: Any = None,
) -> Screen:
    """Run a program on a terminal of its own.

    :param answers: what is typed when a text appears. ``"\\x03"`` is Ctrl-C, ``"\\x04"`` the end of the input.
    :param stdout: goes there instead of to the terminal.
    """
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    environment = {k: v for k, v in (env or os.environ).items() if k not in ("NO_COLOR", "COLUMNS")}
    process = subprocess.Popen(
        command,
        stdin=theirs,
        stdout=theirs if stdout is None else stdout,
        stderr=theirs,
        env={"TERM": "xterm-256color", **environment},
        start_new_session=True,
        preexec_fn=_take_terminal,
    )
    os.close(theirs)
    seen = _read(ours, dict(answers or {}))
    os.close(ours)
    return Screen(seen.replace("\r\n", "\n"), process.wait(timeout=10))


def _take_terminal() -> None:
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def _read(terminal: int, answers: dict[str, str]) -> str:
    """All that appears until the program has gone; types the answers."""
    seen = b""
    typed = ""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        if not select.select([terminal], [], [], 0.5)[0]:
            if typed == "\x03":  # It is lost on a program that is just about to read.
                os.write(terminal, typed.encode())
            continue
        try:
            chunk = os.read(terminal, 65536)
        except OSError:  # Linux's way to say that nobody holds the other end
            break
        seen += chunk
        for text in [text for text in answers if text in seen.decode("utf-8", "replace")]:
            typed = answers.pop(text)
            os.write(terminal, typed.encode())
    return seen.decode("utf-8", "replace")
