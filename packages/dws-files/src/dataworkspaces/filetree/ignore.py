"""What a tree leaves out: ``.dwsignore`` files, with the syntax and the rules of ``.gitignore``.

A pattern holds for the directory of its file and those below; a file nearer to an entry has the last word.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from dataworkspaces.errors import ConfigurationError, kind_of_os_error
from dataworkspaces.toolbox.regular import read_regular

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

IGNORE_FILE = ".dwsignore"
_MAX_SIZE = 1 << 20
_NO_ASCII = {byte: 0xE000 + byte for byte in range(128, 256)}


class IgnoreRules:
    """The rules that were read so far; false if there are none."""

    def __init__(self) -> None:
        self._specs: dict[str, GitIgnoreSpec] = {}

    def __bool__(self) -> bool:
        return bool(self._specs)

    def read(self, root: Path, directory: str) -> None:
        """Take over the ``.dwsignore`` of a directory; raises ConfigurationError if it is not valid.

        It may be somebody else's: RE2 matches in linear time whatever the patterns are."""
        path = root / directory / IGNORE_FILE
        try:
            if not path.is_file() or path.is_symlink():
                raise ConfigurationError(f"{path} is not a regular file")
            if path.stat().st_size > _MAX_SIZE:
                raise ConfigurationError(f"{path} is larger than {_MAX_SIZE >> 20} MiB", hint="Use fewer patterns")
            self.add(directory, read_regular(path), os.fspath(path))
        except OSError as e:
            raise kind_of_os_error(e)(f"{path} cannot be read: {e.strerror or e}") from e

    def add(self, directory: str, content: bytes, what: str) -> None:
        """Take over what the ``.dwsignore`` of a directory holds; ``what`` names it in errors."""
        import re
        import warnings

        import re2  # type: ignore[import-untyped]
        from pathspec import GitIgnoreSpec

        try:
            lines = _text(content).replace("\r\n", "\n").split("\n")
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", FutureWarning)  # of what another Python may take for a set
                self._specs[directory] = GitIgnoreSpec.from_lines(lines, backend="re2")
        except (ValueError, re.error, re2.error) as e:  # as of [z-a]
            raise ConfigurationError(f"{what} is not valid: {e}", hint="It has the syntax of .gitignore") from e

    def leaves_out_file(self, path: str) -> bool:
        """Whether a file is left out, or a directory above it."""
        above = [path[:at] for at, char in enumerate(path) if char == "/"]
        return any(self.leaves_out(directory, True) for directory in above) or self.leaves_out(path, False)

    def leaves_out(self, path: str, is_directory: bool) -> bool:
        """Whether an entry is left out. The directories above it are not."""
        parent = path
        while parent:
            parent = parent.rpartition("/")[0]
            spec = self._specs.get(parent)
            if spec is not None:
                relative = _text(os.fsencode(path[len(parent) + 1 :] if parent else path))
                decision = spec.check_file(f"{relative}/" if is_directory else relative).include
                if decision is not None:
                    return decision
        return False


def _text(name: bytes) -> str:
    """Bytes as a text that RE2 takes, a character each as git counts them. Those that are not ASCII become characters
    for private use, none of which is a blank or a letter."""
    return name.decode("latin-1").translate(_NO_ASCII)
