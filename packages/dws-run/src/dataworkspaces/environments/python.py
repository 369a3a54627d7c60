"""A Python with its distributions, as ``pylock.toml``."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Collection, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from dataworkspaces.lineage.environment_kind import Created, EnvironmentKind, Package, Process, Source


class PythonEnvironment(EnvironmentKind):
    """The imports in its methods keep programs that record steps quick."""

    prefix = "pylock"
    suffix = "toml"
    formats = ("pylock", "requirements", "json")

    def state(self, process: Process) -> Any:
        """Installing or removing a distribution changes the time of a directory of modules."""
        if process.python is None or process.prefix is None:
            return None
        from dataworkspaces.environments.locks import lock_files

        places = [[path, _changed(path)] for path in _places(process)]
        locks = [[str(path), _changed(path)] for path in lock_files(process.prefix, process.root)]
        return [process.python, process.implementation, places, locks]

    def record(self, process: Process) -> bytes:
        from dataworkspaces.environments.installed import installed
        from dataworkspaces.environments.locks import archives, lock_files
        from dataworkspaces.environments.pylock import to_pylock

        python = {
            "version": str(process.python),
            "implementation": process.implementation or "CPython",
            "platform": f"{sys.platform}-{platform.machine()}",
        }
        known = archives(lock_files(str(process.prefix), process.root))
        return to_pylock(python, installed(_places(process)), known, process.root)

    def packages(self, content: bytes) -> Sequence[Package]:
        from dataworkspaces.environments.described import packages
        from dataworkspaces.environments.pylock import TOOL, read

        document = read(content)
        return [Package("Python", document["tool"][TOOL]["python"]["version"]), *packages(document)]

    def summary(self, content: bytes) -> str:
        from dataworkspaces.environments.pylock import TOOL, read

        tool = read(content)["tool"][TOOL]
        count = len(tool["distributions"])
        python = tool["python"]
        return f"{python['implementation']} {python['version']} with {count} distribution{'' if count == 1 else 's'}"

    def export(self, content: bytes, format: str, root: Path | None = None) -> str:
        from dataworkspaces.environments.described import export

        return export(content, format, root)

    def sources(self, content: bytes, root: Path | None = None) -> Sequence[Source]:
        from dataworkspaces.environments.described import sources
        from dataworkspaces.environments.pylock import read

        return sources(read(content), root)

    def create(
        self, content: bytes, directory: Path, root: Path | None = None, without: Collection[str] = ()
    ) -> Created:
        from dataworkspaces.environments.uv import create

        return create(content, directory, root, without)


def _places(process: Process) -> list[str]:
    """The directories that distributions are installed in."""
    return [path for path in dict.fromkeys(process.paths) if path.rstrip("/").endswith("-packages")]


def _changed(path: str | Path) -> int | None:
    with suppress(OSError):
        return os.stat(path).st_mtime_ns  # noqa: PTH116 - pathlib is slow
    return None


KIND = PythonEnvironment()
