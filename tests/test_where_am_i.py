"""Where am I: `dws status`, and the mark of the present state in `dws history`, in a git workspace."""

from __future__ import annotations

import re
from typing import Any

from endtoend import User, write_files


def where(user: User) -> tuple[Any, ...]:
    found = user.json("status")
    origin = found["origin"] and (found["origin"]["ahead"] > 0, found["origin"]["behind"], found["origin"]["snapshots"])
    tags = found["snapshot"] and found["snapshot"]["tags"]
    return tags, found["is_snapshot"], origin, {r["name"]: r["state"] for r in found["resources"]}


def test_where_am_i(workspace: User) -> None:
    assert where(workspace) == (None, False, None, {"code": None, "results": None})
    assert "No snapshot has been taken yet" in workspace.dws("status").stdout
    for tag, accuracy in (("ONE", 0.9), ("TWO", 0.8)):
        results = f'{{"metrics": {{"accuracy": {accuracy}}}}}'
        write_files(workspace.cwd, {"code/run.py": f"print('{tag}')\n", "results/results.json": results})
        workspace.batch("snapshot", tag)
    same = {"code": "unchanged", "results": "unchanged"}
    assert where(workspace) == (["TWO"], True, None, same)
    write_files(workspace.cwd, {"code/run.py": "print('not committed')\n"})
    said = workspace.batch("restore", "ONE").stdout
    assert re.search(r"\nWhat was there is kept: code [0-9a-f]{7}; dws undo-restore brings it back\n\Z", said)
    workspace.batch("undo-restore")
    assert (workspace.cwd / "code/run.py").read_text() == "print('not committed')\n"
    assert workspace.json("restore", "ONE")["kept"].keys() == {"code"}
    assert where(workspace) == (["ONE"], True, None, same)
    assert [s["is_present"] for s in workspace.json("history")["snapshots"]] == [False, True]
    write_files(workspace.cwd, {"code/run.py": "print('new')\n"})
    assert where(workspace) == (["ONE"], False, None, {"code": "changed", "results": "unchanged"})
    said = workspace.dws("history").stdout
    assert "The present state has changed since ONE (" in said
    assert "| now " not in said  # it has no values of its own
    write_files(workspace.cwd, {"results/results.json": '{"metrics": {"accuracy": 0.7}}'})
    assert "| now     |      |                     | 0.7      |" in workspace.dws("history").stdout

    workspace.git("init", "--quiet", "--bare", workspace.cwd.parent / "origin.git")
    workspace.batch("snapshot", "THREE")
    workspace.batch("publish", "--yes", workspace.cwd.parent / "origin.git")
    assert where(workspace) == (["THREE"], True, (False, 0, 0), same)
    write_files(workspace.cwd, {"code/run.py": "print('newer')\n"})
    workspace.batch("snapshot", "FOUR")
    assert where(workspace) == (["FOUR"], True, (True, 0, 1), same)
    assert ", with 1 snapshot (dws push)\n" in workspace.dws("status").stdout
