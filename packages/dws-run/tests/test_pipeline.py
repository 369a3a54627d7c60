"""Pipelines for other tools: whatever the names and arguments are, the tool reads what we wrote."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from dataworkspaces.commands.pipeline import PipelineStep
from dataworkspaces.commands.pipeline_dvc import dvc_yaml
from dataworkspaces.commands.pipeline_make import makefile
from dataworkspaces.commands.pipeline_shell import comment, shell_line
from dataworkspaces.commands.pipeline_snakemake import snakefile
from dataworkspaces.errors import NotSupportedError

characters = st.characters(exclude_characters="\0\r\t\n\\/;", exclude_categories=["Cs", "Cc"])
names = st.one_of(
    st.text(characters, min_size=1, max_size=20), st.text("$(){}#:%=~*?[] '\"!&|<>-,`", min_size=1, max_size=8)
).filter(lambda name: name not in (".", "..") and len(name.encode()) < 200 and name == name.strip())
arguments = st.text(st.characters(exclude_characters="\0\r", exclude_categories=["Cs"]), max_size=30)
WRITE = "import json, pathlib, sys; pathlib.Path(sys.argv[1]).write_text(json.dumps(sys.argv[2:]))"


def step(**changed: object) -> PipelineStep:
    usual = {
        "name": "train", "id": "train", "command": ("true",), "directory": ".", "after": (), "reads": (),
        "reads_of_steps": (), "parameters": {}, "files": (), "directories": (),
    }  # fmt: skip
    return PipelineStep(**{**usual, **changed})  # type: ignore[arg-type]


@pytest.mark.slow
@settings(max_examples=20, deadline=None, derandomize=True)  # thousands were tried; CI tries the same ones
@given(source=names, target=names, title=arguments, argument=arguments)
def test_make_reads_what_we_write(source: str, target: str, title: str, argument: str) -> None:
    """The file is read, the source is seen, the target is made, and the arguments reach the command."""
    if source == target or argument.endswith("\n") or "~" in (source[0], target[0]):
        return
    with tempfile.TemporaryDirectory() as directory:
        here = Path(directory)
        (here / source).write_text("")
        command = ("python3", "-c", WRITE, f"./{target}", argument)
        text = makefile([step(name=title, command=command, reads=(source,), files=(target,))])
        Path(here, "the.mk").write_text(text)

        def make(*options: str) -> int:
            call = ["make", "-s", "-f", "the.mk", *options]
            return subprocess.run(call, cwd=here, timeout=60, stderr=subprocess.DEVNULL).returncode

        assert make() == 0
        assert json.loads((here / target).read_text()) == [argument]
        assert make("-q") == 0
        later = (here / ".pipeline/train.done").stat().st_mtime + 10
        os.utime(here / source, (later, later))
        assert make("-q") == 1


@pytest.mark.slow
@settings(max_examples=100)
@given(source=names, title=arguments, argument=arguments)
def test_dvc_yaml_is_read_back(source: str, title: str, argument: str) -> None:
    if argument.endswith("\n"):
        return
    made = step(name=title, command=("echo", argument), reads=(source,), files=("out",))
    stage = yaml.safe_load(dvc_yaml([made]))["stages"]["train"]
    assert stage["cmd"].replace("\\${", "${") == shell_line(made)
    assert [dep.removeprefix("./").replace("\\${", "${") for dep in stage["deps"]] == [source.removeprefix("./")]


@settings(max_examples=100)
@given(source=names, title=arguments, argument=arguments)
def test_a_snakefile_is_python_but_for_its_keywords(source: str, title: str, argument: str) -> None:
    if argument.endswith("\n") or {*source} & {*"{}"}:
        return
    made = step(name=title, command=("echo", argument), reads=(source,), files=("out",))
    lines = snakefile([made]).splitlines()
    assert lines[lines.index("    shell:") + 1].strip() == repr(shell_line(made).replace("{", "{{").replace("}", "}}"))
    assert sum(line.startswith("rule ") for line in lines) == 2


@settings(max_examples=200)
@given(text=arguments)
def test_no_text_ends_a_comment(text: str) -> None:
    assert len(comment(text).splitlines()) <= 1
    assert not comment(text).endswith("\\")


@pytest.mark.slow
@settings(max_examples=15, deadline=None, derandomize=True)
@given(words=st.lists(arguments, max_size=3), directory=names)
def test_a_shell_gives_the_command_its_arguments(words: list[str], directory: str) -> None:
    command = ("python3", "-c", "import json, sys; print(json.dumps(sys.argv[1:]))", *words)
    if any(word.endswith("\n") for word in words):
        with pytest.raises(NotSupportedError, match="ends with a line break"):
            shell_line(step(command=command))
        return
    with tempfile.TemporaryDirectory() as place:
        Path(place, directory).mkdir()
        line = shell_line(step(command=command, directory=directory))
        done = subprocess.run(["sh", "-c", line], cwd=place, capture_output=True, timeout=60)
    assert json.loads(done.stdout) == words


@pytest.mark.parametrize("path", ["a\nb", "a\\b", "a\tb", "a;b", " a", "a ", "~a"])
def test_names_that_make_cannot_have(path: str) -> None:
    with pytest.raises(NotSupportedError, match=r"make cannot have the name .*, which step train reads or writes"):
        makefile([step(reads=(path,))])


@pytest.mark.parametrize("path", ["{a}", "a\\b"])
def test_names_that_snakemake_cannot_have(path: str) -> None:
    with pytest.raises(NotSupportedError, match=r"Snakemake cannot have the name"):
        snakefile([step(files=(path,))])


def test_outputs_in_one_another_are_one_for_dvc() -> None:
    both = [step(directories=("results",)), step(id="more", files=("results/more.txt",))]
    stages = yaml.safe_load(dvc_yaml(both))["stages"]
    assert stages["train"]["outs"] == [{"results": {"cache": False, "persist": True}}]
    assert "outs" not in stages["more"]


def test_keys_of_a_file_of_parameters() -> None:
    found = yaml.safe_load(dvc_yaml([step(parameters={"params.yaml": ("C", "gamma"), "other.json": ()})]))
    assert found["stages"]["train"]["params"] == [{"params.yaml": ["C", "gamma"]}, {"other.json": None}]
