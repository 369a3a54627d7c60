"""What runs beside the workspace share: those of a reproduction, and those of a sweep."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from dataworkspaces.commands.checkout import CheckoutPlan, checkout_command, plan_checkout
from dataworkspaces.toolbox.atomic import write_bytes
from dataworkspaces.toolbox.trust import Agreements, place_of_directory
from dataworkspaces.workspace import Workspace, find_and_load_workspace
from dataworkspaces.workspace.documents import ENVIRONMENTS

_LOG_BYTES = 4000


@dataclass(frozen=True)
class CheckedOut:
    """:ivar directory: where the copy is.
    :ivar plan: what is in it, and what is not."""

    copy: Workspace
    directory: Path
    plan: CheckoutPlan


def place_beside(workspace: Workspace) -> Path:
    """A directory in which copies of the workspace can be made: beside it, where files may be shared with it."""
    own = workspace.get_workspace_local_path_if_any()
    beside = None if own is None else Path(own).parent
    return beside if beside is not None and os.access(beside, os.W_OK) else Path(tempfile.gettempdir())


@contextmanager
def checked_out(
    workspace: Workspace, snapshot: str, place: Path, hostname: str | None = None, *, borrow: bool = False
) -> Iterator[CheckedOut]:
    """A copy of the workspace as of a snapshot or an experiment, for the time of the block. Whoever made the directory
    above ``place`` removes it.

    :param hostname: names the copy, by default as its directory.
    :param borrow: as for :func:`~dataworkspaces.operations.checkout.check_out`."""
    plan = plan_checkout(workspace, snapshot, str(place))
    outcome = checkout_command(workspace, plan, durable=False, borrow=borrow, hostname=hostname)
    agreements = Agreements(place_of_directory(outcome.directory))
    try:
        copy = find_and_load_workspace(True, workspace.verbose, str(outcome.directory))
        share_what_is_installed(workspace, copy)
        yield CheckedOut(copy, outcome.directory, plan)
    finally:
        agreements.remove(agreements.addresses())


def share_what_is_installed(source: Workspace, target: Workspace) -> None:
    """What one workspace has found out of installed distributions, so that no step of the other has to find it out
    again. It is told apart by what it depends on, and is there for speed alone."""
    here, there = source.get_machine_directory(), target.get_machine_directory()
    with suppress(OSError):
        for path in (*here.glob("distributions*.json"), *(here / ENVIRONMENTS).glob("*.*")):
            known = there / path.relative_to(here)
            if path.is_file() and (not known.exists() or path.stat().st_mtime_ns > known.stat().st_mtime_ns):
                write_bytes(known, path.read_bytes())


def end_of_log(log: Path) -> str:
    """The last of what a command printed; empty if there is none."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - _LOG_BYTES))
            return file.read().decode("utf-8", "replace")
    except OSError:
        return ""


def relative_argument(argument: str, root: str | Path, directory: str | Path) -> str:
    """An argument of a command that runs in ``directory``, for a workspace that lies elsewhere: the path of what is in
    the workspace at ``root`` becomes a relative one."""
    is_inside = Path(argument).is_absolute() and Path(argument).is_relative_to(root)
    return os.path.relpath(argument, directory) if is_inside else argument
