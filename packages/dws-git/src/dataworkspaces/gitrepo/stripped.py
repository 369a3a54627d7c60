"""Trees of git without some places of them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from dataworkspaces.gitrepo.plumbing import list_tree
from dataworkspaces.gitrepo.run import run_git


def tree_without(root: Path, tree_ish: str, without: Iterable[str], env: dict[str, str] | None = None) -> str:
    """The name of a commit's or tree's tree, without some places of it. Directories that hold nothing else are left
    out. Only the directories above the places are read."""
    return _stripped(root, tree_ish, [path.split("/") for path in without], env) or _made(root, b"", env)


def _stripped(root: Path, tree_ish: str, without: Sequence[Sequence[str]], env: dict[str, str] | None) -> str | None:
    kept = b""
    for path, entry in list_tree(root, tree_ish, recursive=False, env=env).items():
        below = [parts[1:] for parts in without if parts[0] == path]
        if [] in below:
            continue
        name: str | None = entry.name
        if below and entry.kind == "tree":
            name = _stripped(root, entry.name, below, env)
            if name is None:
                continue
        kept += f"{entry.mode} {entry.kind} {name}\t".encode("ascii") + os.fsencode(path) + b"\0"
    return _made(root, kept, env) if kept else None


def _made(root: Path, entries: bytes, env: dict[str, str] | None) -> str:
    done = run_git(root, ["mktree", "-z", "--missing"], stdin=entries, env=env, doing="Reading a version")
    return done.stdout.decode("ascii").strip()
