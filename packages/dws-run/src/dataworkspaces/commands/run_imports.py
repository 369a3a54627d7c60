"""Which distributions the Python processes of a command imported, and which sources they read."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from dataworkspaces import plugins
from dataworkspaces.commands.run_sources import ROOTS, code_read
from dataworkspaces.errors import PluginError
from dataworkspaces.lineage import code_watch
from dataworkspaces.lineage.code_files import CodeRead
from dataworkspaces.lineage.environment import distributions_of, this_machine
from dataworkspaces.lineage.environment_kind import Process
from dataworkspaces.lineage.environment_records import record_environment
from dataworkspaces.lineage.machine_settings import settings_of
from dataworkspaces.lineage.model import Environment
from dataworkspaces.toolbox.logs import log

_HOOK = Path(__file__).with_name("run_hook.py")
_IMPLEMENTATIONS = {"cpython": "CPython", "pypy": "PyPy"}
"""As ``platform.python_implementation`` has them, by ``sys.implementation.name``."""


@dataclass(frozen=True)
class _Noted:
    """What one process noted of itself when it ended."""

    python: str
    implementation: str
    paths: tuple[str, ...]
    modules: tuple[str, ...]
    prefix: str | None
    libraries: tuple[str, ...]

    @classmethod
    def of(cls, lines: Iterable[str]) -> _Noted:
        known: dict[str, list[str]] = {}
        for line in lines:
            key, _, value = line.partition(" ")
            known.setdefault(key, []).append(value)
        name = known.get("implementation", [""])[0]
        return cls(
            known.get("python", [""])[0],
            _IMPLEMENTATIONS.get(name, name),
            tuple(path for path in known.get("path", []) if os.path.isabs(path)),  # noqa: PTH117
            tuple(known.get("module", [])),
            known.get("prefix", [None])[0],
            tuple(known.get("library", [])),
        )


class Imports:
    """:param place: the directory in which the processes note them; None if they cannot."""

    def __init__(self, place: Path | None) -> None:
        self._place = place

    @property
    def variables(self) -> Mapping[str, str]:
        """Environment variables of the command."""
        if self._place is None:
            return {}
        others = os.environ.get("PYTHONPATH")
        return {"PYTHONPATH": os.pathsep.join([str(self._place), *([others] if others else [])])}

    def environment(self, cache_directory: Path, python: str | None = None, root: Path | None = None) -> Environment:
        """What the command ran on, once it has ended. The distributions are None if no Python has noted any: it may be
        another program, or one that takes no notice of the environment (``python -I``), or it was killed.

        :param python: its version, if that is known.
        :param root: the directory of the workspace.
        """
        noted = list(self._noted())
        modules: dict[tuple[str, ...], set[str]] = {}
        for process in noted:
            modules.setdefault(process.paths, set()).update(process.modules)
        found: dict[str, str] = {}
        for paths, names in modules.items():
            found.update(distributions_of(names, paths, cache_directory))
        versions = {process.python: process.implementation for process in noted}
        if python is None and len(versions) == 1:
            python = next(iter(versions))
        return this_machine()._replace(
            python=python,
            implementation=None if python is None else versions.get(python),
            distributions=dict(sorted(found.items(), key=lambda item: item[0].lower())) if noted else None,
            records=record_environment(_main_process(noted, root), cache_directory),
            settings=settings_of(name for process in noted for name in process.libraries),
        )

    def code(self, process: int) -> CodeRead | None:
        """What the command read of code, once it has ended; None if that is not known for certain.

        :param process: the id that it had."""
        return None if self._place is None else code_read(self._place, process)

    def _noted(self) -> Iterator[_Noted]:
        for file in [] if self._place is None else sorted(self._place.iterdir()):
            if file.name.isdecimal():
                yield from _read(file)


def _main_process(noted: Sequence[_Noted], root: Path | None) -> Process:
    """That of which most was imported, for a command that runs several Pythons."""
    if not noted:
        return Process(variables=os.environ, root=root)
    main = max(noted, key=lambda process: len(process.modules))
    return Process(main.python, main.implementation, main.prefix, main.paths, os.environ, root)


def _read(file: Path) -> Iterator[_Noted]:
    try:
        text = file.read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        return
    lines: list[str] = []
    for line in text.split("\n"):
        if line == "end":
            yield _Noted.of(lines)
            lines = []
        else:
            lines.append(line)


def variables_of_autolog() -> dict[str, str]:
    """Environment variables with which the Pythons of a command record what frameworks do: the modules to watch.

    Raises PluginError if no distribution brings an autologger."""
    names = plugins.names(plugins.AUTOLOGGERS)
    if not names:
        raise PluginError(
            "--autolog records nothing: no autologger is installed",
            hint="Install those of your frameworks with: pip install dws-sklearn, or pip install dws-keras",
        )
    return {"DWS_AUTOLOG": ",".join(names)}


@contextmanager
def watching_imports(roots: Iterable[str] = ()) -> Iterator[Imports]:
    """For one command. Nothing of this is worth that the command does not run.

    :param roots: real paths of the directories with code."""
    place: Path | None = None
    try:
        place = Path(os.path.realpath(tempfile.mkdtemp(prefix="dws-run-")))
        (place / ROOTS).write_bytes(b"\0".join(os.fsencode(root) for root in roots))
        shutil.copyfile(code_watch.__file__, place / "_dws_code_watch.py")
        shutil.copyfile(_HOOK, place / "sitecustomize.py")
    except OSError as e:
        log.info("what a command imports will not be known: %s", e)
    usable = place is not None and os.pathsep not in str(place) and (place / "sitecustomize.py").is_file()
    try:
        yield Imports(place if usable else None)
    finally:
        if place is not None:
            shutil.rmtree(place, ignore_errors=True)
