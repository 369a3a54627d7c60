"""Completion in bash, in a workspace of the git backend."""

from __future__ import annotations

import pytest
from endtoend import User, write_files

pytestmark = pytest.mark.real_starts

SCRIPT = """
eval "$(dws completion bash)"
COMP_WORDS=({words} '')
COMP_CWORD=$(( ${{#COMP_WORDS[@]}} - 1 ))
_dws_completion dws ''
printf '%s\\n' "${{COMPREPLY[@]}}"
"""


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ("dws restore", ["A"]),
        ("dws restore A --only", ["code", "results", "my\\ data"]),
        (r"dws config --resource 'my\ data'", ["branch", "read_only"]),
        ("dws config", ["dws_git_branch", "hostname", "results.dir_template"]),
        ("dws add", ["api-resource", "git", "local-files"]),
    ],
)
def test_names_are_completed(workspace: User, words: str, offered: list[str]) -> None:
    write_files(workspace.cwd, {"code/a": "1"})
    workspace.make_repository(workspace.cwd / "data", {"a": "1"})
    workspace.batch("add", "git", "--role=source-data", "--name=my data", "./data")
    workspace.batch("snapshot", "A")
    done = workspace.run("bash", "--norc", "-c", SCRIPT.format(words=words))
    assert set(offered) <= set(done.stdout.splitlines())
    assert done.stderr == ""
