"""Packs that commits have, and the working tree need not have: those of other branches, and of experiments."""

from __future__ import annotations

import re
from collections.abc import Iterable

from dataworkspaces.backends.git.paths import WorkspacePaths
from dataworkspaces.backends.git.snapshot_packs import PACK_NAME_RE, Pack, pack_names, pack_of
from dataworkspaces.gitrepo.plumbing import list_tree, read_blobs


def find_in_commits(paths: WorkspacePaths, commits: Iterable[str], hashval: str) -> Pack | None:
    """The first pack that holds a snapshot, of those that the commits have and the working tree lacks. They are named
    for their contents, so each is read once."""
    seen = set(pack_names(paths.snapshot_packs))
    directory = paths.snapshot_packs.relative_to(paths.root).as_posix()
    for commit in commits:
        listed = list_tree(paths.root, commit, [directory])
        new = {
            name: entry.name
            for path, entry in sorted(listed.items())
            if re.fullmatch(PACK_NAME_RE, name := path.rpartition("/")[2]) and name not in seen and entry.is_plain_file
        }
        seen |= new.keys()
        contents = read_blobs(paths.root, new.values())
        for name, blob in new.items():
            pack = pack_of(f"{directory}/{name} in {commit[:12]}", contents[blob])
            if hashval in pack.hashes:
                return pack
    return None
