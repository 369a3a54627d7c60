"""Each page of the documentation that shows commands is true: see ``doc_pages``."""

from __future__ import annotations

from pathlib import Path

import pytest
from doc_examples import DOCS
from doc_pages import Command, difference, outputs_of, script_of, steps_of
from endtoend import User

pytestmark = pytest.mark.slow

PAGES = sorted(
    path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md") if "```console" in path.read_text(encoding="utf-8")
)
HOSTS = ("https://git.example.com/",)
"""Where the pages have their git repositories."""


@pytest.fixture
def ada(tmp_path: Path, user: User, digits_source: Path) -> User:
    """The user of the pages, at home, with the digits at the host of the pages and empty repositories beside them."""
    home = Path(user.env["HOME"])
    repositories = tmp_path / "repositories"
    user.git("clone", "--quiet", "--bare", digits_source, repositories / "ada" / "sklearn-digits-dataset.git")
    for name in ("quickstart", "experiment"):
        user.git("init", "--quiet", "--bare", repositories / "ada" / f"{name}.git")
    for host in HOSTS:
        user.git("config", "--global", f"url.{repositories.as_uri()}/.insteadOf", host)
    return user.at(home, COLUMNS="110")


@pytest.mark.parametrize("page", PAGES)
def test_the_page_is_true(page: str, ada: User) -> None:
    steps = steps_of(DOCS / page)
    said = outputs_of(ada.run("bash", "-c", script_of(steps), timeout=600).stdout)
    for number, step in enumerate(steps):
        if not isinstance(step, Command):
            continue
        where = f"{page}:{step.line}: {step.text}"
        output, status = said.get(number, ("the script has ended", 1))
        assert status == 0 or step.may_fail, f"{where}: exit status {status}\n{output}"
        wrong = difference(step, output, ada.cwd)
        assert wrong is None, f"{where}\n{wrong}"
