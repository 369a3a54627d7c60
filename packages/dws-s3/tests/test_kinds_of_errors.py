"""Errors of S3 say whether something is not there, or whether S3 did not answer."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, NoCredentialsError

from dataworkspaces.errors import DwsError, NotFoundError, UnavailableError
from dataworkspaces.resources.s3.bucket import Bucket


def answer(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "no"}}, "HeadObject")


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (answer("404"), NotFoundError), (answer("NoSuchKey"), NotFoundError),
        (answer("NoSuchBucket"), UnavailableError),
        (answer("403"), UnavailableError), (answer("AccessDenied"), UnavailableError),
        (answer("ExpiredToken"), UnavailableError), (answer("SlowDown"), UnavailableError),
        (answer("InternalError"), UnavailableError), (answer("503"), UnavailableError),
        (EndpointConnectionError(endpoint_url="https://nowhere"), UnavailableError),
        (NoCredentialsError(), UnavailableError),
    ],
    ids=repr,
)  # fmt: skip
def test_kinds(error: Exception, kind: type[DwsError]) -> None:
    bucket = Bucket("bucket", prefix="data/")
    with pytest.raises(kind), bucket._explained("Looking at", "file"):
        raise error
