"""Git in a repository that came here in another way than by a clone, and whose configuration nobody has agreed to.

Its programs are switched off, nothing is contacted, and only commands that read are run, until its user agrees. Asked
for each call of git; for a repository that its user knows that costs two files to read, once in a process. What is
known is noted in the git directory, see :mod:`dataworkspaces.toolbox.familiar`.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from dataworkspaces.errors import RefusedError
from dataworkspaces.gitrepo.layout import enclosing_repository, git_directory
from dataworkspaces.toolbox.familiar import make_familiar, mark_of
from dataworkspaces.toolbox.names import some

if TYPE_CHECKING:
    from dataworkspaces.gitrepo.configured_programs import Setting
    from dataworkspaces.workspace import Interaction

_READING = frozenset((
    "cat-file", "check-attr", "check-ignore", "count-objects", "diff", "diff-files", "diff-index", "diff-tree", "fsck",
    "for-each-ref", "log", "ls-files", "ls-tree", "merge-base", "merge-file", "name-rev", "rev-list", "rev-parse",
    "show-ref", "status", "var", "version",
))  # fmt: skip
_READING_WITH_OWN_INDEX = frozenset(
    ("add", "hash-object", "ls-files", "mktree", "read-tree", "update-index", "write-tree")
)
"""With an index and objects of our own they say what the state of files is. They change nothing else."""
_ASKING = ("--get", "--get-all", "--get-regexp", "--list", "-l")
_ENVIRONMENT = {"GIT_ALLOW_PROTOCOL": "none", "GIT_NO_LAZY_FETCH": "1"}
_MOST_SHOWN = 5
_known: dict[str, Restraint | None] = {}
"""By the directory in which git is to run."""


class Restraint(NamedTuple):
    """What is not agreed to of one repository, and those below it.

    :ivar root: of the repository's working tree.
    :ivar settings: at least one.
    :ivar repositories: all that were looked at."""

    root: Path
    settings: tuple[Setting, ...]
    repositories: tuple[Path, ...]

    @property
    def address(self) -> str:
        """As the user agrees to it; with other settings it is another."""
        texts = [f"{os.path.relpath(s.repository, self.root)}\n{s.key}\n{s.value}" for s in self.settings]
        digest = hashlib.sha256("\0".join(sorted(texts)).encode("utf-8", "surrogateescape")).hexdigest()
        return f"settings {digest[:16]} of {self.root / '.git'}"

    @property
    def told(self) -> str:
        """The settings in words, without an end."""
        texts = [f"{s.key} = {s.value[:80]}" for s in self.settings[:_MOST_SHOWN]]
        more = len(self.settings) - len(texts)
        return "; ".join(texts) + (f" and {more} more" if more else "")

    @property
    def warning(self) -> str:
        import shlex

        keys = some(dict.fromkeys(s.key for s in self.settings), _MOST_SHOWN)
        return (
            f"{self.root} was made by neither 'dws init' nor 'dws clone', and has git settings that can run "
            f"programs or contact others ({keys}). They are switched off, so filtered files look changed. "
            f"If you trust them: dws trust {shlex.quote(self.address)}"
        )

    def options(self) -> list[str]:
        from dataworkspaces.gitrepo.configured_programs import switched_off

        return switched_off(self.settings)

    def environment(self) -> Mapping[str, str]:
        return _ENVIRONMENT

    def check(self, arguments: Sequence[str | bytes], env: Mapping[str, str]) -> None:
        """Raise RefusedError for what does more than read."""
        if not _only_reads(arguments, env):
            raise self.refusal()

    def refusal(self) -> RefusedError:
        import shlex

        return RefusedError(
            f"The git configuration of {self.root} can run programs or contact others, and nobody on this "
            f"machine has agreed to that: {self.told}",
            hint=f"If you trust it: dws trust {shlex.quote(self.address)}",
        )

    def agree(self) -> None:
        for repository in self.repositories:
            directory = git_directory(repository)
            if directory is not None:
                make_familiar(os.path.realpath(repository), directory / "dws", self.address)
        _known.clear()


class _PartOfGit(Restraint):
    def environment(self) -> Mapping[str, str]:
        return {}

    def check(self, arguments: Sequence[str | bytes], env: Mapping[str, str]) -> None:
        """All is allowed."""


def restraint_of(directory: Path) -> Restraint | None:
    """None where git may do all that it is told to."""
    key = os.fspath(directory)
    if key not in _known:
        _known[key] = _find(Path(os.path.realpath(directory)))
    return _known[key]


def made_here(root: Path) -> None:
    """The user of this machine has made or cloned the repository at ``root``, or has named it as one of theirs."""
    place = os.path.realpath(root)
    directory = git_directory(Path(place))
    if directory is not None:
        make_familiar(place, directory / "dws")
    _known.clear()


def is_being_made(root: Path) -> None:
    """As :func:`made_here`, at a place where it does not stay."""
    _known[os.fspath(root)] = None


def called_by_git(directory: Path) -> None:
    """In this process, which its user has called as a part of git: git has used the repository's configuration, and it
    is not for us to ask. We run no program of it, and note nothing."""
    _known[os.fspath(directory)] = _PartOfGit(directory, (), ())


def settings_addresses(root: Path) -> list[str]:
    """The address of the repository's settings, if a user has to agree to it, or has."""
    restraint = restraint_of(root)
    if restraint is not None:
        return [restraint.address]
    directory = git_directory(root)
    mark = None if directory is None else mark_of(os.path.realpath(root), directory / "dws")
    return [mark] if mark else []


def ask(root: Path, interaction: Interaction) -> None:
    """Return if all of git may be used in a repository, or if the user agrees now; raise RefusedError otherwise."""
    restraint = restraint_of(root)
    if restraint is None:
        return
    question = (
        f"The git configuration of {restraint.root} can run programs or contact others: {restraint.told}. Use it?"
    )
    if not interaction.confirm(question, default=False):
        raise restraint.refusal()
    from dataworkspaces.workspace.trust import Consent

    Consent(str(restraint.root), interaction).agree([restraint.address])
    restraint.agree()


def _find(directory: Path) -> Restraint | None:
    root = enclosing_repository(directory)
    own = None if root is None else git_directory(root)
    if root is None or own is None:
        return None
    mark = mark_of(str(root), own / "dws")
    if mark == "":
        return None
    from dataworkspaces.gitrepo.configured_programs import find_settings
    from dataworkspaces.toolbox.trust import is_agreed_anywhere

    if mark is not None and is_agreed_anywhere(mark):
        return None
    settings, repositories = find_settings(root)
    restraint = Restraint(root, tuple(settings), tuple(repositories))
    if not settings:
        make_familiar(str(root), own / "dws")
        return None
    if is_agreed_anywhere(restraint.address):
        restraint.agree()
        return None
    return restraint


def _only_reads(arguments: Sequence[str | bytes], env: Mapping[str, str]) -> bool:
    words = [os.fsdecode(argument) for argument in arguments]
    while words and words[0].startswith("-"):
        del words[: 2 if words[0] == "-c" else 1]
    command = words[0] if words else ""
    if command == "config":
        return any(word in _ASKING for word in words[1:])
    if command == "symbolic-ref":
        return len([word for word in words[1:] if not word.startswith("-")]) == 1
    if command == "ls-remote":
        return "--get-url" in words
    has_own_index = "GIT_INDEX_FILE" in env or "GIT_OBJECT_DIRECTORY" in env
    return command in _READING or (has_own_index and command in _READING_WITH_OWN_INDEX)
