"""Who took a snapshot, and after which one, stands in the history."""

from __future__ import annotations

from endtoend import User, write_files
from forked import Forked

_FRAME = """
from dataworkspaces.api import get_experiments
for each in get_experiments():
    print(each.author, [parent[:7] for parent in each.parents])
"""


def test_authors(workspace: User) -> None:
    ada = Forked(workspace.cwd, {**workspace.env, "GIT_AUTHOR_NAME": "Ada Lovelace"})
    first = ada.json("snapshot", "ONE")["hash"]
    assert "Author" not in ada.dws("history").stdout
    assert "Ada Lovelace" in ada.dws("history", "--columns", "hash,author").stdout
    assert "Ada Lovelace" in ada.dws("show", "ONE").stdout

    bob = ada.at(ada.cwd, GIT_AUTHOR_NAME="Bob | <b>")
    write_files(bob.cwd, {"code/run.py": "2"})
    bob.batch("snapshot", "TWO")
    write_files(bob.cwd, {"code/run.py": "3"})
    bob.batch("snapshot", "THREE")
    shown = bob.dws("history").stdout
    assert "Author" in shown
    assert "Ada Lovelace" in shown
    two, one = (each for each in bob.json("history", "--where", "tag != 'THREE'")["snapshots"])
    assert (two["author"], one["author"]) == ("Bob | b", "Ada Lovelace")
    found = bob.json("history", "--where", "author like 'ada%'")["snapshots"]
    assert [each["hash"] for each in found] == [first]
    rows = bob.dws("history", "--columns", "tags,author,parent", "--csv").stdout.splitlines()
    assert rows[0] == "tags,author,parents"
    assert rows[-1].startswith("ONE,Ada Lovelace,")
    said = bob.python("-c", _FRAME).stdout.splitlines()
    assert said[-1].startswith("Ada Lovelace [")
