"""Pages of the documentation as scripts: their commands run from top to bottom, and say what the page says.

On a page, ```` ```console ```` holds commands, each after ``$ ``, and what they print. ```` ```python code/train.py ````
(or another language) is a file that exists from there on. What a command prints is compared if the page shows it:

- ``…`` stands for any text, on a line of its own for any lines;
- hashes, times and the home directory may differ.

A command must succeed, unless the page shows an error. ``<!-- after quick-start.md -->`` on a page says that its reader
has done what is on another one, and commands between ``<!-- meanwhile`` and ``-->`` are run, but not shown.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

_BLOCK_RE = re.compile(r"^(?:```|<!-- )(\w+)(?: +(\S+))?\n(.*?)^(?:```|-->)$", re.MULTILINE | re.DOTALL)
_AFTER_RE = re.compile(r"^<!-- after (\S+) -->$", re.MULTILINE)
_ERROR_RE = re.compile(r" *error: |.* failed with exit status ")
_VARYING = [
    (re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?"), "TIME"),
    (re.compile(r"\b[0-9a-f]{7,64}\b"), "HASH"),
    (re.compile(r"\b\d+(\.\d+)? (ms|seconds?|s)\b|(?<=_seconds\": )[\d.]+"), "DURATION"),
]
_LIKE_A_READER = """\
exec 2>&1 </dev/null
ls() { command ls -C "$@"; }
dws() { command dws --batch "$@"; }  # who reads answers each question with the return key
"""
HOME = "/home/ada"
"""Where the user of the pages is at home."""


@dataclass
class Command:
    """A command of a page, and what the page shows of its output, if anything."""

    line: int
    text: str
    shown: list[str] = field(default_factory=list)

    @property
    def may_fail(self) -> bool:
        return any(_ERROR_RE.match(shown) for shown in self.shown)


@dataclass(frozen=True)
class File:
    """A file that a page shows."""

    name: str
    content: str


def page_before(page: Path) -> Path | None:
    """The page after which another one says that it comes."""
    before = _AFTER_RE.search(page.read_text(encoding="utf-8"))
    return None if before is None else (page.parent / before[1]).resolve()


def steps_of(page: Path) -> list[Command | File]:
    """What a page has its reader do, in order."""
    text = page.read_text(encoding="utf-8")
    steps: list[Command | File] = []
    for block in _BLOCK_RE.finditer(text):
        language, name, content = block.groups()
        line = text.count("\n", 0, block.start()) + 2
        if language == "console":
            steps += _commands(content, line)
        elif language == "meanwhile":
            steps.append(Command(line, f"set -e\n{content}set +e"))
        elif name is not None and "." in name:
            steps.append(File(name, content))
    return steps


def _commands(block: str, first_line: int) -> list[Command]:
    commands: list[Command] = []
    continues = False
    for number, line in enumerate(block.splitlines(), first_line):
        if continues:
            commands[-1].text += f"\n{line}"
        elif line.startswith("$ "):
            commands.append(Command(number, line[2:]))
        else:
            assert commands, f"line {number}: output before the first command"
            commands[-1].shown.append(line)
        continues = (line.startswith("$ ") or continues) and line.endswith("\\")
    return commands


def script_of(steps: list[Command | File]) -> str:
    """A script for bash that runs the steps, and marks where what each prints begins and ends."""
    parts = []
    for number, step in enumerate(steps):
        if isinstance(step, File):
            parts.append(
                f"mkdir -p \"$(dirname '{step.name}')\"\ncat > '{step.name}' <<'END_OF_FILE'\n{step.content}END_OF_FILE"
            )
        else:
            parts.append(f"printf '\\x1e{number}\\n'\n{step.text}\nprintf '\\x1f%s' $?")
    return _LIKE_A_READER + "\n".join(parts)


def outputs_of(said: str) -> dict[int, tuple[str, int]]:
    """By the number of a step: what it printed, and its exit status."""
    found = {}
    for part in said.split("\x1e")[1:]:
        number, _, rest = part.partition("\n")
        output, _, status = rest.partition("\x1f")
        found[int(number)] = (output, int(status or 99))
    return found


def difference(command: Command, output: str, home: Path) -> str | None:
    """How what a command printed differs from what the page shows, or None."""
    while command.shown and not command.shown[-1].strip():
        command.shown.pop()
    if not command.shown:
        return None
    shown = [_plain(line) for line in command.shown]
    printed = [_plain(line.replace(str(home), HOME)) for line in output.rstrip().splitlines()]
    pattern = "".join(
        r"(?:.*\n)*?" if line == "…" else ".*?".join(re.escape(part) for part in line.split("…")) + r"\n"
        for line in shown
    )
    if re.fullmatch(pattern, "".join(f"{line}\n" for line in printed)):
        return None
    return "\n".join(["the page shows", *shown, "but it printed", *printed])


def _plain(line: str) -> str:
    for varying, name in _VARYING:
        line = varying.sub(name, line)
    # Columns are as wide as what is in them.
    return re.sub(r"-{3,}", "---", re.sub(r" {2,}|\t", "  ", line)).rstrip()
