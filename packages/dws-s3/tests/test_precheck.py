"""What is wrong with a bucket is said before anything is asked."""

from __future__ import annotations

import pytest
from directory_workspace import DirectoryWorkspace
from s3_server import S3Bucket, S3Server

from dataworkspaces.errors import ConfigurationError, NotFoundError
from dataworkspaces.resources.s3 import FACTORY


@pytest.mark.slow
def test_bucket(s3_server: S3Server, workspace: DirectoryWorkspace) -> None:
    def check(place: str) -> object:
        return FACTORY.precheck(workspace, bucket=place, endpoint_url=s3_server.url)

    assert check(S3Bucket(s3_server.client()).name) == {}
    with pytest.raises(NotFoundError):
        check("no-such-bucket")
    with pytest.raises(ConfigurationError, match="does not keep versions"):
        check(S3Bucket(s3_server.client(), versioned=False).name)
