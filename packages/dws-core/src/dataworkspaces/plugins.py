"""Discovery of plug-ins: the only module that touches stevedore and entry points.

Nothing is imported until it is asked for by name. A plug-in that cannot be imported spoils only itself: :func:`load`
raises :class:`~dataworkspaces.errors.PluginError` with the reason and :func:`list_plugins` shows it.

Every command looks up a backend and some resource types. Importing stevedore and :mod:`importlib.metadata` for that
takes longer than most commands take in all, so what lies in a directory of ``sys.path`` is looked up in the
``entry_points.txt`` files there; stevedore finds the rest.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any, NamedTuple

from dataworkspaces.errors import PluginError

BACKENDS = "dataworkspaces.backends"
RESOURCES = "dataworkspaces.resources"
COMMANDS = "dataworkspaces.commands"
KITS = "dataworkspaces.kits"
EXPORTERS = "dataworkspaces.exporters"
EXECUTORS = "dataworkspaces.executors"
PROBES = "dataworkspaces.probes"

KINDS = {
    BACKENDS: "workspace backend",
    RESOURCES: "resource type",
    COMMANDS: "command",
    KITS: "kit",
    EXPORTERS: "export format",
    EXECUTORS: "executor",
    PROBES: "probe",
}

DEFAULT_BACKEND = "git"
"""Keeps a workspace that does not say otherwise, in a directory that names no backend."""

KNOWN_DISTRIBUTIONS = {
    (BACKENDS, "git"): "dws-git",
    (BACKENDS, "sql"): "dws-sql",
    (RESOURCES, "api-resource"): "dws-files",
    (RESOURCES, "file"): "dws-files",
    (RESOURCES, "git"): "dws-git",
    (RESOURCES, "git-subdirectory"): "dws-git",
    (RESOURCES, "rclone"): "dws-rclone",
    (RESOURCES, "s3"): "dws-s3",
    (COMMANDS, "du"): "dws-files",
    (COMMANDS, "gc"): "dws-files",
    (COMMANDS, "undo-restore"): "dws-files",
    (COMMANDS, "verify"): "dws-files",
    (COMMANDS, "run"): "dws-run",
    (COMMANDS, "rerun"): "dws-run",
    (EXECUTORS, "dask"): "dws-files",
    (EXPORTERS, "html"): "dws-web",
    (EXPORTERS, "openlineage"): "dws-exports",
    (EXPORTERS, "prov"): "dws-exports",
    (EXPORTERS, "ro-crate"): "dws-exports",
    (KITS, "scikit-learn"): "dws-sklearn",
    (KITS, "tensorflow"): "dws-keras",
    (KITS, "jupyter"): "dws-jupyter",
}
"""Which distribution brings a plug-in that is not installed; a hint only, nothing is decided by it."""

OUR_DISTRIBUTIONS = frozenset({
    "dataworkspaces", "dws-core", "dws-exports", "dws-files", "dws-git", "dws-jupyter", "dws-keras", "dws-kits",
    "dws-rclone", "dws-run", "dws-s3", "dws-sklearn", "dws-sql", "dws-web",
})  # fmt: skip
"""Whose faults are to be reported to us."""


class Announcement(NamedTuple):
    """An entry point: ``value`` is ``module:attribute``."""

    name: str
    value: str
    distribution: str
    version: str

    @property
    def origin(self) -> str:
        return f"{self.distribution} {self.version}".strip() or self.value


class PluginInfo(NamedTuple):
    """What ``dws plugins`` shows of one plug-in. ``error`` says why it could not be loaded."""

    group: str
    name: str
    module: str
    distribution: str | None
    version: str | None
    error: str | None = None

    @property
    def kind(self) -> str:
        return KINDS[self.group]


def announced(group: str) -> dict[str, Announcement]:
    """What is announced in ``group`` in directories of ``sys.path``, in alphabetical order.

    Raises PluginError if two distributions announce the same name, since which one served would be chance."""
    return _announced(group, tuple(sys.path))


def names(group: str) -> list[str]:
    """The names announced in ``group``, wherever they are installed; imports no plug-in."""
    return sorted({*announced(group), *(ep.name for ep in _entry_points(group))})


def default_backend() -> str:
    """That of a new workspace for which nobody names one: git, or the one that is installed in its place."""
    found = names(BACKENDS)
    return found[0] if found and DEFAULT_BACKEND not in found else DEFAULT_BACKEND


def is_announced(group: str, name: str) -> bool:
    """Whether there is such a plug-in."""
    return name in announced(group) or any(ep.name == name for ep in _entry_points(group))


def load(group: str, name: str) -> Any:
    """The object that entry point ``name`` of ``group`` stands for.

    Raises PluginError if it is not installed (with the distribution to install) or fails to import."""
    found = announced(group).get(name)
    if found is not None:
        return _import(group, found)
    if any(ep.name == name for ep in _entry_points(group)):
        return _load_by_stevedore(group, name)
    raise _missing(group, name)


def list_plugins() -> list[PluginInfo]:
    """Every installed plug-in, loaded to see whether it can be."""
    result = []
    for group in KINDS:
        found = announced(group)
        for name in names(group):
            known = found.get(name) or _from_metadata(group, name)
            try:
                load(group, name)
                error = None
            except PluginError as e:
                error = _one_line(e.__cause__ or e)
            result.append(PluginInfo(group, name, known.value, known.distribution, known.version, error))
    return result


# -- reading the files -------------------------------------------------------------------------------------------


@lru_cache(maxsize=64)
def _announced(group: str, path: tuple[str, ...]) -> dict[str, Announcement]:
    found: dict[str, Announcement] = {}
    for announcement in _read(group, dict.fromkeys(path)):
        other = found.setdefault(announcement.name, announcement)
        if other.value != announcement.value:
            raise PluginError(
                f"The {KINDS.get(group, group)} '{other.name}' is announced twice: by {other.origin} and by "
                f"{announcement.origin}",
                hint="Uninstall one of the two",
            )
    return dict(sorted(found.items()))


def _read(group: str, directories: Iterable[str]) -> Iterator[Announcement]:
    """The entry points of a group (the file's format is that of the entry-points specification)."""
    for directory in directories:
        for folder, text in _entry_point_files(directory or "."):
            stem = folder.rpartition(".")[0]
            distribution, _, version = stem.partition("-")
            for name, value in _section(text, group):
                yield Announcement(name, value, distribution.replace("_", "-"), version)


def _entry_point_files(directory: str) -> Iterator[tuple[str, str]]:
    """Name of the metadata folder, and content, of each ``entry_points.txt`` with something of ours."""
    try:
        entries = list(os.scandir(directory))
    except OSError:
        return
    for entry in entries:
        if not entry.name.endswith((".dist-info", ".egg-info")):
            continue
        try:
            with open(f"{entry.path}/entry_points.txt", encoding="utf-8") as file:  # noqa: PTH123 - pathlib is slow
                text = file.read()
        except (OSError, ValueError):
            continue
        if "dataworkspaces." in text:
            yield entry.name, text


def _section(text: str, group: str) -> Iterator[tuple[str, str]]:
    here = False
    for line in text.splitlines():
        line = line.strip()
        if line.startswith("["):
            here = line == f"[{group}]"
        elif here and "=" in line and line[0] not in "#;":
            name, _, value = line.partition("=")
            yield name.strip(), value.partition("[")[0].strip()


def _import(group: str, announcement: Announcement) -> Any:
    from importlib import import_module

    module, _, attributes = announcement.value.partition(":")
    try:
        found: Any = import_module(module)
        for attribute in filter(None, attributes.split(".")):
            found = getattr(found, attribute)
    except Exception as e:  # whatever somebody else's module raises
        raise _failed(group, announcement, e) from e
    return _checked(group, announcement, found)


def _checked(group: str, announcement: Announcement, found: Any) -> Any:
    """What an entry point stands for; raises PluginError if that is None."""
    if found is None:
        problem = TypeError(f"{announcement.value} is None, and no factory")
        raise _failed(group, announcement, problem) from problem
    return found


# -- stevedore, for what lies elsewhere (in a zip file, behind an import hook) ---------------------------------------


@lru_cache(maxsize=64)
def _entry_points(group: str) -> tuple[Any, ...]:
    from importlib import metadata

    return tuple(metadata.entry_points(group=group))


def _from_metadata(group: str, name: str) -> Announcement:
    ep = next(ep for ep in _entry_points(group) if ep.name == name)
    return Announcement(name, ep.value, ep.dist.name if ep.dist else "", ep.dist.version if ep.dist else "")


def _load_by_stevedore(group: str, name: str) -> Any:
    from stevedore.driver import DriverManager

    def on_failure(_manager: Any, _ep: Any, error: BaseException) -> None:
        raise _failed(group, _from_metadata(group, name), error) from error

    manager: Any = DriverManager(group, name, invoke_on_load=False, on_load_failure_callback=on_failure)
    return _checked(group, _from_metadata(group, name), manager.driver)


# -- errors --------------------------------------------------------------------------------------------------------


def _missing(group: str, name: str) -> PluginError:
    import difflib

    kind = KINDS.get(group, group)
    distribution = KNOWN_DISTRIBUTIONS.get((group, name))
    if distribution is not None:
        hint = f"Install it with: pip install {distribution}"
    else:
        near = difflib.get_close_matches(name, names(group), n=2)
        known = ", ".join(names(group)) or "none"
        hint = f"Did you mean {' or '.join(near)}?" if near else f"Installed: {known}"
    return PluginError(
        f"There is no {kind} '{name}': it is either misspelled or its distribution is not installed", hint=hint
    )


def _failed(group: str, announcement: Announcement, error: BaseException) -> PluginError:
    return PluginError(
        f"The {KINDS.get(group, group)} '{announcement.name}' of {announcement.origin} could not be loaded: "
        f"{_one_line(error)}",
        hint="'dws plugins' shows all that could not be loaded",
    )


def _one_line(error: BaseException) -> str:
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
