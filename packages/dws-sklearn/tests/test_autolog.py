"""What autolog records of scikit-learn, of a script that says nothing of it."""

from __future__ import annotations

import copy
import csv
import json
import pickle
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn import metrics
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.cluster import KMeans
from sklearn.datasets import make_classification
from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression, Ridge, SGDClassifier
from sklearn.metrics import accuracy_score, confusion_matrix, f1_score, make_scorer, roc_auc_score
from sklearn.model_selection import GridSearchCV, cross_val_score, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from training_troubles import no_end_and_no_abort, no_results_directory, no_workspace

from dataworkspaces.kit_support.autolog import Session
from dataworkspaces.kit_support.autolog import record as autolog_record
from dataworkspaces.kit_support.data_hash import hash_of_inputs
from dataworkspaces.kits import autolog
from dataworkspaces.kits.scikit_learn import lineage_for
from dataworkspaces.lineage.live import live_runs

pytestmark = pytest.mark.slow

X, y = make_classification(n_samples=80, n_features=4, random_state=0)
X_train, X_test, y_train, y_test = X[:60], X[60:], y[:60], y[60:]


@pytest.fixture
def session(workspace: Any) -> Iterator[Session]:
    begun = autolog(pictures=False, save_models=False)
    yield begun
    autolog(disable=True)


class Left:
    """What is in the results, once all is saved."""

    def __init__(self, workspace: Any, session: Session) -> None:
        session.save(at_end=True)
        self.directory = workspace.root / "results"
        self.results = workspace.read_results() if (self.directory / "results.json").exists() else {}
        self.details = self._json("autolog.json")
        self.history = self._json("metrics_history.json")

    def _json(self, name: str) -> dict[str, Any]:
        path = self.directory / name
        return json.loads(path.read_text()) if path.exists() else {}

    @property
    def metrics(self) -> dict[str, Any]:
        return dict(self.results["metrics"])

    @property
    def parameters(self) -> dict[str, Any]:
        return dict(self.results["parameters"])

    @property
    def names(self) -> set[str]:
        files = (path.relative_to(self.directory) for path in self.directory.rglob("*") if path.is_file())
        return {path.as_posix() for path in files}


@pytest.fixture
def left(workspace: Any, session: Session) -> Callable[[], Left]:
    return lambda: Left(workspace, session)


def test_a_training_and_what_is_measured_of_it(left: Callable[[], Left]) -> None:
    frame = pd.DataFrame(X_test, columns=list("abcd"))
    model = LogisticRegression(C=0.5).fit(pd.DataFrame(X_train, columns=list("abcd")), y_train)
    score = model.score(frame, y_test)
    f1 = f1_score(y_test, model.predict(frame))
    auc = roc_auc_score(y_test, model.predict_proba(frame)[:, 1])
    found = left()
    assert (found.parameters["estimator_name"], found.parameters["C"]) == ("LogisticRegression", 0.5)
    assert found.metrics["score_frame"] == score
    assert found.metrics["f1_score_frame"] == f1
    assert found.metrics["roc_auc_score_frame"] == auc
    assert found.metrics["training_accuracy"] == found.metrics["training_score"]
    assert {"training_log_loss", "training_roc_auc_score", "training_f1_score"} <= set(found.metrics)
    assert next(iter(found.metrics)) == "score_frame"  # before what was measured in training
    inputs = found.details["signature"]["inputs"]
    assert inputs["columns"] == [{"name": name, "type": "float64"} for name in "abcd"]
    assert found.details["signature"]["outputs"]["classes"] == [0, 1]
    assert found.details["packages"].keys() >= {"python", "scikit-learn", "numpy"}
    assert set(found.details["feature_importances"]["coefficient"]) == set("abcd")
    assert {"training_roc", "training_precision_recall", "training_confusion_matrix"} <= set(found.details["curves"])
    assert found.names >= {"results.json", "run.jsonl", "autolog.json", "estimator.html"}
    assert not any(name.startswith("runs/") for name in found.names)


def test_the_data_of_a_training_and_of_its_evaluation(left: Callable[[], Left]) -> None:
    weights = np.ones(60)
    model = LogisticRegression().fit(X_train, y_train, sample_weight=weights)
    f1_score(y_test, model.predict(X_test))
    f1_score(y_test, model.predict(X_test), average="macro")
    found = left()
    assert found.parameters["fit_sample_weight"] == {"type": "float64", "shape": [None]}
    fit = found.details["data"]["fit"]
    assert (fit["X"], fit["samples"], fit["hash"]) == ("X_train", 60, hash_of_inputs(X_train, y_train))
    (evaluated,) = found.details["data"]["evaluated"].values()
    assert (evaluated["samples"], evaluated["hash"]) == (20, hash_of_inputs(X_test, None))
    LogisticRegression().fit(X_train, y_train)
    assert left().parameters["fit_sample_weight"] is None


def test_of_many_evaluations_few_are_told(left: Callable[[], Left]) -> None:
    model = LogisticRegression().fit(X_train, y_train)
    for start in range(80 - 30):
        part = X[start : start + 30]
        accuracy_score(y[start : start + 30], model.predict(part))
    assert len(left().details["data"]["evaluated"]) == 20


def test_examples_of_the_input_are_told_if_the_user_says_so(workspace: Any) -> None:
    session = autolog(pictures=False, save_models=False, input_examples=True)
    LogisticRegression().fit(pd.DataFrame(X_train, columns=list("abcd")), y_train)
    example = Left(workspace, session).details["input_example"]
    autolog(disable=True)
    assert example["b"] == list(X_train[:5, 1])


def test_functions_that_were_imported_before_and_after_are_seen(left: Callable[[], Left]) -> None:
    model = LogisticRegression().fit(X_train, y_train)
    predicted = model.predict(X_test)
    value = accuracy_score(y_test, predicted)
    assert metrics.accuracy_score(y_test, predicted) == value
    macro = f1_score(y_test, predicted, average="macro")
    micro = f1_score(y_test, predicted, average="micro")
    confusion_matrix(y_test, predicted)
    found = left()
    assert found.metrics["accuracy_score_X_test"] == value
    assert "accuracy_score_X_test-2" not in found.metrics  # the same, called twice
    assert (found.metrics["f1_score_X_test"], found.metrics["f1_score_X_test-2"]) == (macro, micro)
    assert found.details["metrics"]["f1_score_X_test-2"]["arguments"] == {"average": "micro"}
    assert np.shape(found.details["confusion_matrix_X_test"]) == (2, 2)


def test_a_pipeline_is_one_training(left: Callable[[], Left], workspace: Any) -> None:
    make_pipeline(StandardScaler(), LogisticRegression(C=3.0)).fit(X_train, y_train)
    found = left()
    assert found.parameters["logisticregression__C"] == 3.0
    assert len(live_runs(workspace)) == 1


def test_what_data_were_prepared_with_is_told_of_the_model(left: Callable[[], Left], workspace: Any) -> None:
    scaled = StandardScaler(with_mean=False).fit_transform(X_train)
    LogisticRegression().fit(scaled, y_train)
    assert left().parameters["prepared_with"]["StandardScaler"]["with_mean"] is False
    assert len(live_runs(workspace)) == 1


def test_a_search_is_one_training_with_its_candidates(left: Callable[[], Left], workspace: Any) -> None:
    search = GridSearchCV(LogisticRegression(), {"C": [0.01, 1.0, 100.0]}, cv=3, n_jobs=2).fit(X_train, y_train)
    found = left()
    assert found.metrics["best_cv_score"] == search.best_score_
    assert found.parameters["best_C"] == search.best_params_["C"]
    candidates = found.details["candidates"]
    assert [candidate["parameters"] for candidate in candidates] == [{"C": 0.01}, {"C": 1.0}, {"C": 100.0}]
    assert max(candidate["mean_test_score"] for candidate in candidates) == search.best_score_
    with (found.directory / "cv_results.csv").open() as table:
        assert len(list(csv.DictReader(table))) == 3
    assert len(live_runs(workspace)) == 1


def test_a_cross_validation_is_one_training(left: Callable[[], Left], workspace: Any) -> None:
    scores = cross_val_score(LogisticRegression(C=7.0), X, y, cv=4)
    found = left()
    assert found.metrics["mean_test_score"] == pytest.approx(scores.mean())
    assert found.details["folds"]["test_score"] == list(scores)
    assert (found.parameters["C"], found.parameters["function"]) == (7.0, "cross_val_score")
    cross_validate(LogisticRegression(), X, y, cv=3)
    assert left().metrics.keys() >= {"mean_test_score", "mean_fit_time"}
    assert len(live_runs(workspace)) == 2


def test_iterations_are_epochs(left: Callable[[], Left]) -> None:
    model = GradientBoostingClassifier(n_estimators=6, random_state=0).fit(X_train, y_train)
    found = left()
    assert found.history["metrics"]["training_loss"] == list(model.train_score_)  # which is no score
    assert found.parameters["iterations"] == 6
    assert set(found.details["feature_importances"]["importance"]) == {"x0", "x1", "x2", "x3"}


def test_calls_of_partial_fit_are_one_training(left: Callable[[], Left], workspace: Any) -> None:
    model = SGDClassifier(random_state=0)
    for start in range(0, 60, 20):
        model.partial_fit(X_train[start : start + 20], y_train[start : start + 20], classes=[0, 1])
    (live,) = live_runs(workspace)
    assert len(live.epochs) == 3
    model.score(X_test, y_test)
    found = left()
    assert found.parameters["partial_fit_calls"] == 3
    assert "score_X_test" in found.metrics


def test_each_model_is_a_run(left: Callable[[], Left]) -> None:
    first = LogisticRegression().fit(X_train, y_train)
    second = RandomForestClassifier(3, random_state=0).fit(X_train, y_train)
    accuracy_score(y_test, first.predict(X_test))
    f1_score(y_test, second.predict(X_test))
    found = left()
    top = json.loads((found.directory / "results.json").read_text())
    (part,) = (found.directory / "runs").iterdir()
    aside = json.loads((part / "results.json").read_text())
    by_name = {each["parameters"]["estimator_name"]: each["metrics"] for each in (top, aside)}
    assert "accuracy_score_X_test" in by_name["LogisticRegression"]
    assert "f1_score_X_test" in by_name["RandomForestClassifier"]
    assert "f1_score_X_test" not in by_name["LogisticRegression"]


def test_other_kinds_of_models(left: Callable[[], Left]) -> None:
    Ridge().fit(X_train, X_train[:, 0])
    assert left().metrics.keys() >= {"training_score", "training_mean_squared_error", "training_mean_absolute_error"}
    model = KMeans(2, n_init=1, random_state=0).fit(X_train)
    assert left().metrics["training_inertia"] == model.inertia_


class Own(ClassifierMixin, BaseEstimator):
    """An estimator that a user wrote, before autolog began."""

    def __init__(self, answer: int = 0) -> None:
        self.answer = answer

    def fit(self, X: Any, y: Any) -> Own:
        if self.answer < 0:
            raise ValueError("no answer")
        self.classes_ = np.unique(y)
        return self

    def predict(self, X: Any) -> Any:
        return np.full(len(X), self.answer)


def test_estimators_of_users(left: Callable[[], Left]) -> None:
    Own(1).fit(X_train, y_train).score(X_test, y_test)
    found = left()
    assert found.parameters["answer"] == 1
    assert "score_X_test" in found.metrics

    class Later(Own):
        def fit(self, X: Any, y: Any) -> Later:
            super().fit(X, y)
            return self

    Later(1).fit(X_train, y_train)
    assert left().parameters["estimator_name"] == "Later"


def test_a_training_that_fails(workspace: Any, session: Session) -> None:
    with pytest.raises(ValueError, match="no answer"):
        Own(-1).fit(X_train, y_train)
    session.save(at_end=True)
    assert [run.status for run in live_runs(workspace)] in ([], ["failed"])
    LogisticRegression().fit(X_train, y_train)  # in nobody's way
    assert live_runs(workspace)[0].step is not None


def test_what_autolog_leaves_as_it_is(session: Session) -> None:
    model = LogisticRegression(C=2.0).fit(X_train, y_train)
    assert clone(model).get_params() == model.get_params()
    assert model.fit.__name__ == "fit"
    with pytest.raises(TypeError):
        model.fit()  # type: ignore[call-arg]
    with pytest.raises(AttributeError):
        make_pipeline(StandardScaler()).predict  # noqa: B018


def test_what_a_kit_records_is_recorded_once(workspace: Any, session: Session) -> None:
    model = LogisticRegression()
    with lineage_for(model):
        model.fit(X_train, y_train)
        model.score(X_test, y_test)
    assert "estimator_name" not in workspace.read_results()["parameters"]
    assert len(live_runs(workspace)) == 1


def test_disabled_it_records_nothing(workspace: Any, session: Session) -> None:
    autolog(disable=True)
    LogisticRegression().fit(X_train, y_train)
    assert live_runs(workspace) == []


@pytest.mark.parametrize("trouble", [no_workspace, no_results_directory, no_end_and_no_abort])
def test_a_training_is_not_lost_to_its_record(
    workspace: Any, session: Session, monkeypatch: pytest.MonkeyPatch, trouble: Any
) -> None:
    trouble(workspace, monkeypatch)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        model = LogisticRegression().fit(X_train, y_train)
        assert model.score(X_test, y_test) > 0.5
        assert f1_score(y_test, model.predict(X_test)) > 0.5
        session.save(at_end=True)
    assert len([w for w in told if "not recorded" in str(w.message)]) == 1


def test_system_metrics_go_to_the_record(workspace: Any, session: Session) -> None:
    pytest.importorskip("psutil")
    autolog(pictures=False, save_models=False, system_metrics=True)
    LogisticRegression().fit(X_train, y_train)
    (live,) = live_runs(workspace)
    assert live.system[-1].values["process_memory_bytes"] > 1_000_000
    log = (workspace.root / "results" / "run.jsonl").read_text()
    assert '"system"' in log


def test_what_is_watched_can_be_copied_and_sent_to_other_processes(session: Session) -> None:
    model = LogisticRegression().fit(X_train, y_train)
    search = GridSearchCV(LogisticRegression(), {"C": [0.1]}, scoring=make_scorer(metrics.f1_score))
    assert clone(search).scoring._score_func is metrics.f1_score
    for again in (copy.deepcopy(model.predict), pickle.loads(pickle.dumps(model.predict))):
        assert (again(X_test) == model.predict(X_test)).all()
    stored = pickle.dumps([metrics.f1_score, search.fit(X_train, y_train)])
    assert b"wrapt" not in stored
    assert b"dataworkspaces" not in stored
    assert pickle.loads(stored)[0](y_test, y_test) == 1


def test_a_model_trained_elsewhere_has_no_metrics_here(left: Callable[[], Left], session: Session) -> None:
    with session.busy():  # as if another script had trained it
        earlier = GradientBoostingClassifier().fit(X_train, y_train)
    model = GridSearchCV(LogisticRegression(), {"C": [0.1]}).fit(X_train, y_train)
    metrics.accuracy_score(y_test, earlier.predict(X_test))
    metrics.zero_one_loss(y_test, earlier.predict_proba(X_test).argmax(1))
    metrics.f1_score(y_test, model.best_estimator_.predict(X_test))  # a part of it
    metrics.hamming_loss(y_test, pickle.loads(pickle.dumps(model)).predict(X_test))  # it, as it was stored
    found = left().metrics
    assert {"f1_score_X_test", "hamming_loss_X_test"} <= set(found)
    assert not [name for name in found if name.startswith(("accuracy", "zero_one"))]


def test_a_changed_prediction_is_of_the_model_that_predicted_last(workspace: Any, left: Callable[[], Left]) -> None:
    first = LogisticRegression().fit(X_train, y_train)
    GradientBoostingClassifier().fit(X_train, y_train)
    metrics.accuracy_score(y_test, first.predict_proba(X_test).argmax(1))
    assert "accuracy_score_y_test" not in left().metrics
    [of_first] = (workspace.root / "results").glob("runs/LogisticRegression-1/results.json")
    assert "accuracy_score_y_test" in json.loads(of_first.read_text())["metrics"]


def test_several_outputs_are_predictions_of_one_model(left: Callable[[], Left]) -> None:
    model = RandomForestClassifier(3).fit(X_train, np.c_[y_train, y_train])
    first, _ = model.predict_proba(X_test)
    auc = metrics.roc_auc_score(y_test, first[:, 1])
    assert left().metrics["roc_auc_score_X_test"] == auc


def test_preparation_that_tells_no_parameters_goes_on(session: Session) -> None:
    class Variadic(BaseEstimator):
        def __init__(self, *parts: int) -> None:
            self.parts = parts

        def fit(self, X: Any, y: Any = None) -> Any:
            return self

    with pytest.warns(UserWarning, match="Variadic is not recorded"):
        assert Variadic(1, 2).fit(X_train).parts == (1, 2)


def test_of_many_parts_few_are_told(
    left: Callable[[], Left], session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(autolog_record, "_MOST_PARTS", 3)
    model = SGDClassifier()
    for _ in range(20):
        model.partial_fit(X_train, y_train, classes=[0, 1])
    found = left()
    assert found.parameters["partial_fit_calls"] == 20
    assert 3 <= len(found.history["epochs"]) < 20


def test_of_many_iterations_the_history_has_all_and_the_record_some(
    workspace: Any, left: Callable[[], Left], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(autolog_record, "_MOST_LOGGED", 5)
    GradientBoostingClassifier(n_estimators=20).fit(X_train, y_train)
    assert left().history["epochs"] == list(range(1, 21))
    log = (workspace.root / "results" / "run.jsonl").read_text().splitlines()
    numbers = [event["epoch"] for event in map(json.loads, log) if event["event"] == "epoch"]
    assert numbers == [1, 4, 8, 12, 16, 20]


@pytest.mark.slow
def test_a_training_is_saved_at_the_end_of_python_with_threads(workspace: Any) -> None:
    """``atexit`` is too late for a pool of threads."""
    script = """
import concurrent.futures
from dataworkspaces.kit_support.autolog.session import Options, Session
class Saving(Session):
    def save(self, *, at_end=False):
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            print(pool.submit(lambda: "saved").result())
session = Saving(Options())
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    assert (done.stdout, done.stderr) == ("saved\n", "")
