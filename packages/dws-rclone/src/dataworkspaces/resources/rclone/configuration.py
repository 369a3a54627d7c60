"""The configuration of rclone that a resource uses.

A file in the workspace may have been written by anybody who can push to it. It is looked at before it is used: only
what is known to do no harm here may stand in it. See ``docs/trust.md``.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dataworkspaces.errors import RefusedError
from dataworkspaces.resources.rclone.allowed import ALLOWED, OVER_ANOTHER
from dataworkspaces.resources.rclone.run import Rclone, parse_answer

SERVER_KEYS = ("endpoint", "url", "host", "auth", "namenode", "sas_url", "storage_url", "remote")
"""Of which the first that is set says where a remote is."""
_CHANGING = ("token", "expiry", "access_token", "refresh_token")
"""rclone itself writes these."""


def is_in(directory: Path, path: Path) -> bool:
    return Path(os.path.realpath(directory)) in Path(os.path.realpath(path)).parents


def read_sections(config: Path) -> dict[str, dict[str, Any]]:
    """The remotes of a configuration file, by name. Secrets are among what they say."""
    doing = f"Reading the configuration {config}"
    sections = parse_answer(Rclone(config).read(["config", "dump"], doing=doing), dict, doing)
    return {name: values for name, values in sections.items() if isinstance(values, dict)}


def check_sections(sections: Mapping[str, Mapping[str, Any]], config: Path) -> None:
    """Raise ConfigurationError if any remote is of a kind, or has an option, that a configuration in the workspace may
    not have: see :mod:`dataworkspaces.resources.rclone.allowed`."""
    for name, values in sections.items():
        reason = _objection(sections, values)
        if reason is not None:
            raise RefusedError(
                f"The remote {name!r:.80} in {config} {reason}, which is not allowed in a configuration inside "
                "the workspace, where others can change it",
                hint="Move the file out of the workspace and set its path with 'dws config --resource NAME my_config'",
            )


def _objection(sections: Mapping[str, Mapping[str, Any]], values: Mapping[str, Any]) -> str | None:
    kind = str(values.get("type", ""))
    options = ALLOWED.get(kind) or OVER_ANOTHER.get(kind)
    if options is None:
        return f"is of the type {kind!r:.80}"
    for key, value in values.items():
        if key not in options and str(value):
            return f"has the option {key!r:.80}"
    if kind in OVER_ANOTHER:
        below, colon, _ = str(values.get("remote", "")).partition(":")
        if not colon or str(sections.get(below, {}).get("type", "")) not in ALLOWED:
            return f"leads to {str(values.get('remote', ''))!r:.80}"
    return None


def digest(sections: Mapping[str, Mapping[str, Any]]) -> str:
    """What tells whether a configuration leads to where it led before."""
    lasting = {
        name: {key: value for key, value in values.items() if key not in _CHANGING} for name, values in sections.items()
    }
    return hashlib.sha256(json.dumps(lasting, sort_keys=True).encode()).hexdigest()
