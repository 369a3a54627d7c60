"""A Makefile, for every make that POSIX systems have."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import PurePosixPath

from dataworkspaces.commands.pipeline import PipelineStep
from dataworkspaces.commands.pipeline_shell import check_paths, comment, safe_paths, shell_line, stamp, stamped

_HEAD = """\
# The recorded steps of a workspace, by: dws steps --export make
# Runs in the workspace's directory: make, make -j4, or make STEP.
SHELL := /bin/sh
.DEFAULT_GOAL := all
# What = and a comma are in the name of a file.
equals := =
comma := ,
# The files in a directory.
in = $(shell find $(1) -type f | sed 's/[[ \\#:*?|\\\\]/\\\\&/g')
.PHONY: always
always: ;
"""
_PLAIN = re.compile(r"[A-Za-z0-9_./+@-]+")


def makefile(steps: Iterable[PipelineStep]) -> str:
    """Each step makes a stamp; it runs if the stamp, or something that it writes, is missing or older than something
    that it reads. GNU make 3.81 and later. Raises NotSupportedError for names that a Makefile cannot have."""
    steps = list(steps)
    names = " ".join(step.id for step in steps)
    return "\n".join([_HEAD + f".PHONY: all {names}\nall: {names}\n", *(_rule(step) for step in steps)])


def _rule(step: PipelineStep) -> str:
    check_paths(step, "\n\r\t\\;", "make", begins="~")  # which is a home for it, even in ./~
    done = stamp(step.id)
    reads = safe_paths([*step.reads, *step.parameters])
    needs = [*(stamp(id) for id in step.after), *map(_read, reads), *_missing([*step.files, *step.directories])]
    lines = [
        f"# {comment(step.name)}",
        f"{step.id}: {done}",
        f"{done}: {' '.join(needs)}",
        f"\t{_in_recipe(shell_line(step))}",
        f"\t@{_in_recipe(stamped(step))}",
        *(f"{_target(path)}: {done} ;" for path in safe_paths(step.files)),
    ]
    return "\n".join(lines) + "\n"


def _read(path: str) -> str:
    """A file, or all files of what is a directory when make runs."""
    return f"$(if $(wildcard {path}/.),$(call in,{path}),{path})" if _PLAIN.fullmatch(path) else _name(path)


def _missing(paths: Sequence[str]) -> list[str]:
    """Where make can tell, a file that is gone is made again."""
    plain = [path for path in paths if _PLAIN.fullmatch(path) and PurePosixPath(path).name not in ("", "..")]
    return [f"$(if $(wildcard {path}),,always)" for path in plain]


def _target(path: str) -> str:
    return _name(path).replace("%", "\\%")  # else the rule is a pattern


def _name(path: str) -> str:
    escaped = re.sub(r"([ #:*?\[|])", r"\\\1", path.replace("$", "$$"))
    return escaped.replace("=", "$(equals)").replace(",", "$(comma)")


def _in_recipe(line: str) -> str:
    return line.replace("$", "$$")
