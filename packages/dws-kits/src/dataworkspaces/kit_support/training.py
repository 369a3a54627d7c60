"""The step of a model that is trained, perhaps several times, and then evaluated."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from dataworkspaces.kit_support.places import Place, find_inputs, find_results, open_workspace
from dataworkspaces.kit_support.result_files import save_result_json
from dataworkspaces.kit_support.step import InputHashes, Running, begin_step, find_running, is_hashed, recorded
from dataworkspaces.lineage import ResultsLineage, jsonable
from dataworkspaces.lineage.runs.run import ResultsRun
from dataworkspaces.workspace import ResourceRef, Workspace
from dataworkspaces.workspace.results import METRICS_HISTORY_FILE


class Places(NamedTuple):
    """Where a step reads and writes."""

    workspace: Workspace
    inputs: list[ResourceRef]
    results: ResourceRef

    @property
    def are_inputs_hashed(self) -> bool:
        """Whether one of the inputs has no files, so that its version is the hash of what is read."""
        return any(is_hashed(self.workspace, ref) for ref in self.inputs)

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
        return Places(
            workspace,
            find_inputs(workspace, self.input_resource),
            find_results(workspace, self.results_resource),
        )


class TrainingStep:
    """A step that begins with the first training, and ends with an evaluation. The next evaluation or training begins
    another one, of the same parameters and data.

    No handle of the workspace is kept from one step to the next.

    :param default_name: of the step, where no script or notebook is known to run."""

    def __init__(self, where: Where, default_name: str) -> None:
        self.where = where
        self.history: dict[str, list[Any]] = {}
        self.epochs = 0
        self._default_name = default_name
        self._parameters: dict[str, Any] = {}
        self._hashes = InputHashes()
        self._running: Running = find_running()
        self._lineage: ResultsLineage | None = None
        self._places: Places | None = None
        self._run: ResultsRun | None = None

    @property
    def is_open(self) -> bool:
        return self._lineage is not None

    @property
    def parameters(self) -> dict[str, Any]:
        """Those of the step, and of the one before."""
        return dict(self._parameters)

    def writes_to(self, ref: ResourceRef) -> bool:
        """Whether that is where the results of the open step go."""
        return self._lineage is not None and self._places is not None and self._places.results == ref

    def note(self, parameters: Mapping[str, Any]) -> None:
        """Add parameters to the next step."""
        self._parameters.update(parameters)

    def forget(self, *names: str) -> None:
        """Leave parameters out of the next step."""
        for name in names:
            self._parameters.pop(name, None)

    def begin(self, parameters: Mapping[str, Any]) -> Places:
        """Begin the step, if it has not begun, and add parameters to it."""
        self._parameters.update(parameters)
        if self._lineage is None or self._places is None:
            self._places = self.where.find()
            self._lineage = begin_step(
                self._places.workspace,
                find_running(self._running),
                self._default_name,
                self._places.inputs,
                self._places.results,
                self._parameters,
                continues=self._run,
            )
            self._run = self._lineage.run
            self._hashes.record(self._lineage, self._places.inputs)
        else:
            for name, value in parameters.items():
                self._lineage.add_param(name, value)
        return self._places

    def begin_training(self) -> None:
        """What is trained now is another run than what was evaluated last."""
        if self._lineage is None:
            self._run = None

    def read(self, part: str, hashval: str | None) -> None:
        """What was read as this part (``fit``, ``validation``, ``score``) has this hash; None if nothing was."""
        if hashval is not None and self._lineage is not None and self._places is not None:
            self._hashes.put(self._lineage, self._places.inputs, part, hashval)

    def log_epoch(self, metrics: Mapping[str, Any]) -> None:
        """An epoch has ended: note its metrics in the log of the run, on disk, in case the training dies."""
        if self._lineage is not None:
            self._lineage.end_epoch(metrics)

    def end_epoch(self, metrics: Mapping[str, Any]) -> None:
        """Add the metrics of an epoch to the history. One that others have and this lacks is None."""
        for name, value in metrics.items():
            self.history.setdefault(name, [None] * self.epochs).append(jsonable(value))
        self.epochs += 1
        for values in self.history.values():
            values.extend([None] * (self.epochs - len(values)))

    def save(self, write: Callable[[Places], object] = lambda places: None) -> None:
        """Write the history and what ``write`` writes to the results, and record their lineage: that of results may be
        long in coming. The step goes on."""
        if self._lineage is None or self._places is None:
            return
        lineage = self._lineage
        with recorded(lineage):
            write(self._places)
            self._save_history(lineage)
        lineage.restart(lineage.start_time)
        self._hashes.record(lineage, self._places.inputs)

    def finish(self, metrics: Mapping[str, Any]) -> ResourceRef:
        """Write ``results.json`` and the history, record their lineage, and end the step. Returns where they are."""
        self.begin({})
        assert self._lineage is not None
        lineage, self._lineage = self._lineage, None
        with recorded(lineage):
            self._save_history(lineage)  # again: a snapshot may have moved the one that training left
            return lineage.write_results(metrics)

    def drop(self) -> None:
        """The step ends here, or has failed. If it has left nothing by then, not even an epoch, the earlier results
        stay, and what is known of them."""
        lineage, self._lineage = self._lineage, None
        if lineage is not None:
            lineage.drop()

    def _save_history(self, lineage: ResultsLineage) -> None:
        if not self.epochs:
            return
        content = {
            "step": lineage.step_name,
            "start_time": lineage.start_time.isoformat(),
            "epochs": list(range(1, self.epochs + 1)),
            "metrics": self.history,
        }
        save_result_json(lineage.workspace, lineage.results_ref, METRICS_HISTORY_FILE, content)
