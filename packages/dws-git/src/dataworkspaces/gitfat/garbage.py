"""Removing objects of the local store that nothing needs any more, for ``dws gc``.

What nothing refers to is told as git tells it of its own objects, and more is kept: what any reference, stash, reflog
or index of any working tree needs, and what a snapshot needs. ``git fat gc`` is the old script's command, which asks
for no snapshot and knows no age.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from dataworkspaces.durability import flush_directory
from dataworkspaces.errors import ConfigurationError
from dataworkspaces.gitfat.placeholder import LENGTHS, parse
from dataworkspaces.gitfat.repository import FatRepository
from dataworkspaces.gitfat.store import ObjectStore
from dataworkspaces.gitrepo.advance import is_unfinished
from dataworkspaces.gitrepo.layout import git_directories, operation_in_git_directory
from dataworkspaces.gitrepo.plumbing import ObjectInfo, describe, describe_all, lacking, read_blobs
from dataworkspaces.toolbox.atomic import explain_os_error
from dataworkspaces.toolbox.regular import status_if_any
from dataworkspaces.workspace.collect import Collected

_REFERRING = ("--all", "--reflog", "--indexed-objects")
"""All that refers to objects, in all working trees."""
_AT_WORK = {"index.lock": "git is at work", "sequencer": "a cherry-pick or revert is in progress"}
_TEMPORARY_RE = re.compile(r"\.[0-9]+\.[0-9a-f]{12}\.tmp\Z")


def has_store(root: Path) -> bool:
    """Whether a repository has objects of git-fat, or has had some. A linked working tree has no store of its own."""
    directories = git_directories(root)
    return len(directories) == 1 and (directories[0] / "fat" / "objects").is_dir()


def collect(
    root: Path, needed: Iterable[str], before: datetime, *, dry_run: bool = False, all_of_git: bool = False
) -> Collected:
    """See :meth:`CollectMixin.collect`.

    :param needed: commits that snapshots hold. Raises ToolError for one that is not there, since then nobody can tell
        what it needs.
    :param all_of_git: whether other workspaces may have snapshots of the repository: then all that git holds counts,
        even if nothing refers to it."""
    if not has_store(root):
        return Collected()
    (directory,) = git_directories(root)
    store = ObjectStore(directory / "fat")
    names = store.names()
    if not names:
        return Collected()
    _check_sure(store, directory)
    if is_unfinished(root):
        raise ConfigurationError(f"A pull of {root} is unfinished, so git-fat's objects may be needed")
    repository = FatRepository(root, store, {"GIT_NO_LAZY_FETCH": "1"})
    live = _needed_objects(repository, needed, everything=all_of_git or (directory / "worktrees").is_dir())
    limit, young = before.timestamp(), 0
    found: dict[Path, int] = {}
    for name in names:
        status = None if name in live else status_if_any(store.path(name))
        if status is not None and status.st_mtime < limit:
            found[store.path(name)] = status.st_size
        elif status is not None:
            young += 1
    if not dry_run:
        _remove([*found, *_left_by_filters(store)], limit, store)
    return Collected(len(found), sum(found.values()), young)


def _check_sure(store: ObjectStore, directory: Path) -> None:
    """Raise ConfigurationError where somebody else may use the store, or git is about to refer to something."""
    for place in (directory, directory / "objects", store.directory, store.objects):
        if place.is_symlink():
            raise ConfigurationError(f"{place} is a symbolic link, so others may use git-fat's objects")
    for each in (directory, *_linked(directory)):
        operation = operation_in_git_directory(each)
        if operation is not None:
            raise ConfigurationError(f"{operation} is in progress in {each}, so git-fat's objects may be needed")
        for name, why in _AT_WORK.items():
            if (each / name).exists():
                raise ConfigurationError(f"{each / name} exists: {why}, so git-fat's objects may be needed")


def _linked(directory: Path) -> Iterator[Path]:
    """The git directories of other working trees."""
    with suppress(FileNotFoundError):
        yield from sorted((directory / "worktrees").iterdir())


def _needed_objects(repository: FatRepository, commits: Iterable[str], *, everything: bool) -> set[str]:
    """The names of those that git refers to. Raises ToolError if git lacks anything that it needs to tell."""
    arguments = ["--no-replace-objects", "rev-list", "--objects", "--no-object-names", *_REFERRING, "--stdin"]
    asked = "".join(f"{commit}\n" for commit in sorted({*commits})).encode("ascii")
    names = list(dict.fromkeys(repository.git(arguments, stdin=asked).decode("ascii").split()))
    infos: list[ObjectInfo] = []
    for name, info in zip(names, describe(repository.root, names, env=repository.env), strict=True):
        if info is None:  # as in a partial clone
            raise lacking(repository.root, name)
        infos.append(info)
    if everything:
        infos += describe_all(repository.root, env=repository.env)
    short = [info.name for info in infos if info.kind == "blob" and info.size in LENGTHS]
    contents = read_blobs(repository.root, short, env=repository.env)
    return {found.sha1 for content in contents.values() if (found := parse(content)) is not None}


def _left_by_filters(store: ObjectStore) -> list[Path]:
    """What filters that were killed have left."""
    return [path for path in store.objects.iterdir() if _TEMPORARY_RE.match(path.name)]


def _remove(paths: Collection[Path], limit: float, store: ObjectStore) -> None:
    """What has been needed again meanwhile is new, and stays."""
    try:
        for path in paths:
            status = status_if_any(path)
            if status is not None and status.st_mtime < limit:
                path.unlink(missing_ok=True)
        if paths:
            flush_directory(store.objects)
    except OSError as e:
        raise explain_os_error(e, f"Removing git-fat's objects from {store.objects}") from e
