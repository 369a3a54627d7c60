"""What does `dws reproduce` cost beside the steps that it runs?

The experiment of the Quick Start in the present environment: the checkout, the processes and the comparison of what
they wrote, against the step itself, whose time the verdict tells.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

from .harness import Row, Sample
from .quickstart import Session, make_origin
from .sandbox import Settings

GROUP = "reproduce"
MOST_SECONDS = 2.0


def rows(settings: Settings) -> Iterator[Row]:
    session = Session(settings.ours, settings.work, make_origin(settings))
    session.fresh()
    session.init()
    session.clone()
    session.add()
    session.experiment(0)
    session.dws("--batch", "snapshot", "SVC-1")
    beside, steps = [], []
    for _ in range(settings.rounds):
        started = time.perf_counter()
        found = json.loads(session.dws("--batch", "reproduce", "SVC-1", "--json"))
        seconds = time.perf_counter() - started
        if not found["reproduced"]:
            raise AssertionError(f"the Quick Start is not reproduced: {found['counts']}")
        steps.append(sum(step["seconds"] for step in found["steps"]))
        beside.append(seconds - steps[-1])
    yield Row(
        GROUP,
        "reproduce, without its steps",
        Sample("dws reproduce", tuple(beside)),
        Sample("the steps", tuple(steps)),
        ours_at_most=MOST_SECONDS,
    )
