"""``dws status``, also ``dws report status``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import click

from dataworkspaces.cli.cmd_history import limit_option, print_snapshots
from dataworkspaces.cli.session import Session, common_options, json_option, pass_session

if TYPE_CHECKING:
    from dataworkspaces.commands.report import ResourceStatus, StatusReport
    from dataworkspaces.workspace import OriginState

LISTED = 10
"""So many unchanged resources are listed; more of them are counted."""
_PARAMETERS = 3
"""The place of that column."""
_LOOKS = {"changed": "yellow", "new": "green", "missing": "red"}


@click.command(short_help="Show where you are, and what has changed")
@click.option("--all", "list_all", is_flag=True, help="List all unchanged resources too.")
@click.option("--history", "with_history", is_flag=True, help="Also list the snapshots, as 'dws history' does.")
@limit_option
@json_option
@common_options
@pass_session
def status(session: Session, list_all: bool, with_history: bool, limit: int | None, as_json: bool) -> None:
    """Show where you are: the snapshot that the present state matches or comes from, what has changed since, the
    branch, and what the origin lacks, as far as that is known without contacting it.

    \b
    Example:
      dws status
    """
    from dataworkspaces.cli.render import print_json
    from dataworkspaces.commands.report import status_report

    workspace = session.open_workspace(reading=True)
    found = status_report(workspace)
    if as_json:
        print_json(found.to_json())
        return
    _print_status(found, list_all)
    if with_history:
        from dataworkspaces.commands.history import history_report

        click.echo()
        print_snapshots(history_report(workspace, limit))


def _print_status(found: StatusReport, list_all: bool) -> None:
    from dataworkspaces.cli.render import Column, Styled, Table, columns_that_fit, print_table
    from dataworkspaces.cli.text import escape, plural

    for line in _where(found):
        click.echo(escape(line))
    unchanged = [r for r in found.resources if r.change is not None and r.change.state == "unchanged" and not r.origin]
    is_folded = not list_all and len(unchanged) > LISTED
    folded = {r.name for r in unchanged} if is_folded else set()
    shown = [r for r in found.resources if r.name not in folded]
    columns: list[Column | str] = [
        "Resource",
        Column("Role", fixed=True),
        Column("Type", fixed=True),
        Column("Parameters", least=28),
    ]
    rows: list[list[Any]] = [[r.name, r.role, r.resource_type, _parameters(r.parameters)] for r in shown]
    if found.snapshot is not None:
        columns.append(Column("Since then", least=20))
        for row, resource in zip(rows, shown, strict=True):
            state = "" if resource.change is None else resource.change.state
            row.append(Styled(_change(resource), _LOOKS.get(state, "")))
    if any(resource.origin for resource in shown):
        columns.append("Origin")
        for row, resource in zip(rows, shown, strict=True):
            row.append(resource.origin)
    click.echo()
    if rows:
        # The parameters are what one knows, and need much room.
        ranks = [0 if i == _PARAMETERS else None for i in range(len(columns))]
        places = columns_that_fit([c if isinstance(c, Column) else Column(c) for c in columns], rows, ranks)
        cells = [[row[i] for i in places] for row in rows]
        print_table(Table(f"Resources for workspace: {found.workspace}", [columns[i] for i in places], cells))
    if is_folded:
        click.echo(f"Unchanged: {plural(len(unchanged), 'resource')} (--all lists them)")
    if found.roles_without_resource:
        click.echo()
        click.echo(f"No resources for the following roles: {', '.join(found.roles_without_resource)}.")


def _where(found: StatusReport) -> Iterator[str]:
    from dataworkspaces.cli.text import snapshot_name

    yield f"Status for workspace: {found.workspace}"
    if found.origin is not None and found.origin.branch is not None:
        yield f"On branch {found.origin.branch}"
    snapshot, last = found.snapshot, found.last_snapshot
    if snapshot is None:
        yield "No snapshot has been taken yet"
    else:
        verb = "is" if found.is_snapshot else "has changed since"
        yield f"The present state {verb} snapshot {snapshot_name(snapshot)} of {snapshot.taken_at}"
        if last is not None and last.hashval != snapshot.hashval:
            yield f"The newest snapshot is {snapshot_name(last)} of {last.taken_at}"
    if found.origin is not None and found.origin.has_origin:
        yield from _origin(found.origin)
    if found.unpushed:
        yield f"Not yet at their own origins: {', '.join(found.unpushed)} (dws push)"


def _origin(origin: OriginState) -> Iterator[str]:
    from dataworkspaces.cli.text import plural

    if origin.ahead is None or origin.behind is None:
        yield "What the origin has is not known yet (dws pull)"
        return
    if origin.ahead:
        with_snapshots = f", with {plural(origin.snapshots, 'snapshot')}" if origin.snapshots else ""
        yield f"The origin lacks {plural(origin.ahead, 'commit')}{with_snapshots} (dws push)"
    if origin.behind:
        are = "is" if origin.behind == 1 else "are"
        yield f"The origin has {plural(origin.behind, 'commit')} that {are} not here (dws pull)"
    if not origin.ahead and not origin.behind:
        yield "The origin has everything, as when it was last asked"


def _change(resource: ResourceStatus) -> str:
    change = resource.change
    if change is None:
        return ""
    return f"{change.state}: {change.details}" if change.details else change.state


def _parameters(parameters: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(f"{name}={value}" for name, value in parameters.items())
