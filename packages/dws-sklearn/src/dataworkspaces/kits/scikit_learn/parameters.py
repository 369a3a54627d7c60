"""The parameters of an estimator as they stand in results and lineage."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sklearn.base import BaseEstimator

from dataworkspaces.lineage import jsonable


def parameters_of(estimator: Any) -> dict[str, Any]:
    """The parameters of an estimator and of those in it (``STEP__NAME``), sorted as scikit-learn has them, as JSON.

    An estimator among them is the call that makes it (``SVC(gamma=0.001)``), a function or class its name. Of an object
    without ``get_params`` nothing is known."""
    if not hasattr(estimator, "get_params"):
        return {}
    return {name: readable(value) for name, value in estimator.get_params(deep=True).items()}


def readable(value: Any) -> Any:
    """JSON that tells a person what a parameter is."""
    if isinstance(value, type):
        return jsonable(value)
    if isinstance(value, BaseEstimator):
        # A repr that is cut off in the middle would say less than it seems to.
        return " ".join(value.__repr__(N_CHAR_MAX=1_000_000).split())
    if hasattr(value, "dist") and hasattr(value, "args") and hasattr(value, "kwds"):
        # A distribution of scipy, to search in; its repr says nothing but its address.
        arguments = [repr(a) for a in value.args] + [f"{k}={v!r}" for k, v in value.kwds.items()]
        return f"{value.dist.name}({', '.join(arguments)})"
    if isinstance(value, Mapping):
        return {str(key): readable(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [readable(item) for item in value]
    return jsonable(value)
