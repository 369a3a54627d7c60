"""Which workspace is meant: a name in the user's configuration, a URI, a directory, or the one around here.

The scheme of a workspace's URI names its backend, up to a ``+``: ``git:/path``, ``sql+postgresql://host/database``.
"""

from __future__ import annotations

import os
import re
import stat
import sys
from pathlib import Path
from typing import Any

from dataworkspaces import plugins
from dataworkspaces.errors import ConfigurationError, NotAWorkspaceError, NotFoundError, RefusedError, kind_of_os_error
from dataworkspaces.toolbox.atomic import read_json_object, write_bytes
from dataworkspaces.toolbox.names import METADATA_DIR
from dataworkspaces.toolbox.regular import read_regular
from dataworkspaces.toolbox.user_directories import config_directory

__all__ = [
    "METADATA_DIR",
    "backend_of",
    "config_file",
    "current_directory",
    "find_workspace_by_name",
    "find_workspace_directory",
    "find_workspace_uri",
    "known_workspaces",
    "read_backend_file",
    "write_backend_file",
]

BACKEND_FILE = "backend.json"
"""In the metadata directory of a workspace that another backend than git keeps: ``backend``, and what that backend
needs to find the workspace."""

_SCHEME_RE = r"([A-Za-z][A-Za-z0-9_-]*)(\+[A-Za-z0-9.+-]+)?:"


def backend_of(uri: str) -> str | None:
    """The backend that the scheme of a URI names, if it is installed."""
    scheme = re.match(_SCHEME_RE, uri)
    return scheme[1] if scheme is not None and plugins.is_announced(plugins.BACKENDS, scheme[1]) else None


def find_workspace_uri(place: str | None = None) -> str:
    """The URI of a workspace: of the one that a URI or a name in the user's configuration says, the one at a local
    path, or (None) the one that holds the current directory. A path is one if it is a directory, or holds a ``/``.

    Raises NotAWorkspaceError if there is none."""
    if place is None:
        here = current_directory()
        directory = find_workspace_directory(here)
        if directory is None:
            raise NotAWorkspaceError(
                f"There is no workspace at {here} or above it",
                hint="Create one with 'dws init', or name one with --workspace-dir or --workspace",
            )
        return _uri_of_directory(directory)
    if backend_of(place) is not None:
        return place
    directory = Path(place).expanduser().resolve()
    if "/" not in place and not directory.is_dir() and place in known_workspaces():
        return find_workspace_by_name(place)
    if not (directory / METADATA_DIR).is_dir():
        raise NotAWorkspaceError(f"{directory} is not a workspace: it has no {METADATA_DIR} directory")
    return _uri_of_directory(directory)


def current_directory() -> Path:
    """Raises NotFoundError if it has been removed."""
    try:
        return Path.cwd()
    except FileNotFoundError as e:
        raise NotFoundError("The current directory has been removed", hint="Go to one that is there: cd DIR") from e


def find_workspace_directory(start: Path) -> Path | None:
    """The nearest directory at or above ``start`` that holds a workspace."""
    for directory in (start, *start.parents):
        if (directory / METADATA_DIR).is_dir():
            return directory
    return None


def _uri_of_directory(directory: Path) -> str:
    link = read_backend_file(directory)
    backend = plugins.DEFAULT_BACKEND if link is None else str(link["backend"])
    return directory.as_uri().replace("file://", f"{backend}:", 1)


# -- directories of other backends -------------------------------------------------------------------------------


def write_backend_file(directory: Path, backend: str, **data: Any) -> None:
    """Say in a workspace's directory which backend keeps it. For its owner only: it may hold a password."""
    from dataworkspaces.toolbox.atomic import to_json

    path = directory / METADATA_DIR / BACKEND_FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600, exist_ok=False)
    write_bytes(path, to_json({"backend": backend, **data}).encode("utf-8"), mode=0o600)


def read_backend_file(directory: Path) -> dict[str, Any] | None:
    """What :func:`write_backend_file` wrote, or None for a workspace in git.

    Raises ConfigurationError for a file that others may have written or can read: one that came with somebody's
    repository would let every command connect to a server of theirs."""
    path = directory / METADATA_DIR / BACKEND_FILE
    try:
        found = path.lstat()
    except FileNotFoundError:
        return None
    if not stat.S_ISREG(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o077:
        raise RefusedError(
            f"{path} names the backend of the workspace, but others can read or write the file",
            hint=f"If it is your own file: chmod 600 {path}",
        )
    return read_json_object(path, "backend")


# -- names -------------------------------------------------------------------------------------------------------


def config_file() -> Path:
    """Where the user lists workspaces: ``$XDG_CONFIG_HOME/dws/config.toml``."""
    return Path(config_directory()).expanduser() / "config.toml"


def known_workspaces() -> dict[str, str]:
    """By name the places (directories or URIs) in the table ``[workspaces]`` of the user's configuration."""
    path = config_file()
    try:
        text = read_regular(path).decode("utf-8")
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as e:
        raise kind_of_os_error(e)(f"{path} cannot be read: {e}") from e
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    try:
        workspaces = tomllib.loads(text).get("workspaces", {})
    except ValueError as e:  # not only TOMLDecodeError: a number of 5,000 digits has another
        raise ConfigurationError(f"{path} is not valid TOML: {e}") from e
    except RecursionError as e:
        raise ConfigurationError(f"{path} is not valid TOML: it is nested too deeply") from e
    if not isinstance(workspaces, dict) or not all(isinstance(place, str) for place in workspaces.values()):
        raise ConfigurationError(
            f"{path}: [workspaces] should hold a directory or URI by name", hint='As in: churn = "/home/ada/churn"'
        )
    return workspaces


def find_workspace_by_name(name: str) -> str:
    """The URI of a workspace that the user's configuration names. Raises ConfigurationError if it names none, or a
    place that is neither a URI nor an absolute path."""
    known = known_workspaces()
    if name not in known:
        import difflib

        near = difflib.get_close_matches(name, known, n=2)
        hint = f"Did you mean {' or '.join(near)}?" if near else f"Available: {', '.join(known) or 'none'}"
        raise NotFoundError(f"{config_file()} lists no workspace '{name}'", hint=hint)
    place = known[name]
    if backend_of(place) is None and not Path(place).expanduser().is_absolute():
        raise ConfigurationError(
            f"{config_file()}: workspace '{name}' is at '{place}', neither an absolute path nor a URI"
        )
    return find_workspace_uri(place)
