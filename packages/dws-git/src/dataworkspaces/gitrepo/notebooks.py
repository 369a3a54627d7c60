"""Objects of git in which notebooks count by their sources alone: names for comparing, of which nothing is kept."""

from __future__ import annotations

import os
from pathlib import Path

from dataworkspaces.gitrepo.layout import git_directory
from dataworkspaces.gitrepo.objects import index_info
from dataworkspaces.gitrepo.plumbing import IndexEntry, TreeEntry, list_index, read_blobs
from dataworkspaces.gitrepo.run import run_git
from dataworkspaces.toolbox.notebooks import SUFFIX, notebook_sources


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
    entries = [e for e in list_index(root, env=env) if e.is_plain_file and e.path.endswith(SUFFIX)]
    contents = read_blobs(root, [entry.name for entry in entries], env=env)
    changed: list[tuple[IndexEntry, Path]] = []
    for entry in entries:
        sources = notebook_sources(contents[entry.name])
        if sources is not None:
            file = temporary / str(len(changed))
            file.write_bytes(sources)
            changed.append((entry, file))
    if not changed:
        return
    paths = "".join(f"{file}\n" for _, file in changed)
    arguments = ["hash-object", "-w", "--no-filters", "--stdin-paths"]
    written = run_git(root, arguments, stdin=os.fsencode(paths), env=env, doing="Reading notebooks").stdout
    names = written.decode("ascii").split()
    lines = index_info(root, {e.path: TreeEntry(e.mode, name) for (e, _), name in zip(changed, names, strict=True)})
    run_git(root, ["update-index", "-z", "--index-info"], stdin=lines, env=env, doing="Reading notebooks")
