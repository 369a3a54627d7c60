"""Each parser of what may be somebody else's: parsed, or refused in one line. See dataworkspaces.testing.fuzzing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataworkspaces.errors import MetadataError
from dataworkspaces.params import WORKSPACE_PARAMS
from dataworkspaces.testing.fuzzing import damaged, damaged_bytes, damaged_json, fuzz, parsed_or_refused, randoms
from dataworkspaces.testing.memory import MemoryWorkspace
from dataworkspaces.toolbox.lock_holder import describe_lock
from dataworkspaces.toolbox.names import check_relative_path
from dataworkspaces.toolbox.notebooks import code_cells, hash_of_sources
from dataworkspaces.toolbox.trust import Agreements, agreements_file
from dataworkspaces.toolbox.whereabouts import Whereabouts
from dataworkspaces.workspace.journal import Journal
from dataworkspaces.workspace.snapshot_metadata import SnapshotMetadata
from dataworkspaces.workspace.workspace_uri import config_file, known_workspaces, read_backend_file

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
NOTEBOOK = {"cells": [{"cell_type": "code", "source": ["a\n", "b"], "metadata": {}}], "nbformat": 4, "metadata": {}}


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
    note = b"123 push\n1 boot 2030-01-01T12:00:00 4026531836 beats\n"
    (directory / "lock.command").write_bytes(damaged_bytes(random, note))
    parsed_or_refused(describe_lock, directory)


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
@given(text=st.text(max_size=30))
def test_names(text: str) -> None:
    parsed_or_refused(check_relative_path, text, "It")
