"""What a command writes goes to the place that the user named, whatever that is."""

from __future__ import annotations

import os
import stat
import threading
from pathlib import Path

import pytest

from dataworkspaces.errors import ConfigurationError, StorageError
from dataworkspaces.toolbox.output import names_stdout, write_output


@pytest.mark.parametrize("before", [None, b"longer than what comes"])
def test_a_file(tmp_path: Path, before: bytes | None) -> None:
    path = tmp_path / "page.html"
    if before is not None:
        path.write_bytes(before)
    write_output(path, b"page")
    assert path.read_bytes() == b"page"
    assert list(tmp_path.iterdir()) == [path]


def test_a_link_stays_one(tmp_path: Path) -> None:
    (tmp_path / "there").write_bytes(b"old")
    (tmp_path / "link").symlink_to("there")
    write_output(tmp_path / "link", b"new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "there").read_bytes() == b"new"


def test_a_named_pipe(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    read: list[bytes] = []
    reader = threading.Thread(target=lambda: read.append(path.read_bytes()))
    reader.start()
    write_output(path, b"page")
    reader.join(timeout=20)
    assert read == [b"page"]
    assert stat.S_ISFIFO(path.stat().st_mode)


def test_a_pipe_that_only_a_descriptor_names() -> None:
    reading, writing = os.pipe()
    write_output(Path(f"/dev/fd/{writing}"), b"page")
    os.close(writing)
    with os.fdopen(reading, "rb") as f:
        assert f.read() == b"page"


def test_a_device() -> None:
    write_output(Path(os.devnull), b"page")
    assert stat.S_ISCHR(Path(os.devnull).stat().st_mode)


def test_a_directory_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="is a directory"):
        write_output(tmp_path, b"page")


def test_a_file_that_may_not_be_written_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "page.html"
    path.write_bytes(b"mine")
    monkeypatch.setattr(os, "access", lambda *_args, **_kwargs: False)  # root may write anything
    with pytest.raises(StorageError, match="may not write"):
        write_output(path, b"page")
    assert path.read_bytes() == b"mine"


def test_a_name_that_is_too_long(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="Writing"):
        write_output(tmp_path / ("x" * 300), b"page")


@pytest.mark.parametrize(("place", "is_stdout"), [("-", True), ("/dev/stdout", True), ("./-", False), ("out", False)])
def test_names_of_stdout(place: str, is_stdout: bool) -> None:
    assert names_stdout(place) is is_stdout
