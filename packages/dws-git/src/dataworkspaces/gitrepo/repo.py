"""What the backend and the git resources do with a repository, in few git processes."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from dataworkspaces.errors import ConfigurationError, NotSupportedError
from dataworkspaces.gitrepo.layout import current_branch, git_directory, head_commit, operation_in_progress
from dataworkspaces.gitrepo.plumbing import is_tracked, list_paths, resolve
from dataworkspaces.gitrepo.run import begun_git, run_git
from dataworkspaces.toolbox.regular import is_present
from dataworkspaces.workspace import FileChange

_COMMIT = ("commit", "--quiet", "--no-verify", "--cleanup=whitespace", "-F", "-")
"""Whatever git's configuration takes for a comment, the message is what we say."""


def _encoded(message: str) -> bytes:
    from dataworkspaces.gitrepo.messages import commit_message

    return commit_message(message).encode("utf-8", "replace")


_MAGIC = "--no-literal-pathspecs"


def pathspecs(without: Iterable[str], within: str = "") -> list[str]:
    """All of a repository, or of the directory ``within``, but some places, for a git that does not take paths
    literally."""
    return [f":(top,literal){within}" if within else ".", *(f":(top,exclude,literal){path}" for path in without)]


def not_below(places: Iterable[str]) -> list[str]:
    """Options for ``git ls-files --others``, which else walks through the places that it is told to leave out: the
    metadata of thousands of snapshots, say."""
    from dataworkspaces.gitrepo.ignore_lines import literally

    return [f"--exclude=/{literally(path)}" for path in places if "\n" not in path]


def git_without(
    root: Path,
    arguments: Sequence[str],
    without: Iterable[str],
    env: dict[str, str] | None = None,
    *,
    within: str = "",
) -> bytes:
    """What a git command says of all of a repository, or of the directory ``within``, but some places."""
    command = [_MAGIC, *arguments, "--", *pathspecs(without, within)]
    return run_git(root, command, env=env, doing=f"git {arguments[0]}").stdout


class RepoStatus(NamedTuple):
    """``commit`` is None before the first one. ``dirty`` are the paths that differ from it, with the ``untracked``.
    ``ignored`` are those that git ignores, if they were asked for. Those of the dirty that differ from git's index are
    ``unstaged``, or untracked."""

    commit: str | None
    branch: str | None
    dirty: tuple[str, ...]
    untracked: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()
    unstaged: tuple[str, ...] = ()


class GitRepo(NamedTuple):
    """The repository whose working tree's root is ``root``.

    :ivar tell: takes what the user should know of a commit that is made."""

    root: Path
    tell: Callable[[str], None] | None = None

    # -- looking -------------------------------------------------------------------------------------------------

    def check_ready(self, what: str, branch: str | None = None) -> None:
        """Raise ConfigurationError if nothing can be committed now. Starts no process, unless the machine was started
        since.

        :param branch: the one that has to be checked out; None where any will do, or none (a detached HEAD)."""
        from dataworkspaces.gitrepo.damaged_references import is_head_damaged
        from dataworkspaces.gitrepo.identity import check_identity
        from dataworkspaces.gitrepo.restart import needs_a_look

        if git_directory(self.root) is None:
            raise ConfigurationError(f"{what}: {self.root} is not the root of a git repository")
        operation = operation_in_progress(self.root)
        if operation is not None:
            raise ConfigurationError(
                f"{what}: {operation} is in progress in {self.root}", hint="Finish or abort it with git, then try again"
            )
        if is_head_damaged(self.root):
            from dataworkspaces.gitrepo.damaged_objects import mend

            self._say(f"{self.root}: apparently after a power cut: {mend(self.root, ask_origin=False)}")
        current = current_branch(self.root)
        if current == ".invalid":
            raise NotSupportedError(
                f"{what}: {self.root} keeps its references as a 'reftable', which cannot be read here",
                hint=f"git -C {self.root} refs migrate --ref-format=files",
            )
        if branch is not None and current != branch:
            where = f"on branch {current}" if current is not None else "on no branch (HEAD is detached)"
            raise ConfigurationError(
                f"{what}: {self.root} is {where}, not on {branch}", hint=f"git -C {self.root} switch {branch}"
            )
        check_identity(self.root)
        if needs_a_look(self.root):
            from dataworkspaces.gitrepo.damaged_objects import look_after_restart

            look_after_restart(self.root, self._say)

    def _say(self, what: str) -> None:
        if self.tell is not None:
            self.tell(what)

    def status(
        self,
        paths: Sequence[str] = (),
        *,
        without: Sequence[str] = (),
        within: str = "",
        ignored: bool = False,
        each_file: bool = False,
    ) -> RepoStatus:
        """HEAD, branch, and which of ``paths`` (all ``within`` a directory but those ``without``, if none are given)
        have changes. An untracked directory counts as one path and ends with a slash, and so does one that git ignores.

        :param ignored: say also what git ignores.
        :param each_file: name the files in an untracked directory instead."""
        with self.asking_status(paths, without=without, within=within, ignored=ignored, each_file=each_file) as told:
            return told()

    @contextmanager
    def asking_status(
        self,
        paths: Sequence[str] = (),
        *,
        without: Sequence[str] = (),
        within: str = "",
        ignored: bool = False,
        each_file: bool = False,
    ) -> Iterator[Callable[[], RepoStatus]]:
        """:meth:`status`, for somebody who does something else while git looks."""
        is_apart = bool(without) and self._is_large()
        looking = "no" if is_apart else "all" if each_file else "normal"
        arguments = ["status", "--porcelain=v2", "--branch", "-z", f"--untracked-files={looking}", "--no-renames"]
        arguments += ["--ignored=matching"] if ignored else []
        if without or within:
            arguments, paths = [_MAGIC, *arguments], pathspecs(without, within)
        with begun_git(self.root, [*arguments, "--", *paths], env={"GIT_OPTIONAL_LOCKS": "0"}) as told:

            def status() -> RepoStatus:
                untracked = self._untracked(without, within, each_file=each_file) if is_apart else []
                return _parse_status(told().stdout, untracked)

            yield status

    def _untracked(self, without: Sequence[str], within: str, *, each_file: bool) -> list[str]:
        listing = ["ls-files", "-z", "--others", "--exclude-standard"]
        listing += [] if each_file else ["--directory", "--no-empty-directory"]
        listed = git_without(self.root, [*listing, *not_below(without)], without, within=within)
        return os.fsdecode(listed).split("\0")[:-1]

    def _is_large(self) -> bool:
        from dataworkspaces.gitrepo.large_index import is_large

        return is_large(self.root)

    def changed_paths(self, without: Sequence[str], within: str = "") -> list[str]:
        """The paths that differ from HEAD and that ``git add`` knows, of all ``within`` a directory but some places."""
        dirty = self.status(without=without, within=within).dirty
        return [path for path in dirty if is_present(self.root / path) or is_tracked(self.root, path)]

    def resolve(self, names: Sequence[str]) -> list[str | None]:
        """The object that each of ``names`` (``HEAD``, ``COMMIT:path``) stands for, or None."""
        return resolve(self.root, names)

    def has_commit(self, commit: str) -> bool:
        return self.has_commits([commit])

    def has_commits(self, commits: Iterable[str]) -> bool:
        """Whether all of them are there."""
        others = sorted(set(commits) - {head_commit(self.root)})
        return not others or None not in self.resolve([f"{commit}^{{commit}}" for commit in others])

    def ignored(self, directory: str) -> set[str]:
        """The files below a directory (``""`` is the root) that git ignores."""
        return set(list_paths(self.root, ["--others", "--ignored", "--exclude-standard"], [directory or "."]))

    def diff_trees(self, old: str, new: str) -> list[FileChange]:
        """The files that differ between two commits or trees."""
        from dataworkspaces.gitrepo.changes import parse_raw_diff

        arguments = ["diff-tree", "-r", "-z", "-M", "--raw", old, new]
        return parse_raw_diff(run_git(self.root, arguments).stdout)

    def plan_restore(self, tree_ish: str, path: str = "", *, without: Sequence[str] = ()) -> list[FileChange]:
        """What bringing the files below ``path`` back to a commit would do to the working tree, with what is not
        committed counted in; not of those at the places ``without``, which are relative to the root. Nothing is
        written to the repository."""
        import shutil
        import tempfile

        from dataworkspaces.gitrepo.changes import parse_raw_diff
        from dataworkspaces.gitrepo.contents import objects_elsewhere
        from dataworkspaces.gitrepo.nested import add_all

        directory = git_directory(self.root)
        with tempfile.TemporaryDirectory(prefix="dws-") as temporary:
            index = Path(temporary) / "index"
            if directory is not None and (directory / "index").exists():
                # With its time: git tells by it which files may have changed unseen since it was written.
                shutil.copy2(directory / "index", index)
            env = {"GIT_INDEX_FILE": str(index)}
            where = [path or "."]
            env |= objects_elsewhere(self.root, Path(temporary) / "objects")
            if without:
                where = pathspecs(without, path)
                if changed := self.changed_paths(without, path):
                    add_all(self.root, changed, env=env)
            elif (self.root / where[0]).exists():
                add_all(self.root, where, env=env)
            arguments = ["diff-index", "-R", "--cached", "--raw", "-z", "-M", tree_ish, "--", *where]
            arguments = [_MAGIC, *arguments] if without else arguments
            changes = parse_raw_diff(run_git(self.root, arguments, env=env).stdout)
        return _below(changes, path)

    # -- changing ------------------------------------------------------------------------------------------------

    def commit_paths(self, paths: Iterable[str], message: str, own: Iterable[str] = ()) -> bool:
        """Commit what has changed at ``paths``, and nothing else: what the user has staged elsewhere stays staged.
        All of the repository survives a power cut then, whoever wrote it.

        A path that is neither there nor tracked is left out. Returns False if nothing had changed.

        :param own: files of ours, which are committed too, whatever git ignores."""
        from dataworkspaces.gitrepo.repository_flush import flush_repository

        began = time.time() - 1
        forced = list(dict.fromkeys(own))
        wanted = list(dict.fromkeys([*paths, *forced]))
        plain = [path for path in wanted if path not in set(forced)]
        self._stage(forced, force=True)
        self._stage(plain)
        wanted = [*plain, *(p for p in forced if not any(p.startswith(f"{above}/") for above in plain))]
        is_committed = bool(wanted) and self.commit_staged(wanted, message, forced)
        flush_repository(self.root, began)
        return is_committed

    def flush(self) -> None:
        """What the repository holds survives a power cut from here on, whoever put it there."""
        from dataworkspaces.gitrepo.repository_flush import flush_repository

        flush_repository(self.root)

    def commit_staged(self, paths: Sequence[str], message: str, own: Sequence[str] = ()) -> bool:
        """Commit what is staged at ``paths``, and nothing else. Returns False if nothing was."""
        result = self._commit_only(paths, message, own)
        if result is None:
            paths = [path for path in paths if self.status([path]).dirty]
            result = bool(paths) and bool(self._commit_only(paths, message, own))
        return result

    def _stage(self, paths: list[str], *, force: bool = False) -> None:
        """Stage paths, and leave of them those that hold something to commit."""
        if not paths or self._add(paths, force):
            return
        to_add = [p for p in paths if is_present(self.root / p) or is_tracked(self.root, p)]
        if to_add:
            self._add(to_add, force)
        # Of what is neither on disk nor in the index any more, the deletion may still have to be committed.
        committed = self.resolve([f"HEAD:{p}" for p in paths])
        paths[:] = [p for p, known in zip(paths, committed, strict=True) if p in to_add or known]

    def _add(self, paths: Sequence[str], force: bool, env: dict[str, str] | None = None) -> bool:
        """Returns False if git does not know all paths, and has added nothing."""
        from dataworkspaces.gitrepo.nested import add_all

        added = add_all(self.root, paths, env=env, force=force)
        if env is None:
            self._tell_all(
                f"{self.root / place} is a separate git repository: its files are kept, its history is not. To "
                "keep a reference to one of its commits instead, make it a submodule: git submodule add"
                for place in added.nested
            )
        return added.found_all

    def _commit_only(self, paths: Sequence[str], message: str, own: Sequence[str] = ()) -> bool | None:
        """True if committed, False if there was nothing, None if a path holds no file that git knows."""
        from dataworkspaces.gitrepo.large_index import commit_index

        is_committed = commit_index(self.root, paths, _encoded(message))
        if is_committed is not None:
            return is_committed
        arguments = [*_COMMIT, "--only", "--", *paths]
        result = run_git(self.root, arguments, stdin=_encoded(message), ok=(0, 1, 128), doing="Committing")
        if result.returncode == 0:
            return True
        if b"does not have a commit checked out" in result.stderr:
            # Git 2.39's --only takes a directory that stands where a file was for a repository.
            return self._commit_with_own_index(paths, message, own)
        if b"did not match any file" in result.stderr:
            return None
        said = result.stdout + result.stderr
        if not said.strip() and result.returncode == 1:
            return False  # only a submodule has changed, in itself
        if any(text in said for text in (b"nothing to commit", b"nothing added", b"no changes added")):
            return False
        run_git(self.root, arguments, stdin=_encoded(message), doing="Committing")
        return True

    def _commit_with_own_index(self, paths: Sequence[str], message: str, own: Sequence[str]) -> bool:
        import tempfile

        with tempfile.TemporaryDirectory(prefix="dws-") as temporary:
            env = {"GIT_INDEX_FILE": str(Path(temporary) / "index")}
            run_git(self.root, ["read-tree", "HEAD"], env=env, doing="Committing")
            self._add([path for path in paths if path not in own], False, env=env)
            if own:
                self._add(own, True, env=env)
            done = run_git(self.root, _COMMIT, stdin=_encoded(message), env=env, ok=(0, 1), doing="Committing")
        return done.returncode == 0

    def restore_paths(self, targets: Mapping[str, str], message: str) -> bool:
        """Bring the files at each path (``""`` is the whole tree) back to what they were in a commit, and commit
        that on top of HEAD. Returns False if nothing had to change.

        What is at the paths must have been committed before. Files that git ignores, and that stand where a file
        comes back, are committed too before they are replaced. Idempotent."""
        from dataworkspaces.gitrepo.nested import may_hold_gitlinks, remove_submodules

        began = time.time() - 1
        head = head_commit(self.root)
        wanted: dict[str, list[str]] = {}
        written: list[str] = []
        for path, commit in targets.items():
            if commit != head:
                wanted.setdefault(commit, []).append(path)
        changed = []
        for commit, paths in wanted.items():
            all_changes = _changes_to(self.root, commit, paths)
            for path in paths:
                changes = [c for c in all_changes if not path or c.path.startswith(f"{path}/") or c.path == path]
                if changes:
                    changed.append(path)
                    written += [change.path for change in changes if change.status != "deleted"]
                    self.keep_ignored(path, changes)
        by_commit: dict[str, list[str]] = {}
        for path in changed:
            by_commit.setdefault(targets[path], []).append(path or ".")
        with_submodules = may_hold_gitlinks(self.root)
        for commit, paths in by_commit.items():
            if with_submodules:
                self._tell_all(remove_submodules(self.root, paths, commit))
            arguments = ["restore", f"--source={commit}", "--staged", "--worktree", "--", *paths]
            run_git(self.root, arguments, doing="Restoring files")
        for path in targets:
            (self.root / path).mkdir(parents=True, exist_ok=True)  # git removes a directory with its last file
        if not changed:
            return False
        return self.commit_restored(by_commit, written, message, began, with_submodules=with_submodules)

    def commit_restored(
        self,
        paths_by_commit: Mapping[str, Sequence[str]],
        written: Iterable[str],
        message: str,
        began: float,
        *,
        with_submodules: bool = False,
    ) -> bool:
        """The last part of :meth:`restore_paths`: files and index are as the commits have the paths. The files that
        were ``written``, and what git wrote since it ``began``, survive a power cut then."""
        from dataworkspaces.durability import flush_files
        from dataworkspaces.gitrepo.nested import may_hold_gitlinks, update_submodules
        from dataworkspaces.gitrepo.repository_flush import flush_repository

        flush_files(self.root / path for path in written)
        paths = [path for listed in paths_by_commit.values() for path in listed]
        if with_submodules or may_hold_gitlinks(self.root):
            self._tell_all(update_submodules(self.root, paths))
            is_committed = self._commit_of_index(paths_by_commit, message)
        else:
            is_committed = self.commit_staged(paths, message)
        flush_repository(self.root, began)
        return is_committed

    def _commit_of_index(self, paths_by_commit: Mapping[str, Sequence[str]], message: str) -> bool:
        """Commit paths as other commits have them, whatever lies there: a submodule that could not be brought to its
        commit, say."""
        import tempfile

        with tempfile.TemporaryDirectory(prefix="dws-") as temporary:
            env = {"GIT_INDEX_FILE": str(Path(temporary) / "index")}
            run_git(self.root, ["read-tree", "HEAD"], env=env, doing="Committing")
            for commit, paths in paths_by_commit.items():
                run_git(self.root, ["restore", f"--source={commit}", "--staged", "--", *paths], env=env)
            done = run_git(self.root, _COMMIT, stdin=_encoded(message), env=env, ok=(0, 1), doing="Committing")
        return done.returncode == 0

    def _tell_all(self, texts: Iterable[str]) -> None:
        tell = self.tell
        if tell is not None:
            for text in texts:
                tell(text)

    def keep_ignored(self, path: str, changes: Collection[FileChange]) -> None:
        """Commit files that are not tracked (so git ignores them) and stand where a file is about to come back."""
        in_the_way: set[str] = set()
        for change in changes:
            if change.status != "added":
                continue
            target = self.root / change.path
            if target.is_dir() and not target.is_symlink():
                found = (p for p in target.rglob("*") if p.is_symlink() or not p.is_dir())
            else:
                above = (p for p in target.parents if self.root in p.parents)
                found = (p for p in (target, *above) if is_present(p) and (p.is_symlink() or not p.is_dir()))
            in_the_way.update(p.relative_to(self.root).as_posix() for p in found)
        ignored = sorted(in_the_way - {c.path for c in changes if c.status == "deleted"})
        ignored = [p for p in ignored if not is_tracked(self.root, p)]
        if ignored:
            self._add(ignored, True)
            self._commit_only(ignored, f"Keep ignored files of {path or 'the repository'} before a restore")


def _changes_to(root: Path, commit: str, paths: Sequence[str]) -> list[FileChange]:
    """What a restore of paths to a commit does, compared with HEAD; they are relative to the root, which is ``""``."""
    from dataworkspaces.gitrepo.changes import parse_raw_diff

    within = [] if "" in paths else paths
    arguments = ["diff-tree", "-r", "-z", "--no-renames", "--raw", "HEAD", commit, "--", *within]
    return parse_raw_diff(run_git(root, arguments).stdout)


def _below(changes: Iterable[FileChange], path: str) -> list[FileChange]:
    prefix = f"{path}/" if path else ""

    def cut(text: str | None) -> str | None:
        return text[len(prefix) :] if text is not None and text.startswith(prefix) else text

    return [FileChange(c.status, cut(c.path) or c.path, cut(c.old_path)) for c in changes]


def _parse_status(output: bytes, listed: Iterable[str]) -> RepoStatus:
    """What ``git status --porcelain=v2 --branch -z`` writes.

    :param listed: untracked paths that were asked for apart."""
    commit = branch = None
    untracked = list(listed)
    dirty: list[str] = []
    unstaged: list[str] = []
    hidden: list[str] = []
    for record in os.fsdecode(output).split("\0"):
        if record.startswith("# branch.oid "):
            commit = None if record.endswith("(initial)") else record.rpartition(" ")[2]
        elif record.startswith("# branch.head "):
            branch = None if record.endswith("(detached)") else record[len("# branch.head ") :]
        elif record.startswith("1 "):
            dirty.append(record.split(" ", 8)[8])
            unstaged += dirty[-1:] if record[3] != "." else []
        elif record.startswith("u "):
            dirty.append(record.split(" ", 10)[10])
            unstaged += dirty[-1:]
        elif record.startswith("? "):
            untracked.append(record[2:])
        elif record.startswith("! "):
            hidden.append(record[2:])
    differing = tuple(dirty + untracked)
    return RepoStatus(commit, branch, differing, tuple(untracked), tuple(hidden), tuple(unstaged))
