"""``dws du``, ``gc``, ``verify`` and ``undo-restore``: what is kept of the content of versions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from dataworkspaces.cli.param_types import RealNumber, ResourceName
from dataworkspaces.cli.session import Session, common_options, json_option, pass_session

if TYPE_CHECKING:
    from dataworkspaces.commands.du import Usage
    from dataworkspaces.commands.gc import GarbageReport
    from dataworkspaces.commands.gc_remote import RemoteReport
    from dataworkspaces.workspace import Workspace


_SHOWN = 50


@click.command()
@json_option
@common_options
@pass_session
def du(session: Session, as_json: bool) -> None:
    """Show how much disk space each resource and each snapshot uses.

    KEPT is the size of all versions in the object store, counting equal contents once. OWN is the part that no other
    snapshot needs. The parameter objects.limit sets the size up to which the store may grow. The store also reports how
    much space compression and shared parts of large files save.

    \b
    Example:
      dws du
    """
    from dataworkspaces.cli.render import print_json
    from dataworkspaces.commands.du import du_command

    usage = du_command(session.open_workspace(reading=True))
    if as_json:
        print_json(usage.to_json())
    else:
        _print_usage(usage)


def _print_usage(usage: Usage) -> None:
    from dataworkspaces.cli.render import Column, Styled, Table, print_table
    from dataworkspaces.cli.text import byte_size, escape, painted, short_hash

    rows = []
    for r in usage.resources:
        files = Styled("missing", "red") if r.is_missing else byte_size(r.files)
        rows.append((r.name, r.resource_type, files, byte_size(r.kept), r.versions if r.kept is not None else ""))
    print_table(Table("Resources", ["Resource", "Type", "Files", "Kept", "Versions"], rows))
    if usage.snapshots:
        click.echo()
        lines = [(short_hash(s.hashval), s.tags, byte_size(s.size), byte_size(s.own)) for s in usage.snapshots]
        print_table(Table("Snapshots", [Column("Hash", fixed=True), "Tags", "Kept", "Own"], lines))
    click.echo()
    limit = "" if usage.limit is None else f" of {byte_size(usage.limit)}"
    saved = f", which saves {byte_size(usage.saved)}" if usage.saved else ""
    click.echo(f"Object store {escape(usage.store)}: {byte_size(usage.store_size)}{limit}{saved}")
    if usage.is_over_limit:
        too_large = painted("It is larger than objects.limit:", "yellow")
        click.echo(f"{too_large} 'dws delete-snapshot' and 'dws gc' make room", err=True)


@click.command()
@click.option("--dry-run", is_flag=True, help="Show what would be removed, and remove nothing.")
@click.option(
    "--keep-days", type=RealNumber(0, 100_000), default=14.0, show_default=True, metavar="DAYS",
    help="Keep data younger than DAYS, and whatever restores replaced or deletions removed in that time.",
)  # fmt: skip
@click.option(
    "--forget",
    multiple=True,
    metavar="DIR",
    help="Forget the workspace at DIR, which shared the object store and is gone for good.",
)
@click.option("--remote", is_flag=True, help="Collect at the remotes of the resources instead.")
@click.option(
    "--also",
    multiple=True,
    metavar="DIR",
    help="With --remote: keep what the workspace at DIR and its origin need, which uses the same remote.",
)
@click.option(
    "--forget-origin",
    multiple=True,
    metavar="ORIGIN",
    help="With --remote: forget the workspace with that origin, which used the same remote and is gone for good.",
)
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.argument("resources", nargs=-1, type=ResourceName(), metavar="[RESOURCE]...")
@json_option
@common_options
@pass_session
def gc(
    session: Session,
    dry_run: bool,
    keep_days: float,
    forget: tuple[str, ...],
    remote: bool,
    also: tuple[str, ...],
    forget_origin: tuple[str, ...],
    yes: bool,
    resources: tuple[str, ...],
    as_json: bool,
) -> None:
    """Remove contents that nothing needs any more from the object store and from git-fat, or with --remote from the
    remotes of resources.

    Keeps everything that a snapshot on any branch, an unfinished command, or another workspace on the same store needs;
    at a remote, also everything that the origin needs.

    \b
    Examples:
      dws gc --dry-run
      dws gc --remote data
    """
    if not remote and (also or forget_origin or resources):
        raise click.UsageError(
            "RESOURCE, --also and --forget-origin need --remote; on this machine all resources share one store."
        )
    if remote and forget:
        raise click.UsageError("--forget names a workspace on this machine; of a remote, use --forget-origin ORIGIN.")
    if remote:
        _gc_remote(session, resources, keep_days, also, forget_origin, dry_run=dry_run, yes=yes, as_json=as_json)
    else:
        _gc_here(session, keep_days, forget, dry_run=dry_run, yes=yes, as_json=as_json)


def _gc_remote(
    session: Session,
    resources: tuple[str, ...],
    keep_days: float,
    also: tuple[str, ...],
    forget: tuple[str, ...],
    *,
    dry_run: bool,
    yes: bool,
    as_json: bool,
) -> None:
    from functools import partial

    from dataworkspaces.cli.render import print_json
    from dataworkspaces.commands.gc_remote import gc_remote_command
    from dataworkspaces.errors import UserAbort

    workspace = session.open_workspace()
    collect = partial(gc_remote_command, workspace, resources, keep_days=keep_days, also=also, forgotten=forget)
    reports = [] if yes and not dry_run else collect(dry_run=True)
    if not dry_run:
        if any(report.objects for report in reports):
            _print_remote_garbage(reports)
            if not workspace.interaction.confirm("Remove this for good?", default=False, option="--yes"):
                raise UserAbort("nothing was removed")
        reports = collect()
    if as_json:
        print_json({"remotes": [report.to_json() for report in reports]})
    else:
        _print_remote_garbage(reports)


def _print_remote_garbage(reports: list[RemoteReport]) -> None:
    from dataworkspaces.cli.text import byte_size, escape, plural

    stderr = click.get_current_context().ensure_object(Session).to_stderr
    if not reports:
        click.echo("No resource has a remote", err=stderr)
    for report in reports:
        verb = "Removed" if report.removed else "Would remove"
        what = f"{plural(report.objects, 'content')} ({byte_size(report.size)})"
        click.echo(f"{verb} {what} from {escape(report.url)}", err=stderr)
        if report.young:
            are = "is" if report.young == 1 else "are"
            click.echo(f"  {plural(report.young, 'content')} that nothing needs {are} too young to go", err=stderr)
        if report.workspaces:
            click.echo(f"  Shared with {', '.join(map(escape, report.workspaces))}", err=stderr)
        for damaged in report.damaged:
            click.echo(f"  {escape(damaged)}; it stays", err=True)


def _gc_here(
    session: Session, keep_days: float, forget: tuple[str, ...], *, dry_run: bool, yes: bool, as_json: bool
) -> None:
    from dataworkspaces.cli.render import print_json
    from dataworkspaces.commands.gc import gc_command
    from dataworkspaces.errors import UserAbort

    workspace = session.open_workspace()
    report = gc_command(workspace, keep_days=keep_days, forget=forget, dry_run=True)
    if not dry_run:
        if (report.objects or report.forgotten or report.deletions or report.runs) and not yes:
            _print_garbage(report)
            if not workspace.interaction.confirm("Remove this for good?", default=False, option="--yes"):
                raise UserAbort("nothing was removed")
        report = gc_command(workspace, keep_days=keep_days, forget=forget)
    if as_json:
        print_json(report.to_json())
    else:
        _print_garbage(report)


def _print_garbage(report: GarbageReport) -> None:
    from dataworkspaces.cli.text import byte_size, escape, plural

    stderr = click.get_current_context().ensure_object(Session).to_stderr
    verb = "Removed" if report.removed else "Would remove"
    objects = report.objects - sum(each.objects for each in report.elsewhere)
    size = report.size - sum(each.size for each in report.elsewhere)
    click.echo(f"{verb} {plural(objects, 'content')} ({byte_size(size)}) from {escape(report.store)}", err=stderr)
    for each in report.elsewhere:
        keeper = "the workspace" if each.resource is None else f"resource '{escape(each.resource)}'"
        click.echo(
            f"{verb} {plural(each.objects, 'content')} ({byte_size(each.size)}) that {keeper} keeps by itself",
            err=stderr,
        )
    if report.young:
        are = "is" if report.young == 1 else "are"
        click.echo(f"  {plural(report.young, 'content')} that nothing needs {are} too young to go", err=stderr)
    if report.forgotten:
        verb = "no longer" if report.removed else "then no longer"
        click.echo(
            f"  {plural(report.forgotten, 'version')} that restores replaced can {verb} be brought back", err=stderr
        )
    if report.deletions:
        verb = "no longer" if report.removed else "then no longer"
        click.echo(f"  {plural(report.deletions, 'deletion')} of snapshots can {verb} be undone", err=stderr)
    if report.runs:
        verb = "no longer" if report.removed else "then no longer"
        click.echo(f"  Results of {plural(report.runs, 'earlier run')} are {verb} kept aside", err=stderr)
    if report.workspaces:
        click.echo(f"  Shared with {', '.join(map(escape, report.workspaces))}", err=stderr)
    if report.obstacle:
        click.echo(f"  Packs could not be rewritten ({escape(report.obstacle)}); the next gc frees the rest", err=True)
    for damaged in report.damaged:
        click.echo(f"  {escape(damaged)}; it stays", err=True)


@click.command()
@click.argument("resources", nargs=-1, type=ResourceName(), metavar="[RESOURCE]...")
@click.option("--remote", is_flag=True, help="Check the remotes instead: the names and sizes of all contents.")
@click.option("--read", is_flag=True, help="With --remote: read all contents there and check their hashes.")
@click.option("--repair", is_flag=True, help="Set damaged contents aside, and recover them where possible.")
@json_option
@common_options
@pass_session
def verify(session: Session, resources: tuple[str, ...], remote: bool, read: bool, repair: bool, as_json: bool) -> None:
    """Read all data of the resources, and check it against what was recorded.

    Reads all files, whatever is already known about them, and all contents in the object store that their versions
    need. The exit status is 1 if anything is wrong.

    \b
    Examples:
      dws verify
      dws verify --remote data
    """
    from dataworkspaces.cli.render import print_json
    from dataworkspaces.cli.text import escape, painted, plural
    from dataworkspaces.commands.verify import verify_command, verify_remote_command

    if read and not remote:
        raise click.UsageError("--read needs --remote; contents on this machine are always read.")
    if remote and repair:
        raise click.UsageError("'dws push --repair' repairs a remote.")
    workspace = session.open_workspace(reading=not repair)
    if remote:
        found = verify_remote_command(workspace, resources, read=read)
    else:
        found = verify_command(workspace, resources, repair=repair)
    if as_json:
        print_json(found.to_json())
    else:
        for fault in found.faults[:_SHOWN]:
            click.echo(f"{escape(fault.resource)}: {escape(fault.what)}: {painted(escape(fault.problem), 'red')}")
        if len(found.faults) > _SHOWN:
            click.echo(f"and {plural(len(found.faults) - _SHOWN, 'fault')} more (--json lists all)")
        why_none = "has a remote" if remote else "that is here records hashes of its files"
        names = ", ".join(map(escape, found.resources)) or f"no resource, since none {why_none}"
        if found.remote_contents is None:
            told = f"{plural(found.files, 'file')} and {plural(found.contents, 'content')} in the object store"
        else:
            how = "read" if read else "by name and size"
            told = f"{plural(found.remote_contents, 'content')} at the remote ({how})"
        mended = f", {plural(found.repaired, 'content')} repaired" if found.repaired else ""
        click.echo(f"Verified {names}: {told}{mended}, {plural(len(found.faults), 'fault')}")
        if found.faults and not repair:
            remedy = (
                "dws push --repair sends missing contents again from here"
                if remote
                else "dws verify --repair recovers what it can"
            )
            click.echo(remedy, err=True)
    if found.faults:
        click.get_current_context().exit(1)


@click.command("undo-restore")
@click.argument("resource", required=False, type=ResourceName())
@click.argument("version", required=False)
@click.option("--list", "only_list", is_flag=True, help="List what restores replaced, the latest first.")
@json_option
@common_options
@pass_session
def undo_restore(session: Session, resource: str | None, version: str | None, only_list: bool, as_json: bool) -> None:
    """Bring back what the last restore replaced, in all its resources or in RESOURCE only.

    VERSION is one that --list shows. The present state is kept too, so the same command undoes itself.

    \b
    Example:
      dws undo-restore
    """
    from dataworkspaces.cli.render import Column, Table, print_json, print_table
    from dataworkspaces.commands.undo_restore import list_replaced, undo_restore_command
    from dataworkspaces.errors import UserAbort

    workspace = session.open_workspace(reading=True)
    if only_list:
        found = list_replaced(workspace, resource)
        if as_json:
            print_json([replaced.to_json() for replaced in found])
            return
        if found:
            columns = [Column("Resource"), *(Column(name, fixed=True) for name in ("Version", "Replaced", "By"))]
            rows = [(r.resource, r.version[:12], r.time[:19].replace("T", " "), r.by[:12]) for r in found]
            print_table(Table("What restores replaced", columns, rows))
            click.echo("'dws undo-restore RESOURCE VERSION' brings one back")
        else:
            click.echo("There is nothing to bring back: no restore has replaced anything", err=True)
        return
    if resource is None:
        _undo_whole_restore(workspace, as_json)
        return
    if not workspace.interaction.confirm(f"Bring back what a restore of '{resource}' replaced?", default=True):
        raise UserAbort("nothing was changed")
    done = undo_restore_command(workspace, resource, version)
    if as_json:
        print_json(done.to_json())
    else:
        workspace.interaction.tell(f"Resource '{resource}' is as before the restore of {done.time[:19]}")


def _undo_whole_restore(workspace: Workspace, as_json: bool) -> None:
    from dataworkspaces.cli.render import print_json
    from dataworkspaces.cli.text import short_hash
    from dataworkspaces.commands.undo_last_restore import plan_undo_restore, undo_last_restore
    from dataworkspaces.errors import UserAbort

    plan = plan_undo_restore(workspace)
    past = plan.restore
    what = "the undoing of a restore" if past.snapshot is None else f"the restore to {short_hash(past.snapshot)}"
    names = ", ".join(plan.restored)
    if not workspace.interaction.confirm(f"Undo {what} of {past.time:%Y-%m-%d %H:%M:%S} ({names})?", default=True):
        raise UserAbort("nothing was changed")
    done = undo_last_restore(workspace, plan)
    if as_json:
        print_json(done.to_json())
        return
    workspace.interaction.tell(f"Undid {what}: {names} {'is' if len(plan.restored) == 1 else 'are'} as before")
    if done.left:
        workspace.interaction.tell(f"Not restored, since they are no longer in the workspace: {', '.join(done.left)}")
