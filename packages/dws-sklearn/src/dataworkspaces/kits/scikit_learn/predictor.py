"""A predictor of scikit-learn whose training and evaluation is a step with lineage and results."""

from __future__ import annotations

import functools
import os
import re
from collections.abc import Callable
from copy import deepcopy
from typing import Any

from sklearn.base import BaseEstimator, MetaEstimatorMixin, clone
from sklearn.exceptions import NotFittedError
from sklearn.utils import get_tags
from sklearn.utils.metadata_routing import UNUSED
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from dataworkspaces.errors import ApiParamError
from dataworkspaces.kit_support.places import Place, find_input, find_results, open_workspace
from dataworkspaces.kit_support.step import Running, find_running
from dataworkspaces.kits.scikit_learn.delegated import Delegated
from dataworkspaces.kits.scikit_learn.extra_files import Names, Scored, check_files
from dataworkspaces.kits.scikit_learn.metrics import Metrics, find_metrics_class, has_metrics, metrics_to_use
from dataworkspaces.kits.scikit_learn.record import Data, EstimatorRecord, Evaluated, Places
from dataworkspaces.kits.scikit_learn.saved_model import check_model_file
from dataworkspaces.lineage import ResultsLineage

_SET_REQUEST = re.compile(r"set_[a-z_]+_request")

Describe = Callable[[ResultsLineage], Evaluated]


def _method_of_predictor(wrapper: LineagePredictor, name: str) -> Any:
    return getattr(wrapper.__dict__.get("predictor_", wrapper.predictor), name)


def _as_the_predictors(function: Callable[..., Any]) -> Any:
    """A method of the wrapper that is there only if the predictor has it, with its signature."""
    return Delegated(function, _method_of_predictor)


def _can_be_scored(wrapper: LineagePredictor) -> bool:
    """By its own score, or by metrics of what it predicts."""
    if hasattr(wrapper.predictor, "score"):
        return True
    return hasattr(wrapper.predictor, "predict") and (wrapper.metrics is not None or has_metrics(wrapper.predictor))


class LineagePredictor(MetaEstimatorMixin, BaseEstimator):  # type: ignore[misc] # sklearn has no types
    """Wraps a predictor so that ``fit`` and ``score`` leave a record: parameters, metrics and lineage.

    It is an estimator of scikit-learn like any other: it can be cloned, pickled, searched over (``predictor__C``) and
    put at the end of a pipeline, and it is a classifier or regressor as its predictor is. ``fit`` trains a clone, which
    is then the attribute ``predictor_``; what training found out (``classes_``, ``coef_``, ``best_params_``, ...)
    is an attribute of the wrapper too. A predictor that was fitted before it was wrapped can be used without ``fit``.

    Each call of ``score`` writes ``results.json``, and so do the calls that ``cross_val_score`` or a search makes
    on clones; those of the same script before are kept in ``runs/NAME-NUMBER``. To have one record of a search, wrap
    the search: ``LineagePredictor(GridSearchCV(SVC(), ...), ...)``.

    :param predictor: an estimator; a pipeline or a search, too. Its methods, and what they take, are the wrapper's.
    :param metrics: ``binary_classification``, ``multiclass_classification``, ``multioutput_classification``,
        ``regression``, or a subclass of Metrics; if None, what fits the predictor and the targets.
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
        metrics: str | type[Metrics] | None,
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
        self._check_arguments()
        self._find_places()  # for its errors: better now than after an hour of training

    # -- what leaves a record ------------------------------------------------------------------------------------

    @_as_the_predictors
    def fit(self, *args: Any, **kwargs: Any) -> LineagePredictor:
        """Train the predictor, and save it if there is a ``model_save_file``.

        What it takes (samples, targets, weights) is what the predictor's ``fit`` takes. If the input is an API
        resource, the hash of samples and targets is recorded as its version.

        If the input was written by steps that contradict each other, LineageError is raised before training. A record
        that cannot be written costs itself alone: a warning says why."""
        self._train("fit", args, kwargs)
        return self

    @_as_the_predictors
    def partial_fit(self, *args: Any, **kwargs: Any) -> LineagePredictor:
        """Go on with the training, which is a step together with what was before; the model is saved by ``score``."""
        self._train("partial_fit", args, kwargs)
        return self

    @_as_the_predictors
    def fit_predict(self, *args: Any, **kwargs: Any) -> Any:
        """The predictor's, recorded as :meth:`fit` is."""
        return self._train("fit_predict", args, kwargs)

    @_as_the_predictors
    def fit_transform(self, *args: Any, **kwargs: Any) -> Any:
        """The predictor's, recorded as :meth:`fit` is."""
        return self._train("fit_transform", args, kwargs)

    @available_if(_can_be_scored)  # type: ignore[untyped-decorator] # sklearn has no types
    def score(self, X: Any, y: Any = None, sample_weight: Any = None) -> float:
        """Predict, compute the metrics, write ``results.json`` and the lineage, and return the metrics' score.

        The step began with ``fit``; a second call is a step of its own, and the results of the first are kept in
        ``runs/NAME-NUMBER``.

        :param X, y: samples and targets; see :meth:`fit`. Without targets, or if there are no metrics for what the
            predictor is, the score is that of the predictor.
        :param sample_weight: weights of the samples in the metrics."""
        predictor = self._fitted_predictor()
        self._check_arguments()
        record = self._find_record()
        weight = {} if sample_weight is None else {"sample_weight": sample_weight}

        def compute() -> tuple[float, Describe]:
            kind = metrics_to_use(self.metrics, predictor, y)
            if kind is None:
                score = predictor.score(X, y, **weight)
                return score, lambda lineage: Evaluated({"score": score})
            scored = Scored(predictor, X, y, predictor.predict(X), sample_weight)
            found = kind.of_predictor(predictor, X, y, scored.predicted, sample_weight)
            return found.score(), lambda lineage: Evaluated(found.to_dict(), scored)

        if record.is_model_untold:
            record.save_model(predictor, self.model_save_file)
        data = Data(X, y, sample_weight)
        return record.evaluate(  # type: ignore[no-any-return]
            predictor, data, compute, self._find_places, self.extra_files, self._running_process()
        )

    # -- what does not -------------------------------------------------------------------------------------------

    @_as_the_predictors
    def predict(self, *args: Any, **kwargs: Any) -> Any:
        """The predictions of the predictor."""
        return self._fitted_predictor().predict(*args, **kwargs)

    @_as_the_predictors
    def predict_proba(self, *args: Any, **kwargs: Any) -> Any:
        """The probabilities of the predictor, if it has them."""
        return self._fitted_predictor().predict_proba(*args, **kwargs)

    @_as_the_predictors
    def predict_log_proba(self, *args: Any, **kwargs: Any) -> Any:
        """The logarithms of probabilities of the predictor, if it has them."""
        return self._fitted_predictor().predict_log_proba(*args, **kwargs)

    @_as_the_predictors
    def decision_function(self, *args: Any, **kwargs: Any) -> Any:
        """The decision values of the predictor, if it has them."""
        return self._fitted_predictor().decision_function(*args, **kwargs)

    @_as_the_predictors
    def score_samples(self, *args: Any, **kwargs: Any) -> Any:
        """The scores of samples, if the predictor has them."""
        return self._fitted_predictor().score_samples(*args, **kwargs)

    @_as_the_predictors
    def transform(self, *args: Any, **kwargs: Any) -> Any:
        """What the predictor makes of samples, if it transforms."""
        return self._fitted_predictor().transform(*args, **kwargs)

    @_as_the_predictors
    def inverse_transform(self, *args: Any, **kwargs: Any) -> Any:
        """The samples that the predictor made something of, if it can tell."""
        return self._fitted_predictor().inverse_transform(*args, **kwargs)

    @_as_the_predictors
    def get_feature_names_out(self, *args: Any, **kwargs: Any) -> Any:
        """The names of what the predictor transforms to."""
        return self._fitted_predictor().get_feature_names_out(*args, **kwargs)

    def __getattr__(self, name: str) -> Any:
        # What training found out, where it is not the wrapper's own.
        if name.endswith("_") and not name.startswith("_") and name != "predictor_":
            fitted = self.__dict__.get("predictor_", self.__dict__.get("predictor"))
            if fitted is not None:
                return getattr(fitted, name)
        if _SET_REQUEST.fullmatch(name) and "predictor" in self.__dict__:
            return functools.partial(self._set_request, getattr(self.predictor, name))
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
        return dict(super().__getstate__()) | {"_running": self._running_process()}

    # -- inside --------------------------------------------------------------------------------------------------

    def _train(self, name: str, args: Any, kwargs: Any) -> Any:
        self._check_arguments()
        goes_on = name == "partial_fit"
        predictor = self._predictor_to_train(goes_on)
        record = self._find_record() if goes_on else EstimatorRecord()
        method = getattr(predictor, name)
        result = record.train(predictor, method, args, kwargs, self._find_places, self._running_process())
        self.predictor_ = predictor  # whatever becomes of the record
        self._record = record
        if not goes_on:
            record.save_model(predictor, self.model_save_file)
        return result

    def _predictor_to_train(self, goes_on: bool) -> Any:
        """A clone, or that of before, with the parameters of now, where training starts from what it has learned."""
        before = self.__dict__.get("predictor_")
        if before is None or not (goes_on or getattr(self.predictor, "warm_start", False) is True):
            return clone(self.predictor, safe=False)
        if hasattr(before, "set_params"):
            before.set_params(**clone(self.predictor).get_params(deep=False))
        return before

    def _set_request(self, set_request: Callable[..., Any], **kwargs: Any) -> LineagePredictor:
        set_request(**kwargs)
        return self

    def _check_arguments(self) -> None:
        """What can be told without the workspace."""
        if isinstance(self.predictor, type) or not hasattr(self.predictor, "fit"):
            raise ApiParamError(f"{self.predictor!r} is not an estimator: it needs to be an object with the method fit")
        if self.metrics is not None:
            find_metrics_class(self.metrics)
        if self.model_save_file is not None:
            check_model_file(self.model_save_file)
        check_files(self.extra_files, self.predictor)

    def _find_places(self) -> Places:
        workspace = open_workspace(self.workspace_dir, self.verbose)
        return Places(
            workspace, find_input(workspace, self.input_resource), find_results(workspace, self.results_resource)
        )

    def _find_record(self) -> EstimatorRecord:
        if "_record" not in self.__dict__:
            self._record = EstimatorRecord()
        return self._record

    def _running_process(self) -> Running:
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
