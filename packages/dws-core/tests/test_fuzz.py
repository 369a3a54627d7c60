"""Each parser of what may be somebody else's: parsed, or refused in one line. See dataworkspaces.testing.fuzzing."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest
from blake3 import blake3
from hypothesis import given
from hypothesis import strategies as st
from memory_workspace import MemoryWorkspace

from dataworkspaces.errors import MetadataError
from dataworkspaces.filetree.ignore import IgnoreRules
from dataworkspaces.filetree.manifest import parse_manifest
from dataworkspaces.filetree.objects.pack import Pack
from dataworkspaces.filetree.remotes.places import check_url
from dataworkspaces.lineage.file_store import FileLineageStore
from dataworkspaces.lineage.jsonable import jsonable
from dataworkspaces.lineage.own_commands import OwnCommands
from dataworkspaces.lineage.reading import entries_from_json
from dataworkspaces.params import WORKSPACE_PARAMS
from dataworkspaces.resources.local_files import FACTORY as LOCAL_FILES
from dataworkspaces.testing.fuzzing import damaged, damaged_bytes, damaged_json, fuzz, parsed_or_refused, randoms
from dataworkspaces.workspace.finding import config_file, known_workspaces, read_backend_file
from dataworkspaces.workspace.journal import Journal
from dataworkspaces.workspace.locking import describe_lock
from dataworkspaces.workspace.names import check_relative_path
from dataworkspaces.workspace.notebooks import code_cells, hash_of_sources
from dataworkspaces.workspace.snapshot_metadata import SnapshotMetadata
from dataworkspaces.workspace.trust import Agreements, agreements_file
from dataworkspaces.workspace.whereabouts import Whereabouts

RELEASE_1_6 = Path(__file__).parent / "lineage" / "release-1.6" / "digits"
MANIFEST = (
    b"# dws manifest 1\n" + b"file 12 " + b"a" * 64 + b" data/x.csv\nexec 0 " + b"b" * 64 + b' "a\\nb"\nlink 1 '
    b"c" * 64 + b" y\ntree 7 " + b"d" * 64 + b" z\n"
)
SNAPSHOT = {
    "hash": "0" * 40, "tags": ["S1"], "message": "m", "hostname": "h", "timestamp": "2026-01-01T00:00:00",
    "relative_destination_path": "snapshots/h-S1", "restore_hashes": {"code": "1" * 40}, "metrics": {"a": 1.5},
    "updated_timestamp": None, "utc_offset": "+00:00", "parents": ["2" * 40], "resource_parents": {"code": ["3" * 40]},
}  # fmt: skip
JOURNAL = {
    "operation": "snapshot",
    "command": "snapshot",
    "started": "2026-01-01T00:00:00",
    "pid": 1,
    "host": "h",
    "data": {"a": [1]},
}
LOCAL_PARAMS = {
    "name": "data", "role": "source-data", "resource_type": "file", "relative_local_path": "data",
    "global_local_path": "/x",
    "remote": "file:///x",
    "restorable": True, "hash_function": "blake3", "export": False, "imported": False, "compute_hash": False,
}  # fmt: skip
NOTEBOOK = {"cells": [{"cell_type": "code", "source": ["a\n", "b"], "metadata": {}}], "nbformat": 4, "metadata": {}}


@fuzz
@given(random=randoms)
def test_manifests(random: Random) -> None:
    parsed_or_refused(parse_manifest, damaged_bytes(random, MANIFEST))


@fuzz
@given(random=randoms, count=st.integers(0, 3))
def test_packs(random: Random, count: int, place: Callable[[], Path]) -> None:
    """The index's hash is right now and then, as somebody who wants to harm us makes it."""
    from dataworkspaces.filetree.objects.ids import ObjectId
    from dataworkspaces.filetree.objects.pack import ENTRY, FOOTER, MAGIC, write_pack

    directory = place()
    contents = [bytes([n]) * (n + 1) for n in range(count + 1)]
    ids = [ObjectId(len(c), blake3(c).digest()) for c in contents]
    path = write_pack(directory, directory, zip(ids, contents, strict=True))
    assert path is not None
    content = path.read_bytes()
    body, footer = content[: -FOOTER.size], content[-FOOTER.size :]
    if random.random() < 0.5:
        body = damaged_bytes(random, body)
        number = random.choice([0, 1, count + 1, 1 << 31])
        index = body[max(0, len(body) - number * ENTRY.size) :]
        try:
            footer = FOOTER.pack(number, blake3(index).digest(), MAGIC)
        except struct.error:
            footer = b""
        damaged_pack = body + footer
    else:
        damaged_pack = damaged_bytes(random, content)
    path.write_bytes(damaged_pack)
    pack = Pack(path)
    for object_id in ids:
        parsed_or_refused(pack.read, object_id)
    parsed_or_refused(lambda: list(pack.index))
    pack.close()


@fuzz
@given(random=randoms)
def test_ignore_files(random: Random) -> None:
    rules = IgnoreRules()
    content = b"*.tmp\n!keep.tmp\n/build/\n**/x/[a-z]?\\ \n# c\nfoo/**/bar\n"
    parsed_or_refused(rules.add, "", damaged_bytes(random, content), ".dwsignore")
    for name in ("a.tmp", "build", "x/a", "foo/1/bar", "a" * 200, "\udcff", "*" * 40):
        parsed_or_refused(rules.leaves_out_file, name)


@fuzz
@given(random=randoms)
def test_lineage(random: Random, place: Callable[[], Path]) -> None:
    document = json.loads(
        (RELEASE_1_6 / f"{random.choice(['results', 'code', 'intermediate-data'])}.json").read_bytes()
    )
    parsed_or_refused(entries_from_json, damaged(random, document), "lineage")
    directory = place()
    (directory / "results.json").write_bytes(damaged_json(random, document))
    store = FileLineageStore(directory, None, directory / "lock")  # type: ignore[arg-type]
    parsed_or_refused(store.entries, "results")


@fuzz
@given(random=randoms)
def test_snapshots(random: Random) -> None:
    data = damaged(random, SNAPSHOT)
    if isinstance(data, dict):

        def read() -> object:
            try:  # as its callers do
                return SnapshotMetadata.from_json(data)
            except (KeyError, TypeError) as e:
                raise MetadataError(f"no metadata: {e}") from e

        parsed_or_refused(read)


@fuzz
@given(random=randoms)
def test_files_of_this_machine(random: Random, place: Callable[[], Path]) -> None:
    directory = place()
    (directory / "journal.json").write_bytes(damaged_json(random, JOURNAL))
    entry = parsed_or_refused(Journal.pending, directory)
    if entry is not None and hasattr(entry, "describe"):
        entry.describe()
    (directory / "place.json").write_bytes(damaged_json(random, {"root": "/x", "host": "h", "inode": 3}))
    where = Whereabouts(directory, directory)
    parsed_or_refused(lambda: (where.state, where.earlier))
    (directory / "lock").write_bytes(damaged_bytes(random, b"123\nhost\n"))
    (directory / "lock.json").write_bytes(damaged_json(random, {"command": "x", "boot": "y", "started": 1}))
    parsed_or_refused(describe_lock, directory)
    (directory / "commands").write_bytes(damaged_bytes(random, b"0" * 64 + b"\n"))
    parsed_or_refused(OwnCommands(directory).has, ["x"])


@fuzz
@given(random=randoms)
def test_files_of_the_user(random: Random, place: Callable[[], Path]) -> None:
    directory = place()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CONFIG_HOME", str(directory))
        config_file().parent.mkdir()
        config_file().write_bytes(damaged_bytes(random, b'[workspaces]\nchurn = "/home/ada/churn"\n'))
        parsed_or_refused(known_workspaces)
        agreements_file().write_bytes(damaged_json(random, {"workspaces": {"/ws": ["s3://b"]}}))
        parsed_or_refused(Agreements("/ws").addresses)
    metadata = directory / ".dataworkspace"
    metadata.mkdir()
    (metadata / "backend.json").touch(mode=0o600)
    (metadata / "backend.json").write_bytes(
        damaged_json(random, {"backend": "sql", "workspace": "w", "url": "sqlite:///x"})
    )
    parsed_or_refused(read_backend_file, directory)


@fuzz
@given(random=randoms)
def test_resources(random: Random, place: Callable[[], Path]) -> None:
    params, local = damaged(random, LOCAL_PARAMS), damaged(random, {"my_local_path": "/x", "my_remote": "file:///y"})
    if not isinstance(params, dict) or not all(isinstance(params.get(k), str) for k in ("name", "role")):
        return  # which is refused before, see the backends
    workspace = MemoryWorkspace(place(), factories={"file": LOCAL_FILES})
    workspace.write_resource_params({**params, "resource_type": "file"})
    if isinstance(local, dict):
        workspace.write_resource_local_params(params["name"], local)

    def make() -> None:
        resource = workspace.get_resource(params["name"])
        resource.get_params()
        resource.get_local_params()  # type: ignore[attr-defined]
        list(resource.addresses())
        resource.describe_params()

    parsed_or_refused(make)


@fuzz
@given(random=randoms)
def test_parameters(random: Random, place: Callable[[], Path]) -> None:
    workspace = MemoryWorkspace(place())
    for definition in WORKSPACE_PARAMS.values():
        value: Any = damaged(random, definition.default)
        workspace.write_params(definition.is_global, {definition.name: value})
        get = workspace.get_global_param if definition.is_global else workspace.get_local_param
        parsed_or_refused(get, definition.name)
        parsed_or_refused(definition.parse, str(value))


@fuzz
@given(random=randoms)
def test_notebooks(random: Random) -> None:
    document = damaged_json(random, NOTEBOOK)
    parsed_or_refused(hash_of_sources, document)

    def cells() -> object:
        try:  # as its callers do
            return code_cells(document)
        except ValueError:
            return None

    parsed_or_refused(cells)


@fuzz
@given(random=randoms, text=st.text(max_size=30))
def test_names(random: Random, text: str) -> None:
    parsed_or_refused(check_relative_path, text, "It")
    parsed_or_refused(check_url, text)
    parsed_or_refused(check_url, damaged_bytes(random, b"s3://bucket:1/prefix?x=y").decode("utf-8", "surrogateescape"))
    json.dumps(jsonable(damaged(random, {"a": [1, "x"]})))
