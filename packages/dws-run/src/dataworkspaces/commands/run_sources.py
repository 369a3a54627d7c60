"""Which sources the Python processes of a command have noted that they read."""

from __future__ import annotations

import os
from pathlib import Path

from dataworkspaces.lineage.code_files import CodeRead
from dataworkspaces.toolbox.logs import log

ROOTS = "roots"
"""File with the directories that count; a process that cannot note removes it."""


def code_read(place: Path, process: int) -> CodeRead | None:
    """What was noted in a directory; None if something may be missing: the command (``process`` is its id) was no
    Python that noted, or ran another program."""
    found: dict[str, set[str]] = {"file": set(), "name": set(), "list": set()}
    try:
        for path in sorted(place.glob("code-*")):
            notes = [line.partition(b" ") for line in path.read_bytes().split(b"\n") if line]
            is_replaced = False
            for kind, _, value in notes:
                text = os.fsdecode(kind)
                if text == "doubt":
                    log.info("all files of code count: the command ran %s", os.fsdecode(value))
                    return None
                is_replaced = text == "exec" or (is_replaced and text != "begin")
                if text in found:
                    found[text].add(os.fsdecode(value))
            if is_replaced:
                log.info("all files of code count: a process of the command became another program")
                return None
        is_whole = (place / ROOTS).exists() and (place / f"code-{process}").read_bytes().startswith(b"begin ")
    except OSError:
        return None
    return CodeRead(*(frozenset(found[kind]) for kind in ("file", "name", "list"))) if is_whole else None
