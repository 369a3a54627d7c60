"""What the tab key offers after a magic: its options, and the resources and snapshots of the workspace."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dataworkspaces.kits.jupyter.magics import DwsMagics

_SNAPSHOTS = ("--snapshot", "--baseline")
_RESOURCES = ("--resource", "--input")
_KEYS = ("%dws_", "%%dws_")


def add_completion(shell: Any, magics: DwsMagics) -> None:
    for name in magics.parsers:
        sign = "%%" if name == "dws_run" else "%"
        shell.set_hook("complete_command", partial(_complete, magics, name), str_key=f"{sign}{name}")


def remove_completion(shell: Any) -> None:
    table = shell.strdispatchers["complete_command"].strs
    for key in [key for key in table if key.startswith(_KEYS)]:
        del table[key]


def _complete(magics: DwsMagics, name: str, shell: Any, event: Any) -> list[str]:
    """An error is no completion: nothing may spoil the line that somebody is typing."""
    typed = event.text_until_cursor.replace("=", " ")
    words = typed.split()
    # The last word is what is being typed, if no blank follows it.
    complete = words if typed.endswith(" ") else words[:-1]
    before = complete[-1] if complete else ""
    try:
        if before in _SNAPSHOTS:
            found = magics.snapshot_names()
        elif before in _RESOURCES:
            found = magics.resource_names()
        else:
            found = magics.parsers[name].option_names()
    except Exception:
        return []
    return [word for word in found if word.startswith(event.symbol)]
