"""What many tests begin with, where paths in it (of origins, remotes, stores) cannot follow a copy: it is made once, and
put at the same place again for each test."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from endtoend import remove

T = TypeVar("T")


class Stage:
    """:ivar place: what was put there last, with all that the test did to it."""

    def __init__(self, directory: Path) -> None:
        self.place = directory / "stage"
        self._kept = directory / "kept"
        self._kept.mkdir()
        self._made: dict[str, Any] = {}

    def put(self, name: str, make: Callable[[Path], T]) -> T:
        """Let at the place be what ``make`` makes there, and nothing else. It may begin with what another call puts
        there, and what it returns (users, paths) holds for each test."""
        kept = self._kept / name
        remove(self.place)
        if name in self._made:
            copy(kept, self.place)
        else:
            self.place.mkdir()
            self._made[name] = make(self.place)
            copy(self.place, kept)
        made: T = self._made[name]
        return made


def copy(source: Path, target: Path) -> None:
    """With all times, so that git need not read each file again."""
    subprocess.run(["cp", "-a", str(source), str(target)], check=True)
