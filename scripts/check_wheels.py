"""Build each distribution as a release would be, and check that its wheel is complete and works alone.

`check_wheels.py DIRECTORY`; what is built stays in DIRECTORY/dist.
"""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

from environment import ROOT, distributions

LOAD_ENTRY_POINTS = """
import sys
from importlib.metadata import distribution
for entry_point in distribution(sys.argv[1]).entry_points:
    entry_point.load()
"""


def main(directory: Path) -> None:
    dist = directory / "dist"
    version = (ROOT / "VERSION").read_text().strip()
    for path in distributions():
        run("uv", "build", "--quiet", "--out-dir", dist, path)  # the wheel is built from the sdist
    run("twine", "check", "--strict", *dist.glob("*.whl"), *dist.glob("*.tar.gz"))
    for path in distributions():
        check_content(dist, path, version)
        check_alone(directory / path.name, dist, f"{path.name}=={version}")


def check_content(dist: Path, path: Path, version: str) -> None:
    stem = f"{path.name.replace('-', '_')}-{version}"
    (wheel,) = dist.glob(f"{stem}-*.whl")
    files = set(zipfile.ZipFile(wheel).namelist())
    source = path / "src"
    expected = {
        str(file.relative_to(source))
        for file in source.glob("dataworkspaces/**/*")
        if file.suffix in {".py", ".typed"}
    }
    expected.add(f"{stem}.dist-info/licenses/LICENSE")
    if missing := sorted(expected - files):
        sys.exit(f"{wheel.name} lacks {', '.join(missing)}")


def check_alone(venv: Path, dist: Path, requirement: str) -> None:
    """Install one wheel, with dws-core alone of ours, and load what its entry points name."""
    python = venv / "bin" / "python"
    run("uv", "venv", "--quiet", "--clear", "--python", sys.executable, venv)
    run("uv", "pip", "install", "--quiet", "--python", python, "--find-links", dist, requirement)
    run("uv", "pip", "check", "--quiet", "--python", python)
    run(python, "-c", LOAD_ENTRY_POINTS, requirement.partition("==")[0])
    run(venv / "bin" / "dws", "version")


def run(*command: str | Path) -> None:
    subprocess.run(command, check=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
