"""What is wrong is said before anything is asked."""

from __future__ import annotations

from endtoend import User, write_files
from forked import Forked


def test_add_of_what_is_not_there(workspace: User) -> None:
    here = Forked(workspace.cwd, workspace.env)
    for arguments in (["git", "./nothing"], ["local-files", "./nothing"]):
        done = here.dws("add", *arguments, input="s\n", check=False)
        assert "Role" not in done.stdout + done.stderr
        assert not (here.cwd / "nothing").exists()
        done = here.batch("add", arguments[0], "--role", "code", arguments[1], check=False)
        assert done.returncode in (1, 4)
        assert "does not exist" in done.stderr
        assert not (here.cwd / "nothing").exists()


def test_data_that_git_tracks(workspace: User) -> None:
    here = Forked(workspace.cwd, workspace.env)
    write_files(here.cwd, {"my data/a": "1", "my data/b": "1"})
    here.git("add", "my data")
    here.git("commit", "--quiet", "-m", "Data")
    said = here.batch("add", "local-files", "--role", "source-data", "./my data").stderr
    assert "Git tracks 2 files" in said
    command = said.partition("(the files stay): ")[2].strip()
    here.run("sh", "-c", command)
    assert here.git("ls-files", "my data") == ""
    assert (here.cwd / "my data/a").read_text() == "1"
    assert here.git("status", "--porcelain", "my data") == ""


def test_clone_of_a_wrong_address(workspace: User) -> None:
    done = Forked(workspace.cwd.parent, workspace.env).dws("clone", "/nowhere/x.git", input="here\n", check=False)
    assert done.returncode != 0
    assert "Host name" not in done.stdout + done.stderr
