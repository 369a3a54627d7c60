"""Which sources this process has read, for the steps that it records itself."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

from dataworkspaces.lineage import probe
from dataworkspaces.lineage.code_files import CodeRead
from dataworkspaces.lineage.code_watch import Notes, watch
from dataworkspaces.toolbox.logs import log
from dataworkspaces.toolbox.notebooks import SUFFIX as NOTEBOOK

__all__ = ["code_read", "watch_own_code"]

_HIDES = re.compile(
    rb"(?<![.\w])(?:exec|eval)\s*\(|\b(?:runpy|subprocess|Popen|os\.(?:popen|system|exec\w*|spawn\w*|fork))\b"
)
"""In a source that was read before we could watch: what it may have run has left no trace."""
_HIDES_IN_NOTEBOOK = re.compile(rb'"\s*(?:!|%%|%(?:run|load|sx|sc|system)\b)')


class _OwnCode:
    """What has been noted of this process since somebody first asked for it to be watched."""

    def __init__(self) -> None:
        self._process = os.getpid()
        self._found: dict[str, set[str]] = {"file": set(), "name": set(), "list": set(), "doubt": set()}
        self._can_watch = watch(Notes(lambda kind, text: self._found.get(kind, set()).add(text)))
        self._before = set(self._found["file"])

    def read(self, roots: Iterable[str]) -> CodeRead | None:
        """None if that is not known for certain.

        :param roots: real paths of the directories that count."""
        files = set(self._found["file"])
        before = set(self._before)
        notebook = probe.notebook()
        if notebook is not None:
            files.add(os.path.realpath(notebook))
            before.add(os.path.realpath(notebook))
        reason = self._doubt([path for path in before if any(path.startswith(root + os.sep) for root in roots)])
        if reason is not None:
            log.info("all files of code count: %s", reason)
            return None
        return CodeRead(frozenset(files), frozenset(self._found["name"]), frozenset(self._found["list"]))

    def _doubt(self, before: Iterable[str]) -> str | None:
        if not self._can_watch:
            return "this Python tells nothing"
        if os.getpid() != self._process:
            return "the process was forked"
        if self._found["doubt"]:
            return f"the process ran {', '.join(sorted(self._found['doubt']))}"
        if _has_workers():
            return "the process has workers"
        for path in before:
            try:
                content = Path(path).read_bytes()
            except OSError as e:
                return f"{path} cannot be read: {e}"
            if _HIDES.search(content) or (path.endswith(NOTEBOOK) and _HIDES_IN_NOTEBOOK.search(content)):
                return f"{path} may run other code"
        return None


def _has_workers() -> bool:
    """Whether processes were made, be it by a library: what they read, they alone know."""
    module = sys.modules.get("multiprocessing.process")
    counter = getattr(module, "_process_counter", None)
    return module is not None and repr(counter) != "count(1)"


@lru_cache(maxsize=1)
def _own_code() -> _OwnCode:
    return _OwnCode()


def watch_own_code() -> None:
    """From now on what this process reads is noted; what it has imported by now counts, too. The second call changes
    nothing."""
    _own_code()


def code_read(roots: Iterable[str]) -> CodeRead | None:
    """What this process has read of sources; None if that is not known for certain.

    :param roots: real paths of the directories that count."""
    return _own_code().read(list(roots))
