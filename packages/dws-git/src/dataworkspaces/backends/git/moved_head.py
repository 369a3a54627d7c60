"""What a workspace takes over where somebody else has moved its HEAD: by ``git switch``, a merge, a pull of git.

A note of this copy says which branch and commit the last command of ours left. Files that git keeps have changed with
the commit; current lineage, which this copy keeps, has not. A merge that git made by lines, here or on a forge, may
have left a name with two snapshots.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from dataworkspaces.errors import ConfigurationError, DwsError, MetadataError
from dataworkspaces.gitrepo.layout import current_branch, head_commit, operation_in_progress
from dataworkspaces.gitrepo.restraint import restraint_of
from dataworkspaces.gitrepo.run import run_git
from dataworkspaces.resources.git_subdirectory import GitSubdirectory
from dataworkspaces.toolbox.atomic import read_json_object_if_any, write_json
from dataworkspaces.toolbox.logs import log

if TYPE_CHECKING:
    from dataworkspaces.backends.git.workspace import GitWorkspace
    from dataworkspaces.workspace import SnapshotMetadata

_NOTE = "head.json"


class Head(NamedTuple):
    """What is checked out. ``branch`` is None for a detached HEAD, ``commit`` before the first one."""

    branch: str | None
    commit: str | None

    def __str__(self) -> str:
        return f"branch {self.branch}" if self.branch is not None else f"commit {str(self.commit)[:12]}, on no branch"


def note_head(workspace: GitWorkspace) -> None:
    """HEAD is where a command of ours has left it. Idempotent; writes nothing where nothing has changed."""
    head = _present(workspace)
    if _noted(workspace) != head:
        write_json(workspace.get_machine_directory() / _NOTE, {"branch": head.branch, "commit": head.commit})


def check_same_branch(workspace: GitWorkspace) -> None:
    """What a command left unfinished is finished on the branch where it was begun; raises ConfigurationError on
    another."""
    noted, present = _noted(workspace), _present(workspace)
    if noted is None or noted.branch == present.branch:
        return
    where = noted.branch if noted.branch is not None else f"--detach {noted.commit}"
    raise ConfigurationError(
        f"{workspace.what}: a command was interrupted on {noted}, and HEAD is on {present} now",
        hint=f"git -C {workspace.paths.root} switch {where}, where 'dws recover' finishes it; then come back",
    )


def settle_head(workspace: GitWorkspace) -> None:
    """Take over what has changed. The caller holds the lock. Idempotent; looks at a few files if HEAD is where it
    was."""
    noted, present = _noted(workspace), _present(workspace)
    if noted == present or operation_in_progress(workspace.paths.root) is not None:
        return
    if noted is not None and noted.commit is not None and present.commit is not None:
        changed = _changed_resources(workspace, noted.commit, present.commit)
        if changed is None or changed:
            names = workspace.get_resource_names() if changed is None else changed
            workspace.take_over_lineage(list(names))
    if present.commit is not None and present.branch is not None:
        _unite_metadata(workspace)
        _separate_tags(workspace)
    note_head(workspace)


def settle_if_moved(workspace: GitWorkspace) -> None:
    """As :func:`settle_head`, for a command that only reads: if that can be done without waiting, or asking. Whoever
    changes the workspace next does it else."""
    noted = _noted(workspace)
    if noted is None or noted == _present(workspace) or restraint_of(workspace.paths.root) is not None:
        return
    from dataworkspaces.toolbox.lock import hold_lock

    try:
        with hold_lock(workspace.get_machine_directory(), "settle", timeout=0):
            if not workspace.is_unfinished():
                workspace.settle()
    except (DwsError, OSError) as e:
        log.info("what another commit brought is not taken over yet: %s", e)


def _present(workspace: GitWorkspace) -> Head:
    root = workspace.paths.root
    return Head(current_branch(root), head_commit(root))


def _noted(workspace: GitWorkspace) -> Head | None:
    try:
        note = read_json_object_if_any(workspace.get_machine_directory() / _NOTE)
    except MetadataError:
        return None
    if note is None:
        return None
    branch, commit = note.get("branch"), note.get("commit")
    return Head(branch if isinstance(branch, str) else None, commit if isinstance(commit, str) else None)


def _changed_resources(workspace: GitWorkspace, before: str, after: str) -> list[str] | None:
    """The resources that the workspace's repository keeps, and keeps other content of; None if nobody can tell."""
    root = workspace.paths.root
    places = {r.name: r.place_in_git for r in workspace.get_resources() if isinstance(r, GitSubdirectory)}
    names = [f"{commit}:{place}" for place in places.values() for commit in (before, after)]
    trees = workspace.repo.resolve([f"{before}^{{commit}}", *names])
    if trees[0] is None:
        return None  # git has removed it since
    pairs = zip(places, zip(trees[1::2], trees[2::2], strict=True), strict=True)
    changed = [name for name, (old, new) in pairs if old != new]
    if workspace.has_own_files():
        own = workspace.own_files_resource()
        if own.rest.tree(before) != own.rest.tree(after):
            changed.append(own.name)
    return changed if _is_other_tree(root, before, after) else []


def _is_other_tree(root: Path, before: str, after: str) -> bool:
    return run_git(root, ["diff-tree", "--quiet", before, after], ok=(0, 1)).returncode == 1


def _unite_metadata(workspace: GitWorkspace) -> None:
    from dataworkspaces.backends.git.metadata_twins import twins, unite

    for hashval in twins(workspace.paths):
        unite(workspace, hashval)
    workspace.save("Metadata that two copies had in different places")


def _separate_tags(workspace: GitWorkspace) -> None:
    """A tag that two snapshots have: each branch gave it to one of its own. It stays with the one that came first."""
    for tag in workspace.get_repeated_tags():
        first, *others = _by_arrival(workspace, workspace.get_hashes_with_tag(tag))
        for hashval in others:
            new = _free_tag(workspace, tag, workspace.get_snapshot_metadata(hashval).hostname)
            workspace.update_snapshot_metadata(hashval, partial(_with_other_tag, tag, new))
            workspace.interaction.warn(
                f"Snapshot {hashval[:7]} has the tag '{new}' now: a merge brought '{tag}' for it and for {first[:7]}"
            )
    workspace.save("Tags that two branches had given")


def _with_other_tag(old: str, new: str, metadata: SnapshotMetadata) -> SnapshotMetadata:
    return metadata.replace(tags=[new if tag == old else tag for tag in metadata.tags])


def _by_arrival(workspace: GitWorkspace, hashes: Iterable[str]) -> list[str]:
    """Snapshots in the order in which they came to the branch: what a merge brought came with the merge."""
    root = workspace.paths.root
    files = {file: h for h in hashes for file in workspace.paths.snapshot_metadata_files(h)}
    left = {file.relative_to(root).as_posix(): h for file, h in files.items()}
    arguments = ["log", "--first-parent", "-m", "--reverse", "--diff-filter=A", "--no-renames", "--name-only"]
    listed = run_git(root, [*arguments, "--format=", "-z", "--", *left]).stdout.decode("utf-8", "surrogateescape")
    found = [left[path] for path in listed.replace("\n", "\0").split("\0") if path in left]
    return list(dict.fromkeys([*found, *left.values()]))


def _free_tag(workspace: GitWorkspace, tag: str, hostname: str) -> str:
    taken = set(workspace.get_tags())
    name = f"{tag}-{hostname}" if hostname else f"{tag}-2"
    number = 2
    while name in taken:
        name, number = f"{tag}-{number}", number + 1
    return name
