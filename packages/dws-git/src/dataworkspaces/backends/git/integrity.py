"""Whether a git workspace is whole: its files, what git has of them, and what belongs together."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dataworkspaces.backends.git.file_check import (
    Examined,
    FileKind,
    Listing,
    examine,
    find_good_version,
    kind_of,
    list_files,
    put_back,
)
from dataworkspaces.backends.git.paths import METADATA_IGNORES, WorkspacePaths, add_lines
from dataworkspaces.errors import DwsError
from dataworkspaces.gitrepo.advance import finish, is_unfinished
from dataworkspaces.gitrepo.integrity import check_repository, check_trees, snapshots_by_version, some
from dataworkspaces.gitrepo.layout import git_directory
from dataworkspaces.gitrepo.resource import GitRepoResource
from dataworkspaces.gitrepo.run import run_git
from dataworkspaces.resources.git_subdirectory import GitSubdirectory
from dataworkspaces.workspace import Journal, SnapshotMetadata
from dataworkspaces.workspace.factory import METADATA_DIR
from dataworkspaces.workspace.integrity import (
    UNEXPECTED,
    Area,
    Problem,
    WorkspaceCheck,
    check_interruption,
    problem_of,
    set_aside,
)
from dataworkspaces.workspace.locking import acquire, describe_lock, hold_lock

if TYPE_CHECKING:
    from dataworkspaces.backends.git.workspace import GitWorkspace

_LOOK_UPS = 50
"""In how many damaged files' histories a check looks for a good version."""
_NEEDED_TO_OPEN = ("config.json", "resources.json")


# -- before the workspace is opened ----------------------------------------------------------------------------------


def check_before_opening(root: Path) -> Iterator[Problem]:
    """See :meth:`WorkspaceFactory.check_before_opening`."""
    paths = WorkspacePaths(root)
    directory = git_directory(root)
    if directory is None:
        what = f"it has a {METADATA_DIR} directory, but is no git repository"
        remedy = "A workspace is the root of a git repository: was .git left out when it was copied?"
        yield Problem("metadata", str(root), what, remedy, comes_first=True)
        return
    machine = directory / "dws"
    if is_unfinished(root) and examine(paths.config, _kind("config.json")).damage is not None:
        what = "a command was killed while it brought the workspace's files to another commit"
        remedy = "The next command completes it"
        yield Problem(
            "interrupted", "advance.json", what, remedy, "warning", _locked(machine, partial(_finish, root)), True
        )
        return
    try:
        listing = list_files(paths)
    except OSError as e:
        yield replace(problem_of("metadata", METADATA_DIR, e, "Check its permissions"), comes_first=True)
        return
    for relative, what in listing.unsafe.items():
        yield _unsafe(paths, machine, relative, what)
    if listing.unsafe or is_unfinished(root):
        return
    if "config.json" not in listing.files:
        yield _damaged(paths, machine, "config.json", _kind("config.json"), "it is missing", True)
    for relative, kind in listing.files.items():
        if relative in _NEEDED_TO_OPEN or relative.startswith("resources/"):
            damage = examine(paths.metadata / relative, kind).damage
            if damage is not None:
                yield _damaged(paths, machine, relative, kind, damage, True)


def _kind(relative: str) -> FileKind:
    kind = kind_of(relative)
    if kind is None:
        raise ValueError(relative)
    return kind


def _locked(machine: Path, repair: Callable[[], str]) -> Callable[[], str]:
    def with_lock() -> str:
        with hold_lock(machine, "fsck"):
            return repair()

    return with_lock


def _finish(root: Path) -> str:
    kept = finish(root)
    return "completed" if kept is None else f"completed; what lay in the files is kept: git -C {root} show {kept}"


def _unsafe(paths: WorkspacePaths, machine: Path, relative: str, what: str) -> Problem:
    path = paths.metadata / relative
    kind = kind_of(relative)
    good = find_good_version(paths.root, relative, kind) if kind is not None and kind.in_git else None

    def repair() -> str:
        if kind is not None and good is not None:
            return put_back(paths, machine, relative, kind, good)
        return f"set aside as {set_aside(path, machine)}"

    remedy = "Look where it leads, and remove it; nothing else is looked at while it is there"
    where = f"{METADATA_DIR}/{relative}".rstrip("/")
    return Problem("metadata", where, f"it is {what}, which no metadata is", remedy, "error",
                   _locked(machine, repair) if relative else None, True)  # fmt: skip


def _damaged(
    paths: WorkspacePaths, machine: Path, relative: str, kind: FileKind, damage: str, before_opening: bool = False,
    may_look_up: bool = True,
) -> Problem:  # fmt: skip
    """A file that is damaged or missing; it is put back if git's history has a good version."""
    where = f"{METADATA_DIR}/{relative}"
    good = find_good_version(paths.root, relative, kind) if kind.in_git and may_look_up else None
    repair: Callable[[], str] | None = None
    if good is not None:
        remedy = f"git -C {paths.root} checkout {good.commit[:12]} -- {where}"
        repair = partial(put_back, paths, machine, relative, kind, good)
        if before_opening:
            repair = _locked(machine, repair)
    else:
        remedy = _REMEDIES.get(relative.partition("/")[0], "Git's history has no good version of it: mend it by hand")
    return Problem(kind.area, where, damage, remedy, "error", repair, comes_first=True)


_REMEDIES = {
    "local_params.json": "Remove it, then: dws config hostname NAME",
    "resource_local_params.json": "Mend it, or remove it and say where resources are: dws config --resource NAME",
    "current_lineage": "Remove it; where the present content came from is unknown then, until it is made again",
    "snapshot_metadata": "Git's history has no good version: mend it by hand, or remove it and with it the snapshot",
}


# -- an open workspace -----------------------------------------------------------------------------------------------


def check_workspace(workspace: GitWorkspace) -> Iterator[Problem]:
    """See :meth:`Workspace.check_integrity`."""
    try:
        yield from GitCheck(workspace).problems()
    except UNEXPECTED as e:  # an unreadable directory, say
        yield problem_of("metadata", METADATA_DIR, e, "Check its permissions, and that git works there")


@dataclass
class GitCheck:
    """One check of a workspace.

    :ivar in_the_middle: a command was killed, or runs, so that some of what belongs together is not there yet, or not
        any more.
    """

    workspace: GitWorkspace
    in_the_middle: bool = False
    examined: dict[str, Examined] = field(default_factory=dict)
    listing: Listing = field(default_factory=lambda: Listing({}, [], [], {}))
    changed: list[str] = field(default_factory=list)

    @property
    def paths(self) -> WorkspacePaths:
        return self.workspace.paths

    @property
    def machine(self) -> Path:
        return self.workspace.get_machine_directory()

    def problems(self) -> Iterator[Problem]:
        self.listing = list_files(self.paths)
        if self.listing.unsafe:
            yield from (_unsafe(self.paths, self.machine, path, what) for path, what in self.listing.unsafe.items())
            return
        yield from check_interruption(self.workspace)
        self.in_the_middle = self._is_in_the_middle()
        yield from self._check_steps()
        yield from self._damaged_files()
        self.changed = list(self.workspace.repo.status([METADATA_DIR]).dirty)
        for problem in self._what_belongs_together():
            yield _explained(problem) if self.in_the_middle else problem
        yield from self._leftovers()
        yield from self._uncommitted()
        yield from self._ignores()

    def _is_in_the_middle(self) -> bool:
        holder = describe_lock(self.machine)
        is_running = holder is not None and holder.is_alive and not _is_own(self.machine)
        return is_running or Journal.path(self.machine).exists() or is_unfinished(self.paths.root)

    # -- files ---------------------------------------------------------------------------------------------------

    def _damaged_files(self) -> Iterator[Problem]:
        look_ups = 0
        for relative, kind in self.listing.files.items():
            self.examined[relative] = examine(self.paths.metadata / relative, kind)
            damage = self.examined[relative].damage
            if damage is None:
                continue
            look_ups += 1
            problem = _damaged(self.paths, self.machine, relative, kind, damage, may_look_up=look_ups <= _LOOK_UPS)
            yield _explained(problem) if is_unfinished(self.paths.root) else problem

    def _what_belongs_together(self) -> Iterator[Problem]:
        yield from self._deleted_files()
        yield from self._pairs()
        snapshots = self._snapshots()
        damaged = {s.hashval for s in snapshots if not self._is_sound(f"snapshots/snapshot-{s.hashval}.json")}
        check = WorkspaceCheck(self.workspace, frozenset(damaged), with_lineage=False)
        yield from check.check_params()
        yield from check.check_resources()
        if self.paths.resource_list.exists() and self.paths.resources.exists():
            what = "release 1.6's list of resources is there beside the directory that took its place"
            repair = partial(self._include, self.paths.resource_list, "its resources are in the directory")
            yield Problem("metadata", f"{METADATA_DIR}/resources.json", what, _BY_NEXT, "warning", repair)
        yield from check.check_snapshots(snapshots)
        yield from self._deleted_results(check)
        own = {name for name, resource in check.resources.items() if isinstance(resource, GitSubdirectory)}
        wanted: dict[str, list[str]] = {}
        for name in sorted(own):
            for version, labels in snapshots_by_version(check.restore_hashes.get(name, {})).items():
                wanted.setdefault(version, []).extend(label for label in labels if label not in wanted[version])
        yield from check_repository(self.paths.root, "the workspace's repository", wanted)
        yield from check.check_versions(leave_out=own)
        yield from self._check_kept_code(check)

    def _is_sound(self, relative: str) -> bool:
        return relative in self.examined and self.examined[relative].damage is None

    def _snapshots(self) -> list[SnapshotMetadata]:
        found = [examined.value for examined in self.examined.values()]
        return [value for value in found if isinstance(value, SnapshotMetadata)]

    def _deleted_files(self) -> Iterator[Problem]:
        """Files that git has, and that are gone without a command that says so."""
        for path in self.changed:
            relative = path.removeprefix(f"{METADATA_DIR}/")
            kind = kind_of(relative)
            if os.path.lexists(self.paths.root / path) or kind is None or not kind.in_git:
                continue
            if relative == "resources.json" and self.paths.resources.is_dir():
                continue
            yield replace(
                _damaged(self.paths, self.machine, relative, kind, "it is missing, though git has it"),
                comes_first=False,
            )

    def _pairs(self) -> Iterator[Problem]:
        """Metadata, manifest and lineage of each snapshot."""
        names = {*self.listing.files}
        metadata = {
            n[len("snapshot_metadata/") : -len("_md.json")] for n in names if n.startswith("snapshot_metadata/")
        }
        manifests = {n[len("snapshots/snapshot-") : -len(".json")] for n in names if n.startswith("snapshots/")}
        lineage = {n.split("/")[1] for n in names if n.startswith("snapshot_lineage/")}
        gone = {path for path in self.changed if not os.path.lexists(self.paths.root / path)}
        for hashval in sorted(metadata - manifests):
            relative = f"snapshots/snapshot-{hashval}.json"
            if f"{METADATA_DIR}/{relative}" not in gone:
                what = f"it is missing, though snapshot {hashval[:7]} has metadata"
                yield replace(_damaged(self.paths, self.machine, relative, _kind(relative), what), comes_first=False)
        for hashval in sorted(manifests - metadata):
            if f"{METADATA_DIR}/snapshot_metadata/{hashval}_md.json" not in gone:
                relative = f"snapshots/snapshot-{hashval}.json"
                yield self._useless("manifest", relative, "a manifest without a snapshot: nobody reads it")
        for hashval in sorted(lineage - metadata):
            if f"{METADATA_DIR}/snapshot_metadata/{hashval}_md.json" not in gone:
                yield self._useless(
                    "lineage", f"snapshot_lineage/{hashval}", "lineage without a snapshot: nobody reads it"
                )
        for hashval in sorted(metadata - lineage):
            if not any(path.startswith(f"{METADATA_DIR}/snapshot_lineage/{hashval}/") for path in gone):
                what = f"snapshot {hashval[:7]} has no lineage"
                remedy = "If it had some, get it from git's history or another copy"
                yield Problem("lineage", f"{METADATA_DIR}/snapshot_lineage/{hashval}", what, remedy, "warning")

    def _useless(self, area: Area, relative: str, what: str) -> Problem:
        path = self.paths.metadata / relative

        def repair() -> str:
            self.workspace.include_in_save(path)
            return f"set aside as {set_aside(path, self.machine)}"

        return Problem(area, f"{METADATA_DIR}/{relative}", what, _SET_ASIDE, "warning", repair)

    def _deleted_results(self, check: WorkspaceCheck) -> Iterator[Problem]:
        for resource in check.resources.values():
            if not isinstance(resource, GitSubdirectory) or not resource.has_results_role():
                continue
            place = f"{resource.relative_path}/snapshots"
            listed = run_git(self.paths.root, ["ls-files", "--deleted", "-z", "--", place]).stdout
            files = sorted(filter(None, os.fsdecode(listed).split("\0")))
            if files:
                what = f"results of snapshots are deleted, though git has them: {some(files)}"
                remedy = f"git -C {self.paths.root} restore -- {place}"
                yield Problem("results", resource.name, what, remedy, repair=partial(self._restore_files, files))

    def _restore_files(self, files: Sequence[str]) -> str:
        missing = [file for file in files if not os.path.lexists(self.paths.root / file)]
        names = b"".join(os.fsencode(file) + b"\0" for file in missing)
        arguments = ["restore", "--worktree", "--pathspec-from-file=-", "--pathspec-file-nul"]
        run_git(self.paths.root, arguments, stdin=names, doing="Bringing results back")
        return f"brought back {len(missing)} file{'' if len(missing) == 1 else 's'} of snapshots' results"

    def _check_kept_code(self, check: WorkspaceCheck) -> Iterator[Problem]:
        """The trees of uncommitted code that lineage of snapshots names."""
        wanted: dict[str, dict[str, list[str]]] = {}
        for relative, examined in self.examined.items():
            if relative.startswith("snapshot_lineage/") and examined.value:
                label = relative.split("/")[1][:7]
                for name, tree in _code_trees(examined.value):
                    labels = wanted.setdefault(name, {}).setdefault(tree, [])
                    labels += [label] if label not in labels else []
        for name, trees in wanted.items():
            resource = check.resources.get(name)
            if isinstance(resource, GitSubdirectory):
                yield from check_trees(self.paths.root, f"resource '{name}'", trees)
            elif isinstance(resource, GitRepoResource) and name not in check.absent:
                yield from check_trees(Path(str(resource.get_local_path_if_any())), f"resource '{name}'", trees)

    # -- this machine --------------------------------------------------------------------------------------------

    def _check_steps(self) -> Iterator[Problem]:
        """Steps that were killed while they were writing."""
        directory = self.machine / "steps"
        notes = sorted(directory.glob("*.json")) if directory.is_dir() else []
        dead = [note for note in notes if not _is_held(note.with_suffix(".lock"))]
        names = self._names() if dead else []
        if dead and names:
            what = f"{len(dead)} step{'' if len(dead) == 1 else 's'} killed while writing: the outputs are unknown"
            store = self.workspace.get_lineage_store()

            def repair() -> str:
                store.entries(names[0])  # reading current lineage settles it
                return "the outputs of killed steps are marked as unknown"

            remedy = "The next command that reads lineage marks them so"
            yield Problem("interrupted", "steps", what, remedy, "warning", repair)

    def _leftovers(self) -> Iterator[Problem]:
        if self.listing.temporary and not self._is_running():
            what = f"left by writes that were killed: {some(self.listing.temporary)}"
            yield Problem("local state", METADATA_DIR, what, "dws fsck --repair removes them", "warning",
                          self._remove_temporary)  # fmt: skip
        for relative in self.listing.strange:
            remedy = "Move it away, if it is not from a plug-in or a newer release"
            yield Problem("metadata", f"{METADATA_DIR}/{relative}", "nothing here knows it", remedy, "warning")
        new = self.paths.root / f"{METADATA_DIR}.new"
        if os.path.lexists(new):
            repair = partial(self._set_aside, new)
            yield Problem(
                "local state", new.name, "left by a 'dws init' that was killed", _SET_ASIDE, "warning", repair
            )
        for clone in sorted(self.machine.glob(".dws-clone-*")):
            if not _is_of_living_process(clone.name[len(".dws-clone-") :]):
                remedy = "dws fsck --repair removes it; 'dws pull' clones anew"
                yield Problem("local state", f".git/dws/{clone.name}", "left by a clone that was killed", remedy,
                              "warning", partial(_remove_clone, clone))  # fmt: skip

    def _is_running(self) -> bool:
        holder = describe_lock(self.machine)
        return holder is not None and holder.is_alive and not _is_own(self.machine)

    def _remove_temporary(self) -> str:
        # Whoever writes here holds the workspace's lock, as our caller does, or that of the lineage.
        lock = acquire(self.machine / "lineage.lock", 10.0)
        try:
            for relative in self.listing.temporary:
                path = self.paths.metadata / relative
                if path.is_dir() and not path.is_symlink():
                    shutil.rmtree(path)
                else:
                    path.unlink(missing_ok=True)
        finally:
            lock.release()
        return f"removed what killed writes left: {some(self.listing.temporary)}"

    def _set_aside(self, path: Path) -> str:
        return f"set aside as {set_aside(path, self.machine)}"

    # -- git -----------------------------------------------------------------------------------------------------

    def _uncommitted(self) -> Iterator[Problem]:
        """Metadata that is only here."""
        if self._is_running():
            return
        there = [path for path in self.changed if os.path.lexists(self.paths.root / path) and self._is_known(path)]
        if (self.machine / "unsaved").exists() and not _is_own(self.machine):
            what = f"metadata of an interrupted command is not committed: {some(there) or 'nothing is left to do'}"
            yield Problem("interrupted", METADATA_DIR, what, "The next command that changes something commits it",
                          "warning", partial(self._include_all, there))  # fmt: skip
        elif there:
            what = f"not committed: {some(there)}"
            remedy = f"dws fsck --repair commits it; git -C {self.paths.root} diff -- {METADATA_DIR} shows it"
            yield Problem("metadata", METADATA_DIR, what, remedy, "warning", partial(self._include_all, there))

    def _is_known(self, path: str) -> bool:
        relative = path.removeprefix(f"{METADATA_DIR}/")
        if path.endswith("/"):  # a directory that git knows nothing of
            return any(f"{METADATA_DIR}/{name}".startswith(path) for name in self.listing.files)
        kind = kind_of(relative)
        return relative == ".gitignore" or (kind is not None and kind.in_git and self._is_sound(relative))

    def _include_all(self, paths: Iterable[str]) -> str:
        for path in paths:
            self.workspace.include_in_save(self.paths.root / path.rstrip("/"))
        return "committed"

    def _include(self, path: Path, said: str) -> str:
        self.workspace.include_in_save(path)
        return said

    def _ignores(self) -> Iterator[Problem]:
        try:
            lines = set(self.paths.metadata_gitignore.read_text("utf-8", "surrogateescape").splitlines())
        except OSError:
            lines = set()
        missing = [line for line in METADATA_IGNORES if line not in lines]
        if missing:
            what = f"it lacks {', '.join(missing)}, so git takes what belongs to one machine"
            yield Problem("metadata", f"{METADATA_DIR}/.gitignore", what, "dws fsck --repair adds it", "warning",
                          self._add_ignores)  # fmt: skip
        for name, place in self._places_to_ignore():
            what = f"resource '{name}' is a repository of its own, but .gitignore does not name its place"
            repair = partial(self._ignore_place, place)
            yield Problem("metadata", ".gitignore", what, "dws fsck --repair adds it", "warning", repair)

    def _add_ignores(self) -> str:
        self.workspace.include_in_save(self.paths.metadata_gitignore)
        add_lines(self.paths.metadata_gitignore, METADATA_IGNORES)
        return "added what was missing"

    def _ignore_place(self, place: Path) -> str:
        self.workspace.ignore_local_path(place)
        return f"added {place.name}"

    def _places_to_ignore(self) -> list[tuple[str, Path]]:
        """Resources with a repository of their own in the workspace, which its repository does not ignore."""
        inside: dict[str, str] = {}
        for name in self._names():
            try:
                resource = self.workspace.get_resource(name)
            except UNEXPECTED:
                continue
            relative = getattr(resource, "relative_local_path", None)
            if isinstance(relative, str) and (self.paths.root / relative).is_dir():
                inside[relative] = name
        if not inside:
            return []
        text = b"".join(os.fsencode(relative) + b"/\0" for relative in inside)
        arguments = ["check-ignore", "-z", "--stdin", "--no-index"]
        result = run_git(self.paths.root, arguments, stdin=text, ok=(0, 1))
        ignored = {path.rstrip("/") for path in os.fsdecode(result.stdout).split("\0")}
        return [(name, self.paths.root / relative) for relative, name in inside.items() if relative not in ignored]

    def _names(self) -> list[str]:
        try:
            return list(self.workspace.get_resource_names())
        except DwsError:
            return []


_BY_NEXT = "The next command that changes something mends it"
_SET_ASIDE = "dws fsck --repair sets it aside"


def _explained(problem: Problem) -> Problem:
    """What is found while a command runs, or before what a killed one left has been completed or undone."""
    if problem.severity == "warning":
        return problem
    remedy = "A command is in the middle of its work, see above: check again when it is completed"
    return replace(problem, severity="warning", remedy=remedy, repair=None, comes_first=False)


def _is_own(machine: Path) -> bool:
    """Whether it is this process that holds the lock, to repair."""
    try:
        return (machine / "lock").read_text(encoding="utf-8").split("\n")[0] == str(os.getpid())
    except (OSError, ValueError):
        return False


def _is_held(lock: Path) -> bool:
    """Whether a living process holds a lock of a step."""
    import psutil

    try:
        pid, host = lock.read_text(encoding="utf-8").splitlines()[:2]
    except (OSError, ValueError):
        return lock.exists() and lock.stat().st_size > 0
    return host != os.uname().nodename or not pid.isdigit() or psutil.pid_exists(int(pid))


def _is_of_living_process(name: str) -> bool:
    import psutil

    pid, _, host = name.partition("-")
    return not host.startswith(f"{os.uname().nodename}-") or not pid.isdigit() or psutil.pid_exists(int(pid))


def _remove_clone(clone: Path) -> str:
    shutil.rmtree(clone)
    return "removed"


def _code_trees(entries: Iterable[Any]) -> Iterator[tuple[str, str]]:
    for entry in entries:
        trees = getattr(entry, "code_trees", None)
        if trees:
            yield from trees.items()
