"""What a tree leaves out: ``.dwsignore`` files, with the syntax and the rules of ``.gitignore``.

A pattern holds for the directory of its file and those below; a file nearer to an entry has the last word.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from dataworkspaces.errors import ConfigurationError

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

IGNORE_FILE = ".dwsignore"


class IgnoreRules:
    """The rules that were read so far; false if there are none."""

    def __init__(self) -> None:
        self._specs: dict[str, GitIgnoreSpec] = {}

    def __bool__(self) -> bool:
        return bool(self._specs)

    def read(self, root: Path, directory: str) -> None:
        """Take over the ``.dwsignore`` of a directory; raises ConfigurationError if it is not valid."""
        from pathspec import GitIgnoreSpec

        path = root / directory / IGNORE_FILE
        try:
            if not path.is_file() or path.is_symlink():
                raise ConfigurationError(f"{path} is no regular file")
            lines = path.read_text("utf-8", "surrogateescape").splitlines()
            self._specs[directory] = GitIgnoreSpec.from_lines(lines)
        except OSError as e:
            raise ConfigurationError(f"{path} cannot be read: {e.strerror or e}") from e
        except ValueError as e:  # pathspec's errors are such
            raise ConfigurationError(f"{path} is not valid: {e}", hint="It has the syntax of .gitignore") from e

    def leaves_out(self, path: str, is_directory: bool) -> bool:
        """Whether an entry is left out. The directories above it are not."""
        parent = path
        while parent:
            parent = parent.rpartition("/")[0]
            spec = self._specs.get(parent)
            if spec is not None:
                relative = path[len(parent) + 1 :] if parent else path
                decision = spec.check_file(f"{relative}/" if is_directory else relative).include
                if decision is not None:
                    return decision
        return False
