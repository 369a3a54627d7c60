"""References to experiments: each names a commit whose message says which snapshot of its tree is meant."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from dataworkspaces.gitrepo.layout import git_directories, has_references_below, packed_references, read_reference
from dataworkspaces.gitrepo.run import run_git

EXPERIMENTS = "refs/dws/experiments"
_SNAPSHOT_RE = re.compile(r"^Dws-Snapshot: ([0-9a-f]{40})$", re.MULTILINE)
_FORMAT = "%(objectname)%00%(refname)%00%(contents)%00"


class ExperimentRef(NamedTuple):
    """:ivar snapshot: the hash of the snapshot; None if the commit does not say it."""

    name: str
    commit: str
    snapshot: str | None


def message_of_experiment(name: str, snapshot: str) -> str:
    return f"Experiment {name}\n\nDws-Snapshot: {snapshot}"


def snapshot_in(message: str) -> str | None:
    """The hash that the message of an experiment's commit names."""
    told = _SNAPSHOT_RE.findall(message)
    return told[-1] if told else None


def list_experiment_refs(root: Path, names: Iterable[str] = ()) -> list[ExperimentRef]:
    """Those of these names, or all. Starts no process if there are none."""
    directories = git_directories(root)
    if not directories or not has_references_below(directories[-1], EXPERIMENTS):
        return []
    wanted = [f"{EXPERIMENTS}/{name}" for name in names]
    listed = run_git(root, ["for-each-ref", f"--format={_FORMAT}", *(wanted or [f"{EXPERIMENTS}/"])]).stdout
    fields = listed.decode("utf-8", "replace").split("\0")
    found = []
    for commit, ref, message in zip(fields[::3], fields[1::3], fields[2::3], strict=False):
        name = ref.removeprefix(f"{EXPERIMENTS}/")
        if not wanted or ref in wanted:
            found.append(ExperimentRef(name, commit.strip(), snapshot_in(message)))
    return found


def experiment_names(root: Path) -> set[str]:
    """The names of all. Starts no process."""
    directories = git_directories(root)
    if not directories:
        return set()
    top = directories[-1] / EXPERIMENTS
    packed = packed_references(directories[-1])
    found = {line.partition(f" {EXPERIMENTS}/")[2] for line in packed.splitlines() if f" {EXPERIMENTS}/" in line}
    for directory, _, files in os.walk(top):
        found.update(Path(directory, name).relative_to(top).as_posix() for name in files if not name.endswith(".lock"))
    return found


def has_experiment_ref(root: Path, name: str) -> bool:
    """Starts no process."""
    return read_reference(root, f"{EXPERIMENTS}/{name}") is not None


def set_experiment_ref(root: Path, name: str, commit: str) -> None:
    run_git(root, ["update-ref", f"{EXPERIMENTS}/{name}", commit], doing=f"Keeping experiment {name}")


def delete_experiment_ref(root: Path, name: str) -> None:
    """Idempotent."""
    run_git(root, ["update-ref", "-d", f"{EXPERIMENTS}/{name}"], doing=f"Removing experiment {name}")
