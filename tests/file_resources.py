"""A workspace with a resource of each type that has files."""

from __future__ import annotations

import pytest
from endtoend import User, write_files
from s3_server import S3Bucket, S3Server

FILES = {"a.txt": "one\n", "sub/b.txt": "bee\n"}
TYPES = ["code", "repo", "local", "objects"]
"""The names of the resources: a directory of the workspace's repository, a repository, local files, a bucket."""


@pytest.fixture
def file_resources(workspace: User, s3_server: S3Server, monkeypatch: pytest.MonkeyPatch) -> User:
    """This process is the user, in a workspace with a resource of each type that holds FILES, at the snapshot OLD;
    since then other files are in all of them."""
    user = s3_server.for_user(workspace)
    for name, value in user.env.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(user.cwd)
    bucket = S3Bucket(s3_server.client())
    user.make_repository(user.cwd / "repo", FILES)
    write_files(user.cwd, {f"{place}/{name}": text for place in ("code", "local") for name, text in FILES.items()})
    for name, text in FILES.items():
        bucket.put(name, text.encode())
    user.batch("add", "git", "repo", "--role=source-data", "--name=repo")
    user.batch("add", "local-files", "local", "--role=source-data", "--name=local", "--restorable")
    place = ["s3", bucket.name, "--endpoint-url", s3_server.url]
    user.batch("add", *place, "--role=intermediate-data", "--name=objects")
    (user.cwd / "code" / "link.txt").symlink_to("sub/b.txt")
    user.batch("snapshot", "OLD")
    user.batch("s3", "unpin", "objects")
    write_files(user.cwd, {f"{place}/a.txt": "two\n" for place in ("code", "local", "repo")})
    bucket.put("a.txt", b"two\n")
    return user
