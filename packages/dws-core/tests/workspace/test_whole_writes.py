"""Files that replace others once they are closed."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from dataworkspaces.toolbox.whole_writes import open_to_replace


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "file"
    path.write_text("as it was")
    return path


def test_nobody_sees_half_of_it(file: Path) -> None:
    with open_to_replace(file, "w") as opened:
        opened.write("Zoë")
        opened.flush()
        assert file.read_text() == "as it was"
        assert opened.tell() == 4
    assert file.read_text(encoding="utf-8") == "Zoë"
    assert [path.name for path in file.parent.iterdir()] == ["file"]


def test_permissions_and_links_stay(file: Path, tmp_path: Path) -> None:
    file.chmod(0o640)
    (tmp_path / "link").symlink_to("file")
    with open_to_replace(tmp_path / "link", "wb") as opened:
        opened.write(b"new")
    assert (tmp_path / "link").is_symlink()
    assert file.read_text() == "new"
    assert file.stat().st_mode & 0o777 == 0o640


def test_one_that_is_there_is_not_made(file: Path) -> None:
    with pytest.raises(FileExistsError):
        open_to_replace(file, "xb")


def test_a_full_disk_leaves_what_was_there(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The last bytes are written by closing it."""
    opened: Any = open_to_replace(file, "wb")
    os.dup2(os.open("/dev/full", os.O_WRONLY), opened.fileno())
    opened.write(b"new")
    with pytest.raises(OSError, match="No space left"):
        opened.close()
    assert file.read_text() == "as it was"
    assert [path.name for path in file.parent.iterdir()] == ["file"]


def test_one_that_nobody_closes_is_written_as_python_does_it(file: Path) -> None:
    open_to_replace(file, "w").write("new")
    assert file.read_text() == "new"


def test_who_closes_it_while_an_error_passes_is_warned(file: Path) -> None:
    opened = open_to_replace(file, "w")
    try:
        raise ValueError
    except ValueError:
        opened.write("half of it")
        with pytest.warns(UserWarning, match="was closed while ValueError was handled, so it was not written"):
            opened.close()
    assert file.read_text() == "as it was"


def test_an_error_that_was_there_before_does_not_count(file: Path) -> None:
    try:
        raise ValueError
    except ValueError:
        opened = open_to_replace(file, "w")
        opened.write("why")
        opened.close()
    assert file.read_text() == "why"
