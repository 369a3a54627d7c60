"""JupyterLab and Notebook 7 in Chromium, with a light and a dark theme: Run All with every magic."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from endtoend import User
from jupyter_notebooks import CELLS, Executed, add_data, write_notebook
from jupyter_server_process import TOKEN, jupyter_server
from PIL import Image
from playwright.sync_api import Page, sync_playwright

CHROMIUM = shutil.which("chromium")
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
MILLISECONDS = 90_000
FRAME = 'iframe[title="Lineage graph"]'
WEB = 'iframe[title="Experiments"]'
STEP_COLORS = {"light": (0x33, 0x42, 0x5A), "dark": (0xC9, 0xD4, 0xE2)}

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium: apt-get install chromium"),
]


@pytest.fixture
def server(workspace: User) -> Iterator[str]:
    """The address of a server that shows the workspace."""
    add_data(workspace)
    exposed = [f"--{name}.expose_app_in_browser=True" for name in ("JupyterNotebookApp", "LabApp")]
    with jupyter_server(workspace, "notebook", *exposed) as address:
        yield address


def set_theme(user: User, theme: str) -> None:
    settings = Path(user.env["HOME"], ".jupyter/lab/user-settings/@jupyterlab/apputils-extension")
    settings.mkdir(parents=True)
    (settings / "themes.jupyterlab-settings").write_text(json.dumps({"theme": theme}))
    quiet = {"fetchNews": "false", "checkForUpdates": False}
    (settings / "notification.jupyterlab-settings").write_text(json.dumps(quiet))


def run_all(page: Page) -> None:
    page.wait_for_selector(".jp-NotebookPanel .jp-Cell", timeout=MILLISECONDS)
    # Idle, not merely connected: what is run before is lost.
    page.wait_for_selector('.jp-Notebook-ExecutionIndicator[data-status="idle"]', timeout=MILLISECONDS)
    # JupyterLab may ask which kernel, though the notebook says it.
    select = page.locator(".jp-Dialog button.jp-mod-accept")
    page.add_locator_handler(select, lambda button: button.click())
    first_prompt = page.locator(".jp-InputPrompt").first
    for _ in range(60):
        # A cell that is to run has a star, until it has run. The question for the kernel, which may come late, makes
        # JupyterLab forget to run it.
        prompt = first_prompt.inner_text().strip()
        if prompt == "[1]:":
            return
        if prompt == "[ ]:":
            page.click('.lm-MenuBar-item:has-text("Run")')
            page.click('.lm-Menu-item[data-command="runmenu:run-all"]')
        page.wait_for_timeout(1500)
    raise AssertionError("no cell runs")


def wait_saved(page: Page, notebook: Path) -> Executed:
    """Save until the file has the last cell's output."""
    for _ in range(100):
        page.locator(".jp-NotebookPanel .jp-Notebook").first.click(position={"x": 5, "y": 5})
        page.keyboard.press("Control+s")
        page.wait_for_timeout(500)
        try:
            executed = Executed(notebook)
        except ValueError:  # it is being written
            continue
        errors = [o for outputs in executed.cells.values() for o in outputs if o["output_type"] == "error"]
        assert not errors, errors
        if executed.text("end"):
            return executed
    take_picture_of(page, "failed")
    raise AssertionError("the last cell has not run")


@pytest.mark.parametrize("view", ["lab/tree", "notebooks"], ids=["lab", "notebook"])
def test_run_all(workspace: User, server: str, view: str) -> None:
    set_theme(workspace, "JupyterLab Light")
    notebook = write_notebook(workspace.cwd / "code" / "experiment.ipynb", CELLS)
    complaints: list[str] = []
    looks = {}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        # The front end's theme counts, whatever the browser prefers.
        page: Any = browser.new_page(viewport={"width": 1280, "height": 1000}, color_scheme="null")
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(f"{server}/{view}/code/experiment.ipynb?token={TOKEN}", timeout=MILLISECONDS)
        run_all(page)
        executed = wait_saved(page, notebook)
        page.locator(WEB).scroll_into_view_if_needed()
        page.frame_locator(WEB).locator("h1:has-text('Live')").wait_for(timeout=MILLISECONDS)
        page.frame_locator(WEB).locator("nav a:has-text('Experiments')").click()
        page.frame_locator(WEB).locator(".line").first.wait_for(timeout=MILLISECONDS)
        for theme in ("Light", "Dark"):
            page.evaluate(f"jupyterapp.commands.execute('apputils:change-theme', {{ theme: 'JupyterLab {theme}' }})")
            page.wait_for_selector(
                f"body[data-jp-theme-light='{str(theme == 'Light').lower()}']", state="attached", timeout=MILLISECONDS
            )
            looks[theme] = look_at(page, theme.lower())
            take_pictures(page, f"{view.partition('/')[0]}-{theme.lower()}")
        browser.close()
    assert "is_notebook True step experiment variable" in executed.text("runs")
    assert str(notebook) in executed.text("runs")
    assert "holds experiment.ipynb as it was last saved" in executed.text("runs")
    assert looks == {"Light": "rgb(26, 127, 55)", "Dark": "rgb(86, 211, 100)"}
    assert [c for c in complaints if "dws" in c or "cytoscape" in c] == []


def look_at(page: Page, theme: str) -> str:
    """The colour of a metric that is better, once the graph is there in the theme too."""
    page.locator(FRAME).scroll_into_view_if_needed()  # a frame out of sight does not draw
    page.frame_locator(FRAME).locator(f"html[data-theme={theme}] body[data-ready]").wait_for(timeout=MILLISECONDS)
    wait_drawn(page, STEP_COLORS[theme])
    better = "Array.from(document.querySelectorAll('td.dws-better'), e => getComputedStyle(e).color)[0]"
    return str(page.evaluate(better))


def wait_drawn(page: Page, color: tuple[int, int, int]) -> None:
    """Until the step is seen in the frame; in the legend its colour has far fewer pixels."""
    for _ in range(100):
        picture = Image.open(BytesIO(page.locator(FRAME).screenshot(timeout=MILLISECONDS))).convert("RGB")
        pixels = {seen: count for count, seen in picture.getcolors(picture.width * picture.height)}
        if pixels.get(color, 0) > 4000:
            return
        page.wait_for_timeout(500)
    take_picture_of(page, "not-drawn")
    raise AssertionError("the graph is not drawn")


def take_pictures(page: Page, name: str) -> None:
    """For people who look: set DWS_TEST_PICTURES to a directory."""
    directory = os.environ.get("DWS_TEST_PICTURES")
    if directory is None:
        return
    page.wait_for_timeout(1000)
    page.screenshot(path=f"{directory}/{name}-graph.png")
    for cell in ("dws-heat", "dws-better"):
        page.locator(f"td.{cell}").first.scroll_into_view_if_needed()
        page.wait_for_timeout(300)
        page.screenshot(path=f"{directory}/{name}-{cell}.png")


def take_picture_of(page: Page, name: str) -> None:
    directory = os.environ.get("DWS_TEST_PICTURES")
    if directory is not None:
        page.screenshot(path=f"{directory}/{name}.png")
