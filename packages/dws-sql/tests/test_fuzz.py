"""The URL of a database, which may come out of somebody's archive: parsed, or refused in one line."""

from __future__ import annotations

from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from dataworkspaces.backends.sql.urls import parse_url
from dataworkspaces.testing.fuzzing import EXAMPLES, damaged_bytes, fuzz, parsed_or_refused, randoms

URLS = (b"sql+postgresql://ada:secret@host.example.com:5432/db?sslmode=require", b"sql+sqlite:////home/ada/ws.sqlite")


@settings(fuzz, max_examples=EXAMPLES * 2)
@given(random=randoms, text=st.text(max_size=30))
def test_urls(random: Random, text: str) -> None:
    damaged = damaged_bytes(random, random.choice(URLS)).decode("utf-8", "surrogateescape")
    for candidate in (damaged, text, f"sql+sqlite://{text}", f"sql+postgresql://{text}"):
        found = parsed_or_refused(parse_url, candidate)
        assert ":secret@" not in str(found)
