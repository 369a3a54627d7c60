"""What is logged, on stderr."""

from __future__ import annotations

import logging

import click

from dataworkspaces.cli.text import escape, warning_label
from dataworkspaces.toolbox.logs import log


class _StderrHandler(logging.Handler):
    """Writes to what ``sys.stderr`` is when something is logged."""

    def emit(self, record: logging.LogRecord) -> None:
        prefix = f"{warning_label()} " if record.levelno == logging.WARNING else ""
        click.echo(prefix + escape(record.getMessage()), err=True)


def show_log(verbose: bool) -> None:
    """Show on stderr what is logged: warnings, or with ``verbose`` each thing that is done."""
    hide_log()
    log.addHandler(_StderrHandler())
    log.setLevel(logging.DEBUG if verbose else logging.WARNING)


def hide_log() -> None:
    """Undo :func:`show_log`."""
    for handler in [h for h in log.handlers if isinstance(h, _StderrHandler)]:
        log.removeHandler(handler)
    log.setLevel(logging.NOTSET)
