"""Every version of every key is listed, wherever the listing is cut."""

from __future__ import annotations

import string
from bisect import bisect_right
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from dataworkspaces.errors import UnavailableError
from dataworkspaces.resources.s3 import listing
from dataworkspaces.resources.s3.bucket import FirstLook
from dataworkspaces.resources.s3.version_pages import KeyVersion, VersionPage, parse_page

pytestmark = pytest.mark.slow


@dataclass
class FakeBucket:
    """A server that lists as the documentation of S3 says it, with small pages; it counts requests.

    A fake, since only so the names can be any at all: SeaweedFS makes them files."""

    entries: list[KeyVersion]
    page_size: int
    requests: list[dict[str, Any]] = field(default_factory=list)

    def version_page(
        self,
        after: str | None,
        version: str | None = None,
        *,
        below: str = "",
        delimiter: str | None = None,
        max_keys: int | None = None,
    ) -> VersionPage:
        self.requests.append({"after": after, "below": below, "delimiter": delimiter, "max_keys": max_keys})
        left = [entry for entry in self.entries if entry.key.startswith(below)]
        if after is not None:
            first = bisect_right([entry.key for entry in left], after)
            if version is not None:
                first = next(n for n, e in enumerate(left) if (e.key, e.version) == (after, version)) + 1
            left = left[first:]
        versions: list[KeyVersion] = []
        directories: list[str] = []
        size = min(self.page_size, max_keys or self.page_size)
        for entry in left:
            name, slash, _ = entry.key[len(below) :].partition("/")
            is_below = delimiter is not None and bool(slash)
            if is_below and directories and directories[-1] == f"{below}{name}/":
                continue
            if len(versions) + len(directories) == size:
                last = versions[-1] if versions else None
                return VersionPage(versions, directories, last.key if last else "?", last.version if last else None)
            if is_below:
                directories.append(f"{below}{name}/")
            else:
                versions.append(entry)
        return VersionPage(versions, directories)


def listed(bucket: FakeBucket, below: str = "", before: FirstLook | None = None) -> set[KeyVersion]:
    found: set[KeyVersion] = set()
    listing.list_versions(bucket, found.update, below, before)  # type: ignore[arg-type]
    return found


def looked_at(bucket: FakeBucket) -> FirstLook:
    return FirstLook(bucket.version_page(None), bucket.version_page(None, delimiter="/"))


def entries(keys: list[str], versions: int = 1) -> list[KeyVersion]:
    ordered = sorted(set(keys), key=lambda key: key.encode())
    return [KeyVersion(key, f"v{n}", n == 0) for key in ordered for n in range(versions)]


NAMES = st.text(alphabet="01289abf-_.é\U0001f600 ", min_size=1, max_size=4)
KEYS = st.lists(st.lists(NAMES, min_size=1, max_size=3).map("/".join), max_size=120)


@settings(deadline=None, max_examples=150)
@given(KEYS, st.integers(1, 3), st.integers(2, 9))
@example([f"f-{n:04}" for n in range(200)], 1, 5)
@example([f"d{n % 90}/{n}" for n in range(200)], 2, 5)
@example(["a", "a/", "a/b", "a//b", "a0", "a.b"], 3, 2)
def test_nothing_is_missed(keys: list[str], versions: int, page_size: int) -> None:
    bucket = FakeBucket(entries(keys, versions), page_size)
    assert listed(bucket) == set(bucket.entries)


@settings(deadline=None, max_examples=150)
@given(KEYS, KEYS, st.integers(1, 3), st.integers(2, 9))
@example([f"f-{n:04}" for n in range(0, 200, 2)], [f"f-{n:04}" for n in range(200)], 1, 5)
@example([f"d{n % 90}/{n}" for n in range(100)], [f"d{n % 95}/{n}" for n in range(200)], 2, 5)
def test_nor_is_what_changed_since_a_bucket_was_looked_at(
    then: list[str], now: list[str], versions: int, page_size: int
) -> None:
    before = looked_at(FakeBucket(entries(then, versions), page_size))
    bucket = FakeBucket(entries(now, versions), page_size)
    assert listed(bucket, before=before) == set(bucket.entries)
    assert listed(bucket, before=before._replace(top=None)) == set(bucket.entries)


@given(KEYS, st.sampled_from(["a/", "0/", "a/b/"]))
@settings(deadline=None, max_examples=50)
def test_a_directory_alone(keys: list[str], directory: str) -> None:
    bucket = FakeBucket(entries(keys), 3)
    assert listed(bucket, directory) == {entry for entry in bucket.entries if entry.key.startswith(directory)}


def test_a_small_directory_takes_one_request_and_a_small_bucket_one_round() -> None:
    bucket = FakeBucket(entries([f"x/{n}" for n in range(50)]), 1000)
    listed(bucket, "x/")
    assert len(bucket.requests) == 1
    listed(bucket)
    assert {request["delimiter"] for request in bucket.requests[1:]} == {None, "/"}
    assert len(bucket.requests) == 3


def test_directories_that_cannot_be_told_are_no_matter_where_a_page_holds_all() -> None:
    class NoDirectories(FakeBucket):
        def version_page(self, *args: Any, delimiter: str | None = None, **options: Any) -> VersionPage:
            if delimiter is not None:
                raise UnavailableError("no directories today")
            return super().version_page(*args, delimiter=delimiter, **options)

    keys = [f"x/{n}" for n in range(50)]
    assert listed(NoDirectories(entries(keys), 1000)) == set(entries(keys))
    with pytest.raises(UnavailableError):
        listed(NoDirectories(entries(keys), 10))


@pytest.mark.parametrize(
    "keys",
    [
        [f"data/{n % 20:02}/f-{n:06}" for n in range(20_000)],
        [f"f-{n:06}.bin" for n in range(20_000)],
        [f"{n * 2654435761 % 2**32:08x}" for n in range(20_000)],
        [f"{a}{b}{c}" for a in string.ascii_letters for b in string.ascii_letters for c in "abcdefg"],
        [f"d{n % 500}/x{n}" for n in range(20_000)],
    ],
    ids=["directories", "numbers", "hashes", "letters", "many-directories"],
)
def test_a_large_one_is_cut_into_parts_that_are_not_much_more(keys: list[str]) -> None:
    """Not one page after the other, nor many more requests for pages than those that are needed."""
    bucket = FakeBucket(entries(keys), 1000)
    assert len(listed(bucket)) == len(bucket.entries)
    full = [request for request in bucket.requests if request["max_keys"] is None and request["delimiter"] is None]
    begun_by_cut = [request for request in full if request["after"] is None or request["after"] not in set(keys)]
    assert len(begun_by_cut) >= 5
    assert len(bucket.requests) < 5 * len(keys) / 1000
    again = FakeBucket(entries(keys), 1000)
    assert len(listed(again, before=looked_at(bucket))) == len(again.entries)
    assert len(again.requests) < 5 * len(keys) / 1000


def test_a_page_as_s3_writes_it() -> None:
    body = """<?xml version="1.0"?><ListVersionsResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">
    <Name>b</Name><Prefix>x</Prefix><EncodingType>url</EncodingType><IsTruncated>true</IsTruncated>
    <NextKeyMarker>n%2Bext+key</NextKeyMarker><NextVersionIdMarker>v&amp;9</NextVersionIdMarker>
    <Version><Key>a%2Fb%0Ac</Key><VersionId>v1</VersionId><IsLatest>true</IsLatest><Size>3</Size>
      <Owner><ID>Key</ID><DisplayName>VersionId</DisplayName></Owner></Version>
    <Version><Key>old</Key><VersionId>null</VersionId><IsLatest>false</IsLatest></Version>
    <DeleteMarker><Key>gone</Key><VersionId>v2</VersionId><IsLatest>true</IsLatest></DeleteMarker>
    <CommonPrefixes><Prefix>d%C3%A4/</Prefix></CommonPrefixes></ListVersionsResult>"""
    assert parse_page(body.encode()) == VersionPage(
        [KeyVersion("a/b\nc", "v1", True, 3), KeyVersion("old", "null", False), KeyVersion("gone", "v2", False)],
        ["dä/"],
        "n+ext key",
        "v&9",
    )


def test_a_page_that_is_cut_off_is_asked_for_again() -> None:
    from botocore.parsers import ResponseParserError

    with pytest.raises(ResponseParserError):
        parse_page(b"<ListVersionsResult><Version><Key>a")
