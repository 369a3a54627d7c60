"""``dws plugins``."""

from __future__ import annotations

import click

from dataworkspaces.cli.session import Session, batch_option, json_option, pass_session, verbose_option


@click.command()
@json_option
@batch_option
@verbose_option
@pass_session
def plugins(session: Session, as_json: bool) -> None:
    """List the installed plug-ins: backends, resource types, commands, kits and export formats. Explain why any of them
    cannot be loaded.

    \b
    Example:
      dws plugins
    """
    from dataworkspaces.cli.logs import show_log
    from dataworkspaces.cli.render import Column, Styled, Table, print_json, print_table
    from dataworkspaces.plugins import list_plugins

    show_log(session.verbose)
    found = list_plugins()
    if as_json:
        print_json(
            [
                {
                    "kind": plugin.kind,
                    "name": plugin.name,
                    "distribution": plugin.distribution,
                    "version": plugin.version,
                    "module": plugin.module,
                    "loads": plugin.error is None,
                    "error": plugin.error,
                }
                for plugin in found
            ]
        )
        return
    columns: list[Column | str] = [Column("Kind"), Column("Name", fixed=True), "Distribution", "Version", "State"]
    states = ["ok" if p.error is None else Styled(f"fails: {p.error}", "red") for p in found]
    rows = [
        (p.kind, p.name, p.distribution or "", p.version or "", state) for p, state in zip(found, states, strict=True)
    ]
    print_table(Table("Installed plug-ins", columns, rows))
    failed = sum(plugin.error is not None for plugin in found)
    if failed:
        click.echo(f"{failed} of {len(found)} plug-ins cannot be loaded")
