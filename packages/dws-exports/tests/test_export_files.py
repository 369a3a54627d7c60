"""Where exports are written, and formats that cannot be had."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from dataworkspaces import plugins
from dataworkspaces.errors import ConfigurationError, PluginError
from dataworkspaces.exports import formats
from dataworkspaces.lineage.exporter import Exporter, TextExporter, load_exporter
from dataworkspaces.lineage.graph import LineageGraph

TEXTS = [formats.OPENLINEAGE, formats.PROV]
LIBRARIES = {"openlineage": "openlineage", "prov": "prov", "ro-crate": "rocrate"}


@pytest.mark.parametrize("exporter", TEXTS, ids=lambda exporter: exporter.name)
def test_file_is_replaced(exporter: TextExporter, graph: LineageGraph, tmp_path: Path) -> None:
    out, link = tmp_path / "new" / "out", tmp_path / "link"
    exporter.write(graph, out)
    link.symlink_to(out)
    out.write_text("old")
    exporter.write(graph, link)
    assert out.read_text(encoding="utf-8") == exporter.text(graph)
    assert link.is_symlink()
    assert [path.name for path in out.parent.iterdir()] == ["out"]


@pytest.mark.parametrize("exporter", TEXTS, ids=lambda exporter: exporter.name)
def test_directory_is_not_replaced(exporter: TextExporter, graph: LineageGraph, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="is a directory"):
        exporter.write(graph, tmp_path)


@pytest.mark.parametrize("exporter", TEXTS, ids=lambda exporter: exporter.name)
def test_texts_are_ascii(exporter: TextExporter, graph: LineageGraph) -> None:
    """Whatever the locale of who reads stdout."""
    assert exporter.text(graph).isascii()


def test_lineage_of_nothing(tmp_path: Path) -> None:
    empty = LineageGraph("ws", None, None)
    assert formats.OPENLINEAGE.text(empty) == ""
    assert json.loads(formats.PROV.text(empty))["prefix"]["ws"] == "arcp://name,ws/"
    formats.RO_CRATE.write(empty, tmp_path / "crate")
    assert [path.name for path in (tmp_path / "crate").iterdir()] == ["ro-crate-metadata.json"]


@pytest.mark.parametrize("name", LIBRARIES)
def test_library_that_is_missing(
    name: str, graph: LineageGraph, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = f"dataworkspaces.exports.{name.replace('-', '_')}"
    for module in list(sys.modules):
        if module.partition(".")[0] == LIBRARIES[name] or module == user:
            monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, LIBRARIES[name], None)
    with pytest.raises(ConfigurationError, match="is not installed") as caught:
        load_exporter(name).write(graph, tmp_path / "out")
    assert caught.value.hint == "Install it with: pip install dws-exports"
    assert not (tmp_path / "out").exists()


def test_formats_are_plugins() -> None:
    for name in LIBRARIES:
        exporter = load_exporter(name)
        assert isinstance(exporter, Exporter)
        assert exporter.name == name
        assert exporter.help


def test_format_that_is_misspelled() -> None:
    with pytest.raises(PluginError, match="There is no export format 'rocrate'") as caught:
        load_exporter("rocrate")
    assert caught.value.hint == "Did you mean ro-crate?"


def test_plugin_that_is_no_exporter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plugins, "load", lambda group, name: Exporter)
    with pytest.raises(PluginError, match="is not an instance of"):
        load_exporter("x")
