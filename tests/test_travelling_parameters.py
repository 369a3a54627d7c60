"""Each parameter of a resource that travels with a workspace has been thought of: what can it make this machine do?

A new one fails here until somebody has said of which kind it is, and built what the kind needs.
"""

from __future__ import annotations

from dataworkspaces import plugins

ADDRESS = "part of an address: Resource.addresses() tells it, and consent is asked before the first contact"
GIT_ADDRESS = "the address of a git repository: checked, shown, and asked for if it is a path of this machine"
PLACE = "a path in the workspace: checked to be relative, below it, and not our own or git's"
HINT = "a path of another machine: shown, and never used unless the user of this one says so"
CONFIG = "a file in the workspace that a program reads: only what a list allows may stand in it"
NAME = "the name of a branch: checked to be none of an option"
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
