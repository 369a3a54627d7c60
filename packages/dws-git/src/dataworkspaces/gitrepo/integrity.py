"""Whether a repository holds what snapshots refer to, and is not in the middle of something."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from shlex import quote

from dataworkspaces.errors import DwsError, ToolError
from dataworkspaces.gitrepo.advance import abandon, finish, is_unfinished
from dataworkspaces.gitrepo.checks import check_object_name
from dataworkspaces.gitrepo.damaged_objects import check_loose_objects
from dataworkspaces.gitrepo.kept_commits import KEPT_COMMITS
from dataworkspaces.gitrepo.kept_trees import KEPT_TREES, kept_trees
from dataworkspaces.gitrepo.layout import git_directory, head_commit, how_to_fetch, operation_in_progress
from dataworkspaces.gitrepo.locks import remove_stale_git_locks
from dataworkspaces.gitrepo.remote import has_origin
from dataworkspaces.gitrepo.repo import GitRepo
from dataworkspaces.gitrepo.run import run_git
from dataworkspaces.toolbox.names import some
from dataworkspaces.workspace.problem import Problem, one_line, problem_of
from dataworkspaces.workspace.unfinished import UnfinishedPart


def check_repository(
    root: Path,
    where: str,
    wanted: Mapping[str, Sequence[str]],
    is_from_elsewhere: Callable[[str], bool] = lambda snapshot: False,
) -> Iterator[Problem]:
    """The problems of a repository.

    :param wanted: the commits that snapshots refer to (as they stand in the metadata), and the snapshots' hashes.
    :param is_from_elsewhere: whether a snapshot was taken in another copy of the workspace. Its commits are at the
        origin, and may not have been pulled yet."""
    if git_directory(root) is None:
        yield Problem(
            "resource", where, f"{root} is not the root of a git repository", "Clone it again, or move it back"
        )
        return
    yield from check_interrupted(root, where)
    damaged = [*check_loose_objects(root, where)]
    yield from damaged
    if damaged:
        return  # whatever git says then follows from that
    try:
        yield from _check_commits(root, where, wanted, is_from_elsewhere)
        yield from _check_objects(root, where)
    except DwsError as e:
        yield problem_of("resource", where, e, f"git -C {quote(str(root))} fsck")


def check_interrupted(root: Path, where: str) -> Iterator[Problem]:
    """What a killed command, or the user's own git, has left in the middle."""
    if is_unfinished(root):
        yield Problem(
            "interrupted",
            where,
            f"a command was killed while it brought the files of {root} to another commit",
            "The next 'dws pull' completes it, and so does dws fsck --repair",
            "warning",
            repair=lambda: finish_advance(root),
        )
    operation = operation_in_progress(root)
    if operation is not None:
        remedy = f"Finish or abort it: git -C {quote(str(root))} status"
        yield Problem("local state", where, f"{operation} is in progress in {root}", remedy, "warning")
    directory = git_directory(root)
    lock = None if directory is None else directory / "index.lock"
    if lock is not None and lock.exists():
        yield Problem(
            "local state",
            where,
            f"{lock} is there: git is running in the repository, or was killed",
            "If no git process is running there, dws fsck --repair removes it",
            repair=lambda: _remove_locks(root, lock),
        )


def finish_advance(root: Path) -> str:
    """Complete or undo it, and say which."""
    kept = finish(root)
    return (
        "completed"
        if kept is None
        else f"completed. To see what was in the files: git -C {quote(str(root))} show {kept}"
    )


def unfinished_part(root: Path, what: str) -> Iterator[UnfinishedPart]:
    """At most one."""
    if is_unfinished(root):
        yield UnfinishedPart(what, partial(finish_advance, root), partial(abandon, root))


def _remove_locks(root: Path, lock: Path) -> str:
    remove_stale_git_locks(root)
    if lock.exists():
        raise ToolError(f"git is still running in {root}")
    return "removed the lock of a dead git process"


def _check_commits(
    root: Path, where: str, wanted: Mapping[str, Sequence[str]], is_from_elsewhere: Callable[[str], bool]
) -> Iterator[Problem]:
    commits = []
    for commit, snapshots in wanted.items():
        try:
            commits.append(check_object_name(commit, where))
        except DwsError as e:
            yield problem_of("snapshot", _hashes(snapshots), e, "Restore its metadata file from git's history")
    found = GitRepo(root).resolve([f"{commit}^{{commit}}" for commit in commits])
    there = []
    for commit, name in zip(commits, found, strict=True):
        if name is not None:
            there.append(commit)
            continue
        what = f"{where} lacks commit {commit[:12]}, so the snapshot cannot be restored"
        if has_origin(root) and all(is_from_elsewhere(snapshot) for snapshot in wanted[commit]):
            yield Problem(
                "snapshot", _hashes(wanted[commit]), what, "'dws pull' fetches it, if the origin has it", "warning"
            )
        else:
            remedy = f"{how_to_fetch(root)}, or get it from another copy"
            yield Problem("snapshot", _hashes(wanted[commit]), what, remedy)
    held = ["HEAD"] if head_commit(root) else []
    beyond = _unreachable(root, there, [*held, f"--glob={KEPT_COMMITS}"])
    lost, not_at_origin = ({*_unreachable(root, beyond, [option])} for option in ("--all", "--remotes"))
    for commit in beyond:
        what = f"commit {commit[:12]} of {where} is not on the branch"
        if commit in lost:
            what = f"commit {commit[:12]} of {where} is on no branch: git will remove it"
            remedy = f"dws fsck --repair keeps it with a reference below {KEPT_COMMITS}"
            repair = _keeping(root, f"{KEPT_COMMITS}/{commit}", commit)
            yield Problem("snapshot", _hashes(wanted[commit]), what, remedy, repair=repair)
        elif commit in not_at_origin:
            remedy = f"Clones do not get it: git -C {quote(str(root))} merge {commit[:12]}, if it belongs there"
            yield Problem("snapshot", _hashes(wanted[commit]), what, remedy, "warning")
        else:
            remedy = "It is at the origin: 'dws pull' brings it to the branch"
            yield Problem("snapshot", _hashes(wanted[commit]), what, remedy, "warning")


def _keeping(root: Path, reference: str, name: str) -> Callable[[], str]:
    def repair() -> str:
        run_git(root, ["update-ref", reference, name], doing="Keeping what a snapshot needs")
        return f"{name[:12]} is kept by {reference}"

    return repair


def _unreachable(root: Path, commits: Sequence[str], roots: Sequence[str]) -> list[str]:
    """Those of ``commits`` that no commit of ``roots`` descends from."""
    if not commits:
        return []
    arguments = ["rev-list", "--stdin", *(["--not", *roots] if roots else [])]
    listed = run_git(root, arguments, stdin="".join(f"{commit}\n" for commit in commits).encode("ascii")).stdout
    beyond = set(listed.decode("ascii").split())
    return [commit for commit in commits if commit in beyond]


def _check_objects(root: Path, where: str) -> Iterator[Problem]:
    """That all objects are there that branches and other references need. Contents are not read: that is what
    ``git fsck`` does, and takes long."""
    arguments = ["fsck", "--connectivity-only", "--no-dangling", "--no-progress", "--no-reflogs"]
    result = run_git(root, arguments, ok=range(256))
    said = [line for line in os.fsdecode(result.stdout + b"\n" + result.stderr).splitlines() if _is_damage(line)]
    if said:
        what = f"{root} lacks objects: {'; '.join(said[:3])}" + (f" and {len(said) - 3} more" if len(said) > 3 else "")
        remedy = f"git -C {quote(str(root))} fetch --refetch origin, or copy the missing objects from another clone"
        yield Problem("resource", where, what, remedy)
    elif result.returncode:
        yield Problem("resource", where, f"git fsck failed in {root}: {one_line(ToolError(_told(result.stderr)))}",
                      f"git -C {quote(str(root))} fsck")  # fmt: skip


def _told(output: bytes) -> str:
    return os.fsdecode(output).strip() or "it printed nothing"


def _is_damage(line: str) -> bool:
    return line.startswith(("missing ", "broken link", "error:", "fatal:", "bad "))


def check_trees(root: Path, where: str, wanted: Mapping[str, Sequence[str]]) -> Iterator[Problem]:
    """Trees of uncommitted code that lineage names."""
    trees = []
    for tree, snapshots in wanted.items():
        try:
            trees.append(check_object_name(tree, where))
        except DwsError as e:
            yield problem_of("lineage", _hashes(snapshots), e)
    if git_directory(root) is None or not trees:
        return
    kept = {*kept_trees(root)}
    for tree, found in zip(trees, GitRepo(root).resolve([f"{tree}^{{tree}}" for tree in trees]), strict=True):
        if found is None:
            what = f"{where} lacks tree {tree[:12]}: the code that ran, uncommitted at the time"
            remedy = f"git -C {quote(str(root))} fetch origin 'refs/dws/trees/*:refs/dws/trees/*'"
            yield Problem("lineage", _hashes(wanted[tree]), what, remedy, "warning")
        elif tree not in kept:
            what = f"tree {tree[:12]} of {where}, the code that ran, has no reference: git may remove it"
            remedy = f"dws fsck --repair keeps it with a reference below {KEPT_TREES}"
            repair = _keeping(root, f"{KEPT_TREES}/{tree}", tree)
            yield Problem("lineage", _hashes(wanted[tree]), what, remedy, "warning", repair)


def snapshots_by_version(restore_hashes: Mapping[str, str]) -> dict[str, list[str]]:
    """Restore hashes of snapshots, turned round: the hashes of the snapshots by restore hash."""
    found: dict[str, list[str]] = {}
    for snapshot, version in restore_hashes.items():
        found.setdefault(version, []).append(snapshot)
    return found


def _hashes(snapshots: Sequence[str]) -> str:
    """The first few of many snapshots, as people know their hashes."""
    return some(snapshot[:7] for snapshot in snapshots)
