"""What the files for other tools have in common: a command line of the shell, and the stamps."""

from __future__ import annotations

import shlex
from collections.abc import Iterable

from dataworkspaces.commands.pipeline import PipelineStep
from dataworkspaces.errors import NotSupportedError

STAMPS = ".pipeline"
"""The directory with an empty file for each step that has run, by whose times make and Snakemake tell. It says to git
that it is to be ignored."""


def stamp(id: str) -> str:
    return f"{STAMPS}/{id}.done"


def stamped(step: PipelineStep) -> str:
    """What makes the stamp, in a shell."""
    return f"mkdir -p {STAMPS} && echo '*' > {STAMPS}/.gitignore && touch {stamp(step.id)}"


def shell_line(step: PipelineStep) -> str:
    """One line for a POSIX shell that runs a step; the arguments reach the command as they were recorded.

    Raises NotSupportedError for an argument that ends with a line break, which no line can have."""
    line = " ".join(_quoted(argument) for argument in step.command)
    return line if step.directory == "." else f"cd {_quoted(_safe(step.directory))} && {line}"


def check_paths(step: PipelineStep, forbidden: str, tool: str, begins: str = "\n") -> None:
    """Raise NotSupportedError for a path with one of some characters, and for one that begins or ends with a space,
    which make would not see."""
    for path in (*step.reads, *step.reads_of_steps, *step.parameters, *step.files, *step.directories):
        if path != path.strip() or path.startswith(begins) or any(character in path for character in forbidden):
            raise NotSupportedError(
                f"{tool} cannot have the name {path!r}, which step {step.name} reads or writes", hint="Rename it"
            )


def comment(text: str) -> str:
    """Somebody's text, for a comment that it cannot end."""
    return "".join(c if c.isalnum() or c in " _-.,()" else "?" for c in text)


def safe_paths(paths: Iterable[str]) -> list[str]:
    """Paths that no tool takes for an option."""
    return [_safe(path) for path in paths]


def _safe(path: str) -> str:
    return f"./{path}" if path.startswith(("-", "~")) else path


def _quoted(text: str) -> str:
    if "\n" not in text:
        return shlex.quote(text)
    if text.endswith("\n"):
        raise NotSupportedError("A recorded argument ends with a line break, which no line of a shell can have")
    escaped = text.replace("\\", "\\\\").replace("\n", "\\n")
    return f"\"$(printf '%b' {shlex.quote(escaped)})\""
