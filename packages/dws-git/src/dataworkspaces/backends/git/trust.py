"""A workspace from somebody else: what its repository holds is looked at before anything of it is on disk."""

from __future__ import annotations

from pathlib import Path

from dataworkspaces.errors import MetadataError
from dataworkspaces.gitrepo.objects import list_tree
from dataworkspaces.workspace.factory import METADATA_DIR

_REGULAR = ("100644", "100755")
_LOCAL_ONLY = ("local_params.json", "resource_local_params.json", "current_lineage", "scratch")


def check_metadata_tree(root: Path, commit: str) -> None:
    """Raise MetadataError if a commit's metadata holds anything but plain files, or what belongs to one machine."""
    for path, entry in list_tree(root, commit, [METADATA_DIR]).items():
        first = path[len(METADATA_DIR) + 1 :].partition("/")[0]
        if entry.mode not in _REGULAR:
            kind = "a symbolic link" if entry.mode == "120000" else "a repository"
            raise MetadataError(
                f"{path} of the origin is {kind}, which no metadata is", hint="Do not use it before its owner explains"
            )
        if first in _LOCAL_ONLY:
            raise MetadataError(
                f"{path} of the origin is in git, but belongs to one machine only",
                hint=f"Its owner has to remove it: git rm --cached {path}",
            )
