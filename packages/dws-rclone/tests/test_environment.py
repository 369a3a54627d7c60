"""Which variables of the environment rclone gets."""

from __future__ import annotations

from pathlib import Path

import pytest

from dataworkspaces.resources.rclone.run import Rclone

OWN, SHARED = Rclone(), Rclone(Path("/x"), is_shared=True)


@pytest.mark.parametrize(
    "name", ["RCLONE_S3_ENV_AUTH", "RCLONE_CONFIG_REMOTE_TYPE", "RCLONE_HEADER", "RCLONE_WEBDAV_PASS"]
)
def test_options_of_the_users_own_remotes_are_no_strangers(name: str) -> None:
    assert OWN._is_kept(name, "true")
    assert not SHARED._is_kept(name, "true")


@pytest.mark.parametrize(
    "name", ["RCLONE_DRY_RUN", "RCLONE_MAX_DURATION", "RCLONE_IMMUTABLE", "RCLONE_RC", "RCLONE_LOG_FILE"]
)
def test_what_would_do_less_or_something_else_is_left_out(name: str) -> None:
    assert not OWN._is_kept(name, "1")
    assert not SHARED._is_kept(name, "1")


@pytest.mark.parametrize(
    "name", ["RCLONE_BWLIMIT", "RCLONE_TRANSFERS", "RCLONE_CONFIG_PASS", "RCLONE_HTTP_PROXY", "HOME"]
)
def test_the_rest_stands(name: str) -> None:
    assert OWN._is_kept(name, "1")
    assert SHARED._is_kept(name, "1")


def test_an_empty_one_is_none() -> None:
    assert not OWN._is_kept("RCLONE_BWLIMIT", "")
    assert OWN._is_kept("PATH", "")
    assert OWN._is_kept("RCLONE_CONFIG", "/y")
    assert not SHARED._is_kept("RCLONE_CONFIG", "/y")
