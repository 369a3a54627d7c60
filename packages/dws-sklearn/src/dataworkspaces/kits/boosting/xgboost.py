"""XGBoost, as autolog sees it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dataworkspaces.kit_support.autolog import ModelRecord, Session
from dataworkspaces.kits.boosting.shared import Library


def install(session: Session) -> None:
    """Begin to watch XGBoost, which has been imported."""
    import xgboost

    XGBoost(session).watch(xgboost)


class XGBoost(Library):
    name = "xgboost"
    data = "dtrain"
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
            record.note({"best_iteration": booster.best_iteration})
            record.metric("best_score", booster.best_score)

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
