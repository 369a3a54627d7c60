"""For tests of parsers: documents that are damaged a little, and what a parser may make of them.

Whatever text reaches us from outside is parsed, or refused with one of our errors in one clear line. Tests draw a
:class:`random.Random` from hypothesis (``@fuzz``, ``@given(random=randoms)``), which then finds the smallest document.
How many they look at says the environment variable ``DWS_FUZZ_EXAMPLES``; ``make fuzz`` sets it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from random import Random
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from dataworkspaces.errors import DwsError, InternalError

EXAMPLES = int(os.environ.get("DWS_FUZZ_EXAMPLES", "40"))
fuzz = settings(
    max_examples=EXAMPLES,
    derandomize="DWS_FUZZ_EXAMPLES" not in os.environ,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    database=None,
)
"""A run of all tests looks at the same documents each time; who looks for new ones says at how many."""
randoms = st.randoms(use_true_random=False)
_LONGEST = 2000
_ODD_VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 1.5, 10**400, 1 << 63, float("nan"), float("inf"), "", "\0", "..", "../x", "/", "-x",
    ".git", "a\nb", "\x1b[2J", "\ud800", "\u202e", "a" * 300, "9" * 5000, [], [[]], {}, {"": None}, [None], ["a", 1],
    {"name": []}, "2026-13-45T99:99:99", "2026-01-01T00:00:00", "0" * 40, "%s{0}", "file:///", "::", "{", "🙂",
)  # fmt: skip
_ODD_BYTES = (
    b"\0", b"\xff", b"\xc3\x28", b"\n", b"\r\n", b'"', b"\\", b"\\u", b"\\x", b"[", b"]", b"{", b"}", b"[" * 3000,
    b"\x1b[", b"9" * 5000,
    b"\xed\xa0\x80", b" ", b"\t", b"=", b"::", b"\xef\xbb\xbf", b"-", b"*" * 50, b"\\" * 3,
)  # fmt: skip


def parsed_or_refused(parse: Callable[..., Any], *arguments: Any) -> Any:
    """What the parser returns, or the error with which it refuses. All others, and unclear ones, are raised."""
    try:
        return parse(*arguments)
    except InternalError:
        raise
    except DwsError as e:
        refusal = e
    for text in filter(None, (refusal.message, refusal.hint)):
        # Whoever shows it escapes it, so that a name with a line break is no second line.
        assert len(text) < _LONGEST, f"too long: {text[:200]!r}"
    assert refusal.message.strip()
    return refusal


def damaged_json(random: Random, document: Any) -> bytes:
    """A document as JSON, with one to three things in it changed; now and then the text itself is."""
    text = json.dumps(damaged(random, document), indent=random.choice([None, 2])).encode("utf-8")
    return damaged_bytes(random, text) if random.random() < 0.3 else text


def damaged(random: Random, document: Any) -> Any:
    """As :func:`damaged_json`, for what gets the document as JSON had it. All that JSON can say may be in it."""
    changed = json.loads(json.dumps(document))
    for _ in range(random.randint(1, 3)):
        changed = _damaged(random, changed)
    return changed


def damaged_bytes(random: Random, content: bytes) -> bytes:
    """Something is cut out, put in, doubled or overwritten in one to four places."""
    for _ in range(random.randint(1, 4)):
        start = random.randint(0, len(content))
        end = min(len(content), start + random.choice([0, 1, 2, 8, 1000]))
        put = random.choice([b"", random.choice(_ODD_BYTES), bytes([random.randint(0, 255)]), content[start:end] * 2])
        content = content[:start] + put + content[end:]
    return content


def _damaged(random: Random, document: Any) -> Any:
    if not isinstance(document, (dict, list)) or not document or random.random() < 0.1:
        return random.choice(_ODD_VALUES)
    if isinstance(document, list):
        place = random.randrange(len(document))
        return [*document[:place], *_in_its_place(random, document[place]), *document[place + 1 :]]
    key = random.choice(list(document))
    changed = dict(document)
    what = random.random()
    if what < 0.15:
        del changed[key]
    elif what < 0.25:
        changed[str(random.choice(_ODD_VALUES))[:100]] = changed.pop(key)
    else:
        changed[key] = _damaged(random, document[key])
    return changed


def _in_its_place(random: Random, item: Any) -> list[Any]:
    return random.choice([[], [item, item], [_damaged(random, item)], [_damaged(random, item)]])
