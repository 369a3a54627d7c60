"""What a step runs on: Python, platform, user, and the distributions that it imported."""

from __future__ import annotations

import getpass
import platform
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from dataworkspaces.errors import DwsError
from dataworkspaces.lineage.model import Environment
from dataworkspaces.toolbox.atomic import read_json_object_if_any, write_json

__all__ = ["this_environment", "this_machine", "this_user"]


def this_environment(cache_directory: Path) -> Environment:
    """That of this process, with what has been imported by now.

    :param cache_directory: of this machine. Finding out which distribution a module comes from reads the list of files
        of every one that is installed, which takes long; what is found stays there until one is installed or removed.
    """
    return Environment(
        platform.python_version(),
        platform.python_implementation(),
        platform.platform(),
        _imported_distributions(cache_directory / "distributions.json"),
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


def _imported_distributions(cache: Path) -> dict[str, str]:
    """Name and version of each installed distribution that a module was imported from, sorted by name."""
    top_level = {name.partition(".")[0] for name in list(sys.modules)} - set(sys.stdlib_module_names)
    installed = _installed(cache)
    found = {name: version for module in top_level for name, version in installed.get(module, {}).items()}
    return dict(sorted(found.items(), key=lambda item: item[0].lower()))


def _installed(cache: Path) -> dict[str, dict[str, str]]:
    """By name of a module: the distributions that it comes from (several, for a namespace), with their versions."""
    places = _places()
    with suppress(DwsError):
        known = read_json_object_if_any(cache, "places", "modules") or {}
        if known.get("places") == places:
            modules: dict[str, dict[str, str]] = known["modules"]
            return modules
    modules = _read_installed()
    with suppress(OSError):
        write_json(cache, {"places": places, "modules": modules})
    return modules


def _places() -> list[list[Any]]:
    """The directories that modules come from. Installing or removing a distribution changes the time of one."""
    found: list[list[Any]] = []
    for place in sys.path:
        with suppress(OSError):
            found.append([place, Path(place).stat().st_mtime_ns])
    return sorted(item for item in found if str(item[0]).rstrip("/").endswith("-packages"))


def _read_installed() -> dict[str, dict[str, str]]:
    from importlib.metadata import PackageNotFoundError, packages_distributions, version

    found: dict[str, dict[str, str]] = {}
    for module, distributions in packages_distributions().items():
        for name in distributions:
            with suppress(PackageNotFoundError):
                found.setdefault(module, {})[name] = version(name)
    return found
