"""The pages of `dws web` for everybody: screen readers, light and dark, a phone, paper."""

from __future__ import annotations

import json
from collections.abc import Iterator
from io import BytesIO

import pytest
from axe_playwright_python.sync_playwright import Axe
from endtoend import HOST, User, isolated_environment, write_files
from forked import Forked
from PIL import Image
from playwright.sync_api import Browser, Page
from web_pages import CHROMIUM, Looked, Served, served

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium: apt-get install chromium"),
]

PAGES = {
    "": ".line",
    "/snapshot/T2": ".tile-value",
    "/snapshot/T2?tab=files": ".entry",
    "/snapshot/T2?tab=lineage": ".lineage[data-ready]",
    "/snapshot/now": "h1:has-text('Present state')",
    "/compare/T1,T2": ".difference",
    "/impact/raw": "h1:has-text('What used raw')",
    "/live": ".run",
}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> User:
    """Two snapshots with all that pages can show."""
    directory = tmp_path_factory.mktemp("access")
    root = directory / "ws"
    root.mkdir()
    workspace = Forked(root, isolated_environment(directory / "home"))
    workspace.batch("init", "--hostname", HOST, "--create-resources", "code,results")
    write_files(root, {"raw/a.csv": "id,x\n1,a\n2,b\n"})
    workspace.batch("add", "git", "--role", "source-data", "raw")
    for number in (1, 2):
        matrix = [[50 - number, number], [2 * number, 40]]
        roc = {"fpr": [0, 0.1 * number, 1], "tpr": [0, 0.8, 1]}
        metrics = {"accuracy": 0.7 + number / 10, "loss": 1 / number, "confusion_matrix": matrix, "roc": roc}
        results = {"parameters": {"rate": number / 10}, "metrics": metrics}
        write_files(
            root,
            {
                "results.txt": json.dumps(results),
                "raw/a.csv": f"id,x\n1,a\n2,b{number}\n",
                "results/scores.csv": f"fold,accuracy\n1,0.{number}\n",
                "results/metrics_history.json": json.dumps({"metrics": {"loss": [3.0, 2.0 / number]}}),
            },
        )
        picture = BytesIO()
        Image.new("RGB", (60, 40), (90 * number, 80, 90)).save(picture, "png")
        (root / "results/plot.png").write_bytes(picture.getvalue())
        step = ("--name", "fit", "--input", "raw", "--output", "results", "--", "cp", "results.txt")
        workspace.batch("run", *step, "results/results.json")
        workspace.batch("snapshot", "-m", f"try {number}", f"T{number}")
        workspace.batch("label", f"T{number}", f"stage=s{number}")
    return workspace


@pytest.fixture(scope="module")
def server(project: User) -> Iterator[Served]:
    with served(project) as found:
        yield found


def visit(page: Page, path: str) -> None:
    page.goto(f"{page.url.split('#')[0]}#{path}")
    page.wait_for_selector(PAGES[path])
    if path.endswith("files"):
        page.click(".entry:has-text('scores.csv')")
        page.wait_for_selector(".file-view .plain")
    elif path.endswith("lineage"):
        page.focus("#graph")
        page.keyboard.press("ArrowRight")
        page.keyboard.press("Enter")
        page.wait_for_selector("#panel h2")
    elif path.startswith("/compare"):
        page.click(".difference .entry:has-text('a.csv')")
        page.wait_for_selector(".changes .cell-change")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(server: Served, browser: Browser, scheme: str) -> None:
    looked = Looked(browser, server.address, color_scheme=scheme)
    found = []
    for path in PAGES:
        visit(looked.page, path)
        for violation in Axe().run(looked.page).response["violations"]:
            nodes = [node["html"][:200] for node in violation["nodes"][:4]]
            found.append((path, violation["impact"], violation["id"], violation["help"], nodes))
    assert found == []
    assert looked.complaints == []
    looked.page.close()


def test_phone_needs_not_be_moved_sideways(server: Served, browser: Browser) -> None:
    looked = Looked(browser, server.address, viewport={"width": 375, "height": 700}, has_touch=True)
    for path in PAGES:
        visit(looked.page, path)
        looked.page.wait_for_timeout(300)
        wide = looked.page.evaluate(
            "document.scrollingElement.scrollWidth <= 375 ? [] : [...document.querySelectorAll('body *')]"
            ".filter((e) => e.getBoundingClientRect().right > 375 && !e.parentElement.closest('.scrolls'))"
            ".map((e) => e.outerHTML.slice(0, 100))"
        )
        assert wide == [], path
        assert looked.page.evaluate("document.scrollingElement.scrollWidth") <= 375, path
        cards = looked.page.locator(".run").evaluate_all("all => all.map((e) => e.getBoundingClientRect().right)")
        assert all(right <= 375 for right in cards), path
    looked.page.close()


def test_paper_has_what_is_shown_and_no_tools(server: Served, browser: Browser) -> None:
    looked = Looked(browser, server.address)
    page = looked.page
    for path in ("", "/snapshot/T2", "/compare/T1,T2"):
        visit(page, path)
        page.emulate_media(media="print")
        assert not page.locator("header.top").is_visible()
        assert page.pdf().startswith(b"%PDF")
        page.emulate_media(media="screen")
    looked.page.close()


def test_paper_has_rows_that_are_not_in_view(server: Served, browser: Browser) -> None:
    looked = Looked(browser, server.address, viewport={"width": 900, "height": 140})
    looked.page.wait_for_selector(".line")
    all_rows = int(looked.page.get_attribute(".grid", "aria-rowcount") or 0) - 1
    looked.page.evaluate(
        "window.addEventListener('beforeprint', () => window.onPaper = document.querySelectorAll('.line').length)"
    )
    looked.page.pdf()
    assert looked.page.evaluate("window.onPaper") == all_rows
    looked.page.close()


def test_comparison_has_files_matrices_and_rows_side_by_side(server: Served, browser: Browser) -> None:
    looked = Looked(browser, server.address)
    page = looked.page
    visit(page, "/compare/T1,T2")
    page.wait_for_function("document.querySelectorAll('.beside img').length === 2")
    matrices = page.locator(".matrix").all_inner_texts()
    assert [text.split() for text in matrices] == [["49", "1", "2", "40"], ["48", "2", "4", "40"]]
    assert page.locator(".roc polyline").count() == 2
    tables = page.locator(".beside .plain tbody").all_inner_texts()
    assert [text.split() for text in tables] == [["1", "0.1"], ["1", "0.2"]]
    assert page.locator(".changes del").all_inner_texts() == ["b1"]
    assert page.locator(".changes ins").all_inner_texts() == ["b2"]
    assert looked.complaints == []
    looked.page.close()
