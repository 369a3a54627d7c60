"""Each parameter of a resource that travels with a workspace has been thought of: what can it make this machine do?

A new one fails here until somebody has said of which kind it is, and built what the kind needs.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module

import pytest

from dataworkspaces import plugins
from dataworkspaces.params import ParamDef
from dataworkspaces.workspace.workspace import Workspace

ADDRESS = "part of an address: Resource.addresses() tells it, and consent is asked before the first contact"
GIT_ADDRESS = "the address of a git repository: checked, shown, and asked for if it is a path of this machine"
PLACE = "a path in the workspace: checked to be relative, below it, and not our own or git's"
HINT = "a path of another machine: shown, and never used unless the user of this one says so"
CONFIG = "a file in the workspace that a program reads: only what a list allows may stand in it"
NAME = "the name of a branch: checked to be none of an option"
TEMPLATE = "a path below a results resource, checked to stay there"
HARMLESS = "a choice or a yes or no: the worst that it does is told in docs/trust.md"

FILES = {"global_local_path": HINT, "compute_hash": HARMLESS, "restorable": HARMLESS}
SHARING = {"export": HARMLESS, "imported": HARMLESS}
KINDS = {
    "api-resource": {},
    "file": {**FILES, **SHARING, "remote": ADDRESS},
    "git": {
        **SHARING,
        "remote_origin_url": GIT_ADDRESS,
        "relative_local_path": PLACE,
        "branch": NAME,
        "read_only": HARMLESS,
    },
    "git-subdirectory": {"relative_path": PLACE, "export": HARMLESS},
    "rclone": {
        **FILES,
        **SHARING,
        "remote_origin": ADDRESS,
        "config": CONFIG,
        "master": HARMLESS,  # who it is decides whether something is sent, which is asked for
        "sync_mode": HARMLESS,  # deletions of more than half are asked for
        "size_only": HARMLESS,
    },
    "s3": {
        "bucket_name": ADDRESS,
        "prefix": ADDRESS,
        "profile": ADDRESS,
        "endpoint_url": ADDRESS,
        "region": HARMLESS,
        "anonymous": HARMLESS,
    },
}


def test_each_is_of_a_kind() -> None:
    found = {
        name: {
            key for key, definition in plugins.load(plugins.RESOURCES, name).param_defs.items() if definition.is_global
        }
        for name in plugins.announced(plugins.RESOURCES)
    }
    assert found == {name: set(kinds) for name, kinds in KINDS.items()}


WORKSPACES = {
    "scratch_directory": PLACE,
    "results.dir_template": TEMPLATE,
    "results.move_exclude_files": HARMLESS,  # names; whatever is no list of texts is refused
    "results.large_file": HARMLESS,  # whether one is asked
    "dws_git_branch": NAME,
}


@pytest.mark.parametrize("backend", ["git", "sql"])
def test_each_of_a_workspace_is_of_a_kind(backend: str) -> None:
    """They are in config.json, or in the database."""
    definitions = _definitions(backend)
    travelling = {key for key, definition in definitions.items() if definition.is_global}
    assert travelling <= set(WORKSPACES)
    if backend == "git":
        assert travelling == set(WORKSPACES)


def _definitions(backend: str) -> Mapping[str, ParamDef]:
    found = [
        value.param_defs
        for value in vars(import_module(f"dataworkspaces.backends.{backend}.workspace")).values()
        if isinstance(value, type)
        and issubclass(value, Workspace)
        and value.__module__.endswith(f"{backend}.workspace")
    ]
    return found[-1]
