"""Do what CONTRIBUTING.md says to somebody who begins: run its set-up line, and the quick tests of one module.

`check_contributing.py DIRECTORY`: the environment is made there, not where yours may be.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from environment import ROOT


def main(directory: Path) -> int:
    environment = directory / "venv"
    # `uv venv` makes .venv of the current directory unless it is told of another.
    env = {**os.environ, "UV_PROJECT_ENVIRONMENT": str(environment), "VIRTUAL_ENV": str(environment)}
    line = set_up_line().replace("uv venv", f"uv venv --quiet --clear '{environment}'")
    tests = [str(environment / "bin" / "pytest"), "-q", "packages/dws-git/tests/test_checks.py"]
    for command in (["sh", "-euc", line], tests):
        status = subprocess.run(command, cwd=ROOT, env=env).returncode
        if status:
            return status
    return 0


def set_up_line() -> str:
    """The line of CONTRIBUTING.md that makes an environment to work in."""
    found = re.search(r"^    (uv venv .*)$", (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"), re.MULTILINE)
    if found is None:
        sys.exit("CONTRIBUTING.md has no line that begins with 'uv venv'")
    return found.group(1)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
