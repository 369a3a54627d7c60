"""Files of a resource whose directory git looks after."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from re import Pattern

from dataworkspaces.workspace import LocalDirectoryMixin

GIT_FILES = frozenset({".gitignore", ".gitattributes", ".gitmodules"})


class GitDirectoryMixin(LocalDirectoryMixin):
    """A local directory in which git's own files stay where they are, and have their effect."""

    def _hidden_names(self) -> frozenset[str]:
        return frozenset({".git"})

    def hint_instead_of(self, command: str) -> str | None:
        return {
            "verify": "The content of git resources is checked by: git fsck",
            "undo-restore": "What a restore of a git resource replaced is in its history: git log",
        }.get(command)

    def results_current_files(self, exclude_files: AbstractSet[str], exclude_dirs_re: Pattern[str]) -> list[str]:
        found = super().results_current_files(exclude_files, exclude_dirs_re)
        return [path for path in found if path.rpartition("/")[2] not in GIT_FILES]
