"""``dws demo``: the workspace of the Quick Start, on the digits that scikit-learn ships."""

from __future__ import annotations

import os
import shlex
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from dataworkspaces.errors import ConfigurationError, NotFoundError

COMMANDS = """\
python code/digits-svc.py
dws snapshot -m "support vectors" SVC-1
python code/digits-lr.py
dws snapshot -m "logistic regression" LR-1
dws history
dws history --where 'accuracy > 0.95'
dws diff SVC-1 LR-1
dws restore SVC-1
"""


@click.command()
@click.argument("directory", metavar="DIR", type=click.Path(file_okay=False, path_type=Path))
@click.pass_context
def demo(ctx: click.Context, directory: Path) -> None:
    """Make DIR a workspace to try things in: scikit-learn's handwritten digits, and two scripts that learn them.

    \b
    Example:
      dws demo digits
    """
    from dataworkspaces.kits.demo_files import write_digits, write_scripts

    session: Any = ctx.obj
    session.batch = True  # The name of the host is not worth a question here.
    with _new_directory(directory), _inside(directory):
        ctx.invoke(_command(ctx, "init"), create_resources=["source-data", "code", "results"])
        write_digits(Path("source-data"))
        write_scripts(Path("code"))
    interaction = session.interaction()
    interaction.tell("Now try:")
    for line in (f"cd {shlex.quote(str(directory))}", *COMMANDS.splitlines()):
        interaction.tell(f"  {line}")


def _command(ctx: click.Context, name: str) -> click.Command:
    root = ctx.find_root().command
    command = root.get_command(ctx, name) if isinstance(root, click.Group) else None
    if command is None:
        raise NotFoundError(f"There is no command '{name}'", hint="Start it as: dws demo DIR")
    return command


@contextmanager
def _new_directory(directory: Path) -> Iterator[None]:
    """Make a directory; if what is done in it fails, it is as before."""
    was_there = directory.is_dir()
    if was_there and any(directory.iterdir()):
        raise ConfigurationError(f"{directory} is not empty", hint="Name a new directory: dws demo DIR")
    directory.mkdir(parents=True, exist_ok=True)
    try:
        yield
    except BaseException:
        shutil.rmtree(directory, ignore_errors=True)
        if was_there:
            directory.mkdir(exist_ok=True)
        raise


@contextmanager
def _inside(directory: Path) -> Iterator[None]:
    before = Path.cwd()
    os.chdir(directory)
    try:
        yield
    finally:
        os.chdir(before)
