"""What the commands of git-fat do. They print nothing."""

from __future__ import annotations

import fnmatch
import os
import shlex
import shutil
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from dataworkspaces.errors import ToolError, kind_of_os_error
from dataworkspaces.gitfat import transfer
from dataworkspaces.gitfat.placeholder import LENGTHS, Placeholder, parse
from dataworkspaces.gitfat.remote import read_remote
from dataworkspaces.gitfat.repository import FatFile, FatRepository
from dataworkspaces.gitfat.store import read_chunks, sha1_of
from dataworkspaces.gitfat.transfer import Progress, no_progress
from dataworkspaces.gitrepo.plumbing import records
from dataworkspaces.toolbox.names import some

_PROGRAM = "git-fat"
_FILTERS = ("clean", "smudge", "process")


@dataclass(frozen=True)
class Status:
    """:ivar missing: objects that HEAD (or all history) refers to, and that are not here.
    :ivar unreferenced: objects that nothing refers to."""

    missing: tuple[str, ...]
    unreferenced: tuple[str, ...]


@dataclass(frozen=True)
class Pulled:
    """:ivar fetched: names of objects that came.
    :ivar missing: names of objects that the remote lacks, or holds broken.
    :ivar written: paths of files that have their content now."""

    fetched: tuple[str, ...]
    missing: tuple[str, ...]
    written: tuple[str, ...]


def init(repository: FatRepository) -> None:
    """Tell git of the filters. A file that cannot be filtered is an error, and never goes into git as it is."""
    program = _PROGRAM
    if shutil.which(_PROGRAM) is None:
        program = f"{shlex.quote(sys.executable)} -m dataworkspaces.gitfat"
    for name in _FILTERS:
        repository.git(["config", f"filter.fat.{name}", f"{program} filter-{name}"])
    repository.git(["config", "filter.fat.required", "true"])


def status(repository: FatRepository, *, all_history: bool = False) -> Status:
    """Compare what git refers to with what is here."""
    everything = repository.all_placeholders()
    wanted = everything if all_history else {file.placeholder for file in repository.head_files()}
    missing = sorted({p.sha1 for p in wanted if not repository.store.has(p)})
    referenced = {placeholder.sha1 for placeholder in everything}
    return Status(tuple(missing), tuple(name for name in repository.store.names() if name not in referenced))


def push(repository: FatRepository, *, all_history: bool = False, progress: Progress = no_progress) -> list[str]:
    """Send what HEAD (or all history) refers to, is here, and is not at the remote; returns the objects' names."""
    remote = read_remote(repository.root)
    wanted = repository.all_placeholders() if all_history else {f.placeholder for f in repository.head_files()}
    return transfer.send(repository.store, remote, [p for p in wanted if repository.store.has(p)], progress)


def pull(
    repository: FatRepository,
    patterns: Sequence[str] = (),
    *,
    all_history: bool = False,
    progress: Progress = no_progress,
) -> Pulled:
    """Fetch what HEAD refers to and is not here (only for files that fit a pattern, if there are any), and put it in
    its places in the working tree."""
    files = [file for file in repository.head_files() if _fits(file.path, patterns)]
    wanted = {file.placeholder for file in files}
    if all_history:
        wanted |= repository.all_placeholders()
    lacking = [placeholder for placeholder in wanted if not repository.store.has(placeholder)]
    fetched: list[str] = []
    missing: list[str] = []
    if lacking:
        fetched, missing = transfer.receive(repository.store, read_remote(repository.root), lacking, progress)
        if not missing:
            transfer.remove_incoming(repository.store)
    return Pulled(tuple(fetched), tuple(missing), tuple(checkout(repository, patterns)))


def checkout(repository: FatRepository, patterns: Sequence[str] = ()) -> list[str]:
    """Put content in the place of placeholders in the working tree; returns the files' paths.

    A file that holds anything but its placeholder stays as it is."""
    written = []
    for file in repository.index_files():
        if _fits(file.path, patterns) and repository.store.has(file.placeholder) and _write(repository, file):
            written.append(file.path)
    if written:
        # Git looks at the files again, and finds by the filter that they are what it holds.
        repository.git(["update-index", "-q", "-z", "--stdin"], stdin=records(written))
    return written


def gc(repository: FatRepository) -> list[str]:
    """Delete the objects that neither a commit of any branch or reflog nor the index refers to."""
    unreferenced = status(repository).unreferenced
    for name in unreferenced:
        repository.store.path(name).unlink(missing_ok=True)
    return list(unreferenced)


def verify(repository: FatRepository) -> list[str]:
    """The names of objects whose content is not what their name says."""
    store = repository.store
    return [name for name in store.names() if sha1_of(store.path(name)) != name]


def missing_error(names: Iterable[str]) -> ToolError:
    """The error for objects that could not be had."""
    missing = list(names)
    return ToolError(
        f"{len(missing)} of git-fat's objects are missing or broken at the remote: {some(missing)}",
        hint="Whoever has the files can send them with 'git fat push'. All other files are in place",
    )


def _fits(path: str, patterns: Sequence[str]) -> bool:
    """Whether a path, a directory above it or its name fits one of the patterns; all do if there are none."""
    parts = path.split("/")
    candidates = [path, parts[-1], *("/".join(parts[:n]) for n in range(1, len(parts)))]
    plain = [pattern.removeprefix("./").rstrip("/") for pattern in patterns]
    return not plain or any(fnmatch.fnmatchcase(c, pattern) for c in candidates for pattern in plain)


def _write(repository: FatRepository, file: FatFile) -> bool:
    """Replace a placeholder by its content, beside and renamed; False if something else lies there."""
    place = repository.root / file.path
    root = Path(os.path.realpath(repository.root))
    parent = Path(os.path.realpath(place.parent))
    if parent != root and root not in parent.parents:
        return False  # a symbolic link leads out
    try:
        found = place.lstat()
        if place.is_symlink() or found.st_size not in LENGTHS or _placeholder_of(place) != file.placeholder:
            return False
    except OSError:
        return False
    temporary = place.with_name(f".{os.urandom(6).hex()}.fat.tmp")
    try:
        with temporary.open("xb") as target:
            for chunk in read_chunks(repository.store.path(file.placeholder.sha1)):
                target.write(chunk)
        temporary.chmod(found.st_mode & 0o777)
        temporary.replace(place)
    except OSError as e:
        raise kind_of_os_error(e)(f"{place} cannot be written: {e.strerror or e}") from e
    finally:
        temporary.unlink(missing_ok=True)
    return True


def _placeholder_of(path: Path) -> Placeholder | None:
    return parse(path.read_bytes())
