"""The end of a step: predict, compute metrics, write results."""

from __future__ import annotations

from dataworkspaces.kit_support.step import InputHashes, recorded
from dataworkspaces.kits.scikit_learn.extra_files import Names, Scored, save_extra_files
from dataworkspaces.kits.scikit_learn.metrics import Metrics
from dataworkspaces.kits.scikit_learn.parameters import readable
from dataworkspaces.lineage import ResultsLineage
from dataworkspaces.plain_text import escape
from dataworkspaces.workspace import ResourceRef


def score_and_record(
    lineage: ResultsLineage,
    input_ref: ResourceRef,
    hashes: InputHashes,
    metrics_class: type[Metrics],
    scored: Scored,
    files: Names,
) -> Metrics:
    """Write ``results.json`` and the extra files, and end the step. Returns the metrics.

    :param scored: a fitted predictor, and samples whose predictions are known."""
    predictor = scored.predictor
    hashes.read(lineage, input_ref, "score", scored.X, scored.expected)
    metrics = metrics_class.of_predictor(predictor, scored.X, scored.expected, scored.predicted, scored.sample_weight)
    if hasattr(predictor, "best_params_"):
        lineage.add_param("best_params_", readable(predictor.best_params_))
    with recorded(lineage):
        save_extra_files(files, scored, lineage, may_lack=files == "all")
        where = lineage.write_results(metrics.to_dict())
    print(f"Wrote results to {escape(where)}")
    return metrics
