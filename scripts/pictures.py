"""Make the pictures of the documentation: `pictures.py` runs what `dws demo` makes, and draws what a user sees.

In an environment with the distributions and the dependency groups `test` and `notebooks`. `pictures.py terminal` makes
the pictures of the terminal alone, `pictures.py web` those of the browser, which need Chromium.
"""

from __future__ import annotations

import fcntl
import io
import os
import pty
import re
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import termios
from pathlib import Path

from environment import ROOT
from picture_workspaces import make_demo, make_pipeline, run, use_own_programs
from playwright.sync_api import Browser, Page, sync_playwright
from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console
from rich.text import Text

PICTURES = ROOT / "docs" / "pictures"
WITHOUT_FONTS = re.sub(r" *@font-face \{\{.*?\n *\}\}\n", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL)
"""The picture takes a font that is there, and fetches none."""
CHROMIUM = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]


def main(kinds: list[str]) -> None:
    PICTURES.mkdir(exist_ok=True)
    use_own_programs()
    with tempfile.TemporaryDirectory() as directory:
        demo = make_demo(Path(directory, "demo"))
        if "terminal" in kinds:
            draw_terminal(demo, "history", "dws history", columns=100)
            pipeline = make_pipeline(Path(directory, "pipeline"))
            for name, command in SCREENS.items():
                draw_terminal(pipeline, name, command)
        if "web" in kinds:
            draw_browser(demo)


SCREENS = {"status": "dws status", "steps": "dws steps", "diff": "dws diff PCA-10 PCA-30"}


def draw_browser(demo: Path) -> None:
    run(demo, "dws lineage graph --snapshot SVC-1 lineage.html")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=CHROMIUM)
        page = browser.new_page(viewport={"width": 1100, "height": 440})
        draw_graph(page, demo / "lineage.html", PICTURES / "graph.png")
        draw_web(browser, demo)
        browser.close()


def draw_terminal(cwd: Path, name: str, command: str, columns: int = 84) -> None:
    """A command in a terminal, with its colours."""
    console = Console(record=True, width=columns, file=io.StringIO(), force_terminal=True)
    console.print(Text.assemble(("$ ", "bold green"), command))
    console.print(Text.from_ansi(on_terminal(cwd, command, columns)))
    console.save_svg(str(PICTURES / f"{name}.svg"), title="", unique_id=name, code_format=WITHOUT_FONTS)


def on_terminal(cwd: Path, command: str, columns: int) -> str:
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    env = {**os.environ, "TERM": "xterm-256color"}
    process = subprocess.Popen(["sh", "-c", command], cwd=cwd, stdin=theirs, stdout=theirs, stderr=theirs, env=env)
    os.close(theirs)
    seen = b""
    try:
        while part := os.read(ours, 65536):
            seen += part
    except OSError:  # how Linux says that the other end has been closed
        pass
    os.close(ours)
    process.wait()
    return seen.decode().replace("\r\n", "\n")


def draw_graph(page: Page, file: Path, target: Path) -> None:
    page.goto(file.as_uri())
    page.wait_for_selector("body[data-ready]")
    page.screenshot(path=target)


def draw_web(browser: Browser, workspace: Path) -> None:
    """The table of experiments, and the page of a snapshot."""
    for gamma in ("0.0005", "0.002", "0.004"):
        change = f"s/gamma=[0-9.]+/gamma={gamma}/"
        run(workspace, f"sed -i -E '{change}' code/digits-svc.py && python code/digits-svc.py")
        run(workspace, "dws", "snapshot", "-m", f"support vectors, gamma {gamma}", f"SVC-{gamma[2:]}")
    run(workspace, "dws label SVC-1 stage=production")
    command = ["dws", "web", "--no-open"]
    env = {**os.environ, "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(command, cwd=workspace, env=env, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            address = server.stdout.readline().split()[-1]
            page = browser.new_page(viewport={"width": 1240, "height": 460})
            page.goto(address)
            page.wait_for_selector(".line")
            page.screenshot(path=PICTURES / "web.png")
            page.set_viewport_size({"width": 1240, "height": 700})
            page.click(".line a:has-text('SVC-1')")
            page.wait_for_selector(".tile")
            page.screenshot(path=PICTURES / "web-snapshot.png")
        finally:
            server.send_signal(signal.SIGINT)


if __name__ == "__main__":
    main(sys.argv[1:] or ["terminal", "web"])
