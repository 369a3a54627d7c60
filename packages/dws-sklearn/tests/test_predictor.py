"""``LineagePredictor``: what ``fit`` and ``score`` leave in the workspace."""

from __future__ import annotations

import json
import logging
import platform
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pytest
import sklearn
from scipy import stats
from sklearn.datasets import make_classification, make_regression
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV, RandomizedSearchCV
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.svm import SVC

from dataworkspaces.errors import ApiParamError, ConfigurationError, DwsError, NotAWorkspaceError
from dataworkspaces.kits.scikit_learn import LineagePredictor, Metrics
from dataworkspaces.lineage.model import UnknownLineage
from dataworkspaces.toolbox.logs import log
from dataworkspaces.workspace import ResourceRef

pytestmark = pytest.mark.slow

X, y = make_classification(n_samples=60, random_state=0)
KIND = "binary_classification"


def _names(step: dict[str, Any], kind: str) -> list[tuple[str, str | None]]:
    return [(cert["resource_name"], cert["subpath"]) for cert in step[f"{kind}_resources"]]


# -- results ---------------------------------------------------------------------------------------------------------


def test_score_says_where_results_are(workspace: Any, capsys: pytest.CaptureFixture[str]) -> None:
    LineagePredictor(SVC(), KIND, "data").fit(X, y).score(X, y)
    assert capsys.readouterr().out == "Wrote results to results:results.json\n"


def test_score_is_that_of_the_predictor(workspace: Any) -> None:
    classifier = LineagePredictor(SVC(), KIND, "data").fit(X, y)
    assert classifier.score(X, y) == SVC().fit(X, y).score(X, y) == workspace.read_results()["metrics"]["accuracy"]


def test_regression(workspace: Any) -> None:
    X, y = make_regression(noise=10, random_state=0)
    score = LineagePredictor(Ridge(), "regression", "data").fit(X, y).score(X, y)
    assert score == Ridge().fit(X, y).score(X, y) == workspace.read_results()["metrics"]["r2_score"]


def test_weights_reach_fit_and_score(workspace: Any) -> None:
    weight = np.linspace(0, 3, len(y))
    classifier = LineagePredictor(LogisticRegression(), KIND, "data").fit(X, y, sample_weight=weight)
    plain = LogisticRegression().fit(X, y, sample_weight=weight)
    assert classifier.score(X, y, sample_weight=weight) == plain.score(X, y, sample_weight=weight)
    np.testing.assert_array_equal(classifier.coef_, plain.coef_)


def test_positional_arguments_reach_fit(workspace: Any) -> None:
    weight = np.linspace(0, 3, len(y))
    classifier = LineagePredictor(LogisticRegression(), KIND, "data").fit(X, y, weight)
    np.testing.assert_array_equal(classifier.coef_, LogisticRegression().fit(X, y, weight).coef_)


class Misses(Metrics):
    def score(self) -> float:
        return -float(np.sum(self.expected != self.predicted))

    def print_metrics(self, file: Any = None) -> None:
        print(self.score(), file=file)

    def to_dict(self) -> dict[str, Any]:
        return {"misses": np.int64(-self.score())}


def test_metrics_of_ones_own(workspace: Any) -> None:
    classifier = LineagePredictor(SVC(C=0.01), Misses, "data").fit(X, y)
    misses = int(np.sum(classifier.predict(X) != y))
    assert classifier.score(X, y) == -misses
    assert workspace.read_results()["metrics"] == {"misses": misses}


def test_results_below_a_results_resource(workspace: Any) -> None:
    classifier = LineagePredictor(SVC(), KIND, "data", ResourceRef("results", "svm/first"), "svc.joblib")
    classifier.fit(X, y).score(X, y)
    assert sorted(p.name for p in (workspace.root / "results" / "svm" / "first").iterdir()) == [
        "results.json",
        "run.jsonl",
        "svc.joblib",
        "svc.joblib.json",
    ]
    assert _names(workspace.read_lineage(), "output") == [("results", "svm/first")]


# -- parameters ------------------------------------------------------------------------------------------------------


def test_parameters_that_are_objects(workspace: Any) -> None:
    pipeline = Pipeline(
        [("log", FunctionTransformer(np.log1p)), ("scale", StandardScaler(with_mean=False)), ("svc", SVC(C=2.0))]
    )
    LineagePredictor(pipeline, KIND, "data").fit(np.abs(X), y).score(np.abs(X), y)
    parameters = workspace.read_results()["parameters"]
    assert parameters["steps"] == [
        ["log", "FunctionTransformer(func=<ufunc 'log1p'>)"],
        ["scale", "StandardScaler(with_mean=False)"],
        ["svc", "SVC(C=2.0)"],
    ]
    assert (parameters["svc"], parameters["svc__C"], parameters["scale__with_mean"]) == ("SVC(C=2.0)", 2.0, False)


def test_parameters_of_a_search_and_what_it_found(workspace: Any) -> None:
    search = GridSearchCV(SVC(), {"C": [0.1, 1.0]}, cv=2)
    LineagePredictor(search, KIND, "data").fit(X, y).score(X, y)
    parameters = workspace.read_results()["parameters"]
    assert (parameters["estimator"], parameters["estimator__C"]) == ("SVC()", 1.0)
    assert parameters["param_grid"] == {"C": [0.1, 1.0]}
    assert parameters["best_params_"] in ({"C": 0.1}, {"C": 1.0})


def test_distributions_to_search_in(workspace: Any) -> None:
    search = RandomizedSearchCV(SVC(), {"C": stats.uniform(0, scale=4)}, n_iter=2, cv=2, random_state=0)
    LineagePredictor(search, KIND, "data").fit(X, y).score(X, y)
    assert workspace.read_results()["parameters"]["param_distributions"] == {"C": "uniform(0, scale=4)"}


@pytest.mark.parametrize(
    ("parameter", "stored"),
    [
        ({"random_state": np.random.RandomState(0)}, "RandomState(MT19937)"),
        ({"class_weight": {0: np.float64(1.0), 1: 2}}, {"0": 1.0, "1": 2}),
        ({"C": np.float32(0.5)}, 0.5),
    ],
)
def test_parameters_are_valid_json_without_addresses(workspace: Any, parameter: dict[str, Any], stored: Any) -> None:
    LineagePredictor(SVC(**parameter), KIND, "data").fit(X, y).score(X, y)
    [name] = parameter
    assert workspace.read_results()["parameters"][name] == stored


def test_verbose_tells_what_is_done(
    workspace: Any, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log, "level", logging.WARNING)  # so that it is put back
    LineagePredictor(SVC(), KIND, "data", model_save_file="svc.joblib").fit(X, y)
    assert caplog.messages == []
    LineagePredictor(SVC(), KIND, "data", model_save_file="svc.joblib", verbose=True).fit(X, y)
    assert "step SVC reads data and writes results to results" in caplog.messages
    assert "saved results:svc.joblib" in caplog.messages


# -- lineage ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("place", ["data/part", ResourceRef("data", "part"), Path("data/part")])
def test_a_part_of_a_resource_as_input(workspace: Any, monkeypatch: pytest.MonkeyPatch, place: Any) -> None:
    (workspace.root / "data" / "part").mkdir()
    monkeypatch.chdir(workspace.root)
    LineagePredictor(SVC(), KIND, place).fit(X, y).score(X, y)
    assert _names(workspace.read_lineage(), "input") == [("data", "part")]


def test_the_code_resource_of_the_running_script(workspace: Any, script: Path) -> None:
    LineagePredictor(SVC(), KIND, "data").fit(X, y).score(X, y)
    step = workspace.read_lineage()
    assert (step["step_name"], _names(step, "code")) == ("digits-svc", [("code", None)])


def test_the_code_resource_of_the_running_notebook(workspace: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    notebook = workspace.root / "code" / "digits-nb.ipynb"
    monkeypatch.setattr("dataworkspaces.kit_support.step.infer_step", lambda: ("digits-nb", notebook))
    LineagePredictor(SVC(), KIND, "data").fit(X, y).score(X, y)
    step = workspace.read_lineage()
    assert (step["step_name"], _names(step, "code")) == ("digits-nb", [("code", None)])


def test_a_script_in_no_code_resource(workspace: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    place = ("elsewhere", tmp_path / "elsewhere.py")
    monkeypatch.setattr("dataworkspaces.kit_support.step.infer_step", lambda: place)
    LineagePredictor(SVC(), KIND, "data").fit(X, y).score(X, y)
    step = workspace.read_lineage()
    assert (step["step_name"], _names(step, "code")) == ("elsewhere", [])


def test_without_a_script_the_step_is_named_after_the_predictor(workspace: Any) -> None:
    LineagePredictor(SVC(), KIND, "data").fit(X, y).score(X, y)
    assert workspace.read_lineage()["step_name"] == "SVC"


def test_a_step_begins_with_fit(workspace: Any) -> None:
    classifier = LineagePredictor(SVC(), KIND, "data", model_save_file="svc.joblib").fit(X, y)
    begun = workspace.read_lineage()["start_time"]
    classifier.score(X, y)
    assert workspace.read_results()["start_time"] == workspace.read_lineage()["start_time"] == begun


def test_a_second_score_is_a_step_of_its_own(workspace: Any) -> None:
    classifier = LineagePredictor(SVC(), KIND, "data").fit(X, y)
    classifier.score(X, y)
    first = workspace.read_lineage()
    classifier.score(X[:10], y[:10])
    second = workspace.read_lineage()
    assert second["start_time"] > first["start_time"]
    assert second["output_resources"][0]["certificate"]["version"] == 2


def test_predict_leaves_no_record(workspace: Any) -> None:
    LineagePredictor(SVC(), KIND, "data").fit(X, y).predict(X)
    assert workspace.lineage_store.entries("results") == []


def test_a_failure_before_anything_is_written_leaves_the_earlier_results_known(workspace: Any) -> None:
    classifier = LineagePredictor(SVC(), KIND, "data").fit(X, y)
    classifier.score(X, y)
    before = workspace.read_lineage()
    with pytest.raises(ValueError, match="features"):
        classifier.score(X[:, :3], y)
    with pytest.raises(ValueError, match="C"):
        LineagePredictor(SVC(C=-1.0), KIND, "data").fit(X, y)
    assert workspace.read_lineage() == before


def test_a_failure_while_results_are_written_makes_them_unknown(
    workspace: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    classifier = LineagePredictor(SVC(), KIND, "data").fit(X, y)
    classifier.score(X, y)
    (workspace.root / "results" / "results.json").unlink()
    (workspace.root / "results" / "results.json").mkdir()
    with pytest.warns(UserWarning, match="not recorded"):
        assert classifier.score(X, y) > 0.5
    (entry,) = workspace.lineage_store.entries("results")
    assert isinstance(entry, UnknownLineage)


def test_results_resource_changed_after_fit(workspace: Any) -> None:
    classifier = LineagePredictor(SVC(), KIND, "data").fit(X, y)
    classifier.set_params(results_resource=ResourceRef("results", "other")).score(X, y)
    assert (workspace.root / "results" / "other" / "results.json").is_file()


# -- the saved model -------------------------------------------------------------------------------------------------


def test_a_model_has_lineage_without_a_score(workspace: Any) -> None:
    LineagePredictor(SVC(), KIND, "data", model_save_file="svc.joblib").fit(X, y)
    assert _names(workspace.read_lineage(), "output") == [("results", None)]


def test_what_a_model_was_made_with(workspace: Any) -> None:
    LineagePredictor(SVC(), KIND, "data", model_save_file="models/svc.joblib").fit(X, y)
    directory = workspace.root / "results" / "models"
    description = json.loads((directory / "svc.joblib.json").read_text())
    assert description["file"] == "svc.joblib"
    assert description["sha256"] == _sha256(directory / "svc.joblib")
    assert description["model"] == "sklearn.svm._classes.SVC"
    assert (description["python"], description["scikit-learn"]) == (platform.python_version(), sklearn.__version__)
    assert {"numpy", "scipy", "joblib"} <= set(description)


def test_a_model_that_cannot_be_stored_does_not_replace_one(workspace: Any) -> None:
    path = workspace.root / "results" / "model.joblib"
    LineagePredictor(SVC(), KIND, "data", model_save_file="model.joblib").fit(X, y)
    before = path.read_bytes()
    pipeline = Pipeline([("same", FunctionTransformer(lambda values: values)), ("svc", SVC())])
    with pytest.warns(UserWarning, match="pickle"):
        LineagePredictor(pipeline, KIND, "data", model_save_file="model.joblib").fit(X, y)
    # The run that left it may have moved into runs/ since, as a whole.
    assert [found.read_bytes() for found in (workspace.root / "results").rglob("model.joblib")] == [before]


def _sha256(path: Path) -> str:
    import hashlib

    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize(
    "name", ["/tmp/model", "../model", "a/../model", "a//b", "", "results.json", "results", "snapshots/m"]
)
def test_names_that_a_model_cannot_have(workspace: Any, name: str) -> None:
    with pytest.raises(ConfigurationError, match="model_save_file"):
        LineagePredictor(SVC(), KIND, "data", model_save_file=name)


def test_no_room_for_a_model(workspace: Any) -> None:
    (workspace.root / "scratch").write_text("not a directory")
    with pytest.warns(UserWarning, match=r"Saving 'svc\.joblib' failed"):
        LineagePredictor(SVC(), KIND, "data", model_save_file="svc.joblib").fit(X, y)


# -- API resources ---------------------------------------------------------------------------------------------------


@pytest.fixture
def feed(workspace: Any) -> Any:
    return workspace.add_resource("feed", "api-resource", "source-data")


def test_the_hash_of_the_data_is_the_version_of_an_api_resource(feed: Any) -> None:
    hashes = []
    for data in (X, X, X + 1):
        LineagePredictor(SVC(), KIND, "feed").fit(data, y)
        hashes.append(feed.get_input_hash())
    assert hashes[0] == hashes[1] != hashes[2]


def test_the_data_to_evaluate_with_counts_too(feed: Any) -> None:
    hashes = []
    for n in (30, 30, 40):
        LineagePredictor(SVC(), KIND, "feed").fit(X, y).score(X[:n], y[:n])
        hashes.append(feed.get_input_hash())
    assert hashes[0] == hashes[1] != hashes[2]


def test_lineage_says_which_data_were_read(feed: Any, workspace: Any) -> None:
    read = []
    for n in (30, 40):
        LineagePredictor(SVC(), KIND, "feed").fit(X, y).score(X[:n], y[:n])
        (cert,) = workspace.read_lineage()["input_resources"]
        read.append((cert["certificate"]["version"], cert["certificate"]["content"]))
        assert read[-1][1] == feed.get_input_hash()
    assert read[0][0] < read[1][0]
    assert read[0][1] != read[1][1]


def test_seeds_of_numpy_are_recorded(workspace: Any) -> None:
    np.random.seed(3)
    LineagePredictor(SVC(), KIND, "data").fit(X, y).score(X, y)
    assert workspace.read_lineage()["random_seeds"]["numpy.random"] == 3


def test_data_whose_hash_cannot_be_computed(feed: Any) -> None:
    with pytest.raises(ApiParamError, match="API resource"):
        LineagePredictor(SVC(), KIND, "feed").fit(iter(X), y)


def test_frames_have_a_hash(feed: Any) -> None:
    LineagePredictor(SVC(), KIND, "feed").fit(pd.DataFrame(X), pd.Series(y))
    assert len(feed.get_input_hash()) == 40


# -- mistakes, which show when the wrapper is made -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((SVC, KIND, "data"), "not an estimator"),
        (("SVC", KIND, "data"), "not an estimator"),
        ((SVC(), "accuracy", "data"), "no metrics 'accuracy'"),
        ((SVC(), KIND, "dat"), "no input resource 'dat'"),
        ((SVC(), KIND, ResourceRef("dat")), "no resource 'dat'"),
        ((SVC(), KIND, ResourceRef("data", "absent")), "absent"),
        ((SVC(), KIND, ResourceRef("data", "../code")), "plain relative path"),
        ((SVC(), KIND, "/"), "is not in any resource"),
        ((SVC(), KIND, "data", "data"), "role source-data"),
        ((SVC(), KIND, "data", "result"), "role code"),
        ((SVC(), KIND, "data", "/elsewhere"), "no results resource '/elsewhere'"),
        ((SVC(), KIND, "data", ResourceRef("results", "..")), "plain relative path"),
    ],
)
def test_arguments_that_do_not_fit(workspace: Any, arguments: tuple[Any, ...], message: str) -> None:
    with pytest.raises(DwsError, match=message):
        LineagePredictor(*arguments)


def test_several_results_resources(workspace: Any) -> None:
    (workspace.root / "more").mkdir()
    workspace.add_resource("more", "file", "results", path=str(workspace.root / "more"))
    with pytest.raises(ConfigurationError, match="results, more") as caught:
        LineagePredictor(SVC(), KIND, "data")
    assert "results_resource" in str(caught.value.hint)


def test_no_results_resource(workspace: Any) -> None:
    kept = [params for params in workspace.read_resource_params() if params["name"] != "results"]
    workspace._write("resources", kept)
    with pytest.raises(ConfigurationError, match="no results resource"):
        LineagePredictor(SVC(), KIND, "data")


def test_outside_of_a_workspace(workspace: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(NotAWorkspaceError):
        LineagePredictor(SVC(), KIND, "data")
    assert LineagePredictor(SVC(), KIND, "data", workspace_dir=str(workspace.root)).fit(X, y).score(X, y) > 0.5


def test_a_model_loaded_later_can_be_evaluated(workspace: Any) -> None:
    LineagePredictor(SVC(), KIND, "data", model_save_file="svc.joblib").fit(X, y)
    model = joblib.load(workspace.root / "results" / "svc.joblib")
    assert LineagePredictor(model, KIND, "data").score(X, y) == model.score(X, y)
