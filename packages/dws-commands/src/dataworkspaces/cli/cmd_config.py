"""``dws config``."""

from __future__ import annotations

import json
from typing import Any

import click

from dataworkspaces.cli.param_types import ParamName, ResourceName
from dataworkspaces.cli.session import Session, common_options, json_option, pass_session


@click.command()
@click.argument("name", required=False, type=ParamName())
@click.argument("value", required=False)
@click.option("--resource", metavar="NAME", type=ResourceName(), help="Show or set parameters of this resource.")
@json_option
@common_options
@pass_session
def config(session: Session, name: str | None, value: str | None, resource: str | None, as_json: bool) -> None:
    """Show all parameters or the parameter NAME, or set NAME to VALUE.

    Global parameters travel with the workspace. Local ones stay on this machine.

    \b
    Examples:
      dws config
      dws config results.dir_template 'snapshots/{TAG}'
    """
    from dataworkspaces.cli.render import Column, Table, print_json, print_table
    from dataworkspaces.commands.config import get_param, list_params, set_param

    if name is not None and value is not None:
        workspace = session.open_workspace()
        row = set_param(workspace, name, value, resource)
        if as_json:
            print_json(row.to_json())
        else:
            workspace.interaction.tell(f"Set {row.scope} parameter {row.name} to {_shown(row.value)}")
        return
    workspace = session.open_workspace(reading=True)
    if name is not None:
        row = get_param(workspace, name, resource)
        if as_json:
            print_json(row.to_json())
            return
        rows = [row]
        title = None
    else:
        rows = list_params(workspace, resource)
        if as_json:
            print_json([row.to_json() for row in rows])
            return
        title = f"Parameters of {f'resource {resource}' if resource else f'workspace {workspace.name}'}"
    columns: list[Column | str] = [
        Column("Name", fixed=True),
        Column("Scope", fixed=True),
        "Value",
        Column("Default?", fixed=True),
        "Help",
    ]
    print_table(
        Table(
            title, columns, [(r.name, r.scope, _shown(r.value), "yes" if r.is_default else "no", r.help) for r in rows]
        )
    )


def _shown(value: Any) -> str:
    """As it is typed: a list and a truth value in JSON."""
    if value is None:
        return "none"
    return json.dumps(value, ensure_ascii=False) if isinstance(value, (list, dict, bool)) else str(value)
