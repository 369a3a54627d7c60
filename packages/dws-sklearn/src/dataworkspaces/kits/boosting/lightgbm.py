"""LightGBM, as autolog sees it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dataworkspaces.kit_support.autolog import ModelRecord, Session, describe_data
from dataworkspaces.kit_support.autolog.samples import example_of, hash_of
from dataworkspaces.kits.boosting.shared import Library


def install(session: Session) -> None:
    """Begin to watch LightGBM, which has been imported."""
    import lightgbm

    LightGBM(session).watch(lightgbm)


class LightGBM(Library):
    name = "lightgbm"
    data = "train_set"
    not_settings = ("valid_sets", "folds")
    file = "model.txt"
    output_type = "float64"

    def rounds(self, record: ModelRecord) -> Any:
        def tell(env: Any) -> None:
            record.epoch({f"{found[0]}-{found[1]}": found[2] for found in env.evaluation_result_list or ()})

        tell.order = 25  # type: ignore[attr-defined] # before that which may stop the training
        return tell

    def look(self, data: Any) -> dict[str, Any]:
        raw = data.data  # which a training frees
        if not hasattr(raw, "shape"):  # a file, say
            return {}
        found: dict[str, Any] = {"signature": describe_data(raw)} if hasattr(raw, "columns") else {}
        if self.session.options.input_examples:
            found["example"] = example_of(raw)
        hashed = hash_of(raw, data.label)
        return found if hashed is None else {**found, "hash": hashed}

    def validation(self, arguments: Mapping[str, Any]) -> list[tuple[str, Any]]:
        given = arguments.get("valid_sets") or ()
        sets = list(given) if isinstance(given, (list, tuple)) else [given]
        names = arguments.get("valid_names") or ()
        names = [names] if isinstance(names, str) else list(names)
        train = arguments[self.data]
        return [
            (names[i] if i < len(names) else "training" if data is train else f"valid_{i}", data)
            for i, data in enumerate(sets)
        ]

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
            record.note({"best_iteration": booster.best_iteration, "stopped_iteration": record.epochs})
            for data, metrics in booster.best_score.items():
                for metric, value in metrics.items():
                    record.metric(f"best_{data}-{metric}", value)

    def table(self, result: Any) -> Mapping[str, Sequence[Any]]:
        return {key: values for key, values in result.items() if key != "cvbooster"}
