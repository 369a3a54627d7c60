"""Discovery: what is announced, what is missing, what cannot be loaded."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from stevedore.extension import ExtensionManager

from dataworkspaces import plugins
from dataworkspaces.errors import PluginError


@pytest.fixture
def broken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Two distributions of strangers: one whose module cannot be imported, one that works."""
    for name, module, text in (
        ("broken-plugin", "broken_plugin", "import a_module_that_nobody_has\n"),
        ("good-plugin", "good_plugin", "FACTORY = 'the factory'\n"),
    ):
        (tmp_path / f"{module}.py").write_text(text, encoding="utf-8")
        info = tmp_path / f"{module}-1.2.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.2\n", encoding="utf-8")
        (info / "entry_points.txt").write_text(
            f"[dataworkspaces.resources]\n{name} = {module}:FACTORY\n", encoding="utf-8"
        )
    monkeypatch.syspath_prepend(str(tmp_path))
    _forget()
    yield
    _forget()


def _forget() -> None:
    ExtensionManager.ENTRY_POINT_CACHE.clear()  # of a group that an earlier test has asked for
    plugins._announced.cache_clear()
    plugins._entry_points.cache_clear()
    importlib.invalidate_caches()


def test_a_missing_plugin_names_its_distribution(monkeypatch: pytest.MonkeyPatch) -> None:
    # One that is never installed: the distributions of this repository may all be.
    monkeypatch.setitem(plugins.KNOWN_DISTRIBUTIONS, (plugins.RESOURCES, "tape"), "dws-tape")
    with pytest.raises(PluginError, match="either misspelled or its distribution is not installed") as caught:
        plugins.load(plugins.RESOURCES, "tape")
    assert caught.value.hint == "Install it with: pip install dws-tape"


def test_an_unknown_plugin_suggests_the_nearest() -> None:
    with pytest.raises(PluginError) as caught:
        plugins.load(plugins.RESOURCES, "api-resourc")
    assert caught.value.hint == "Did you mean api-resource?"


@pytest.mark.usefixtures("broken")
def test_a_broken_plugin_spoils_only_itself() -> None:
    with pytest.raises(PluginError, match=r"broken-plugin 1\.2 could not be loaded: ModuleNotFoundError"):
        plugins.load(plugins.RESOURCES, "broken-plugin")
    assert plugins.load(plugins.RESOURCES, "good-plugin") == "the factory"


@pytest.mark.usefixtures("broken")
def test_the_list_says_why_one_failed() -> None:
    found = {p.name: p for p in plugins.list_plugins()}
    assert "a_module_that_nobody_has" in str(found["broken-plugin"].error)
    assert found["good-plugin"].error is None
    assert (found["good-plugin"].distribution, found["good-plugin"].version) == ("good-plugin", "1.2")


@pytest.mark.usefixtures("broken")
def test_two_plugins_of_one_name_are_refused(tmp_path: Path) -> None:
    info = tmp_path / "thief-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: thief\nVersion: 1.0\n", encoding="utf-8")
    (info / "entry_points.txt").write_text("[dataworkspaces.resources]\ngood-plugin = os:sep\n", encoding="utf-8")
    _forget()
    with pytest.raises(PluginError, match="'good-plugin' is announced twice"):
        plugins.load(plugins.RESOURCES, "good-plugin")


def test_names_import_nothing() -> None:
    import subprocess
    import sys

    code = (
        "import sys; from dataworkspaces import plugins; plugins.names(plugins.RESOURCES); "
        "print([m for m in sys.modules if m.startswith(('dataworkspaces.resources', 'stevedore'))])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "[]"


def test_a_home_that_cannot_be_written_to_is_no_reason_to_fail(tmp_path: Path) -> None:
    import os
    import subprocess
    import sys

    (tmp_path / "home").write_text("a file where the home directory should be", encoding="utf-8")
    environment = {**os.environ, "HOME": str(tmp_path / "home"), "XDG_CACHE_HOME": str(tmp_path / "home" / "cache")}
    code = "from dataworkspaces import plugins; plugins.load(plugins.RESOURCES, 'api-resource')"
    result = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
