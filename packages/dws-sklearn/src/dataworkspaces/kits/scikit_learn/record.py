"""The record of an estimator's training and evaluation. Neither is ever lost to it: what cannot be recorded is said."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from dataworkspaces.kit_support.autolog.hooks import recorded_otherwise
from dataworkspaces.kit_support.data_hash import DataHash
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
from dataworkspaces.kits.scikit_learn.extra_files import Names, Scored, save_extra_files
from dataworkspaces.kits.scikit_learn.parameters import parameters_of, readable
from dataworkspaces.kits.scikit_learn.saved_model import save_model
from dataworkspaces.lineage import ResultsLineage
from dataworkspaces.lineage.runs.run import ResultsRun
from dataworkspaces.plain_text import escape
from dataworkspaces.workspace import ResourceRef, Workspace


class Places(NamedTuple):
    """What a user's arguments stand for, at this moment."""

    workspace: Workspace
    input_ref: ResourceRef
    results_ref: ResourceRef


class Data(NamedTuple):
    """What a method of an estimator is called with."""

    X: Any
    y: Any = None
    sample_weight: Any = None

    @classmethod
    def of_call(cls, method: Callable[..., Any], args: Any, kwargs: Any) -> Data:
        """Whatever the method calls them: samples come first, targets are ``y`` or ``Y``."""
        try:
            given = inspect.signature(method).bind(*args, **kwargs).arguments
        except (TypeError, ValueError):  # the method itself has to say what is wrong
            given = {}
        given = {**given, **given.get("kwargs", {})}
        first = next(iter(given.values()), None)
        return cls(first, given.get("y", given.get("Y")), given.get("sample_weight"))


class Evaluated(NamedTuple):
    """:ivar scored: what files beside the results are made of, if there are predictions."""

    metrics: Mapping[str, Any]
    scored: Scored | None = None


class EstimatorRecord:
    """The step of one estimator: it begins with a training, and ends with an evaluation; the next evaluation is a step
    of its own."""

    def __init__(self) -> None:
        self._hashes = InputHashes()
        self._batches: DataHash | None = None
        self._calls = 0
        self._unrecorded: str | None = None
        self._lineage: ResultsLineage | None = None
        self._run: ResultsRun | None = None
        self._is_trained_here = False
        self.is_model_untold = False
        """Whether what was trained last is in no file of a model."""

    def __getstate__(self) -> dict[str, Any]:
        # A copy does not go on with the step. The hash of batches cannot be copied.
        return self.__dict__ | {"_batches": None, "_lineage": None, "_run": None, "_is_trained_here": False}

    # -- training ------------------------------------------------------------------------------------------------

    def train(
        self,
        estimator: Any,
        method: Callable[..., Any],
        args: Any,
        kwargs: Any,
        find_places: Callable[[], Places],
        running: Running | None = None,
    ) -> Any:
        """Call a method of the estimator that trains it, and return what that returns. ``partial_fit`` goes on with the
        training before.

        Arguments that do not fit the workspace are raised before."""
        data = Data.of_call(method, args, kwargs)
        is_batch = getattr(method, "__name__", "") == "partial_fit"
        lineage = self._begin_training(estimator, data, is_batch, find_places, running)
        self._is_trained_here = True
        if lineage is None:
            with recorded_otherwise():
                return method(*args, **kwargs)
        with dropped_on_error(lineage), recorded_otherwise():
            result = method(*args, **kwargs)
        self._lineage = lineage
        self.is_model_untold = True
        return result

    def _begin_training(
        self,
        estimator: Any,
        data: Data,
        is_batch: bool,
        find_places: Callable[[], Places],
        running: Running | None,
    ) -> ResultsLineage | None:
        lineage, self._lineage = self._lineage, None
        if not is_batch:
            lineage, self._run, self._unrecorded, self._calls = None, None, None, 0
            self._hashes, self._batches = InputHashes(), None
        else:
            self._calls += 1

        def begin(places: Places) -> ResultsLineage:
            begun = lineage
            if begun is None or begun.results_ref != places.results_ref:
                begun = self._begin(estimator, places, running)
            with dropped_on_error(begun):
                self._read(begun, places, data, is_batch)
            return begun

        begun, reason = begin_unless_it_fails(find_places, begin)
        self._unrecorded = reason or self._unrecorded
        return begun

    def _read(self, lineage: ResultsLineage, places: Places, data: Data, is_batch: bool) -> None:
        if not is_batch:
            self._hashes.read(lineage, places.input_ref, "fit", data.X, data.y)
            return
        lineage.add_param("partial_fit_calls", self._calls)
        if is_hashed(places.workspace, places.input_ref):
            self._batches = self._batches or DataHash()
            self._batches.add((data.X, data.y))
            self._hashes.put(lineage, places.input_ref, "fit", self._batches.hexdigest())

    def save_model(self, estimator: Any, name: str | None) -> None:
        """Store the model that was trained, even if nobody asks for a score."""
        lineage = self._lineage
        self.is_model_untold = False
        if name is None or lineage is None:
            return
        self._lineage = None
        with spared_record("The trained model"):
            with recorded(lineage), spared(lineage, name):
                save_model(estimator, lineage.workspace, lineage.results_ref, name)
            lineage.restart(lineage.start_time)
            self._lineage = lineage

    # -- evaluation ----------------------------------------------------------------------------------------------

    def evaluate(
        self,
        estimator: Any,
        data: Data,
        compute: Callable[[], tuple[Any, Callable[[ResultsLineage], Evaluated]]],
        find_places: Callable[[], Places],
        files: Names,
        running: Running | None = None,
    ) -> Any:
        """Write ``results.json`` and the extra files, and end the step. Returns the score.

        :param compute: returns the score, and what tells more of it."""
        lineage, places = self._begin_evaluation(estimator, find_places, running)
        if lineage is None or places is None:
            with recorded_otherwise():
                return compute()[0]
        with dropped_on_error(lineage), recorded_otherwise():
            score, describe = compute()
        with spared_record("This score"):
            with dropped_on_error(lineage):
                self._hashes.read(lineage, places.input_ref, "score", data.X, data.y)
                found = describe(lineage)
                if hasattr(estimator, "best_params_"):
                    lineage.add_param("best_params_", readable(estimator.best_params_))
            with recorded(lineage):
                if found.scored is not None:
                    save_extra_files(files, found.scored, lineage, may_lack=files == "all")
                where = lineage.write_results(found.metrics)
            print(f"Wrote results to {escape(where)}")
        return score

    def _begin_evaluation(
        self, estimator: Any, find_places: Callable[[], Places], running: Running | None
    ) -> tuple[ResultsLineage | None, Places | None]:
        lineage, self._lineage = self._lineage, None
        try:
            places = find_places()
            if lineage is None or lineage.results_ref != places.results_ref:
                lineage = self._begin(estimator, places, running)
        except Exception as e:
            # What was trained here is not lost, whatever is wrong by now.
            if not self._is_trained_here and says_not_to(e):
                raise
            warn_unrecorded("This score", e)
            return None, None
        return lineage, places

    def _begin(self, estimator: Any, places: Places, running: Running | None) -> ResultsLineage:
        lineage = begin_step(
            places.workspace,
            find_running(running),
            default_name=type(estimator).__name__,
            inputs=places.input_ref,
            results_ref=places.results_ref,
            parameters=parameters_of(estimator),
            continues=self._run,
        )
        self._run = lineage.run
        if self._unrecorded is not None:
            lineage.add_param(NOT_RECORDED + "training", self._unrecorded)
        return lineage
