"""The URL of a database, which may come out of somebody's archive: parsed, or refused in one line."""

from __future__ import annotations

from random import Random

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dataworkspaces.backends.sql.urls import parse_url
from dataworkspaces.testing.fuzzing import ALWAYS_THE_SAME, EXAMPLES, damaged_bytes, parsed_or_refused

URLS = (b"sql+postgresql://ada:secret@host.example.com:5432/db?sslmode=require", b"sql+sqlite:////home/ada/ws.sqlite")


@settings(
    max_examples=EXAMPLES * 2,
    derandomize=ALWAYS_THE_SAME,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    database=None,
)
@given(random=st.randoms(use_true_random=False), text=st.text(max_size=30))
def test_urls(random: Random, text: str) -> None:
    damaged = damaged_bytes(random, random.choice(URLS)).decode("utf-8", "surrogateescape")
    for candidate in (damaged, text, f"sql+sqlite://{text}", f"sql+postgresql://{text}"):
        found = parsed_or_refused(parse_url, candidate)
        assert ":secret@" not in str(found)
