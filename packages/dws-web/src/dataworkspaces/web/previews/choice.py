"""Which preview a file gets."""

from __future__ import annotations

from functools import cache

from dataworkspaces import plugins
from dataworkspaces.errors import PluginError
from dataworkspaces.web.previews.blocks import Block, Code
from dataworkspaces.web.previews.contract import Preview

MOST_BYTES = 8_000_000
"""Of a file that a preview is given."""
_MOST_TEXT = 200_000


def preview(path: str, content: bytes, *, is_whole: bool) -> tuple[list[Block], str]:
    """The blocks of a file, and why it is not shown as its kind would be, or not to its end; "" if it is."""
    name = path.rpartition("/")[2]
    suffix = f".{name.rpartition('.')[2].lower()}" if "." in name else ""
    found = _by_suffix().get(suffix)
    problem = ""
    if found is not None:
        try:
            return found.blocks(name, content, is_whole=is_whole), ""
        except Exception as e:  # of a plug-in, about a file of somebody else: the page goes on
            problem = (
                f"It is not a valid {suffix} file: {e}" if isinstance(e, ValueError) else f"Its preview failed: {e}"
            )
    return _as_text(content, is_whole), problem


def _as_text(content: bytes, is_whole: bool) -> list[Block]:
    if b"\0" in content[:8000]:
        return []
    text = content[: _MOST_TEXT + 4].decode("utf-8", "replace")
    if text[:2000].count("\ufffd") > 20:
        return []
    cut = not is_whole or len(content) > _MOST_TEXT
    return [Code(text[:_MOST_TEXT] + ("\n…" if cut else ""))]


@cache
def _by_suffix() -> dict[str, Preview]:
    """A plug-in that cannot be loaded spoils only its own kind; of two for one suffix the first by name serves."""
    found: dict[str, Preview] = {}
    for name in plugins.names(plugins.PREVIEWS):
        try:
            loaded = plugins.load(plugins.PREVIEWS, name)
        except PluginError:
            continue
        if isinstance(loaded, Preview):
            for suffix in loaded.suffixes:
                found.setdefault(suffix, loaded)
    return found
