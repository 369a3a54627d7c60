"""Wheels of our distributions that lead to their sources, as `pip install -e` makes them, each built once.

What `-e` takes its time for is the building, which is the same in each environment and on each Python. A wheel is built
again when what it is made of has changed.
"""

from __future__ import annotations

import fcntl
import hashlib
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

from environment import ROOT, make_environment

WHEELS = ROOT / ".tox" / "editable-wheels"

BUILD = """
import os, sys
from setuptools import build_meta
directory, *distributions = sys.argv[1:]
for path in distributions:
    child = os.fork()  # setuptools builds one distribution in a process
    if not child:
        os.chdir(path)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        out = os.path.join(directory, os.path.basename(path))
        os.mkdir(out)
        build_meta.build_editable(out)
        os._exit(0)
    if os.waitpid(child, 0)[1]:
        sys.exit(f"{path} cannot be built")
"""


def editable_wheels(paths: Iterable[Path]) -> list[Path]:
    """Their wheels, which are built if they are not there. Environments may ask at the same time."""
    directories = {path: WHEELS / _name(path) for path in sorted(paths)}
    WHEELS.mkdir(parents=True, exist_ok=True)
    with (WHEELS / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if missing := [path for path, directory in directories.items() if not directory.is_dir()]:
            python = make_environment("setuptools", "setuptools>=77") / "python"
            with tempfile.TemporaryDirectory(dir=WHEELS) as built:
                done = subprocess.run([python, "-c", BUILD, built, *missing], stderr=subprocess.PIPE, text=True)
                if done.returncode:
                    sys.exit(f"Building {', '.join(path.name for path in missing)} failed:\n{done.stderr}")
                for path in missing:
                    (Path(built) / path.name).replace(directories[path])
    return [wheel for directory in directories.values() for wheel in directory.glob("*.whl")]


def _name(path: Path) -> str:
    """Of a directory that stands for what the wheel is made of: its metadata, and where the sources are."""
    digest = hashlib.sha256(str(path).encode())
    for name in ("pyproject.toml", "VERSION", "README.md", "LICENSE"):
        digest.update((path / name).read_bytes())
    return f"{path.name}-{digest.hexdigest()[:12]}"
