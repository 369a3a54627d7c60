"""A record that cannot be kept costs neither the training nor the score: a warning says what is not recorded."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from typing import Any

import pytest
from sklearn.datasets import make_classification
from sklearn.svm import SVC
from sklearn.utils import Bunch
from training_troubles import fail, no_end_and_no_abort, no_results_directory, no_workspace

from dataworkspaces.errors import ConfigurationError, LockedError
from dataworkspaces.kits.scikit_learn import LineagePredictor, lineage_for, train_and_predict_with_cv
from dataworkspaces.lineage import ResultsLineage
from dataworkspaces.lineage.store import UnknownLineage

pytestmark = pytest.mark.slow

X, y = make_classification(n_samples=60, random_state=0)
KIND = "binary_classification"
BARE = SVC().fit(X, y).score(X, y)


class Shy(SVC):  # type: ignore[misc] # sklearn has no types
    """Does not tell all of its parameters."""

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        if deep:
            raise RuntimeError("nothing to show")
        return dict(super().get_params(deep=False))


def no_beginning(workspace: Any, patch: pytest.MonkeyPatch) -> None:
    patch.setattr("dataworkspaces.kits.scikit_learn.record.begin_step", fail)


def no_end(workspace: Any, patch: pytest.MonkeyPatch) -> None:
    patch.setattr(ResultsLineage, "complete", fail)


def no_results(workspace: Any, patch: pytest.MonkeyPatch) -> None:
    patch.setattr(ResultsLineage, "write_results", fail)


def no_lineage(workspace: Any, patch: pytest.MonkeyPatch) -> None:
    shutil.rmtree(workspace.metadata / "current_lineage", ignore_errors=True)
    (workspace.metadata / "current_lineage").write_text("no directory")


TROUBLES = [
    no_beginning, no_end, no_end_and_no_abort, no_results, no_results_directory, no_workspace, no_lineage
]  # fmt: skip


@pytest.mark.parametrize("model_file", [None, "model.joblib"])
@pytest.mark.parametrize("trouble", TROUBLES, ids=lambda f: f.__name__)
@pytest.mark.filterwarnings("ignore:.*(not recorded|not stored)")
def test_trouble_before_training(
    workspace: Any, monkeypatch: pytest.MonkeyPatch, trouble: Callable[..., None], model_file: str | None
) -> None:
    wrapped, plain = LineagePredictor(SVC(), KIND, "data", model_save_file=model_file), SVC()
    with lineage_for(plain, KIND, "data", model_save_file=model_file):
        trouble(workspace, monkeypatch)
        with pytest.warns(UserWarning, match="is not recorded"):
            score = wrapped.fit(X, y).score(X, y)
        with pytest.warns(UserWarning, match="is not recorded"):
            assert plain.fit(X, y).score(X, y) == BARE
    assert score == BARE
    assert (wrapped.predict(X) == plain.predict(X)).all()


@pytest.mark.parametrize("trouble", TROUBLES, ids=lambda f: f.__name__)
def test_trouble_after_training(workspace: Any, monkeypatch: pytest.MonkeyPatch, trouble: Callable[..., None]) -> None:
    wrapped = LineagePredictor(SVC(), KIND, "data").fit(X, y)
    trouble(workspace, monkeypatch)
    if trouble is no_beginning:
        assert wrapped.score(X, y) == BARE  # the step has begun before
    with pytest.warns(UserWarning, match="This score is not recorded") as warned:
        assert wrapped.score(X, y) == BARE
    assert len(warned) == 1


def test_parameters_that_cannot_be_told(workspace: Any) -> None:
    wrapped = LineagePredictor(Shy(), KIND, "data")
    with pytest.warns(UserWarning, match="This training is not recorded .*nothing to show"):
        wrapped.fit(X, y)
    with pytest.warns(UserWarning, match="This score is not recorded"):
        assert wrapped.score(X, y) == BARE


def test_results_that_could_not_be_written_are_unknown(workspace: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    wrapped = LineagePredictor(SVC(), KIND, "data").fit(X, y)
    wrapped.score(X, y)
    monkeypatch.setattr(ResultsLineage, "complete", fail)
    with pytest.warns(UserWarning, match="not recorded"):
        wrapped.score(X, y)
    assert isinstance(workspace.lineage_store.entries("results")[0], UnknownLineage)


def test_a_score_says_that_its_training_is_not_recorded(workspace: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    wrapped = LineagePredictor(SVC(), KIND, "data")
    with monkeypatch.context() as patch:
        no_beginning(workspace, patch)
        with pytest.warns(UserWarning, match="This training"):
            wrapped.fit(X, y)
    wrapped.score(X, y)
    assert "No space" in workspace.read_results()["parameters"]["not_recorded: training"]


@pytest.mark.parametrize("name", ["begin_step", "ResultsLineage.complete", "ResultsLineage.write_results"])
def test_the_workflow(workspace: Any, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setattr(f"dataworkspaces.kits.scikit_learn.workflow.{name}", fail)
    dataset = Bunch(data=X, target=y, resource="data")
    with pytest.warns(UserWarning, match="This training is not recorded .*No space"):
        outcome = train_and_predict_with_cv(SVC, {"C": [1.0]}, dataset, "results", folds=2, random_state=0)
    assert outcome.metrics.score() > 0.5


def test_the_error_of_a_training_is_the_one_that_is_told(workspace: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ResultsLineage, "drop", fail)
    with pytest.raises(ValueError, match="C"):
        LineagePredictor(SVC(C=-1.0), KIND, "data").fit(X, y)


def test_a_wrong_argument_is_told_before_training(workspace: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    trained = []
    monkeypatch.setattr(SVC, "fit", lambda *args, **kwargs: trained.append(1))
    wrapped = LineagePredictor(SVC(), KIND, "data").set_params(input_resource="dat")
    with pytest.raises(ConfigurationError, match="no input resource 'dat'"):
        wrapped.fit(X, y)
    wrapped.set_params(input_resource="data")
    wrapped.results_resource = "data"
    with pytest.raises(ConfigurationError, match="role source-data"):
        wrapped.fit(X, y)
    assert not trained


def test_a_second_run_at_the_same_time_is_refused_before_training(
    workspace: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*args: Any, **kwargs: Any) -> Any:
        raise LockedError("another step is writing")

    monkeypatch.setattr("dataworkspaces.kits.scikit_learn.record.begin_step", refuse)
    with pytest.raises(LockedError):
        LineagePredictor(SVC(), KIND, "data").fit(X, y)
