"""Of an optimizer that mixed precision wraps, the one you asked for it is recorded."""

from __future__ import annotations

from types import SimpleNamespace

from dataworkspaces.kits.tensorflow.settings import _inner


def test_the_inner_optimizer() -> None:
    adam = SimpleNamespace()
    assert _inner(SimpleNamespace(inner_optimizer=adam)) is adam
    assert _inner(adam) is adam
    assert _inner(None) is None
