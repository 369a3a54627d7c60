"""A remote at a real S3 server: by obstore and by s3fs, with the same result."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from s3_server import S3Bucket, S3Server

from dataworkspaces.errors import UnavailableError
from dataworkspaces.filetree.objects.ids import ObjectId
from dataworkspaces.filetree.objects.store import ObjectStore
from dataworkspaces.filetree.remotes import RemoteStore, fast_s3
from dataworkspaces.filetree.remotes.leases import Lease
from dataworkspaces.filetree.remotes.remote_garbage import find_remote_garbage, remove_remote_garbage

CONTENTS = [b"", b"small", os.urandom(300_000), os.urandom(9_000_000)]


@pytest.fixture(params=["obstore", "s3fs"])
def url(request: pytest.FixtureRequest, s3_server: S3Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    for name, value in s3_server.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("FSSPEC_S3_ENDPOINT_URL")
    monkeypatch.setenv("AWS_ENDPOINT_URL", s3_server.url)
    monkeypatch.setenv("HOME", str(tmp_path))
    found = f"s3://{S3Bucket(s3_server.client(), versioned=False).name}/a prefix/below"
    if request.param == "s3fs":
        monkeypatch.setattr(fast_s3, "connect", lambda _url: None)
    else:
        assert fast_s3.connect(found) is not None
    return found


@pytest.mark.slow
def test_what_is_sent_comes_back_and_goes(url: str, tmp_path: Path) -> None:
    mine, theirs = ObjectStore(tmp_path / "mine"), ObjectStore(tmp_path / "theirs")
    ids = {ObjectId.of(content) for content in CONTENTS}
    for content in CONTENTS:
        mine.add_stream(ObjectId.of(content), [content])
    there = RemoteStore(url, cache=tmp_path / "cache")
    assert there.missing(ids) == ids
    with ThreadPoolExecutor(4) as executor:
        there.push(mine, ids, executor=executor, advance=lambda _n: None)
        assert there.missing(ids) == set()
        assert there.damaged(ids, executor=executor, advance=lambda _n: None) == {}
        there.fetch(theirs, ids, executor=executor, advance=lambda _n: None)
    assert {theirs.read(i) for i in ids} == set(CONTENTS)
    packs = there.listing().packs
    old, new = (there.place.path(f"packs/{name}") for name in (min(packs), "moved"))
    there.place.do("moving", lambda fs: fs.mv(old, new))
    assert there.place.list("packs").keys() == {*packs, "moved"} - {min(packs)}
    there.place.do("moving", lambda fs: fs.mv(new, old))
    lease = Lease(there.place, "gc")
    lease.begin(lambda _text: None)
    garbage = find_remote_garbage(there, set(), lease.time_there() + 60)
    assert garbage.objects == len(CONTENTS)
    remove_remote_garbage(there, garbage, lease, mine.temporary, lambda _n: None)
    lease.end()
    assert there.missing(ids) == ids
    assert there.place.list("users") == {}


def test_what_fails_is_told_as_s3fs_tells_it(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, s3_server: S3Server
) -> None:
    monkeypatch.setattr("tenacity.nap.time.sleep", lambda _seconds: None)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    with pytest.raises(UnavailableError, match=r"access was refused|Forbidden|SignatureDoesNotMatch"):
        RemoteStore(url, cache=tmp_path / "cache").check_access()
