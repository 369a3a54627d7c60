"""Discovery: what is announced, what is missing, what cannot be loaded."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dataworkspaces import plugin_names, plugins
from dataworkspaces.errors import PluginError

Install = Callable[[str, str, str], Path]


@pytest.fixture
def installed(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Install a distribution in a directory of its own: its name, its module and its text. It has a resource type of
    the distribution's name."""

    def install(name: str, module: str, text: str) -> Path:
        directory = tmp_path_factory.mktemp("site")
        (directory / f"{module}.py").write_text(text, encoding="utf-8")
        info = directory / f"{module}-1.2.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.2\n", encoding="utf-8")
        (info / "entry_points.txt").write_text(
            f"[dataworkspaces.resources]\n{name} = {module}:FACTORY\n", encoding="utf-8"
        )
        monkeypatch.syspath_prepend(str(directory))
        plugins.forget()
        return info

    yield install
    monkeypatch.undo()
    plugins.forget()


@pytest.fixture
def broken(installed: Install) -> Path:
    """Two distributions of strangers: one whose module cannot be imported, one that works. Metadata of the first."""
    installed("good-plugin", "good_plugin", "FACTORY = 'the factory'\n")
    return installed("broken-plugin", "broken_plugin", "import a_module_that_nobody_has\n")


def test_a_missing_plugin_names_its_distribution(monkeypatch: pytest.MonkeyPatch) -> None:
    # One that is never installed: the distributions of this repository may all be.
    monkeypatch.setitem(plugins.KNOWN_DISTRIBUTIONS, (plugins.RESOURCES, "tape"), "dws-tape")
    with pytest.raises(PluginError, match="misspelled, or its distribution is not installed") as caught:
        plugins.load(plugins.RESOURCES, "tape")
    assert caught.value.hint == "Install it with: pip install dws-tape"


def test_an_unknown_plugin_suggests_the_nearest() -> None:
    with pytest.raises(PluginError) as caught:
        plugins.load(plugins.RESOURCES, "api-resourc")
    assert caught.value.hint == "Did you mean api-resource?"


@pytest.mark.slow
@pytest.mark.usefixtures("broken")
def test_a_broken_plugin_spoils_only_itself() -> None:
    with pytest.raises(PluginError, match=r"broken-plugin 1\.2 could not be loaded: ModuleNotFoundError"):
        plugins.load(plugins.RESOURCES, "broken-plugin")
    assert plugins.load(plugins.RESOURCES, "good-plugin") == "the factory"


@pytest.mark.slow
@pytest.mark.usefixtures("broken")
def test_the_list_says_why_one_failed() -> None:
    found = {p.name: p for p in plugins.list_plugins()}
    assert "a_module_that_nobody_has" in str(found["broken-plugin"].error)
    assert found["good-plugin"].error is None
    assert (found["good-plugin"].distribution, found["good-plugin"].version) == ("good-plugin", "1.2")


@pytest.mark.usefixtures("broken")
def test_two_plugins_of_one_name_are_refused(installed: Install) -> None:
    info = installed("thief", "thief", "")
    (info / "entry_points.txt").write_text("[dataworkspaces.resources]\ngood-plugin = os:sep\n", encoding="utf-8")
    plugins.forget()
    with pytest.raises(PluginError, match=r"'good-plugin' is announced twice: by \w.* 1\.2 and by \w.* 1\.2\. "):
        plugins.load(plugins.RESOURCES, "good-plugin")


def test_a_failed_assertion_of_a_plugin_is_its_fault(installed: Install) -> None:
    installed("failing", "failing_plugin", "assert 1 == 2\n")
    with pytest.raises(PluginError, match=r"failing 1\.2 could not be loaded: AssertionError"):
        plugins.load(plugins.RESOURCES, "failing")


def test_metadata_that_cannot_be_read_is_one_line(installed: Install) -> None:
    (installed("odd", "odd", "") / "entry_points.txt").write_bytes(b"\xff\xfe")
    installed("good-plugin", "good_plugin", "FACTORY = 1")
    with pytest.raises(PluginError, match="What is installed cannot be listed: UnicodeDecodeError"):
        plugins.load(plugins.RESOURCES, "good-plugin")


@pytest.fixture
def cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A new cache directory of the user."""
    directory = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("XDG_CACHE_HOME", str(directory))
    return directory


@pytest.mark.slow
@pytest.mark.usefixtures("broken", "cache")
def test_shown_names_are_kept_until_something_is_installed(installed: Install, monkeypatch: pytest.MonkeyPatch) -> None:
    found = plugin_names.shown_names(plugins.RESOURCES)
    assert found["good-plugin"] == "good-plugin"
    with monkeypatch.context() as patched:
        patched.setattr(plugins, "announced", lambda group: pytest.fail("it was kept"))
        assert plugin_names.shown_names(plugins.RESOURCES) == found
    installed("new", "new", "FACTORY = 1")
    assert plugin_names.shown_names(plugins.RESOURCES) == {**found, "new": "new"}


@pytest.mark.usefixtures("broken")
@pytest.mark.parametrize("damage", [b"", b"\xff\n\xfe", b"end", None])
def test_shown_names_survive_a_damaged_file(cache: Path, damage: bytes | None) -> None:
    expected = plugin_names.shown_names(plugins.RESOURCES)
    [kept] = (cache / "dws").iterdir()
    kept.write_bytes(kept.read_bytes()[:-20] if damage is None else damage)
    assert plugin_names.shown_names(plugins.RESOURCES) == expected


def test_names_import_nothing() -> None:
    code = (
        "import sys; from dataworkspaces import plugins; plugins.names(plugins.RESOURCES); "
        "print([m for m in sys.modules if m.startswith('dataworkspaces.resources')])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "[]"


@pytest.mark.slow
def test_a_home_that_cannot_be_written_to_is_no_reason_to_fail(tmp_path: Path) -> None:
    import os

    (tmp_path / "home").write_text("a file where the home directory should be", encoding="utf-8")
    environment = {**os.environ, "HOME": str(tmp_path / "home"), "XDG_CACHE_HOME": str(tmp_path / "home" / "cache")}
    code = (
        "from dataworkspaces import plugins, plugin_names; plugins.load(plugins.RESOURCES, 'api-resource');"
        "assert 'api-resource' in plugin_names.shown_names(plugins.RESOURCES)"
    )
    result = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
