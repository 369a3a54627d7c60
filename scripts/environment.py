"""A virtual environment for the scripts beside this one, made with uv if there is one, else with pip."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

if sys.version_info < (3, 10):  # noqa: UP036 - the Python that runs the scripts may be any
    sys.exit(f"Python 3.10 or newer is needed, this is {sys.version.split()[0]}: make PYTHON=python3.12 …")


def make_environment(name: str, *requirements: str) -> Path:
    """Make a virtual environment below .venv, or bring it up to date; return its `bin`."""
    uv = working_uv()
    tag = f"{'uv' if uv else 'pip'}-{sys.version_info.major}.{sys.version_info.minor}"
    path = ROOT / ".venv" / f"{name}-{tag}"
    python = path / "bin" / "python"
    if uv:
        make = [uv, "venv", "--quiet", "--allow-existing", "--python", sys.executable]
        install = [uv, "pip", "install", "--quiet", "--python", str(python)]
    else:
        make = [sys.executable, "-m", "venv"]
        install = [str(python), "-m", "pip", "install", "--quiet"]
    for command in ([*make, str(path)], [*install, *requirements]):
        if subprocess.run(command).returncode:
            sys.exit(f"This failed: {' '.join(command)}")
    return python.parent


def working_uv() -> str | None:
    """The uv on the PATH, unless it is a version manager's shim with nothing behind it."""
    uv = shutil.which("uv")
    if uv and subprocess.run([uv, "--version"], capture_output=True).returncode == 0:
        return uv
    return None


def install_programs(packages: dict[str, str]) -> None:
    """Install the packages of Debian whose programs are missing, or say which they are, if that cannot be done here.

    :param packages: by program, its package."""
    path = os.pathsep.join([os.environ["PATH"], "/usr/sbin"])  # where servers are, which not every user has on the PATH
    missing = [package for program, package in packages.items() if shutil.which(program, path=path) is None]
    if not missing:
        return
    wanted = " ".join(missing)
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        print(f"Tests that need one of these are skipped; to run them, install: {wanted}", flush=True)
        return
    print(f"Installing {wanted} …", flush=True)
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (["apt-get", "update", "-qq"], ["apt-get", "install", "-y", "-qq", *missing]):
        if subprocess.run(command, env=env, stdout=subprocess.DEVNULL).returncode:
            print(f"This failed: {' '.join(command)}; tests that need one of these are skipped: {wanted}", flush=True)
            return


def distributions() -> list[Path]:
    """All but the template of one."""
    return sorted(path.parent for path in ROOT.glob("packages/dws-*/pyproject.toml"))


def with_dependencies(paths: Iterable[Path], *, tests: bool = False) -> set[Path]:
    """These distributions, and those of ours that they depend on. Extras are left out.

    :param tests: and those that the tests of ``paths`` need."""
    found: set[Path] = set()
    waiting = list(paths)
    if tests:
        waiting += [needed for path in waiting for needed in _ours(path, r"^test = \[(.*?)\]")]
    while waiting:
        path = waiting.pop()
        if path not in found:
            found.add(path)
            waiting += _ours(path, r"^dependencies = \[$(.*?)^\]$")
    return found


def _ours(path: Path, table: str) -> list[Path]:
    """What a list in the ``pyproject.toml`` of a distribution names of ours."""
    text = (path / "pyproject.toml").read_text(encoding="utf-8")
    required = re.search(table, text, re.MULTILINE | re.DOTALL)
    names = re.findall(r'"(dws-[a-z0-9]+)', required[1]) if required else []
    return [ROOT / "packages" / name for name in names]
