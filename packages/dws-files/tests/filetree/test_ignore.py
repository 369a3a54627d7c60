"""``.dwsignore``: what git leaves out by the same patterns, we leave out."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from dataworkspaces.errors import ConfigurationError
from dataworkspaces.filetree import scan

FILES = [
    "a.csv", "a.tmp", "keep.tmp", "build/x", "build/keep", "sub/build/y", "sub/a.tmp", "sub/keep.tmp", "logs/1.log",
    "logs/deep/2.log", "cache", "sub/cache/z", "with blank", "#hash", "!bang", "star*", "é", "Cache", "voilà", "voilÃ",
]  # fmt: skip


def listed(root: Path) -> set[str]:
    found = {path for path, _ in scan(root).files()}
    return {path for path in found if Path(path).name != ".dwsignore"}


@pytest.mark.parametrize(
    "rules",
    [
        {"": "*.tmp\n"},
        {"": "*.tmp\n!keep.tmp\n"},
        {"": "build/\n"},
        {"": "/build\n"},
        {"": "build/*\n!build/keep\n"},
        {"": "**/cache\n"},
        {"": "cache/\n"},
        {"": "logs/**/2.log\n"},
        {"": "# a comment\n\n\\#hash\n\\!bang\nwith\\ blank\n"},
        {"": "star\\*\n"},
        {"": "*.tmp\n", "sub": "!a.tmp\n"},
        {"": "sub\n", "sub": "!*\n"},
        {"sub": "build\n*.tmp\n"},
        {"": "*\n!a.csv\n!.dwsignore\n"},
        {"": "é\n"},
        {"": "voilà\n"},
        {"": "voil??\n"},
        {"": "*.tmp\r\nbuild\r\n"},
        {"": "[a-c]*\n"},
        {"": "?ache\n"},
    ],
    ids=lambda rules: "; ".join(f"{place or '.'}: {' '.join(text.split())}" for place, text in rules.items()),
)
def test_git_leaves_out_the_same(tmp_path: Path, rules: dict[str, str]) -> None:
    for name in FILES:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    for place, text in rules.items():
        (tmp_path / place / ".dwsignore").write_text(text)
        (tmp_path / place / ".gitignore").write_text(text)
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    told = subprocess.run(
        ["git", "-C", str(tmp_path), "ls-files", "-z", "--others", "--exclude-standard"],
        capture_output=True,
        check=True,
    )
    own = {".gitignore", ".dwsignore"}
    by_git = {name for name in told.stdout.decode().split("\0") if name and Path(name).name not in own}
    (tmp_path / ".git").rename(tmp_path.parent / f"{tmp_path.name}-git")
    assert {path for path in listed(tmp_path) if Path(path).name not in own} == by_git


def test_many_stars_take_no_time(tmp_path: Path) -> None:
    """With a matcher that goes back and tries again this test would not end."""
    (tmp_path / ("a" * 200)).touch()
    (tmp_path / ".dwsignore").write_text("*a" * 30 + "*b\n")
    assert listed(tmp_path) == {"a" * 200}


def test_a_file_of_rules_has_a_limit(tmp_path: Path) -> None:
    (tmp_path / ".dwsignore").write_text("x\n" * (1 << 20))
    with pytest.raises(ConfigurationError, match="larger than 1 MiB"):
        scan(tmp_path)


def test_a_pattern_that_is_none_is_named(tmp_path: Path) -> None:
    (tmp_path / ".dwsignore").write_text("ok\n!\n")
    with pytest.raises(ConfigurationError, match=r"\.dwsignore is not valid") as raised:
        scan(tmp_path)
    assert raised.value.hint is not None


def test_a_link_in_its_place_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "elsewhere").write_text("*")
    (tmp_path / "data/.dwsignore").symlink_to("../elsewhere")
    with pytest.raises(ConfigurationError, match="not a regular file"):
        scan(tmp_path / "data")


def test_special_files_that_are_left_out_are_no_error(tmp_path: Path) -> None:
    import os

    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ConfigurationError, match="named pipe"):
        scan(tmp_path)
    (tmp_path / ".dwsignore").write_text("pipe\n")
    assert listed(tmp_path) == set()


def test_patterns_of_somebody_else_take_linear_time(tmp_path: Path) -> None:
    """One that tries all ways would not come to an end here."""
    (tmp_path / ".dwsignore").write_text("*a*a*a*a*a*a*a*b\n**/*a*a*a*a*a*a*a*b\n")
    names = {"a" * 250, "a" * 240 + "c"}
    for name in names:
        (tmp_path / name).touch()
    (tmp_path / ("a" * 200 + "b")).touch()
    assert listed(tmp_path) == names
