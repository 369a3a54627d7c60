"""What others may have damaged, or made on purpose, is read or refused: manifests, packs, and resources."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path
from random import Random

from blake3 import blake3
from hypothesis import given
from hypothesis import strategies as st

from dataworkspaces.filetree.ignore import IgnoreRules
from dataworkspaces.filetree.manifest import parse_manifest
from dataworkspaces.filetree.objects.ids import ObjectId
from dataworkspaces.filetree.objects.pack import ENTRY, FOOTER, MAGIC, Pack, write_pack
from dataworkspaces.filetree.remotes.places import check_url
from dataworkspaces.resources.local_files import FACTORY as LOCAL_FILES
from dataworkspaces.testing import MemoryWorkspace
from dataworkspaces.testing.fuzzing import damaged, damaged_bytes, fuzz, parsed_or_refused, randoms

MANIFEST = (
    b"# dws manifest 1\n" + b"file 12 " + b"a" * 64 + b" data/x.csv\nexec 0 " + b"b" * 64 + b' "a\\nb"\nlink 1 '
    b"c" * 64 + b" y\ntree 7 " + b"d" * 64 + b" z\n"
)
LOCAL_PARAMS = {
    "name": "data", "role": "source-data", "resource_type": "file", "relative_local_path": "data",
    "global_local_path": "/x",
    "remote": "file:///x",
    "restorable": True, "hash_function": "blake3", "export": False, "imported": False, "compute_hash": False,
}  # fmt: skip


@fuzz
@given(random=randoms)
def test_manifests(random: Random) -> None:
    parsed_or_refused(parse_manifest, damaged_bytes(random, MANIFEST))


@fuzz
@given(random=randoms, count=st.integers(0, 3))
def test_packs(random: Random, count: int, place: Callable[[], Path]) -> None:
    """The index's hash is right now and then, as somebody who wants to harm us makes it."""
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
@given(random=randoms, text=st.text(max_size=30))
def test_urls_of_remotes(random: Random, text: str) -> None:
    parsed_or_refused(check_url, text)
    parsed_or_refused(check_url, damaged_bytes(random, b"s3://bucket:1/prefix?x=y").decode("utf-8", "surrogateescape"))
