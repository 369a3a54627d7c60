"""Whether a git workspace is whole: its files, what git has of them, and what belongs together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Any

from dataworkspaces.backends.git.damaged_files import damaged_file, known_kind, unsafe_file
from dataworkspaces.backends.git.experiment_check import check_experiments
from dataworkspaces.backends.git.file_check import (
    Examined,
    FileKind,
    Listing,
    PackedSnapshots,
    examine,
    kind_of,
    list_files,
)
from dataworkspaces.backends.git.local_state import SET_ASIDE, LocalStateCheck, is_own, is_running
from dataworkspaces.backends.git.metadata_twins import twins, unite
from dataworkspaces.backends.git.own_files import GitOwnFiles
from dataworkspaces.backends.git.paths import PACKS, WorkspacePaths, snapshot_of
from dataworkspaces.gitrepo.advance import is_unfinished
from dataworkspaces.gitrepo.integrity import check_repository, check_trees, snapshots_by_version
from dataworkspaces.gitrepo.plumbing import list_paths, records
from dataworkspaces.gitrepo.resource import GitRepoResource
from dataworkspaces.gitrepo.run import run_git
from dataworkspaces.lineage.rebuilt_lineage import rebuild
from dataworkspaces.operations.integrity import WorkspaceCheck, check_interruption, readable_names
from dataworkspaces.resources.git_subdirectory import GitSubdirectory
from dataworkspaces.toolbox.move_files import set_aside
from dataworkspaces.toolbox.names import some
from dataworkspaces.toolbox.regular import is_present
from dataworkspaces.workspace import Journal, SnapshotMetadata
from dataworkspaces.workspace.problem import UNEXPECTED, Area, Problem, problem_of
from dataworkspaces.workspace.resource_names import ResourceNames
from dataworkspaces.workspace.workspace_uri import METADATA_DIR

if TYPE_CHECKING:
    from dataworkspaces.backends.git.workspace import GitWorkspace

_LOOK_UPS = 50
"""In how many damaged files' histories a check looks for a good version."""


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
            yield from (unsafe_file(self.paths, self.machine, path, what) for path, what in self.listing.unsafe.items())
            return
        yield from check_interruption(self.workspace)
        self.in_the_middle = self._is_in_the_middle()
        local = LocalStateCheck(self.workspace, self.listing)
        yield from local.check_steps()
        yield from self._damaged_files()
        self.changed = [
            *self.workspace.repo.status([self.paths.metadata_in_git]).dirty,
            *self.workspace.ignored_metadata(),
        ]
        for problem in self._what_belongs_together():
            yield _explained(problem) if self.in_the_middle else problem
        yield from local.check_leftovers()
        yield from self._uncommitted()
        yield from local.check_ignores()

    def _is_in_the_middle(self) -> bool:
        return is_running(self.machine) or Journal.path(self.machine).exists() or is_unfinished(self.paths.root)

    # -- files ---------------------------------------------------------------------------------------------------

    def _damaged_files(self) -> Iterator[Problem]:
        look_ups = 0
        for relative, kind in self.listing.files.items():
            self.examined[relative] = examine(self.paths.metadata / relative, kind)
            damage = self.examined[relative].damage
            if damage is None:
                continue
            look_ups += 1
            problem = damaged_file(self.paths, self.machine, relative, kind, damage, may_look_up=look_ups <= _LOOK_UPS)
            if relative.startswith("current_lineage/"):
                path = self.paths.metadata / relative
                aside = partial(set_aside, path, self.machine)
                name = self._names.called(path.stem)
                problem = replace(problem, repair=partial(rebuild, self.workspace, name, aside))
            yield _explained(problem) if is_unfinished(self.paths.root) else problem

    def _what_belongs_together(self) -> Iterator[Problem]:
        yield from self._deleted_files()
        yield from self._twins()
        yield from self._pairs()
        snapshots = self._snapshots()
        packed = self._packed()
        damaged = {
            s.hashval
            for s in snapshots
            if s.hashval not in packed and not self._is_sound(f"snapshots/snapshot-{s.hashval}.json")
        }
        check = WorkspaceCheck(self.workspace, frozenset(damaged), with_lineage=False)
        yield from check.check_params()
        if all(self._is_sound(path) for path in self.listing.files if path.startswith("resources")):
            yield from check.check_resources()  # else what is wrong has been told
        if self.paths.resource_list.exists() and self.paths.resources.exists():
            what = "the resource list of release 1.6 is still there beside the directory that replaced it"
            repair = partial(self._include, self.paths.resource_list, "its resources are in the directory")
            yield Problem("metadata", f"{METADATA_DIR}/resources.json", what, _BY_NEXT, "warning", repair)
        yield from check.check_snapshots(snapshots)
        yield from self._deleted_results(check)
        kinds = (GitSubdirectory, GitOwnFiles)
        own = {name for name, resource in check.resources.items() if isinstance(resource, kinds)}
        wanted: dict[str, list[str]] = {}
        for name in sorted(own):
            for version, labels in snapshots_by_version(check.restore_hashes.get(name, {})).items():
                wanted.setdefault(version, []).extend(label for label in labels if label not in wanted[version])
        yield from check_repository(self.paths.root, "the workspace's repository", wanted)
        yield from check.check_versions(leave_out=own)
        yield from self._check_kept_code(check)
        yield from check_experiments(self.workspace)

    def _relative(self, path: str) -> str:
        """A path that git names, relative to the metadata."""
        return path.removeprefix(f"{self.paths.metadata_in_git}/")

    def _is_sound(self, relative: str) -> bool:
        return relative in self.examined and self.examined[relative].damage is None

    def _snapshots(self) -> list[SnapshotMetadata]:
        """Of one that has two files, what the first says."""
        found: dict[str, SnapshotMetadata] = {}
        for examined in self.examined.values():
            if isinstance(examined.value, SnapshotMetadata):
                found.setdefault(examined.value.hashval, self._names.snapshot_called(examined.value))
        return list(found.values())

    def _packed(self) -> dict[str, list[Any]]:
        """The entries of lineage in packs that are whole, by snapshot."""
        found: dict[str, list[Any]] = {}
        for examined in self.examined.values():
            if isinstance(examined.value, PackedSnapshots):
                found |= examined.value.entries
        return found

    @cached_property
    def _names(self) -> ResourceNames:
        return readable_names(self.workspace)

    def _deleted_files(self) -> Iterator[Problem]:
        """Files that git has, and that are gone without a command that says so."""
        for path in self.changed:
            relative = self._relative(path)
            kind = kind_of(relative)
            if is_present(self.paths.root / path) or kind is None or not kind.in_git:
                continue
            if relative == "resources.json" and self.paths.resources.is_dir():
                continue
            yield self._missing(relative, kind, "it is missing, though git has it")

    def _pairs(self) -> Iterator[Problem]:
        """Metadata, manifest and lineage of each snapshot."""
        names = {*self.listing.files}
        metadata = {*filter(None, map(snapshot_of, names))}
        manifests = {n[len("snapshots/snapshot-") : -len(".json")] for n in names if n.startswith("snapshots/")}
        lineage = {n.split("/")[1] for n in names if n.startswith("snapshot_lineage/")}
        gone = {self._relative(path) for path in self.changed if not is_present(self.paths.root / path)}
        gone_metadata = {*map(snapshot_of, gone)}
        packed = {*self._packed()}
        lost = [name for name in {*names, *gone} if name.startswith(f"{PACKS}/") and not self._is_sound(name)]
        if lost:  # which is told; it may hold all that is missed
            packed = packed | metadata
        for hashval in sorted(metadata - manifests - packed):
            relative = f"snapshots/snapshot-{hashval}.json"
            if relative not in gone:
                what = f"it is missing, though snapshot {hashval[:7]} has metadata"
                yield replace(
                    damaged_file(self.paths, self.machine, relative, known_kind(relative), what), comes_first=False
                )
        for hashval in sorted(manifests - metadata):
            if hashval not in gone_metadata:
                relative = f"snapshots/snapshot-{hashval}.json"
                yield self._useless("manifest", relative, "a manifest without a snapshot: it is never read")
        for hashval in sorted(lineage - metadata):
            if hashval not in gone_metadata:
                yield self._useless(
                    "lineage", f"snapshot_lineage/{hashval}", "lineage without a snapshot: it is never read"
                )
        for hashval in sorted(metadata - lineage - packed):
            if not any(path.startswith(f"snapshot_lineage/{hashval}/") for path in gone):
                what = f"snapshot {hashval[:7]} has no lineage"
                remedy = "If it had lineage, restore that from git's history or another copy"
                yield Problem("lineage", f"{METADATA_DIR}/snapshot_lineage/{hashval}", what, remedy, "warning")

    def _twins(self) -> Iterator[Problem]:
        for hashval in twins(self.paths):
            first, second = self.paths.snapshot_metadata_files(hashval)
            places = [file.relative_to(self.paths.metadata).as_posix() for file in (first, second)]
            what = f"snapshot {hashval[:7]} has metadata in {METADATA_DIR}/{places[0]} too, and that counts"
            repair = partial(self._unite, hashval) if all(map(self._is_sound, places)) else None
            remedy = "dws fsck --repair adds what it says to the other"
            yield Problem("snapshot", f"{METADATA_DIR}/{places[1]}", what, remedy, "warning", repair)

    def _unite(self, hashval: str) -> str:
        unite(self.workspace, hashval)
        return "added what it says to the other file"

    def _missing(self, relative: str, kind: FileKind, what: str) -> Problem:
        # A command that was interrupted may have removed it, and be completed first.
        return replace(damaged_file(self.paths, self.machine, relative, kind, what), comes_first=False)

    def _useless(self, area: Area, relative: str, what: str) -> Problem:
        path = self.paths.metadata / relative

        def repair() -> str:
            self.workspace.include_in_save(path)
            return f"set aside as {set_aside(path, self.machine)}"

        return Problem(area, f"{METADATA_DIR}/{relative}", what, SET_ASIDE, "warning", repair)

    def _deleted_results(self, check: WorkspaceCheck) -> Iterator[Problem]:
        for resource in check.resources.values():
            if not isinstance(resource, GitSubdirectory) or not resource.has_results_role():
                continue
            place = f"{resource.place_in_git}/snapshots"
            files = sorted(list_paths(self.paths.root, ["--deleted"], [place]))
            if files:
                what = f"results of snapshots are deleted, though git has them: {some(files)}"
                remedy = f"git -C {quote(str(self.paths.root))} restore -- {quote(place)}"
                yield Problem("results", resource.name, what, remedy, repair=partial(self._restore_files, files))

    def _restore_files(self, files: Sequence[str]) -> str:
        missing = [file for file in files if not is_present(self.paths.root / file)]
        names = records(missing)
        arguments = ["restore", "--worktree", "--pathspec-from-file=-", "--pathspec-file-nul"]
        run_git(self.paths.root, arguments, stdin=names, doing="Bringing results back")
        return f"brought back {len(missing)} file{'' if len(missing) == 1 else 's'} of snapshots' results"

    def _check_kept_code(self, check: WorkspaceCheck) -> Iterator[Problem]:
        """The trees of uncommitted code that lineage of snapshots names."""
        wanted: dict[str, dict[str, list[str]]] = {}
        kept = [
            (relative.split("/")[1], examined.value)
            for relative, examined in self.examined.items()
            if relative.startswith("snapshot_lineage/") and examined.value
        ]
        there = {snapshot.hashval for snapshot in self._snapshots()}
        kept += [(hashval, entries) for hashval, entries in self._packed().items() if hashval in there]
        for label, entries in kept:
            for name, tree in _code_trees(entries):
                labels = wanted.setdefault(self._names.called(name), {}).setdefault(tree, [])
                labels += [label] if label not in labels else []
        for name, trees in wanted.items():
            resource = check.resources.get(name)
            if isinstance(resource, (GitSubdirectory, GitOwnFiles)):
                yield from check_trees(self.paths.root, f"resource '{name}'", trees)
            elif isinstance(resource, GitRepoResource) and name not in check.absent:
                yield from check_trees(Path(str(resource.get_local_path_if_any())), f"resource '{name}'", trees)

    # -- git -----------------------------------------------------------------------------------------------------

    def _uncommitted(self) -> Iterator[Problem]:
        """Metadata that is only here."""
        if is_running(self.machine):
            return
        there = [path for path in self.changed if is_present(self.paths.root / path) and self._is_known(path)]
        if (self.machine / "unsaved").exists() and not is_own(self.machine):
            what = f"metadata of an interrupted command is not committed: {some(there) or 'nothing is left to do'}"
            yield Problem("interrupted", METADATA_DIR, what, "The next command that changes something commits it",
                          "warning", partial(self._include_all, there))  # fmt: skip
        elif there:
            what = f"not committed: {some(there)}"
            remedy = (
                f"dws fsck --repair commits it; git -C {quote(str(self.paths.root))} diff -- "
                f"{quote(self.paths.metadata_in_git)} shows it"
            )
            yield Problem("metadata", METADATA_DIR, what, remedy, "warning", partial(self._include_all, there))

    def _is_known(self, path: str) -> bool:
        relative = self._relative(path)
        if path.endswith("/"):  # a directory that git knows nothing of
            return any(f"{self.paths.metadata_in_git}/{name}".startswith(path) for name in self.listing.files)
        kind = kind_of(relative)
        return relative == ".gitignore" or (kind is not None and kind.in_git and self._is_sound(relative))

    def _include_all(self, paths: Iterable[str]) -> str:
        for path in paths:
            self.workspace.include_in_save(self.paths.root / path.rstrip("/"))
        return "committed"

    def _include(self, path: Path, said: str) -> str:
        self.workspace.include_in_save(path)
        return said


_BY_NEXT = "The next command that changes something repairs it"


def _explained(problem: Problem) -> Problem:
    """What is found while a command runs, or before what a killed one left has been completed or undone."""
    if problem.severity == "warning":
        return problem
    remedy = "A command is still running (see above): check again when it has finished"
    return replace(problem, severity="warning", remedy=remedy, repair=None, comes_first=False)


def _code_trees(entries: Iterable[Any]) -> Iterator[tuple[str, str]]:
    for entry in entries:
        trees = getattr(entry, "code_trees", None)
        if trees:
            yield from trees.items()
