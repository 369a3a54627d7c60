"""`--json`, as a script sees it: what `docs/reference/json.md` says of each command is what is printed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
from endtoend import HOST, User, program, write_files
from forked import Forked
from json_schemas import faults, keys_of, shape_of

PAGE = Path(__file__).parent.parent / "docs/reference/json.md"
AS = {
    "undo-delete": "delete-snapshot",
    "push": "publish",
    "pull --dry-run": "push --dry-run",
    "report history": "history",
    "report status": "status",
}
"""Commands of which the page says that they print what another one does."""
OPTIONAL = {
    "utc_offset", "parents", "updated_timestamp", "results_in", "results_moved_from", "resource_parents", "metrics_history", "labels", "notes", "carried_over", "others", "author",
}  # fmt: skip
WITHOUT = {
    "cat",
    "completion",
    "demo",
    "lineage graph",
    "env export",
    "lineage export",
    "run",
    "s3 allow",
    "s3 unpin",
    "schema",
}
"""As the page has it; the group `report` and `status`, its old name, are no commands of their own."""


def documented() -> dict[str, set[str]]:
    """The keys of each command's document."""
    found: dict[str, set[str]] = {}
    for section in re.split(r"^### ", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]:
        title, _, text = section.partition("\n")
        rows = [row.split("|")[1] for row in text.splitlines() if row.startswith("| `")]
        found[title.strip("`")] = {key for row in rows for key in re.findall(r"`(\w+)`", row)}
    return {**found, **{name: found[other] for name, other in AS.items()}}


@pytest.fixture
def here(user: User) -> Forked:
    """At the root of a new directory."""
    root = user.cwd / "ws"
    root.mkdir()
    return Forked(root, user.env)


@pytest.mark.slow
def test_each_command_prints_what_the_page_says(here: Forked) -> None:
    pages = documented()

    def says(command: str, *arguments: str | Path) -> Any:
        """The document; or the first of it, if it is a list."""
        said = here.json(*command.split(" "), *arguments)
        assert faults(shape_of([*command.split(" "), *arguments]) or command, said, strict=True) == []
        one = said[0] if isinstance(said, list) else said
        assert set(one) - OPTIONAL == pages[command] - OPTIONAL, command
        return said

    (here.cwd / "data").mkdir()
    (here.cwd / "data/a.csv").write_text("1\n")
    init = says("init", "--hostname", HOST, "--create-resources", "code,results")
    assert init == {"workspace_dir": str(here.cwd), "name": "ws", "resources": ["code", "results"]}
    added = says("add", "local-files", "--role", "source-data", "--name", "raw", "--restorable", "data")
    assert (added["name"], added["role"], added["type"]) == ("raw", "source-data", "file")
    write_files(here.cwd, {"code/run.py": "print(1)\n", "results/results.json": '{"metrics": {"accuracy": 0.5}}'})
    taken = says("snapshot", "-m", "first", "ONE")
    assert (taken["is_new"], taken["tags"]) == (True, ["ONE"])
    assert taken["results"] == [f"results:snapshots/{HOST}-ONE"]
    again = says("snapshot")
    assert (again["hash"], again["is_new"], again["results"]) == (taken["hash"], False, [])
    write_files(here.cwd, {"data/a.csv": "2\n"})
    assert says("snapshot", "TWO")["is_new"]

    assert says("report history")["total"] == 2
    assert says("history", "--where", "tag = 'ONE'")["snapshots"][0]["values"] == {"accuracy": 0.5}
    for command, *arguments in (
        ["report status"], ["status"], ["report lineage"], ["report results"], ["runs"], ["diff", "ONE", "TWO"], ["diff", "ONE"], ["show"],
        ["ls", "raw:"],
        ["config"], ["config", "hostname"], ["fsck"], ["recover"], ["unlock"], ["du"], ["verify"], ["version"],
        ["plugins"], ["rerun --dry-run"], ["gc"], ["cp", "raw:a.csv", "copied"],
    ):  # fmt: skip
        says(command, *arguments)
    assert here.json("trust") == []

    says("tag", "V1", "ONE")
    says("tag", "--delete", "V1")
    says("label", "ONE", "stage=test")
    says("note", "ONE", "a note")
    says("remove", "raw")
    says("remove", "--undo", "raw")
    plan = says("restore --dry-run", "ONE", "--only", "raw")
    assert [change["path"] for change in plan["restored"][0]["changes"]] == ["a.csv"]
    assert (here.cwd / "data/a.csv").read_text() == "2\n"
    done = says("restore", "ONE", "--only", "raw")
    assert done["restored"] == ["raw"]
    assert (here.cwd / "data/a.csv").read_text() == "1\n"
    assert says("undo-restore", "raw")["resource"] == "raw"

    assert says("delete-snapshot", "ONE")["hash"] == taken["hash"]
    assert says("undo-delete", "ONE")["tags"] == ["ONE"]

    origin = here.cwd.parent / "origin.git"
    here.git("init", "--quiet", "--bare", origin)
    assert says("publish", "--yes", origin)["resources"] == ["raw"]  # the others are parts of the workspace
    for command in ("push", "pull", "push --dry-run", "pull --dry-run"):
        says(command)
    assert says("clone", "--hostname", "second", "--same-places", origin, here.cwd.parent / "second")["name"] == "ws"


def test_a_script_reads_the_document_of_a_snapshot(workspace: User) -> None:
    piped = f"{program('dws')} --batch snapshot --json ONE | python -m json.tool"
    assert '"ONE"' in workspace.run("sh", "-c", piped).stdout


def test_nobody_is_asked(here: Forked) -> None:
    here.json("init", "--hostname", HOST, "--create-resources", "code")
    here.json("snapshot", "ONE")
    write_files(here.cwd, {"code/run.py": "print(1)\n"})
    taken = here.dws("snapshot", "ONE", "--json", input="y\n", check=False)
    assert (taken.returncode, taken.stdout) == (1, "")
    assert "Tag 'ONE' already names snapshot" in taken.stderr
    write_files(here.cwd, {"data/a": ""})
    role = here.dws("add", "local-files", "--json", "data", input="s\n", check=False)
    assert role.stdout == ""
    assert "Answer with --role" in role.stderr


def commands(group: click.Group, prefix: str = "") -> Iterator[tuple[str, click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from commands(command, f"{prefix}{name} ")
        else:
            yield f"{prefix}{name}", command


def test_each_command_that_says_something_has_the_option() -> None:
    from dataworkspaces.cli.main import dws

    assert isinstance(dws, click.Group)
    having = set()
    for name, command in commands(dws):
        if any("--json" in parameter.opts for parameter in command.params):
            having.add("add" if name.startswith("add ") else name)
        else:
            assert name in WITHOUT
    assert {name.partition(" --")[0] for name in documented()} == having


def test_each_command_that_says_something_has_a_schema() -> None:
    for command, keys in documented().items():
        shape = shape_of(command.split(" "))
        assert shape == "-".join(re.findall(r"\w+", command)), f"{command} has no schema"
        needed, known = keys_of(shape)
        assert needed <= keys <= known, command
    assert shape_of(["steps"]) == "steps"
