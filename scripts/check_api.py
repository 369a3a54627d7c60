"""Check that what others import is still as it was in the last release: `check_api.py [REVISION]`.

Compares the public modules of each distribution with those of REVISION (default: the last tag, if there is one), and
names what was removed or changed in a way that breaks callers.
"""

from __future__ import annotations

import io
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path

import griffe
from environment import ROOT, distributions

PUBLIC = (
    "api",
    "errors",
    "exports",
    "files",
    "filetree",
    "kit_support",
    "lineage",
    "params",
    "schemas",
    "testing",
    "toolbox",
    "workspace",
)
"""The modules below `dataworkspaces` that others may import, beside those in `kits` and some in `cli`. What they do not
name in `__all__` is their own, where they have one."""

PUBLIC_OF_CLI = ("param_types", "render", "session", "text")
"""For the commands of plug-ins."""

ONE_LINE = griffe.ExplanationStyle("oneline")


def main(revision: str | None) -> int:
    if revision is None:
        print("There is no release yet: nothing to compare with")
        return 0
    broken = [line for path in distributions() for line in breakages(path, revision)]
    print("\n".join(broken) or f"Nothing that was public in {revision} is gone or breaks")
    return 1 if broken else 0


def last_tag() -> str | None:
    found = subprocess.run(["git", "describe", "--tags", "--abbrev=0"], cwd=ROOT, capture_output=True, text=True)
    return found.stdout.strip() or None


def breakages(path: Path, revision: str) -> Iterator[str]:
    sources = path.relative_to(ROOT) / "src"
    if subprocess.run(["git", "cat-file", "-e", f"{revision}:{sources}"], cwd=ROOT, capture_output=True).returncode:
        return  # a new distribution
    old = _as_it_was(revision, sources)
    for name in public_modules(old):
        home = next((each for each in [path, *distributions()] if _brings(each, name)), path)  # it may have moved
        new = griffe.load("dataworkspaces", search_paths=[home / "src"], resolve_aliases=True)
        if name not in public_modules(new):
            yield f"dataworkspaces.{name}: the module was removed"
            continue
        for breakage in griffe.find_breaking_changes(public_part(old[name]), public_part(new[name])):
            yield f"dataworkspaces.{name}: {breakage.explain(ONE_LINE)}"


def _as_it_was(revision: str, sources: Path) -> griffe.Object | griffe.Alias:
    """From files of its own, so that several checks may run at once: a working tree has one name in all copies."""
    archive = subprocess.run(["git", "archive", revision, str(sources)], cwd=ROOT, capture_output=True, check=True)
    with tempfile.TemporaryDirectory() as directory:
        with tarfile.open(fileobj=io.BytesIO(archive.stdout)) as files:
            files.extractall(directory, filter="data")
        return griffe.load("dataworkspaces", search_paths=[Path(directory, sources)], resolve_aliases=True)


def _brings(path: Path, name: str) -> bool:
    module = path.joinpath("src", "dataworkspaces", *name.split("."))
    # Compiled modules may be left where a package has gone.
    return any(module.rglob("*.py")) or module.with_suffix(".py").is_file()


def public_modules(package: griffe.Object | griffe.Alias) -> list[str]:
    kits = package["kits"].modules if "kits" in package.members else {}
    cli = package["cli"].members if "cli" in package.members else {}
    found = [name for name in PUBLIC if name in package.members] + [f"kits.{name}" for name in kits]
    return found + [f"cli.{name}" for name in PUBLIC_OF_CLI if name in cli]


def public_part(module: griffe.Object | griffe.Alias) -> griffe.Module:
    """A module of the classes, functions and constants that a module offers."""
    exports = {str(name) for name in module.exports or ()}
    part = griffe.Module(module.name)
    for name, member in module.members.items():
        if name in exports or (not exports and not name.startswith("_") and not member.is_alias):
            try:
                part.members[name] = member.final_target if isinstance(member, griffe.Alias) else member
            except griffe.AliasResolutionError:
                continue  # of another distribution, which is looked at by itself
    return part


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else last_tag()))
