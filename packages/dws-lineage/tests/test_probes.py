"""What probes tell, and what becomes of one that fails."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from dataworkspaces import plugins
from dataworkspaces.errors import PluginError
from dataworkspaces.lineage import infer_step, probe


class Telling(probe.Probe):
    def random_seeds(self) -> Mapping[str, Any]:
        return {"dice": 6}

    def settings(self) -> Mapping[str, Any]:
        return {"dice.loaded": True}

    def notebook(self) -> Path | None:
        return Path("/notebooks/throw.ipynb")


class Failing(probe.Probe):
    def watch(self) -> None:
        raise OSError

    random_seeds = settings = notebook = watch  # type: ignore[assignment]


@pytest.fixture(autouse=True)
def announced(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    """What the tests announce, and nothing else."""
    found: dict[str, Any] = {"a": Failing(), "b": "no probe", "c": Telling(), "d": probe.Probe()}
    monkeypatch.setattr(plugins, "announced", lambda group: found if group == plugins.PROBES else {})
    monkeypatch.setattr(plugins, "load", lambda _group, name: found[name])
    probe._probes.cache_clear()
    yield found
    probe._probes.cache_clear()


def test_one_that_fails_does_not_keep_the_others_from_telling() -> None:
    probe.watch()
    assert (probe.random_seeds(), probe.settings()) == ({"dice": 6}, {"dice.loaded": True})
    assert infer_step() == ("throw", Path("/notebooks/throw.ipynb"))


def test_one_that_cannot_be_loaded_is_told_and_stops_nothing(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def load(_group: str, name: str) -> Any:
        raise PluginError(f"The probe '{name}' could not be loaded")

    monkeypatch.setattr(plugins, "load", load)
    assert probe.random_seeds() == {}
    assert "The probe 'a' could not be loaded: seeds and settings may be missing" in caplog.text
