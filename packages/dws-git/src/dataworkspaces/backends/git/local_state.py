"""What this machine keeps of a git workspace: what killed commands left, and what git should leave alone."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from dataworkspaces.backends.git.conversion import converted_files, protect
from dataworkspaces.backends.git.file_check import Listing
from dataworkspaces.backends.git.paths import METADATA_IGNORES, WorkspacePaths
from dataworkspaces.errors import DwsError
from dataworkspaces.gitrepo.ignore_lines import add_lines
from dataworkspaces.gitrepo.plumbing import list_paths
from dataworkspaces.toolbox.lock import acquire
from dataworkspaces.toolbox.lock_holder import describe_lock
from dataworkspaces.toolbox.move_files import set_aside
from dataworkspaces.toolbox.names import some
from dataworkspaces.toolbox.processes import process_exists
from dataworkspaces.toolbox.regular import is_present, read_regular
from dataworkspaces.workspace.problem import UNEXPECTED, Problem
from dataworkspaces.workspace.workspace_uri import METADATA_DIR

if TYPE_CHECKING:
    from dataworkspaces.backends.git.workspace import GitWorkspace

SET_ASIDE = "dws fsck --repair sets it aside"


@dataclass(frozen=True)
class LocalStateCheck:
    """:ivar listing: what lies in the metadata."""

    workspace: GitWorkspace
    listing: Listing

    @property
    def paths(self) -> WorkspacePaths:
        return self.workspace.paths

    @property
    def machine(self) -> Path:
        return self.workspace.get_machine_directory()

    def check_steps(self) -> Iterator[Problem]:
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

            remedy = "The next command that reads lineage marks them"
            yield Problem("interrupted", "steps", what, remedy, "warning", repair)

    def check_leftovers(self) -> Iterator[Problem]:
        """What killed commands left beside the metadata, and what nobody knows."""
        if self.listing.temporary and not is_running(self.machine):
            what = f"left behind by killed writes: {some(self.listing.temporary)}"
            yield Problem("local state", METADATA_DIR, what, "dws fsck --repair removes them", "warning",
                          self._remove_temporary)  # fmt: skip
        for relative in self.listing.strange:
            remedy = "Move it away, unless it is from a plug-in or a newer release"
            yield Problem(
                "metadata", f"{METADATA_DIR}/{relative}", "this release does not know what it is", remedy, "warning"
            )
        new = self.paths.directory / f"{METADATA_DIR}.new"
        if is_present(new):
            repair = partial(self._set_aside, new)
            yield Problem("local state", new.name, "left behind by a killed 'dws init'", SET_ASIDE, "warning", repair)
        for clone in sorted(self.machine.glob(".dws-clone-*")):
            if not _is_of_living_process(clone.name[len(".dws-clone-") :]):
                remedy = "dws fsck --repair removes it; 'dws pull' clones it again"
                yield Problem("local state", f".git/dws/{clone.name}", "left behind by a killed clone", remedy,
                              "warning", partial(_remove_clone, clone))  # fmt: skip

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
        return f"removed what killed writes left behind: {some(self.listing.temporary)}"

    def _set_aside(self, path: Path) -> str:
        return f"set aside as {set_aside(path, self.machine)}"

    def check_ignores(self) -> Iterator[Problem]:
        """What git would take, though it belongs to one machine, or to a repository of its own."""
        try:
            lines = set(read_regular(self.paths.metadata_gitignore).decode("utf-8", "surrogateescape").splitlines())
        except OSError:
            lines = set()
        missing = [line for line in METADATA_IGNORES if line not in lines]
        if missing:
            what = f"it lacks {', '.join(missing)}, so git would commit files that belong to one machine"
            yield Problem("metadata", f"{METADATA_DIR}/.gitignore", what, "dws fsck --repair adds it", "warning",
                          self._add_ignores)  # fmt: skip
        if converted_files(self.paths):
            what = "git has converted line endings in the metadata, which is hashed"
            yield Problem("metadata", f"{METADATA_DIR}/.gitattributes", what, "dws fsck --repair repairs it", "warning",
                          self._protect)  # fmt: skip
        for name, place in self._places_to_ignore():
            what = f"resource '{name}' is a repository of its own, but .gitignore does not name its place"
            repair = partial(self._ignore_place, place)
            yield Problem("metadata", ".gitignore", what, "dws fsck --repair adds it", "warning", repair)

    def _add_ignores(self) -> str:
        self.workspace.include_in_save(self.paths.metadata_gitignore)
        add_lines(self.paths.metadata_gitignore, METADATA_IGNORES)
        return "added what was missing"

    def _protect(self) -> str:
        self.workspace.include_in_save(self.paths.metadata_gitattributes)
        protect(self.paths, for_all=False)
        return "they are as committed again, and git is told not to convert them"

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
            if isinstance(relative, str) and (self.paths.directory / relative).is_dir():
                inside[self.paths.in_git(relative)] = name
        if not inside:
            return []
        # Asked for all at once: a directory that git would take, but does not know, is listed with a slash.
        listed = list_paths(self.paths.root, ["--others", "--directory", "--exclude-standard"], inside)
        shown = {path.rstrip("/") for path in listed}
        return [(name, self.paths.root / relative) for relative, name in inside.items() if relative in shown]

    def _names(self) -> list[str]:
        try:
            return list(self.workspace.get_resource_names())
        except DwsError:
            return []


def is_own(machine: Path) -> bool:
    """Whether it is this process that holds the lock, to repair."""
    try:
        return (machine / "lock").read_text(encoding="utf-8").split("\n")[0] == str(os.getpid())
    except (OSError, ValueError):
        return False


def is_running(machine: Path) -> bool:
    """Whether another command changes the workspace now."""
    holder = describe_lock(machine)
    return holder is not None and holder.is_alive and not is_own(machine)


def _is_held(lock: Path) -> bool:
    """Whether a living process holds a lock of a step."""
    try:
        pid, host = lock.read_text(encoding="utf-8").splitlines()[:2]
    except (OSError, ValueError):
        return lock.exists() and lock.stat().st_size > 0
    return host != os.uname().nodename or not pid.isdigit() or process_exists(int(pid))


def _is_of_living_process(name: str) -> bool:
    pid, _, host = name.partition("-")
    return not host.startswith(f"{os.uname().nodename}-") or not pid.isdigit() or process_exists(int(pid))


def _remove_clone(clone: Path) -> str:
    shutil.rmtree(clone)
    return "removed"
