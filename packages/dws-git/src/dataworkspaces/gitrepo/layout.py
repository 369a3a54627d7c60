"""What the files of a git directory say, read without starting git."""

from __future__ import annotations

import re
from pathlib import Path

from dataworkspaces.errors import UnavailableError, kind_of_os_error
from dataworkspaces.toolbox.regular import read_regular

_OPERATIONS = {
    "MERGE_HEAD": "a merge",
    "rebase-merge": "a rebase",
    "rebase-apply": "a rebase",
    "CHERRY_PICK_HEAD": "a cherry-pick",
    "REVERT_HEAD": "a revert",
}
EMPTY_TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
"""The hash of a tree without entries, in every repository with SHA-1."""
_EMPTY_TREE_SHA256 = "6ef19b41225c5369f1c104d45d8d85efa9b057b53b14b4b9b939dd74decc5321"
SETTINGS = (".gitignore", ".gitattributes", ".gitmodules", ".gitfat")
"""Files at the root that say what git does with all others: kept with them, but no part of a version. An old one would
let git take the directories of newer resources, or large files as they are."""
_SHA256_RE = r"(?im)^[ \t]*objectformat[ \t]*=[ \t]*sha256[ \t]*$"
_SHA_RE = r"[0-9a-f]{40}(?:[0-9a-f]{24})?\Z"


def git_directory(root: Path) -> Path | None:
    """The git directory of the working tree whose root is ``root``; None if it is no such root."""
    dot_git = root / ".git"
    if dot_git.is_dir():
        return dot_git
    try:
        text = text_of(dot_git)
    except ValueError:
        return None
    if text is None or not text.startswith("gitdir:"):
        return None
    return (root / text[len("gitdir:") :].strip()).resolve()


def enclosing_repository(path: Path) -> Path | None:
    """The root of the working tree in which ``path`` lies."""
    return next((p for p in (path, *path.parents) if git_directory(p) is not None), None)


def current_branch(root: Path) -> str | None:
    """The branch that is checked out; None if HEAD is detached."""
    head = _read(root, "HEAD")
    return head[len("ref: refs/heads/") :] if head.startswith("ref: refs/heads/") else None


def head_commit(root: Path) -> str | None:
    """The commit that is checked out; None if there is none yet, or if only git could tell."""
    head = _read(root, "HEAD")
    if re.match(_SHA_RE, head):
        return head
    if not head.startswith("ref: "):
        return None
    return read_reference(root, head[len("ref: ") :])


def read_reference(root: Path, ref: str) -> str | None:
    """The commit that a reference (``refs/heads/main``) names; None if there is no such reference."""
    commit = _read(root, ref)
    if re.match(_SHA_RE, commit):
        return commit
    for line in _read(root, "packed-refs").splitlines():
        sha, _, name = line.partition(" ")
        if name == ref and re.match(_SHA_RE, sha):
            return sha
    return None


def has_references_below(shared: Path, place: str) -> bool:
    """Whether there may be references below a place (``refs/dws/trees``). Starts no process.

    :param shared: the git directory, of linked working trees the one that they share.

    Raises UnavailableError where that cannot be told."""
    return (shared / place).is_dir() or f" {place}/" in packed_references(shared)


def packed_references(shared: Path) -> str:
    """What ``packed-refs`` says; empty if there is none. Raises UnavailableError if it cannot be read: some may be
    needed."""
    path = shared / "packed-refs"
    try:
        return read_regular(path).decode("utf-8", "replace")
    except FileNotFoundError:
        return ""
    except OSError as e:
        raise UnavailableError(f"{path} cannot be read: {e.strerror or e}") from e


def how_to_fetch(root: Path) -> str:
    """The command that brings a commit which a repository lacks, if its origin has it."""
    is_shallow = any((directory / "shallow").is_file() for directory in git_directories(root))
    return f"git -C {root} fetch --unshallow origin" if is_shallow else f"git -C {root} fetch origin"


def uses_sha256(root: Path) -> bool:
    """Whether the names of the repository's objects have 64 digits (``git init --object-format=sha256``)."""
    return re.search(_SHA256_RE, _read(root, "config")) is not None


def empty_tree(root: Path) -> str:
    """The name of a tree without entries."""
    return _EMPTY_TREE_SHA256 if uses_sha256(root) else EMPTY_TREE


def operation_in_progress(root: Path) -> str | None:
    """``a merge``, ``a rebase`` ..., if the user is in the middle of one."""
    directory = git_directory(root)
    return None if directory is None else operation_in_git_directory(directory)


def operation_in_git_directory(directory: Path) -> str | None:
    """As :func:`operation_in_progress`, of the working tree to which a git directory belongs."""
    return next((text for name, text in _OPERATIONS.items() if (directory / name).exists()), None)


def objects_directory(root: Path) -> Path | None:
    """Where git keeps the objects; None if ``root`` is not the root of a working tree."""
    return next((d / "objects" for d in git_directories(root) if (d / "objects").is_dir()), None)


def git_directories(root: Path) -> list[Path]:
    """The git directory, and the one that linked working trees share."""
    directory = git_directory(root)
    return [] if directory is None else with_shared(directory)


def main_working_tree(root: Path) -> Path | None:
    """The one from which a linked working tree was made; None if ``root`` is not linked, or to a bare repository."""
    directories = git_directories(root)
    if len(directories) < 2 or directories[0] == directories[1] or directories[1].name != ".git":
        return None
    return directories[1].parent


def with_shared(directory: Path) -> list[Path]:
    """A git directory, and the one that it shares with other working trees, if it is not that itself."""
    found = [directory]
    shared = text_of(directory / "commondir")
    if shared is not None:
        found.append((directory / shared.strip()).resolve())
    return found


def _read(root: Path, name: str) -> str:
    """A file of the git directories; empty if there is none."""
    for candidate in git_directories(root):
        text = text_of(candidate / name, "replace")
        if text is not None:
            return text.strip()
    return ""


def text_of(path: Path, errors: str = "strict") -> str | None:
    """None if no file is there. Raises UnavailableError if that cannot be told: it is no *no*."""
    try:
        return read_regular(path).decode("utf-8", errors)
    except OSError as e:
        if kind_of_os_error(e) is UnavailableError:
            raise UnavailableError(f"{path} cannot be read: {e.strerror or e}") from e
        return None
