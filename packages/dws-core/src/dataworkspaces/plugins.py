"""Discovery of plug-ins by stevedore: the only module that touches it, and entry points.

Nothing is imported until it is asked for by name. A plug-in that cannot be imported spoils only itself: :func:`load`
raises :class:`~dataworkspaces.errors.PluginError` with the reason and :func:`list_plugins` shows it.

stevedore takes longer to import than most plug-ins. What it found is kept (:mod:`dataworkspaces.plugin_cache`), and a
plug-in that is known so is loaded without it; whatever goes wrong then, stevedore finds and tells.
"""

from __future__ import annotations

from contextlib import suppress
from functools import cache, lru_cache, reduce
from typing import TYPE_CHECKING, Any, NamedTuple

from dataworkspaces import plugin_cache
from dataworkspaces.errors import PluginError

if TYPE_CHECKING:
    from importlib.metadata import Distribution, EntryPoint

BACKENDS = "dataworkspaces.backends"
RESOURCES = "dataworkspaces.resources"
COMMANDS = "dataworkspaces.commands"
KITS = "dataworkspaces.kits"
EXPORTERS = "dataworkspaces.exporters"
EXECUTORS = "dataworkspaces.executors"
ENVIRONMENTS = "dataworkspaces.environments"
PROBES = "dataworkspaces.probes"
PREVIEWS = "dataworkspaces.previews"
AUTOLOGGERS = "dataworkspaces.autologgers"
OPERATIONS = "dataworkspaces.operations"

KINDS = {
    BACKENDS: "workspace backend",
    RESOURCES: "resource type",
    COMMANDS: "command",
    KITS: "kit",
    EXPORTERS: "export format",
    EXECUTORS: "executor",
    ENVIRONMENTS: "kind of environment",
    PROBES: "probe",
    PREVIEWS: "preview",
    AUTOLOGGERS: "autologger",
    OPERATIONS: "set of operations",
}

DEFAULT_BACKEND = "git"
"""Keeps a workspace that does not say otherwise, in a directory that names no backend."""

KNOWN_DISTRIBUTIONS = {
    (BACKENDS, "git"): "dws-git",
    (BACKENDS, "sql"): "dws-sql",
    (OPERATIONS, "workspace"): "dws-commands",
    (RESOURCES, "api-resource"): "dws-files",
    (RESOURCES, "file"): "dws-files",
    (RESOURCES, "git"): "dws-git",
    (RESOURCES, "git-subdirectory"): "dws-git",
    (RESOURCES, "rclone"): "dws-rclone",
    (RESOURCES, "s3"): "dws-s3",
    (ENVIRONMENTS, "conda"): "dws-run",
    (ENVIRONMENTS, "container"): "dws-run",
    (ENVIRONMENTS, "python"): "dws-run",
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
    "dataworkspaces", "dws-commands", "dws-core", "dws-exports", "dws-files", "dws-git", "dws-jupyter", "dws-keras",
    "dws-kits", "dws-lineage", "dws-rclone", "dws-run", "dws-s3", "dws-sklearn", "dws-sql", "dws-testing", "dws-web",
})  # fmt: skip
"""Whose faults are to be reported to us."""


class Announcement(NamedTuple):
    """An entry point: ``value`` is ``module:attribute``."""

    group: str
    name: str
    value: str

    @property
    def distribution(self) -> str:
        found = _distribution(self)
        return "" if found is None else found.name

    @property
    def version(self) -> str:
        found = _distribution(self)
        return "" if found is None else found.version

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
    """What is announced in ``group``, in alphabetical order.

    Raises PluginError if two distributions announce the same name, since which one served would be chance."""
    known = _kept().get(group)
    return _find_announced(group) if known is None else known


def _find_announced(group: str, only: str | None = None) -> dict[str, Announcement]:
    """:param only: the name that is asked for: two of another one are no matter then."""
    found: dict[str, Announcement] = {}
    for each in _entry_points(group):
        if only not in (None, each.name):
            continue
        announcement = Announcement(group, each.name, each.value)
        other = found.setdefault(each.name, announcement)
        if other != announcement:
            raise PluginError(
                f"The {KINDS.get(group, group)} '{other.name}' is announced twice: by {other.origin} and by "
                f"{announcement.origin}",
                hint="Uninstall one of the two",
            )
    return dict(sorted(found.items()))


def names(group: str) -> list[str]:
    """The names announced in ``group``; imports no plug-in."""
    known = _kept().get(group)
    return sorted({each.name for each in _entry_points(group)}) if known is None else list(known)


def default_backend() -> str:
    """That of a new workspace for which nobody names one: git, or the one that is installed in its place."""
    found = names(BACKENDS)
    return found[0] if found and DEFAULT_BACKEND not in found else DEFAULT_BACKEND


def is_announced(group: str, name: str) -> bool:
    """Whether there is such a plug-in."""
    return name in _kept().get(group, ()) or any(each.name == name for each in _entry_points(group))


def load(group: str, name: str) -> Any:
    """The object that entry point ``name`` of ``group`` stands for.

    Raises PluginError if it is not installed (with the distribution to install) or fails to import."""
    return _load(group, name)


@cache  # a workspace of a thousand resources asks for one type a thousand times
def _load(group: str, name: str) -> Any:
    known = _kept().get(group, {}).get(name)
    found = None if known is None else _load_known(known)
    return _load_announced(group, name) if found is None else found


def _load_known(announcement: Announcement) -> Any:
    """None if it cannot be loaded; :func:`_load_announced` says why."""
    from importlib import import_module

    module, _, attribute = announcement.value.partition(":")
    with suppress(Exception):
        return reduce(getattr, filter(None, attribute.split(".")), import_module(module))
    return None


@cache
def _kept() -> dict[str, dict[str, Announcement]]:
    """By group; without those of which it is not known what is announced."""
    found: dict[str, dict[str, Announcement]] = {}
    for group, name, value, _distribution in plugin_cache.read() or ():
        found.setdefault(group, {})[name] = Announcement(group, name, value)
    return found


def _load_announced(group: str, name: str) -> Any:
    announcement = _find_announced(group, only=name).get(name)
    if announcement is None:
        raise _missing(group, name)
    from stevedore import DriverManager

    failures: list[BaseException] = []
    found: Any
    try:
        # Without a callback a failure is only logged.
        found = DriverManager(group, name, on_load_failure_callback=lambda _m, _ep, e: failures.append(e)).driver
    except Exception as e:  # what stevedore has no callback for; or, after a failure, that nothing is loaded
        cause = failures[0] if failures else e
        raise _failed(announcement, cause) from cause
    if found is None:
        problem = TypeError(f"{announcement.value} is None, not a factory")
        raise _failed(announcement, problem) from problem
    if not _kept():
        with suppress(PluginError):
            keep_what_is_installed()
    return found


def keep_what_is_installed() -> list[plugin_cache.Kept]:
    """Look up all that is announced for us, and keep it for the next process. Raises PluginError if it cannot be told.

    Of a group in which a name is announced twice nothing is kept: whoever asks for it is told."""
    found = [
        (group, name, each.value, each.distribution) for group in KINDS for name, each in _unambiguous(group).items()
    ]
    plugin_cache.write(found)
    _kept.cache_clear()
    return found


def _unambiguous(group: str) -> dict[str, Announcement]:
    try:
        return _find_announced(group)
    except PluginError:
        _entry_points(group)  # which tells two of one name, whose user is told, from metadata that cannot be read
        return {}


def list_plugins() -> list[PluginInfo]:
    """Every installed plug-in, loaded to see whether it can be."""
    result = []
    for group in KINDS:
        for each in _entry_points(group):
            known = Announcement(group, each.name, each.value)
            try:
                load(group, each.name)
                error = None
            except PluginError as e:
                error = _one_line(e.__cause__ or e)
            result.append(PluginInfo(group, each.name, each.value, known.distribution, known.version, error))
    return sorted(result, key=lambda info: (list(KINDS).index(info.group), info.name, info.module))


def forget() -> None:
    """Look anew at what is installed, where a process has changed that, or its ``sys.path``."""
    from importlib import invalidate_caches

    from stevedore import ExtensionManager

    ExtensionManager.ENTRY_POINT_CACHE.clear()
    _load.cache_clear()
    _kept.cache_clear()
    _distributions.cache_clear()
    invalidate_caches()


def _entry_points(group: str) -> list[EntryPoint]:
    from stevedore import NamedExtensionManager

    try:
        return NamedExtensionManager(group, []).list_entry_points()
    except Exception as e:  # of the first distribution whose metadata cannot be read, whoever's it is
        raise PluginError(
            f"What is installed cannot be listed: {_one_line(e)}",
            hint="'pip check' may show which distribution is broken",
        ) from e


@lru_cache(maxsize=16)
def _distributions(group: str) -> dict[tuple[str, str], Distribution | None]:
    from importlib import metadata

    return {(each.name, each.value): each.dist for each in metadata.entry_points(group=group)}


def _distribution(announcement: Announcement) -> Distribution | None:
    return _distributions(announcement.group).get((announcement.name, announcement.value))


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
        f"There is no {kind} '{name}': it is misspelled, or its distribution is not installed", hint=hint
    )


def _failed(announcement: Announcement, error: BaseException) -> PluginError:
    group = announcement.group
    return PluginError(
        f"The {KINDS.get(group, group)} '{announcement.name}' of {announcement.origin} could not be loaded: "
        f"{_one_line(error)}",
        hint="'dws plugins' shows all that could not be loaded",
    )


def _one_line(error: BaseException) -> str:
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
