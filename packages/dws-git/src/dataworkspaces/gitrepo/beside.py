"""Commits beside the working line: made from what lies in a working tree, while HEAD, index, branch and files stay."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from dataworkspaces.gitrepo.layout import git_directory, head_commit
from dataworkspaces.gitrepo.messages import commit_message
from dataworkspaces.gitrepo.nested import add_all, holds_foreign_repositories
from dataworkspaces.gitrepo.objects import index_info
from dataworkspaces.gitrepo.plumbing import TreeEntry, list_index, resolve
from dataworkspaces.gitrepo.repo import GitRepo
from dataworkspaces.gitrepo.run import run_git

KEPT_VERSIONS = "refs/dws/versions"
"""Below it: commits of a resource's repository that experiments need, each under its own name."""
_DOING = "Keeping an experiment"


class IndexBeside(NamedTuple):
    """A copy of a repository's index, to which things are added without anybody noticing."""

    root: Path
    env: Mapping[str, str]

    def add(self, paths: Sequence[str]) -> None:
        """Bring it to what lies at paths, as ``git add --all`` does. Paths that git does not know are left out."""
        for path in () if not paths or add_all(self.root, paths, env=self.env).found_all else paths:
            add_all(self.root, [path], env=self.env)

    def move(self, places: Mapping[str, str]) -> None:
        """What it holds at paths, it holds at others from now on. What it does not hold is left out."""
        found = [entry for entry in list_index(self.root, places, env=self.env) if entry.path in places]
        self.put({
            **{entry.path: None for entry in found},
            **{places[entry.path]: TreeEntry(entry.mode, entry.name) for entry in found},
        })  # fmt: skip

    def put(self, entries: Mapping[str, TreeEntry | None]) -> None:
        if entries:
            lines = index_info(self.root, entries)
            run_git(self.root, ["update-index", "-z", "--index-info"], stdin=lines, env=self.env, doing=_DOING)

    def write_tree(self) -> str:
        return run_git(self.root, ["write-tree"], env=self.env, doing=_DOING).stdout.decode("ascii").strip()


@contextmanager
def index_beside(root: Path) -> Iterator[IndexBeside]:
    """It begins as the index is, with what git remembers of files, so that few are read."""
    with tempfile.TemporaryDirectory(prefix="dws-") as temporary:
        index = Path(temporary) / "index"
        present = (git_directory(root) or root / ".git") / "index"
        if present.exists():
            shutil.copy2(present, index)  # with its time, by which git knows which files to read again
        yield IndexBeside(root, {"GIT_INDEX_FILE": str(index)})


def commit_tree(
    root: Path, tree: str, parents: Iterable[str], message: str, env: Mapping[str, str] | None = None
) -> str:
    """Make a commit that nothing refers to yet."""
    options = [word for parent in parents for word in ("-p", parent)]
    text = commit_message(message).encode("utf-8", "replace")
    done = run_git(root, ["commit-tree", tree, *options, "-F", "-"], stdin=text, env=env, doing=_DOING)
    return done.stdout.decode("ascii").strip()


def commit_of_work(repo: GitRepo) -> str | None:
    """A commit of all that lies in a repository: HEAD if it holds just that; None before the first commit."""
    status = repo.status()
    if status.commit is None or not (status.dirty or holds_foreign_repositories(repo.root)):
        return status.commit
    with index_beside(repo.root) as index:
        index.add(["."])
        tree = index.write_tree()
    if tree == resolve(repo.root, ["HEAD^{tree}"])[0]:
        return status.commit
    # At the time of HEAD, so that the same work is the same commit.
    date = run_git(repo.root, ["log", "-1", "--format=%ct", status.commit]).stdout.decode("ascii").strip()
    env = {"GIT_AUTHOR_DATE": f"{date} +0000", "GIT_COMMITTER_DATE": f"{date} +0000"}
    return commit_tree(repo.root, tree, [status.commit], "Work that an experiment keeps", env)


def keep_version(root: Path, commit: str) -> None:
    """Git does not collect a commit until :func:`forget_version`. Idempotent."""
    run_git(root, ["update-ref", f"{KEPT_VERSIONS}/{commit}", commit], doing=_DOING)


def forget_version(root: Path, commit: str) -> None:
    """Idempotent."""
    run_git(root, ["update-ref", "-d", f"{KEPT_VERSIONS}/{commit}"], doing="Removing an experiment")


def head_of(root: Path) -> str:
    """HEAD, which there is."""
    return head_commit(root) or os.fsdecode(run_git(root, ["rev-parse", "HEAD"]).stdout).strip()
