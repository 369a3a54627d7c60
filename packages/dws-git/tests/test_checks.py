"""Texts from outside are refused before git sees them."""

from __future__ import annotations

from typing import Any, cast

import pytest

from dataworkspaces.errors import ConfigurationError, MetadataError
from dataworkspaces.gitrepo.checks import (
    check_branch_name,
    check_object_name,
    check_subdirectory_path,
    check_url,
    without_password,
)
from dataworkspaces.gitrepo.resource import GitRepoResource


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com/a.git", "ssh://git@example.com/a.git", "git@example.com:a/b.git", "/srv/a.git", "file:///srv/a",
        "example.com:a.git", "git://example.com/a",
    ],
)  # fmt: skip
def test_usual_urls_are_taken(url: str) -> None:
    check_url(url, "r")


@pytest.mark.parametrize(
    "url",
    [
        "ext::sh -c touch% /tmp/x", "--upload-pack=touch /tmp/x", "-u", "fd::17", "ssh://-oProxyCommand=x/y", "",
        "host:-option", "transport::address", "git@-oProxyCommand=x:y", "https://h/\nb", "https://h/\x1b[2J", "http://[::1",
        "ext::/usr/bin/touch x", "-u touch x;", "ssh://-oProxyCommand=touch x/x", "ssh://git@-oProxyCommand=touch x/x",
        "ssh://-oProxyCommand=touch@host/x", "git@-oProxyCommand=touch x:x", "host:-oProxyCommand=touch x",
        "https://example.invalid/\x9b2J", "https://example.invalid/\ud800", "../../outside", "~/x",
        "gopher://example.invalid/x", "https://example.invalid/\x1b]0;owned\x07\x1b[2J",
    ],
)  # fmt: skip
def test_urls_that_run_programs_are_refused(url: str) -> None:
    with pytest.raises(ConfigurationError, match="not a URL that can be cloned safely"):
        check_url(url, "r")


@pytest.mark.parametrize("url", [3, ["https://example.com/x"], {}])
def test_urls_that_are_no_text_are_refused(url: object) -> None:
    params = {"name": "evil", "role": "code", "branch": "main", "remote_origin_url": url}
    with pytest.raises(MetadataError, match=r"^Resource 'evil': .* is neither a URL nor a path"):
        GitRepoResource.from_params(params, {}, cast("Any", None))


@pytest.mark.parametrize(
    "path",
    [
        "",
        "..",
        "a/../b",
        "/etc",
        "a//b",
        ".git",
        "a/.git/b",
        ".GIT",
        ".dataworkspace/x",
        "a\nb",
        ".g\u200cit/x",
        "GIT~1",
        ".git. /x",
        "a\\.git",
        "\ud800",
    ],
)
def test_places_outside_or_in_metadata_are_refused(path: str) -> None:
    with pytest.raises(ConfigurationError):
        check_subdirectory_path(path, "r")


@pytest.mark.parametrize("branch", ["", "-x", "a..b", "a b", "a:b", "a.lock", None, 3, "a\nb"])
def test_what_is_no_branch_is_refused(branch: object) -> None:
    with pytest.raises(MetadataError, match="not a valid git branch name"):
        check_branch_name(branch, "r")


@pytest.mark.parametrize("text", ["HEAD", "--all", "abc1234", "A" * 40, "z" * 40])
def test_what_is_no_commit_is_refused(text: str) -> None:
    with pytest.raises(ConfigurationError, match="not a git commit hash"):
        check_object_name(text, "r")


def test_passwords_are_not_kept() -> None:
    assert without_password("https://me:secret@example.com/a.git") == "https://me@example.com/a.git"
    assert without_password("https://:secret@example.com/a.git") == "https://example.com/a.git"
    assert without_password("git@example.com:a.git") == "git@example.com:a.git"
