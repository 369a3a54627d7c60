"""Each page of the documentation that shows commands is true: see ``doc_pages``."""

from __future__ import annotations

import os
import re
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from doc_examples import DOCS, examples
from doc_pages import Command, difference, outputs_of, page_before, script_of, steps_of
from endtoend import User, isolated_environment, remove
from forked import programs

pytestmark = pytest.mark.slow

PAGES = sorted(
    path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md") if "```console" in path.read_text(encoding="utf-8")
)
HOSTS = ("https://git.example.com/",)
"""Where the pages have their git repositories."""


FOLLOWED = {before for page in PAGES if (before := page_before(DOCS / page)) is not None}
"""Pages whose readers go on to others."""


@dataclass
class Reader:
    """The user of the pages, in a directory with the digits at the host of the pages and empty repositories beside them.

    Pages may come after another one: that is read once, and what it leaves is kept, and brought back to the same place."""

    place: Path
    kept: Path
    digits: Path
    said: dict[Path, dict[int, tuple[str, int]]] = field(default_factory=dict)

    @property
    def home(self) -> Path:
        return self.place / "home"

    def read(self, page: Path) -> dict[int, tuple[str, int]]:
        """What the commands of a page print, as :func:`outputs_of` has it."""
        page = page.resolve()
        if page in self.said:
            return self.said[page]
        ada = self._begin(page_before(page))
        script = f'{script_of(steps_of(page))}\npwd > "{self.place}/cwd"'
        said = outputs_of(ada.run("bash", "-c", script, timeout=600).stdout)
        if page in FOLLOWED:
            subprocess.run(["cp", "-a", self.place, self.kept / page.stem], check=True)
            self.said[page] = said
        return said

    def _begin(self, before: Path | None) -> User:
        """Where a page begins."""
        if before is None:
            return self._begin_anew()
        self.read(before)
        remove(self.place)
        subprocess.run(["cp", "-a", self.kept / before.stem, self.place], check=True)
        return self._user(Path((self.place / "cwd").read_text().strip()))

    def _begin_anew(self) -> User:
        remove(self.place)
        self.home.mkdir(parents=True)
        ada = self._user(self.home)
        repositories = self.place / "repositories"
        ada.git("clone", "--quiet", "--bare", self.digits, repositories / "ada" / "sklearn-digits-dataset.git")
        for name in ("quickstart", "experiment"):
            ada.git("init", "--quiet", "--bare", repositories / "ada" / f"{name}.git")
        for host in HOSTS:
            ada.git("config", "--global", f"url.{repositories.as_uri()}/.insteadOf", host)
        return ada

    def _user(self, cwd: Path) -> User:
        env = isolated_environment(self.home)
        return User(cwd, {**env, "PATH": f"{programs()}{os.pathsep}{env['PATH']}", "COLUMNS": "110"})


@pytest.fixture(scope="session")
def reader(tmp_path_factory: pytest.TempPathFactory, digits_source: Path) -> Reader:
    directory = tmp_path_factory.mktemp("pages")
    (directory / "kept").mkdir()
    return Reader(directory / "reader", directory / "kept", digits_source)


@pytest.mark.parametrize("page", PAGES)
def test_the_page_is_true(page: str, reader: Reader) -> None:
    steps = steps_of(DOCS / page)
    said = reader.read(DOCS / page)
    for number, step in enumerate(steps):
        if not isinstance(step, Command):
            continue
        where = f"{page}:{step.line}: {step.text}"
        output, status = said.get(number, ("the script has ended", 1))
        assert status == 0 or step.may_fail, f"{where}: exit status {status}\n{output}"
        wrong = difference(step, output, reader.home)
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
