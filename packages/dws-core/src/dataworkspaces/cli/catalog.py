"""Which commands there are, and where each stands in ``dws --help``: known without importing any of them.

``dws --help`` and shell completion read this table, and the names that distributions announce.
"""

from __future__ import annotations

from typing import NamedTuple

from dataworkspaces import plugins
from dataworkspaces.plugin_names import shown_names

START = "Start a workspace"
WORK = "Work"
LOOK = "Look"
SHARE = "Share"
KEEP = "Look after a workspace"

GROUPS = (START, WORK, LOOK, SHARE, KEEP)
"""The sections of ``dws --help``."""


class Known(NamedTuple):
    """A command of this project: its section of ``dws --help``, its line there, and the distribution that brings it."""

    group: str
    help: str
    distribution: str = "dws-commands"
    hidden: bool = False


KNOWN = {
    "init": Known(START, "Make the current directory a workspace"),
    "clone": Known(START, "Copy a workspace to this machine"),
    "demo": Known(START, "Create a small example workspace to try things in", "dws-sklearn"),
    "add": Known(START, "Add a resource: data, code or results"),
    "remove": Known(START, "Take a resource out of the workspace; its files stay"),
    "rename": Known(START, "Give a resource another name"),
    "config": Known(START, "Show or set parameters of the workspace and its resources"),
    "run": Known(WORK, "Run a command as a step, and record its lineage", "dws-run"),
    "rerun": Known(WORK, "Repeat the steps that are out of date", "dws-run"),
    "reproduce": Known(WORK, "Run a snapshot's steps again elsewhere, and compare", "dws-run"),
    "snapshot": Known(WORK, "Record the present state of all resources"),
    "restore": Known(WORK, "Bring resources back to the state of a snapshot"),
    "undo-restore": Known(WORK, "Bring back what a restore replaced", "dws-files"),
    "checkout": Known(WORK, "Create a copy at a snapshot in another directory"),
    "delete-snapshot": Known(WORK, "Delete a snapshot and its results"),
    "undo-delete": Known(WORK, "Bring back a deleted snapshot"),
    "adopt": Known(WORK, "Take over an experiment as a snapshot"),
    "sweep": Known(WORK, "Run a command for many parameters, each run an experiment", "dws-run"),
    "remove-experiment": Known(WORK, "Remove experiments, here or at the origin"),
    "tag": Known(WORK, "Tag a snapshot; move, delete or list tags"),
    "label": Known(WORK, "Label a snapshot, or list labels"),
    "note": Known(WORK, "Add a note to a snapshot"),
    "status": Known(LOOK, "Show where you are, and what has changed"),
    "history": Known(LOOK, "List all experiments in one table"),
    "web": Known(LOOK, "Show the experiments in the browser", "dws-web"),
    "log": Known(LOOK, "The same as 'dws history'", hidden=True),
    "report": Known(LOOK, "Show status, history, lineage or results"),
    "diff": Known(LOOK, "Compare snapshots, or one with the present state"),
    "show": Known(LOOK, "Show all of one snapshot"),
    "lineage": Known(LOOK, "Draw or export the lineage of results"),
    "steps": Known(LOOK, "List the recorded steps, and what is out of date", "dws-run"),
    "env": Known(LOOK, "Show the environments of steps, and create them again", "dws-run"),
    "runs": Known(LOOK, "List runs under way, and the epochs of the last ones"),
    "ls": Known(LOOK, "List files of a resource, now or in a snapshot"),
    "cat": Known(LOOK, "Print a file of a resource, now or in a snapshot"),
    "cp": Known(LOOK, "Copy files from or to a resource"),
    "publish": Known(SHARE, "Send the workspace to a new, empty repository"),
    "push": Known(SHARE, "Send what is new here to the origins"),
    "pull": Known(SHARE, "Fetch what is new at the origins, and merge it"),
    "trust": Known(SHARE, "Allow a workspace to contact the addresses that it names"),
    "attest": Known(SHARE, "Attest that a snapshot was reproduced; sign and verify", "dws-run"),
    "fsck": Known(KEEP, "Check the workspace for damage, and repair it"),
    "recover": Known(KEEP, "Finish what an interrupted command began, or set it aside"),
    "unlock": Known(KEEP, "Remove the lock of a process that has died"),
    "s3": Known(KEEP, "Manage resources in S3 buckets", "dws-s3"),
    "verify": Known(KEEP, "Read all data, and check it against its hashes", "dws-files"),
    "du": Known(KEEP, "Show how much disk space resources and snapshots use", "dws-files"),
    "gc": Known(KEEP, "Free disk space: remove data that nothing needs", "dws-files"),
    "plugins": Known(KEEP, "List the installed plug-ins, and check that they load", "dws-core"),
    "schema": Known(KEEP, "Print the JSON Schemas of --json output and of files"),
    "completion": Known(KEEP, "Print the shell completion script", "dws-core"),
    "version": Known(KEEP, "Print the version", "dws-core"),
}
"""In the order in which they are listed, where they are installed. An entry point has a name and no text, and so what
others bring is listed with its distribution."""

OWN = {
    "completion": "dataworkspaces.cli.cmd_completion:completion",
    "plugins": "dataworkspaces.cli.cmd_plugins:plugins",
    "version": "dataworkspaces.cli.cmd_version:version",
}
"""``module:attribute`` of the commands that core brings itself: they work whatever else is installed, and nobody can
take them away."""


def sections() -> dict[str, dict[str, str]]:
    """The known commands that are installed, each with its line, by :data:`GROUPS`; a group without any is left out."""
    installed = {*OWN, *shown_names(plugins.COMMANDS)}
    found: dict[str, dict[str, str]] = {}
    for name, command in KNOWN.items():
        if name in installed and not command.hidden:
            found.setdefault(command.group, {})[name] = command.help
    return found


def listed() -> dict[str, str]:
    """All of :func:`sections`, in one."""
    return {name: text for section in sections().values() for name, text in section.items()}


def plugin_commands() -> dict[str, str]:
    """The other commands that plug-ins announce, each with the distribution that does, in alphabetical order."""
    return {name: distribution for name, distribution in shown_names(plugins.COMMANDS).items() if name not in KNOWN}


def hint_of(name: str) -> str | None:
    """What to install for a known command that is not installed."""
    known = KNOWN.get(name)
    return None if known is None else f"Install it with: pip install {known.distribution}"
