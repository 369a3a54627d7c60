"""Of which files of its code a step depends: those that it imported, and none that it did not."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dataworkspaces.commands.rerun_plan import plan_rerun
from dataworkspaces.commands.run import RunOutcome, run_command
from dataworkspaces.commands.run_last import look_at_last
from dataworkspaces.commands.run_request import RunRequest, plan_run
from dataworkspaces.lineage import FileLineageStore
from dataworkspaces.lineage.from_json import entry_from_json
from dataworkspaces.lineage.model import StepLineage
from dataworkspaces.testing.memory import MemoryWorkspace
from dataworkspaces.workspace import ResourceRef

pytestmark = pytest.mark.slow

ROLES = {"data": "source-data", "code": "code", "tools": "code", "middle": "intermediate-data"}
SCRIPT = """
import json, sys
import helper
from pkg import part
try:
    import local_settings
except ImportError:
    pass
if len(sys.argv) > 3:
    import lazy
exec(open("code/conf.py").read())
json.dump([helper.ONE, part.TWO, C], open("middle/out", "w"))
"""
FILES = {
    "code/train.py": SCRIPT,
    "code/helper.py": "ONE = 1\n",
    "code/conf.py": "C = 1\n",
    "code/lazy.py": "import deeper\n",
    "code/deeper.py": "",
    "code/pkg/__init__.py": "",
    "code/pkg/part.py": "TWO = 2\n",
    "code/pkg/unused.py": "",
    "code/unrelated.py": "",
    "code/params.yaml": "C: 1\n",
    "tools/tool.py": "",
    "tools/tool.sh": "",
    "data/a": "a\n",
}
Run = Callable[..., RunOutcome]
TRAIN = (sys.executable, "code/train.py", "data/a")


@pytest.fixture
def ws(workspace: MemoryWorkspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MemoryWorkspace:
    root = workspace.directory
    workspace.lineage_store = FileLineageStore(tmp_path / "current", tmp_path / "snapshots", tmp_path / "m" / "lock")
    for name, role in ROLES.items():
        (root / name).mkdir()
        workspace.add_resource(name, "file", role, path=str(root / name))
    for path, text in FILES.items():
        (root / path).parent.mkdir(exist_ok=True)
        (root / path).write_text(text)
    monkeypatch.chdir(root)
    monkeypatch.setattr("dataworkspaces.commands.run.gets_input", lambda: False)
    return workspace


@pytest.fixture
def run(ws: MemoryWorkspace) -> Run:
    def do(*command: str, **options: Any) -> RunOutcome:
        return run_command(ws, RunRequest(command=command or TRAIN, name="train", **options))

    return do


def reasons(ws: MemoryWorkspace, *command: str, **options: Any) -> list[str]:
    """Why the step has to run again, which `dws run` and `dws rerun` tell alike."""
    last = look_at_last(ws, plan_run(ws, RunRequest(command=command or TRAIN, name="train", **options)).record)
    assert last is not None
    planned = plan_rerun(ws, "train").steps[0].reasons
    assert bool(planned) == bool(last.reasons)
    return list(last.reasons)


def entry_of(ws: MemoryWorkspace) -> StepLineage:
    (entry,) = (e for e in ws.get_lineage_store().entries("middle") if isinstance(e, StepLineage))
    return entry


@pytest.mark.parametrize("path", ["code/unrelated.py", "code/pkg/unused.py", "code/new.py", "tools/tool.py"])
def test_file_that_was_not_read_does_not_count(ws: MemoryWorkspace, run: Run, path: str) -> None:
    run()
    Path(path).write_text("# x\n")
    assert reasons(ws) == []
    assert run().skipped


@pytest.mark.parametrize(
    "path", ["code/train.py", "code/helper.py", "code/pkg/__init__.py", "code/pkg/part.py", "code/conf.py"]
)
def test_file_that_was_read_is_named_as_the_reason(ws: MemoryWorkspace, run: Run, path: str) -> None:
    run()
    with Path(path).open("a") as file:
        file.write("# x\n")
    place = path.replace("/", ":", 1)
    assert reasons(ws) == [f"its code in {place} has changed"]
    assert plan_rerun(ws).steps[0].reasons == (f"its code in {place} has changed",)
    assert not run().skipped
    assert run().skipped


@pytest.mark.parametrize("path", ["code/lazy.py", "code/deeper.py"])
def test_module_that_would_be_imported_on_another_path_counts(ws: MemoryWorkspace, run: Run, path: str) -> None:
    run()
    Path(path).write_text("# x\n")
    assert reasons(ws) == [f"its code in {path.replace('/', ':', 1)} has changed"]


@pytest.mark.parametrize(
    "path",
    ["code/local_settings.py", "code/json.py", "code/helper/__init__.py", "code/local_settings/part.py"],
    ids=["not found then", "standard library", "package in its place", "namespace package"],
)
def test_new_module_that_would_be_found_first_counts(ws: MemoryWorkspace, run: Run, path: str) -> None:
    run()
    Path(path).parent.mkdir(exist_ok=True)
    Path(path).write_text("")
    assert reasons(ws) == [f"its code in {path.replace('/', ':', 1)} has changed"]


def test_module_from_elsewhere_that_is_shadowed_counts(
    ws: MemoryWorkspace, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "site").mkdir()
    (tmp_path / "site/theirs.py").write_text("")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "site"))
    Path("code/train.py").write_text("import theirs\n" + SCRIPT)
    run()
    Path("code/theirs.py").write_text("")
    assert reasons(ws) == ["its code in code:theirs.py has changed"]


def test_module_that_is_gone_counts(ws: MemoryWorkspace, run: Run) -> None:
    run()
    Path("code/helper.py").unlink()
    assert reasons(ws) == ["its code in code:helper.py has changed"]


def test_module_of_other_code_counts(ws: MemoryWorkspace, run: Run) -> None:
    Path("code/train.py").write_text("import sys; sys.path.append('tools')\nimport tool\n" + SCRIPT)
    run()
    Path("tools/tool.py").write_text("# x\n")
    assert reasons(ws) == ["its code in tools:tool.py has changed"]


@pytest.mark.parametrize("path", ["code/params.yaml", "code/new.csv", "tools/tool.sh"])
def test_file_that_is_no_source_counts(ws: MemoryWorkspace, run: Run, path: str) -> None:
    """Nobody sees whether a library in C reads it."""
    run()
    Path(path).write_text("other\n")
    assert reasons(ws) == [f"its code in {path.split('/')[0]} has changed"]


def test_file_of_parameters_counts_by_its_keys(ws: MemoryWorkspace, run: Run) -> None:
    options = {"params_files": ("code/params.yaml:C",)}
    run(**options)
    Path("code/params.yaml").write_text("C: 1\nD: 2\n")
    Path("code/unrelated.py").write_text("# x\n")
    assert reasons(ws, **options) == []
    Path("code/params.yaml").write_text("C: 2\n")
    assert reasons(ws, **options) == ["parameter C is 2, was 1"]


def test_sources_of_a_directory_that_was_listed_count(ws: MemoryWorkspace, run: Run) -> None:
    Path("code/train.py").write_text("import os\nopen('middle/out', 'w').write(str(sorted(os.listdir('code/pkg'))))\n")
    run()
    Path("code/unrelated.py").write_text("# x\n")
    assert reasons(ws) == []
    Path("code/pkg/new.py").write_text("")
    assert reasons(ws) == ["its code in code:pkg/new.py has changed"]


WRITE = "open('middle/out', 'w')"


@pytest.mark.parametrize(
    "program",
    [
        f"import subprocess; subprocess.run(['cat', 'code/helper.py']); {WRITE}",
        f"import os; os.system('cat code/helper.py'); {WRITE}",
        f"import subprocess, sys; subprocess.run([sys.executable, '-I', 'code/helper.py']); {WRITE}",
        f"import subprocess, sys; subprocess.run([sys.executable, 'code/helper.py'], env={{}}); {WRITE}",
    ],
    ids=["program", "shell", "isolated Python", "Python without environment"],
)
def test_all_counts_if_another_program_ran(ws: MemoryWorkspace, run: Run, program: str) -> None:
    Path("code/train.py").write_text(program)
    run()
    assert entry_of(ws).code_files == ()
    Path("code/unrelated.py").write_text("# x\n")
    assert reasons(ws) == ["its code in code has changed"]


@pytest.mark.parametrize(
    "command",
    [
        ("sh", "code/run.sh"),
        (sys.executable, "-I", "code/train.py"),
        ("env", "-i", sys.executable, "code/train.py"),
    ],
    ids=["shell", "isolated", "without environment"],
)
def test_all_counts_if_the_command_is_no_python_that_tells(ws: MemoryWorkspace, run: Run, command: Any) -> None:
    Path("code/train.py").write_text(WRITE)
    Path("code/run.sh").write_text(f'{sys.executable} -c "{WRITE}"\n')
    run(*command)
    Path("code/unrelated.py").write_text("# x\n")
    assert "its code in code has changed" in reasons(ws, *command)


@pytest.mark.parametrize(
    "begin",
    [
        "import multiprocessing as m\nworker = m.get_context('fork').Process(target=__import__, args=['unrelated'])",
        "import multiprocessing as m\nworker = m.get_context('spawn').Process(target=__import__, args=['unrelated'])",
        "import subprocess\nworker = type('W', (), {'start': lambda: 0, 'join': lambda: 0})\n"
        "subprocess.run([sys.executable, 'code/unrelated.py'])",
        "import os, signal\nworker = type('W', (), {'start': lambda: 0, 'join': lambda: os.wait()})\n"
        "if os.fork() == 0:\n    import unrelated\n    os.kill(os.getpid(), signal.SIGKILL)",
    ],
    ids=["forked", "spawned", "program", "killed"],
)
def test_what_other_processes_of_python_read_counts(ws: MemoryWorkspace, run: Run, begin: str) -> None:
    lines = ["import sys", "if __name__ == '__main__':", *begin.split("\n"), "worker.start()", "worker.join()", WRITE]
    Path("code/train.py").write_text("\n".join(lines[:2] + ["    " + line for line in lines[2:]]))
    run()
    assert "unrelated.py" in entry_of(ws).code_files[0].files
    assert "conf.py" not in entry_of(ws).code_files[0].files
    Path("code/unrelated.py").write_text("# x\n")
    assert reasons(ws) == ["its code in code:unrelated.py has changed"]


def test_all_counts_if_code_is_edited_meanwhile(ws: MemoryWorkspace, run: Run) -> None:
    Path("code/train.py").write_text(f"open('code/helper.py', 'a').write('# x'); import helper; {WRITE}")
    run(outputs=("middle/out",), inputs=("data/a",))
    assert [found.ref for found in entry_of(ws).code_files if found.ref.name == "code"] == []
    assert reasons(ws, outputs=("middle/out",), inputs=("data/a",)) == ["its code in code has changed"]


def test_lineage_without_files_counts_all(ws: MemoryWorkspace, run: Run) -> None:
    """That of release 1.6, and of ours until now."""
    run()
    entry = entry_of(ws)
    ws.get_lineage_store().update("middle", lambda _old: [entry._replace(code_files=())])
    Path("code/unrelated.py").write_text("# x\n")
    assert reasons(ws) == ["its code in code has changed"]


def test_lineage_is_read_as_it_is_written(ws: MemoryWorkspace, run: Run) -> None:
    run()
    entry = entry_of(ws)
    (code, tools) = sorted(entry.code_files, key=lambda found: found.ref)
    assert (code.ref, tools.ref) == (ResourceRef("code"), ResourceRef("tools"))
    used = {"train.py", "helper.py", "conf.py", "lazy.py", "deeper.py", "pkg/__init__.py", "pkg/part.py"}
    assert set(code.files) == used
    assert "local_settings" in code.names
    assert entry_from_json(json.loads(json.dumps(entry.to_json())), "a test") == entry
