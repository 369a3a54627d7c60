"""What comes with somebody's repository: parsed, or refused in one line. See dataworkspaces.testing.fuzzing."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from dataworkspaces.backends.git.metadata_merge import merge_metadata
from dataworkspaces.backends.git.paths import WorkspacePaths
from dataworkspaces.backends.git.resource_files import read_entries
from dataworkspaces.backends.git.snapshot_index import read_metadata
from dataworkspaces.backends.git.trust import _check_resources, directory_name
from dataworkspaces.gitfat.placeholder import parse
from dataworkspaces.gitfat.remote import read_remote
from dataworkspaces.gitrepo.checks import check_branch_name, check_subdirectory_path, check_url
from dataworkspaces.gitrepo.lfs_server import foreign_servers
from dataworkspaces.gitrepo.plumbing import TreeEntry
from dataworkspaces.gitrepo.sides import Sides
from dataworkspaces.resources.git_repo import FACTORY as GIT
from dataworkspaces.resources.git_subdirectory import FACTORY as SUBDIRECTORY
from dataworkspaces.testing.fuzzing import (
    EXAMPLES,
    damaged,
    damaged_bytes,
    damaged_json,
    fuzz,
    parsed_or_refused,
    randoms,
)
from dataworkspaces.testing.memory import MemoryWorkspace

fuzz_git = settings(fuzz, max_examples=max(10, EXAMPLES // 6))
GIT_PARAMS = {
    "name": "code", "role": "code", "resource_type": "git", "remote_origin_url": "https://x/y.git", "branch": "main",
    "relative_local_path": "code", "read_only": False, "export": False, "imported": False,
}  # fmt: skip
SUBDIRECTORY_PARAMS = {
    "name": "sub", "role": "results", "resource_type": "git-subdirectory", "relative_path": "sub", "export": False,
}  # fmt: skip
SNAPSHOT = {
    "hash": "0" * 40, "tags": ["S1"], "message": "m", "hostname": "h", "timestamp": "2026-01-01T00:00:00",
    "relative_destination_path": "snapshots/h-S1", "restore_hashes": {"code": "1" * 40}, "metrics": {"a": 1.5},
    "parents": ["2" * 40], "resource_parents": {"code": ["3" * 40]},
}  # fmt: skip
CONFIG = {
    "name": "ws",
    "dws-version": "2.0",
    "global_params": {"dws_git_branch": "main", "scratch_directory": "scratch"},
}


@fuzz
@given(random=randoms)
def test_lists_of_resources(random: Random, place: Callable[[], Path]) -> None:
    paths = WorkspacePaths(place())
    paths.resources.mkdir(parents=True)
    params = random.choice([GIT_PARAMS, SUBDIRECTORY_PARAMS])
    entry = {"position": 1, "parameters": params}
    (paths.resources / f"{params['name']}.json").write_bytes(damaged_json(random, entry))
    parsed_or_refused(read_entries, paths)
    paths.resource_list.write_bytes(damaged_json(random, [GIT_PARAMS, SUBDIRECTORY_PARAMS]))
    parsed_or_refused(read_entries, paths)
    contents = {
        ".dataworkspace/resources/code.json": damaged(random, entry),
        ".dataworkspace/resources.json": damaged(random, [SUBDIRECTORY_PARAMS]),
    }
    parsed_or_refused(_check_resources, contents)
    parsed_or_refused(directory_name, damaged(random, {"a": "name"}))


@fuzz
@given(random=randoms)
def test_resources(random: Random, place: Callable[[], Path]) -> None:
    workspace = MemoryWorkspace(place(), factories={"git": GIT, "git-subdirectory": SUBDIRECTORY})
    for original in (GIT_PARAMS, SUBDIRECTORY_PARAMS):
        params: Any = damaged(random, original)
        if not isinstance(params, dict) or not all(isinstance(params.get(k), str) for k in ("name", "role")):
            continue
        workspace.write_resource_params({**params, "resource_type": original["resource_type"]})
        local = damaged(random, {"local_path": "/x"})
        if isinstance(local, dict):
            workspace.write_resource_local_params(params["name"], local)

        def make(name: str = params["name"]) -> None:
            resource = workspace.get_resource(name)
            resource.get_params()
            resource.describe_params()

        parsed_or_refused(make)


@fuzz
@given(random=randoms)
def test_snapshots(random: Random, place: Callable[[], Path]) -> None:
    path = place() / "00.json"
    path.write_bytes(damaged_json(random, SNAPSHOT))
    parsed_or_refused(read_metadata, path)


@fuzz
@given(random=randoms)
def test_merges(random: Random) -> None:
    """Theirs is anything; ours and what both come from are as we write them."""
    blobs: dict[str, bytes] = {}

    def entry(content: bytes) -> TreeEntry:
        name = f"{len(blobs):040x}"
        blobs[name] = content
        return TreeEntry("100644", name)

    def side(document: Any) -> Sides:
        text, changed = json.dumps(document).encode(), json.dumps({**document, "more": 1}).encode()
        base = entry(text) if random.random() < 0.7 else None
        return Sides(base, entry(changed), entry(damaged_json(random, document)))

    snapshot = f".dataworkspace/snapshot_metadata/00/{SNAPSHOT['hash']}_md.json"
    sides = {
        ".dataworkspace/config.json": side(CONFIG),
        ".dataworkspace/resources/code.json": side({"position": 1, "parameters": GIT_PARAMS}),
        snapshot: side(SNAPSHOT),
        ".gitignore": Sides(entry(b"a\n"), entry(b"a\nb\n"), entry(damaged_bytes(random, b"a\nc\n"))),
    }
    parsed_or_refused(merge_metadata, sides, blobs.__getitem__, ["S1"], ["code", "sub"])


@fuzz
@given(random=randoms, text=st.text(max_size=40))
def test_texts(random: Random, text: str) -> None:
    parsed_or_refused(check_url, text, "x")
    url = damaged_bytes(random, b"ssh://git@host.example.com:22/path/x.git").decode("utf-8", "surrogateescape")
    parsed_or_refused(check_url, url, "x")
    parsed_or_refused(check_branch_name, text, "x")
    parsed_or_refused(check_subdirectory_path, text, "x")
    parse(damaged_bytes(random, b"#$# git-fat 4cc5ca7a1ffe77ac25f0ed6d98d09e3ba0fae74e                   12\n"))


@fuzz_git
@given(random=randoms)
def test_configurations_of_large_files(random: Random, repository: Path) -> None:
    fat = b"[rsync]\n\tremote = host:/path\n\tsshuser = ada\n\tsshport = 22\n\toptions = --compress\n"
    (repository / ".gitfat").write_bytes(damaged_bytes(random, fat))
    parsed_or_refused(read_remote, repository)
    lfs = b'[lfs]\n\turl = "https://host.example.com/x"\n\tpushurl = ssh://y\n[remote "origin"]\n\tlfsurl = https://z\n'
    (repository / ".lfsconfig").write_bytes(damaged_bytes(random, lfs))
    parsed_or_refused(foreign_servers, repository, "https://host.example.com/y")
