"""What autolog tells of a trained estimator of scikit-learn."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from sklearn import metrics as sk
from sklearn.ensemble._gb import BaseGradientBoosting
from sklearn.model_selection._search import BaseSearchCV

from dataworkspaces.kit_support.autolog import ModelRecord, Session, describe_data, describe_samples
from dataworkspaces.kits.scikit_learn.extra_files import FILES, Scored
from dataworkspaces.kits.scikit_learn.importances import tell_importances
from dataworkspaces.kits.scikit_learn.metrics import metrics_to_use
from dataworkspaces.kits.scikit_learn.parameters import readable
from dataworkspaces.kits.scikit_learn.record import Data

_CURVES = {
    "loss_curve_": "training_loss",
    "validation_scores_": "validation_score",
    "train_score_": "training_score",
    "validation_score_": "validation_score",
    "scores_": "lower_bound",
}
"""By attribute of an estimator that trains in iterations, what it tells of each of them."""


def describe_fit(
    session: Session, record: ModelRecord, model: Any, data: Data, names: tuple[str | None, str | None]
) -> None:
    """The model's signature, its packages and the model itself, its curves and importances, the result of a search."""
    record.data("fit", describe_samples({"X": names[0], "y": names[1]}, data.X, data.y))
    record.detail("signature", {"inputs": describe_data(data.X), "outputs": _outputs(model, data)})
    record.example(data.X)
    _describe_model(record, model)
    _describe_importances(session, record, model)
    for name in _found_curves(model):
        record.detail("curves", {**record.details.get("curves", {}), _course(model, name): list(getattr(model, name))})
    _tell_iterations(record, model)
    if isinstance(model, BaseSearchCV) or hasattr(model, "cv_results_"):
        _describe_search(record, model)


def describe_training(session: Session, record: ModelRecord, model: Any, data: Data) -> None:
    """How well the model does on what it was trained with, with curves."""
    if not session.options.training_metrics or data.X is None:
        return
    if data.y is None:
        _describe_clusters(record, model, data)
        return
    kind = metrics_to_use(None, model, data.y)
    if kind is None:
        return
    scored = Scored(model, data.X, data.y, model.predict(data.X), data.sample_weight)
    found = kind.of_predictor(model, data.X, data.y, scored.predicted, data.sample_weight).to_dict()
    for name, value in {**found, **_of_classes(model, scored)}.items():
        record.metric(f"training_{name}", value, data="fit")
    if hasattr(model, "score"):
        record.metric("training_score", model.score(data.X, data.y), data="fit")
    record.detail("curves", {**record.details.get("curves", {}), **dict(_curves(model, scored))})
    if session.options.pictures and find_spec("matplotlib") is not None:
        record.at_end(lambda: _draw(record, scored))


def describe_cross_validation(
    record: ModelRecord, name: str, result: Any, data: Data, names: tuple[str | None, str | None]
) -> None:
    record.data("fit", describe_samples({"X": names[0], "y": names[1]}, data.X, data.y))
    record.detail("signature", {"inputs": describe_data(data.X)})
    scores = result if isinstance(result, Mapping) else {"test_score": result} if name == "cross_val_score" else {}
    for key, values in scores.items():
        if getattr(values, "dtype", None) is not None and np.ndim(values) == 1:
            record.metric(f"mean_{key}", float(np.mean(values)))
            record.metric(f"std_{key}", float(np.std(values)))
            record.detail("folds", {**record.details.get("folds", {}), key: values})
    if isinstance(result, tuple):  # a curve
        record.detail("curves", {name: [np.asarray(part).tolist() for part in result if hasattr(part, "shape")]})


# -- the model -------------------------------------------------------------------------------------------------------


def _describe_model(record: ModelRecord, model: Any) -> None:
    from sklearn.utils import estimator_html_repr

    def save(path: Path) -> None:
        import joblib

        joblib.dump(model, path)

    record.model(model, "model.joblib", save, ["sklearn", "numpy", "scipy", "joblib", *_modules(model)])
    html = estimator_html_repr(model)
    record.file("estimator.html", lambda path: path.write_text(html, encoding="utf-8"))


def _modules(model: Any) -> Iterator[str]:
    """Of the classes of the model, and of those in it."""
    parts = model.get_params(deep=True).values() if hasattr(model, "get_params") else ()
    for part in (model, *parts):
        if hasattr(part, "fit"):
            yield from (cls.__module__ for cls in type(part).__mro__)


def _outputs(model: Any, data: Data) -> Any:
    if hasattr(model, "classes_") and np.ndim(model.classes_) == 1:
        classes = np.asarray(model.classes_)
        return {"type": str(classes.dtype), "shape": [None], "classes": classes[:100]}
    return describe_data(data.y)


def _features(model: Any, number: int) -> list[str]:
    names = getattr(model, "feature_names_in_", None)
    return [str(n) for n in names] if names is not None and len(names) == number else [f"x{i}" for i in range(number)]


def _describe_importances(session: Session, record: ModelRecord, model: Any) -> None:
    """Of a linear model, the size of its coefficients."""
    last = model[-1] if hasattr(model, "steps") else getattr(model, "best_estimator_", model)
    kind = "importance"
    values: Any = getattr(last, "feature_importances_", None)
    if values is None:
        kind = "coefficient"
        coefficients: Any = getattr(last, "coef_", None)
        if not hasattr(coefficients, "shape"):
            return
        values = np.abs(np.atleast_2d(coefficients)).mean(axis=0)
    values = np.ravel(values)
    names = _features(last, len(values))
    tell_importances(session, record, {kind: {n: float(v) for n, v in zip(names, values, strict=True)}})


def _found_curves(model: Any) -> list[str]:
    found: dict[str, Any] = {name: getattr(model, name, None) for name in _CURVES}
    return [name for name, values in found.items() if values is not None and np.ndim(values) == 1 and len(values) > 1]


def _course(model: Any, attribute: str) -> str:
    """What a curve is called: gradient boosting calls its loss a score."""
    is_loss = attribute == "train_score_" and isinstance(model, BaseGradientBoosting)
    return "training_loss" if is_loss else _CURVES[attribute]


def _tell_iterations(record: ModelRecord, model: Any) -> None:
    """Those of a training that says afterwards what each of them was like."""
    curves = {_course(model, name): list(getattr(model, name)) for name in _found_curves(model)}
    count = max(map(len, curves.values()), default=0)
    record.epochs_before([{name: v[i] for name, v in curves.items() if i < len(v)} for i in range(count)])
    if curves:
        record.note({"iterations": count})


def _describe_search(record: ModelRecord, model: Any) -> None:
    """The best candidate, and each of them."""
    found = model.cv_results_
    for name in ("best_score_", "refit_time_"):
        if hasattr(model, name):
            record.metric({"best_score_": "best_cv_score"}.get(name, "refit_time"), float(getattr(model, name)))
    if hasattr(model, "best_params_"):
        record.note({f"best_{name}": readable(value) for name, value in model.best_params_.items()})
    candidates = [
        {
            "parameters": {key: readable(value) for key, value in parameters.items()},
            **{key: values[i] for key, values in found.items() if not key.startswith("param")},
        }
        for i, parameters in enumerate(found.get("params", ()))
    ]
    record.detail("candidates", candidates)
    table = FILES["cv_results"].make(Scored(model, None, None, None))
    if table is not None:
        record.file("cv_results.csv", table)


# -- on what it was trained with -------------------------------------------------------------------------------------


def _describe_clusters(record: ModelRecord, model: Any, data: Data) -> None:
    if hasattr(model, "inertia_"):
        record.metric("training_inertia", float(model.inertia_))
    if hasattr(model, "score"):
        record.metric("training_score", model.score(data.X), data="fit")


def _of_classes(model: Any, scored: Scored) -> dict[str, Any]:
    """Averages over classes, and the loss of probabilities, which the metrics of the kit lack."""
    if not hasattr(model, "classes_") or np.ndim(scored.expected) != 1:
        return {}
    options = {"average": "weighted", "zero_division": 0.0, "sample_weight": scored.sample_weight}
    found = {
        "precision_weighted": sk.precision_score(scored.expected, scored.predicted, **options),
        "recall_weighted": sk.recall_score(scored.expected, scored.predicted, **options),
        "f1_score_weighted": sk.f1_score(scored.expected, scored.predicted, **options),
    }
    if hasattr(model, "predict_proba"):
        probabilities = model.predict_proba(scored.X)
        found["log_loss"] = sk.log_loss(scored.expected, probabilities, labels=model.classes_)
        if len(model.classes_) > 2:
            found["roc_auc_score"] = sk.roc_auc_score(
                scored.expected, probabilities, average="weighted", multi_class="ovo", labels=model.classes_
            )
    return found


def _curves(model: Any, scored: Scored) -> Iterator[tuple[str, Any]]:
    if not hasattr(model, "classes_") or np.ndim(scored.expected) != 1:
        return
    yield "training_confusion_matrix", sk.confusion_matrix(scored.expected, scored.predicted, labels=model.classes_)
    if len(model.classes_) != 2:
        return
    scores = model.decision_function(scored.X) if hasattr(model, "decision_function") else None
    if scores is None and hasattr(model, "predict_proba"):
        scores = model.predict_proba(scored.X)[:, 1]
    if scores is not None:
        actual = np.asarray(scored.expected) == model.classes_[1]
        yield "training_roc", dict(zip(("fpr", "tpr"), map(_thin, sk.roc_curve(actual, scores)[:2]), strict=True))
        curve = sk.precision_recall_curve(actual, scores)[:2]
        yield "training_precision_recall", dict(zip(("precision", "recall"), map(_thin, curve), strict=True))


def _thin(values: Any) -> Any:
    """At most so many points of a curve."""
    return values if len(values) <= 200 else values[np.linspace(0, len(values) - 1, 200).astype(int)]


def _draw(record: ModelRecord, scored: Scored) -> None:
    for name in ("confusion_matrix", "roc_curve", "precision_recall_curve", "predicted_against_actual"):
        write = FILES[name].make(scored)
        if write is not None:
            record.file(f"training_{name}.png", write)
