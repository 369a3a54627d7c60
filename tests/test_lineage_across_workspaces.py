"""Lineage that leaves a workspace with an exported resource, and comes into another with an imported one: end to end,
also after the exporter went on; and lineage that comes from somebody who means no good.

There is no `dws pull` yet. What stands for it here is `PULL`: what a workspace does for the resources that it pulls.
"""

from __future__ import annotations

import copy
import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from endtoend import FAILED, HOST, User, copy_workspace, isolated_environment, read_tree, write_files
from forked import Forked

STEP = '''\
"""NAME INPUT OUTPUT TEXT [RESULTS]: a step."""
import sys
from pathlib import Path
from dataworkspaces.lineage import LineageBuilder

name, source, target, text = sys.argv[1:5]
builder = LineageBuilder().with_step_name(name).with_input_path(source).with_code_path("code")
builder.with_parameters({"text": text})
if target.startswith("results"):
    with builder.as_results_step(target).eval() as lineage:
        lineage.write_results({"text": text})
else:
    with builder.eval() as lineage:
        lineage.add_output_path(target)
        Path(target).write_text(text)
'''

PULL = """\
import sys
from dataworkspaces.workspace import find_and_load_workspace
from dataworkspaces.operations.sync import pull_resources

workspace = find_and_load_workspace(True, False)
pull_resources(workspace, [workspace.get_resource(name) for name in sys.argv[1:]])
"""


def make_workspace(user: User, name: str, resources: str) -> User:
    root = user.cwd / name
    root.mkdir()
    here = user.at(root)
    here.batch("init", "--hostname", HOST, "--create-resources", resources)
    write_files(root, {"code/step.py": STEP, "code/pull.py": PULL})
    if "source-data" in resources:
        write_files(root, {"source-data/a.csv": f"{name}\n"})
    return here


def run(user: User, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    return user.python("code/step.py", *arguments, check=check)


def pull(user: User, *names: str) -> None:
    user.python("code/pull.py", *names)


def publish(user: User, resource: str, tag: str) -> None:
    """Take a snapshot, and send the exported repository to its origin."""
    user.batch("snapshot", tag)
    user.at(user.cwd / resource).git("push", "-q", "origin", "main")


def rows(user: User, *options: str) -> dict[str, dict[str, Any]]:
    return {row["resource"]: row for row in user.json("report", "lineage", *options)["lineage"]}


def newest_results_lineage(user: User) -> dict[str, Any]:
    files = sorted((user.cwd / "results" / "snapshots").rglob("lineage.json"), key=lambda p: p.stat().st_mtime_ns)
    data: dict[str, Any] = json.loads(files[-1].read_text())
    return data


def steps_in(data: Any) -> Iterator[dict[str, Any]]:
    """All steps of a lineage file, imported ones too."""
    for entry in data.get("lineages", data.get("nested_lineage", [])):
        if entry["type"] == "step":
            yield entry
        elif entry["type"] == "imported":
            yield from steps_in(entry)


@pytest.fixture(scope="session")
def exported(tmp_path_factory: pytest.TempPathFactory) -> User:
    """A workspace with the exported repository `shared`, whose snapshot E1 is at its origin `shared.git`."""
    directory = tmp_path_factory.mktemp("exported")
    user = Forked(directory, isolated_environment(directory / "home"))
    here = make_workspace(user, "exporter", "code,source-data")
    here.make_repository(here.cwd / "shared", {"README": "shared\n"})
    here.batch("add", "git", "--role", "intermediate-data", "--name", "shared", "--export", "shared")
    run(here, "make", "source-data", "shared/table", "one")
    publish(here, "shared", "E1")
    return here


@pytest.fixture
def lineage_file(exported: User) -> dict[str, Any]:
    data: dict[str, Any] = json.loads((exported.cwd / "shared" / "lineage.json").read_text())
    return data


@pytest.fixture(scope="session")
def importing(exported: User, tmp_path_factory: pytest.TempPathFactory) -> User:
    """A workspace that imported `shared` and read it, with the snapshot I1."""
    user = exported.at(tmp_path_factory.mktemp("importing"))
    here = make_workspace(user, "importer", "code,intermediate-data,results")
    here.git("clone", "-q", exported.cwd / "shared.git", "shared")
    here.batch("add", "git", "--role", "source-data", "--imported", "--name", "shared", "shared")
    run(here, "use", "shared", "intermediate-data/used", "1")
    run(here, "report", "intermediate-data/used", "results", "1")
    here.batch("snapshot", "I1")
    return here


@pytest.fixture
def pair(user: User) -> tuple[User, User]:
    """An exporter and an importer of one's own; the importer has read version E1 and taken no snapshot."""
    exporter = make_workspace(user, "exporter", "code,source-data")
    exporter.make_repository(exporter.cwd / "shared", {"README": "shared\n"})
    exporter.batch("add", "git", "--role", "intermediate-data", "--name", "shared", "--export", "shared")
    run(exporter, "make", "source-data", "shared/table", "one")
    publish(exporter, "shared", "E1")
    importer = make_workspace(user, "importer", "code,intermediate-data,results")
    importer.git("clone", "-q", exporter.cwd / "shared.git", "shared")
    importer.batch("add", "git", "--role", "source-data", "--imported", "--name", "shared", "shared")
    run(importer, "use", "shared", "intermediate-data/used", "1")
    return exporter, importer


# -- end to end --------------------------------------------------------------------------------------------------------


def test_exported_resource_holds_its_graph(exported: User, lineage_file: dict[str, Any]) -> None:
    assert lineage_file["resource_name"] == "shared"
    assert lineage_file["complete"] is True
    (step,) = steps_in(lineage_file)
    assert step["step_name"] == "make"
    for cert in (*step["input_resources"], *step["code_resources"], *step["output_resources"]):
        assert cert["certificate"]["cert_type"] == "hash"
    assert exported.at(exported.cwd / "shared").git("status", "--porcelain") == ""


def test_graph_of_the_importer_goes_back_to_the_exporter(importing: User) -> None:
    assert rows(importing)["shared"]["type"] == "Imported"
    assert {row["state"] for row in rows(importing).values()} == {"current"}
    lineage = newest_results_lineage(importing)
    assert lineage["complete"] is True
    assert [step["step_name"] for step in steps_in(lineage)] == ["report", "use", "make"]


def test_snapshot_of_unchanged_workspaces_changes_nothing(importing: User, exported: User, user: User) -> None:
    here = importing.at(copy_workspace(importing.cwd, user.cwd / "copy"))
    before = read_tree(here.cwd / "shared")
    assert "Nothing has changed" in here.batch("snapshot", "I2").stdout
    assert read_tree(here.cwd / "shared") == before
    there = exported.at(copy_workspace(exported.cwd, user.cwd / "there"))
    there.batch("snapshot", "E2")  # of the origin too, which lies in this workspace and has changed
    assert "Nothing has changed" in there.batch("snapshot", "E3").stdout


@pytest.mark.slow
def test_exporter_goes_on_and_importer_pulls(pair: tuple[User, User]) -> None:
    exporter, importer = pair
    run(importer, "report", "intermediate-data/used", "results", "1")
    importer.batch("snapshot", "I1")
    run(exporter, "make", "source-data", "shared/table", "two")
    publish(exporter, "shared", "E2")
    assert {row["state"] for row in rows(importer).values()} == {"current"}
    importer.at(importer.cwd / "shared").git("pull", "-q", "--ff-only", "origin", "main")
    found = rows(importer)
    assert found["intermediate-data:used"]["state"] == "out of date"
    assert found["results"]["state"] == "out of date"
    pull(importer, "shared")
    assert rows(importer)["intermediate-data:used"]["state"] == "out of date"
    run(importer, "use", "shared", "intermediate-data/used", "2")
    run(importer, "report", "intermediate-data/used", "results", "2")
    assert {row["state"] for row in rows(importer).values()} == {"current"}
    importer.batch("snapshot", "I2")
    lineage = newest_results_lineage(importer)
    assert [step["parameters"]["text"] for step in steps_in(lineage)] == ["2", "2", "two"]
    assert {row["state"] for row in rows(importer, "--snapshot", "I1").values()} == {"current"}
    importer.batch("restore", "I1")
    assert rows(importer)["intermediate-data:used"]["state"] == "current"


def test_result_of_the_older_import_is_not_said_to_be_of_the_newer(pair: tuple[User, User]) -> None:
    """It was made before the importer pulled, and the snapshot comes after."""
    exporter, importer = pair
    run(importer, "report", "intermediate-data/used", "results", "1")
    run(exporter, "make", "source-data", "shared/table", "two")
    publish(exporter, "shared", "E2")
    importer.at(importer.cwd / "shared").git("pull", "-q", "--ff-only", "origin", "main")
    importer.batch("snapshot", "I1")
    lineage = newest_results_lineage(importer)
    (manifest,) = (importer.cwd / ".dataworkspace" / "snapshots").iterdir()
    hashes = {e["name"]: e["hash"] for e in json.loads(manifest.read_text())}
    use = next(step for step in steps_in(lineage) if step["step_name"] == "use")
    assert use["input_resources"][0]["certificate"].get("hashval") != hashes["shared"]
    assert "two" not in [step["parameters"]["text"] for step in steps_in(lineage)]
    assert lineage["complete"] is False


@pytest.mark.slow
def test_three_workspaces_in_a_row(importing: User, user: User) -> None:
    middle = importing.at(copy_workspace(importing.cwd, user.cwd / "middle"))
    middle.make_repository(middle.cwd / "onward", {"README": "onward\n"})
    middle.batch("add", "git", "--role", "intermediate-data", "--name", "onward", "--export", "onward")
    run(middle, "pass on", "intermediate-data/used", "onward/table", "3")
    publish(middle, "onward", "M1")
    last = make_workspace(user, "last", "code,results")
    last.git("clone", "-q", middle.cwd / "onward.git", "onward")
    last.batch("add", "git", "--role", "source-data", "--imported", "--name", "onward", "onward")
    run(last, "report", "onward", "results", "4")
    last.batch("snapshot", "L1")
    lineage = newest_results_lineage(last)
    assert [step["step_name"] for step in steps_in(lineage)] == ["report", "pass on", "use", "make"]
    assert lineage["complete"] is True


@pytest.mark.slow
def test_local_files_are_exported_and_imported(user: User) -> None:
    exporter = make_workspace(user, "exporter", "code,source-data")
    files = user.cwd / "files"
    write_files(files, {"README": "r"})
    exporter.batch("add", "local-files", "--role", "intermediate-data", "--name", "files", "--export", files)
    run(exporter, "make", "source-data", str(files / "table"), "one")
    exporter.batch("snapshot", "E1")
    importer = make_workspace(user, "importer", "code,results")
    importer.batch("add", "local-files", "--name", "files", "--imported", files)  # the role is implied
    run(importer, "report", str(files), "results", "1")
    importer.batch("snapshot", "I1")
    lineage = newest_results_lineage(importer)
    assert [step["step_name"] for step in steps_in(lineage)] == ["report", "make"]
    assert {row["state"] for row in rows(importer).values()} == {"current"}
    run(exporter, "make", "source-data", str(files / "table"), "two")
    exporter.batch("snapshot", "E2")
    pull(importer, "files")
    assert rows(importer)["results"]["state"] == "out of date"


def test_import_takes_no_lineage_of_another_resource(exported: User, user: User) -> None:
    here = make_workspace(user, "importer", "code")
    here.git("clone", "-q", exported.cwd / "shared.git", "mine")
    done = here.batch("add", "git", "--role", "source-data", "--imported", "--name", "mine", "mine", check=False)
    assert done.returncode in FAILED
    assert "Give the resource the name that it has in the exporting workspace: 'shared'" in done.stderr
    assert rows(here) == {}


# -- files that mean no good -------------------------------------------------------------------------------------------


@pytest.fixture
def importer(user: User) -> User:
    return make_workspace(user, "importer", "code,intermediate-data,results")


def add(user: User, lineage: Any) -> subprocess.CompletedProcess[str]:
    """Import local files with this lineage; text is written as it is."""
    files = user.cwd.parent / "files"
    text = lineage if isinstance(lineage, str) else json.dumps(lineage)
    write_files(files, {"table": "1\n", "lineage.json": text})
    arguments = ["--role", "source-data", "--name", "shared", "--imported", files]
    return user.batch("add", "local-files", *arguments, check=False, timeout=60)


def is_clear(done: subprocess.CompletedProcess[str]) -> bool:
    """Success, or one line that says what is wrong."""
    said = done.stdout + done.stderr
    if "Traceback" in said or "Internal" in said or "\x1b" in said:
        return False
    return done.returncode == 0 or (done.returncode in FAILED and len(done.stderr.strip().splitlines()) == 1)


HOSTILE_TEXTS = {
    "nothing": "",
    "no JSON": "{",
    "a list": "[]",
    "a number": "1",
    "deep lists": "[" * 100_000,
    "deep objects": '{"a":' * 100_000,
    "deep parameters": '{"resource_name": "shared", "complete": true, "lineages": ' + "[" * 900 + "]" * 900 + "}",
    "a long number": '{"resource_name": "shared", "lineages": [], "complete": 1' + "0" * 10_000 + "}",
    "not UTF-8": "\udcff",
    "a surrogate": '{"resource_name": "\\ud800", "complete": true, "lineages": []}',
    "not a number": '{"resource_name": "shared", "complete": NaN, "lineages": [Infinity]}',
    "no entries": '{"resource_name": "shared", "complete": true}',
}


@pytest.mark.parametrize("case", HOSTILE_TEXTS)
def test_file_that_is_no_lineage_is_one_clear_error(importer: User, case: str) -> None:
    write_files(importer.cwd.parent / "files", {"table": ""})
    text = HOSTILE_TEXTS[case].encode("utf-8", "surrogateescape")
    (importer.cwd.parent / "files" / "lineage.json").write_bytes(text)
    done = importer.batch(
        "add", "local-files", "--role", "source-data", "--name", "shared", "--imported", importer.cwd.parent / "files",
        check=False,
    )  # fmt: skip
    assert done.returncode in FAILED
    assert is_clear(done), done.stderr
    assert rows(importer) == {}


VALUES: list[Any] = [
    None, True, -1, 1.5, 10**30, "", "--output=x", "../../x", "/etc/passwd", "\x1b[31m\x07", "a\nb", "\0", "\u2028",
    [], {}, [1], [None], [["a", "b"]], {"a": 1}, {"a": {"b": "--output=x"}}, [{"a": None}],
]  # fmt: skip
FURTHER_KEYS = ["run", "environment", "code_trees", "metrics", "random_seeds", "exit_status", "user", "unknown"]


@pytest.mark.slow
def test_wrong_types_of_every_key_are_refused_or_harmless(importer: User, lineage_file: dict[str, Any]) -> None:
    """In one process: what `dws add` and a report do with a file."""
    cases = []
    step = next(n for n, e in enumerate(lineage_file["lineages"]) if e["type"] == "step")
    full = copy.deepcopy(lineage_file)
    full["lineages"][step]["run"] = {
        "id": "1", "name": "make", "command": ["make"], "run_from_directory": None, "working_directory": "",
        "inputs": [["a", None]], "code": [], "outputs": None, "parameters": {}, "results": None,
    }  # fmt: skip
    for path in [*paths(full), *(["lineages", step, key] for key in FURTHER_KEYS), ["unknown"]]:
        for value in VALUES:
            changed = copy.deepcopy(full)
            put(changed, path, value)
            cases.append(changed)
    assert add(importer, lineage_file).returncode == 0
    write_files(importer.cwd, {"cases.json": json.dumps(cases)})
    program = """\
import json
from dataworkspaces.lineage.workspace_graph import lineage_graph
from dataworkspaces.commands.report import lineage_report
from dataworkspaces.errors import DwsError
from dataworkspaces.workspace import find_and_load_workspace

workspace = find_and_load_workspace(True, False)
for case in json.load(open("cases.json")):
    try:
        store = workspace.get_lineage_store()
        store.store_imported("shared", case)
        lineage_report(workspace).to_json()
        lineage_graph(workspace, whole=True).to_json()
        store.lineage_file("shared")
    except DwsError:
        pass
    except BaseException:
        print(json.dumps(case))
        raise
"""
    done = importer.python("-c", program, check=False)
    assert done.returncode == 0, done.stderr[-3000:] + done.stdout[-3000:]


def paths(data: Any, before: tuple[Any, ...] = ()) -> Iterator[list[Any]]:
    """The place of each value in a JSON document; of a list's elements the first alone."""
    items = data.items() if isinstance(data, dict) else list(enumerate(data))[:1] if isinstance(data, list) else []
    for key, value in items:
        yield [*before, key]
        yield from paths(value, (*before, key))


def put(data: Any, path: list[Any], value: Any) -> None:
    for key in path[:-1]:
        data = data[key]
    data[path[-1]] = value


def certificates(data: Any) -> Iterator[dict[str, Any]]:
    if isinstance(data, dict):
        if "certificate" in data:
            yield data
        for value in data.values():
            yield from certificates(value)
    elif isinstance(data, list):
        for value in data:
            yield from certificates(value)


EVIL = ["--output=x", "--upload-pack=touch x", "-x", "$(touch x)", "HEAD\nHEAD", "../../../x"]


def test_texts_of_lineage_never_reach_git(importer: User, lineage_file: dict[str, Any], tmp_path: Path) -> None:
    """Hashes, contents, trees and names that are options: none of them is an argument of any git."""
    for number, cert in enumerate(certificates(lineage_file)):
        evil = EVIL[number % len(EVIL)]
        cert["certificate"].update(hashval=f"{evil}hash", content=f"{evil}content")
        if cert["resource_name"] != "shared":
            cert["resource_name"] = evil
    for step in steps_in(lineage_file):
        step.update(code_trees={"code": "--output=tree"}, step_name="--output=name", user="--output=user")
        step["environment"]["python"] = "--output=python"
    assert add(importer, lineage_file).returncode == 0
    log = tmp_path / "log"
    write_files(
        tmp_path / "shim", {"git": f'#!/bin/sh\nprintf "%s\\n" "$*" >> {log}\nexec {shutil.which("git")} "$@"\n'}
    )
    (tmp_path / "shim" / "git").chmod(0o755)
    watched = importer.at(importer.cwd, PATH=f"{tmp_path / 'shim'}:{importer.env['PATH']}")
    done = run(watched, "use", str(importer.cwd.parent / "files"), "intermediate-data/used", "1", check=False)
    commands = [("report", "lineage"), ("snapshot", "A"), ("report", "lineage", "--snapshot", "A"), ("restore", "A")]
    for command in commands:
        assert is_clear(watched.batch(*command, check=False))
    assert "git" in log.read_text() or "add" in log.read_text()
    for evil in ("output=", "upload-pack", "touch x", "../../../x"):
        assert evil not in log.read_text()
    assert done.returncode in (0, *FAILED)
    assert not list(importer.cwd.rglob("x"))


@pytest.mark.parametrize("name", ["a\nb", "\x1b[31m", "../x", ""])
def test_odd_name_of_the_exporter_is_one_clear_error(importer: User, lineage_file: dict[str, Any], name: str) -> None:
    done = add(importer, {**lineage_file, "resource_name": name})
    assert done.returncode in FAILED
    assert is_clear(done), done.stderr


@pytest.mark.parametrize("subpath", ["../x", "/etc/passwd", "a/../../x", "..", "a\0b"])
def test_subpath_that_leads_out_is_refused(importer: User, lineage_file: dict[str, Any], subpath: str) -> None:
    next(certificates(lineage_file))["subpath"] = subpath
    done = add(importer, lineage_file)
    assert done.returncode in FAILED
    assert is_clear(done)
    assert "leads out of its resource" in done.stderr


def nested(data: dict[str, Any], depth: int) -> dict[str, Any]:
    entries = data["lineages"]
    for _ in range(depth):
        entries = [{"type": "imported", "resource_name": "shared", "nested_lineage": entries}]
    return {**data, "lineages": entries}


def test_imports_that_are_nested_too_deeply_are_refused(importer: User, lineage_file: dict[str, Any]) -> None:
    done = add(importer, nested(lineage_file, 200))
    assert done.returncode in FAILED
    assert is_clear(done)
    assert add(importer, nested(lineage_file, 40)).returncode == 0
    assert is_clear(importer.dws("report", "lineage", check=False))


def chain(number: int) -> list[dict[str, Any]]:
    """Steps that each read what the one before wrote, and the first what the last did."""

    def cert(n: int) -> dict[str, Any]:
        certificate = {"cert_type": "hash", "hashval": f"{n % number:040x}", "comment": ""}
        return {"resource_name": "shared", "subpath": f"o{n % number}", "certificate": certificate}

    return [
        {
            "type": "step", "step_name": f"s{n}", "start_time": "2026-01-01T00:00:00", "execution_time_seconds": 1,
            "parameters": {}, "input_resources": [cert(n - 1)], "code_resources": [], "output_resources": [cert(n)],
            "command_line": None, "run_from_directory": None,
        }
        for n in range(number)
    ]  # fmt: skip


def test_cycle_in_imported_lineage_ends(importer: User) -> None:
    assert add(importer, {"resource_name": "shared", "complete": True, "lineages": chain(3)}).returncode == 0
    run(importer, "report", str(importer.cwd.parent / "files"), "results", "1")
    importer.batch("snapshot", "A")
    assert len(list(steps_in(newest_results_lineage(importer)))) == 4


def test_cycle_in_the_lineage_of_a_snapshot_ends(importing: User, user: User) -> None:
    here = importing.at(copy_workspace(importing.cwd, user.cwd / "copy"))
    (path,) = (here.cwd / ".dataworkspace" / "snapshot_lineage").glob("*/intermediate-data.json")
    lineages = json.loads(json.dumps(chain(300)).replace('"shared"', '"intermediate-data"'))
    path.write_text(json.dumps({"resource_name": "intermediate-data", "lineages": lineages}))
    here.batch("restore", "I1")
    assert len(rows(here)) >= 300
    here.python("code/step.py", "again", "intermediate-data/o1", "results", "1")
    here.batch("snapshot", "I2")


@pytest.mark.slow
def test_import_of_many_entries_is_bearable(importer: User) -> None:
    entries = [
        {
            "type": "source_data", "resource_name": f"r{n % 100}", "subpath": f"{n}",
            "certificate": {"cert_type": "hash", "hashval": f"{n:040x}", "comment": ""},
        }
        for n in range(30_000)
    ]  # fmt: skip
    assert add(importer, {"resource_name": "shared", "complete": True, "lineages": entries}).returncode == 0
    run(importer, "report", str(importer.cwd.parent / "files"), "results", "1")
    importer.batch("snapshot", "A")
    importer.dws("report", "lineage")
