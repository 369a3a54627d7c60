"""What probes tell of the program that records a step: its random seeds, its settings, the notebook that it is.

An entry point of the group ``dataworkspaces.probes`` names an instance of :class:`Probe`; one that fails tells nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

from dataworkspaces import plugins
from dataworkspaces.errors import PluginError
from dataworkspaces.toolbox.logs import log

__all__ = ["Probe", "notebook", "random_seeds", "settings", "watch"]

T = TypeVar("T")


class Probe:
    """What one library knows of the program. A method that has nothing to tell is left as it is.

    Its module is imported in each program that records steps: it imports nothing that is large, and looks for its
    library in ``sys.modules``. Whatever a method raises is not told to the user, whose program is not about us."""

    def watch(self) -> None:
        """Begin to notice what cannot be asked later. It is called when a program imports the API of lineage, and at
        each step: the second call changes nothing."""

    def random_seeds(self) -> Mapping[str, Any]:
        """The seeds that were set, as values of JSON, by the name of the generator."""
        return {}

    def settings(self) -> Mapping[str, Any]:
        """What decides whether the same seeds give the same numbers, as values of JSON, by name: those settings that
        are not as they are by themselves. Kits record them."""
        return {}

    def notebook(self) -> Path | None:
        """The notebook that is running, if this is one."""
        return None


def watch() -> None:
    for probe in _probes():
        _ask(probe.watch, None)


def random_seeds() -> dict[str, Any]:
    return _together(probe.random_seeds for probe in _probes())


def settings() -> dict[str, Any]:
    return _together(probe.settings for probe in _probes())


def _together(questions: Iterable[Callable[[], Mapping[str, Any]]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    nothing: Mapping[str, Any] = {}
    for question in questions:
        found.update(_ask(question, nothing))
    return found


def notebook() -> Path | None:
    return next((path for probe in _probes() if (path := _ask(probe.notebook, None))), None)


@lru_cache(maxsize=1)
def _probes() -> tuple[Probe, ...]:
    """Those that a quick look finds: it is taken in each program that records steps."""
    found = []
    try:
        for name in plugins.announced(plugins.PROBES):
            found.append(plugins.load(plugins.PROBES, name))
    except PluginError as e:
        log.warning("%s: seeds and settings may be missing in lineage", e)
    return tuple(probe for probe in found if isinstance(probe, Probe))


def _ask(question: Callable[[], T], nothing: T) -> T:
    try:
        return question()
    except Exception as e:  # of somebody else's library, in a version that the probe does not know
        log.debug("a probe failed: %s", e)
        return nothing
