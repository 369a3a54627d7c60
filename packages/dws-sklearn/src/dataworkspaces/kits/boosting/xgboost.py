"""What autolog sees of XGBoost: ``train`` and ``cv``, and the rounds within ``fit`` of its estimators, which are those
of scikit-learn."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dataworkspaces.kit_support.autolog import ModelRecord, Session
from dataworkspaces.kit_support.autolog.names import name_of
from dataworkspaces.kits.boosting.shared import (
    Booster,
    arguments_of,
    last_of,
    outer_record,
    settings_of,
)
from dataworkspaces.kits.scikit_learn.importances import tell_importances

_IMPORTANCES = ("weight", "gain", "cover")


def install(session: Session) -> None:
    """Begin to watch XGBoost, which has been imported."""
    import xgboost

    def of_user(handle: Any) -> Any:
        def wrapper(wrapped: Any, _instance: Any, args: Any, kwargs: Any) -> Any:
            return handle(session, wrapped, args, kwargs) if session.is_idle else wrapped(*args, **kwargs)

        return wrapper

    session.wrap(xgboost, "train", of_user(_train))
    session.wrap(xgboost, "cv", of_user(_cross_validate))
    session.wrap("xgboost.sklearn", "train", lambda wrapped, _, a, k: _train_within(session, wrapped, a, k))

    def predict(wrapped: Any, booster: Any, args: Any, kwargs: Any) -> Any:
        result = wrapped(*args, **kwargs)
        if session.is_idle:
            session.predicted(booster, args[0] if args else kwargs.get("data"), result)
        return result

    session.wrap(xgboost, "Booster.predict", predict)


def _rounds(record: ModelRecord) -> Any:
    from xgboost.callback import TrainingCallback

    class Rounds(TrainingCallback):  # type: ignore[misc]
        """Tells of each round its metrics."""

        def after_iteration(self, model: Any, epoch: int, evals_log: Mapping[str, Mapping[str, Any]]) -> bool:
            record.epoch(last_of(evals_log))
            return False

    return Rounds()


def _train(session: Session, function: Any, args: Any, kwargs: Any) -> Any:
    arguments = arguments_of(function, args, kwargs)
    data = arguments["dtrain"]
    name = name_of(data)
    booster = Booster()
    with session.training(booster, lambda: settings_of(arguments), "Booster") as record:
        ours = [*(arguments.pop("callbacks", None) or ()), _rounds(record)]
        result = function(**arguments, callbacks=ours)
        with session.spared("What was trained"):
            _describe(session, record, result, data, name)
    session.replace(booster, result)
    return result


def _train_within(session: Session, function: Any, args: Any, kwargs: Any) -> Any:
    """The rounds of an estimator, which is recorded as one of scikit-learn."""
    record = outer_record(session, "xgboost")
    if record is None:
        return function(*args, **kwargs)
    arguments = arguments_of(function, args, kwargs)
    ours = [*(arguments.pop("callbacks", None) or ()), _rounds(record)]
    result = function(**arguments, callbacks=ours)
    with session.spared("What was trained"):
        _tell_best(record, result)
        tell_importances(session, record, {kind: result.get_score(importance_type=kind) for kind in _IMPORTANCES})
    return result


def _tell_best(record: ModelRecord, booster: Any) -> None:
    record.note({"boosted_rounds": booster.num_boosted_rounds()})
    if booster.attr("best_iteration") is not None:
        record.note({"best_iteration": booster.best_iteration})
        record.metric("best_score", booster.best_score)


def _describe(session: Session, record: ModelRecord, booster: Any, data: Any, name: str | None) -> None:
    _tell_best(record, booster)
    for metric, value in record.last_epoch.items():
        record.metric(metric, value)
    record.detail("data", {"fit": {"X": name, "samples": data.num_row()}})
    names = data.feature_names or [f"f{i}" for i in range(data.num_col())]
    types = data.feature_types or ["float"] * len(names)
    columns = [{"name": n, "type": t} for n, t in zip(names, types, strict=False)]
    inputs = {"type": "table", "shape": [None, data.num_col()], "columns": columns[:1000]}
    record.detail("signature", {"inputs": inputs, "outputs": {"type": "float32", "shape": [None]}})
    tell_importances(session, record, {kind: booster.get_score(importance_type=kind) for kind in _IMPORTANCES})

    def save(path: Path) -> None:
        booster.save_model(path)

    record.model(booster, "model.ubj", save, ["xgboost", "numpy", "scipy"])


def _cross_validate(session: Session, function: Any, args: Any, kwargs: Any) -> Any:
    arguments = arguments_of(function, args, kwargs)
    data = arguments["dtrain"]
    name = name_of(data)
    with session.training(Booster(), lambda: settings_of(arguments), "cv_Booster") as record:
        result = function(**arguments)
        with session.spared("What was trained"):
            table = result if isinstance(result, Mapping) else result.to_dict("list")
            rows = zip(*table.values(), strict=True)
            record.epochs_before([dict(zip(table, values, strict=True)) for values in rows])
            for metric, value in record.last_epoch.items():
                record.metric(metric, value)
            record.detail("data", {"fit": {"X": name, "samples": data.num_row()}})
    return result
