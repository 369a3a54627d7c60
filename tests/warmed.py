"""A process that has done what commands do when it is forked for one.

The first command of a process fills what Python keeps for its life: compiled patterns, tables of classes, the list of
plug-ins, code that has adapted to its types. In a fork that is most of the time of a command, and all of it is done
again in the next one. Commands of a workspace that is gone do it here once, for all forks.
"""

from __future__ import annotations

import io
import os
import sys
import tempfile
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

COMMANDS = (
    ["--batch", "init", "--hostname", "warm", "--create-resources", "code,results"],
    ["--batch", "snapshot", "A"],
    ["--batch", "restore", "A"],
    ["report", "status"],
    ["report", "history"],
)


def warm_up() -> None:
    """Run commands in this process, which is as before afterwards: its directory, arguments and streams."""
    from dataworkspaces.cli.main import main

    here, arguments, said = os.getcwd(), sys.argv, io.StringIO()
    with tempfile.TemporaryDirectory(prefix="dws-warmed-") as directory:
        os.chdir(directory)
        try:
            for command in COMMANDS:
                if Path("code").exists():
                    Path("code/run.py").write_text(f"print({command})\n")
                sys.argv = ["dws", *command]
                try:
                    with redirect_stdout(said), redirect_stderr(said):
                        main()
                except SystemExit as e:
                    if e.code != 0:
                        raise RuntimeError(f"{command}: {said.getvalue()}") from e
        finally:
            os.chdir(here)
            sys.argv = arguments
