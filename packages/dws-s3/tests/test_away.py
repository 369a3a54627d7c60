"""S3 that refuses, or does not answer, says nothing about what is there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from s3_server import S3Bucket

from dataworkspaces.errors import UnavailableError
from dataworkspaces.filesystems.resource_files import ResourceFileSystem
from dataworkspaces.resources.s3.bucket import Bucket
from dataworkspaces.resources.s3.resource import S3Resource

pytestmark = pytest.mark.slow

QUESTIONS: dict[str, Callable[[Any], Any]] = {
    "exists": lambda fs: fs.exists("none"),
    "isfile": lambda fs: fs.isfile("file"),
    "isdir": lambda fs: fs.isdir("sub"),
    "glob": lambda fs: fs.glob("*"),
    "find": lambda fs: fs.find(""),
    "ls": lambda fs: fs.ls(""),
    "walk": lambda fs: list(fs.walk("")),
    "cat": lambda fs: fs.cat("file"),
    "cat of several": lambda fs: fs.cat(["file", "sub/file"]),
    "info": lambda fs: fs.info("none"),
    "open": lambda fs: fs.open("none"),
    "du": lambda fs: fs.du(""),
    "rm": lambda fs: fs.rm("none"),
}
FAULTS: dict[str, dict[str, Any]] = {
    "down": {"endpoint_url": "http://127.0.0.1:1"},
    "refused": {"anonymous": True},
    "bucket gone": {"name": "no-such-bucket"},
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS.keys())
def test_each_question_raises(
    fault: dict[str, Any], bucket: S3Bucket, resource: S3Resource, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dataworkspaces.resources.s3.bucket._ATTEMPTS", 1)
    bucket.put("file", b"1")
    bucket.put("sub/file", b"2")
    fs = ResourceFileSystem(resource)
    assert [fs.exists("none"), fs.isfile("file"), fs.isdir("sub")] == [False, True, True]
    broken: Bucket = replace(resource.bucket, **fault)
    resource.bucket = broken
    del vars(resource)["_present"]
    told = {}
    for name, ask in QUESTIONS.items():
        try:
            told[name] = repr(ask(fs))
        except UnavailableError:
            continue
        except Exception as e:
            told[name] = repr(e)
    assert told == {}
