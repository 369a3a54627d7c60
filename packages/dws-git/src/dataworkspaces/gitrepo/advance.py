"""Bringing a working tree to another commit, so that a kill in the middle can be mended.

While git writes files, ``dws/advance.json`` in the git directory says from which commit to which. All files that
differ between the two were as the first one has them when it began (git refuses otherwise), so whatever lies there
after a kill is git's work; what a user wrote there since is kept by a reference.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from shlex import quote

from dataworkspaces.durability import flush_directory, flush_files
from dataworkspaces.errors import ConfigurationError, DwsError, ToolError, UnfinishedError, message_of
from dataworkspaces.gitrepo.checks import check_object_name
from dataworkspaces.gitrepo.contents import present_objects
from dataworkspaces.gitrepo.layout import git_directory, head_commit
from dataworkspaces.gitrepo.locks import remove_stale_git_locks, wait_for_git
from dataworkspaces.gitrepo.merge import Merge
from dataworkspaces.gitrepo.objects import changed_entries, index_info, no_object
from dataworkspaces.gitrepo.plumbing import TreeEntry, records
from dataworkspaces.gitrepo.repository_flush import flush_repository
from dataworkspaces.gitrepo.run import run_git
from dataworkspaces.toolbox.atomic import read_json_object, write_bytes, write_json
from dataworkspaces.toolbox.names import some
from dataworkspaces.toolbox.regular import is_present
from dataworkspaces.workspace import set_note_aside
from dataworkspaces.workspace.unfinished import RECOVER_HINT, Abandoned

MARKER = "advance.json"
_ENV = {"GIT_LFS_SKIP_SMUDGE": "1"}
"""Large files are fetched afterwards, all at once."""


def fast_forward(root: Path, target: str, what: str) -> None:
    """Bring the branch, index and files to a commit that descends from HEAD.

    Raises ConfigurationError, with the files' names, and changes nothing, if that would overwrite what is not
    committed."""
    head = _begin(root, target, "complete")
    arguments = ["merge", "--quiet", "--ff-only", "--no-overwrite-ignore", target]
    try:
        run_git(root, arguments, env=_ENV, doing=f"Updating {what}")
    except ToolError as e:
        _after_failure(root, head, what, e)
    _end(root, head, target)


def _end(root: Path, old: str, new: str) -> None:
    """All of it is on disk before the marker goes."""
    changes = changed_entries(root, old, new)
    flush_files(root / path for path, (_, entry) in changes.items() if entry is not None)
    flush_repository(root)
    _remove_marker(root)


def begin_merge(root: Path, merge: Merge, theirs: str, message: str, what: str) -> None:
    """Leave a merge to be finished by the user, as ``git merge`` does after a conflict: the files in conflict have
    markers, all others are merged, and ``git commit`` or ``git merge --abort`` ends it."""
    directory = git_directory(root)
    if directory is None:
        raise ConfigurationError(f"{root} is not the root of a git repository")
    head = _begin(root, merge.tree, "undo")
    try:
        run_git(root, ["read-tree", "-m", "-u", head, merge.tree], env=_ENV, doing=f"Merging {what}")
    except ToolError as e:
        _after_failure(root, head, what, e)
    run_git(root, ["update-index", "-z", "--index-info"], stdin=_stages(root, merge), doing=f"Merging {what}")
    names = "".join(f"#\t{path}\n" for path in sorted(merge.conflicts))
    write_bytes(directory / "MERGE_MSG", os.fsencode(f"{message}\n\n# Conflicts:\n{names}"))
    write_bytes(directory / "ORIG_HEAD", f"{head}\n".encode("ascii"))
    write_bytes(directory / "MERGE_MODE", b"no-ff")
    write_bytes(directory / "MERGE_HEAD", f"{theirs}\n".encode("ascii"))  # from here on it is the user's
    _end(root, head, merge.tree)


def is_unfinished(root: Path) -> bool:
    """Whether a process was killed while it brought the working tree to another commit."""
    return git_directory(root) is not None and _marker(root).exists()


def finish(root: Path) -> str | None:
    """Complete or undo what a killed process left. Idempotent.

    Returns the name of the tree that keeps what lay in the files, if that was neither their old nor their new
    content. Raises UnfinishedError if it can be neither completed nor undone."""
    directory = git_directory(root)
    if directory is None or not _marker(root).exists():
        return None
    try:
        return _finish(root, directory)
    except (DwsError, OSError) as e:
        raise UnfinishedError(
            f"{root} is between two commits, since a command was interrupted: {message_of(e)}", hint=RECOVER_HINT
        ) from e


def abandon(root: Path) -> Abandoned:
    """Set the marker aside, whatever it holds. Nothing else changes."""
    marker = _marker(root)
    kept_as = set_note_aside(marker, "-advance")
    try:
        noted = read_json_object(kept_as, "from", "to")
        old, new = (check_object_name(str(noted[key]), str(kept_as)) for key in ("from", "to"))
    except DwsError:
        states = "it is no longer known between which commits"
    else:
        states = f"some may be as in {old[:12]}, some as in {new[:12]}, and some half written"
    return Abandoned(
        kept_as, (f"files of {root}: {states}; to see what differs from the commit: git -C {quote(str(root))} status",)
    )


def _finish(root: Path, directory: Path) -> str | None:
    wait_for_git(root)  # which may outlive the process that started it
    remove_stale_git_locks(root)
    noted = read_json_object(_marker(root), "from", "to", "then")
    old, new = (check_object_name(str(noted[key]), str(_marker(root))) for key in ("from", "to"))
    head = head_commit(root)
    kept = None
    if noted["then"] == "undo" and (directory / "MERGE_HEAD").exists():
        pass  # all was done
    elif head == old:
        kept = _force(root, old, new, old if noted["then"] == "undo" else new)
        if noted["then"] == "complete":
            run_git(root, ["update-ref", "-m", "dws: completed", "HEAD", new, old], doing="Completing")
        else:
            for name in ("MERGE_MSG", "MERGE_MODE"):
                (directory / name).unlink(missing_ok=True)
    _end(root, old, new)
    return kept


def _marker(root: Path) -> Path:
    return (git_directory(root) or root / ".git") / "dws" / MARKER


def _remove_marker(root: Path) -> None:
    """It does not come back after a power cut, when the branch may have come to the same commit again."""
    _marker(root).unlink(missing_ok=True)
    flush_directory(_marker(root).parent)


def _begin(root: Path, target: str, then: str) -> str:
    head = head_commit(root)
    if head is None:
        raise ConfigurationError(f"{root} has no commit yet", hint="Commit a file and try again")
    write_json(_marker(root), {"from": head, "to": target, "then": then}, durable=True)
    return head


def _after_failure(root: Path, head: str, what: str, error: ToolError) -> None:
    """Git refused, and then nothing changed; or it failed in the middle (a full disk), and what it did is undone."""
    refused = any(text in error.output for text in ("would be overwritten", "not uptodate", "would lose untracked"))
    if not refused:
        marker = read_json_object(_marker(root), "from", "to", "then")
        write_json(_marker(root), {**marker, "then": "undo"}, durable=True)
        finish(root)
        raise error
    _remove_marker(root)
    names = [line.strip() for line in error.output.splitlines() if line.startswith("\t")]
    names += [part for line in error.output.splitlines() if "Entry '" in line for part in line.split("'")[1:2]]
    raise ConfigurationError(
        f"{what}: files with uncommitted changes would be overwritten: {some(names, 5) or error.message}",
        hint="Take a snapshot (or commit them, or move them away) and pull again",
    ) from error


def _stages(root: Path, merge: Merge) -> bytes:
    """The index of a merge that is not finished has base, ours and theirs of each file in conflict."""
    lines = []
    nothing = no_object(root)
    for path, stages in merge.conflicts.items():
        name = os.fsencode(path)
        lines.append(b"0 %s\t%s\0" % (nothing, name))
        for stage, entry in sorted(stages.items()):
            lines.append(f"{entry.mode} {entry.name} {stage}\t".encode("ascii") + name + b"\0")
    return b"".join(lines)


def _force(root: Path, old: str, new: str, target: str) -> str | None:
    """Make files and index at all paths that differ between two trees what ``target``, one of them, has there."""
    changes = changed_entries(root, old, new)
    kept = _keep_strange(root, changes)
    wanted = {path: before if target == old else after for path, (before, after) in changes.items()}
    for path, entry in wanted.items():
        if entry is None and is_present(root / path) and not (root / path).is_dir():
            (root / path).unlink()
    lines = index_info(root, dict.fromkeys(wanted))
    lines += index_info(root, {p: e for p, e in wanted.items() if e is not None})
    run_git(root, ["update-index", "-z", "--index-info"], stdin=lines, doing="Completing")
    there = records(path for path, entry in wanted.items() if entry is not None)
    arguments = ["checkout-index", "--force", "--quiet", "-u", "-z", "--stdin"]
    run_git(root, arguments, stdin=there, env=_ENV, doing="Completing")
    return kept


def _keep_strange(root: Path, changes: Mapping[str, tuple[TreeEntry | None, TreeEntry | None]]) -> str | None:
    """Keep, as a tree with a reference, what is at paths that have neither their old nor their new content."""
    present = present_objects(root, list(changes), [path for path in changes if is_present(root / path)])
    strange = [
        path
        for (path, pair), name in zip(changes.items(), present.names, strict=True)
        if name is not None and name not in {entry.name for entry in pair if entry is not None}
    ]
    return present_objects(root, strange, strange, keep=True).tree if strange else None
