"""A whole experiment in one call: search for parameters, train, evaluate, record."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from typing import Any, NamedTuple

import numpy as np
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.utils import Bunch

from dataworkspaces.errors import ApiParamError
from dataworkspaces.kit_support.places import Place, find_input, find_results, open_workspace
from dataworkspaces.kit_support.spared import begin_unless_it_fails, spared, spared_record
from dataworkspaces.kit_support.step import InputHashes, begin_step, dropped_on_error, find_running, recorded
from dataworkspaces.kits.scikit_learn.extra_files import Names, Scored, check_files, save_extra_files
from dataworkspaces.kits.scikit_learn.metrics import Metrics, find_metrics_class
from dataworkspaces.kits.scikit_learn.parameters import parameters_of, readable
from dataworkspaces.kits.scikit_learn.saved_model import check_model_file, save_model
from dataworkspaces.lineage import ResultsLineage
from dataworkspaces.plain_text import escape

ParamGrid = Mapping[str, Sequence[Any]] | Sequence[Mapping[str, Sequence[Any]]]


class CvOutcome(NamedTuple):
    """What :func:`train_and_predict_with_cv` found."""

    search: GridSearchCV
    """The search, fitted: it predicts with the best classifier."""
    metrics: Metrics
    """Of its predictions for the samples that were held out."""


def train_and_predict_with_cv(
    classifier_class: Any,
    param_grid: ParamGrid,
    dataset: Bunch,
    results_dir: Place,
    test_size: float = 0.2,
    folds: int = 5,
    cv_scoring: Any = "accuracy",
    model_name: str | None = None,
    random_state: int | None = None,
    run_description: str | None = None,
    *,
    metrics: str | type[Metrics] | None = None,
    workspace_dir: str | os.PathLike[str] | None = None,
    verbose: bool = False,
    extra_files: Names = None,
) -> CvOutcome:
    """Find good parameters for a classifier by cross validation, train it with them, and evaluate it.

    Part of the data is held out. On the rest a grid of parameters is searched, and the classifier is trained with the
    best ones; metrics are those of its predictions for the part that was held out. They are printed, and
    written to ``results.json`` together with the settings, the best parameters and all others of the classifier.

    The positional arguments are those of release 1.6, whose manual names this function without them.

    :param classifier_class: a classifier's class, or a classifier (a pipeline, say), which is cloned.
    :param param_grid: values to try, by the name of a parameter, or a list of such grids; as GridSearchCV takes it.
    :param dataset: ``data`` of shape (n_samples, n_features), ``target`` of shape (n_samples,), and ``resource``, where
        they come from; as :func:`load_dataset_from_resource` returns it.
    :param results_dir: where results go: a results resource's name, a local path in one, or a ResourceRef.
    :param test_size: the fraction (or, as an int, the number) of samples to hold out. Classes are not balanced.
    :param folds: into how many parts the rest is divided to compare parameters.
    :param cv_scoring: what parameters are compared by, as scikit-learn's ``scoring``.
    :param model_name: save the trained classifier as ``MODEL_NAME.pkl``, which joblib can load; see
        ``model_save_file`` of :class:`LineagePredictor` for the file beside it.
    :param random_state: the seed for choosing what to hold out, and for the classifier, if it takes one and has none.
    :param run_description: a note for people, in ``results.json``.
    :param metrics: as for LineagePredictor; if None, binary or multiclass, by the number of classes in the targets.
    :param extra_files: as for LineagePredictor.

    Raises ApiParamError and ConfigurationError for arguments that fit neither each other nor the workspace, and the
    errors of scikit-learn for the rest.
    """
    classifier = _make_classifier(classifier_class, random_state)
    missing = [name for name in ("data", "target", "resource") if name not in dataset]
    if missing:
        raise ApiParamError(
            f"The dataset lacks {' and '.join(missing)}", hint="load_dataset_from_resource() returns what is needed"
        )
    if metrics is None:
        metrics = "binary_classification" if len(np.unique(dataset.target)) <= 2 else "multiclass_classification"
    metrics_class = find_metrics_class(metrics)
    model_file = None if model_name is None else check_model_file(f"{model_name}.pkl")
    check_files(extra_files, GridSearchCV(classifier, {}))
    workspace = open_workspace(workspace_dir, verbose)
    input_ref = find_input(workspace, dataset.resource)
    results_ref = find_results(workspace, results_dir)

    settings = {
        "classifier": type(classifier).__name__,
        "test_size": test_size,
        "folds": folds,
        "cv_params": readable(param_grid),
        "cv_scoring": readable(cv_scoring),
        "random_state": random_state,
    }

    def begin(_: None) -> ResultsLineage:
        lineage = begin_step(
            workspace, find_running(), settings["classifier"], input_ref, results_ref, settings, run_description
        )
        with dropped_on_error(lineage):
            InputHashes().read(lineage, input_ref, "all", dataset.data, dataset.target)
        return lineage

    lineage, _ = begin_unless_it_fails(lambda: None, begin)  # the places are found
    with nullcontext() if lineage is None else dropped_on_error(lineage):
        X_train, X_test, y_train, y_test = train_test_split(
            dataset.data, dataset.target, test_size=test_size, random_state=random_state
        )
        search = GridSearchCV(classifier, param_grid, cv=folds, scoring=cv_scoring).fit(X_train, y_train)
        scored = Scored(search, X_test, y_test, search.predict(X_test))
        found = metrics_class.of_predictor(search, X_test, y_test, scored.predicted)
    print(f"Best params were: {escape(search.best_params_)}")
    found.print_metrics()
    if lineage is None:
        return CvOutcome(search, found)

    with spared_record("This training"):
        with dropped_on_error(lineage):
            for name, value in parameters_of(search.best_estimator_).items():
                if name not in settings:
                    lineage.add_param(name, value)
        with recorded(lineage):
            if model_file is not None:
                with spared(lineage, model_file):
                    model = save_model(search.best_estimator_, workspace, results_ref, model_file)
                    print(f"Wrote trained model to {escape(model)}")
            save_extra_files(extra_files, scored, lineage, may_lack=extra_files == "all")
            where = lineage.write_results(found.to_dict())
        print(f"Wrote results to {escape(where)}")
    return CvOutcome(search, found)


def _make_classifier(class_or_instance: Any, random_state: int | None) -> Any:
    """A new classifier, with the seed if it takes one and has none."""
    classifier = class_or_instance() if isinstance(class_or_instance, type) else clone(class_or_instance)
    if random_state is not None and classifier.get_params().get("random_state", random_state) is None:
        classifier.set_params(random_state=random_state)
    return classifier
