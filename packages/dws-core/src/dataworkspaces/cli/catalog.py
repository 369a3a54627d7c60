"""Which commands there are, and in which module each is: known without importing any of them.

``dws --help`` and shell completion read this table, and the names that plug-ins announce.
"""

from __future__ import annotations

from typing import NamedTuple

from dataworkspaces import plugins
from dataworkspaces.plugin_names import shown_names


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
    "delete-snapshot": BuiltIn("dataworkspaces.cli.cmd_snapshot:delete_snapshot", "Remove a snapshot and its results"),
    "undo-delete": BuiltIn("dataworkspaces.cli.cmd_snapshot:undo_delete", "Bring back a snapshot that was deleted"),
    "publish": BuiltIn("dataworkspaces.cli.cmd_sync:publish", "Send the workspace to a new, empty repository"),
    "push": BuiltIn("dataworkspaces.cli.cmd_sync:push", "Send what is new here to the origins"),
    "pull": BuiltIn("dataworkspaces.cli.cmd_sync:pull", "Bring what is new at the origins here"),
    "clone": BuiltIn("dataworkspaces.cli.cmd_clone:clone", "Bring a workspace to this machine"),
    "report": BuiltIn("dataworkspaces.cli.cmd_report:report", "Show status, history, lineage or results"),
    "lineage": BuiltIn("dataworkspaces.cli.cmd_lineage:lineage", "Draw or export the lineage of results"),
    "diff": BuiltIn("dataworkspaces.cli.cmd_diff:diff", "Compare two snapshots"),
    "fsck": BuiltIn("dataworkspaces.cli.cmd_fsck:fsck", "Check that the workspace is whole, and repair it"),
    "recover": BuiltIn("dataworkspaces.cli.cmd_recover:recover", "Finish what a command left, or set it aside"),
    "unlock": BuiltIn("dataworkspaces.cli.cmd_recover:unlock", "Remove a lock that nobody holds any more"),
    "ls": BuiltIn("dataworkspaces.cli.cmd_files:ls", "List files of a resource, now or in a snapshot"),
    "cat": BuiltIn("dataworkspaces.cli.cmd_files:cat", "Print a file of a resource, now or in a snapshot"),
    "cp": BuiltIn("dataworkspaces.cli.cmd_files:cp", "Copy files from or to a resource"),
    "trust": BuiltIn("dataworkspaces.cli.cmd_trust:trust", "Agree to contact what a workspace names"),
    "config": BuiltIn("dataworkspaces.cli.cmd_config:config", "Show or set parameters"),
    "plugins": BuiltIn("dataworkspaces.cli.cmd_plugins:plugins", "Show the installed plug-ins and whether they load"),
    "completion": BuiltIn("dataworkspaces.cli.cmd_completion:completion", "Print the completion script of a shell"),
    "version": BuiltIn("dataworkspaces.cli.cmd_version:version", "Print the version"),
    "status": BuiltIn("dataworkspaces.cli.cmd_report:status_alias", "Deprecated: see 'dws report'", hidden=True),
}
"""In the order in which they are listed."""


class Known(NamedTuple):
    """A command that a distribution of this project brings: its line in ``dws --help``, and after which it stands."""

    help: str
    after: str


KNOWN = {
    "run": Known("Run a command as a step, and record its lineage", "add"),
    "rerun": Known("Run again the steps that are out of date", "add"),
    "undo-restore": Known("Bring back files that a restore replaced", "restore"),
    "verify": Known("Read everything of resources, and compare it", "unlock"),
    "du": Known("Show what resources and snapshots occupy", "unlock"),
    "gc": Known("Remove contents that no snapshot needs", "unlock"),
}
"""They are announced as those of anybody, and listed only where they are: :data:`plugins.KNOWN_DISTRIBUTIONS` says what
to install. An entry point has a name and no text, and so what others bring is listed with its distribution."""


def listed() -> dict[str, str]:
    """The built-in commands and the known ones that are announced, with their lines, in the order of ``dws --help``."""
    announced = shown_names(plugins.COMMANDS)
    found = {}
    for name, command in BUILT_IN.items():
        if not command.hidden:
            found[name] = command.help
        found.update({other: k.help for other, k in KNOWN.items() if k.after == name and other in announced})
    return found


def plugin_commands() -> dict[str, str]:
    """The other commands that plug-ins announce, each with the distribution that does, in alphabetical order."""
    own = {*BUILT_IN, *KNOWN}
    return {name: distribution for name, distribution in shown_names(plugins.COMMANDS).items() if name not in own}


def hint_of(name: str) -> str | None:
    """What to install for a known command that is not installed."""
    distribution = plugins.KNOWN_DISTRIBUTIONS.get((plugins.COMMANDS, name))
    return None if distribution is None else f"Install it with: pip install {distribution}"
