"""Running programs as a user would of whom the machine knows nothing else."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass, replace
from pathlib import Path

GIT_CONFIG = """\
[user]
\tname = Ada
\temail = ada@example.com
[init]
\tdefaultBranch = main
"""


@dataclass(frozen=True)
class Shell:
    """A current directory and an environment."""

    cwd: Path
    env: dict[str, str]

    def __call__(self, *command: str | Path, input: str | None = None) -> str:
        """Run a command and return its standard output. Raises CommandFailed unless it ends with 0."""
        done = subprocess.run(command, cwd=self.cwd, env=self.env, input=input or "", capture_output=True, text=True)
        if done.returncode:
            raise CommandFailed(
                f"{' '.join(map(str, command))} in {self.cwd} ended with status {done.returncode}:\n"
                f"{done.stdout}{done.stderr}"
            )
        return done.stdout

    def at(self, cwd: Path) -> Shell:
        return replace(self, cwd=cwd)

    def with_env(self, **env: str) -> Shell:
        return replace(self, env={**self.env, **env})


@dataclass(frozen=True)
class Tool:
    """An installation of Data Workspaces: a name for the table, and the `bin` of its Python environment."""

    name: str
    bin: Path

    def shell(self, cwd: Path, home: Path) -> Shell:
        """A shell that finds this installation first, with a home directory of its own."""
        home.mkdir(parents=True, exist_ok=True)
        (home / ".gitconfig").write_text(GIT_CONFIG)
        env = {
            "PATH": f"{self.bin}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(home),
            "XDG_CACHE_HOME": str(home / ".cache"),
            "GIT_CONFIG_GLOBAL": str(home / ".gitconfig"),
            "GIT_CONFIG_NOSYSTEM": "1",
            "LC_ALL": "C.UTF-8",
        }
        return Shell(cwd, env)


@dataclass(frozen=True)
class Settings:
    """What the command line of the benchmarks says."""

    ours: Tool
    work: Path
    """An empty directory for workspaces."""
    cache: Path
    """For environments of peers, which stay."""
    python39: Path | None
    rounds: int
    snapshots: int
    steps: int
    files: int
    many_files: int
    """0 leaves them out."""
    large_size: int
    """Bytes; 0 leaves it out."""


class CommandFailed(Exception):
    pass


def trainer(settings: Settings, name: str, script: str) -> Shell:
    """A workspace in which ``code/train.py`` is such a script, with a snapshot, of a user with a home of their own."""
    root = settings.work / name
    root.mkdir()
    shell = settings.ours.shell(root, settings.work / f"{name}-home")
    shell("dws", "--batch", "init", "--create-resources", "code,results")
    (root / "code/train.py").write_text(script)
    shell("dws", "--batch", "snapshot", "V1")
    return shell
