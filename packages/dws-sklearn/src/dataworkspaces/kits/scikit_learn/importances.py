"""How important features are to a model, as autolog tells it: by kind of importance, the most important first."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any

from dataworkspaces.kit_support.autolog import ModelRecord, Session
from dataworkspaces.kits.scikit_learn.extra_files import picture

MOST_FEATURES = 1000
SHOWN_FEATURES = 20


def tell_importances(session: Session, record: ModelRecord, importances: Mapping[str, Mapping[str, float]]) -> None:
    """Tell them, and draw them when nothing more is expected.

    :param importances: by kind, then by feature."""
    found = {
        kind: dict(sorted(values.items(), key=lambda item: -item[1])[:MOST_FEATURES])
        for kind, values in importances.items()
        if values
    }
    if not found:
        return
    record.detail("feature_importances", {**record.details.get("feature_importances", {}), **found})
    if session.options.pictures and find_spec("matplotlib") is not None:
        record.at_end(lambda: _draw(record, found))


def _draw(record: ModelRecord, importances: Mapping[str, Mapping[str, float]]) -> None:
    for kind, values in importances.items():
        shown = dict(list(values.items())[:SHOWN_FEATURES])

        def bars(axes: Any, kind: str = kind, shown: dict[str, float] = shown) -> None:
            axes.barh(list(shown)[::-1], list(shown.values())[::-1])
            axes.set(xlabel=kind, title="Feature importances")

        record.file(f"feature_importances_{kind}.png", picture(bars))
