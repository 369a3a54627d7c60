"""A git repository, as git-fat sees it: its store, and the placeholders that commits and the index hold."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from dataworkspaces.errors import ConfigurationError, ToolError
from dataworkspaces.gitfat.placeholder import LENGTHS, Placeholder, parse
from dataworkspaces.gitfat.store import ObjectStore


@dataclass(frozen=True)
class FatFile:
    """A file of the working tree for which git holds a placeholder. ``path`` is relative to the root."""

    path: str
    placeholder: Placeholder


@dataclass(frozen=True)
class FatRepository:
    """:ivar root: of the working tree."""

    root: Path
    store: ObjectStore

    @staticmethod
    def find(directory: Path) -> FatRepository:
        """The repository in whose working tree a directory lies; raises ConfigurationError if there is none."""
        try:
            found = run_git(directory, ["rev-parse", "--show-toplevel", "--git-common-dir"])
        except ToolError as e:
            raise ConfigurationError(f"{directory} lies in no git repository") from e
        root, common = os.fsdecode(found).rstrip("\n").split("\n")[:2]
        return FatRepository(Path(root), ObjectStore(Path(os.path.normpath(directory / common)) / "fat"))

    def head_files(self) -> list[FatFile]:
        """The large files of HEAD, by path; none before the first commit."""
        try:
            listed = run_git(self.root, ["ls-tree", "-r", "-z", "-l", "--full-tree", "HEAD"])
        except ToolError:
            return []
        names: dict[str, str] = {}
        for record in filter(None, listed.split(b"\0")):
            told, _, path = record.partition(b"\t")
            mode, kind, name, size = told.split()
            if kind == b"blob" and mode != b"120000" and int(size) in LENGTHS:
                names[os.fsdecode(path)] = name.decode("ascii")
        return self._with_placeholders(names)

    def index_files(self) -> list[FatFile]:
        """The large files of the index, by path."""
        listed = run_git(self.root, ["ls-files", "-z", "-s"])
        names: dict[str, str] = {}
        for record in filter(None, listed.split(b"\0")):
            told, _, path = record.partition(b"\t")
            mode, name, _stage = told.split(b" ")
            if mode in (b"100644", b"100755"):
                names[os.fsdecode(path)] = name.decode("ascii")
        return self._with_placeholders(names)

    def _with_placeholders(self, names: dict[str, str]) -> list[FatFile]:
        found = self._placeholders(names.values())
        return [FatFile(path, found[name]) for path, name in sorted(names.items()) if name in found]

    def all_placeholders(self) -> set[Placeholder]:
        """What any reference, any entry of a reflog or the index refers to."""
        arguments = ["rev-list", "--objects", "--no-object-names", "--all", "--reflog", "--indexed-objects"]
        names = run_git(self.root, arguments).decode("ascii").split()
        return set(self._placeholders(names).values())

    def _placeholders(self, names: Iterable[str]) -> dict[str, Placeholder]:
        """Of blobs, those that are placeholders; by the blob's name."""
        wanted = "".join(f"{name}\n" for name in dict.fromkeys(names)).encode("ascii")
        if not wanted:
            return {}
        arguments = ["cat-file", "--batch-check=%(objectname) %(objecttype) %(objectsize)"]
        short = []
        for line in run_git(self.root, arguments, stdin=wanted).splitlines():
            fields = line.split(b" ")
            if len(fields) == 3 and fields[1] == b"blob" and int(fields[2]) in LENGTHS:
                short.append(fields[0])
        if not short:
            return {}
        output = run_git(self.root, ["cat-file", "--batch"], stdin=b"".join(name + b"\n" for name in short))
        found = {}
        start = 0
        for name in short:
            end = output.index(b"\n", start)
            size = int(output[start:end].rpartition(b" ")[2])
            placeholder = parse(output[end + 1 : end + 1 + size])
            if placeholder is not None:
                found[name.decode("ascii")] = placeholder
            start = end + 1 + size + 1
        return found


def run_git(directory: Path, arguments: Sequence[str], *, stdin: bytes | None = None) -> bytes:
    """What git writes; raises ToolError if it fails."""
    # Of programs that the configuration names it runs none; what runs filters is called where these are agreed to.
    command = ["git", "-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false", *arguments]
    try:
        done = subprocess.run(command, cwd=directory, input=stdin, capture_output=True)
    except FileNotFoundError as e:
        raise ToolError("The program 'git' was not found", hint="Install git and see that it is on the PATH") from e
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip()
        raise ToolError(f"git {arguments[0]} failed in {directory}: {said.partition(chr(10))[0]}", output=said)
    return done.stdout
