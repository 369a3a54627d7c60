"""What is wrong is said before anything is asked."""

from __future__ import annotations

from endtoend import User, read_tree, write_files
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


def test_data_that_git_tracks_can_be_untracked(workspace: User) -> None:
    """In a commit that holds nothing else, of what the user has staged, too."""
    here = Forked(workspace.cwd, workspace.env)
    write_files(here.cwd, {"my data/a": "1", "my data/b": "1", "other": "1"})
    here.git("add", "my data", "other")
    here.git("commit", "--quiet", "-m", "Data")
    write_files(here.cwd, {"other": "2", "my data/b": "2"})
    here.git("add", "other")
    said = here.dws("add", "local-files", "--role", "source-data", "./my data", input="y\n")
    assert "Git tracks 2 files" in said.stdout + said.stderr
    assert "no longer tracks 2 files" in said.stdout
    assert here.git("ls-files", "my data") == here.git("ls-tree", "-r", "HEAD", "my data") == ""
    assert here.git("status", "--porcelain", "--untracked-files=no").strip() == "M  other"
    assert read_tree(here.cwd / "my data").keys() == {"a", "b"}
    assert here.json("fsck")["problems"] == []


def test_what_is_staged_and_nowhere_else_is_not_lost(workspace: User) -> None:
    here = Forked(workspace.cwd, workspace.env)
    write_files(here.cwd, {"data/a": "1"})
    here.git("add", "data")
    here.git("commit", "--quiet", "-m", "Data")
    write_files(here.cwd, {"data/a": "2"})
    here.git("add", "data")
    write_files(here.cwd, {"data/a": "3"})
    said = here.dws("add", "local-files", "--role", "source-data", "data", input="y\n", check=False)
    assert said.returncode != 0
    assert "data/a" in said.stderr
    assert here.git("show", ":data/a") == "2"
    assert "data" not in [each["name"] for each in here.json("report", "status")["resources"]]


_TAKE_ONE = """
from dataworkspaces.commands.snapshot import snapshot_command
from dataworkspaces.errors import LockedError
from dataworkspaces.toolbox.lock import hold_lock
from dataworkspaces.workspace import find_and_load_workspace

workspace = find_and_load_workspace(False, False)

class Present:
    can_ask = True
    def __init__(self, other): self.other = other
    def __getattr__(self, name): return getattr(self.other, name)
    def confirm(self, question, *, default, option=None):
        with hold_lock(workspace.get_machine_directory(), "other", timeout=0):
            print(question)
        return True

workspace.interaction = Present(workspace.interaction)
print(snapshot_command(workspace, "ONE").is_new)
"""


def test_a_question_of_a_snapshot_holds_no_lock(workspace: User) -> None:
    here = Forked(workspace.cwd, workspace.env)
    write_files(here.cwd, {"code/model.bin": b"0" * 2_000_000})
    here.batch("config", "results.large_file", "1MB")
    asked, is_new = here.python("-c", _TAKE_ONE).stdout.splitlines()
    assert "code/model.bin (2 MB) would be committed" in asked
    assert is_new == "True"


def test_publishing_to_what_is_not_there(workspace: User) -> None:
    here = Forked(workspace.cwd, workspace.env)
    here.git("remote", "add", "origin", "/nowhere/first.git")
    done = here.dws("publish", "/nowhere/second.git", input="y\n", check=False)
    assert done.returncode != 0
    assert "from now on" not in done.stdout + done.stderr


def test_places_at_servers_that_cannot_be(workspace: User) -> None:
    here = Forked(workspace.cwd, workspace.env)
    wrong = [["s3", "--endpoint-url", "htp://host", "bucket"], ["s3", "http://bucket/x"], ["rclone", "plain", "data"],
             ["rclone", "store,ssh=x:y", "data"], ["local-files", "--remote", "nothing:x", "code"]]  # fmt: skip
    for arguments in wrong:
        done = here.dws("add", *arguments, input="s\n", check=False)
        assert done.returncode != 0, arguments
        assert "Role" not in done.stdout + done.stderr, arguments


def test_clone_of_a_wrong_address(workspace: User) -> None:
    done = Forked(workspace.cwd.parent, workspace.env).dws("clone", "/nowhere/x.git", input="here\n", check=False)
    assert done.returncode != 0
    assert "Host name" not in done.stdout + done.stderr
