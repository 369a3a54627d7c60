"""Which commands there are, and in which module each is: known without importing any of them.

``dws --help`` and shell completion read this table and nothing else. What an installed plug-in adds is read from the
``entry_points.txt`` files beside it, since :mod:`importlib.metadata` takes longer to import than all of our own code.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from typing import NamedTuple

COMMANDS_GROUP = "dataworkspaces.commands"


class BuiltIn(NamedTuple):
    """A command: ``module:attribute`` of the click command, and its line in ``dws --help``."""

    target: str
    help: str
    hidden: bool = False


BUILT_IN = {
    "init": BuiltIn("dataworkspaces.cli.cmd_init:init", "Make the current directory a workspace"),
    "add": BuiltIn("dataworkspaces.cli.cmd_add:add", "Add a resource: data, code or results"),
    "snapshot": BuiltIn("dataworkspaces.cli.cmd_snapshot:snapshot", "Keep the present state of all resources"),
    "restore": BuiltIn("dataworkspaces.cli.cmd_restore:restore", "Bring resources back to a snapshot"),
    "delete-snapshot": BuiltIn("dataworkspaces.cli.cmd_snapshot:delete_snapshot", "Remove a snapshot for good"),
    "report": BuiltIn("dataworkspaces.cli.cmd_report:report", "Show status, history, lineage or results"),
    "diff": BuiltIn("dataworkspaces.cli.cmd_diff:diff", "Compare two snapshots"),
    "config": BuiltIn("dataworkspaces.cli.cmd_config:config", "Show or set parameters"),
    "plugins": BuiltIn("dataworkspaces.cli.cmd_plugins:plugins", "Show the installed plug-ins and whether they load"),
    "completion": BuiltIn("dataworkspaces.cli.cmd_completion:completion", "Print the completion script of a shell"),
    "version": BuiltIn("dataworkspaces.cli.cmd_version:version", "Print the version"),
    "status": BuiltIn("dataworkspaces.cli.cmd_report:status_alias", "Deprecated: see 'dws report'", hidden=True),
}
"""In the order in which they are listed."""


def plugin_commands(path: Iterable[str] | None = None) -> dict[str, str]:
    """The commands that plug-ins announce, each with the distribution that does, in alphabetical order.

    Sees what is installed in directories of ``sys.path``; a command that is hidden from this look (in a zip file,
    say) is not listed but can be run all the same."""
    found: dict[str, str] = {}
    for directory in sys.path if path is None else path:
        for name, text in _entry_point_files(directory or "."):
            for command in _names_in_group(text, COMMANDS_GROUP):
                if command not in BUILT_IN:
                    found.setdefault(command, name)
    return dict(sorted(found.items()))


def _entry_point_files(directory: str) -> Iterator[tuple[str, str]]:
    """Distribution and content of each ``entry_points.txt`` below ``directory``."""
    try:
        entries = list(os.scandir(directory))
    except OSError:
        return
    for entry in entries:
        stem, _dot, kind = entry.name.rpartition(".")
        if kind in ("dist-info", "egg-info"):
            try:
                with open(os.path.join(entry.path, "entry_points.txt"), encoding="utf-8") as file:  # noqa: PTH118, PTH123
                    text = file.read()
            except (OSError, ValueError):
                continue
            if COMMANDS_GROUP in text:
                yield stem.partition("-")[0].replace("_", "-"), text


def _names_in_group(text: str, group: str) -> Iterator[str]:
    """The names in one section of a file in the format of the entry-points specification (an INI file)."""
    here = False
    for line in text.splitlines():
        line = line.strip()
        if line.startswith("["):
            here = line == f"[{group}]"
        elif here and line and line[0] not in "#;":
            yield line.partition("=")[0].strip()
