"""What lies in a repository beside some places of it: its status, its tree, bringing it back."""

from __future__ import annotations

import time
from pathlib import Path
from typing import NamedTuple

from dataworkspaces.gitrepo.changes import parse_raw_diff
from dataworkspaces.gitrepo.layout import SETTINGS, empty_tree, head_commit
from dataworkspaces.gitrepo.nested import may_hold_gitlinks
from dataworkspaces.gitrepo.plumbing import parse_names, records
from dataworkspaces.gitrepo.repo import GitRepo, RepoStatus, git_without
from dataworkspaces.gitrepo.run import run_git
from dataworkspaces.gitrepo.stripped import tree_without
from dataworkspaces.toolbox.regular import is_present
from dataworkspaces.workspace import FileChange

_AT_ONCE = 2000
"""So many paths fit on a command line, however long they are."""


class RestOfRepo(NamedTuple):
    """All of a repository but the places ``without``, which are relative to its root.

    :ivar prefix: of what lies in a directory only: ``a/b/``."""

    repo: GitRepo
    without: tuple[str, ...]
    prefix: str = ""

    @property
    def root(self) -> Path:
        return self.repo.root

    @property
    def within(self) -> str:
        """The directory; ``""`` is the root."""
        return self.prefix[:-1]

    @property
    def settings(self) -> tuple[str, ...]:
        """:data:`SETTINGS`, relative to the root of the repository."""
        return tuple(f"{self.prefix}{name}" for name in SETTINGS)

    def status(self) -> RepoStatus:
        return self.repo.status(without=self.without, within=self.within)

    def changed_paths(self) -> list[str]:
        """See :meth:`GitRepo.changed_paths`."""
        return self.repo.changed_paths(self.without, self.within)

    def holds_files(self) -> bool:
        """Whether there is a file, of those that git has or would take."""
        listing = ["ls-files", "--cached", "--others", "--exclude-standard", "-z"]
        listed = git_without(self.root, listing, (*self.without, *self.settings), within=self.within)
        return any(is_present(self.root / path) for path in parse_names(listed))

    def commit(self, message: str) -> RepoStatus:
        """Commit what is not committed; returns how it stood before."""
        before = self.status()
        for start in range(0, len(before.dirty), _AT_ONCE):
            self.repo.commit_paths(before.dirty[start : start + _AT_ONCE], message)
        return before

    def tree(self, commit: str) -> str:
        """The tree of a commit without the places, and without :data:`SETTINGS`."""
        tree = f"{commit}:{self.within}" if self.prefix else f"{commit}^{{tree}}"
        if self.prefix and self.repo.resolve([tree])[0] is None:
            return empty_tree(self.root)
        below = [path.removeprefix(self.prefix) for path in (*self.without, *self.settings)]
        return tree_without(self.root, tree, below)

    def plan_restore(self, commit: str) -> list[FileChange]:
        return self.repo.plan_restore(commit, self.within, without=(*self.without, *self.settings))

    def restore(self, commit: str, message: str) -> bool:
        """As :meth:`GitRepo.restore_paths`, of all but the places and :data:`SETTINGS`."""
        began = time.time() - 1
        if commit == head_commit(self.root):
            return False
        arguments = ["diff-tree", "-r", "-z", "--no-renames", "--raw", "HEAD", commit]
        without = (*self.without, *self.settings)
        changes = parse_raw_diff(git_without(self.root, arguments, without, within=self.within))
        if not changes:
            return False
        self.repo.keep_ignored("", changes)
        with_submodules = may_hold_gitlinks(self.root)
        paths = [change.path for change in changes]
        options = ["--staged", "--worktree", "--pathspec-from-file=-", "--pathspec-file-nul"]
        run_git(self.root, ["restore", f"--source={commit}", *options], stdin=records(paths), doing="Restoring files")
        written = {change.path for change in changes if change.status != "deleted"}
        done = False
        for start in range(0, len(paths), _AT_ONCE):
            part = paths[start : start + _AT_ONCE]
            is_committed = self.repo.commit_restored(
                {commit: part}, written.intersection(part), message, began, with_submodules=with_submodules
            )
            done = is_committed or done
        return done
