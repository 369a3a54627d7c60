"""What git's ignore files do to resources is told, and told before anything moves."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from dataworkspaces.errors import ConfigurationError
from dataworkspaces.gitrepo.ignored import Looked, check_ignored, ignoring_rules

Git = Callable[..., str]
RESULTS = Looked("Results", "results", ["model.pkl", "plots/a b.png", "results.json"])
DATA, CODE = Looked("Data", "data"), Looked("Code", "code", may_ignore=True)


@pytest.fixture
def layout(repository: Path, git: Git) -> Path:
    for name in ("results/model.pkl", "results/plots/a b.png", "results/results.json", "data/x.csv", "data/sub/y.csv",
                 "data/.cache", "code/run.py", "code/tmp/out"):  # fmt: skip
        (repository / name).parent.mkdir(parents=True, exist_ok=True)
        (repository / name).write_text(name, encoding="utf-8")
    return repository


CASES = {
    "": [],
    ".*\n*.pyc": [],
    "results/*.pkl": [],  # it is not ignored where it goes to
    "*.json": ["Results: git ignores results.json, so other copies"],
    "*.png\n*.json\n*.csv\n": ["plots/a b.png, results.json", "Data: git ignores sub/, x.csv, so a snapshot"],
    "results/*\n!results/snapshots/": [],
    "code/tmp": [],
}


@pytest.mark.parametrize("ignore", CASES)
def test_some_files_are_told(layout: Path, ignore: str) -> None:
    (layout / ".gitignore").write_text(ignore, encoding="utf-8")
    told = check_ignored(layout, [RESULTS, DATA, CODE])
    assert len(told) == len(CASES[ignore])
    assert all(words in text for words, text in zip(CASES[ignore], told, strict=True)), told


@pytest.mark.parametrize(("ignore", "what"), [
    ("results/*", "Results"), ("snapshots/", "Results"), ("results", "Results"), ("data/", "Data"), ("data/*", "Data"),
    ("/code/", "Code"), ("*", "Results"),
])  # fmt: skip
def test_nothing_is_kept(layout: Path, ignore: str, what: str) -> None:
    (layout / ".gitignore").write_text(f"#\n{ignore}\n", encoding="utf-8")
    with pytest.raises(ConfigurationError, match=f"{what}: git ignores it") as raised:
        check_ignored(layout, [RESULTS, DATA, CODE])
    assert raised.value.hint is not None
    assert f".gitignore:2: {ignore}" in raised.value.hint


def test_what_git_knows_all_the_same(layout: Path, git: Git) -> None:
    git(layout, "add", "data/x.csv")
    (layout / ".git" / "info" / "exclude").write_text("data\n", encoding="utf-8")
    assert check_ignored(layout, [DATA]) == [
        "Data: git ignores new files in it (.git/info/exclude:1: data), so a snapshot does not keep it"
    ]


def test_names_that_git_could_take_for_something_else(repository: Path) -> None:
    (repository / ".gitignore").write_text("*]\n", encoding="utf-8")
    assert set(ignoring_rules(repository, [":(top)a]", "-a]", "b", "[x]"])) == {":(top)a]", "-a]", "[x]"}
