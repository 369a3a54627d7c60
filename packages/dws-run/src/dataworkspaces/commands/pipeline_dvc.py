"""A ``dvc.yaml``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath
from typing import Any

from dataworkspaces.commands.pipeline import PipelineStep
from dataworkspaces.commands.pipeline_shell import check_paths, safe_paths, shell_line

_HEAD = """\
# The recorded steps of a workspace, by: dws steps --export dvc
# Runs in the workspace's directory: dvc repro. Data Workspaces keeps the files: DVC does not cache them.
"""
_OTHER_LINE_BREAKS = "\x85\u2028\u2029"
"""Those that PyYAML does not escape among other letters, and reads as a space."""


def dvc_yaml(steps: Iterable[PipelineStep]) -> str:
    """A stage for each step. DVC removes no output before a stage runs. Of outputs that lie in each other, which DVC
    refuses, the outer one stands. Raises NotSupportedError for names that DVC cannot have."""
    import yaml  # type: ignore[import-untyped]

    steps = list(steps)
    written = [path for step in steps for path in (*step.files, *step.directories)]
    stages = {step.id: _stage(step, written) for step in steps}
    is_plain = not set(_OTHER_LINE_BREAKS) & set("".join(_texts(stages)))
    return _HEAD + str(yaml.safe_dump({"stages": stages}, sort_keys=False, allow_unicode=is_plain, width=1000))


def _stage(step: PipelineStep, written: list[str]) -> dict[str, Any]:
    check_paths(step, "\n\r", "DVC")
    outs = [path for path in (*step.files, *step.directories) if not _is_inside(path, written)]
    params: list[Any] = [
        {path: list(keys) or None}
        for path, keys in zip(safe_paths(step.parameters), step.parameters.values(), strict=True)
    ]
    stage: dict[str, Any] = {
        "desc": _literal(step.name),
        "cmd": _literal(shell_line(step)),
        "deps": [_literal(path) for path in safe_paths([*step.reads, *step.reads_of_steps])],
        "params": params,
        "outs": [{_literal(path): {"cache": False, "persist": True}} for path in safe_paths(outs)],
    }
    return {key: value for key, value in stage.items() if value}


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from (*_texts(key), *_texts(inner))
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)
    elif isinstance(value, str):
        yield value


def _is_inside(path: str, others: list[str]) -> bool:
    parents = {str(parent) for parent in PurePosixPath(path).parents} - {"."}
    return any(other in parents for other in others)


def _literal(text: str) -> str:
    """Text in which DVC fills in nothing."""
    return text.replace("${", "\\${")
