"""Whose fault it is when something fails that should not: that of Data Workspaces, or of somebody's plug-in."""

from __future__ import annotations

import traceback
from collections.abc import Iterator

from dataworkspaces import plugins


def plugin_at_fault(error: BaseException) -> str | None:
    """The distribution of the plug-in in which an error arose; None if that was in code of ours."""
    others = dict(_modules_of_others())
    name = None
    for frame, _line in traceback.walk_tb(error.__traceback__):
        module = str(frame.f_globals.get("__name__", ""))
        if module.partition(".")[0] == "dataworkspaces" or _owner(module, others) is not None:
            name = _owner(module, others)  # of the innermost, below which there are libraries only
    return name


def _owner(module: str, others: dict[str, str]) -> str | None:
    while module:
        if module in others:
            return others[module]
        module = module.rpartition(".")[0]
    return None


def _modules_of_others() -> Iterator[tuple[str, str]]:
    """Of each plug-in that is not ours its module, or the package that it is in, and its distribution."""
    for group in plugins.KINDS:
        for announcement in plugins.announced(group).values():
            if announcement.distribution not in plugins.OUR_DISTRIBUTIONS:
                module = announcement.value.partition(":")[0].strip()
                top = module.partition(".")[0]
                yield (module if top == "dataworkspaces" else top), announcement.origin
