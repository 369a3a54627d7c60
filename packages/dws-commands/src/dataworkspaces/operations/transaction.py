"""A command that changes a workspace: its lock, its journal, and what an earlier one left unfinished."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from dataworkspaces.errors import DwsError, LockedError, MetadataError, UnfinishedError, message_of
from dataworkspaces.toolbox.regular import is_present
from dataworkspaces.workspace.journal import Journal
from dataworkspaces.workspace.unfinished import RECOVER_HINT

if TYPE_CHECKING:
    from dataworkspaces.workspace.workspace import Workspace


@contextmanager
def transaction(workspace: Workspace, command: str) -> Iterator[Journal]:
    """Hold the workspace's lock while ``command`` changes it.

    What an earlier command left unfinished when it was killed is completed or undone first. The journal that is
    yielded says what to do if this one is killed; if it raises, that is done at once. Not reentrant: raises
    LockedError, naming the holder, if the lock is not free within a few seconds."""
    from dataworkspaces.toolbox.lock import hold_lock

    workspace.check_trusted()
    with hold_lock(workspace.get_machine_directory(), command):
        workspace.finish_interrupted()
        workspace.settle()
        workspace.save_precheck()
        journal = workspace.journal = Journal(workspace.get_machine_directory(), command)
        try:
            yield journal
        except BaseException:
            workspace.journal = None
            _undo_after_error(workspace)
            raise
        finally:
            workspace.journal = None
        journal.clear()


def recover_if_interrupted(workspace: Workspace) -> None:
    """Complete or undo what a killed command left, if that can be done without waiting.

    For commands that only read. If another command is running, or the workspace cannot be written to, nothing is
    done."""
    if not is_present(Journal.path(workspace.get_machine_directory())):
        return
    from dataworkspaces.toolbox.lock import hold_lock

    try:
        with hold_lock(workspace.get_machine_directory(), "recover", timeout=0):
            workspace.finish_interrupted()
    except LockedError:
        return
    except Exception as e:  # whatever it is, it keeps nobody from reading
        workspace.interaction.warn(f"An interrupted command could not be completed: {message_of(e)}. {RECOVER_HINT}")


def _undo_after_error(workspace: Workspace) -> None:
    try:
        workspace.finish_interrupted(interrupted=False)
    except Exception as e:
        # The error that brought us here is the one to be told; the journal stays for the next command.
        workspace.interaction.warn(f"What was done so far could not be undone yet: {message_of(e)}")


def finish_interrupted(workspace: Workspace, *, interrupted: bool = True) -> str | None:
    """Complete or undo what the journal tells of, and say which; None if there is no journal. The caller holds the
    lock. If it fails the journal stays, and the error says how to set it aside."""
    path = Journal.path(workspace.get_machine_directory())
    try:
        entry = Journal.pending(workspace.get_machine_directory())
    except MetadataError as e:
        raise MetadataError(e.message, hint=f"It records what a command left unfinished. {RECOVER_HINT}") from e
    if entry is None:
        return None
    try:
        outcome = workspace.recover(entry.operation, entry.data, interrupted)
    except (DwsError, OSError) as e:
        reason = e.message if isinstance(e, DwsError) else str(e)
        raise UnfinishedError(f"{entry.describe()} is unfinished: {reason}", hint=_unfinished_hint(e)) from e
    except Exception as e:  # a journal may hold anything
        raise MetadataError(
            f"{path} is damaged ({e!r:.200}), so the interrupted command cannot be finished",
            hint=RECOVER_HINT,
        ) from e
    Journal.discard(workspace.get_machine_directory())
    if interrupted:
        workspace.interaction.warn(f"{entry.describe()} was interrupted: {outcome}")
    return outcome


def _unfinished_hint(error: Exception) -> str:
    hint = error.hint if isinstance(error, DwsError) else None
    return f"{hint.rstrip('.')}. Then: {RECOVER_HINT}" if hint else RECOVER_HINT
