"""Which variables of the environment rclone gets."""

from __future__ import annotations

from functools import partial

import pytest

from dataworkspaces.resources.rclone.environment import is_let_through

OWN = partial(is_let_through, has_config=False, is_shared=False)
SHARED = partial(is_let_through, has_config=True, is_shared=True)


@pytest.mark.parametrize(
    "name", ["RCLONE_S3_ENV_AUTH", "RCLONE_CONFIG_REMOTE_TYPE", "RCLONE_HEADER", "RCLONE_WEBDAV_PASS"]
)
def test_options_of_the_users_own_remotes_are_no_strangers(name: str) -> None:
    assert OWN(name, "true")
    assert not SHARED(name, "true")


@pytest.mark.parametrize(
    "name", ["RCLONE_DRY_RUN", "RCLONE_MAX_DURATION", "RCLONE_IMMUTABLE", "RCLONE_RC", "RCLONE_LOG_FILE"]
)
def test_what_would_do_less_or_something_else_is_left_out(name: str) -> None:
    assert not OWN(name, "1")
    assert not SHARED(name, "1")


@pytest.mark.parametrize(
    "variable",
    [
        "DRY_RUN=true", "MAX_TRANSFER=1b", "MAX_DURATION=1ns", "EXCLUDE=*.csv", "FILTER=- *", "INCLUDE=x",
        "IGNORE_EXISTING=1", "IMMUTABLE=true", "EXISTING=true", "MAX_SIZE=1b", "MIN_AGE=100y", "MODIFY_WINDOW=1000h",
        "UPDATE=true", "SIZE_ONLY=true", "CHECKSUM=true", "IGNORE_SIZE=true", "HEAD=1", "COUNT=1", "DIRS_ONLY=true",
        "ONE_WAY=true", "LOCAL_NO_SET_MODTIME=true", "COMPARE_DEST=/", "MAX_DEPTH=0", "INTERACTIVE=true",
        "NAME_TRANSFORM=all,suffix=x",
    ],
)  # fmt: skip
def test_what_would_do_less_does_not_reach_rclone(variable: str) -> None:
    name, _, value = variable.partition("=")
    assert not OWN(f"RCLONE_{name}", value)


@pytest.mark.parametrize(
    "name", ["RCLONE_BWLIMIT", "RCLONE_TRANSFERS", "RCLONE_CONFIG_PASS", "RCLONE_HTTP_PROXY", "HOME"]
)
def test_the_rest_stands(name: str) -> None:
    assert OWN(name, "1")
    assert SHARED(name, "1")


def test_an_empty_one_is_none() -> None:
    assert not OWN("RCLONE_BWLIMIT", "")
    assert OWN("PATH", "")
    assert OWN("RCLONE_CONFIG", "/y")
    assert not SHARED("RCLONE_CONFIG", "/y")
