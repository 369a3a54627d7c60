"""Recording an estimator as it is: no wrapper takes its place."""

from __future__ import annotations

import copyreg
import functools
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from sklearn.base import clone

from dataworkspaces.errors import ApiParamError
from dataworkspaces.kit_support.places import Place, find_inputs, find_results, open_workspace
from dataworkspaces.kit_support.spared import spared
from dataworkspaces.kits.scikit_learn.delegated import Delegated
from dataworkspaces.kits.scikit_learn.extra_files import Names, Scored, check_files
from dataworkspaces.kits.scikit_learn.metrics import Metrics, find_metrics_class, metrics_to_use
from dataworkspaces.kits.scikit_learn.record import Data, EstimatorRecord, Evaluated, Places
from dataworkspaces.kits.scikit_learn.saved_model import check_model_file
from dataworkspaces.lineage import ResultsLineage

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
    """Within the ``with`` block training and ``score`` of an estimator leave a record, as those of LineagePredictor do.

        with lineage_for(classifier):
            classifier.fit(X_train, y_train)
            classifier.score(X_test, y_test)

    It is this object that is trained, no clone; clones and copies of it are not recorded, so the folds of a cross
    validation are not. After the block it is as if nothing had been.

    :param estimator: any that has ``fit``.
    :param metrics: as for LineagePredictor; if None, those that fit what it is, and the targets.
    :param input_resource: as for LineagePredictor; if None, the only resource with source data.

    The other parameters are those of LineagePredictor.
    """
    original: Any = type(estimator)
    if isinstance(estimator, type) or not hasattr(estimator, "fit"):
        raise ApiParamError(f"{estimator!r} is not an estimator: it needs to be an object with the method fit")
    if hasattr(original, "_dws_recorded"):
        raise ApiParamError(f"{original.__name__}: its lineage is being recorded already", hint="Use only one of them")
    if metrics is not None:
        find_metrics_class(metrics)
    if model_save_file is not None:
        check_model_file(model_save_file)
    check_files(extra_files, estimator)
    workspace = open_workspace(workspace_dir, verbose)
    inputs = find_inputs(workspace, input_resource)
    places = Places(workspace, inputs[0], find_results(workspace, results_resource))
    recording = _Recording(estimator, metrics, lambda: places, model_save_file, extra_files)
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
        find_places: Callable[[], Places],
        model_file: str | None,
        extra_files: Names,
    ) -> None:
        self.estimator = estimator
        self.is_busy = False
        self._metrics = metrics
        self._find_places = find_places
        self._model_file = model_file
        self._extra_files = extra_files
        self._record = EstimatorRecord()

    def call(self, method: Any, args: Any, kwargs: Any) -> Any:
        """Call a method of the estimator, which trains or evaluates it."""
        if method.__name__ == "score":
            return self._score(method, args, kwargs)
        with self._busy():
            result = self._record.train(self.estimator, method, args, kwargs, self._find_places)
        if method.__name__ != "partial_fit":
            self._record.save_model(self.estimator, self._model_file)
        return result

    def _score(self, method: Any, args: Any, kwargs: Any) -> Any:
        data = Data.of_call(method, args, kwargs)

        def compute() -> tuple[Any, Callable[[ResultsLineage], Evaluated]]:
            score = method(*args, **kwargs)
            return score, lambda lineage: self._describe(lineage, data, score)

        if self._record.is_model_untold:
            self._record.save_model(self.estimator, self._model_file)
        with self._busy():
            return self._record.evaluate(self.estimator, data, compute, self._find_places, self._extra_files)

    def _describe(self, lineage: ResultsLineage, data: Data, score: Any) -> Evaluated:
        X, y, weight = data
        with spared(lineage, "metrics"):
            kind = metrics_to_use(self._metrics, self.estimator, y)
            if kind is not None:
                scored = Scored(self.estimator, X, y, self.estimator.predict(X), weight)
                found = kind.of_predictor(self.estimator, X, y, scored.predicted, weight)
                return Evaluated(found.to_dict(), scored)
        return Evaluated({"score": score})

    @contextmanager
    def _busy(self) -> Iterator[None]:
        """What the estimator calls of itself is no step."""
        self.is_busy = True
        try:
            yield
        finally:
            self.is_busy = False


_RECORDED = ("fit", "fit_predict", "fit_transform", "partial_fit", "score")


def _recorded_class(original: Any, recording: _Recording) -> Any:
    """A subclass for one object, which is of its class again when it is copied, cloned or stored."""

    class Recorded(original):  # type: ignore[misc]
        _dws_recorded = recording

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
    for name in _RECORDED:  # not in the body: scikit-learn wraps what it finds there
        if hasattr(original, name):
            setattr(Recorded, name, _recorded_method(name, original, Recorded, recording))
    return Recorded


def _recorded_method(name: str, original: Any, ours: Any, recording: _Recording) -> Delegated:
    def find(estimator: Any, name: str) -> Any:
        return getattr(super(ours, estimator), name)

    @functools.wraps(getattr(original, name))
    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        found = find(self, name)
        if self is not recording.estimator or recording.is_busy:
            return found(*args, **kwargs)
        return recording.call(found, args, kwargs)

    delegated = Delegated(method, find)
    delegated.__name__ = name
    return delegated
