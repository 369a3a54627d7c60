"""Build each distribution as a release would be, and check that its wheel is complete and works alone.

`check_wheels.py DIRECTORY`; what is built stays in DIRECTORY/dist.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

from environment import ROOT, distributions, with_dependencies

VERSION = (ROOT / "VERSION").read_text().strip()
WHOLE = ROOT / "packages" / "dataworkspaces"
"""Has no code, and depends on the others."""

LOAD_ENTRY_POINTS = """
import sys
from importlib.metadata import distribution
for entry_point in distribution(sys.argv[1]).entry_points:
    entry_point.load()
"""

IMPORT_ALL = """
import pkgutil
from importlib import import_module
import dataworkspaces
for module in pkgutil.walk_packages(dataworkspaces.__path__, "dataworkspaces."):
    import_module(module.name)
"""

KERNEL = ("dws-core", "dws-lineage", "dws-commands")
"""Nothing in them is imported only where something else is installed."""

TESTED = "dws-sql"
"""Whose sdist runs its tests: they share a module with those of others."""

LACKING = {
    "dws-core": {"status": "dws-commands", "gc": "dws-files", "run": "dws-run"},
    "dws-commands": {"add local-files": "dws-files", "init --batch": "dws-git", "gc": "dws-files", "run": "dws-run"},
    "dws-sql": {"add local-files": "dws-files", "add git": "dws-git", "gc": "dws-files"},
}
"""Which distribution a command asks for where there is no other than this and what it depends on."""


def main(directory: Path) -> None:
    dist = directory / "dist"
    # The wheels are built from the sdists. One is built in an environment that holds what it asks for; the others ask
    # for the same, and get what is here already.
    here = ("--no-build-isolation", "--python", sys.executable)
    for path in distributions():
        run("uv", "build", "--quiet", *here, "--out-dir", dist, path)
    run("uv", "build", "--quiet", "--out-dir", dist, WHOLE)
    run("twine", "check", "--strict", *dist.glob("*.whl"), *dist.glob("*.tar.gz"))
    wheels = {path: find_wheel(dist, path) for path in distributions()}
    for path, wheel in wheels.items():
        check_content(wheel, path)
        check_alone(directory / path.name, path.name, {wheels[needed] for needed in with_dependencies([path])})
    for name in KERNEL:
        run(directory / name / "bin" / "python", "-c", IMPORT_ALL)
    for name, commands in LACKING.items():
        check_lacking(directory / name, commands)
    check_whole(directory / WHOLE.name, dist)
    check_sdist(directory, dist)


def check_sdist(directory: Path, dist: Path) -> None:
    """The tests that are in an sdist pass, with nothing else of the repository."""
    name = f"{TESTED.replace('-', '_')}-{VERSION}"
    with tarfile.open(dist / f"{name}.tar.gz") as archive:
        archive.extractall(directory, filter="data")
    python = directory / TESTED / "bin" / "python"
    wheels = {find_wheel(dist, path) for path in with_dependencies([ROOT / "packages" / TESTED], tests=True)}
    run("uv", "pip", "install", "--quiet", "--python", python, *wheels, "pytest", "hypothesis", "psycopg[binary]")
    # Its own configuration, and not that of the repository, in whose directory it is.
    own = ("-c", directory / name / "pyproject.toml", "--rootdir", directory / name)
    run(python, "-m", "pytest", "-q", "-m", "not slow", *own, directory / name)


def find_wheel(dist: Path, path: Path) -> Path:
    return dist / f"{path.name.replace('-', '_')}-{VERSION}-py3-none-any.whl"


def check_content(wheel: Path, path: Path) -> None:
    sources = [file for file in path.glob("src/dataworkspaces/**/*") if file.is_file() and file.suffix != ".pyc"]
    expected = {str(source.relative_to(path / "src")) for source in sources}
    expected.add(f"{wheel.name.removesuffix('-py3-none-any.whl')}.dist-info/licenses/LICENSE")
    found = set(zipfile.ZipFile(wheel).namelist())
    if missing := sorted(expected - found):
        sys.exit(f"{wheel.name} lacks {', '.join(missing)}")
    if foreign := sorted(name for name in found - expected if ".dist-info/" not in name):
        sys.exit(f"{wheel.name} holds {', '.join(foreign)}, which is not in {path.name}/src")


def check_alone(venv: Path, name: str, wheels: set[Path]) -> None:
    """Install a wheel with what it depends on and nothing else of ours, and load what its entry points name."""
    python = venv / "bin" / "python"
    run("uv", "venv", "--quiet", "--clear", "--python", sys.executable, venv)
    run("uv", "pip", "install", "--quiet", "--python", python, *wheels)
    run(python, "-c", LOAD_ENTRY_POINTS, name)
    run(venv / "bin" / "dws", "version")


def check_lacking(venv: Path, commands: dict[str, str]) -> None:
    """What is missing says what brings it."""
    for command, distribution in commands.items():
        done = subprocess.run([venv / "bin" / "dws", *command.split()], capture_output=True, text=True)
        if f"pip install {distribution}" not in done.stderr:
            sys.exit(f"Without {distribution} 'dws {command}' says: {done.stderr}")


def check_whole(venv: Path, dist: Path) -> None:
    """Install what brings the others, and see that it does; each of them is a dependency of it, or an extra."""
    check_content(find_wheel(dist, WHOLE), WHOLE)
    named = set(re.findall(r'"(dws-[a-z0-9]+)', (WHOLE / "pyproject.toml").read_text(encoding="utf-8")))
    if missing := sorted({path.name for path in distributions()} - named):
        sys.exit(f"{WHOLE.name} does not name {', '.join(missing)}")
    check_alone(venv, WHOLE.name, {find_wheel(dist, path) for path in with_dependencies([WHOLE])})
    run(venv / "bin" / "dws", "run", "--help")


def run(*command: str | Path) -> None:
    subprocess.run(command, check=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
