"""What autolog sees of LightGBM: ``train`` and ``cv``, and the rounds within ``fit`` of its estimators, which are those
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
    outer_record,
    settings_of,
)
from dataworkspaces.kits.scikit_learn.importances import tell_importances


def install(session: Session) -> None:
    """Begin to watch LightGBM, which has been imported."""
    import lightgbm

    def of_user(handle: Any) -> Any:
        def wrapper(wrapped: Any, _instance: Any, args: Any, kwargs: Any) -> Any:
            return handle(session, wrapped, args, kwargs) if session.is_idle else wrapped(*args, **kwargs)

        return wrapper

    session.wrap(lightgbm, "train", of_user(_train))
    session.wrap(lightgbm, "cv", of_user(_cross_validate))
    session.wrap("lightgbm.sklearn", "train", lambda wrapped, _, a, k: _train_within(session, wrapped, a, k))

    def predict(wrapped: Any, booster: Any, args: Any, kwargs: Any) -> Any:
        result = wrapped(*args, **kwargs)
        if session.is_idle:
            session.predicted(booster, args[0] if args else kwargs.get("data"), result)
        return result

    session.wrap(lightgbm, "Booster.predict", predict)


def _rounds(record: ModelRecord) -> Any:
    """A callback that tells of each round its metrics."""

    def tell(env: Any) -> None:
        record.epoch({f"{found[0]}-{found[1]}": found[2] for found in env.evaluation_result_list or ()})

    tell.order = 25  # type: ignore[attr-defined] # before that which may stop the training
    return tell


def _train(session: Session, function: Any, args: Any, kwargs: Any) -> Any:
    arguments = arguments_of(function, args, kwargs)
    data = arguments["train_set"]
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
    record = outer_record(session, "lightgbm")
    if record is None:
        return function(*args, **kwargs)
    arguments = arguments_of(function, args, kwargs)
    ours = [*(arguments.pop("callbacks", None) or ()), _rounds(record)]
    result = function(**arguments, callbacks=ours)
    with session.spared("What was trained"):
        _tell_best(record, result)
        tell_importances(session, record, _importances(result))
    return result


def _importances(booster: Any) -> dict[str, dict[str, float]]:
    names = booster.feature_name()
    return {
        kind: {n: float(v) for n, v in zip(names, booster.feature_importance(kind), strict=True)}
        for kind in ("split", "gain")
    }


def _tell_best(record: ModelRecord, booster: Any) -> None:
    record.note({"boosted_rounds": booster.current_iteration()})
    if booster.best_iteration > 0:
        record.note({"best_iteration": booster.best_iteration})
        for data, metrics in booster.best_score.items():
            for metric, value in metrics.items():
                record.metric(f"best_{data}-{metric}", value)


def _describe(session: Session, record: ModelRecord, booster: Any, data: Any, name: str | None) -> None:
    _tell_best(record, booster)
    for metric, value in record.last_epoch.items():
        record.metric(metric, value)
    record.detail("data", {"fit": {"X": name, "samples": data.num_data()}})
    columns = [{"name": n, "type": "float"} for n in booster.feature_name()]
    inputs = {"type": "table", "shape": [None, len(columns)], "columns": columns[:1000]}
    record.detail("signature", {"inputs": inputs, "outputs": {"type": "float64", "shape": [None]}})
    tell_importances(session, record, _importances(booster))

    def save(path: Path) -> None:
        booster.save_model(path)

    record.model(booster, "model.txt", save, ["lightgbm", "numpy", "scipy"])


def _cross_validate(session: Session, function: Any, args: Any, kwargs: Any) -> Any:
    arguments = arguments_of(function, args, kwargs)
    data = arguments["train_set"]
    name = name_of(data)
    with session.training(Booster(), lambda: settings_of(arguments), "cv_Booster") as record:
        result = function(**arguments)
        with session.spared("What was trained"):
            table: Mapping[str, Any] = {key: values for key, values in result.items() if key != "cvbooster"}
            rows = zip(*table.values(), strict=True)
            record.epochs_before([dict(zip(table, values, strict=True)) for values in rows])
            for metric, value in record.last_epoch.items():
                record.metric(metric, value)
            record.detail("data", {"fit": {"X": name, "samples": data.num_data()}})
    return result
