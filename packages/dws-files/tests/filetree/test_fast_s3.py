"""obstore stands in for s3fs where all settings are plain."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dataworkspaces.filetree.remotes.fast_s3 import connect, plain_settings

KEYS = {"AWS_ACCESS_KEY_ID": "id", "AWS_SECRET_ACCESS_KEY": "secret"}


@pytest.mark.parametrize(
    ("of_fsspec", "environment", "expected"),
    [
        ({}, {**KEYS, "AWS_DEFAULT_REGION": "r"}, {"region": "r"}),
        ({}, {**KEYS, "AWS_ENDPOINT_URL": "a", "AWS_ENDPOINT_URL_S3": "b"}, {"endpoint": "b"}),
        ({"endpoint_url": "c"}, {**KEYS, "AWS_ENDPOINT_URL": "a"}, {"endpoint": "c"}),
        ({}, KEYS, None),
        ({}, {"AWS_DEFAULT_REGION": "r"}, None),
        ({"profile": "p"}, {**KEYS, "AWS_DEFAULT_REGION": "r"}, None),
        ({}, {**KEYS, "AWS_DEFAULT_REGION": "r", "AWS_CA_BUNDLE": "x"}, None),
    ],
)
def test_settings_of_the_environment(
    tmp_path: Path, of_fsspec: dict[str, Any], environment: dict[str, str], expected: dict[str, str] | None
) -> None:
    found = plain_settings(of_fsspec, {"HOME": str(tmp_path), **environment})
    keys = {"access_key_id": "id", "secret_access_key": "secret"}
    assert found == (None if expected is None else {**keys, **expected})


@pytest.mark.parametrize("more", ["", "role_arn = x", "sso_session = x", "credential_process = x", "services = x"])
def test_settings_of_a_profile(tmp_path: Path, more: str) -> None:
    (tmp_path / ".aws").mkdir()
    (tmp_path / ".aws/config").write_text(f"[default]\nregion = no\n[profile mine]\nregion = r\n{more}\n")
    (tmp_path / ".aws/credentials").write_text("[mine]\naws_access_key_id = i%d\naws_secret_access_key = s\n")
    found = plain_settings({}, {"HOME": str(tmp_path), "AWS_PROFILE": "mine"})
    assert found == (None if more else {"region": "r", "access_key_id": "i%d", "secret_access_key": "s"})
    (tmp_path / ".aws/config").write_text("not one")
    assert plain_settings({}, {"HOME": str(tmp_path), "AWS_PROFILE": "mine"}) is None


@pytest.mark.parametrize(
    "url", ["s3://bucket/a*b", "s3://bucket/a//b", "s3://bucket/../x", "s3://b?versionId=1", "gs://x"]
)
def test_what_names_no_plain_place_is_left_to_s3fs(url: str) -> None:
    assert connect(url) is None
