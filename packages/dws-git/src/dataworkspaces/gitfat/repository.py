"""A git repository, as git-fat sees it: its store, and the placeholders that commits and the index hold."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from dataworkspaces.errors import ConfigurationError, ToolError
from dataworkspaces.gitfat.placeholder import LENGTHS, Placeholder, parse
from dataworkspaces.gitfat.store import ObjectStore
from dataworkspaces.gitrepo.plumbing import describe, list_index, list_tree, read_blobs
from dataworkspaces.gitrepo.process import place_given_by_git
from dataworkspaces.gitrepo.restraint import called_by_git
from dataworkspaces.gitrepo.run import run_git


@dataclass(frozen=True)
class FatFile:
    """A file of the working tree for which git holds a placeholder. ``path`` is relative to the root."""

    path: str
    placeholder: Placeholder


@dataclass(frozen=True)
class FatRepository:
    """:ivar root: of the working tree.
    :ivar env: where git is to look, if that is not where the root is."""

    root: Path
    store: ObjectStore
    env: Mapping[str, str] = field(default_factory=dict)

    @staticmethod
    def find(directory: Path, *, by_hand: bool = False) -> FatRepository:
        """The repository in whose working tree a directory lies; raises ConfigurationError if there is none.

        :param by_hand: whether the user has called git-fat as a part of git, which may have said where that is."""
        env = place_given_by_git() if by_hand else {}
        if by_hand:
            called_by_git(directory)
        try:
            found = run_git(directory, ["rev-parse", "--show-toplevel", "--git-common-dir"], env=env).stdout
        except ToolError as e:
            raise ConfigurationError(f"{directory} is not in a git repository") from e
        root, common = os.fsdecode(found).rstrip("\n").split("\n")[:2]
        if by_hand:
            called_by_git(Path(root))
        return FatRepository(Path(root), ObjectStore(Path(os.path.normpath(directory / common)) / "fat"), env)

    def git(self, arguments: Sequence[str], *, stdin: bytes | None = None) -> bytes:
        """What git writes; raises ToolError if it fails."""
        return run_git(self.root, arguments, stdin=stdin, env=self.env).stdout

    def head_files(self) -> list[FatFile]:
        """The large files of HEAD, by path; none before the first commit."""
        try:
            entries = list_tree(self.root, "HEAD", sizes=True, env=self.env)
        except ToolError:
            return []
        files = {path: entry.name for path, entry in entries.items() if entry.is_plain_file and entry.size in LENGTHS}
        return self._with_placeholders(files)

    def index_files(self) -> list[FatFile]:
        """The large files of the index, by path."""
        return self._with_placeholders({e.path: e.name for e in list_index(self.root, env=self.env) if e.is_plain_file})

    def _with_placeholders(self, names: dict[str, str]) -> list[FatFile]:
        found = self._placeholders(names.values())
        return [FatFile(path, found[name]) for path, name in sorted(names.items()) if name in found]

    def all_placeholders(self) -> set[Placeholder]:
        """What any reference, any entry of a reflog or the index refers to."""
        arguments = ["rev-list", "--objects", "--no-object-names", "--all", "--reflog", "--indexed-objects"]
        return set(self._placeholders(self.git(arguments).decode("ascii").split()).values())

    def _placeholders(self, names: Iterable[str]) -> dict[str, Placeholder]:
        """Of blobs, those that are placeholders; by the blob's name."""
        infos = describe(self.root, list(dict.fromkeys(names)), env=self.env)
        short = [info.name for info in infos if info is not None and info.kind == "blob" and info.size in LENGTHS]
        contents = read_blobs(self.root, short, env=self.env)
        return {name: found for name, content in contents.items() if (found := parse(content)) is not None}
