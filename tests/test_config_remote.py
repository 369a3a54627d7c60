"""`dws config --resource NAME remote`, of a resource that keeps its content and of one that does not."""

from __future__ import annotations

from endtoend import HOST, User, write_files
from forked import Forked


def test_remote_of_what_keeps_no_content(user: User) -> None:
    root = user.cwd / "ws"
    root.mkdir()
    here = Forked(root, user.env)
    here.batch("init", "--hostname", HOST)
    write_files(user.cwd, {"files/a": "1"})
    here.batch("add", "local-files", "--role", "s", "../files")
    remote = f"file://{user.cwd / 'remote'}"

    def config(*arguments: str, check: bool = True) -> str:
        done = here.batch("config", "--resource", "files", *arguments, check=check)
        return done.stdout + done.stderr

    for name in ("remote", "my_remote"):
        assert "does not keep the content of its versions, so there is nothing to send" in config(
            name, remote, check=False
        )
    config("restorable", "true")
    config("remote", remote)
    assert f"later versions are not sent to {remote}" in config("restorable", "false")
    config("remote", "none")
    assert here.json("config", "--resource", "files", "remote")["value"] is None
    here.batch("snapshot", "A")
