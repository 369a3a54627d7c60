"""Objects of git in which notebooks count by their sources alone: names for comparing, of which nothing is kept."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from dataworkspaces.gitrepo.layout import git_directory
from dataworkspaces.gitrepo.run import run_git
from dataworkspaces.workspace.notebooks import SUFFIX, notebook_sources


def holds_notebooks(root: Path) -> bool:
    """Whether the index of a working tree names a notebook."""
    directory = git_directory(root)
    return directory is not None and names_notebooks(directory / "index")


def names_notebooks(index: Path) -> bool:
    """Whether an index names a notebook. It is looked at without git, since most name none."""
    try:
        return os.fsencode(SUFFIX) in index.read_bytes()
    except FileNotFoundError:
        return False


def put_sources(root: Path, env: dict[str, str], temporary: Path) -> None:
    """In the index that ``env`` names, put the sources of each notebook in its place; objects go where ``env`` says.

    :param temporary: an empty directory."""
    listed = run_git(root, ["ls-files", "-z", "--stage"], env=env, doing="Reading notebooks").stdout
    entries = []
    for record in filter(None, listed.split(b"\0")):
        told, _, path = record.partition(b"\t")
        mode, name, _stage = told.split(b" ")
        if mode.startswith(b"100") and path.endswith(os.fsencode(SUFFIX)):
            entries.append((mode, name, path))
    contents = _read(root, env, [name for _, name, _ in entries])
    changed: list[tuple[bytes, bytes, Path]] = []
    for (mode, _, path), content in zip(entries, contents, strict=True):
        sources = notebook_sources(content)
        if sources is not None:
            file = temporary / str(len(changed))
            file.write_bytes(sources)
            changed.append((mode, path, file))
    if not changed:
        return
    paths = "".join(f"{file}\n" for _, _, file in changed)
    written = run_git(
        root, ["hash-object", "-w", "--no-filters", "--stdin-paths"], stdin=os.fsencode(paths), env=env,
        doing="Reading notebooks",
    ).stdout.split()  # fmt: skip
    lines = (b"%s %s\t%s\0" % (mode, name, path) for (mode, path, _), name in zip(changed, written, strict=True))
    run_git(root, ["update-index", "-z", "--index-info"], stdin=b"".join(lines), env=env, doing="Reading notebooks")


def _read(root: Path, env: dict[str, str], names: Sequence[bytes]) -> list[bytes]:
    """The contents of blobs."""
    if not names:
        return []
    asked = b"".join(name + b"\n" for name in names)
    answer = run_git(root, ["cat-file", "--batch"], stdin=asked, env=env, doing="Reading notebooks").stdout
    found, start = [], 0
    for _ in names:
        end = answer.index(b"\n", start)
        size = int(answer[start:end].split(b" ")[2])
        found.append(answer[end + 1 : end + 1 + size])
        start = end + size + 2
    return found
