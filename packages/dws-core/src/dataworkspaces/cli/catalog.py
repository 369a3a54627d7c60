"""Which commands there are, and in which module each is: known without importing any of them.

``dws --help`` and shell completion read this table, and the names that plug-ins announce.
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


class BuiltIn(NamedTuple):
    """A command: its section of ``dws --help``, ``module:attribute`` of the click command, and its line there."""

    group: str
    target: str
    help: str
    hidden: bool = False


BUILT_IN = {
    "init": BuiltIn(START, "dataworkspaces.cli.cmd_init:init", "Make the current directory a workspace"),
    "clone": BuiltIn(START, "dataworkspaces.cli.cmd_clone:clone", "Copy a workspace to this machine"),
    "add": BuiltIn(START, "dataworkspaces.cli.cmd_add:add", "Add a resource: data, code or results"),
    "remove": BuiltIn(
        START, "dataworkspaces.cli.cmd_remove:remove", "Take a resource out of the workspace; its files stay"
    ),
    "rename": BuiltIn(START, "dataworkspaces.cli.cmd_rename:rename", "Give a resource another name"),
    "config": BuiltIn(
        START, "dataworkspaces.cli.cmd_config:config", "Show or set parameters of the workspace and its resources"
    ),
    "snapshot": BuiltIn(WORK, "dataworkspaces.cli.cmd_snapshot:snapshot", "Record the present state of all resources"),
    "restore": BuiltIn(
        WORK, "dataworkspaces.cli.cmd_restore:restore", "Bring resources back to the state of a snapshot"
    ),
    "checkout": BuiltIn(
        WORK, "dataworkspaces.cli.cmd_checkout:checkout", "Create a copy at a snapshot in another directory"
    ),
    "delete-snapshot": BuiltIn(
        WORK, "dataworkspaces.cli.cmd_snapshot:delete_snapshot", "Delete a snapshot and its results"
    ),
    "undo-delete": BuiltIn(WORK, "dataworkspaces.cli.cmd_snapshot:undo_delete", "Bring back a deleted snapshot"),
    "adopt": BuiltIn(WORK, "dataworkspaces.cli.cmd_experiment:adopt", "Take over an experiment as a snapshot"),
    "remove-experiment": BuiltIn(
        WORK, "dataworkspaces.cli.cmd_experiment:remove_experiment", "Remove experiments, here or at the origin"
    ),
    "tag": BuiltIn(WORK, "dataworkspaces.cli.cmd_tag:tag", "Tag a snapshot; move, delete or list tags"),
    "label": BuiltIn(WORK, "dataworkspaces.cli.cmd_tag:label", "Label a snapshot, or list labels"),
    "note": BuiltIn(WORK, "dataworkspaces.cli.cmd_tag:note", "Add a note to a snapshot"),
    "status": BuiltIn(LOOK, "dataworkspaces.cli.cmd_status:status", "Show where you are, and what has changed"),
    "history": BuiltIn(LOOK, "dataworkspaces.cli.cmd_history:history", "List all experiments in one table"),
    "log": BuiltIn(LOOK, "dataworkspaces.cli.cmd_history:history", "The same as 'dws history'", hidden=True),
    "report": BuiltIn(LOOK, "dataworkspaces.cli.cmd_report:report", "Show status, history, lineage or results"),
    "diff": BuiltIn(LOOK, "dataworkspaces.cli.cmd_diff:diff", "Compare snapshots, or one with the present state"),
    "show": BuiltIn(LOOK, "dataworkspaces.cli.cmd_show:show", "Show all of one snapshot"),
    "lineage": BuiltIn(LOOK, "dataworkspaces.cli.cmd_lineage:lineage", "Draw or export the lineage of results"),
    "runs": BuiltIn(LOOK, "dataworkspaces.cli.cmd_runs:runs", "List runs under way, and the epochs of the last ones"),
    "ls": BuiltIn(LOOK, "dataworkspaces.cli.cmd_files:ls", "List files of a resource, now or in a snapshot"),
    "cat": BuiltIn(LOOK, "dataworkspaces.cli.cmd_files:cat", "Print a file of a resource, now or in a snapshot"),
    "cp": BuiltIn(LOOK, "dataworkspaces.cli.cmd_files:cp", "Copy files from or to a resource"),
    "publish": BuiltIn(SHARE, "dataworkspaces.cli.cmd_sync:publish", "Send the workspace to a new, empty repository"),
    "push": BuiltIn(SHARE, "dataworkspaces.cli.cmd_sync:push", "Send what is new here to the origins"),
    "pull": BuiltIn(SHARE, "dataworkspaces.cli.cmd_sync:pull", "Fetch what is new at the origins, and merge it"),
    "trust": BuiltIn(
        SHARE, "dataworkspaces.cli.cmd_trust:trust", "Allow a workspace to contact the addresses that it names"
    ),
    "fsck": BuiltIn(KEEP, "dataworkspaces.cli.cmd_fsck:fsck", "Check the workspace for damage, and repair it"),
    "recover": BuiltIn(
        KEEP, "dataworkspaces.cli.cmd_recover:recover", "Finish what an interrupted command began, or set it aside"
    ),
    "unlock": BuiltIn(KEEP, "dataworkspaces.cli.cmd_recover:unlock", "Remove the lock of a process that has died"),
    "plugins": BuiltIn(
        KEEP, "dataworkspaces.cli.cmd_plugins:plugins", "List the installed plug-ins, and check that they load"
    ),
    "schema": BuiltIn(
        KEEP, "dataworkspaces.cli.cmd_schema:schema", "Print the JSON Schemas of --json output and of files"
    ),
    "completion": BuiltIn(KEEP, "dataworkspaces.cli.cmd_completion:completion", "Print the shell completion script"),
    "version": BuiltIn(KEEP, "dataworkspaces.cli.cmd_version:version", "Print the version"),
}
"""In the order in which they are listed."""


class Known(NamedTuple):
    """A command that a distribution of this project brings: its section and line, and after which it stands there."""

    group: str
    help: str
    after: str | None = None
    """Without it, the command stands before the built-in ones."""


KNOWN = {
    "demo": Known(START, "Create a small example workspace to try things in", "clone"),
    "run": Known(WORK, "Run a command as a step, and record its lineage"),
    "rerun": Known(WORK, "Repeat the steps that are out of date"),
    "sweep": Known(WORK, "Run a command for many parameters, each run an experiment", "adopt"),
    "web": Known(LOOK, "Show the experiments in the browser", "history"),
    "reproduce": Known(WORK, "Run a snapshot's steps again elsewhere, and compare"),
    "steps": Known(LOOK, "List the recorded steps, and what is out of date", "lineage"),
    "env": Known(LOOK, "Show the environments of steps, and create them again", "lineage"),
    "attest": Known(SHARE, "Attest that a snapshot was reproduced; sign and verify", "trust"),
    "s3": Known(KEEP, "Manage resources in S3 buckets", "unlock"),
    "undo-restore": Known(WORK, "Bring back what a restore replaced", "restore"),
    "verify": Known(KEEP, "Read all data, and check it against its hashes", "unlock"),
    "du": Known(KEEP, "Show how much disk space resources and snapshots use", "unlock"),
    "gc": Known(KEEP, "Free disk space: remove data that nothing needs", "unlock"),
}
"""They are announced as those of anybody, and listed only where they are: :data:`plugins.KNOWN_DISTRIBUTIONS` says what
to install. An entry point has a name and no text, and so what others bring is listed with its distribution."""


def sections() -> dict[str, dict[str, str]]:
    """The built-in commands and the known ones that are announced, each with its line, by :data:`GROUPS`."""
    announced = shown_names(plugins.COMMANDS)
    known = {name: command for name, command in KNOWN.items() if name in announced}
    found: dict[str, dict[str, str]] = {group: {} for group in GROUPS}
    for name, command in known.items():
        if command.after is None:
            found[command.group][name] = command.help
    for name, built_in in BUILT_IN.items():
        section = found[built_in.group]
        if not built_in.hidden:
            section[name] = built_in.help
        section.update({other: command.help for other, command in known.items() if command.after == name})
    return found


def listed() -> dict[str, str]:
    """All of :func:`sections`, in one."""
    return {name: text for section in sections().values() for name, text in section.items()}


def plugin_commands() -> dict[str, str]:
    """The other commands that plug-ins announce, each with the distribution that does, in alphabetical order."""
    own = {*BUILT_IN, *KNOWN}
    return {name: distribution for name, distribution in shown_names(plugins.COMMANDS).items() if name not in own}


def hint_of(name: str) -> str | None:
    """What to install for a known command that is not installed."""
    distribution = plugins.KNOWN_DISTRIBUTIONS.get((plugins.COMMANDS, name))
    return None if distribution is None else f"Install it with: pip install {distribution}"
