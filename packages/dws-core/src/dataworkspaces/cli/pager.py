"""A pager, where git would use one: on a terminal, for what is longer than its screen."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])

pager_option = click.option("--no-pager", is_flag=True, help="Never show the output in a pager.")


@contextmanager
def paged(no_pager: bool = False) -> Iterator[None]:
    """Show what is printed meanwhile in a pager, if git would: ``GIT_PAGER`` or ``PAGER``, else ``less``, on a terminal
    and if it does not fit on the screen."""
    out = sys.stdout
    program = os.environ.get("GIT_PAGER", os.environ.get("PAGER", "less"))
    if no_pager or program in ("", "cat") or not (out.isatty() and sys.stdin is not None and sys.stdin.isatty()):
        yield
        return
    kept = _Screen(out.encoding)
    sys.stdout = kept
    try:
        yield
    finally:
        sys.stdout = out
        _show(kept.getvalue(), program)


def _show(text: str, program: str) -> None:
    import shutil

    if text.count("\n") < shutil.get_terminal_size().lines:
        click.echo(text, nl=False, color=True)
        return
    before = {name: os.environ.get(name) for name in ("PAGER", "LESS")}
    try:
        os.environ["PAGER"] = program
        os.environ.setdefault("LESS", "FRX")  # as git has it: colours, and the text stays on the screen
        click.echo_via_pager(text, color=True)
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


class _Screen(io.StringIO):
    """What is printed, with all that a terminal gets."""

    def __init__(self, encoding: str) -> None:
        super().__init__()
        self._of_terminal = encoding

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return self._of_terminal

    def isatty(self) -> bool:
        return True
