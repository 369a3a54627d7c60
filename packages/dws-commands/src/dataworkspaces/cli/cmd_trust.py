"""``dws trust``."""

from __future__ import annotations

import click

from dataworkspaces.cli.session import Session, common_options, json_option, pass_session


@click.command()
@click.argument("addresses", metavar="[ADDRESS|RESOURCE]...", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="Agree to all addresses that the workspace names now.")
@click.option("--revoke", is_flag=True, help="Withdraw an agreement.")
@json_option
@common_options
@pass_session
def trust(session: Session, addresses: tuple[str, ...], everything: bool, revoke: bool, as_json: bool) -> None:
    """Agree that this machine may contact an ADDRESS that the workspace names, or all addresses of a RESOURCE.

    Buckets, remotes and servers that came with somebody else's workspace are not contacted before that. Without an
    argument, lists all addresses. Agreements are valid only on this machine and for this workspace.

    \b
    Example:
      dws trust https://storage.example.com
    """
    if everything and (addresses or revoke):
        raise click.UsageError("--all goes with neither an address nor --revoke.")
    if revoke and not addresses:
        raise click.UsageError("--revoke needs an address or a resource.")
    from dataworkspaces.commands import trust as commands
    from dataworkspaces.errors import RefusedError

    try:
        workspace = session.open_workspace()
    except RefusedError as e:  # opening it is a contact already
        told = f"{e.message} {e.hint}"
        if not addresses or revoke or any(address not in told for address in addresses):
            raise
        commands.agree_for_directory(session.directory(), addresses)
        if as_json:
            from dataworkspaces.cli.render import print_json

            print_json([{"address": address, "named_by": None, "agreed": True} for address in addresses])
        else:
            for address in addresses:
                session.interaction().tell(f"Agreed: {address}")
        return
    if everything:
        commands.agree_to_all(workspace)
    elif addresses:
        changed = commands.revoke(workspace, addresses) if revoke else commands.agree(workspace, addresses)
        if not as_json:
            for address in changed:
                workspace.interaction.tell(f"{'No longer agreed' if revoke else 'Agreed'}: {address}")
            return
    rows = commands.list_trust(workspace)
    from dataworkspaces.cli.render import Column, Table, print_json, print_table

    if as_json:
        print_json([row.to_json() for row in rows])
    elif not rows:
        workspace.interaction.tell(f"Workspace '{workspace.name}' names no address")
    else:
        columns = [Column("Address"), Column("Named by"), Column("Agreed")]
        shown = [[row.address, row.named_by or "", "yes" if row.is_agreed else "no"] for row in rows]
        print_table(Table(f"Addresses that workspace '{workspace.name}' names", columns, shown))
