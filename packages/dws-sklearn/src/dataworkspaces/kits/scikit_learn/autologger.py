"""What autolog sees of scikit-learn: trainings, evaluations, predictions, and functions that compute metrics.

Methods are wrapped in each class that is derived from ``BaseEstimator``, in those of others too, when the class is
made; what a method calls is a part of it, so a pipeline, a search or a cross validation is one training.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterator
from typing import Any

from dataworkspaces.kit_support.autolog import Session, describe_samples
from dataworkspaces.kit_support.autolog.arguments import defaults_of, described, variadic
from dataworkspaces.kit_support.autolog.names import name_of
from dataworkspaces.kit_support.autolog.watched import Watched
from dataworkspaces.kits.scikit_learn.autologged import describe_cross_validation, describe_fit, describe_training
from dataworkspaces.kits.scikit_learn.parameters import parameters_of, readable
from dataworkspaces.kits.scikit_learn.record import Data

_TRAINING = ("fit", "fit_predict", "fit_transform", "partial_fit")
_PREDICTION = ("predict", "predict_proba", "predict_log_proba", "decision_function")
_NO_METRICS = ("check_scoring", "get_scorer", "get_scorer_names", "make_scorer", "euclidean_distances")
_CROSS_VALIDATION = ("cross_val_score", "cross_validate", "cross_val_predict", "learning_curve", "validation_curve",
                     "permutation_test_score")  # fmt: skip


def install(session: Session) -> None:
    """Begin to watch scikit-learn, which has been imported."""
    import wrapt
    from sklearn.base import BaseEstimator

    _watch_classes(session, BaseEstimator)
    wrapt.register_post_import_hook(lambda module: _watch_metrics(session, module), "sklearn.metrics")
    wrapt.register_post_import_hook(lambda module: _watch_validation(session, module), "sklearn.model_selection")


# -- estimators ------------------------------------------------------------------------------------------------------


def _watch_classes(session: Session, base: Any) -> None:
    for cls in [base, *_subclasses(base)]:
        _watch_class(session, cls)
    original = base.__init_subclass__.__func__

    def watch(cls: Any, /, **kwargs: Any) -> None:
        original(cls, **kwargs)
        _watch_class(session, cls)

    base.__init_subclass__ = classmethod(watch)


def _subclasses(base: Any) -> Iterator[Any]:
    for cls in base.__subclasses__():
        yield cls
        yield from _subclasses(cls)


def _watch_class(session: Session, derived: Any) -> None:
    """Its methods, and those that it has from classes that are no estimators."""
    handlers = {**dict.fromkeys(_TRAINING, _train), **dict.fromkeys(_PREDICTION, _predict), "score": _score}
    for cls in derived.__mro__[:-1]:
        if cls.__module__.startswith("dataworkspaces."):
            continue  # which record by themselves
        for name, handle in handlers.items():
            found = cls.__dict__.get(name)
            if found is not None and not hasattr(found, "_self_is_watched") and not isinstance(found, property):
                _watch_method(session, cls, name, found, handle)


def _watch_method(session: Session, cls: Any, name: str, found: Any, handle: Callable[..., Any]) -> None:
    def call(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
        if instance is None or not session.is_idle or hasattr(type(instance), "_dws_recorded"):
            return wrapped(*args, **kwargs)
        return handle(session, name, wrapped, instance, args, kwargs)

    watched: Any = Watched(found, call)
    watched._self_is_watched = True
    setattr(cls, name, watched)


def _train(session: Session, name: str, method: Any, model: Any, args: Any, kwargs: Any) -> Any:
    if not _is_model(model):
        with session.busy():
            result = method(*args, **kwargs)
        with session.spared(type(model).__name__):
            session.prepared(type(model).__name__, parameters_of(model))
        return result
    if name == "partial_fit":
        return _train_a_part(session, method, model, args, kwargs)
    data = Data.of_call(method, args, kwargs)
    names = name_of(data.X), name_of(data.y)
    validation: list[dict[str, Any]] = []
    with session.spared("The data for validation"):
        validation = _validation_sets(_given(method, args, kwargs))
    with session.training(model, lambda: _parameters(model, args, kwargs, method)) as record:
        record.read("fit", data.X, data.y)
        result = method(*args, **kwargs)
        with session.spared("What was trained"):
            describe_fit(session, record, model, data, names)
            if validation:
                record.data("validation", validation)
            describe_training(session, record, model, data)
    return result


def _train_a_part(session: Session, method: Any, model: Any, args: Any, kwargs: Any) -> Any:
    """The calls are one training, each of them an epoch."""
    data = Data.of_call(method, args, kwargs)
    record = session.record_of(model)
    if record is None or not record.is_in_parts:
        record = session.begin(model, lambda: _parameters(model, args, kwargs, method))
        record.is_in_parts = True
    try:
        with session.busy():
            result = method(*args, **kwargs)
    except BaseException as e:
        record.fail(e)
        raise
    loss = getattr(model, "loss_", None)
    calls = record.part({"loss": loss} if isinstance(loss, float) else {})
    record.note({"partial_fit_calls": calls})
    if calls == 1:
        names = name_of(data.X), name_of(data.y)
        with session.spared("What was trained"):
            describe_fit(session, record, model, data, names)
    return result


def _parameters(model: Any, args: Any, kwargs: Any, method: Any) -> dict[str, Any]:
    """Those of the estimator, and the arguments of the call, with those that have their default values."""
    given = _given(method, args, kwargs)
    arguments = {**defaults_of(method), **given, **given.get("kwargs", {})}
    is_of_data = {"X", "y", "Y", "kwargs", *variadic(method)}
    return {
        "estimator_name": type(model).__name__,
        "estimator_class": f"{type(model).__module__}.{type(model).__qualname__}",
        **parameters_of(model),
        **{f"fit_{name}": described(value) for name, value in arguments.items() if name not in is_of_data},
    }


def _validation_sets(given: dict[str, Any]) -> list[dict[str, Any]]:
    """What estimators of XGBoost and LightGBM are given as ``eval_set``, pairs or one of them, or ``eval_X`` and
    ``eval_y``."""
    sets = given.get("eval_set") or ()
    pairs = [sets] if isinstance(sets, tuple) and len(sets) == 2 and hasattr(sets[0], "shape") else list(sets)
    X, y = given.get("eval_X"), given.get("eval_y")
    if X is not None and y is not None:
        pairs += zip(X, y, strict=False) if isinstance(X, (list, tuple)) else [(X, y)]
    return [
        describe_samples({"X": name_of(pair[0]), "y": name_of(pair[1])}, pair[0], pair[1])
        for pair in pairs
        if isinstance(pair, (list, tuple)) and len(pair) == 2
    ]


def _given(function: Any, args: Any, kwargs: Any) -> dict[str, Any]:
    """The arguments of a call; none of one that does not fit, of which the function itself has to say what is wrong."""
    try:
        return dict(inspect.signature(function).bind(*args, **kwargs).arguments)
    except TypeError:
        return {}


def _is_model(model: Any) -> bool:
    """Not what prepares data: that is told of the model that is trained with them."""
    return hasattr(model, "predict") or hasattr(model, "fit_predict") or hasattr(model, "cv_results_")


def _predict(session: Session, name: str, method: Any, model: Any, args: Any, kwargs: Any) -> Any:
    with session.busy():
        result = method(*args, **kwargs)
    session.predicted(model, Data.of_call(method, args, kwargs).X, result)
    return result


def _score(session: Session, name: str, method: Any, model: Any, args: Any, kwargs: Any) -> Any:
    with session.busy():
        result = method(*args, **kwargs)
    record = session.record_of(model)
    if record is not None:
        data = Data.of_call(method, args, kwargs)
        called = name_of(data.X, data.y)
        record.metric("score" if called is None else f"score_{called}", result, function="score", data=called)
        record.evaluated(called, data.X, data.y)
        record.read("score", data.X, data.y)
    return result


# -- functions -------------------------------------------------------------------------------------------------------


def _watch_metrics(session: Session, module: Any) -> None:
    for name in module.__all__:
        function = getattr(module, name, None)
        if inspect.isfunction(function) and name not in _NO_METRICS and not name.startswith(("pairwise_", "nan_")):
            _watch_function(session, module, name, function, _measure)


def _watch_validation(session: Session, module: Any) -> None:
    for name in _CROSS_VALIDATION:
        function = getattr(module, name, None)
        if function is not None:
            _watch_function(session, module, name, function, _validate)


def _watch_function(session: Session, module: Any, name: str, function: Any, handle: Callable[..., Any]) -> None:
    def call(wrapped: Any, _instance: Any, args: Any, kwargs: Any) -> Any:
        if not session.is_idle:
            return wrapped(*args, **kwargs)
        return handle(session, name, wrapped, args, kwargs)

    watched = Watched(function, call)
    setattr(module, name, watched)
    for user in list(sys.modules.values()):  # who has imported it by name before
        names = getattr(user, "__dict__", {})
        if names.get(name) is function and not getattr(user, "__name__", "sklearn").startswith(
            ("sklearn", "dataworksp")
        ):
            setattr(user, name, watched)


def _measure(session: Session, name: str, function: Any, args: Any, kwargs: Any) -> Any:
    with session.busy():
        result = function(*args, **kwargs)
    with session.spared(f"The metric {name}"):
        session.measured(name, result, _given(function, args, kwargs))
    return result


def _validate(session: Session, name: str, function: Any, args: Any, kwargs: Any) -> Any:
    """A cross validation is a training of its own, of a model that is trained several times."""
    given = _given(function, args, kwargs)
    model, data = given.get("estimator"), Data(given.get("X"), given.get("y"))
    names = name_of(data.X), name_of(data.y)
    settings = {key: readable(value) for key, value in given.items() if key not in ("estimator", "X", "y", "groups")}

    def parameters() -> dict[str, Any]:
        return {"function": name, **settings, "estimator_name": type(model).__name__, **parameters_of(model)}

    with session.training(_Validation(), parameters, f"{name}_{type(model).__name__}") as record:
        record.read("fit", data.X, data.y)
        result = function(*args, **kwargs)
        with session.spared(name):
            describe_cross_validation(record, name, result, data, names)
    return result


class _Validation:
    """Stands for the models, of which none is left."""


__all__ = ["install"]
