"""`dws web export`, opened from files in Chromium, without any server."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from endtoend import HOST, User, isolated_environment, write_files
from forked import Forked
from playwright.sync_api import Browser
from web_pages import CHROMIUM, Looked

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium: apt-get install chromium"),
]

HOSTILE = "</script><img src=x onerror=alert(1)>\u2028"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> User:
    directory = tmp_path_factory.mktemp("export")
    root = directory / "ws"
    root.mkdir()
    workspace = Forked(root, isolated_environment(directory / "home"))
    workspace.batch("init", "--hostname", HOST, "--create-resources", "code,results")
    for number, accuracy in enumerate([0.7, 0.9, 0.8], start=1):
        data = {"parameters": {"rate": number / 10, "text": HOSTILE}, "metrics": {"accuracy": accuracy}}
        write_files(
            root, {"results/results.json": json.dumps(data), "results/notes.md": f"# Run {number}\n\n{HOSTILE}\n"}
        )
        workspace.batch("snapshot", "-m", f"try {number} {HOSTILE.strip()}", f"T{number}")
    workspace.dws("web", "export", "../pages")
    return workspace


@pytest.fixture
def looked(project: User, browser: Browser) -> Iterator[Looked]:
    found = Looked(browser, (project.cwd.parent / "pages/index.html").as_uri())
    yield found
    assert found.complaints == []
    assert [address for address in found.requests if not address.startswith(("file:", "data:", "blob:"))] == []
    found.page.close()


def test_table_sorts_and_filters(looked: Looked) -> None:
    page = looked.page
    assert looked.names() == ["T3", "T2", "T1"]
    page.click(".grid-head button:has-text('accuracy')")
    assert looked.names() == ["T2", "T3", "T1"]
    for expression, names in (
        ("accuracy > 0.75 and not rate = 0.3", ["T2"]),
        ("accuracy between 0.7 and 0.8", ["T3", "T1"]),
        ("tag in ('T1', 'T2') and message like '%try 1%'", ["T1"]),
        ("accuracy is null or (rate < 0.2)", ["T1"]),
    ):
        page.fill("[aria-label=Filter]", expression)
        page.wait_for_selector(f".count:has-text('{len(names)} of 3 rows')")
        page.wait_for_function(f"() => document.querySelectorAll('.line').length === {len(names)}")
        assert looked.names() == names
    page.fill("[aria-label=Filter]", "accuracy >")
    page.wait_for_selector(".count:has-text('A value is missing at its end')")


def test_snapshot_has_its_files_and_lineage(looked: Looked) -> None:
    page = looked.page
    page.click(".line a:has-text('T2')")
    page.wait_for_selector(".tile-value:has-text('0.9')")
    page.click(".tabs button:has-text('Files')")
    page.click(".entry:has-text('notes.md')")
    page.wait_for_selector(".markdown h4:has-text('Run 2')")
    assert "<img src=x" in page.locator(".file-view").inner_text()
    page.click(".tabs button:has-text('Lineage')")
    page.wait_for_selector(".lineage[data-ready]")
    assert page.locator("#empty").is_visible()


def test_comparison_needs_no_server(looked: Looked) -> None:
    looked.page.check("[aria-label='Choose T1']")
    looked.page.check("[aria-label='Choose T2']")
    looked.page.click(".chosen-bar a:has-text('Compare')")
    looked.page.wait_for_selector(".compared .best:has-text('0.9')")


def test_export_of_some_replaces_an_earlier_one_and_nothing_else(project: User, tmp_path: Path) -> None:
    target = tmp_path / "pages"
    assert project.dws("web", "export", target).stdout.startswith("3 snapshots written to ")
    assert project.json("web", "export", "--only", "T1", target) == {"directory": str(target), "snapshots": 1}
    hashes = [path.name for path in (target / "data").iterdir() if path.name.startswith("snapshot-")]
    assert len(hashes) == 1
    other = tmp_path / "other"
    write_files(other, {"kept.txt": "mine"})
    done = project.dws("web", "export", other, check=False)
    assert done.returncode == 1
    assert "holds other files" in done.stderr
    assert [path.name for path in other.iterdir()] == ["kept.txt"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["other", "pages"]
