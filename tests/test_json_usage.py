"""A command line that cannot be read is a document, too, where `--json` is in it: for each command that there is."""

from __future__ import annotations

import json
from collections.abc import Iterator

import click
import pytest
from json_schemas import faults

from dataworkspaces.cli.main import dws


def commands(group: click.Group, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        yield (*path, name)
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))


ALL = [(), *commands(dws)]


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[object, str, str]:
    with pytest.raises(SystemExit) as ended:
        dws.main(list(arguments))
    said = capsys.readouterr()
    return ended.value.code, said.out, said.err


def usage_error(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, object]:
    status, out, err = run(capsys, *arguments)
    assert (status, out) == (2, "")
    document = json.loads(err)
    assert faults("error", document, strict=True) == []
    assert (document["error"]["kind"], document["error"]["status"]) == ("usage", 2)
    found: dict[str, object] = document["error"]
    return found


@pytest.mark.parametrize("command", ALL, ids=" ".join)
def test_unknown_option_of_each_command(capsys: pytest.CaptureFixture[str], command: tuple[str, ...]) -> None:
    for line in ((*command, "--json", "--no-such-option"), (*command, "--no-such-option", "--json")):
        if command != ("run",) or line[-1] != "--json":  # which would be an option of the program
            assert "No such option" in str(usage_error(capsys, *line)["message"])


@pytest.mark.parametrize(
    "line",
    ["no-such-command", "report no-such", "tag a b c", "history --csv", "history --limit x", "add git", "restore",
     "push --only a --skip b", "status --workspace a --workspace-dir b", "add local-files . --role nothing",
     "history --limit", "restore V1 --only a --leave b", "clone x --only a --skip b"],
)  # fmt: skip
def test_each_kind_of_mistake(capsys: pytest.CaptureFixture[str], line: str) -> None:
    usage_error(capsys, "--batch", *line.split(" ")[:1], "--json", *line.split(" ")[1:])


def test_the_document_says_where_help_is(capsys: pytest.CaptureFixture[str]) -> None:
    assert usage_error(capsys, "report", "lineage", "--x", "--json")["hint"] == (
        "'dws report lineage --help' describes it"
    )


@pytest.mark.parametrize("line", ["status --x", "status --x -- --json", "run --x python --json", "run --step-name"])
def test_without_the_option_it_is_text(capsys: pytest.CaptureFixture[str], line: str) -> None:
    status, _, err = run(capsys, *line.split(" "))
    assert status == 2
    assert err.startswith("Usage: dws ")
