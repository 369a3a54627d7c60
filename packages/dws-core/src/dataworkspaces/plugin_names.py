"""The names of plug-ins that ``dws --help`` and completion show. They are those that stevedore finds, which is imported
only where :mod:`~dataworkspaces.plugin_cache` does not know them."""

from __future__ import annotations

from dataworkspaces import plugin_cache, plugins
from dataworkspaces.errors import PluginError


def shown_names(group: str) -> dict[str, str]:
    """The names of a group, each with its distribution, in alphabetical order; none if they cannot be told."""
    found = plugin_cache.read()
    if found is None:
        try:
            found = plugins.keep_what_is_installed()
        except PluginError:
            return {}
    return {name: distribution for of_group, name, _value, distribution in found if of_group == group}
