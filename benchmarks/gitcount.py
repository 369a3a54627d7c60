"""Counting the git processes of a command."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from .sandbox import Shell

WRAPPER = """\
#!/bin/sh
printf '%s\\0' "$*" >>'{log}'
GIT_TRACE2_EVENT='{trace}' exec '{git}' "$@"
"""


@dataclass(frozen=True)
class GitCalls:
    """What one command ran."""

    calls: tuple[str, ...]
    """The arguments of each git that the command itself started."""
    processes: int
    """These, and those that git started in turn, by git's own trace (`GIT_TRACE2_EVENT`)."""


def count_git(shell: Shell, directory: Path, *command: str) -> GitCalls:
    """Run `command` with a wrapper of git first on the PATH. `directory` is made anew, for the wrapper and its logs.

    Git finds its own programs before it looks at the PATH, so the wrapper sees none of its children. The command sees
    nothing of the trace: ours asks git again for what it remembers when a variable GIT_… has changed."""
    git = shutil.which("git", path=shell.env["PATH"])
    if git is None:
        raise FileNotFoundError("git")
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    log, trace, wrapper = directory / "log", directory / "trace", directory / "bin" / "git"
    wrapper.parent.mkdir()
    wrapper.write_text(WRAPPER.format(log=log, trace=trace, git=git))
    wrapper.chmod(0o755)
    path = f"{wrapper.parent}{os.pathsep}{shell.env['PATH']}"
    shell.with_env(PATH=path)(*command)
    calls = log.read_text().split("\0")[:-1] if log.exists() else []
    events = map(json.loads, trace.read_text().splitlines()) if trace.exists() else ()
    return GitCalls(tuple(calls), sum(event["event"] == "start" for event in events))
