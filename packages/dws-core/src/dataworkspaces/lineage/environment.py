"""What a step runs on: Python, platform, user, and the distributions that it imported."""

from __future__ import annotations

import getpass
import platform
import sys
from collections.abc import Mapping
from functools import cache

from dataworkspaces.lineage.model import Environment


def this_environment() -> Environment:
    """That of this process, with what has been imported by now."""
    return Environment(
        platform.python_version(), platform.python_implementation(), platform.platform(), _imported_distributions()
    )


def this_machine() -> Environment:
    """Of a command, of which nobody knows what it runs on but the machine."""
    return Environment(platform=platform.platform())


def this_user() -> str | None:
    """The name of the user; None if the system knows none."""
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return None


def _imported_distributions() -> dict[str, str]:
    """Name and version of each installed distribution that a module was imported from, sorted by name."""
    top_level = {name.partition(".")[0] for name in list(sys.modules)} - set(sys.stdlib_module_names)
    distributions = _distributions()
    names = {name for module in top_level for name in distributions.get(module, ())}
    return {name: version for name in sorted(names, key=str.lower) if (version := _version(name)) is not None}


@cache
def _distributions() -> Mapping[str, list[str]]:
    from importlib.metadata import packages_distributions

    return packages_distributions()


@cache
def _version(distribution: str) -> str | None:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(distribution)
    except PackageNotFoundError:  # removed since this process began
        return None
