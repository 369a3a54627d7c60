"""Which metrics are better when they are larger, and how a value stands to others."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterable
from typing import Any, Literal

__all__ = ["as_number", "larger_is_better", "ranks", "standing"]

_LARGER = (
    "_acc", "_accuracy", "_precision", "_recall", "_sensitivity", "_specificity", "_f1", "_f1_score", "_fbeta", "_auc",
    "_auroc", "_roc_auc", "_ap", "_map", "_average_precision", "_r2", "_r2_score", "_explained_variance", "_jaccard",
    "_iou", "_dice", "_bleu", "_rouge", "_ndcg", "_mcc", "_matthews_corrcoef", "_cohen_kappa", "_kappa", "_score",
    "_psnr", "_ssim",
)  # fmt: skip
_SMALLER = (
    "_loss", "_error", "_deviance", "_mse", "_rmse", "_mae", "_mape", "_smape", "_msle", "_rmsle", "_cost",
    "_perplexity", "_brier", "_wer", "_cer", "_fid", "_brier_score", "_brier_score_loss", "_logloss", "_crossentropy",
    "_cross_entropy", "_divergence", "_error_rate",
)  # fmt: skip
CLOSE = 0.01
"""How far from the baseline is still close to it, as a part of it."""

Standing = Literal["better", "close", "worse"]


def larger_is_better(name: str, maximize: Collection[str] = (), minimize: Collection[str] = ()) -> bool | None:
    """The direction of a metric: as the options say, else as its name does; None if neither does."""
    if name in maximize:
        return True
    if name in minimize:
        return False
    plain = f"_{re.sub(r'[^a-z0-9]+', '_', name.lower()).strip('_')}"
    if plain.endswith(_SMALLER):  # first: "brier_score" is a score that should be small
        return False
    return True if plain.endswith(_LARGER) else None


def as_number(value: Any) -> float | None:
    """A finite number, or None: for NaN, texts, booleans and what is missing."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    try:
        return float(value) if math.isfinite(value) else None
    except OverflowError:
        return None


def ranks(values: Iterable[Any], larger: bool) -> list[float | None]:
    """For each value from 0, the worst, to 1, the best; None for what is not a number. Equal values are in the "
    "middle."""
    numbers = [as_number(value) for value in values]
    known = [number for number in numbers if number is not None]
    if not known:
        return numbers
    low, high = min(known), max(known)
    # Halves: the difference of two floats may be too large for one.
    span = high / 2 - low / 2
    found = [None if n is None else 0.5 if span == 0 else (n / 2 - low / 2) / span for n in numbers]
    return found if larger else [None if part is None else 1 - part for part in found]


def standing(value: Any, baseline: Any, larger: bool) -> Standing | None:
    """How a value stands to that of the baseline; None if either is not a number."""
    number, base = as_number(value), as_number(baseline)
    if number is None or base is None:
        return None
    if math.isclose(number, base, rel_tol=CLOSE):
        return "close"
    return "better" if (number > base) == larger else "worse"
