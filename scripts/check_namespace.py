"""Check that the distributions share the namespace `dataworkspaces` without getting in each other's way.

A single `__init__.py` in a namespace folder hides the modules of every other distribution; a file that two
distributions bring vanishes when either of them is uninstalled.
"""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SHARED = ("backends", "resources", "kits", "commands", "cli", "probes")
NAMESPACES = {Path("dataworkspaces"), *(Path("dataworkspaces", name) for name in SHARED)}


def problems(root: Path) -> list[str]:
    """What is wrong with the distributions below ROOT/packages, a line each."""
    found: list[str] = []
    owners: dict[Path, str] = {}
    for src in sorted(root.glob("packages/*/src")):
        distribution = src.parent.name
        for path in sorted(_sources(src)):
            file = path.relative_to(src)
            if file.parts[0] != "dataworkspaces":
                found.append(f"{distribution}: {file} is outside the namespace")
            elif file.parent not in NAMESPACES and not (path.parent / "__init__.py").exists():
                found.append(f"{distribution}: {file.parent} is not a namespace and lacks an __init__.py")
            elif file.parent in NAMESPACES and file.name == "__init__.py":
                found.append(f"{distribution}: {file} hides the other distributions")
            # A folder that is no namespace belongs, with all that is in it, to one distribution.
            unit = next((folder for folder in (file, *file.parents) if folder.parent in NAMESPACES), file)
            if owners.setdefault(unit, distribution) != distribution:
                found.append(f"{unit}: both {owners[unit]} and {distribution} bring it")
    return list(dict.fromkeys(found))


def _sources(src: Path) -> list[Path]:
    return [
        path
        for path in src.rglob("*")
        if path.is_file()
        and "__pycache__" not in path.parts
        and not path.relative_to(src).parts[0].endswith(".egg-info")
    ]


if __name__ == "__main__":
    sys.exit("\n".join(problems(ROOT)) or None)
