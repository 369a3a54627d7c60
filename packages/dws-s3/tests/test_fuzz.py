"""What a server or somebody's workspace says: parsed, or refused in one line."""

from __future__ import annotations

import gzip
import hashlib
import json
from random import Random
from typing import Any

from botocore.parsers import ResponseParserError
from hypothesis import given
from hypothesis import strategies as st

from dataworkspaces.resources.s3.factory import S3Factory, split_place
from dataworkspaces.resources.s3.manifest import _parse
from dataworkspaces.resources.s3.version_pages import parse_page
from dataworkspaces.testing.fuzzing import damaged, damaged_bytes, damaged_json, fuzz, parsed_or_refused, randoms
from dataworkspaces.testing.memory import MemoryWorkspace

PAGE = (
    b'<?xml version="1.0" encoding="UTF-8"?><ListVersionsResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
    b"<IsTruncated>true</IsTruncated><NextKeyMarker>b</NextKeyMarker><NextVersionIdMarker>2</NextVersionIdMarker>"
    b"<EncodingType>url</EncodingType><Version><Key>a%20b</Key><VersionId>1</VersionId><IsLatest>true</IsLatest>"
    b"<Size>12</Size></Version><DeleteMarker><Key>c</Key><VersionId>3</VersionId><IsLatest>false</IsLatest>"
    b"</DeleteMarker><CommonPrefixes><Prefix>d/</Prefix></CommonPrefixes></ListVersionsResult>"
)
PARAMS = {
    "name": "data", "role": "source-data", "resource_type": "s3", "bucket_name": "bucket", "prefix": "a/",
    "region": "eu-central-1", "profile": "p", "endpoint_url": "https://s3.example.com", "anonymous": False,
    "export": False, "imported": False,
}  # fmt: skip


@fuzz
@given(random=randoms)
def test_pages(random: Random) -> None:
    def read() -> object:
        try:
            return parse_page(damaged_bytes(random, PAGE))
        except ResponseParserError:  # for which botocore tries again
            return None

    parsed_or_refused(read)


@fuzz
@given(random=randoms)
def test_manifests(random: Random) -> None:
    text = damaged_json(random, {"a": "1", "b/c": "2"})
    name = hashlib.sha1(text, usedforsecurity=False).hexdigest()
    packed = gzip.compress(text)
    parsed_or_refused(_parse, packed, name)
    parsed_or_refused(_parse, damaged_bytes(random, packed), name)


@fuzz
@given(random=randoms, text=st.text(max_size=40))
def test_resources(random: Random, text: str, tmp_path_factory: Any) -> None:
    parsed_or_refused(split_place, text)
    params = damaged(random, PARAMS)
    if not isinstance(params, dict) or not all(isinstance(params.get(k), str) for k in ("name", "role")):
        return
    workspace = MemoryWorkspace(tmp_path_factory.mktemp("ws"), factories={"s3": S3Factory()})
    workspace.write_resource_params({**params, "resource_type": "s3"})

    def make() -> None:
        resource = workspace.get_resource(params["name"])
        json.dumps(resource.get_params())
        list(resource.addresses())
        resource.describe_params()

    parsed_or_refused(make)
