"""LightGBM, as autolog sees it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dataworkspaces.kit_support.autolog import ModelRecord, Session
from dataworkspaces.kits.boosting.shared import Library


def install(session: Session) -> None:
    """Begin to watch LightGBM, which has been imported."""
    import lightgbm

    LightGBM(session).watch(lightgbm)


class LightGBM(Library):
    name = "lightgbm"
    data = "train_set"
    file = "model.txt"
    output_type = "float64"

    def rounds(self, record: ModelRecord) -> Any:
        def tell(env: Any) -> None:
            record.epoch({f"{found[0]}-{found[1]}": found[2] for found in env.evaluation_result_list or ()})

        tell.order = 25  # type: ignore[attr-defined] # before that which may stop the training
        return tell

    def samples(self, data: Any) -> int:
        return int(data.num_data())

    def columns(self, data: Any, booster: Any) -> list[dict[str, Any]]:
        return [{"name": name, "type": "float"} for name in booster.feature_name()]

    def importances(self, booster: Any) -> dict[str, dict[str, float]]:
        names = booster.feature_name()
        return {
            kind: {n: float(v) for n, v in zip(names, booster.feature_importance(kind), strict=True)}
            for kind in ("split", "gain")
        }

    def tell_best(self, record: ModelRecord, booster: Any) -> None:
        record.note({"boosted_rounds": booster.current_iteration()})
        if booster.best_iteration > 0:
            record.note({"best_iteration": booster.best_iteration})
            for data, metrics in booster.best_score.items():
                for metric, value in metrics.items():
                    record.metric(f"best_{data}-{metric}", value)

    def table(self, result: Any) -> Mapping[str, Sequence[Any]]:
        return {key: values for key, values in result.items() if key != "cvbooster"}
