"""The one version of all distributions, and what each asks of the others.

`release.py --check` tells which distribution says something else; `release.py VERSION` writes VERSION everywhere. The
range that each asks of the others follows from `VERSION`, and from nothing else: any release of the same major version.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
_OURS_RE = re.compile(r'(?<=")((?:dws-[a-z0-9]+|dataworkspaces)(?:\[[a-z0-9,-]+\])?)([~=<>!][^"]*)(?=")')
_VERSION_RE = re.compile(r"[0-9]+\.[0-9]+\.[0-9]+(a|b|rc|\.dev)?[0-9]*")
NEEDED = (
    'authors = [{ name = "The Data Workspaces developers" }]',
    "\n[project.urls]\n",
    "\nclassifiers = [\n",
    'version = { file = "VERSION" }',
)
"""What the page of each distribution on a package index is made of."""


def wanted_range(version: str) -> str:
    return f"~={version.split('.')[0]}.0.dev0"


def projects(root: Path) -> list[Path]:
    return sorted(root.glob("packages/*/pyproject.toml"))


def problems(root: Path) -> list[str]:
    version = (root / "VERSION").read_text(encoding="utf-8").strip()
    found = [] if _VERSION_RE.fullmatch(version) else [f"VERSION: {version!r} is no version"]
    for path in projects(root):
        text, name = path.read_text(encoding="utf-8"), path.parent.name
        found += [f"{name}: its pyproject.toml lacks {needed.strip()}" for needed in NEEDED if needed not in text]
        found += [
            f"{name}: asks for {other}{asked}, not {other}{wanted_range(version)}"
            for other, asked in _OURS_RE.findall(text)
            if asked != wanted_range(version)
        ]
        if not (path.parent / "VERSION").is_symlink():
            found.append(f"{name}: its VERSION is no link to the one of all")
    return found


def set_version(root: Path, version: str) -> None:
    (root / "VERSION").write_text(f"{version}\n", encoding="utf-8")
    for path in projects(root):
        text = path.read_text(encoding="utf-8")
        path.write_text(_OURS_RE.sub(rf"\g<1>{wanted_range(version)}", text), encoding="utf-8")


def main(argument: str) -> int:
    if argument != "--check":
        if not _VERSION_RE.fullmatch(argument):
            sys.exit(f"{argument!r} is no version: name one as in 2.0.0, 2.1.0rc1 or 2.1.0.dev0")
        set_version(ROOT, argument)
    found = problems(ROOT)
    print("\n".join(found), end="\n" if found else "")
    return 1 if found else 0


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1]))
