"""How long `dws` takes to do nothing."""

from __future__ import annotations

from collections.abc import Iterator

from .harness import Contestant, Row, race
from .sandbox import Settings

GROUP = "startup"


def rows(settings: Settings) -> Iterator[Row]:
    shell = settings.ours.shell(settings.work, settings.work / "home")
    python = settings.ours.bin / "python"
    dws = Contestant("dws", lambda _: shell("dws", "--help"))
    click = Contestant("import click", lambda _: shell(python, "-c", "import click"))
    yield Row(GROUP, "dws --help", *race(dws, click, 3 * settings.rounds), ratio_at_most=1.5)
