"""What lies at a place, as one text."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from dataworkspaces.errors import ConfigurationError
from dataworkspaces.toolbox import content
from dataworkspaces.toolbox.content import content_of


def test_the_text_of_a_place_is_as_it_has_always_been(tmp_path: Path) -> None:
    """Lineages of earlier versions hold it."""
    (tmp_path / "b").mkdir()
    (tmp_path / "a.txt").write_text("one")
    (tmp_path / "b" / "tab\there").write_text("two")
    (tmp_path / "b" / "link").symlink_to("nowhere")
    assert content_of(tmp_path) == "sha1:fe61e4038ef6698439797901aa7f2f9ee3b1fa63"
    assert content_of(tmp_path / "a.txt") == "sha1:782c1915c38ee7fb8e8d49694ca0ce2448f0e291"
    assert content_of(tmp_path / "c") is None


def test_what_is_skipped_does_not_count(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("a")
    before = content_of(tmp_path)
    (tmp_path / "d").mkdir()
    assert content_of(tmp_path) != before
    assert content_of(tmp_path, lambda path: path == "d") == before
    (tmp_path / "d" / "x").write_text("x")
    (tmp_path / "d" / "y").write_text("y")
    both = content_of(tmp_path)
    assert content_of(tmp_path, lambda path: path == "d/y") not in (both, before)


def test_what_takes_long_to_read_is_told_by_size_and_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a").write_text("aaaa")
    monkeypatch.setattr(content, "CHEAP_BYTES", 3)
    first = content_of(tmp_path)
    assert first is not None
    assert first.startswith("size-and-time:")
    os.utime(tmp_path / "a", (1, 1))
    assert content_of(tmp_path) != first


def test_a_pipe_is_no_content_and_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ConfigurationError, match=r"pipe is neither a file nor a directory"):
        content_of(tmp_path)
    assert content_of(tmp_path / "pipe") is None
