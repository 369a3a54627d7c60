"""The same files give the manifests that release 1.6.0 wrote.

The expected hashes are those of two real workspaces: the fixture ``dws-1.6-local-files``, and one that was made with
the released program for what the fixture does not show (empty files and directories, hidden names, the order).
"""

from __future__ import annotations

from pathlib import Path

import pytest

from dataworkspaces.filetree import SHA1, SIZE, Hasher, scan_tree

FIXTURE_HASHED = {
    "f1.csv": "row 1\n",
    "f2.csv": "row 2\n",
    "f3.csv": "row 3\n",
    "sub/g1": "1\n",
    "sub/g2": "2\n",
    "sub/g3": "3\n",
    "name with blank é": "ü\n",
}
FIXTURE_SIZED = {"h1": "x1\n", "h2": "x2\n", "h3": "x3\n"}
ODD_ONES = {
    ".dataworkspace/x": "1\n",
    ".git/x": "x\n",
    ".git2/q": "8\n",
    ".hidden": "7\n",
    "B/Z": "5\n",
    "Zfile": "6\n",
    "a.txt": "1\n",
    "aa/deep/y": "4\n",
    "b/.git/config": "1\n",
    "b/lineage.json": "10\n",
    "b/x": "2\n",
    "c.txt": "3\n",
    "empty/": "",
    "emptyfile": "",
    "emptyparent/e2/": "",
    "hard": "",
    "scratch/x": "1\n",
    "snapshots/q": "1\n",
    "ten": "1234567890",
    "ünï": "\n",
}


def write(root: Path, files: dict[str, str]) -> Path:
    for name, content in files.items():
        path = root / name
        if name.endswith("/"):
            path.mkdir(parents=True)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content, encoding="utf-8")
    return root


@pytest.mark.parametrize(
    ("files", "hasher", "expected"),
    [
        pytest.param(FIXTURE_HASHED, SHA1, "fb05c30d9a287c87cce7d8725e4f37d04158af25", id="hashed at ONE"),
        pytest.param(
            {**FIXTURE_HASHED, "f1.csv": "changed\n"},
            SHA1,
            "1b2ff8e2d7be9c348eec2cc48a8b19dc6428998e",
            id="hashed at TWO",
        ),
        pytest.param(FIXTURE_SIZED, SIZE, "56c3b1797bd8efd650d06c6802bda5d82cbaae3c", id="sized at ONE"),
        pytest.param(
            {**FIXTURE_SIZED, "h1": "longer text\n"},
            SIZE,
            "c9c53d8e2a4af11d7eb06895277eed528e3c6218",
            id="sized at TWO",
        ),
        pytest.param(ODD_ONES, SHA1, "3779078e941bf3250fc68375b549dc7b77663f44", id="odd names, hashed"),
        pytest.param(
            {**ODD_ONES, "lineage.json": "9\n", "snapshots/q": "8\n"},
            SIZE,
            "ad094add8ea51b7925d9c5135dca4d046bb0f14d",
            id="odd names, sized",
        ),
    ],
)
def test_the_hash_is_that_of_release_1_6(tmp_path: Path, files: dict[str, str], hasher: Hasher, expected: str) -> None:
    assert scan_tree(write(tmp_path, files), hasher).hashval == expected


def test_there_is_a_manifest_for_each_directory(tmp_path: Path) -> None:
    tree = scan_tree(write(tmp_path, FIXTURE_HASHED), SHA1)
    assert list(tree.manifests()) == [
        "83ea3c5f5b1572ecc1bd86a71a5874870f0b962f",
        "fb05c30d9a287c87cce7d8725e4f37d04158af25",
    ]
