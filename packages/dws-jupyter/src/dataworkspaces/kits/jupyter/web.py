"""The pages of ``dws web`` in a cell."""

from __future__ import annotations

import subprocess
import sys
from contextlib import suppress
from html import escape
from pathlib import Path
from select import select
from tempfile import TemporaryFile
from urllib.parse import quote

from IPython.core.error import UsageError
from IPython.display import HTML, display

from dataworkspaces.kits.jupyter.tables import DARK_GROUNDS

_SECONDS = 60
_STYLE = f"{', '.join(f'{ground} .dws-web' for ground in DARK_GROUNDS)} {{ color-scheme: dark !important; }}"


class WebServer:
    """A ``dws web`` of this kernel, which ends with it: whatever ends the kernel closes the pipe that it waits at."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None
        self._place: tuple[str | None, Path] | None = None
        self._address = ""

    def address(self, place: str | None) -> str:
        """Where the pages of a workspace are served; they are served from now on.

        :param place: its directory; None: that of the current directory. Raises UsageError if they cannot be served."""
        is_there = self._process is not None and self._process.poll() is None
        if not is_there or (place, Path.cwd()) != self._place:  # the notebook may have gone elsewhere
            self.stop()
            self._start(place)
            self._place = place, Path.cwd()
        return self._address

    def stop(self) -> None:
        if self._process is not None and self._process.stdin is not None:
            with suppress(OSError):
                self._process.stdin.close()
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(10)
            if self._process.poll() is None:
                self._process.kill()
            if self._process.stdout is not None:
                self._process.stdout.close()
        self._process = None

    def _start(self, place: str | None) -> None:
        workspace = [] if place is None else ["--workspace-dir", place]
        command = [sys.executable, "-m", "dataworkspaces.cli.main", "web", *workspace, "--frame"]
        with TemporaryFile("w+", errors="replace") as errors:  # a pipe that nobody reads would fill
            process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True, start_new_session=True
            )
            assert process.stdout is not None
            said = process.stdout.readline().strip() if select([process.stdout], [], [], _SECONDS)[0] else ""
            self._process, self._address = process, said
            if said.startswith("http://127.0.0.1:"):
                return
            process.kill()
            process.wait()
            self.stop()
            errors.seek(0)
            told = [line for line in errors.read().splitlines() if line.strip()]
        if any("No such command" in line for line in told):
            raise UsageError("dws_web: dws-web is not installed. Install it with: pip install dws-web")
        raise UsageError(f"dws_web: {' '.join(told).removeprefix('error: ') or 'The pages cannot be served'}")


def show_web(server: WebServer, place: str | None, page: str, name: str | None, height: int) -> None:
    """Show a page in the output of the cell.

    :param page: ``""`` for the table, ``live``, or ``snapshot``, of which the tag or hash is ``name``."""
    address = server.address(place)
    path = f"#/{page}" if name is None else f"#/{page}/{quote(name, safe='')}"
    shown = escape(address + path)
    frame = (
        f'<iframe class="dws-web" title="Experiments" width="100%" height="{height}" src="{shown}" '
        'allow="clipboard-write" style="border: 1px solid #8884; color-scheme: light"></iframe>'
    )
    told = (
        f'<p style="font-size: 85%"><a href="{shown}" target="_blank" rel="noopener">Open it in a tab</a>. '
        "It is served on the machine of the kernel until the kernel ends.</p>"
    )
    display(HTML(f"<div><style>{_STYLE}</style>{frame}{told}</div>"))  # type: ignore[no-untyped-call]
