"""A write that ends in an exception does not become the current object, however it is made."""

from __future__ import annotations

import gc
from collections.abc import Callable
from typing import Any

import fsspec
import pandas
import pytest
from s3_server import S3Bucket

from dataworkspaces.filesystems.resource_files import ResourceFileSystem
from dataworkspaces.resources.s3.resource import S3Resource

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore:.*was closed while")]

BROKEN = "the source of the data broke off"
PART = 16 * 1024 * 1024


def pieces(piece: Any, count: int) -> Any:
    for _ in range(count):
        yield piece
    raise OSError(BROKEN)


def binary(fs: Any) -> None:
    with fs.open("a", "wb") as file:
        file.writelines(pieces(b"x", 9))


def several_parts(fs: Any) -> None:
    with fs.open("a", "wb") as file:
        file.writelines(pieces(bytes(PART), 3))


def text(fs: Any) -> None:
    with fs.open("a", "w") as file:
        file.writelines(pieces("x", 9))


def appended(fs: Any) -> None:
    with fs.open("a", "a") as file:
        file.writelines(pieces("x", 9))


def of_the_resource(fs: Any) -> None:
    with fs.resource.open("a", "w") as file:
        file.writelines(pieces("x", 9))


def by_fsspec(fs: Any) -> None:
    with fsspec.core.OpenFile(fs, "a", "w") as file:
        file.writelines(pieces("x", 9))


def compressed(fs: Any) -> None:
    with fsspec.core.OpenFile(fs, "a", "wb", compression="gzip") as file:
        file.writelines(pieces(b"x", 9))


def closed_in_the_end(fs: Any) -> None:
    file = fs.open("a", "w")
    try:
        file.writelines(pieces("x", 9))
    finally:
        file.close()


def never_closed(fs: Any) -> None:
    file = fs.open("a", "w")
    file.writelines(pieces("x", 9))


def uploaded(fs: Any) -> None:
    class Breaks:
        def read(self, size: int = -1) -> bytes:
            raise OSError(BROKEN)

    fs.resource.bucket.upload(Breaks(), "a")


class Unprintable:
    def __str__(self) -> str:
        raise OSError(BROKEN)


def table(fs: Any) -> None:
    frame = pandas.DataFrame({"a": ["x"] * 200_000 + [Unprintable()]})
    with fs.open("a", "w") as file:
        frame.to_csv(file)


def table_by_name(fs: Any) -> None:
    """pandas closes what it has opened, and does not say why."""
    frame = pandas.DataFrame({"a": ["x"] * 200_000 + [Unprintable()]})
    fsspec.register_implementation("dws-resource", ResourceFileSystem, clobber=True)
    frame.to_csv("dws-resource://a", storage_options={"resource": fs.resource})


WAYS = [
    binary, several_parts, text, appended, of_the_resource, by_fsspec, compressed, closed_in_the_end, never_closed,
    uploaded, table, table_by_name,
]  # fmt: skip


@pytest.mark.parametrize("way", WAYS)
def test_what_was_there_stays(way: Callable[[Any], None], bucket: S3Bucket, resource: S3Resource) -> None:
    bucket.put("a", b"as it was")
    with pytest.raises(OSError, match=BROKEN):
        way(ResourceFileSystem(resource))
    gc.collect()
    assert bucket.read("a") == b"as it was"
    assert bucket.count_versions() == 1
    assert not bucket.client.list_multipart_uploads(Bucket=bucket.name).get("Uploads")


def test_what_is_written_while_another_error_is_handled_is_written(bucket: S3Bucket, resource: S3Resource) -> None:
    fs = ResourceFileSystem(resource)
    try:
        raise ValueError
    except ValueError:
        with fs.open("a", "w") as file:
            file.write("what went wrong")
        file = fs.open("b", "w")
        file.write("what went wrong")
        file.close()
    assert bucket.read("a") == bucket.read("b") == b"what went wrong"
