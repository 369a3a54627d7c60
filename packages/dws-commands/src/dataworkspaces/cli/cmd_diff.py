"""``dws diff``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from dataworkspaces.cli.pager import paged, pager_option
from dataworkspaces.cli.param_types import RealNumber, VersionName
from dataworkspaces.cli.session import Session, common_options, json_option, pass_session

if TYPE_CHECKING:
    from dataworkspaces.commands.diff import SnapshotDiff
    from dataworkspaces.workspace import Workspace

DIFFERENT = 1
"""The exit status of ``--exit-code`` if something differs, as git has it."""


@click.command()
@click.argument("snapshots", metavar="[SNAPSHOT]…", type=VersionName(), nargs=-1)
@click.option("--precision", metavar="N", type=click.IntRange(0, 17), help="Digits after the decimal point.")
@click.option(
    "--rtol",
    metavar="X",
    type=RealNumber(min=0),
    default=0.0,
    help="Treat numbers as equal if they differ by at most this ratio.",
)
@click.option("--exit-code", is_flag=True, help="Exit with 1 if something differs.")
@click.option("--md", "as_markdown", is_flag=True, help="Print Markdown.")
@pager_option
@json_option
@common_options
@pass_session
def diff(
    session: Session,
    snapshots: tuple[str, ...],
    precision: int | None,
    rtol: float,
    exit_code: bool,
    as_markdown: bool,
    no_pager: bool,
    as_json: bool,
) -> None:
    """Compare two or more snapshots, each named by tag, hash or branch, or one with the present state.

    Shows which resources and files differ; which parameters and metrics of results differ, and by how much; and
    differences in small parameter files. Without a snapshot, compares the present state with the snapshot that it comes
    from.

    \b
    Example:
      dws diff SVC-1 LR-1
    """
    from dataworkspaces.cli.diff_tables import print_comparison, print_diff
    from dataworkspaces.cli.render import print_json
    from dataworkspaces.commands.compare import Comparison, compare_command
    from dataworkspaces.commands.diff import diff_command

    if as_markdown and as_json:
        raise click.UsageError("--md and --json cannot be used together.")
    workspace = session.open_workspace(reading=True)
    names = snapshots or (_origin(workspace),)
    found: SnapshotDiff | Comparison
    if len(names) > 2:
        found = compare_command(workspace, names, rtol=rtol)
    else:
        found = diff_command(workspace, *names, rtol=rtol)
    if as_json:
        print_json(found.to_json())
    else:
        with paged(no_pager or as_markdown):
            if isinstance(found, Comparison):
                print_comparison(found, precision, as_markdown=as_markdown)
            else:
                print_diff(found, precision, as_markdown=as_markdown)
    if exit_code and not found.identical:
        click.get_current_context().exit(DIFFERENT)


def _origin(workspace: Workspace) -> str:
    """The snapshot that the present state comes from."""
    from dataworkspaces.commands.present import present_state
    from dataworkspaces.errors import NotFoundError

    snapshot = present_state(workspace).snapshot
    if snapshot is None:
        raise NotFoundError("There is no snapshot to compare with", hint="Take one with: dws snapshot")
    return snapshot.hashval
