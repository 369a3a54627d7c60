"""Fetch the JavaScript libraries of the lineage page: `vendor_javascript.py`, after a version below was changed.

Each comes as a package of npm, whose content has to be what the integrity below says. The page is made from what this
leaves in the folder `vendor`, so that neither making nor showing one needs npm or a network.
"""

from __future__ import annotations

import base64
import hashlib
import json
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import NamedTuple

from environment import ROOT

VENDOR = ROOT / "packages/dws-web/src/dataworkspaces/web/vendor"


class Package(NamedTuple):
    """``files``: by path in the package, the name that the file gets here."""

    name: str
    version: str
    integrity: str
    files: dict[str, str]


PACKAGES = [
    Package(
        "cytoscape",
        "3.34.4",
        "sha512-msY99tMY8iWTg+sIPGfSqDcPNOt4xcj+v/K/7qUFaCUxxlqnMkUYLBjRUzn9W5CU/R2hrmtJa5+UtovrEM2ctg==",
        {"dist/cytoscape.min.js": "cytoscape.min.js", "LICENSE": "LICENSE.cytoscape"},
    ),
    Package(
        "cytoscape-dagre",
        "4.0.1",
        "sha512-hyNdh8Vp1nwzBcjHnM4c71G81bFhPmQYLXD2HM9AZIvl+8TrMzWEOPW45hF/XOBQiEguPcDQzi6VrXR1XBcXOA==",
        {"dist/cytoscape-dagre.min.js": "cytoscape-dagre.min.js", "LICENSE": "LICENSE.cytoscape-dagre"},
    ),
    # cytoscape-dagre has these two within it, without their licences.
    Package(
        "@dagrejs/dagre",
        "3.0.0",
        "sha512-ZzhnTy1rfuoew9Ez3EIw4L2znPGnYYhfn8vc9c4oB8iw6QAsszbiU0vRhlxWPFnmmNSFAkrYeF1PhM5m4lAN0Q==",
        {"LICENSE": "LICENSE.dagre"},
    ),
    Package(
        "@dagrejs/graphlib",
        "4.0.1",
        "sha512-IvcV6FduIIAmLwnH+yun+QtV36SC7mERqa86aClNqmMN09WhmPPYU8ckHrZBozErf+UvHPWOTJYaGYiIcs0DgA==",
        {"LICENSE": "LICENSE.graphlib"},
    ),
]


def main() -> None:
    """Replace the files in ``vendor``, and ``versions.json``, which says where each is from and what its SHA-512 is."""
    versions = {}
    with tempfile.TemporaryDirectory() as directory:
        for package in PACKAGES:
            archive = fetch(package, Path(directory))
            sums = {target: extract(archive, path, target) for path, target in package.files.items()}
            versions[package.name] = {"version": package.version, "integrity": package.integrity, "files": sums}
            print(f"{package.name} {package.version}: {', '.join(sums)}")
    (VENDOR / "versions.json").write_text(json.dumps(versions, indent=2) + "\n", encoding="utf-8")


def fetch(package: Package, directory: Path) -> Path:
    """The archive of a package; ends the program if it is another than the one that was chosen."""
    wanted = f"{package.name}@{package.version}"
    command = ["npm", "pack", "--json", "--pack-destination", str(directory), wanted]
    done = subprocess.run(command, stdout=subprocess.PIPE, encoding="utf-8", cwd=directory)
    if done.returncode:
        sys.exit(f"This failed: {' '.join(command)}")
    name: str = json.loads(done.stdout)[0]["filename"]
    archive = directory / name.replace("@", "").replace("/", "-")
    found = f"sha512-{base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()}"
    if found != package.integrity:
        sys.exit(f"{wanted} is not what it should be: its integrity is {found}, not {package.integrity}")
    return archive


def extract(archive: Path, path: str, target: str) -> str:
    """Take a file out of an archive into ``vendor``; return its SHA-512."""
    with tarfile.open(archive) as tar:
        member = tar.extractfile(f"package/{path}")
        if member is None:
            sys.exit(f"{archive.name} has no {path}")
        content = member.read()
    (VENDOR / target).write_bytes(content)
    return hashlib.sha512(content).hexdigest()


if __name__ == "__main__":
    main()
