"""Hashing and keeping large files in the workers that multiprocessing forks from a process that has done so itself."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

_SCRIPT = """
import multiprocessing, sys
from pathlib import Path
from dataworkspaces.filetree import scan
from dataworkspaces.filetree.hashing import HashTask
from dataworkspaces.filetree.objects.store import ObjectStore
from dataworkspaces.filetree.objects.stored_files import store_files

root, objects, work = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
files = list(scan(root).files())

def value(_number):
    if work == "hash":
        return HashTask(str(root), "blake3")(files)[0].value
    return store_files(ObjectStore(objects), str(root), files)[0].id.text

mine = value(0)
with multiprocessing.get_context("fork").Pool(2) as pool:
    print(set(pool.map(value, range(4))) == {mine})
"""


@pytest.mark.parametrize("work", ["hash", "store"])
def test_forked_workers_give_the_same_value(tmp_path: Path, work: str) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (data / "large").write_bytes(bytes(range(256)) * (8 << 12))
    command = [
        sys.executable,
        "-W",
        "ignore:This process:DeprecationWarning",
        "-c",
        _SCRIPT,
        str(data),
        str(tmp_path / "objects"),
        work,
    ]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (result.stdout, result.stderr) == ("True\n", "")
