"""What the workspace keeps of its resources: one file for each, so that two people can add resources at once.

``resources/NAME.json`` holds ``position``, by which resources are ordered, and ``parameters``. Release 1.6 kept a list
of the parameters in ``resources.json``: what it holds, and the directory lacks, is a resource too, until
:func:`take_over_list` moves it.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from dataworkspaces.backends.git.paths import WorkspacePaths
from dataworkspaces.durability import flush_directory
from dataworkspaces.errors import ConfigurationError, MetadataError
from dataworkspaces.toolbox.atomic import read_json_list, read_json_object, unreadable, write_json
from dataworkspaces.toolbox.names import check_resource_name
from dataworkspaces.workspace import RESOURCE_ROLE_CHOICES
from dataworkspaces.workspace.resource_names import check_names

SUFFIX = ".json"
Entry = dict[str, Any]
"""``position`` and ``parameters``."""
Load = Callable[[Path, Callable[[Path], Any]], Any]
"""Reads a file with a reader, or finds what was read before; :func:`read_now` always reads."""


def read_now(path: Path, reader: Callable[[Path], Any]) -> Any:
    return reader(path)


def read_entries(paths: WorkspacePaths, load: Load = read_now) -> list[Entry]:
    """All resources' entries, in their order. Raises MetadataError for a file that does not hold what it should."""
    found: dict[str, Entry] = {}
    for path in entry_files(paths):
        entry = load(path, read_entry)
        found[entry["parameters"]["name"]] = entry
    if paths.resource_list.exists():
        for position, params in enumerate(load(paths.resource_list, read_list)):
            found.setdefault(params["name"], {"position": position, "parameters": params})
    return sorted(found.values(), key=lambda entry: (entry["position"], entry["parameters"]["name"]))


_CLOCK_TICK_NS = 50_000_000
"""A directory that changed less than this ago may change again without its time telling."""


def state_of(paths: WorkspacePaths) -> tuple[int, ...] | None:
    """What differs when a file of a resource was written, or another list; None if that cannot be told yet."""
    found: list[int] = []
    now = time.time_ns()
    for path in (paths.resources, paths.resource_list):
        try:
            stat = os.stat(path)  # noqa: PTH116 - asked for each resource
        except OSError:
            found += [0, 0]
            continue
        if now - stat.st_mtime_ns < _CLOCK_TICK_NS:
            return None
        found += [stat.st_mtime_ns, stat.st_ino]
    return tuple(found)


def entry_files(paths: WorkspacePaths) -> list[Path]:
    """The files of the directory, by name."""
    try:
        found = sorted(paths.resources.iterdir())
    except FileNotFoundError:
        return []
    except OSError as e:
        raise unreadable(paths.resources, e) from e
    return [path for path in found if path.name.endswith(SUFFIX) and not path.name.startswith(".")]


def read_entry(path: Path) -> Entry:
    """One resource's entry; raises MetadataError for what does not fit."""
    entry = read_json_object(path, "position", "parameters")
    check_entry(entry, path.name, str(path))
    return entry


def check_entry(entry: Entry, file_name: str, where: str) -> None:
    """Raise MetadataError if ``entry`` is not what a file of this name holds."""
    if not isinstance(entry["position"], int) or isinstance(entry["position"], bool):
        raise MetadataError(f"{where}: 'position' should be a whole number")
    _check_parameters(entry["parameters"], f"{where}: 'parameters'")
    if entry["parameters"]["name"] + SUFFIX != file_name:
        raise MetadataError(f"{where}: its name does not match its resource '{entry['parameters']['name']}'")


def read_list(path: Path) -> list[dict[str, Any]]:
    """The list of release 1.6."""
    return check_list(read_json_list(path), str(path))


def check_list(entries: object, where: str) -> list[dict[str, Any]]:
    """Raise MetadataError if ``entries`` is not what such a list holds."""
    if not isinstance(entries, list):
        raise MetadataError(f"{where} should hold a JSON list")
    seen = set()
    for number, params in enumerate(entries, start=1):
        _check_parameters(params, f"{where}: entry {number}")
        if params["name"] in seen:
            raise MetadataError(f"{where}: there are two resources '{params['name']}'")
        seen.add(params["name"])
    return entries


def _check_parameters(params: object, where: str) -> None:
    if not isinstance(params, dict):
        raise MetadataError(f"{where} should be a JSON object")
    for key in ("resource_type", "name", "role"):
        if not isinstance(params.get(key), str):
            raise MetadataError(f"{where} lacks the key '{key}'")
    if params["role"] not in RESOURCE_ROLE_CHOICES:
        raise MetadataError(f"{where}: resource '{params['name']}' has the unknown role '{params['role']}'")
    try:
        check_resource_name(params["name"])
    except ConfigurationError as e:
        raise MetadataError(f"{where}: {e.message}") from e
    check_names(params, where)


def next_position(entries: Iterable[Entry]) -> int:
    return max((entry["position"] for entry in entries), default=-1) + 1


def take_over_list(paths: WorkspacePaths) -> bool:
    """Move what release 1.6's list holds to the directory; returns False if there is no list.

    The list goes last, and until then counts for what the directory lacks: a kill loses nothing."""
    if not paths.resource_list.exists():
        return False
    entries = read_entries(paths)
    if paths.resources.exists():
        for entry in entries:
            path = paths.resource_file(entry["parameters"]["name"])
            if not path.exists():
                write_json(path, entry)
    else:
        import shutil  # slow to import, as is the next
        import tempfile

        temporary = Path(tempfile.mkdtemp(prefix=".resources.", suffix=".tmp", dir=paths.metadata))
        try:
            for entry in entries:
                write_json(temporary / paths.resource_file(entry["parameters"]["name"]).name, entry)
            temporary.chmod(0o755)
            flush_directory(temporary)
            temporary.rename(paths.resources)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
    flush_directory(paths.metadata)
    paths.resource_list.unlink()
    return True
