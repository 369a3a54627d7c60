"""``--executor``, which ``sweep``, ``rerun`` and ``reproduce`` have."""

from __future__ import annotations

import click

LOCAL = "local"


def _named(_ctx: click.Context, _parameter: click.Parameter, value: str) -> str | None:
    """None for this machine."""
    if value.partition(":")[0] == LOCAL:
        if value != LOCAL:
            raise click.BadParameter(f"'{LOCAL}' is this machine, and has no address")
        return None
    return value


executor_option = click.option(
    "--executor",
    metavar="NAME[:ADDRESS]",
    default=LOCAL,
    show_default=True,
    callback=_named,
    help="Where to run: on this machine (local), or at workers, as dask:tcp://HOST:8786 or jobqueue:slurm. They take "
    "the workspace from its origin.",
)
