"""Repositories that lie in the working tree of another one.

Of a repository below it git keeps the name of a commit, and nothing of what lies there. For a submodule that is what
was asked for: ``.gitmodules`` says where the commit can be had. Any other repository (a ``git clone`` into a directory
of code) would be lost; its files become files of the repository around it. Its history stays where it is.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from dataworkspaces.errors import ConfigurationError, ToolError
from dataworkspaces.gitrepo.layout import git_directory, head_commit
from dataworkspaces.gitrepo.plumbing import SUBMODULE, list_index, list_paths, list_tree, records
from dataworkspaces.gitrepo.run import run_git
from dataworkspaces.workspace import Interaction

Environment = Mapping[str, str]
_GITLINK_IN_INDEX = b"\0\0\xe0\0"
"""The mode, as a file of git's index has it, in all its versions."""
_MODULES = ".gitmodules"
_MOST_LEVELS = 10
_EMBEDDED = b"adding embedded git repository"
_NO_COMMIT = b"does not have a commit checked out"
_IGNORED = b"paths are ignored by one of your .gitignore files"
_UNKNOWN = b"did not match any files"


class Added(NamedTuple):
    """What ``git add`` did.

    :ivar found_all: whether each path is on disk or in the index; if not, nothing was added.
    :ivar nested: places of repositories whose files were added for the first time."""

    found_all: bool
    nested: tuple[str, ...] = ()


def add_all(
    root: Path,
    paths: Sequence[str],
    *,
    env: Environment | None = None,
    force: bool = False,
    options: Sequence[str] = (),
) -> Added:
    """Bring an index to what lies at ``paths`` (relative to ``root``), with what is deleted and, unless git ignores it,
    what is new. Of repositories below them the files are added; of submodules, their commits.

    :param env: names another index, say.
    :param force: add what git ignores, too.
    :param options: of git."""
    nested: list[str] = []
    if not force and may_hold_gitlinks(root, env):
        nested += _add_nested(root, _foreign_gitlinks(root, paths, env), env)
    said = b""
    for _ in range(_MOST_LEVELS):
        done = _add(root, paths, env, force, options)
        if done is None:
            return Added(False)
        said = done
        if _EMBEDDED not in said and _NO_COMMIT not in said:
            return Added(True, tuple(nested))
        found = [*_foreign_gitlinks(root, paths, env), *_unknown_repositories(root, paths, env)]
        added = _add_nested(root, list(dict.fromkeys(found)), env)
        if not added:
            break
        nested += added
    if _NO_COMMIT in said:
        place = said.partition(b"'")[2].partition(b"/'")[0]
        raise ConfigurationError(
            f"{root / os.fsdecode(place)} is a git repository without a commit or a file, so nothing of it can be kept",
            hint="Remove it, or name it in .gitignore",
        )
    return Added(True, tuple(nested))


def _add(
    root: Path, paths: Sequence[str], env: Environment | None, force: bool, options: Sequence[str]
) -> bytes | None:
    """What git says; None if it does not know one of the paths.

    Without ``-A``, which is git's default where there are paths: if we are killed before git has them, it adds nothing,
    and not everything."""
    arguments = [*options, "add", *(["-f"] if force else []), "--pathspec-from-file=-", "--pathspec-file-nul"]
    names = records(paths)
    done = run_git(root, arguments, stdin=names, ok=(0, 1, 128), env=env, doing="Staging changes")
    if done.returncode == 0 or _NO_COMMIT in done.stderr:
        return done.stderr
    if _UNKNOWN in done.stderr:
        return None
    if _IGNORED in done.stderr:
        return b""  # git has added the others
    run_git(root, arguments, stdin=names, env=env, doing="Staging changes")
    return b""


def may_hold_gitlinks(root: Path, env: Environment | None = None) -> bool:
    """Starts no process. With a shared index only git could tell."""
    directory = git_directory(root)
    index = (env or {}).get("GIT_INDEX_FILE") or (directory and directory / "index")
    try:
        content = Path(index).read_bytes() if index else b""
    except OSError:
        return False
    return _GITLINK_IN_INDEX in content or (directory is not None and any(directory.glob("sharedindex.*")))


def submodule_names(root: Path) -> dict[str, str]:
    """The names of submodules by their places, as ``.gitmodules`` has them now; of two of one place the first."""
    if not (root / _MODULES).is_file():
        return {}
    arguments = ["config", "-z", "-f", _MODULES, "--get-regexp", r"^submodule\..*\.path$"]
    found: dict[str, str] = {}
    for record in filter(None, os.fsdecode(run_git(root, arguments, ok=(0, 1)).stdout).split("\0")):
        key, _, path = record.partition("\n")
        found.setdefault(path, key[len("submodule.") : -len(".path")])
    return found


def gitlinks(root: Path, paths: Sequence[str], env: Environment | None = None) -> dict[str, str]:
    """The commits by which an index has repositories."""
    return {entry.path: entry.name for entry in list_index(root, paths, env=env) if entry.mode == SUBMODULE}


def holds_foreign_repositories(root: Path) -> bool:
    """Whether the index has repositories by a commit that are no submodules."""
    return may_hold_gitlinks(root) and bool(_foreign_gitlinks(root, (), None))


def _foreign_gitlinks(root: Path, paths: Sequence[str], env: Environment | None) -> list[str]:
    """Places of repositories that an index has by a commit, and that are no submodules."""
    return sorted(gitlinks(root, paths, env).keys() - submodule_names(root).keys())


def _unknown_repositories(root: Path, paths: Sequence[str], env: Environment | None) -> list[str]:
    """Places of repositories that an index does not know. Git lists them with a slash, as no other directory."""
    listed = list_paths(root, ["--others", "--exclude-standard"], paths, env=env)
    return [name[:-1] for name in listed if name.endswith("/")]


def _add_nested(root: Path, places: Collection[str], env: Environment | None) -> list[str]:
    """Add the files of repositories to the index of the one around them; returns those that have any. From then on git
    takes them for directories like any other."""
    added = []
    for place in places:
        nested = root / place
        if git_directory(nested) is None:
            continue
        listed = list_paths(nested, ["--cached", "--others", "--exclude-standard"])
        files = [name for name in dict.fromkeys(listed) if _is_file(nested / name)]
        if files:
            names = records(f"{place}/{name}" for name in files)
            arguments = ["update-index", "--add", "--replace", "-z", "--stdin"]
            run_git(root, arguments, stdin=names, env=env, doing="Staging changes")
            added.append(place)
    return added


def _is_file(path: Path) -> bool:
    return path.is_symlink() or path.is_file()


# -- submodules ------------------------------------------------------------------------------------------------------


def changed_submodules(root: Path, paths: Sequence[str] = ()) -> tuple[list[str], list[str]]:
    """Submodules in which tracked files have changes that are not committed there, and those with untracked files.

    Starts no process in a repository without submodules."""
    if not (root / _MODULES).is_file():
        return [], []
    arguments = ["status", "--porcelain=v2", "-z", "--ignore-submodules=none", "--untracked-files=no", "--no-renames"]
    listed = run_git(root, [*arguments, "--", *paths], env={"GIT_OPTIONAL_LOCKS": "0"}).stdout
    modified, untracked = [], []
    places = submodule_names(root)
    for record in os.fsdecode(listed).split("\0"):
        fields = record.split(" ", 8)
        if fields[0] == "1" and fields[2].startswith("S") and fields[8] in places:
            if "M" in fields[2]:
                modified.append(fields[8])
            elif "U" in fields[2]:
                untracked.append(fields[8])
    return modified, untracked


def check_submodules(root: Path, what: str, paths: Sequence[str] = ()) -> list[str]:
    """Raise ConfigurationError if a submodule has changes that no commit holds; returns those with untracked files."""
    modified, untracked = changed_submodules(root, paths)
    if modified:
        place = root / modified[0]
        raise ConfigurationError(
            f"{what}: the submodule {modified[0]} has uncommitted changes, but a snapshot keeps only one of its "
            "commits",
            hint=f"Commit them there: git -C {place} commit -a",
        )
    return untracked


def tell_untracked(interaction: Interaction, places: Sequence[str]) -> None:
    for place in places:
        interaction.warn(f"The submodule {place} contains uncommitted files: they are not kept")


def remove_submodules(root: Path, paths: Sequence[str], commit: str) -> list[str]:
    """Remove the working trees of submodules below ``paths`` that a commit lacks, which git leaves. Returns what has to
    be told: one that holds what is nowhere else stays."""
    import shutil

    told = []
    for place in gitlinks(root, paths).keys() - _gitlinks_of_commit(root, paths, commit):
        directory = root / place
        if git_directory(directory) is None:
            continue
        is_kept_elsewhere = (directory / ".git").is_file()  # which names the place in the repository around it
        arguments = ["status", "--porcelain", "--ignored", "--ignore-submodules=none"]
        if is_kept_elsewhere and not run_git(directory, arguments).stdout:
            shutil.rmtree(directory)
        else:
            told.append(f"The submodule {directory} stays: it contains files that exist nowhere else")
    return told


def _gitlinks_of_commit(root: Path, paths: Sequence[str], commit: str) -> set[str]:
    within = [] if "." in paths else paths
    return {path for path, entry in list_tree(root, commit, within).items() if entry.mode == SUBMODULE}


def update_submodules(root: Path, paths: Sequence[str] = ()) -> list[str]:
    """Bring submodules to the commits that the index names; returns what has to be told. Those that were never set up
    here are not set up: their addresses come with the repository."""
    if not may_hold_gitlinks(root):
        return []
    wanted = gitlinks(root, paths)
    known = submodule_names(root)
    told = []
    for place, commit in wanted.items():
        directory = root / place
        if place not in known:
            if head_commit(directory) != commit or not any(directory.iterdir()):
                told.append(
                    f"{directory} was a separate git repository at commit {commit[:12]}, whose files were not kept"
                )
        elif head_commit(directory) != commit or git_directory(directory) is None:
            told += _update_submodule(root, known[place], place, commit)
    return told


def _update_submodule(root: Path, name: str, place: str, commit: str) -> list[str]:
    by_hand = f"git -C {root} submodule update --init -- {place}"
    if run_git(root, ["config", "--get", f"submodule.{name}.url"], ok=(0, 1)).returncode:
        return [
            f"The submodule {place} at commit {commit[:12]} is not set up here. If you trust its address: {by_hand}"
        ]
    try:
        arguments = ["submodule", "--quiet", "update", "--checkout", "--recursive", "--", place]
        run_git(root, arguments, doing=f"Bringing the submodule {place} to its commit")
    except ToolError as e:
        return [f"{e.message}. It should be at commit {commit[:12]}: {by_hand}"]
    return []
