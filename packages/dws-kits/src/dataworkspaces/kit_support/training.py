"""The step of a model that is trained, perhaps several times, and then evaluated."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from dataworkspaces.errors import NotAWorkspaceError
from dataworkspaces.kit_support.epochs import EpochHistory
from dataworkspaces.kit_support.places import Place, find_inputs, find_results, open_workspace
from dataworkspaces.kit_support.result_files import save_result_json
from dataworkspaces.kit_support.spared import (
    NOT_RECORDED,
    begin_unless_it_fails,
    says_not_to,
    spared,
    spared_record,
    warn_unrecorded,
)
from dataworkspaces.kit_support.step import (
    InputHashes,
    Running,
    begin_step,
    dropped_on_error,
    find_running,
    is_hashed,
    recorded,
)
from dataworkspaces.kit_support.system import SystemMonitor, start_monitor
from dataworkspaces.lineage import ResultsLineage, jsonable
from dataworkspaces.lineage.runs.run import ResultsRun
from dataworkspaces.workspace import ResourceRef, Workspace
from dataworkspaces.workspace.results import METRICS_HISTORY_FILE


class Places(NamedTuple):
    """Where a step reads and writes.

    :ivar are_inputs_hashed: whether one of the inputs has no files, so that its version is the hash of what is read."""

    workspace: Workspace
    inputs: list[ResourceRef]
    results: ResourceRef
    are_inputs_hashed: bool

    @property
    def scratch(self) -> Path:
        """The workspace's directory for what is needed for a while."""
        return Path(self.workspace.get_scratch_directory())


@dataclass(frozen=True)
class Where:
    """How a user says where a step reads and writes; None leaves it to the workspace, if there is no choice."""

    input_resource: Place | Sequence[Place] | None = None
    results_resource: Place | None = None
    workspace_dir: str | os.PathLike[str] | None = None
    verbose: bool = False

    def find(self) -> Places:
        """Raises ConfigurationError for what the workspace does not have."""
        workspace = open_workspace(self.workspace_dir, self.verbose)
        inputs = find_inputs(workspace, self.input_resource)
        results = find_results(workspace, self.results_resource)
        return Places(workspace, inputs, results, any(is_hashed(workspace, ref) for ref in inputs))


class TrainingStep:
    """A step that begins with the first training, and ends with an evaluation. The next evaluation or training begins
    another one, of the same parameters and data.

    A training is never lost to it: once it has begun, a warning says what cannot be recorded, and it goes on. Without a
    step that is open, nothing is recorded. No handle of the workspace is kept from one step to the next.

    :param default_name: of the step, where no script or notebook is known to run.
    :ivar history: the metrics of all trainings, by epoch.
    :ivar system_metrics: whether the use of the machine is noted while it trains; None leaves it to the environment.
    :ivar was_found: whether there was a workspace: then one that is not there now has vanished."""

    def __init__(self, where: Where, default_name: str) -> None:
        self.where = where
        self.history = EpochHistory()
        self._default_name = default_name
        self._parameters: dict[str, Any] = {}
        self._hashes = InputHashes()
        self._read_to_train: dict[str, list[str]] = {}
        self._running: Running = find_running()
        self._lineage: ResultsLineage | None = None
        self._places: Places | None = None
        self._run: ResultsRun | None = None
        self._unrecorded: str | None = None
        self._monitor: SystemMonitor | None = None
        self.system_metrics: bool | None = None
        self.was_found = False
        self._is_trained_here = False

    @property
    def is_open(self) -> bool:
        return self._lineage is not None

    @property
    def parameters(self) -> dict[str, Any]:
        """Those of the step, and of the one before."""
        return dict(self._parameters)

    @property
    def run_id(self) -> str | None:
        """That of the run that the step belongs to."""
        return None if self._run is None else self._run.run_id

    def writes_to(self, ref: ResourceRef) -> bool:
        """Whether that is where the results of the open step go."""
        return self._lineage is not None and self._places is not None and self._places.results == ref

    def find(self) -> Places:
        """Where the step reads and writes. Raises ConfigurationError for what the workspace does not have."""
        places = self.where.find()
        self.was_found = True
        return places

    # -- parameters ----------------------------------------------------------------------------------------------

    def note(self, parameters: Mapping[str, Any]) -> None:
        """Add parameters to the step, if it is open, and to the next one."""
        found = {str(name): jsonable(value) for name, value in parameters.items()}
        self._parameters.update(found)
        if self._lineage is not None:
            for name, value in found.items():
                self._lineage.add_param(name, value)

    def forget(self, *names: str) -> None:
        """Leave parameters out of the next step."""
        for name in names:
            self._parameters.pop(name, None)

    # -- the beginning -------------------------------------------------------------------------------------------

    def begin(self, parameters: Mapping[str, Any]) -> Places:
        """Begin the step, if it has not begun, and add parameters to it. Raises what is wrong."""
        self.note(parameters)
        return self._begin(self.find()) if self._lineage is None or self._places is None else self._places

    def begin_training(self, parameters: Mapping[str, Any]) -> Places | None:
        """The same for a training, which is another run than what was evaluated last. None, and a warning, if it cannot
        be recorded. What says that it should not begin like this is raised, and that there has never been a
        workspace."""
        self.note(parameters)
        self._is_trained_here = True
        if self._lineage is not None:
            return self._places
        self._run = self._unrecorded = None
        places, self._unrecorded = begin_unless_it_fails(self.find, self._begin, self._refusals)
        if self._run is not None and self._monitor is None:
            self._monitor = start_monitor(self._run.note_system, self.system_metrics)
        return places

    def begin_evaluation(self, parameters: Mapping[str, Any], what: str = "This score") -> Places | None:
        """The same for an evaluation. If what is evaluated was trained here, nothing is raised."""
        self.forget(NOT_RECORDED + "score")  # of the evaluation before
        try:
            return self.begin(parameters)
        except Exception as e:
            if not self._is_trained_here and says_not_to(e, self._refusals):
                raise
            warn_unrecorded(what, e)
            return None

    def _begin(self, places: Places) -> Places:
        lineage = begin_step(
            places.workspace,
            find_running(self._running),
            self._default_name,
            places.inputs,
            places.results,
            self._parameters,
            continues=self._run,
        )
        with dropped_on_error(lineage):
            self._hashes.record(lineage, places.inputs)
        if self._unrecorded is not None:
            lineage.add_param(NOT_RECORDED + "training", self._unrecorded)
        self._lineage, self._places, self._run = lineage, places, lineage.run
        return places

    # -- meanwhile -----------------------------------------------------------------------------------------------

    def read(self, part: str, hashed: str | Callable[[], str | None] | None) -> None:
        """What was read as this part (``fit``, ``validation``, ``score``) has this hash, or the one that a function
        finds; None if nothing was read. Of several trainings with other data all count."""
        if self._lineage is None or self._places is None:
            return
        with spared_record(f"What was read to {part}", self._note_unrecorded(part)):
            hashval = hashed() if callable(hashed) else hashed
            if hashval is None:
                return
            if part != "score":
                known = self._read_to_train.setdefault(part, [])
                if hashval not in known:
                    known.append(hashval)
                number = known.index(hashval)
                part = part if number == 0 else f"{part} {number + 1}"
            self._hashes.put(self._lineage, self._places.inputs, part, hashval)

    def end_epoch(self, metrics: Mapping[str, Any], number: int | None = None, *, is_logged: bool = True) -> None:
        """An epoch has ended: add its metrics to the history, and to the log of the run, on disk, in case the training
        dies.

        :param number: which one it is, if the training does not begin with the first.
        :param is_logged: False: only to the history, if they are too many."""
        found = {str(name): jsonable(value) for name, value in metrics.items()}
        number = self.history.add(found, number)
        if self._lineage is not None and is_logged:
            with spared_record(f"Epoch {number}"):
                self._lineage.end_epoch(found, number)

    def save(self, write: Callable[[Places], object] = lambda places: None, name: str | None = None) -> None:
        """Write the history and what ``write`` writes to the results, and record their lineage: that of results may be
        long in coming. The step goes on.

        :param name: the file that ``write`` writes, if it fails."""

        def save(lineage: ResultsLineage, places: Places) -> None:
            with nullcontext() if name is None else spared(lineage, name):
                write(places)

        self._save(save)

    def keep(self, metrics: Mapping[str, Any], write: Callable[[Places], object] = lambda places: None) -> None:
        """The same with ``results.json``, in the place of what the run has said there before. The step goes on."""

        def save(lineage: ResultsLineage, places: Places) -> None:
            write(places)
            lineage.update_results(metrics)

        self._save(save)

    def _save(self, save: Callable[[ResultsLineage, Places], object]) -> None:
        self._stop_monitor()
        lineage, self._lineage = self._lineage, None
        if lineage is None or self._places is None:
            return
        with spared_record("What this training left", self._keep_reason):
            with recorded(lineage):
                save(lineage, self._places)
                self._save_history(lineage)
            lineage.restart(lineage.start_time)
            self._hashes.record(lineage, self._places.inputs)
            self._lineage = lineage

    # -- the end -------------------------------------------------------------------------------------------------

    def finish(self, metrics: Mapping[str, Any]) -> ResourceRef | None:
        """Write ``results.json`` and the history, record their lineage, and end the step. Returns where they are; None,
        and a warning, if they cannot be recorded."""
        self._stop_monitor()
        lineage, self._lineage = self._lineage, None
        if lineage is None:
            return None
        with spared_record("This score"), recorded(lineage):
            self._save_history(lineage)  # again: a snapshot may have moved the one that training left
            return lineage.write_results(metrics)
        return None

    def drop(self, error: BaseException | None = None) -> None:
        """The step ends here, or has failed with an error. If it has left nothing by then, not even an epoch, the
        earlier results stay, and what is known of them."""
        self._stop_monitor()
        lineage, self._lineage = self._lineage, None
        if lineage is not None:
            with spared_record("The end of this training"):
                lineage.drop(error)

    # -- inside --------------------------------------------------------------------------------------------------

    @property
    def _refusals(self) -> tuple[type[Exception], ...]:
        """Where there has never been a workspace, that is a mistake; one that has vanished is a trouble."""
        return () if self.was_found else (NotAWorkspaceError,)

    def _stop_monitor(self) -> None:
        monitor, self._monitor = self._monitor, None
        if monitor is not None:
            monitor.stop()

    def _keep_reason(self, reason: str) -> None:
        self._unrecorded = reason

    def _note_unrecorded(self, what: str) -> Callable[[str], None]:
        return lambda reason: self.note({NOT_RECORDED + what: reason})

    def _save_history(self, lineage: ResultsLineage) -> None:
        if not self.history.numbers:
            return
        content = {
            "step": lineage.step_name,
            "start_time": lineage.start_time.isoformat(),
            **self.history.to_json(),
        }
        save_result_json(lineage.workspace, lineage.results_ref, METRICS_HISTORY_FILE, content)
