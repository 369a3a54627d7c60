"""Shell completion: what is offered, that it loads and breaks nothing, and the scripts in real shells."""

from __future__ import annotations

import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from cli_helpers import Installation, on_terminal, store

from dataworkspaces.testing.command_line import Run
from dataworkspaces.testing.memory import MemoryWorkspace
from dataworkspaces.workspace import SnapshotMetadata

pytestmark = pytest.mark.slow

Complete = Callable[..., list[str]]


@pytest.fixture
def uri(workspace: MemoryWorkspace) -> str:
    """The URI of a workspace with resources, one of them of a type that nobody has, and the tags ONE and TWO."""
    for name, resource_type in (("code", "no-such-type"), ("my data", "file"), ("results", "file")):
        workspace.write_resource_params({"resource_type": resource_type, "name": name, "role": "code", "own": 1})
    workspace.write_resource_local_params("my data", {"my_local_path": "/d"})
    for number, tag in enumerate(("ONE", "TWO")):
        metadata = SnapshotMetadata(str(number) * 40, [tag], "", "h", f"2020-01-0{number + 1}", "", {})
        workspace.save_snapshot_metadata_and_manifest(metadata, b"[]")
    return store(workspace)


@pytest.fixture
def complete(installation: Installation) -> Complete:
    """What bash is offered for a line; an empty last word is one that is to be typed."""

    def ask(*words: str, shell: str = "bash") -> list[str]:
        line = " ".join(shlex.quote(word) if word else "" for word in words)
        done = installation.run(COMP_WORDS=line, COMP_CWORD=str(len(words) - 1), _DWS_COMPLETE=f"{shell}_complete")
        assert done.returncode == 0
        assert done.stderr == ""
        return [item.partition(",")[2] for item in done.stdout.splitlines()]

    return ask


def test_commands(complete: Complete) -> None:
    names = ["remove", "rename", "restore", "remove-experiment", "report", "recover"]
    assert [name for name in complete("dws", "re") if name not in ("rerun", "reproduce")] == names


def test_hidden_commands_are_not_offered(complete: Complete) -> None:
    assert complete("dws", "l") == ["label", "lineage", "ls"]  # and not "log"


def test_commands_of_plugins(complete: Complete, installation: Installation) -> None:
    installation.add("dws-hello", {"dataworkspaces.commands": {"hello": "hello_plugin:hello"}}, {"hello_plugin": "1/0"})
    assert complete("dws", "he") == ["hello"]


def test_subcommands(complete: Complete) -> None:
    assert complete("dws", "report", "") == ["history", "lineage", "results", "runs", "status"]


def test_types_of_resources(complete: Complete) -> None:
    offered = complete("dws", "add", "")
    assert {"api-resource", "local-files"} <= set(offered)
    assert "file" not in offered


def test_options(complete: Complete) -> None:
    assert complete("dws", "restore", "--dr") == ["--dry-run"]


@pytest.mark.parametrize(
    "words", [["add", "local-files", "--role", ""], ["add", "--batch", "api-resource", "--role", ""]]
)
def test_roles(complete: Complete, words: list[str]) -> None:
    assert complete("dws", *words) == ["source-data", "intermediate-data", "code", "results"]


def test_roles_to_create(complete: Complete) -> None:
    assert complete("dws", "init", "--create-resources", "code,r") == ["code,results"]


@pytest.mark.parametrize(
    "words",
    [
        ["restore", "--workspace-dir", "URI", ""],
        ["delete-snapshot", "--workspace-dir", "URI", ""],
        ["diff", "--workspace-dir", "URI", ""],
        ["diff", "--workspace-dir", "URI", "ONE", ""],
        ["report", "--workspace-dir", "URI", "lineage", "--snapshot", ""],
        ["report", "results", "--workspace-dir", "URI", "--snapshot", ""],
    ],
    ids=" ".join,
)
def test_tags(complete: Complete, uri: str, words: list[str]) -> None:
    assert complete("dws", *(uri if word == "URI" else word for word in words)) == ["ONE", "TWO"]


@pytest.mark.parametrize(
    "words", [["report", "results", "--resource"], ["config", "--resource"], ["restore", "ONE", "--only"]], ids=" ".join
)
def test_resources(complete: Complete, uri: str, words: list[str]) -> None:
    assert complete("dws", *words[:-1], "--workspace-dir", uri, words[-1], "") == ["code", "my\\ data", "results"]


def test_a_list_of_resources_goes_on(complete: Complete, uri: str) -> None:
    offered = complete("dws", "restore", "ONE", "--workspace-dir", uri, "--leave", "code,")
    assert offered == ["code,my\\ data", "code,results"]


def test_parameters(complete: Complete, uri: str) -> None:
    assert complete("dws", "config", "--workspace-dir", uri, "results.") == [
        "results.dir_template", "results.move_exclude_files", "results.large_file"
    ]  # fmt: skip


def test_parameters_of_a_resource(complete: Complete, uri: str) -> None:
    assert complete("dws", "config", "--workspace-dir", uri, "--resource", "my data", "") == ["own", "my_local_path"]


def test_a_value_after_an_equals_sign(complete: Complete, uri: str) -> None:
    """bash gives three words."""
    assert complete("dws", "restore", "--workspace-dir", uri, "--only", "=", "co") == ["code"]


def test_names_that_a_shell_would_run_are_not_offered(complete: Complete, workspace: MemoryWorkspace) -> None:
    for name in ("$(touch x)", "a;b", "`x`", "a\nb", "-x", "good"):
        workspace.write_resource_params({"resource_type": "file", "name": name, "role": "code"})
    assert complete("dws", "config", "--workspace-dir", store(workspace), "--resource", "") == ["good"]


@pytest.mark.parametrize(
    "words",
    [["restore", ""], ["restore", "--workspace-dir", "/nowhere", ""], ["nonsense", ""], ["add", "nonsense", "x", ""]],
)
def test_where_nothing_can_be_known_nothing_is_said(
    complete: Complete, words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    complete("dws", *words)


def test_no_resource_type_is_loaded(installation: Installation, uri: str) -> None:
    code = (
        "import os, sys\n"
        f"os.environ.update(COMP_WORDS={f'dws config --workspace-dir {uri} --resource '!r}, COMP_CWORD='5')\n"
        "os.environ['_DWS_COMPLETE'] = 'bash_complete'\n"
        "from dataworkspaces.cli.main import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "print(*(m for m in sys.modules if m.startswith(('dataworkspaces.resources.', 'rich', 'git.'))))\n"
    )
    done = installation.python(code)
    assert "plain,code\n" in done.stdout, done.stderr
    assert done.stdout.endswith("\n\n")


# -- scripts in shells -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_there_is_a_script_for_each_shell(run: Run, shell: str) -> None:
    result = run("completion", shell)
    assert result.exit_code == 0
    assert f"_DWS_COMPLETE={shell}_complete" in result.output


def test_another_shell_is_refused(run: Run) -> None:
    assert run("completion", "tcsh").exit_code == 2


BASH = """
eval "$(dws completion bash)"
COMP_WORDS=({words})
COMP_CWORD=$(({count} - 1))
_dws_completion dws "${{COMP_WORDS[COMP_CWORD]}}" ""
printf '[%s]\\n' "${{COMPREPLY[@]}}"
"""


@pytest.fixture
def shell_environment(installation: Installation, tmp_path: Path) -> dict[str, str]:
    """An environment in which ``dws`` is a command."""
    command = tmp_path / "bin" / "dws"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m dataworkspaces.cli.main "$@"\n')
    command.chmod(0o755)
    environment = installation.environment()
    return {**environment, "PATH": f"{command.parent}:{environment['PATH']}"}


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (["dws", "snap"], ["[snapshot]"]),
        (["dws", "config", "--workspace-dir", "URI", "--resource", "my"], ["[my\\ data]"]),
        (["dws", "restore", "ONE", "--workspace-dir", "URI", "--only", "code,my"], ["[code,my\\ data]"]),
        (["dws", "restore", "--workspace-dir", "URI", ""], ["[ONE]", "[TWO]"]),
    ],
)
def test_bash(shell_environment: dict[str, str], uri: str, words: list[str], offered: list[str]) -> None:
    quoted = " ".join(shlex.quote(uri if word == "URI" else word) for word in words)
    script = BASH.format(words=quoted, count=len(words))
    done = subprocess.run(
        ["bash", "--norc", "--noprofile", "-c", script],
        env=shell_environment, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.stdout.splitlines() == offered, done.stderr


def test_the_tab_key(shell_environment: dict[str, str], tmp_path: Path) -> None:
    """In an interactive bash, at the keyboard: what was completed is not run but echoed."""
    start = tmp_path / "bashrc"
    start.write_text('eval "$(dws completion bash)"\nbind "set enable-bracketed-paste off"\nPS1="ready> "\n')
    screen = on_terminal(
        ["bash", "--noprofile", "--rcfile", str(start), "-i"],
        env={**shell_environment, "HISTFILE": "/dev/null"},
        answers={"ready> ": "dws completi\t", "dws completion ": "z\t", "dws completion zsh ": "\x01echo \nexit\n"},
    )
    assert "dws completion zsh" in screen.text.splitlines()
