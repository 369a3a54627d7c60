"""Files beside ``results.json`` that data scientists look at: pictures of predictions, and the table of a search."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from sklearn import metrics as sk
from sklearn.base import is_classifier
from sklearn.model_selection._search import BaseSearchCV

from dataworkspaces.errors import ApiParamError
from dataworkspaces.kit_support.result_files import save_result_file
from dataworkspaces.kit_support.spared import spared
from dataworkspaces.lineage import ResultsLineage
from dataworkspaces.workspace import ResourceRef

Names = str | Sequence[str] | None
"""Names of :data:`FILES`, or ``all`` for those that fit the predictor."""


class Scored(NamedTuple):
    """A predictor and what it was scored by."""

    predictor: Any
    X: Any
    expected: Any
    predicted: Any
    sample_weight: Any = None


def check_names(names: Names) -> tuple[str, ...]:
    """The files that a user asks for. Raises ApiParamError for one that is not known, or if it cannot be drawn here."""
    wanted = tuple(FILES) if names == "all" else (names,) if isinstance(names, str) else tuple(names or ())
    unknown = [name for name in wanted if name not in FILES]
    if unknown:
        raise ApiParamError(f"There is no extra file '{unknown[0]}'", hint=f"Choose all, or any of: {', '.join(FILES)}")
    if any(FILES[name].suffix == ".png" for name in wanted) and find_spec("matplotlib") is None:
        raise ApiParamError(
            "Pictures beside the results need Matplotlib, which is not installed",
            hint="Install it with: pip install 'dws-sklearn[plots]'",
        )
    return wanted


def check_files(names: Names, predictor: Any) -> None:
    """Raise ApiParamError for a file that is not known, or that an estimator cannot have: before it is trained.

    Of an object that is not an estimator of scikit-learn nothing is known by then."""
    if names == "all":
        check_names(names)
    elif hasattr(predictor, "__sklearn_tags__"):
        for name in check_names(names):
            if not FILES[name].may_have(predictor):
                raise _no_such_file(name, predictor)


def _no_such_file(name: str, predictor: Any) -> ApiParamError:
    return ApiParamError(
        f"There is no {name} for {type(predictor).__name__}: {FILES[name].needs}",
        hint="Omit it, or use 'all', which saves whatever applies",
    )


def save_extra_files(names: Names, scored: Scored, lineage: ResultsLineage, may_lack: bool) -> list[ResourceRef]:
    """Save the files beside the results of a step, and return where they are. One that cannot be made or stored is
    :func:`spared`.

    :param may_lack: say nothing of what does not fit the predictor."""
    saved = []
    for name in check_names(names):
        file = FILES[name]
        with spared(lineage, name + file.suffix):
            write = file.make(scored)
            if write is not None:
                saved.append(save_result_file(lineage.workspace, lineage.results_ref, name + file.suffix, write))
            elif not may_lack:
                raise _no_such_file(name, scored.predictor)
    return saved


# -- the files -------------------------------------------------------------------------------------------------------

_Write = Callable[[Path], object]


def _confusion_matrix(scored: Scored) -> _Write | None:
    if not _is_classification(scored) or np.ndim(scored.expected) > 1:
        return None
    labels = _labels(scored)
    matrix = sk.confusion_matrix(scored.expected, scored.predicted, labels=labels, sample_weight=scored.sample_weight)

    def draw(axes: Any) -> None:
        axes.imshow(matrix, cmap="Blues")
        middle = matrix.max() / 2
        if len(labels) <= 30:
            for (row, column), value in np.ndenumerate(matrix):
                color = "white" if value > middle else "black"
                axes.text(column, row, f"{value:g}", ha="center", va="center", color=color)
        axes.set_xticks(range(len(labels)), labels, rotation=45 if len(labels) > 10 else 0)
        axes.set_yticks(range(len(labels)), labels)
        axes.set(xlabel="predicted", ylabel="actual", title="Confusion matrix")

    return picture(draw)


def _scores_by_class(scored: Scored) -> list[tuple[Any, Any]] | None:
    """Of two classes the second one, of more each, with the scores of all samples; None where there are none."""
    scores = None if np.ndim(scored.expected) > 1 else _class_scores(scored)
    if scores is None:
        return None
    classes = scored.predictor.classes_
    return [(classes[1], scores)] if scores.ndim == 1 else list(zip(classes, scores.T, strict=True))


def _roc_curve(scored: Scored) -> _Write | None:
    """One curve for two classes; for more, one a class against all others."""
    shown = _scores_by_class(scored)
    if shown is None:
        return None

    def draw(axes: Any) -> None:
        for label, values in shown:
            actual = np.ravel(scored.expected) == label
            if actual.all() or not actual.any():
                continue
            false, true, _ = sk.roc_curve(actual, values, sample_weight=scored.sample_weight)
            axes.plot(false, true, label=f"{label} (area {sk.auc(false, true):.3f})")
        axes.plot([0, 1], [0, 1], linestyle="--", color="grey", linewidth=1)
        axes.set(xlabel="false positive rate", ylabel="true positive rate", title="ROC")
        if len(shown) <= 20:
            axes.legend(loc="lower right")

    return picture(draw)


def _precision_recall_curve(scored: Scored) -> _Write | None:
    """As for ROC."""
    shown = _scores_by_class(scored)
    if shown is None:
        return None

    def draw(axes: Any) -> None:
        for label, values in shown:
            actual = np.ravel(scored.expected) == label
            if not actual.any():
                continue
            precision, recall, _ = sk.precision_recall_curve(actual, values, sample_weight=scored.sample_weight)
            area = sk.average_precision_score(actual, values, sample_weight=scored.sample_weight)
            axes.plot(recall, precision, drawstyle="steps-post", label=f"{label} (average {area:.3f})")
        axes.set(xlabel="recall", ylabel="precision", title="Precision and recall")
        if len(shown) <= 20:
            axes.legend(loc="lower left")

    return picture(draw)


def _predicted_against_actual(scored: Scored) -> _Write | None:
    if _is_classification(scored):
        return None
    expected, predicted = (np.asarray(values, dtype=float) for values in (scored.expected, scored.predicted))

    def draw(axes: Any) -> None:
        axes.scatter(expected, predicted, s=12, alpha=0.6)
        ends = [min(expected.min(), predicted.min()), max(expected.max(), predicted.max())]
        axes.plot(ends, ends, linestyle="--", color="grey", linewidth=1)
        axes.set(xlabel="actual", ylabel="predicted", title="Predicted against actual")

    return picture(draw)


def _cv_results(scored: Scored) -> _Write | None:
    """The table of a search: a row for each candidate, the best one first."""
    found = getattr(scored.predictor, "cv_results_", None)
    if found is None:
        return None

    def write(path: Path) -> None:
        import pandas as pd

        table = pd.DataFrame({name: values for name, values in found.items() if name != "params"})
        rank = next((name for name in table.columns if str(name).startswith("rank_test_")), None)
        if rank is not None:
            table = table.sort_values(rank, kind="stable")
        table.to_csv(path, index=False)

    return write


def _may_say_how_sure(predictor: Any) -> bool:
    return is_classifier(predictor) and any(hasattr(predictor, n) for n in ("decision_function", "predict_proba"))


def _may_predict_numbers(predictor: Any) -> bool:
    return hasattr(predictor, "predict") and not is_classifier(predictor)


def _may_search(predictor: Any) -> bool:
    """Searches of others have no class in common, but what they divide data by, or they are fitted."""
    return isinstance(predictor, BaseSearchCV) or hasattr(predictor, "cv_results_") or hasattr(predictor, "cv")


class _File(NamedTuple):
    suffix: str
    make: Callable[[Scored], _Write | None]
    may_have: Callable[[Any], bool]
    needs: str


FILES = {
    "confusion_matrix": _File(".png", _confusion_matrix, is_classifier, "it is not a classifier"),
    "roc_curve": _File(".png", _roc_curve, _may_say_how_sure, "it does not give class probabilities or scores"),
    "precision_recall_curve": _File(
        ".png", _precision_recall_curve, _may_say_how_sure, "it does not give class probabilities or scores"
    ),
    "predicted_against_actual": _File(
        ".png", _predicted_against_actual, _may_predict_numbers, "it predicts no numbers"
    ),
    "cv_results": _File(".csv", _cv_results, _may_search, "it is not a search"),
}
"""By name, what can stand beside ``results.json``."""


def picture(draw: Callable[[Any], None]) -> _Write:
    """A picture that is drawn to its axes."""

    def write(path: Path) -> None:
        # Not pyplot: it keeps a state for the process, and may want a screen.
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        figure = Figure(figsize=(6.4, 5.6), layout="constrained")
        FigureCanvasAgg(figure)
        draw(figure.subplots())
        figure.savefig(path, format="png", dpi=100, metadata={"Software": None})  # equal data, equal bytes

    return write


def _is_classification(scored: Scored) -> bool:
    return hasattr(scored.predictor, "classes_")


def _labels(scored: Scored) -> Any:
    found = np.unique(np.concatenate([np.ravel(scored.expected), np.ravel(scored.predicted)]))
    return np.union1d(found, scored.predictor.classes_)


def _class_scores(scored: Scored) -> Any:
    """Of two classes how sure the predictor is of the second, else of each; None if it does not say."""
    predictor = scored.predictor
    if not hasattr(predictor, "classes_"):
        return None
    two = len(predictor.classes_) == 2
    if hasattr(predictor, "decision_function"):
        scores = np.asarray(predictor.decision_function(scored.X))
        if scores.ndim == 1 if two else scores.shape[1:] == (len(predictor.classes_),):
            return scores
    if hasattr(predictor, "predict_proba"):
        scores = np.asarray(predictor.predict_proba(scored.X))
        return scores[:, 1] if two else scores
    return None
