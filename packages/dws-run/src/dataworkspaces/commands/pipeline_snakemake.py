"""A Snakefile."""

from __future__ import annotations

from collections.abc import Iterable

from dataworkspaces.commands.pipeline import PipelineStep
from dataworkspaces.commands.pipeline_shell import check_paths, comment, safe_paths, shell_line, stamp

_FILES = """\
import os


def files(path):
    \"\"\"A file, or all files of a directory.\"\"\"
    if not os.path.isdir(path):
        return path
    return sorted(os.path.join(place, name) for place, _, names in os.walk(path) for name in names)


"""


def snakefile(steps: Iterable[PipelineStep]) -> str:
    """A rule for each step. Files that a step writes are outputs of its rule; directories are not, since Snakemake
    empties them first: for them a stamp stands. Raises NotSupportedError for names that Snakemake cannot have."""
    steps = list(steps)
    head = (
        "# The recorded steps of a workspace, by: dws steps --export snakemake\n"
        "# Runs in the workspace's directory: snakemake --cores 2\n" + _FILES
    )
    every = _rule(
        "all", {"input": [_text(path) for step in steps for path in (stamp(step.id), *safe_paths(step.files))]}
    )
    return "\n".join([head + every, *map(_of_step, steps)])


def _of_step(step: PipelineStep) -> str:
    check_paths(step, "\n\r\\{}", "Snakemake")
    reads = safe_paths([*step.reads, *step.parameters])
    return f"# {comment(step.name)}\n" + _rule(
        step.id,
        {
            "input": [*(_text(stamp(id)) for id in step.after), *(f"lambda _: files({path!r})" for path in reads)],
            "output": [*map(_text, safe_paths(step.files)), f"touch({_text(stamp(step.id))})"],
            "shell": [_text(shell_line(step))],
        },
    )


def _rule(name: str, parts: dict[str, list[str]]) -> str:
    lines = [f"rule {name}:"]
    for part, values in parts.items():
        if values:
            lines += [f"    {part}:", *(f"        {value}," for value in values)]
    return "\n".join(lines).removesuffix(",") + "\n"


def _text(text: str) -> str:
    """A literal of Python in which nothing is to be filled in."""
    return repr(text.replace("{", "{{").replace("}", "}}"))
