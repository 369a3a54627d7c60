"""Prompts, messages and progress on a terminal.

Warnings and progress go to stderr. A question goes there too if somebody can see it there, so that stdout can be
redirected; if not, it goes to stdout, and stderr is left for what goes wrong.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from dataworkspaces.cli.text import escape, warning_label
from dataworkspaces.errors import ConfigurationError
from dataworkspaces.workspace.interaction import Advance, BatchInteraction

if TYPE_CHECKING:
    from rich.progress import Progress

PROGRESS_DELAY = 0.5
"""Seconds before a progress bar is worth its lines, and the time to import what draws it."""


class TerminalInteraction:
    """Asks the user, unless in ``batch``. ``to_stderr`` keeps stdout free of what is told; with ``yes`` the
    answer to what the option ``--yes`` answers is yes."""

    def __init__(self, *, batch: bool, to_stderr: bool = False, yes: bool = False) -> None:
        self._yes = yes
        self._batch = BatchInteraction() if batch else None
        self._to_stderr = to_stderr

    @property
    def can_ask(self) -> bool:
        return self._batch is None and sys.stdin is not None and sys.stdin.isatty()

    def confirm(self, question: str, *, default: bool, option: str | None = None) -> bool:
        if self._yes and option == "--yes":
            return True
        if self._batch is not None:
            return self._batch.confirm(question, default=default, option=option)
        with self._input_may_end(question, option):
            return click.confirm(escape(question), default=default, err=self._asks_on_stderr)

    def ask(self, question: str, *, default: str | None = None, option: str | None = None) -> str:
        if self._batch is not None:
            return self._batch.ask(question, default=default, option=option)
        with self._input_may_end(question, option):
            answer: str = click.prompt(escape(question), default=default, err=self._asks_on_stderr, type=str)
        return answer.strip()

    def warn(self, message: str) -> None:
        click.echo(f"{warning_label()} {escape(message)}", err=True)

    def tell(self, message: str) -> None:
        click.echo(escape(message), err=self._to_stderr)

    @contextmanager
    def progress(self, description: str, total: int | None, unit: str = "files") -> Iterator[Advance]:
        if not sys.stderr.isatty():
            yield lambda _n: None
            return
        bar = _LateBar(escape(description), total, unit)
        try:
            yield bar.advance
        finally:
            bar.stop()

    @property
    def _asks_on_stderr(self) -> bool:
        return self._to_stderr or sys.stderr.isatty()

    @contextmanager
    def _input_may_end(self, question: str, option: str | None) -> Iterator[None]:
        """click has one exception for Ctrl-C and for the end of the input; they are different things."""
        try:
            yield
        except click.Abort as e:
            if isinstance(e.__context__, EOFError):
                click.echo(err=self._asks_on_stderr)  # ends the line of the prompt; after Ctrl-C click does it
                how = f"Answer with {option}, or use --batch" if option else "Run it in a terminal, or with --batch"
                raise ConfigurationError(f"No answer to '{question}': the input has ended", hint=how) from None
            raise KeyboardInterrupt from None


class _LateBar:
    """A progress bar on stderr that appears only if the work takes long."""

    def __init__(self, description: str, total: int | None, unit: str) -> None:
        self._description = description
        self._total = total
        self._unit = unit
        self._done = 0
        self._is_over = False
        self._progress: Progress | None = None
        self._task: Any = None
        self._lock = threading.Lock()
        self._timer = threading.Timer(PROGRESS_DELAY, self._show)
        self._timer.daemon = True
        self._timer.name = "dws-progress"
        self._timer.start()

    def advance(self, count: int) -> None:
        with self._lock:
            self._done += count
            if self._progress is not None:
                self._progress.update(self._task, completed=self._done)

    def stop(self) -> None:
        self._timer.cancel()
        with self._lock:
            self._is_over = True
            if self._progress is not None:
                self._progress.stop()

    def _show(self) -> None:
        with self._lock:
            if not self._is_over:
                self._draw()

    def _draw(self) -> None:
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            DownloadColumn,
            MofNCompleteColumn,
            ProgressColumn,
            TextColumn,
            TimeRemainingColumn,
        )
        from rich.progress import Progress as RichProgress

        count: list[ProgressColumn]
        if self._unit == "bytes":
            count = [DownloadColumn()]
        else:
            count = [MofNCompleteColumn(), TextColumn(self._unit, markup=False)]
        self._progress = RichProgress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=None),
            *count,
            TimeRemainingColumn(),
            console=Console(stderr=True),
            transient=True,
        )
        self._task = self._progress.add_task(self._description, total=self._total, completed=self._done)
        self._progress.start()
