"""A real S3 server with a bucket that keeps versions, and resources in it."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from directory_workspace import DirectoryWorkspace, backend, script, workspace
from s3_server import KEY, SECRET, S3Bucket, S3Server, s3_server

from dataworkspaces.resources.s3 import FACTORY
from dataworkspaces.resources.s3.resource import S3Resource
from dataworkspaces.toolbox.trust import Agreements
from dataworkspaces.workspace.trust import place_of

__all__ = ["backend", "s3_server", "script", "workspace"]

AddResource = Callable[..., S3Resource]


@pytest.fixture(autouse=True, scope="session")
def _boto3_does_not_take_its_time() -> Iterator[None]:
    """Each resource has a session of its own, which reads the description of S3: longer than most tests take. What
    fails is tried again as often as ever, and at once."""
    import botocore.session

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("botocore.session.create_loader", functools.cache(botocore.session.create_loader))
        patch.setattr("botocore.retries.standard.ExponentialBackoff.delay_amount", lambda *_: 0.0)
        yield


@pytest.fixture(autouse=True)
def credentials(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("HOME", str(tmp_path_factory.mktemp("home")))
    monkeypatch.delenv("AWS_PROFILE", raising=False)


@pytest.fixture
def bucket(s3_server: S3Server) -> S3Bucket:
    """Keeps versions, and is empty."""
    return S3Bucket(s3_server.client())


@pytest.fixture
def add(s3_server: S3Server, workspace: DirectoryWorkspace) -> AddResource:
    """Adds a resource as ``dws add s3`` does."""

    def add(place: str, *, role: str = "source-data", name: str = "objects", **options: Any) -> S3Resource:
        options = {"endpoint_url": s3_server.url, **options}
        resource = FACTORY.from_command_line(role, name, workspace, bucket=place, **options)
        Agreements(place_of(workspace)).add(resource.addresses())
        return resource

    return add


@pytest.fixture
def resource(bucket: S3Bucket, add: AddResource) -> S3Resource:
    """The whole of :func:`bucket`."""
    return add(bucket.name)
