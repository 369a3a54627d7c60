"""What a step runs on: Python, platform, user, and the distributions that it imported."""

from __future__ import annotations

import getpass
import hashlib
import json
import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dataworkspaces.errors import DwsError
from dataworkspaces.lineage.environment_kind import Process
from dataworkspaces.lineage.environment_records import record_environment
from dataworkspaces.lineage.machine_settings import loaded_libraries, settings_of
from dataworkspaces.lineage.model import Environment
from dataworkspaces.toolbox.atomic import read_json_object_if_any, write_json

if TYPE_CHECKING:
    from importlib.metadata import Distribution

_FIELD_RE = r"(?m)^(Name|Version):[ \t]*(.*?)[ \t\r]*$"
_CODE = (".py", ".so", ".pyd")
_MODULE_RE = r"(?m)^\"?([^/.,\"\n]+)(?:/[^,\n]*|\.[^/,\n]*)?\.(?:py|so|pyd)\"?,"
"""The module at the top that a line of a RECORD is of, if it is one of a module."""
_read_at: dict[str, dict[str, dict[str, str]]] = {}
"""What this process has read, by the places and their times: it may work with several workspaces."""

__all__ = ["distributions_of", "present_process", "this_environment", "this_machine", "this_user"]


def this_environment(cache_directory: Path, root: Path | None = None) -> Environment:
    """That of this process, with what has been imported by now.

    :param cache_directory: as in :func:`distributions_of`; what is recorded of the whole environment lies there, too.
    :param root: the directory of the workspace.
    """
    version, implementation = platform.python_version(), platform.python_implementation()
    process = Process(version, implementation, sys.prefix, tuple(sys.path), os.environ, root)
    return Environment(
        version,
        implementation,
        platform.platform(),
        distributions_of(list(sys.modules), sys.path, cache_directory),
        record_environment(process, cache_directory),
        settings_of(loaded_libraries()),
    )


def present_process(root: Path | None = None) -> Process:
    """That in which a step would run now: the ``python`` that the user's shell finds; if there is none, ours.

    :param root: the directory of the workspace."""
    found = shutil.which("python") or shutil.which("python3")
    if found is not None and Path(found).absolute().parent != Path(sys.executable).parent:
        with suppress(OSError, ValueError, KeyError, TypeError, subprocess.SubprocessError):
            # Nothing of the current directory, in which somebody else's files may lie.
            done = subprocess.run([found, "-I", "-c", _WHO], capture_output=True, timeout=20, check=True)
            told = json.loads(done.stdout)
            return Process(
                told["python"], told["implementation"], told["prefix"], tuple(told["paths"]), os.environ, root
            )
    version, implementation = platform.python_version(), platform.python_implementation()
    return Process(version, implementation, sys.prefix, tuple(sys.path), os.environ, root)


_WHO = (
    "import json, platform, sys; print(json.dumps(dict(python=platform.python_version(), "
    "implementation=platform.python_implementation(), prefix=sys.prefix, paths=sys.path)))"
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


def distributions_of(modules: Iterable[str], paths: Sequence[str], cache_directory: Path) -> dict[str, str]:
    """Name and version of each installed distribution that modules were imported from, sorted by name.

    :param paths: where the process that imported them looks for modules: its ``sys.path``.
    :param cache_directory: of this machine. Finding out which distribution a module comes from reads the list of files
        of every one that is installed, which takes long; what is found stays there until one is installed or removed.
    """
    top_level = {name.partition(".")[0] for name in modules} - set(sys.stdlib_module_names)
    installed = _installed(paths, cache_directory) if top_level else {}
    found = {name: version for module in top_level for name, version in installed.get(module, {}).items()}
    return dict(sorted(found.items(), key=lambda item: item[0].lower()))


def _installed(paths: Sequence[str], cache_directory: Path) -> dict[str, dict[str, str]]:
    """By name of a module: the distributions that it comes from (several, for a namespace), with their versions."""
    places = _places(paths)
    cache = cache_directory / _cache_name(places)
    with suppress(DwsError):
        known = read_json_object_if_any(cache, "places", "modules") or {}
        if known.get("places") == places:
            modules: dict[str, dict[str, str]] = known["modules"]
            return modules
    key = json.dumps(places)
    if key not in _read_at:
        _read_at[key] = _read_installed(paths)
    modules = _read_at[key]
    with suppress(OSError):
        write_json(cache, {"places": places, "modules": modules})
    return modules


def _cache_name(places: Sequence[Sequence[Any]]) -> str:
    """A file for each Python: commands may run another one than we do."""
    if places == _places(sys.path):
        return "distributions.json"
    digest = hashlib.sha256(json.dumps([place for place, _ in places]).encode()).hexdigest()
    return f"distributions-{digest[:12]}.json"


def _places(paths: Iterable[str]) -> list[list[Any]]:
    """The directories that modules come from. Installing or removing a distribution changes the time of one."""
    found: list[list[Any]] = []
    for place in dict.fromkeys(paths):
        with suppress(OSError):
            found.append([place, Path(place).stat().st_mtime_ns])
    return sorted(item for item in found if str(item[0]).rstrip("/").endswith("-packages"))


def _read_installed(paths: Sequence[str]) -> dict[str, dict[str, str]]:
    """As ``importlib.metadata.packages_distributions``, which knows this process only."""
    from importlib.metadata import distributions

    found: dict[str, dict[str, str]] = {}
    for distribution in distributions(path=list(paths)):
        # The metadata of others may lack anything.
        with suppress(Exception):
            name, version = _name_and_version(distribution)
            for module in _top_level(distribution) if name and version else ():
                found.setdefault(module, {}).setdefault(name, version)  # the first on the path is the one in use
    return found


def _name_and_version(distribution: Distribution) -> tuple[str, str]:
    """Two lines of a long text."""
    header = (distribution.read_text("METADATA") or distribution.read_text("PKG-INFO") or "").partition("\n\n")[0]
    fields = dict(re.findall(_FIELD_RE, header))
    return fields.get("Name", ""), fields.get("Version", "")


def _top_level(distribution: Distribution) -> set[str]:
    declared = (distribution.read_text("top_level.txt") or "").split()
    if declared:
        return set(declared)
    record = distribution.read_text("RECORD")
    if not record:  # an older kind of metadata, which lists its files elsewhere
        names = {file.parts[0].partition(".")[0] for file in distribution.files or [] if file.suffix in _CODE}
    else:
        names = set(re.findall(_MODULE_RE, record))
    return {name for name in names if name.isidentifier()}
