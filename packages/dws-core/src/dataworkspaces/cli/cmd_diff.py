"""``dws diff``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from dataworkspaces.cli.param_types import SnapshotName
from dataworkspaces.cli.session import Session, common_options, json_option, pass_session

if TYPE_CHECKING:
    from dataworkspaces.commands.diff import ResourceDiff, SnapshotDiff, ValueDiff
    from dataworkspaces.workspace import SnapshotMetadata


@click.command()
@click.argument("first", metavar="SNAPSHOT1", type=SnapshotName())
@click.argument("second", metavar="SNAPSHOT2", type=SnapshotName())
@json_option
@common_options
@pass_session
def diff(session: Session, first: str, second: str, as_json: bool) -> None:
    """Compare two snapshots, each named by tag or hash.

    Shows which resources differ, and in which files; and the parameters and metrics of results that differ.
    """
    from dataworkspaces.cli.render import print_json
    from dataworkspaces.commands.diff import diff_command

    found = diff_command(session.open_workspace(reading=True), first, second)
    if as_json:
        print_json(found.to_json())
    else:
        _print_diff(found)


def _print_diff(found: SnapshotDiff) -> None:
    from dataworkspaces.cli.render import Table, print_table
    from dataworkspaces.cli.text import escape, snapshot_name

    click.echo(f"From {escape(snapshot_name(found.first))} to {escape(snapshot_name(found.second))}")
    click.echo()
    print_table(Table("Resources", ["Resource", "State"], [(r.name, _state(r)) for r in found.resources]))
    for resource in found.resources:
        if resource.files:
            click.echo()
            click.echo(f"Files of {escape(resource.name)}")
            for change in resource.files:
                click.echo(f"  {change.status:<8}  {escape(change)}")
    names = ["Name", _column(found.first), _column(found.second)]
    if names[1] == names[2]:
        names[1:] = [found.first.hashval[:12], found.second.hashval[:12]]
    for results in found.results:
        for title, values in (("Parameters", results.parameters), ("Metrics", results.metrics)):
            if values:
                click.echo()
                print_table(Table(f"{title} of {results.resource}", names, [_row(value) for value in values]))


def _state(resource: ResourceDiff) -> str:
    from dataworkspaces.cli.text import plural

    return resource.state if resource.files is None else f"{resource.state}: {plural(len(resource.files), 'file')}"


def _column(snapshot: SnapshotMetadata) -> str:
    return snapshot.tags[0] if snapshot.tags else snapshot.hashval[:7]


def _row(value: ValueDiff) -> tuple[str, str, str]:
    from dataworkspaces.cli.render import on_terminal
    from dataworkspaces.cli.text import value_text

    # A person wants short numbers, but not so short that what differs looks the same.
    exact = not on_terminal() or value_text(value.first) == value_text(value.second)
    first = "" if value.state == "added" else value_text(value.first, exact=exact)
    second = "" if value.state == "removed" else value_text(value.second, exact=exact)
    return value.name, first, second
