"""The configuration of rclone that a resource uses.

A file in the workspace may have been written by anybody who can push to it. It is looked at before it is used: nothing
in it may make rclone run a program. See ``docs/trust.md``.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dataworkspaces.errors import ConfigurationError
from dataworkspaces.resources.rclone.address import is_connection_string
from dataworkspaces.resources.rclone.run import Rclone

_RUN_PROGRAMS = ("ssh", "use_az", "shared_credentials_file")
"""Keys beside ``…command…`` that run a program, or name a file that can name one (an AWS ``credential_process``)."""
_LEAD_TO_OTHERS = ("remote", "remotes", "upstreams")
_CHANGING = ("token", "expiry", "access_token", "refresh_token")
"""rclone itself writes these."""


def is_in(directory: Path, path: Path) -> bool:
    return Path(os.path.realpath(directory)) in Path(os.path.realpath(path)).parents


def read_sections(config: Path) -> dict[str, dict[str, Any]]:
    """The remotes of a configuration file, by name. Secrets are among what they say."""
    dumped = Rclone(config).read(["config", "dump"], doing=f"Reading the configuration {config}")
    try:
        sections = json.loads(dumped)
    except ValueError as e:
        raise ConfigurationError(f"The configuration of rclone {config} cannot be read") from e
    return {name: values for name, values in sections.items() if isinstance(values, dict)}


def check_sections(sections: Mapping[str, Mapping[str, Any]], config: Path) -> None:
    """Raise ConfigurationError if any remote could make rclone run a program."""
    for name, values in sections.items():
        for key, value in values.items():
            if _runs_program(key.lower(), str(value)):
                raise ConfigurationError(
                    f"The remote {name!r:.80} in {config} has '{key}', which can make rclone run a program, and the "
                    "file lies in the workspace, where others can change it",
                    hint="Move the file out of the workspace, and name it with 'dws config --resource NAME my_config'",
                )


def _runs_program(key: str, value: str) -> bool:
    if not value:
        return False
    if "command" in key or key in _RUN_PROGRAMS or key.startswith(("override.", "global.")):
        return True
    if key in _LEAD_TO_OTHERS:
        # A union has several; a combine has each as DIRECTORY=REMOTE.
        return any(is_connection_string(part.strip("\"'").rpartition("=")[2]) or "," in part for part in value.split())
    return False


def digest(sections: Mapping[str, Mapping[str, Any]]) -> str:
    """What tells whether a configuration leads to where it led before."""
    lasting = {
        name: {key: value for key, value in values.items() if key not in _CHANGING} for name, values in sections.items()
    }
    return hashlib.sha256(json.dumps(lasting, sort_keys=True).encode()).hexdigest()
