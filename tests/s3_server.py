"""A real S3 server on this machine: SeaweedFS, with versions and real signatures."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from endtoend import User
from servers import LOOPBACK, free_port

KEY, SECRET = "test-access-key", "test-secret-key"


@dataclass
class S3Server:
    """:ivar url: of the endpoint."""

    directory: Path
    port: int = 0
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        """What boto3 and s3fs need to find it."""
        return {
            "AWS_ACCESS_KEY_ID": KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
            "FSSPEC_S3_ENDPOINT_URL": self.url,
        }

    def for_user(self, user: User) -> User:
        return user.at(user.cwd, **self.environment)

    def client(self, **retries: int) -> Any:
        """:param retries: as botocore has them; by default it waits longer each time."""
        import boto3
        from botocore.config import Config

        return boto3.client(
            "s3", endpoint_url=self.url, aws_access_key_id=KEY, aws_secret_access_key=SECRET, region_name="us-east-1",
            config=Config(retries=retries) if retries else None,
        )  # fmt: skip

    def start(self) -> None:
        self.directory.mkdir(parents=True, exist_ok=True)
        identity = {
            "name": "test",
            "credentials": [{"accessKey": KEY, "secretKey": SECRET}],
            "actions": ["Admin", "Read", "Write", "List", "Tagging"],
        }
        config = self.directory / "s3.json"
        config.write_text(json.dumps({"identities": [identity]}))
        data = self.directory / "data"
        data.mkdir(exist_ok=True)
        for attempt in range(4):
            self._launch(data, config)
            try:
                self._wait_until_it_keeps()
                return
            except Exception:
                self.stop()  # another process took one of the ports, perhaps
                if attempt == 3:
                    raise RuntimeError((self.directory / "weed.log").read_text()[-5000:]) from None

    def _launch(self, data: Path, config: Path) -> None:
        self.port = free_port()
        ports = [free_port() for _ in range(7)]
        command = [
            str(Path(sys.executable).with_name("weed")), "-logtostderr", "server", f"-dir={data}", f"-ip={LOOPBACK}",
            f"-ip.bind={LOOPBACK}", "-master.telemetry=false", "-master.volumeSizeLimitMB=64", "-volume.max=1000",
            f"-master.port={ports[0]}", f"-volume.port={ports[1]}", f"-filer.port={ports[2]}",
            f"-master.port.grpc={ports[3]}", f"-volume.port.grpc={ports[4]}", f"-filer.port.grpc={ports[5]}",
            "-s3", f"-s3.port={self.port}", f"-s3.port.grpc={ports[6]}", "-s3.port.iceberg=0", "-s3.port.lance=0", f"-s3.config={config}",
            "-iam=false",
        ]  # fmt: skip
        with (self.directory / "weed.log").open("ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)

    def _wait_until_it_keeps(self) -> None:
        client = self.client(total_max_attempts=1)
        deadline = time.monotonic() + 60
        while True:
            try:
                with suppress(client.exceptions.BucketAlreadyExists, client.exceptions.BucketAlreadyOwnedByYou):
                    client.create_bucket(Bucket="probe")
                client.put_object(Bucket="probe", Key="x", Body=b"x")
                client.get_object(Bucket="probe", Key="x")["Body"].read()
                return
            except Exception:
                if time.monotonic() > deadline or (self.process is not None and self.process.poll() is not None):
                    raise
            time.sleep(0.1)

    def stop(self) -> None:
        if self.process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            self.process = None


class S3Bucket:
    """A bucket as somebody without Data Workspaces sees it."""

    def __init__(self, client: Any, versioned: bool = True, name: str | None = None) -> None:
        self.client = client
        self.name = name or f"b-{uuid.uuid4().hex}"
        client.create_bucket(Bucket=self.name)
        if versioned:
            self.enable_versions()

    def enable_versions(self) -> None:
        self.client.put_bucket_versioning(Bucket=self.name, VersioningConfiguration={"Status": "Enabled"})

    def put(self, key: str, content: bytes = b"") -> str | None:
        version: str | None = self.client.put_object(Bucket=self.name, Key=key, Body=content).get("VersionId")
        return version

    def delete(self, key: str, version: str | None = None) -> None:
        options = {} if version is None else {"VersionId": version}
        self.client.delete_object(Bucket=self.name, Key=key, **options)

    def keys(self) -> list[str]:
        return [found["Key"] for found in self.client.list_objects_v2(Bucket=self.name).get("Contents", [])]

    def read(self, key: str) -> bytes:
        content: bytes = self.client.get_object(Bucket=self.name, Key=key)["Body"].read()
        return content

    def count_versions(self) -> int:
        """With delete markers."""
        told = self.client.list_object_versions(Bucket=self.name)
        return len(told.get("Versions", [])) + len(told.get("DeleteMarkers", []))


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    server = S3Server(tmp_path_factory.mktemp("s3"))
    try:
        server.start()
        yield server
    finally:
        server.stop()
