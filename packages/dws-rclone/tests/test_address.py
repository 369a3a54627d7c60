"""What is a place of rclone, and what is an attack."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataworkspaces.errors import ConfigurationError
from dataworkspaces.resources.rclone.address import parse_address


@pytest.mark.parametrize("text", ["store:", "store:a/b", "my store:x", "s3.eu-1+x@y_z:-option/../x", "a:b:c,d=e:f"])
def test_places(text: str) -> None:
    assert str(parse_address(text)) == text


@pytest.mark.parametrize(
    "text",
    [
        "", "plain", "/absolute/path", "./a:b", ":s3,provider=AWS:bucket", ":local:/etc", "store,x=y:path",
        "-store:path", "--config=/tmp/x:y", " store:path", "store :path", "store:a\nb", "st\x00ore:x", "{canon}:x",
    ],
)  # fmt: skip
def test_what_is_refused(text: str) -> None:
    with pytest.raises(ConfigurationError):
        parse_address(text)


@given(st.text(max_size=30))
def test_what_is_taken_is_no_option_and_has_none(text: str) -> None:
    try:
        address = parse_address(text)
    except ConfigurationError:
        return
    assert not str(address).startswith(("-", ":", "/"))
    assert "," not in address.remote


def test_places_below() -> None:
    assert str(parse_address("store:").below("a/b")) == "store:a/b"
    assert str(parse_address("store:x/").below("a")) == "store:x/a"
    assert str(parse_address("store:x").below("")) == "store:x"
