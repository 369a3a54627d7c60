"""``dws tag``, ``dws label`` and ``dws note``: what people call a snapshot, and write of it, after it was taken."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from dataworkspaces.cli.param_types import LabelKey, LabelName, SnapshotName, TagName, Text
from dataworkspaces.cli.session import Session, common_options, json_option, pass_session

if TYPE_CHECKING:
    from dataworkspaces.workspace import Workspace


@click.command()
@click.argument("name", type=TagName(), required=False)
@click.argument("snapshot", type=SnapshotName(), required=False)
@click.option("--move", is_flag=True, help="Take the tag from the snapshot that has it.")
@click.option("--delete", is_flag=True, help="Remove the tag NAME; the snapshot stays.")
@json_option
@common_options
@pass_session
def tag(session: Session, name: str | None, snapshot: str | None, move: bool, delete: bool, as_json: bool) -> None:
    """Give the tag NAME to SNAPSHOT, or list all tags.

    SNAPSHOT is a tag, a hash or a label (default: the snapshot that matches the present state).

    \b
    Example: dws tag --move production run7
    """
    from dataworkspaces.cli.render import print_json
    from dataworkspaces.cli.text import short_hash
    from dataworkspaces.commands.tags import delete_tag_command, tag_command

    if name is None:
        if move or delete:
            raise click.UsageError("Name the tag to move or delete, as in: dws tag --delete NAME")
        _list_tags(session.open_workspace(reading=True), as_json)
        return
    if delete and (move or snapshot is not None):
        raise click.UsageError("--delete takes the name of a tag and nothing else")
    workspace = session.open_workspace()
    outcome = delete_tag_command(workspace, name) if delete else tag_command(workspace, name, snapshot, move=move)
    if as_json:
        print_json(outcome.to_json())
        return
    short = short_hash(outcome.snapshot)
    if delete:
        workspace.interaction.tell(f"Removed the tag {name}; snapshot {short} stays")
        return
    before = "" if outcome.moved_from is None else f"; before, it named {short_hash(outcome.moved_from)}"
    workspace.interaction.tell(f"Tag {name} names snapshot {short}{before}")


@click.command()
@click.argument("snapshot", type=SnapshotName(), required=False)
@click.argument("labels", metavar="[KEY=VALUE]...", type=LabelName(), nargs=-1)
@click.option("--delete", "gone", metavar="KEY", type=LabelKey(), multiple=True, help="Remove the label with this key.")
@click.option("--move", is_flag=True, help="Take the labels from the snapshots that have them.")
@json_option
@common_options
@pass_session
def label(
    session: Session, snapshot: str | None, labels: tuple[str, ...], gone: tuple[str, ...], move: bool, as_json: bool
) -> None:
    """Give labels to SNAPSHOT, or list all labels.

    If only one snapshot has a label, the label names it wherever a tag or a hash can.

    \b
    Example: dws label run7 stage=production owner=ann
    """
    from dataworkspaces.cli.render import print_json
    from dataworkspaces.cli.text import short_hash, snapshot_name
    from dataworkspaces.commands.labels import label_command, parse_labels, shown

    if snapshot is None or not (labels or gone):
        if gone or move:
            raise click.UsageError("Name a snapshot and its labels, as in: dws label run7 stage=production")
        _list_labels(session.open_workspace(reading=True), snapshot, as_json)
        return
    given = parse_labels(labels)
    workspace = session.open_workspace()
    outcome = label_command(workspace, snapshot, given, gone, move=move)
    if as_json:
        print_json(outcome.to_json())
        return
    workspace.interaction.tell(
        f"Labels of snapshot {snapshot_name(outcome.snapshot)}: {shown(outcome.snapshot.labels)}"
    )
    for other in outcome.moved_from:
        workspace.interaction.tell(f"Snapshot {short_hash(other)} has lost them")


@click.command()
@click.argument("snapshot", type=SnapshotName())
@click.argument("text", type=Text(), required=False)
@json_option
@common_options
@pass_session
def note(session: Session, snapshot: str, text: str | None, as_json: bool) -> None:
    """Add the note TEXT to SNAPSHOT, or show its message and notes.

    The message of the snapshot does not change. 'dws pull' merges the notes of all copies of the workspace.

    \b
    Example: dws note run7 "The scaler was fitted on all of the data"
    """
    from dataworkspaces.cli.render import print_json
    from dataworkspaces.cli.text import escape, snapshot_name
    from dataworkspaces.commands.notes import note_command

    workspace = session.open_workspace(reading=text is None)
    if text is None:
        found = workspace.as_snapshot_ws().get_snapshot_by_tag_or_hash(snapshot)
    else:
        found = note_command(workspace, snapshot, text)
    if as_json:
        notes = [each.to_json() for each in found.notes]
        print_json({"hash": found.hashval, "tags": found.tags, "message": found.message, "notes": notes})
    elif text is not None:
        workspace.interaction.tell(f"Noted on snapshot {snapshot_name(found)}")
    else:
        click.echo(escape(found.message or "It has no message"))
        for each in found.notes:
            click.echo(f"{each.time[:19]}  {escape(each.hostname)}: {escape(each.text)}")


def _list_tags(workspace: Workspace, as_json: bool) -> None:
    from dataworkspaces.cli.render import Column, Table, print_json, print_table
    from dataworkspaces.cli.text import one_line, short_hash
    from dataworkspaces.commands.tags import list_tags

    found = list_tags(workspace)
    if as_json:
        print_json([{"tag": name, "hash": each.hashval, "message": each.message} for name, each in found])
    elif found:
        columns: list[Column | str] = ["Tag", Column("Hash", fixed=True), Column("Created", fixed=True), "Message"]
        rows = [[name, short_hash(m.hashval), m.taken_at, one_line(m.description)] for name, m in found]
        print_table(Table(None, columns, rows))
    else:
        click.echo("No snapshot has a tag", err=True)


def _list_labels(workspace: Workspace, snapshot: str | None, as_json: bool) -> None:
    from dataworkspaces.cli.render import Column, Table, print_json, print_table
    from dataworkspaces.cli.text import short_hash
    from dataworkspaces.commands.labels import Labelled, list_labels

    if snapshot is None:
        found = list_labels(workspace)
    else:
        found = [Labelled(workspace.as_snapshot_ws().get_snapshot_by_tag_or_hash(snapshot))]
    if as_json:
        print_json([each.to_json() for each in found])
    elif any(each.snapshot.labels for each in found):
        columns: list[Column | str] = ["Label", Column("Hash", fixed=True), "Tags"]
        rows = [
            [f"{key}={value}", short_hash(each.snapshot.hashval), tuple(each.snapshot.tags)]
            for each in found
            for key, value in each.snapshot.labels.items()
        ]
        print_table(Table(None, columns, rows))
    else:
        click.echo("No snapshot has a label" if snapshot is None else "It has no label", err=True)
