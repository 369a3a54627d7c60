"""A run of this process: it takes its place, keeps its log, and lists its files."""

from __future__ import annotations

import os
import re
import threading
import weakref
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from dataworkspaces.errors import DwsError, LockedError
from dataworkspaces.lineage.jsonable import jsonable
from dataworkspaces.lineage.live import LiveRecord
from dataworkspaces.lineage.run_environment import current_run
from dataworkspaces.lineage.runs.active import ActiveRun, ActiveRuns, Held, this_host
from dataworkspaces.lineage.runs.directory import ResultsDirectory
from dataworkspaces.lineage.runs.earlier import EarlierRun, EarlierRuns
from dataworkspaces.lineage.runs.left import PARTS, look_at, parts_of
from dataworkspaces.lineage.runs.log import FORMAT, FileRecord, line_of, new_run_id
from dataworkspaces.toolbox.logs import log
from dataworkspaces.toolbox.names import LINEAGE_FILE
from dataworkspaces.workspace import ResourceRef, Workspace
from dataworkspaces.workspace.results import RESULTS_FILE, RUN_LOG_FILE

__all__ = ["ResultsRun", "join_session", "this_session"]

_HERE: weakref.WeakValueDictionary[str, ResultsRun] = weakref.WeakValueDictionary()
_own_session = ""


def join_session(session: str) -> None:
    """This process works for another one: what the two write are runs of one script."""
    global _own_session
    if session:
        _own_session = session


def this_session() -> str:
    global _own_session
    _own_session = _own_session or os.urandom(6).hex()
    return _own_session


class ResultsRun:
    """Made by :meth:`claim`, and begun by :meth:`start`.

    A run writes to the results directory itself. What an earlier run of the same session left there moves to
    ``runs/NAME-NUMBER`` below it, which is where a run goes itself if another one of its session is writing.

    :ivar directory: where it writes; another run of its session may move it.
    :ivar has_news: whether anything has been recorded since the run began, or since it said last that it had ended."""

    def __init__(
        self, workspace: Workspace, ref: ResourceRef, step: str, name: str, session: str, run_id: str | None
    ) -> None:
        now = datetime.now()
        self.run_id = run_id or new_run_id(now)
        self.session = session
        self.step = step
        self.name = re.sub(r"[^0-9A-Za-z_.-]+", "_", name).strip(".") or "run"
        self.directory = ResultsDirectory(workspace, ref)
        self.files: dict[str, FileRecord] = {}
        self.has_news = False
        self._workspace = workspace
        self._results = self.directory
        self._start_time = now
        self._live = LiveRecord(workspace, self.run_id)
        self._events: list[tuple[str, dict[str, Any]]] = []
        self._epochs = 0
        self._new_parameters: dict[str, Any] = {}
        self._samples: list[tuple[str, dict[str, Any]]] = []
        self._before: dict[str, object] | None = None
        self._held: Held | None = None
        self._earlier: EarlierRun | None = None
        self._moved: ResultsDirectory | None = None
        self._since_end: list[str] = []
        self._files_of_results: list[str] = []
        self._is_told = False
        self._thread = threading.get_ident()
        self._process = os.getpid()

    @property
    def results_ref(self) -> ResourceRef:
        """The results directory."""
        return self._results.ref

    @property
    def earlier_files(self) -> Path | None:
        """Where that is what an earlier run of another script left, if this one has moved it aside."""
        return None if self._earlier is None else self._earlier.files

    # -- the beginning -------------------------------------------------------------------------------------------

    @classmethod
    def claim(
        cls, workspace: Workspace, ref: ResourceRef, step: str, name: str | None = None, command_id: str | None = None
    ) -> ResultsRun:
        """Take the place of a run, and change nothing in it. Raises LockedError, naming it, if a run of another script
        is writing there.

        :param command_id: the id of the run of a command, within which others may begin."""
        outer = current_run(workspace)
        session = command_id or (this_session() if outer is None else outer.run_id)
        run = cls(workspace, ref, step, name or step, session, command_id)
        active = ActiveRuns(workspace)
        with active.beginning():
            others = active.of(ref)
            for other in others:
                if other.session != run.session:
                    raise LockedError(
                        f"Results of step {step} cannot go to {ref}: {other.describe()} is writing there",
                        hint="Wait for it to end, or let each write to its own directory in the results "
                        "resource; 'dws unlock' removes the lock of a dead run",
                    )
            if any(other.place == ref.subpath and not run._may_move(other) for other in others):
                run.directory = run._free_part({other.place for other in others})
            run._hold(active)
        return run

    def start(self, parameters: Mapping[str, Any], start_time: datetime, *, find_files: bool) -> None:
        """Move aside what an earlier run left, and say that this one has begun, with which parameters.

        :param find_files: whether all files that change from now on are the run's."""
        self._start_time = start_time
        if self.directory.ref == self._results.ref:
            self._make_room()
        if find_files:
            self._before = {name: self.directory.status(name) for name in self._own_names()}
        begin = {
            "format": FORMAT,
            "run_id": self.run_id,
            "session": self.session,
            "step": self.step,
            "name": self.name,
            "start_time": start_time.isoformat(),
            "parameters": dict(parameters),
        }
        self._append("begin", begin)
        with self._told_once("The live record"):
            self._live.begin(begin)
        _HERE[self.run_id] = self

    def can_continue(self) -> bool:
        """Whether what it has left is still there, in this process."""
        return self._process == os.getpid() and self._results.is_here and self._find_itself() is not None

    # -- while it runs -------------------------------------------------------------------------------------------

    def add_parameters(self, parameters: Mapping[str, Any]) -> None:
        """What is known now; they go to the log with what comes next."""
        self._new_parameters.update(jsonable(dict(parameters)))

    def end_epoch(self, metrics: Mapping[str, Any], number: int | None = None) -> None:
        """An epoch has ended; on disk on return."""
        self._epochs = self._epochs + 1 if number is None else number
        self._log(
            "epoch",
            {"epoch": self._epochs, "time": datetime.now().isoformat(), "metrics": jsonable(dict(metrics))},
        )

    def note_system(self, values: Mapping[str, float]) -> None:
        """What the process uses of the machine now: percent where the name ends so, else bytes. From any thread:
        it goes to the live record at once, and to the log with what comes next."""
        event = ("system", {"time": datetime.now().isoformat(), "values": dict(values)})
        self._samples.append(event)
        with self._told_once("The live record"):
            self._live.append(*event)

    def make_room_for(self, name: str) -> None:
        """The run is about to write a file. One of that name that is not its own moves aside."""
        self._resume()
        if name in self._files_of_results:
            self._keep_results()
        if name in self.files or not self.directory.has_file(name):
            return
        earlier = EarlierRuns(self._workspace).take(self.directory, None, self.step, [name])
        place = f"{self.directory.ref.name}:{self.directory.path(name)}"
        self._warn(f"{place} was there before this run, and is now in {earlier.files}")

    def note_file(self, name: str, record: FileRecord | None = None) -> None:
        """The run has written a file."""
        found = record or self.directory.record(name)
        self.files[name] = found
        self._since_end.append(name)
        self._log("file", {"path": name, **found.to_json()})

    def find_files(self) -> bool:
        """Note the files that have changed since the run began; whether there are any that were not known."""
        if self._before is None:
            return False
        changed = [n for n in self._own_names() if self._before.get(n) != self.directory.status(n)]
        new = [name for name in changed if name not in self.files]
        for name in new:
            self.note_file(name)
            self._before[name] = self.directory.status(name)
        return bool(new)

    def about_to_write_results(self) -> None:
        """Results that the run has written before are kept by a name."""
        self._resume()
        self._keep_results()

    def results_written(self) -> None:
        self._files_of_results = [*self._since_end, RESULTS_FILE]
        self.has_news = True

    def results_may_change(self) -> None:
        """The run will write these results once more, in the place of what they say now."""
        self._files_of_results = []

    def list_of_files(self) -> dict[str, Any]:
        """By path; what somebody has removed, or a snapshot has taken, is none of it."""
        return {name: record.to_json() for name, record in sorted(self.files.items()) if self.directory.has_file(name)}

    # -- the end -------------------------------------------------------------------------------------------------

    def end(self, status: str, error: str | None = None) -> None:
        """The run has ended; more may follow."""
        if self._process != os.getpid():
            return
        self._log("end", {"status": status, "error": error, "time": datetime.now().isoformat()})
        self.has_news = False
        self._since_end = []
        self.release()

    def abandon(self) -> None:
        """Nobody will say how the run ended. If it has recorded nothing, all is as if it had never begun."""
        if self._process != os.getpid() or self._held is None:
            return
        with suppress(DwsError, OSError):
            if self._events and self.is_empty:
                self._live.discard()
                self._discard()
            elif self._events:
                self._live.append("end", {"status": "failed", "error": None, "time": datetime.now().isoformat()})
        with suppress(OSError):
            self.release()

    def release(self) -> None:
        """Somebody else may begin."""
        if self._held is not None:
            self._held.release()
            self._held = None

    @property
    def is_empty(self) -> bool:
        """Whether it has recorded nothing but that it began."""
        is_nothing = not self.files and not self._epochs and not self._files_of_results
        return is_nothing and not (self._results.is_here and self.directory.has_file(RESULTS_FILE))

    # -- inside --------------------------------------------------------------------------------------------------

    def _may_move(self, other: ActiveRun) -> bool:
        """Whether another run of the session, which is not over, may be moved, or is the command that we run in."""
        here = _HERE.get(other.run_id)
        return other.run_id == self.session or (here is not None and here._thread == self._thread)

    def _hold(self, active: ActiveRuns) -> None:
        place = self.directory.ref.subpath
        self._held = active.hold(
            ActiveRun(
                self.run_id,
                self.session,
                self.step,
                self._results.ref.name,
                self._results.ref.subpath,
                place,
                self._start_time.isoformat(),
                os.getpid(),
                this_host(),
            )
        )

    def _resume(self) -> None:
        """A run that has ended goes on: where its files are, or if another one writes there, in a place of its own."""
        if self._held is not None:
            return
        active = ActiveRuns(self._workspace)
        with active.beginning():
            taken = self._taken(active)
            here = self._find_itself()
            if here is None:
                is_free = self.directory.ref.subpath not in taken and look_at(self.directory).log is None
                self.directory = self.directory if is_free else self._free_part(taken)
            elif here.ref.subpath in taken:  # it is about to make room there
                self.directory = self._free_part(taken)
                here.move(look_at(here).names, self.directory)
            else:
                self.directory = here
            self._hold(active)

    def _find_itself(self) -> ResultsDirectory | None:
        """Where its files are: since it ended, another run of its session may have moved them."""
        log = look_at(self.directory).log
        if log is not None and log.run_id == self.run_id:
            return self.directory
        parts = (left for _, left in parts_of(self._results) if left.log is not None)
        return next((left.directory for left in parts if left.log and left.log.run_id == self.run_id), None)

    def _taken(self, active: ActiveRuns) -> set[str | None]:
        """Where other runs write."""
        return {other.place for other in active.of(self._results.ref) if other.run_id != self.run_id}

    def _make_room(self) -> None:
        active = ActiveRuns(self._workspace)
        with active.beginning():
            left = look_at(self.directory)
            if left.log is not None and left.log.session == self.session:
                if left.log.run_id != self.session:  # which is that of the command in which this runs
                    self._moved = self._free_part(self._taken(active), left.log.name)
                    self.directory.move(left.names, self._moved)
                return
        if not left.is_empty:
            names = [*left.names_of_parts(self.session, self._taken(active)), *left.names]
            step = left.step or self.step
            self._earlier = EarlierRuns(self._workspace).take(self.directory, left.run_id, step, names)
            log.info("results of an earlier run of step %s are now in %s", step, self._earlier.files)

    def _discard(self) -> None:
        left = look_at(self.directory)
        if left.log is None or left.log.run_id != self.run_id:
            return
        self.directory.delete(RUN_LOG_FILE)
        if self._earlier is not None:
            EarlierRuns(self._workspace).bring_back(self.directory, self._earlier)
        elif self._moved is not None:
            active = ActiveRuns(self._workspace)
            with active.beginning():
                if self._moved.ref.subpath in self._taken(active):
                    return  # the one that was moved goes on there
                self._moved.move(look_at(self._moved).names, self.directory)
                self._moved.remove_if_empty(self.directory)

    def _free_part(
        self, taken: set[str | None], name: str | None = None, of: ResultsDirectory | None = None
    ) -> ResultsDirectory:
        of = of or self._results
        number = 1
        while True:
            part = of.below(f"{PARTS}/{name or self.name}-{number}")
            if part.ref.subpath not in taken and not of.has(f"{PARTS}/{name or self.name}-{number}"):
                return part
            number += 1

    def _keep_results(self) -> None:
        names = [name for name in self._files_of_results if self.directory.has_file(name)]
        self._files_of_results = []
        if RESULTS_FILE not in names:
            return
        active = ActiveRuns(self._workspace)
        with active.beginning():
            part = self._free_part(self._taken(active), of=self.directory)
            self.directory.move(names, part)
        place = f"{PARTS}/{(part.ref.subpath or '').rpartition('/')[2]}"
        for name in names:
            record = self.files.pop(name, None)
            if record is None:
                self.note_file(f"{place}/{name}")
            else:
                self.files[f"{place}/{name}"] = record
                self._log("moved", {"path": name, "to": f"{place}/{name}"})
        self._since_end = [name for name in self._since_end if not name.startswith(f"{PARTS}/")]

    def _own_names(self) -> list[str]:
        not_own = (RESULTS_FILE, RUN_LOG_FILE, LINEAGE_FILE)
        return [n for n in self.directory.files() if n not in not_own and not n.startswith(f"{PARTS}/")]

    def _log(self, event: str, values: dict[str, Any]) -> None:
        """What has been trained is not lost because it cannot be noted."""
        new = [("parameters", {"parameters": self._new_parameters})] if self._new_parameters else []
        events = [*new, (event, values)]
        with self._told_once("The live record"):  # first: it is here, wherever results are
            for one in events:
                self._live.append(*one)
        with self._told_once("The log"):
            self._resume()
            self._new_parameters = {}
            samples, self._samples = self._samples, []
            for one in [*samples, *events]:
                self._append(*one)
        self.has_news = True

    @contextmanager
    def _told_once(self, what: str) -> Iterator[None]:
        try:
            yield
        except (DwsError, OSError) as e:
            if not self._is_told:
                self._warn(f"{what} of the run could not be written: {e}")
            self._is_told = True

    def _append(self, event: str, values: dict[str, Any]) -> None:
        self._events.append((event, values))
        if event == "begin":  # in the place of what the command has begun, in which this runs
            self.directory.replace(RUN_LOG_FILE, line_of(event, values))
        else:
            self.directory.append(RUN_LOG_FILE, line_of(event, values), self._whole)

    def _whole(self) -> bytes:
        """All of it, without the files that a snapshot has taken."""
        return b"".join(
            line_of(event, values)
            for event, values in self._events
            if event not in ("file", "moved") or self.directory.has_file(values.get("to", values["path"]))
        )

    def _warn(self, text: str) -> None:
        self._workspace.interaction.warn(text)
