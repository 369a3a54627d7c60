"""Configurations that others may have written. The end-to-end tests have rclone itself read such files."""

from __future__ import annotations

from pathlib import Path

import pytest

from dataworkspaces.errors import ConfigurationError
from dataworkspaces.resources.rclone.configuration import check_sections, digest

CONFIG = Path("/ws/rclone.conf")


@pytest.mark.parametrize(
    "values",
    [
        {"type": "sftp", "host": "x", "key_file": "~/.ssh/id"},
        {"type": "s3", "provider": "AWS", "env_auth": "true", "profile": "me"},
        {"type": "alias", "remote": "store:bucket/a b"},
        {"type": "union", "upstreams": "a:dir b:"},
        {"type": "combine", "upstreams": '"one=a:x y" two=b:'},
        {"type": "sftp", "ssh": ""},
    ],
)
def test_what_runs_nothing(values: dict[str, str]) -> None:
    check_sections({"store": values}, CONFIG)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("ssh", "ssh -p 2"),
        ("SSH", "x"),
        ("bearer_token_command", "x"),
        ("sha1sum_command", "x"),
        ("override.metadata_mapper", "x"),
        ("global.password_command", "x"),
        ("use_az", "true"),
        ("remote", ":sftp,ssh=x:"),
        ("remote", "store,ssh=x:a"),
        ("upstreams", "a: :sftp,ssh=x:"),
        ("upstreams", "dir=:sftp:x"),
    ],
)
def test_what_can_run_a_program(key: str, value: str) -> None:
    with pytest.raises(ConfigurationError, match="can make rclone run a program") as caught:
        check_sections({"fine": {"type": "s3"}, "store": {"type": "x", key: value}}, CONFIG)
    assert value not in caught.value.message.replace(key, "")


def test_a_token_that_rclone_renews_is_no_change() -> None:
    before = {"drive": {"type": "drive", "token": "1"}}
    assert digest(before) == digest({"drive": {"type": "drive", "token": "2"}})
    assert digest(before) != digest({"drive": {"type": "alias", "token": "1"}})
