"""``dws snapshot`` and ``dws delete-snapshot``."""

from __future__ import annotations

import click

from dataworkspaces.cli.param_types import LabelName, SnapshotName, TagName, Text
from dataworkspaces.cli.session import Session, common_options, json_option, pass_session


@click.command()
@click.argument("tag", type=TagName(), required=False)
@click.option("-m", "--message", metavar="TEXT", type=Text(), default="", help="A description of the snapshot.")
@click.option(
    "--label",
    "labels",
    metavar="KEY=VALUE",
    type=LabelName(),
    multiple=True,
    help="Give the snapshot a label. May be repeated.",
)
@click.option(
    "--experiment",
    metavar="NAME",
    help="Keep it beside the working line, under this name: no branch and no file changes.",
)
@json_option
@common_options
@pass_session
def snapshot(
    session: Session,
    tag: str | None,
    message: str,
    labels: tuple[str, ...],
    experiment: str | None,
    as_json: bool,
) -> None:
    """Record the present state of all resources, as TAG if one is given.

    Current results move to a directory of their own, with their lineage. If nothing has changed since a snapshot was
    taken or restored, no new snapshot is taken: that one gets TAG, the labels, and the text of -m as its message, or as
    a note if it already has a message.

    \b
    Examples:
      dws snapshot -m "first run" V1
      dws snapshot --experiment larger-C
    """
    from dataworkspaces.commands.labels import parse_labels

    given = parse_labels(labels)
    if experiment is not None:
        if tag is not None:
            raise click.UsageError(
                "TAG and --experiment cannot be used together: the name of an experiment stands for it."
            )
        from dataworkspaces.cli.cmd_experiment import take_experiment

        take_experiment(session, experiment, message, given, as_json)
        return
    from dataworkspaces.cli.text import one_line, short_hash, snapshot_name
    from dataworkspaces.commands.snapshot import snapshot_command

    workspace = session.open_workspace()
    tell = workspace.interaction.tell
    outcome = snapshot_command(workspace, tag, message, given)
    if as_json:
        from dataworkspaces.cli.render import print_json

        print_json(outcome.to_json())
        return
    metadata = outcome.metadata
    if outcome.is_new:
        tell(f"Took snapshot {snapshot_name(metadata)}")
        for place in outcome.results:
            tell(f"Its results are in {place}")
    else:
        tell(f"Nothing has changed since snapshot {snapshot_name(metadata)} of {metadata.taken_at}")
        if outcome.message_changed:
            tell("It has the message now")
        if outcome.note_added:
            tell(f"Its message stays; '{one_line(message)}' is a note on it now")
    if outcome.tag_moved_from is not None:
        tell(f"Tag {tag} was at snapshot {short_hash(outcome.tag_moved_from)} before")


@click.command("delete-snapshot")
@click.argument("tag_or_hash", metavar="SNAPSHOT", type=SnapshotName())
@click.option("--no-include-resources", is_flag=True, help="Do not delete the results of the snapshot.")
@json_option
@common_options
@pass_session
def delete_snapshot(session: Session, tag_or_hash: str, no_include_resources: bool, as_json: bool) -> None:
    """Delete a snapshot: its metadata, its lineage and its results.

    The deleted data stays on this machine for two weeks, or as long as 'dws gc' is told. Until then 'dws undo-delete'
    brings it back.

    \b
    Example:
      dws delete-snapshot V1
    """
    from dataworkspaces.cli.text import snapshot_name
    from dataworkspaces.commands.delete_snapshot import delete_snapshot_command

    workspace = session.open_workspace()
    deleted = delete_snapshot_command(workspace, tag_or_hash, not no_include_resources)
    if as_json:
        from dataworkspaces.cli.render import print_json

        print_json(deleted.to_json())
    else:
        workspace.interaction.tell(f"Deleted snapshot {snapshot_name(deleted)}")


@click.command("undo-delete")
@click.argument("tag_or_hash", metavar="[SNAPSHOT]", required=False)
@click.option("--list", "only_list", is_flag=True, help="List deleted snapshots, the latest first.")
@json_option
@common_options
@pass_session
def undo_delete(session: Session, tag_or_hash: str | None, only_list: bool, as_json: bool) -> None:
    """Bring back a snapshot that 'dws delete-snapshot' deleted here, with its lineage and results.

    'dws gc' removes deleted snapshots that are older than its --keep-days.

    \b
    Example:
      dws undo-delete V1
    """
    from dataworkspaces.cli.render import print_json
    from dataworkspaces.cli.text import escape, snapshot_name
    from dataworkspaces.commands.undo_delete import list_deleted, undo_delete_command

    if only_list or tag_or_hash is None:
        found = list_deleted(session.open_workspace(reading=True))
        if as_json:
            print_json([{"deleted": d.time.isoformat(), **d.metadata.to_json()} for d in found])
            return
        for deleted in found:
            message = deleted.metadata.message.partition("\n")[0]
            click.echo(
                f"{deleted.time:%Y-%m-%d %H:%M:%S}  {escape(snapshot_name(deleted.metadata))}  {escape(message)}"
            )
        if not found:
            click.echo("There is no deleted snapshot to bring back", err=True)
        return
    workspace = session.open_workspace()
    metadata = undo_delete_command(workspace, tag_or_hash)
    if as_json:
        print_json(metadata.to_json())
    else:
        workspace.interaction.tell(f"Snapshot {snapshot_name(metadata)} is back")
