"""Configurations that others may have written. The end-to-end tests have rclone itself read such files."""

from __future__ import annotations

from pathlib import Path

import pytest

from dataworkspaces.errors import ConfigurationError
from dataworkspaces.resources.rclone.allowed import ALLOWED, OVER_ANOTHER
from dataworkspaces.resources.rclone.configuration import check_sections, digest

CONFIG = Path("/ws/rclone.conf")


@pytest.mark.parametrize(
    "sections",
    [
        {"store": {"type": "sftp", "host": "x", "user": "me", "pass": "obscured"}},
        {"store": {"type": "s3", "provider": "Other", "endpoint": "https://s3.example.org", "access_key_id": "K"}},
        {"store": {"type": "sftp", "host": "x", "ssh": ""}},
        {"store": {"type": "drive", "token": "{}", "root_folder_id": "x"}, "other": {"type": "webdav", "url": "x"}},
        {"secret": {"type": "crypt", "remote": "store:bucket/x", "password": "p"}, "store": {"type": "b2", "key": "x"}},
    ],
)
def test_servers_and_how_to_reach_them(sections: dict[str, dict[str, str]]) -> None:
    check_sections(sections, CONFIG)


@pytest.mark.parametrize(
    "kind", ["local", "cache", "union", "combine", "alias", "hasher", "compress", "memory", "", "new"]
)
def test_kinds_that_lead_elsewhere(kind: str) -> None:
    with pytest.raises(ConfigurationError, match="of the type"):
        check_sections({"fine": {"type": "s3"}, "store": {"type": kind, "remote": "fine:x"}}, CONFIG)


@pytest.mark.parametrize(
    ("kind", "key", "value"),
    [
        ("sftp", "ssh", "ssh -p 2"),
        ("sftp", "SSH", "x"),
        ("sftp", "sha1sum_command", "x"),
        ("sftp", "key_file", "~/.ssh/id_rsa"),
        ("sftp", "known_hosts_file", "/dev/null"),
        ("sftp", "pubkey_file", "x"),
        ("sftp", "socks_proxy", "x"),
        ("sftp", "path_override", "/"),
        ("webdav", "bearer_token_command", "x"),
        ("webdav", "headers", "Cookie,x"),
        ("webdav", "unix_socket", "/run/x"),
        ("http", "headers", "Cookie,x"),
        ("s3", "env_auth", "true"),
        ("s3", "shared_credentials_file", "~/.aws/credentials"),
        ("s3", "profile", "default"),
        ("s3", "role_arn", "x"),
        ("s3", "override.metadata_mapper", "x"),
        ("s3", "global.password_command", "x"),
        ("s3", "unheard_of", "x"),
        ("google cloud storage", "env_auth", "true"),
        ("google cloud storage", "endpoint", "https://evil.example"),
        ("google cloud storage", "service_account_file", "~/key.json"),
        ("swift", "env_auth", "true"),
        ("azureblob", "use_az", "true"),
        ("azureblob", "env_auth", "true"),
        ("azureblob", "service_principal_file", "x"),
        ("drive", "service_account_file", "x"),
        ("crypt", "unheard_of", "x"),
    ],
)
def test_options_that_reach_this_machine(kind: str, key: str, value: str) -> None:
    with pytest.raises(ConfigurationError, match="has the option") as caught:
        check_sections({"fine": {"type": "s3"}, "store": {"type": kind, "remote": "fine:", key: value}}, CONFIG)
    assert value not in caught.value.message.replace(key, "").replace(str(CONFIG), "").replace("store", "")


@pytest.mark.parametrize("remote", ["/etc", "missing:x", ":sftp,ssh=x:", "here:x", "secret:x", "fine,ssh=x:", ""])
def test_encryption_over_something_else(remote: str) -> None:
    sections = {"fine": {"type": "s3"}, "here": {"type": "local"}, "secret": {"type": "crypt", "remote": remote}}
    with pytest.raises(ConfigurationError):
        check_sections({**sections, "here": {"type": "crypt", "remote": "fine:"}}, CONFIG)


def test_nothing_allowed_names_a_file_a_program_or_the_environment() -> None:
    """Whoever adds an option to the list reads this."""
    words = ("command", "file", "path", "env_auth", "socket", "header", "proxy", "ssh", "profile", "cache", "temp")
    fine = {
        "force_path_style", "shared_files", "filename_encryption", "filename_encoding",
    }  # fmt: skip
    for kind, options in {**ALLOWED, **OVER_ANOTHER}.items():
        bad = [o for o in options if any(word in o for word in words) and o not in fine]
        assert bad == [], kind


def test_a_token_that_rclone_renews_is_no_change() -> None:
    before = {"drive": {"type": "drive", "token": "1"}}
    assert digest(before) == digest({"drive": {"type": "drive", "token": "2"}})
    assert digest(before) != digest({"drive": {"type": "box", "token": "1"}})
