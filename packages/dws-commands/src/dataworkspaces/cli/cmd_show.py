"""``dws show``."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

import click

from dataworkspaces.cli.pager import paged, pager_option
from dataworkspaces.cli.param_types import SnapshotName
from dataworkspaces.cli.session import Session, common_options, json_option, pass_session

if TYPE_CHECKING:
    from dataworkspaces.commands.show import ShownSnapshot


@click.command()
@click.argument("snapshot", metavar="[SNAPSHOT]", type=SnapshotName(), required=False)
@click.option("--precision", metavar="N", type=click.IntRange(0, 17), help="Digits after the decimal point.")
@pager_option
@json_option
@common_options
@pass_session
def show(session: Session, snapshot: str | None, precision: int | None, no_pager: bool, as_json: bool) -> None:
    """Describe one snapshot: resources, steps, parameters and metrics.

    Without SNAPSHOT, describes the one that the present state matches or comes from.

    \b
    Example:
      dws show SVC-1
    """
    from dataworkspaces.cli.render import print_json
    from dataworkspaces.commands.show import show_command

    found = show_command(session.open_workspace(reading=True), snapshot)
    if as_json:
        print_json(found.to_json())
    else:
        with paged(no_pager):
            _print(found, precision)


def _print(found: ShownSnapshot, precision: int | None) -> None:
    from dataworkspaces.cli.render import Column, Styled, Table, print_table
    from dataworkspaces.cli.text import escape, short_hash, snapshot_name
    from dataworkspaces.commands.experiment_table import author_of

    snapshot = found.snapshot
    click.echo(f"Snapshot {escape(snapshot_name(snapshot))}")
    facts = {
        "Created": snapshot.taken_at,
        "Author": author_of(snapshot),
        "Host": snapshot.hostname,
        "Parents": ", ".join(map(short_hash, snapshot.parents or ())),
        "Labels": ", ".join(f"{key}={value}" for key, value in snapshot.labels.items()),
        "Results": snapshot.relative_destination_path,
    }
    for name, text in facts.items():
        if text:
            click.echo(f"{name + ':':<9} {escape(text)}")
    for attestation in found.attestations:
        click.echo(f"Attested: {escape(attestation.describe())}")
    if snapshot.description:
        click.echo()
        for line in snapshot.description.splitlines():
            click.echo(f"    {escape(line)}")
    looks = {"different": "yellow", "added": "green"}
    rows: list[Any] = [
        [
            r.name,
            r.role,
            r.resource_type,
            (r.compare_hash or "")[:8],
            Styled(r.change, looks.get(r.change, "")) if r.restorable else f"{r.change}, not restorable".lstrip(", "),
        ]
        for r in found.resources
    ]
    columns: list[Column | str] = [
        "Resource",
        Column("Role", fixed=True),
        Column("Type", fixed=True),
        Column("Hash", fixed=True),
    ]
    click.echo()
    print_table(Table("Resources", [*columns, "Change"], rows))
    if found.steps:
        click.echo()
        steps = [
            (s.step_name, s.start_time.isoformat(" ", "seconds"), shlex.join(s.command_line or ())) for s in found.steps
        ]
        print_table(Table("Steps", ["Step", Column("Started", fixed=True), Column("Command", least=20)], steps))
    for title, values in (("Parameters", found.parameters), ("Metrics", found.metrics)):
        if values:
            click.echo()
            shown = [(name, _text(value, precision)) for name, value in values.items()]
            print_table(Table(title, ["Name", Column("Value", numeric=True)], shown))


def _text(value: Any, precision: int | None) -> str:
    from dataworkspaces.cli.text import number, value_text

    return number(value, precision) if isinstance(value, float) else value_text(value)
