"""``dws fsck``: whether a workspace is whole, and the repairs that lose nothing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from dataworkspaces.errors import DwsError, LockedError
from dataworkspaces.operations.integrity import unique
from dataworkspaces.toolbox.lock import hold_lock
from dataworkspaces.workspace import Interaction, Workspace, load_workspace
from dataworkspaces.workspace.factory import check_before_opening
from dataworkspaces.workspace.problem import UNEXPECTED, Problem, one_line, problem_of
from dataworkspaces.workspace.workspace_uri import find_workspace_uri


@dataclass(frozen=True)
class IntegrityReport:
    """What a check found.

    :ivar problems: those that are there now, after the repairs.
    :ivar repaired: what was done, a line each.
    :ivar is_complete: False if the workspace could not be opened, so that nothing else of it could be looked at.
    """

    problems: tuple[Problem, ...]
    repaired: tuple[str, ...] = ()
    is_complete: bool = True

    @property
    def errors(self) -> int:
        return sum(problem.severity == "error" for problem in self.problems)

    @property
    def warnings(self) -> int:
        return len(self.problems) - self.errors

    def to_json(self) -> dict[str, Any]:
        return {
            "problems": [
                {
                    "area": p.area,
                    "severity": p.severity,
                    "where": p.where,
                    "what": p.what,
                    "remedy": p.remedy,
                    "can_repair": p.repair is not None,
                }
                for p in self.problems
            ],
            "errors": self.errors,
            "warnings": self.warnings,
            "repaired": list(self.repaired),
            "complete": self.is_complete,
        }


@dataclass
class Fsck:
    """Checks one workspace, which may be so damaged that it cannot be opened.

    :param place: see :func:`find_workspace_uri`."""

    place: str | None
    batch: bool
    verbose: bool
    interaction: Interaction

    def check(self) -> IntegrityReport:
        """Look, and change nothing."""
        return self._look(find_workspace_uri(self.place))

    def repair(self) -> IntegrityReport:
        """Do what is safe, and look again."""
        uri = find_workspace_uri(self.place)
        done: list[str] = []
        failed: list[Problem] = []
        _repair(check_before_opening(uri), done, failed)
        if not any(problem.comes_first for problem in check_before_opening(uri)):
            try:
                self._repair_opened(self._open(uri), done, failed)
            except LockedError:
                raise
            except UNEXPECTED as e:
                failed.append(problem_of("interrupted", "repair", e, "Solve the other problems first"))
        report = self._look(uri)
        return IntegrityReport(tuple(unique([*report.problems, *failed])), tuple(done), report.is_complete)

    def _look(self, uri: str) -> IntegrityReport:
        problems = check_before_opening(uri)
        if any(problem.comes_first for problem in problems):
            return IntegrityReport(tuple(unique(problems)), is_complete=False)
        try:
            workspace = self._open(uri)
        except DwsError as e:
            return IntegrityReport((*problems, problem_of("metadata", "workspace", e)), is_complete=False)
        return IntegrityReport(tuple(unique([*problems, *workspace.check_integrity()])))

    def _open(self, uri: str) -> Workspace:
        workspace = load_workspace(uri, self.batch, self.verbose)
        workspace.interaction = self.interaction
        return workspace

    def _repair_opened(self, workspace: Workspace, done: list[str], failed: list[Problem]) -> None:
        before = unique(workspace.check_integrity())
        first = [problem for problem in before if problem.comes_first and problem.repair is not None]
        if first:
            with hold_lock(workspace.get_machine_directory(), "fsck"):
                _repair(first, done, failed)
            if failed:
                return
        if not any(problem.repair is not None or problem.area == "interrupted" for problem in before):
            return
        with workspace.transaction("fsck"):
            now = unique(workspace.check_integrity())
            by_opening = [p for p in before if p.repair is not None and p not in (*first, *now)]
            done += [f"{p.where}: repaired: {p.what}" for p in by_opening]
            _repair(now, done, failed)
            workspace.save("Repaired by dws fsck")


def _repair(problems: Iterable[Problem], done: list[str], failed: list[Problem]) -> None:
    for problem in problems:
        if problem.repair is None:
            continue
        try:
            done.append(f"{problem.where}: {problem.repair()}")
        except UNEXPECTED as e:
            failed.append(problem_of(problem.area, problem.where, DwsError(f"cannot be repaired: {one_line(e)}")))


def fsck_command(
    place: str | None, interaction: Interaction, *, repair: bool = False, batch: bool = False, verbose: bool = False
) -> IntegrityReport:
    """Check the workspace at a place (a directory, a URI, or None for the current directory's).

    With ``repair`` do what is safe first: what an interrupted command left is completed or undone, and nothing is
    lost. Raises NotAWorkspaceError if there is no workspace, LockedError if another command changes it."""
    fsck = Fsck(place, batch, verbose, interaction)
    return fsck.repair() if repair else fsck.check()
