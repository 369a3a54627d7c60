"""Each page of the documentation that shows commands is true: see ``doc_pages``."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from doc_examples import DOCS, examples
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


@pytest.mark.parametrize("page", ["conformance.md", "lineage-export.md", "web.md"])
def test_python_that_defines_something_runs(page: str) -> None:
    """What it defines is complete: it imports what there is, and abstract methods are all there."""
    defined = {"__name__": "page"}
    exec(examples(page, "run"), defined)
    classes = [value for value in defined.values() if isinstance(value, type) and value.__module__ == "page"]
    assert classes
    assert not any(getattr(found, "__abstractmethods__", None) for found in classes)


RUN_ELSEWHERE = {
    "filesystems.md": "test_docs_filesystems.py",
    "howto/cluster.md": "test_several_users.py of dws-files",
    "jupyter.md": "test_jupyter.py",
    "kits.md": "test_docs.py of the kits",
    "plugins.md": "test_manual_plugin.py",
    "s3.md": "test_docs_filesystems.py",
    "sql.md": "test_sql.py",
    "trust.md": "test_consent.py",
    "conformance.md": "the test above",
    "web.md": "the test above",
}


def test_no_page_has_code_that_nothing_runs() -> None:
    """A block in a language is a file of a page whose commands run, or of a page that another test runs."""
    for path in DOCS.rglob("*.md"):
        page = path.relative_to(DOCS).as_posix()
        text = path.read_text(encoding="utf-8")
        blocks = re.findall(r"^```(python|toml|sh|bash|ini|yaml)(?: +(\S+))?$", text, re.MULTILINE)
        alone = [block for block in blocks if "." not in block[1] and block[1] != "run"]
        outside = re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)
        commands = re.findall(r"^    (?:\$ )?(?:dws|git|python) .*$", outside, re.MULTILINE)
        assert page in RUN_ELSEWHERE or not (alone or commands), f"{page}: {alone or commands}"
        assert page in RUN_ELSEWHERE or page in PAGES or not blocks, f"{page}: {blocks}"
