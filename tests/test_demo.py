"""``dws demo``, and the first commands of the README, as they are typed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from endtoend import User

README = Path(__file__).parent.parent / "README.md"

# Of the metrics, the last digit depends on how many threads compute them.
pytestmark = pytest.mark.slow


@pytest.mark.real_starts
def test_the_commands_of_the_readme_work_as_they_are_typed(user: User) -> None:
    block = README.read_text(encoding="utf-8").split("```console\n")[1].split("```")[0]
    install, *commands = re.findall(r"^\$ (.*)$", block, re.MULTILINE)
    assert install.startswith("pip install")
    said = user.run("bash", "-euc", "\n".join(commands), timeout=600).stdout
    assert re.search(r"LR-1 .* 0\.93\d .*\n.*SVC-1 .* 0\.969 ", said), said


@pytest.mark.real_starts
def test_the_demo_says_what_to_try_and_that_works(user: User) -> None:
    lines = user.dws("demo", "my digits").stdout.splitlines()
    commands = [line.strip() for line in lines[lines.index("Now try:") + 1 :]]
    assert commands[0] == "cd 'my digits'"
    said = user.run("bash", "-euc", "\n".join(commands), input="y\n", timeout=600).stdout
    assert "Showing 1 of 2 snapshots" in said
    assert re.search(r"accuracy .*0\.969 .*0\.93\d", said), said
    assert "Restored source-data, code to SVC-1" in said


def test_the_demo_takes_no_directory_that_holds_something(user: User) -> None:
    (user.cwd / "full").mkdir()
    (user.cwd / "full" / "mine.txt").write_text("mine")
    refused = user.dws("demo", "full", check=False)
    assert refused.returncode == 1
    assert "full is not empty" in refused.stderr
    assert [path.name for path in (user.cwd / "full").iterdir()] == ["mine.txt"]


def test_a_demo_that_fails_leaves_nothing(user: User) -> None:
    (user.cwd / "code").write_text("")  # what is made must not be mistaken for what was there
    broken = user.at(user.cwd, PATH="/nonexistent").dws("demo", "digits", check=False)
    assert broken.returncode != 0
    assert not (user.cwd / "digits").exists()
