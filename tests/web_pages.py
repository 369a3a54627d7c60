"""A real `dws web`, and a page of it in a real browser, with all that the page complained of."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from endtoend import User, program
from playwright.sync_api import Browser, Page

CHROMIUM = shutil.which("chromium")
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]


class Served:
    """A server that runs."""

    def __init__(self, process: subprocess.Popen[str], said: str) -> None:
        self.process = process
        self.said = said
        found = re.search(r"http://127\.0\.0\.1:(\d+)/\?token=\S+", said)
        assert found is not None, said
        self.address = found[0]
        self.port = int(found[1])

    def stop(self) -> str:
        """Ctrl-C; what was told then."""
        self.process.send_signal(signal.SIGINT)
        return self.process.communicate(timeout=30)[1]


@contextmanager
def served(user: User, *arguments: str) -> Iterator[Served]:
    process = subprocess.Popen(
        [program("dws"), "web", "--no-open", *arguments],
        cwd=user.cwd,
        env={**user.env, "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        yield Served(process, process.stdout.readline())
    finally:
        if process.poll() is None:
            os.kill(process.pid, signal.SIGTERM)
            process.communicate(timeout=30)
        for stream in (process.stdout, process.stderr):
            if stream is not None:
                stream.close()


class Looked:
    """A page in the browser. What it complained of, and what it asked of others, has to be nothing."""

    def __init__(self, browser: Browser, address: str, **options: Any) -> None:
        self.page: Page = browser.new_page(**{"viewport": {"width": 1280, "height": 800}, **options})
        self.complaints: list[str] = []
        self.requests: list[str] = []
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("dialog", lambda dialog: (self.complaints.append(dialog.message), dialog.dismiss()))
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.goto(address)
        self.page.wait_for_selector(".line, .empty")

    def names(self) -> list[str]:
        """Of the rows in view, in their order."""
        return [
            name
            for _, name in sorted(
                self.page.evaluate(
                    "[...document.querySelectorAll('.line:not(.group)')].map((line) =>"
                    " [Number(line.ariaRowIndex), line.querySelector('.name a').textContent])"
                )
            )
        ]

    def column(self, name: str) -> list[str]:
        """The texts of a column, from top to bottom."""
        heads = self.page.locator(".grid-head .cell").all_inner_texts()
        (place,) = [n for n, text in enumerate(heads) if text.split("\n")[-1].strip() == name]
        return [
            text
            for _, text in sorted(
                self.page.evaluate(
                    "(place) => [...document.querySelectorAll('.line:not(.group)')].map((line) =>"
                    " [Number(line.ariaRowIndex), line.children[place].innerText.trim()])",
                    place,
                )
            )
        ]
