"""Checkpoints in the scratch directory of the workspace, the best of which becomes a result."""

from __future__ import annotations

import os
import shutil
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import keras

from dataworkspaces.kit_support.places import Place, as_file_resource, find_results, open_workspace
from dataworkspaces.kit_support.result_files import check_result_file, save_described_file
from dataworkspaces.kit_support.spared import is_of_an_argument, reason_of, spared_record
from dataworkspaces.kit_support.step import run_that_writes_to
from dataworkspaces.kits.tensorflow import settings
from dataworkspaces.kits.tensorflow.config import CheckpointConfig
from dataworkspaces.kits.tensorflow.recorder_of_model import recorder_if_any
from dataworkspaces.plain_text import escape
from dataworkspaces.workspace import ResourceRef, Workspace

if TYPE_CHECKING:
    from dataworkspaces.kits.tensorflow.recorder import Recorder

_PACKAGES_OF_BACKENDS = {"tensorflow": ("tensorflow", "tensorflow-cpu"), "jax": ("jax",), "torch": ("torch",)}


class DwsModelCheckpoint(keras.callbacks.ModelCheckpoint):  # type: ignore[misc] # keras has no types
    """A ``ModelCheckpoint`` that writes to ``checkpoints/MODEL_NAME/RUN`` in the scratch directory of the workspace,
    and at the end of training copies the best checkpoint to the results resource.

    The files in the scratch directory stay; each is complete, even if training is killed. The copy is
    ``MODEL_NAME.keras``, or ``MODEL_NAME.weights.h5``; a file of that name with ``.json`` added describes it.

    The first parameters are those of :class:`CheckpointConfig`.

    :param results_resource: where the copy goes; if None, where the results of a wrapped model go, or to the only
        results resource of the workspace.
    :param workspace_dir: the directory of the workspace; if None, the one that holds the current directory.
    :param verbose: 1 to be told what is saved.
    """

    def __init__(
        self,
        model_name: str,
        monitor: str = "val_loss",
        save_best_only: bool = False,
        mode: str = "auto",
        save_freq: str | int = "epoch",
        save_weights_only: bool = False,
        *,
        results_resource: Place | None = None,
        workspace_dir: str | os.PathLike[str] | None = None,
        verbose: int = 0,
        **kwargs: Any,
    ) -> None:
        self._suffix = ".weights.h5" if save_weights_only else ".keras"
        self._result_name = check_result_file(model_name + self._suffix, "model_name")
        self._results_resource = results_resource
        self._workspace_dir = workspace_dir
        workspace = self._open_workspace()
        self._results = find_results(workspace, results_resource) if results_resource is not None else None
        run = f"{datetime.now():%Y%m%dT%H%M%S}-{os.getpid()}-{id(self):x}"
        self.directory = Path(workspace.get_scratch_directory()) / "checkpoints" / model_name / run
        name = "epoch-{epoch:03d}" + ("" if save_freq == "epoch" else "-batch-{batch:06d}") + self._suffix
        # Keras fills in the braces of the whole path.
        place = str(self._unfinished).replace("{", "{{").replace("}", "}}")
        self._best_file: Path | None = None
        self._best_value: float | None = None
        self._last_file: Path | None = None
        self._is_told = False
        super().__init__(
            f"{place}/{name}",
            monitor=monitor,
            verbose=verbose,
            save_best_only=save_best_only,
            save_weights_only=save_weights_only,
            mode=mode,
            save_freq=save_freq,
            **kwargs,
        )

    @classmethod
    def if_possible(cls, recorder: Recorder, config: CheckpointConfig) -> DwsModelCheckpoint | None:
        """The one that a wrapped class uses; None, and a warning, if the workspace cannot be read now."""
        where = recorder.step.where
        try:
            return cls(
                *config,
                save_weights_only=config.save_weights_only,
                results_resource=where.results_resource,
                workspace_dir=where.workspace_dir,
            )
        except Exception as e:
            if is_of_an_argument(e):
                raise
            _warn(config.model_name, e)
            return None

    def on_train_begin(self, logs: Any = None) -> None:
        self._best_file = self._best_value = self._last_file = None
        self._is_told = False

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        if self.save_freq != "epoch":
            with self._spared():
                if self.monitor_op is None and self.save_best_only:
                    self._set_monitor_op()  # Keras does so at the end of an epoch, which is too late
                super().on_train_batch_end(batch, logs)
                self._take_over(logs)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        with self._spared():
            super().on_epoch_end(epoch, logs)
            self._take_over(logs)

    def on_train_end(self, logs: Any = None) -> None:
        super().on_train_end(logs)
        shutil.rmtree(self._unfinished, ignore_errors=True)
        file = self._best_file or self._last_file
        if file is None:
            warnings.warn(f"No checkpoint of '{self._result_name}' was written", stacklevel=2)
            return
        with spared_record(f"The checkpoint '{self._result_name}'"):
            self._save_result(file)

    def _save_result(self, file: Path) -> None:
        recorder = recorder_if_any(self.model)
        if recorder is not None and (self._results is None or recorder.step.writes_to(self._results)):
            step = recorder.step
            step.save(
                lambda places: self._publish(file, places.workspace, places.results, step.run_id), self._result_name
            )
            return
        workspace = self._open_workspace()
        self._publish(file, workspace, self._results or find_results(workspace, None), None)

    # -- inside --------------------------------------------------------------------------------------------------

    @property
    def _unfinished(self) -> Path:
        return self.directory / "unfinished"

    def _open_workspace(self) -> Workspace:
        return open_workspace(self._workspace_dir)

    def _take_over(self, logs: Any) -> None:
        """What Keras has written is complete: give it its place, and see whether it is the best."""
        if not self._unfinished.is_dir():
            return
        for file in sorted(self._unfinished.iterdir()):
            place = self.directory / file.name
            file.replace(place)
            self._last_file = place
            value = (logs or {}).get(self.monitor)
            if value is None:
                continue
            value = float(value)
            if self._best_value is None or self._is_better(value, self._best_value):
                self._best_file, self._best_value = place, value

    def _is_better(self, value: float, than: float) -> bool:
        if self.monitor_op is None:
            self._set_monitor_op()
        return bool(self.monitor_op(value, than)) or than != than  # after a NaN anything is better

    @contextmanager
    def _spared(self) -> Iterator[None]:
        """Within, a checkpoint is written. If that fails, a warning says why, once a training, and it goes on."""
        try:
            yield
        except Exception as e:  # of the disk, or of a model that cannot be saved
            for part in self._unfinished.glob("*"):
                part.unlink(missing_ok=True)
            if not self._is_told:
                _warn(self._result_name, e)
            self._is_told = True

    def _publish(self, file: Path, workspace: Workspace, results: ResourceRef, run_id: str | None) -> None:
        best = None
        if file == self._best_file and self._best_value is not None:
            best = Best(run_id, results, self._result_name, self.monitor, _units(self.model, self.monitor))
            earlier = best_of(self.model).get(best)
            is_better = earlier is None or self._is_better(self._best_value, earlier)
            if not is_better and _is_there(workspace, results, self._result_name):
                print(
                    f"'{escape(self._result_name)}' stays the one from an earlier training, with "
                    f"{escape(self.monitor)} "
                    f"{earlier:.5g}: the best of this training has {self._best_value:.5g}"
                )
                return
        description: dict[str, Any] = {
            "model": f"{type(self.model).__module__}.{type(self.model).__qualname__}",
            "checkpoint": file.name,
            "holds": "weights" if self.save_weights_only else "model",
            "backend": keras.backend.backend(),
        }
        if file == self._best_file:
            description["best"] = {self.monitor: self._best_value}
        save_described_file(
            workspace,
            results,
            self._result_name,
            lambda path: shutil.copyfile(file, path),
            description,
            ("keras", *_installed(_PACKAGES_OF_BACKENDS.get(keras.backend.backend(), ()))),
        )
        forget_best(self.model, results, self._result_name)
        if best is not None and self._best_value is not None:
            best_of(self.model)[best] = self._best_value


class Best(NamedTuple):
    """A checkpoint among the results, and by what it is the best.

    :ivar run_id: of the run that it belongs to: another one writes its own.
    :ivar units: losses can be compared if they are the same."""

    run_id: str | None
    results: ResourceRef
    name: str
    monitor: str
    units: str


def best_of(model: Any) -> dict[Best, float]:
    """What trainings of a model, in this process, have left."""
    found: dict[Best, float] = model.__dict__.setdefault("_dws_best_checkpoints", {})
    return found


def _is_there(workspace: Workspace, results: ResourceRef, name: str) -> bool:
    """Whether a snapshot has not taken it."""
    run = run_that_writes_to(results)
    if run is not None:
        return run.directory.has_file(name)
    path = name if results.subpath is None else f"{results.subpath}/{name}"
    return as_file_resource(workspace.get_resource(results.name)).does_subpath_exist(path, must_be_file=True)


def forget_best(model: Any, results: ResourceRef, name: str) -> None:
    """Another checkpoint has taken the place."""
    found = best_of(model)
    for best in [best for best in found if (best.results, best.name) == (results, name)]:
        del found[best]


def _units(model: Any, monitor: str) -> str:
    if not monitor.endswith("loss"):
        return ""
    compiled = settings.of_model(model)
    return repr([compiled.get(name) for name in ("loss_function", "loss_settings", "loss_weights")])


def _warn(name: str, error: Exception) -> None:
    warnings.warn(
        f"Checkpoints of '{escape(name)}' could not all be written ({reason_of(error)}). Training continues",
        stacklevel=4,
    )


def _installed(packages: tuple[str, ...]) -> list[str]:
    from importlib.metadata import PackageNotFoundError, version

    found = []
    for package in packages:
        try:
            version(package)
        except PackageNotFoundError:
            continue
        found.append(package)
    return found
