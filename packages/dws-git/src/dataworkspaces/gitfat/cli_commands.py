"""The subcommands of ``git-fat``."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from dataworkspaces.gitfat import commands
from dataworkspaces.gitfat.repository import FatRepository


@click.group()
def fat() -> None:
    """Keep large files out of git: it holds their hashes, and their content is sent and fetched with rsync.

    Which files are meant is said in .gitattributes ('*.gz filter=fat -crlf'), and where their content is kept in
    .gitfat ('[rsync] remote = HOST:PATH').
    """


@fat.command()
def init() -> None:
    """Set up this clone: tell git of the filters."""
    commands.init(_here())


@fat.command()
@click.option("--all", "all_history", is_flag=True, help="What any commit refers to, not only HEAD.")
def status(all_history: bool) -> None:
    """Show objects that are missing here, and those that nothing refers to."""
    found = commands.status(_here(), all_history=all_history)
    for title, names in (("Orphan objects", found.missing), ("Garbage objects", found.unreferenced)):
        if names:
            click.echo(f"{title}:")
            for name in names:
                click.echo(f"    {name}")


@fat.command()
@click.option("--all", "all_history", is_flag=True, help="What any commit refers to, not only HEAD.")
def push(all_history: bool) -> None:
    """Send the objects that the remote lacks."""
    sent = commands.push(_here(), all_history=all_history, progress=_progress)
    click.echo(f"Sent {_count(len(sent))}" if sent else "The remote has all objects")


@fat.command()
@click.option("--all", "all_history", is_flag=True, help="What any commit refers to, not only HEAD.")
@click.argument("patterns", nargs=-1)
def pull(all_history: bool, patterns: tuple[str, ...]) -> None:
    """Fetch the objects that are missing, and write their files.

    With PATTERNS ('data/*.gz', 'data') only the files that fit one of them.
    """
    pulled = commands.pull(_here(), patterns, all_history=all_history, progress=_progress)
    click.echo(f"Fetched {_count(len(pulled.fetched))}, wrote {len(pulled.written)} files")
    if pulled.missing:
        raise commands.missing_error(pulled.missing)


@fat.command()
@click.argument("patterns", nargs=-1)
def checkout(patterns: tuple[str, ...]) -> None:
    """Write the files whose objects are here."""
    click.echo(f"Wrote {len(commands.checkout(_here(), patterns))} files")


@fat.command()
def gc() -> None:
    """Delete the objects that nothing refers to any more."""
    click.echo(f"Deleted {_count(len(commands.gc(_here())))}")


@fat.command()
def verify() -> None:
    """Look whether each object's content is what its name says."""
    broken = commands.verify(_here())
    for name in broken:
        click.echo(f"Corrupted object: {name}")
    if broken:
        sys.exit(1)


def _here() -> FatRepository:
    return FatRepository.find(Path.cwd(), by_hand=True)


def _count(number: int) -> str:
    return f"{number} object{'' if number == 1 else 's'}"


@contextmanager
def _progress(description: str, total: int | None, unit: str) -> Iterator[Callable[[int], None]]:
    if not sys.stderr.isatty():
        yield lambda _number: None
        return
    with click.progressbar(length=total or 1, label=description, file=sys.stderr) as bar:
        yield bar.update
