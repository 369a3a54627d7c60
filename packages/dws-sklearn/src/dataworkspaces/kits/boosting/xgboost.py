"""XGBoost, as autolog sees it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from dataworkspaces.kit_support.autolog import ModelRecord, Session
from dataworkspaces.kit_support.autolog.samples import MOST_HASHED, example_of, hash_of
from dataworkspaces.kits.boosting.shared import Library
from dataworkspaces.toolbox.logs import log


def install(session: Session) -> None:
    """Begin to watch XGBoost, which has been imported."""
    import xgboost

    XGBoost(session).watch(xgboost)


class XGBoost(Library):
    name = "xgboost"
    data = "dtrain"
    not_settings = ("evals", "evals_result", "folds")
    file = "model.ubj"
    output_type = "float32"

    def rounds(self, record: ModelRecord) -> Any:
        from xgboost.callback import TrainingCallback

        class Rounds(TrainingCallback):  # type: ignore[misc]
            """Tells of each round its metrics."""

            def after_iteration(self, model: Any, epoch: int, evals_log: Mapping[str, Mapping[str, Any]]) -> bool:
                record.epoch(_last_of(evals_log))
                return False

        return Rounds()

    def look(self, data: Any) -> dict[str, Any]:
        if data.num_nonmissing() > MOST_HASHED:
            return {}
        try:
            matrix = data.get_data()
        except Exception as e:  # of data in external memory, or on a GPU
            log.info("autolog: data of XGBoost have no hash: %s", e)
            return {}
        found: dict[str, Any] = {"hash": hash_of(matrix, data.get_label())}
        return {**found, "example": example_of(matrix)} if self.session.options.input_examples else found

    def validation(self, arguments: Mapping[str, Any]) -> list[tuple[str, Any]]:
        return [(str(name), data) for data, name in arguments.get("evals") or ()]

    def samples(self, data: Any) -> int:
        return int(data.num_row())

    def columns(self, data: Any, booster: Any) -> list[dict[str, Any]]:
        names = data.feature_names or [f"f{i}" for i in range(data.num_col())]
        types = data.feature_types or ["float"] * len(names)
        return [{"name": n, "type": t} for n, t in zip(names, types, strict=False)]

    def importances(self, booster: Any) -> dict[str, dict[str, float]]:
        return {kind: booster.get_score(importance_type=kind) for kind in ("weight", "gain", "cover")}

    def tell_best(self, record: ModelRecord, booster: Any) -> None:
        record.note({"boosted_rounds": booster.num_boosted_rounds()})
        if booster.attr("best_iteration") is not None:
            # Counted from 0, as XGBoost does; a model that was trained before counts on.
            best, before = int(booster.best_iteration), max(0, booster.num_boosted_rounds() - record.epochs)
            record.note({"best_iteration": best, "stopped_iteration": before + record.epochs - 1})
            record.metric("best_score", booster.best_score)
            found = record.metrics_of_epoch(best - before + 1)
            if any(math.isclose(value, booster.best_score) for value in found.values()):
                for name, value in found.items():
                    record.metric(f"best_{name}", value)

    def table(self, result: Any) -> Mapping[str, Sequence[Any]]:
        found: Mapping[str, Sequence[Any]] = result if isinstance(result, Mapping) else result.to_dict("list")
        return found


def _last_of(history: Mapping[str, Mapping[str, Sequence[Any]]]) -> dict[str, Any]:
    """By ``DATA-METRIC`` the value after the last round."""
    return {
        f"{data}-{metric}": values[-1]
        for data, metrics in history.items()
        for metric, values in metrics.items()
        if values
    }
