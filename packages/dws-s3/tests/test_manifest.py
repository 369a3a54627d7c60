"""Manifests of somebody else: what they may make us read, and what they may not."""

from __future__ import annotations

import gzip
import json

import pytest

from dataworkspaces.errors import MetadataError
from dataworkspaces.resources.s3.manifest import _parse, manifest_hash, manifest_text

pytestmark = pytest.mark.slow


def packed(text: bytes) -> tuple[bytes, str]:
    return gzip.compress(text, mtime=0), manifest_hash(text)


def test_a_large_one_is_read() -> None:
    versions = {f"data/2026/part-{number:07d}.parquet": "null" for number in range(400_000)}
    text = manifest_text(versions)
    assert len(text) > 16 << 20
    assert _parse(*packed(text)) == versions


def test_one_that_unpacks_to_a_thousand_times_its_size_is_not_unpacked() -> None:
    text = b'{"a":"' + b"x" * (200 << 20) + b'"}'
    with pytest.raises(MetadataError, match="too large for a list of versions"):
        _parse(*packed(text))


@pytest.mark.parametrize("text", [b"[" * 100_000, b"{", b"\xff", b"[]", b'{"a": 1}'], ids=str)
def test_what_is_no_manifest_is_named(text: bytes) -> None:
    compressed, hashval = packed(text)
    with pytest.raises(MetadataError, match=hashval):
        _parse(compressed, hashval)


@pytest.mark.parametrize("cut", [0, 5, 20, -9, -1])
def test_half_of_one_is_damaged(cut: int) -> None:
    compressed, hashval = packed(json.dumps({"a": "1", "b": "2"}).encode())
    assert _parse(compressed[:cut], hashval) is None
