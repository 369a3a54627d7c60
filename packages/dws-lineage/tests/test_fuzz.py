"""Each parser of lineage that may be somebody else's: parsed, or refused in one line. See
dataworkspaces.testing.fuzzing."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from random import Random

from hypothesis import given

from dataworkspaces.lineage.file_store import FileLineageStore
from dataworkspaces.lineage.from_json import entries_from_json
from dataworkspaces.lineage.jsonable import jsonable
from dataworkspaces.lineage.own_commands import OwnCommands
from dataworkspaces.testing.fuzzing import damaged, damaged_bytes, damaged_json, fuzz, parsed_or_refused, randoms

RELEASE_1_6 = Path(__file__).parent / "release-1.6" / "digits"


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
def test_files_of_this_machine(random: Random, place: Callable[[], Path]) -> None:
    directory = place()
    (directory / "commands").write_bytes(damaged_bytes(random, b"0" * 64 + b"\n"))
    parsed_or_refused(OwnCommands(directory).has, ["x"])


@fuzz
@given(random=randoms)
def test_values(random: Random) -> None:
    json.dumps(jsonable(damaged(random, {"a": [1, "x"]})))
