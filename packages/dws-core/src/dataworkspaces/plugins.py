"""Discovery of plug-ins: the only module that touches stevedore and entry points.

Nothing is loaded until it is asked for by name. A plug-in that cannot be imported spoils only itself:
:func:`load` raises :class:`~dataworkspaces.errors.PluginError` with the reason and :func:`list_plugins` shows it.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from typing import Any

from dataworkspaces.errors import PluginError

BACKENDS = "dataworkspaces.backends"
RESOURCES = "dataworkspaces.resources"
COMMANDS = "dataworkspaces.commands"
KITS = "dataworkspaces.kits"

KINDS = {BACKENDS: "workspace backend", RESOURCES: "resource type", COMMANDS: "command", KITS: "kit"}

KNOWN_DISTRIBUTIONS = {
    (BACKENDS, "git"): "dws-git",
    (RESOURCES, "git"): "dws-git",
    (RESOURCES, "git-subdirectory"): "dws-git",
    (RESOURCES, "rclone"): "dws-rclone",
    (RESOURCES, "s3"): "dws-s3",
    (KITS, "scikit-learn"): "dws-sklearn",
    (KITS, "tensorflow"): "dws-keras",
    (KITS, "jupyter"): "dws-jupyter",
}
"""Which distribution brings a plug-in that is not installed; a hint only, nothing is decided by it."""


@dataclass(frozen=True)
class PluginInfo:
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


@cache
def entry_points(group: str) -> dict[str, metadata.EntryPoint]:
    """The entry points of ``group`` by name, in alphabetical order.

    Raises PluginError if two distributions announce the same name, since which one served would be chance.
    """
    found: dict[str, metadata.EntryPoint] = {}
    for ep in sorted(metadata.entry_points(group=group), key=lambda e: e.name):
        other = found.setdefault(ep.name, ep)
        if other.value != ep.value:
            raise PluginError(
                f"The {KINDS.get(group, group)} '{ep.name}' is announced twice: by {_where(other)} and by {_where(ep)}",
                hint="Uninstall one of the two",
            )
    return found


def names(group: str) -> list[str]:
    """The names announced in ``group``; imports nothing."""
    return list(entry_points(group))


def load(group: str, name: str) -> Any:
    """The object that entry point ``name`` of ``group`` stands for.

    Raises PluginError if it is not installed (with the distribution to install) or fails to import.
    """
    known = entry_points(group)
    kind = KINDS.get(group, group)
    if name not in known:
        distribution = KNOWN_DISTRIBUTIONS.get((group, name))
        if distribution is not None:
            hint = f"Install it with: pip install {distribution}"
        else:
            near = difflib.get_close_matches(name, known, n=2)
            known_text = ", ".join(known) or "none"
            hint = f"Did you mean {' or '.join(near)}?" if near else f"Installed: {known_text}"
        raise PluginError(
            f"There is no {kind} '{name}': it is either misspelled or its distribution is not installed", hint=hint
        )
    return _load_one(group, name)


def find_by_resource_type(resource_type: str) -> Any:
    """The resource factory whose stored type is ``resource_type``."""
    return load(RESOURCES, resource_type)


def list_plugins() -> list[PluginInfo]:
    """Every installed plug-in, loaded to see whether it can be."""
    result = []
    for group in KINDS:
        for name, ep in entry_points(group).items():
            try:
                _load_one(group, name)
                error = None
            except PluginError as e:
                error = str(e.__cause__ or e).strip().splitlines()[0] if str(e.__cause__ or e) else repr(e.__cause__)
            dist = ep.dist
            result.append(
                PluginInfo(
                    group,
                    name,
                    ep.value,
                    dist.name if dist is not None else None,
                    dist.version if dist else None,
                    error,
                )
            )
    return result


@cache
def _load_one(group: str, name: str) -> Any:
    from stevedore.driver import DriverManager

    ep = entry_points(group)[name]

    def on_failure(_manager: Any, _ep: Any, error: BaseException) -> None:
        raise PluginError(
            f"The {KINDS.get(group, group)} '{name}' of {_where(ep)} could not be loaded: {_one_line(error)}",
            hint="'dws plugins' shows all that could not be loaded",
        ) from error

    manager: Any = DriverManager(
        namespace=group,
        name=name,
        invoke_on_load=False,
        on_load_failure_callback=on_failure,
    )
    return manager.driver


def _where(ep: metadata.EntryPoint) -> str:
    return f"{ep.dist.name} {ep.dist.version}" if ep.dist is not None else ep.value


def _one_line(error: BaseException) -> str:
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
