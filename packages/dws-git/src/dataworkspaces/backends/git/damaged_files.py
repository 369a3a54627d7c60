"""What has to be whole before a git workspace can be opened, and how a damaged file of the metadata is told of."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from shlex import quote
from typing import TypeVar

from dataworkspaces.backends.git.file_check import (
    FileKind,
    Listing,
    examine,
    find_good_version,
    kind_of,
    list_files,
    put_back,
)
from dataworkspaces.backends.git.local_files_anew import how_to_make_anew
from dataworkspaces.backends.git.paths import SHARDS, WorkspacePaths
from dataworkspaces.gitrepo.advance import is_unfinished
from dataworkspaces.gitrepo.damaged_objects import check_loose_objects
from dataworkspaces.gitrepo.integrity import finish_advance, unfinished_part
from dataworkspaces.gitrepo.layout import git_directory
from dataworkspaces.toolbox.lock import hold_lock
from dataworkspaces.toolbox.move_files import set_aside
from dataworkspaces.workspace.problem import Problem, problem_of
from dataworkspaces.workspace.unfinished import UnfinishedPart
from dataworkspaces.workspace.workspace_uri import METADATA_DIR

T = TypeVar("T")


def check_before_opening(root: Path) -> Iterator[Problem]:
    """See :meth:`WorkspaceFactory.check_before_opening`."""
    paths = WorkspacePaths.of(root)
    root = paths.root
    directory = git_directory(root)
    if directory is None:
        what = f"it has a {METADATA_DIR} directory, but is not a git repository"
        remedy = (
            "A workspace has to be the root of a git repository. Check whether .git was left out when it was copied"
        )
        yield Problem("metadata", str(paths.directory), what, remedy, comes_first=True)
        return
    machine = directory / "dws"
    for problem in check_loose_objects(root, "the workspace's repository", only_empty=True):
        repair = problem.repair
        yield replace(problem, repair=None if repair is None else _locked(machine, repair), comes_first=True)
        return
    try:
        listing = list_files(paths)
    except OSError as e:
        yield replace(problem_of("metadata", METADATA_DIR, e, "Check its permissions"), comes_first=True)
        return
    for relative, what in listing.unsafe.items():
        yield unsafe_file(paths, machine, relative, what)
    if listing.unsafe:
        return
    if is_unfinished(root):  # whatever is damaged may be half written
        if not _is_good(paths, listing, "config.json"):
            what = "a command was killed while it brought the workspace's files to another commit"
            repair = _locked(machine, partial(finish_advance, root))
            remedy = "The next command completes it"
            yield Problem("interrupted", "advance.json", what, remedy, "warning", repair, comes_first=True)
        return
    config = listing.files.get("config.json", known_kind("config.json"))
    damage = examine(paths.config, config).damage if "config.json" in listing.files else "it is missing"
    if damage is not None:
        problem = damaged_file(paths, machine, "config.json", config, damage)
        yield replace(problem, repair=None if problem.repair is None else _locked(machine, problem.repair))


def unfinished_before_opening(root: Path) -> Iterator[UnfinishedPart]:
    """See :meth:`WorkspaceFactory.unfinished_before_opening`."""
    repository = WorkspacePaths.of(root).root
    directory = git_directory(repository)
    if directory is None:
        return
    machine = directory / "dws"
    for part in unfinished_part(repository, f"a pull of the workspace {root}"):
        yield UnfinishedPart(part.what, _locked(machine, part.finish), _locked(machine, part.abandon))


def _is_good(paths: WorkspacePaths, listing: Listing, relative: str) -> bool:
    kind = listing.files.get(relative)
    return kind is not None and examine(paths.metadata / relative, kind).damage is None


def known_kind(relative: str) -> FileKind:
    """The kind of a file that there always is one for."""
    kind = kind_of(relative)
    if kind is None:
        raise ValueError(relative)
    return kind


def _locked(machine: Path, repair: Callable[[], T]) -> Callable[[], T]:
    def with_lock() -> T:
        with hold_lock(machine, "fsck"):
            return repair()

    return with_lock


def unsafe_file(paths: WorkspacePaths, machine: Path, relative: str, what: str) -> Problem:
    path = paths.metadata / relative
    kind = kind_of(relative)
    good = find_good_version(paths, relative, kind) if kind is not None and kind.in_git else None

    def repair() -> str:
        if kind is not None and good is not None:
            return put_back(paths, machine, relative, kind, good)
        return f"set aside as {set_aside(path, machine)}"

    remedy = "Check where it leads, and remove it; nothing else is checked while it is there"
    where = f"{METADATA_DIR}/{relative}".rstrip("/")
    return Problem("metadata", where, f"it is {what}, which metadata cannot be", remedy, "error",
                   _locked(machine, repair) if relative else None, True)  # fmt: skip


def damaged_file(
    paths: WorkspacePaths, machine: Path, relative: str, kind: FileKind, damage: str,
    may_look_up: bool = True,
) -> Problem:  # fmt: skip
    """A file that is damaged or missing; it is put back if git's history has a good version."""
    where = f"{METADATA_DIR}/{relative}"
    good = find_good_version(paths, relative, kind) if kind.in_git and may_look_up else None
    repair: Callable[[], str] | None = None
    if good is not None:
        remedy = f"git -C {quote(str(paths.root))} checkout {good.commit[:12]} -- {quote(paths.in_git(where))}"
        repair = partial(put_back, paths, machine, relative, kind, good)
    else:
        repair = None if kind.in_git else how_to_make_anew(paths, machine, relative)
        remedy = _REMEDIES.get(relative.partition("/")[0], "Git's history has no good version of it: repair it by hand")
    return Problem(kind.area, where, damage, remedy, "error", repair, comes_first=True)


_METADATA_REMEDY = "Git's history has no good version: repair it by hand, or remove it and so the snapshot"
_REMEDIES = {
    "local_params.json": "'dws fsck --repair' creates one with the defaults; then: dws config hostname NAME",
    "resource_local_params.json": "Repair it, or 'dws fsck --repair' creates one for what is in the workspace's "
    "directory",
    "current_lineage": "'dws fsck --repair' recreates it from the last snapshot and the files there",
    "snapshot_metadata": _METADATA_REMEDY,
    SHARDS: _METADATA_REMEDY,
}
