"""What is said of results in more than one place: names of files and directories, and of a snapshot."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from dataworkspaces.errors import ConfigurationError
from dataworkspaces.params import RESULTS_MOVE_EXCLUDE_FILES
from dataworkspaces.toolbox.names import LINEAGE_FILE

if TYPE_CHECKING:
    from dataworkspaces.workspace.workspace import Workspace

__all__ = [
    "METRICS_HISTORY_FILE",
    "RESULTS_FILE",
    "RUN_LOG_FILE",
    "SNAPSHOTS_DIRS_RE",
    "manifest_hash",
    "parse_results",
    "results_exclude",
]

RESULTS_FILE = "results.json"
"""What a run that writes results has found."""

METRICS_HISTORY_FILE = "metrics_history.json"
"""Beside ``results.json``: ``metrics``, by name a list with the value of each epoch, and ``epochs``, their numbers."""

RUN_LOG_FILE = "run.jsonl"
"""Beside ``results.json``: what a run says of itself while it runs, a JSON object a line."""

SNAPSHOTS_DIRS_RE = re.compile(r"snapshots\Z")
"""The directories of earlier snapshots: every template starts with ``snapshots/``."""


def results_exclude(workspace: Workspace) -> set[str]:
    """Files of results that no snapshot takes; a ``lineage.json`` at the root too, since the snapshot writes its own
    beside what moved."""
    return {*workspace.get_global_param(RESULTS_MOVE_EXCLUDE_FILES), LINEAGE_FILE}


def parse_results(content: bytes, what: str) -> dict[str, Any]:
    """What a file of results holds. :param what: names it in messages.

    Raises ConfigurationError if that is no JSON object."""
    try:
        data = json.loads(content)
    except (ValueError, RecursionError) as e:
        raise ConfigurationError(f"{what} is not valid JSON: {e}") from e
    if not isinstance(data, dict):
        raise ConfigurationError(f"{what} should hold a JSON object")
    return data


def manifest_hash(manifest: bytes) -> str:
    """The hash of a snapshot: the SHA-1 of its manifest, as git computes it for a file of that content.

    Release 1.6 named its snapshots so, and its workspaces go on with ours."""
    import hashlib

    return hashlib.sha1(b"blob %d\0" % len(manifest) + manifest, usedforsecurity=False).hexdigest()
