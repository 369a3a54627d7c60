"""A predictor of scikit-learn whose training and evaluation is a step with lineage and results."""

from __future__ import annotations

import os
from collections.abc import Callable
from copy import deepcopy
from typing import Any, NamedTuple, TypeVar

from sklearn.base import BaseEstimator, MetaEstimatorMixin, clone
from sklearn.exceptions import NotFittedError
from sklearn.utils import get_tags
from sklearn.utils.metadata_routing import UNUSED
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from dataworkspaces.errors import ApiParamError
from dataworkspaces.kit_support.places import Place, find_input, find_results, open_workspace
from dataworkspaces.kit_support.spared import spared
from dataworkspaces.kit_support.step import InputHashes, Running, begin_step, dropped_on_error, find_running, recorded
from dataworkspaces.kits.scikit_learn.extra_files import Names, Scored, check_names
from dataworkspaces.kits.scikit_learn.metrics import Metrics, find_metrics_class
from dataworkspaces.kits.scikit_learn.parameters import parameters_of
from dataworkspaces.kits.scikit_learn.saved_model import check_model_file, save_model
from dataworkspaces.kits.scikit_learn.scoring import score_and_record
from dataworkspaces.lineage import ResultsLineage
from dataworkspaces.lineage.runs.run import ResultsRun
from dataworkspaces.workspace import ResourceRef, Workspace


class _Places(NamedTuple):
    """What the arguments of a LineagePredictor stand for, at this moment."""

    workspace: Workspace
    input_ref: ResourceRef
    results_ref: ResourceRef
    metrics_class: type[Metrics]


Method = TypeVar("Method", bound=Callable[..., Any])


def _if_predictor_has(name: str) -> Callable[[Method], Method]:
    """A method of the wrapper that is there only if the predictor has it; its own AttributeError says why not."""

    def check(self: LineagePredictor) -> bool:
        getattr(self.__dict__.get("predictor_", self.predictor), name)
        return True

    decorator: Callable[[Method], Method] = available_if(check)
    return decorator


class LineagePredictor(MetaEstimatorMixin, BaseEstimator):  # type: ignore[misc] # sklearn has no types
    """Wraps a predictor so that ``fit`` and ``score`` leave a record: parameters, metrics and lineage.

    It is an estimator of scikit-learn like any other: it can be cloned, pickled, searched over (``predictor__C``) and
    put at the end of a pipeline, and it is a classifier or regressor as its predictor is. ``fit`` trains a clone, which
    is then the attribute ``predictor_``; what training found out (``classes_``, ``coef_``, ``best_params_``, ...)
    is an attribute of the wrapper too. A predictor that was fitted before it was wrapped can be used without ``fit``.

    Each call of ``score`` writes ``results.json``, and so do the calls that ``cross_val_score`` or a search makes
    on clones; those of the same script before are kept in ``runs/NAME-NUMBER``. To have one record of a search, wrap
    the search: ``LineagePredictor(GridSearchCV(SVC(), ...), ...)``.

    :param predictor: an estimator with ``fit`` and ``predict``; a pipeline or a search, too.
    :param metrics: ``binary_classification``, ``multiclass_classification``, ``regression``, or a subclass of Metrics.
    :param input_resource: where the data comes from: the name of a resource, a local path in one, or a ResourceRef.
    :param results_resource: where results go, given likewise; if None, the only results resource of the workspace.
    :param model_save_file: relative path, below ``results_resource``, for the trained model, which joblib can load. A
        file of that name with ``.json`` added says with which versions of Python and its packages. None: not saved.
    :param workspace_dir: the directory of the workspace; if None, the one that holds the current directory.
    :param verbose: log all that Data Workspaces does.
    :param extra_files: what ``score`` saves beside ``results.json``: some of ``confusion_matrix``, ``roc_curve``,
        ``predicted_against_actual`` (pictures) and ``cv_results`` (the table of a search), or ``all`` that fit.

    Raises ApiParamError and ConfigurationError for arguments that do not fit each other or the workspace. No handle of
    the workspace is kept: a clone, or an unpickled copy, looks for it anew.
    """

    # Metadata of fit and score is requested from the predictor: see get_metadata_routing.
    __metadata_request__score = {"sample_weight": UNUSED}  # noqa: RUF012

    def __init__(
        self,
        predictor: Any,
        metrics: str | type[Metrics],
        input_resource: Place,
        results_resource: Place | None = None,
        model_save_file: str | None = None,
        workspace_dir: str | os.PathLike[str] | None = None,
        verbose: bool = False,
        extra_files: Names = None,
    ) -> None:
        self.predictor = predictor
        self.metrics = metrics
        self.input_resource = input_resource
        self.results_resource = results_resource
        self.model_save_file = model_save_file
        self.workspace_dir = workspace_dir
        self.verbose = verbose
        self.extra_files = extra_files
        self._find_places()  # for its errors: better now than after an hour of training

    # -- what leaves a record ------------------------------------------------------------------------------------

    def fit(self, X: Any, y: Any = None, *args: Any, **kwargs: Any) -> LineagePredictor:
        """Train the predictor, and save it if there is a ``model_save_file``.

        :param X, y: samples and targets, as the predictor takes them. If the input is an API resource, their hash is
            recorded as its version.
        :param args, kwargs: go to the predictor's ``fit``.

        If the input was written by steps that contradict each other, LineageError is raised before training."""
        places = self._find_places()
        lineage = self._begin_step(places)
        hashes = InputHashes()
        with dropped_on_error(lineage):
            hashes.read(lineage, places.input_ref, "fit", X, y)
            predictor = clone(self.predictor, safe=False)
            predictor.fit(X, y, *args, **kwargs)
        self.predictor_ = predictor  # whatever becomes of the record
        if self.model_save_file is not None:
            with recorded(lineage), spared(lineage, self.model_save_file):  # even if nobody asks for a score
                save_model(predictor, places.workspace, places.results_ref, self.model_save_file)
            lineage.restart(lineage.start_time)
        self._input_hashes = hashes
        self._lineage: ResultsLineage | None = lineage
        self._run: ResultsRun | None = lineage.run
        return self

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Predict, compute the metrics, write ``results.json`` and the lineage, and return the metrics' score.

        The step began with ``fit``; a second call is a step of its own, and the results of the first are kept in
        ``runs/NAME-NUMBER``.

        :param X, y: samples and targets; see :meth:`fit`.
        :param sample_weight: weights of the samples in the metrics."""
        predictor = self._fitted_predictor()
        places = self._find_places()
        lineage = self.__dict__.get("_lineage")
        if lineage is None or lineage.results_ref != places.results_ref:
            lineage = self._begin_step(places, self.__dict__.get("_run"))
            self._run = lineage.run
        hashes = self.__dict__.get("_input_hashes") or InputHashes()
        self._lineage = None
        with dropped_on_error(lineage):
            scored = Scored(predictor, X, y, predictor.predict(X), sample_weight)
            found = score_and_record(lineage, places.input_ref, hashes, places.metrics_class, scored, self.extra_files)
        return found.score()

    # -- what does not -------------------------------------------------------------------------------------------

    def predict(self, X: Any, **kwargs: Any) -> Any:
        """The predictions of the predictor."""
        return self._fitted_predictor().predict(X, **kwargs)

    @_if_predictor_has("predict_proba")
    def predict_proba(self, X: Any, **kwargs: Any) -> Any:
        """The probabilities of the predictor, if it has them."""
        return self._fitted_predictor().predict_proba(X, **kwargs)

    @_if_predictor_has("predict_log_proba")
    def predict_log_proba(self, X: Any, **kwargs: Any) -> Any:
        """The logarithms of probabilities of the predictor, if it has them."""
        return self._fitted_predictor().predict_log_proba(X, **kwargs)

    @_if_predictor_has("decision_function")
    def decision_function(self, X: Any, **kwargs: Any) -> Any:
        """The decision values of the predictor, if it has them."""
        return self._fitted_predictor().decision_function(X, **kwargs)

    @_if_predictor_has("transform")
    def transform(self, X: Any) -> Any:
        """What the predictor makes of samples, if it transforms."""
        return self._fitted_predictor().transform(X)

    @_if_predictor_has("transform")
    def fit_transform(self, X: Any, y: Any = None, **kwargs: Any) -> Any:
        """:meth:`fit`, then :meth:`transform`."""
        return self.fit(X, y, **kwargs).transform(X)

    def __getattr__(self, name: str) -> Any:
        # What training found out, where it is not the wrapper's own.
        if name.endswith("_") and not name.startswith("_") and name != "predictor_":
            fitted = self.__dict__.get("predictor_", self.__dict__.get("predictor"))
            if fitted is not None:
                return getattr(fitted, name)
        raise AttributeError(f"'{type(self).__name__}' object has no attribute '{name}'")

    # -- what scikit-learn asks ----------------------------------------------------------------------------------

    def __sklearn_tags__(self) -> Any:
        if hasattr(self.predictor, "__sklearn_tags__"):
            return deepcopy(get_tags(self.predictor))
        return super().__sklearn_tags__()

    def __sklearn_is_fitted__(self) -> bool:
        try:
            self._fitted_predictor()
        except NotFittedError:
            return False
        return True

    def get_metadata_routing(self) -> Any:
        """The predictor's: what ``fit`` and ``score`` are given beside X and y goes to it as it is."""
        if hasattr(self.predictor, "get_metadata_routing"):
            return self.predictor.get_metadata_routing()
        return super().get_metadata_routing()

    def __getstate__(self) -> dict[str, Any]:
        # A copy in another process looks for the workspace itself, but cannot know which script it works for.
        state = dict(super().__getstate__())
        state.pop("_lineage", None)
        state.pop("_run", None)
        state["_running"] = self._find_running()
        return state

    # -- inside --------------------------------------------------------------------------------------------------

    def _find_places(self) -> _Places:
        if isinstance(self.predictor, type) or not (
            hasattr(self.predictor, "fit") and hasattr(self.predictor, "predict")
        ):
            raise ApiParamError(
                f"{self.predictor!r} is no predictor: it needs to be an object with the methods fit and predict"
            )
        metrics_class = find_metrics_class(self.metrics)
        if self.model_save_file is not None:
            check_model_file(self.model_save_file)
        check_names(self.extra_files)
        workspace = open_workspace(self.workspace_dir, self.verbose)
        return _Places(
            workspace,
            find_input(workspace, self.input_resource),
            find_results(workspace, self.results_resource),
            metrics_class,
        )

    def _begin_step(self, places: _Places, continues: ResultsRun | None = None) -> ResultsLineage:
        return begin_step(
            places.workspace,
            self._find_running(),
            default_name=type(self.predictor).__name__,
            inputs=places.input_ref,
            results_ref=places.results_ref,
            parameters=parameters_of(self.predictor),
            continues=continues,
        )

    def _find_running(self) -> Running:
        return find_running(self.__dict__.get("_running"))

    def _fitted_predictor(self) -> Any:
        """The trained clone, or a predictor that was trained before; raises NotFittedError."""
        if "predictor_" in self.__dict__:
            return self.predictor_
        if hasattr(self.predictor, "__sklearn_tags__"):  # of others only they themselves know
            try:
                check_is_fitted(self.predictor)
            except NotFittedError:
                raise NotFittedError(f"This {type(self).__name__} has not been trained yet: call 'fit' first") from None
        return self.predictor
