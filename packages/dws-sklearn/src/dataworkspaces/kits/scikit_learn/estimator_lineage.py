"""Recording an estimator as it is: no wrapper takes its place."""

from __future__ import annotations

import copyreg
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import numpy as np
from sklearn.base import clone, is_classifier, is_regressor

from dataworkspaces.errors import ApiParamError
from dataworkspaces.kit_support.places import Place, find_inputs, find_results, open_workspace
from dataworkspaces.kit_support.spared import spared
from dataworkspaces.kit_support.step import InputHashes, begin_step, dropped_on_error, find_running, recorded
from dataworkspaces.kits.scikit_learn.extra_files import Names, Scored, check_names
from dataworkspaces.kits.scikit_learn.metrics import METRICS, Metrics, find_metrics_class
from dataworkspaces.kits.scikit_learn.parameters import parameters_of
from dataworkspaces.kits.scikit_learn.saved_model import check_model_file, save_model
from dataworkspaces.kits.scikit_learn.scoring import score_and_record
from dataworkspaces.lineage import ResultsLineage
from dataworkspaces.lineage.runs.run import ResultsRun
from dataworkspaces.workspace import ResourceRef, Workspace

Estimator = TypeVar("Estimator")


@contextmanager
def lineage_for(
    estimator: Estimator,
    metrics: str | type[Metrics] | None = None,
    input_resource: Place | None = None,
    results_resource: Place | None = None,
    model_save_file: str | None = None,
    workspace_dir: str | os.PathLike[str] | None = None,
    verbose: bool = False,
    *,
    extra_files: Names = None,
) -> Iterator[Estimator]:
    """Within the ``with`` block ``fit`` and ``score`` of an estimator leave a record, as those of LineagePredictor do.

        with lineage_for(classifier):
            classifier.fit(X_train, y_train)
            classifier.score(X_test, y_test)

    It is this object that is trained, no clone; clones and copies of it are not recorded, so the folds of a cross
    validation are not. After the block it is as if nothing had been.

    :param estimator: one with ``fit`` and ``predict``.
    :param metrics: as for LineagePredictor; if None, those for a regression, two classes or more, by what it is.
    :param input_resource: as for LineagePredictor; if None, the only resource with source data.

    The other parameters are those of LineagePredictor.
    """
    original: Any = type(estimator)
    if isinstance(estimator, type) or not (hasattr(estimator, "fit") and hasattr(estimator, "predict")):
        raise ApiParamError(f"{estimator!r} is no estimator: it needs to be an object with the methods fit and predict")
    if hasattr(original, "_dws_recorded"):
        raise ApiParamError(f"{original.__name__}: its lineage is being recorded already", hint="Leave one of them out")
    if metrics is not None:
        find_metrics_class(metrics)
    if model_save_file is not None:
        check_model_file(model_save_file)
    check_names(extra_files)
    workspace = open_workspace(workspace_dir, verbose)
    inputs = find_inputs(workspace, input_resource)
    recording = _Recording(
        estimator,
        metrics,
        workspace,
        inputs[0],
        find_results(workspace, results_resource),
        model_save_file,
        extra_files,
    )
    estimator.__class__ = _recorded_class(original, recording)
    try:
        yield estimator
    finally:
        estimator.__class__ = original


class _Recording:
    """What is known of the step by now."""

    def __init__(
        self,
        estimator: Any,
        metrics: str | type[Metrics] | None,
        workspace: Workspace,
        input_ref: ResourceRef,
        results_ref: ResourceRef,
        model_file: str | None,
        extra_files: Names,
    ) -> None:
        self.estimator = estimator
        self.is_busy = False
        self._metrics = metrics
        self._workspace = workspace
        self._input_ref = input_ref
        self._results_ref = results_ref
        self._model_file = model_file
        self._extra_files = extra_files
        self._hashes = InputHashes()
        self._lineage: ResultsLineage | None = None
        self._run: ResultsRun | None = None

    def fit(self, fit: Any, X: Any, y: Any, args: Any, kwargs: Any) -> Any:
        self._run = None
        lineage = self._begin()
        self._hashes = InputHashes()
        with dropped_on_error(lineage), self._busy():
            self._hashes.read(lineage, self._input_ref, "fit", X, y)
            result = fit(X, y, *args, **kwargs)
        if self._model_file is not None:
            with recorded(lineage), spared(lineage, self._model_file):  # even if nobody asks for a score
                save_model(self.estimator, self._workspace, self._results_ref, self._model_file)
            lineage.restart(lineage.start_time)
        self._lineage = lineage
        return result

    def score(self, score: Any, X: Any, y: Any, sample_weight: Any, kwargs: Any) -> Any:
        lineage, self._lineage = self._lineage or self._begin(), None
        with dropped_on_error(lineage), self._busy():
            weight = {} if sample_weight is None else {"sample_weight": sample_weight}
            result = score(X, y, **weight, **kwargs)
            scored = Scored(self.estimator, X, y, self.estimator.predict(X), sample_weight)
            score_and_record(lineage, self._input_ref, self._hashes, self._find_metrics(y), scored, self._extra_files)
        return result

    def _begin(self) -> ResultsLineage:
        lineage = begin_step(
            self._workspace,
            find_running(),
            default_name=type(self.estimator).__name__,
            inputs=self._input_ref,
            results_ref=self._results_ref,
            parameters=parameters_of(self.estimator),
            continues=self._run,
        )
        self._run = lineage.run
        return lineage

    @contextmanager
    def _busy(self) -> Iterator[None]:
        """What the estimator calls of itself is no step."""
        self.is_busy = True
        try:
            yield
        finally:
            self.is_busy = False

    def _find_metrics(self, y: Any) -> type[Metrics]:
        if self._metrics is not None:
            return find_metrics_class(self._metrics)
        if is_regressor(self.estimator) or not is_classifier(self.estimator):
            return METRICS["regression"]
        classes = getattr(self.estimator, "classes_", np.unique(y))
        return METRICS["binary_classification" if len(classes) <= 2 else "multiclass_classification"]


def _recorded_class(original: Any, recording: _Recording) -> Any:
    """A subclass for one object, which is of its class again when it is copied, cloned or stored."""

    class Recorded(original):  # type: ignore[misc]
        _dws_recorded = recording

        def fit(self, X: Any, y: Any = None, *args: Any, **kwargs: Any) -> Any:
            if self is not recording.estimator or recording.is_busy:
                return super().fit(X, y, *args, **kwargs)
            return recording.fit(super().fit, X, y, args, kwargs)

        def score(self, X: Any, y: Any = None, sample_weight: Any = None, **kwargs: Any) -> Any:
            if self is not recording.estimator or recording.is_busy:
                weight = {} if sample_weight is None else {"sample_weight": sample_weight}
                return super().score(X, y, **weight, **kwargs)
            return recording.score(super().score, X, y, sample_weight, kwargs)

        def __sklearn_clone__(self) -> Any:
            ours, self.__class__ = self.__class__, original
            try:
                return clone(self)
            finally:
                self.__class__ = ours

        def __reduce_ex__(self, protocol: Any) -> Any:
            ours, self.__class__ = self.__class__, original
            try:
                make, arguments, *rest = self.__reduce_ex__(protocol)
            finally:
                self.__class__ = ours
            if make is copyreg.__newobj__ and arguments == (original,):  # type: ignore[attr-defined]
                # pickle compares that with the class that it sees; this says the same, and is as old as pickle.
                make, arguments = copyreg._reconstructor, (original, object, None)  # type: ignore[attr-defined]
            return (make, arguments, *rest)

    for name in ("__module__", "__name__", "__qualname__", "__doc__"):
        setattr(Recorded, name, getattr(original, name))
    return Recorded
