"""What an environment of tox.ini installs of ours, or whose tests it runs: `own_distributions.py [--tests] NAME`.

The factors after the first name distributions; if none does, all are installed. What their tests need of ours too is in
the dependency group `test` of each.
"""

from __future__ import annotations

import sys
from pathlib import Path

from editable_wheels import editable_wheels
from environment import ROOT, distributions, with_dependencies


def named(environment: str) -> list[Path]:
    factors = environment.split("-")[1:]
    return [path for path in distributions() if path.name.removeprefix("dws-") in factors]


def main(environment: str, *, only_tests: bool) -> None:
    found = named(environment)
    if only_tests:
        print(*(path.relative_to(ROOT) / "tests" for path in found))
    else:
        wanted = with_dependencies(found or distributions(), tests=True)
        print(*(wheel.relative_to(ROOT) for wheel in editable_wheels(wanted)))


if __name__ == "__main__":
    main(sys.argv[-1], only_tests="--tests" in sys.argv)
