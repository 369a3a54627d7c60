"""What git could never be made to forget is not committed unasked: files that look secret, and large ones."""

from __future__ import annotations

import os
from pathlib import Path

from endtoend import User, write_files
from servers import make_bare
from test_sync_on_a_terminal import at_terminal

SECRET = "TOKEN=do-not-tell\n"


def everything(repository: User) -> str:
    """All contents of a repository, whatever names them."""
    objects = repository.git("cat-file", "--batch-all-objects", "--batch-check=%(objecttype) %(objectname)")
    names = [line.split(" ")[1] for line in objects.splitlines() if line.startswith("blob")]
    return "".join(repository.git("cat-file", "blob", name) for name in names)


def test_a_secret_stays_here_through_run_snapshot_restore_and_push(workspace: User, tmp_path: Path) -> None:
    write_files(
        workspace.cwd,
        {
            ".env": SECRET,
            "code/conf/server.key": SECRET,
            "params.yaml": "a: 1\n",
            "code/run.py": "open('results/m.txt', 'w').write('1')\n",
        },
    )
    step = ("run", "--output", "results/m.txt", "--", "python3", "code/run.py")
    assert "left out code/conf/server.key, which looks like a secret" in workspace.batch(*step).stderr
    assert "up to date" in workspace.batch(*step).stderr
    write_files(workspace.cwd, {"results/credentials.json": SECRET})
    taken = workspace.batch("snapshot", "S1")
    assert "results/credentials.json" in taken.stderr
    assert ".env" not in taken.stdout
    assert workspace.git("status", "--porcelain") == ""
    assert workspace.batch("snapshot", "S2").stdout.startswith("Nothing has changed")
    write_files(workspace.cwd, {"params.yaml": "a: 2\n", "code/id_rsa": SECRET})
    restored = workspace.batch("restore", "S1")
    assert "left out code/id_rsa" in restored.stderr
    workspace.batch("snapshot", "S3")
    hub = make_bare(tmp_path / "hub.git")
    workspace.batch("publish", hub)
    assert "do-not-tell" not in everything(workspace.at(Path(hub)))
    assert "do-not-tell" not in everything(workspace)
    for name in (".env", "code/conf/server.key", "code/id_rsa"):
        assert (workspace.cwd / name).read_text() == SECRET
    assert (workspace.cwd / "results/snapshots/host1-S1/credentials.json").read_text() == SECRET


def test_a_secret_that_is_wanted(workspace: User) -> None:
    write_files(workspace.cwd, {".env": SECRET})
    workspace.git("add", ".env")
    assert workspace.batch("snapshot", "S1").stderr == ""
    assert workspace.git("show", "HEAD:.env") == SECRET


def test_a_secret_is_asked_about_once(workspace: User) -> None:
    write_files(workspace.cwd, {".env": SECRET, "code/run.py": "print(2)\n"})
    said = at_terminal(workspace, "snapshot", "S1", answers="y\n")
    assert ".env looks like a secret. Commit it" in said
    assert workspace.git("show", "HEAD:.env") == SECRET
    write_files(workspace.cwd, {"code/tls.pem": SECRET})
    assert "code/tls.pem looks like a secret. Commit it" in at_terminal(workspace, "snapshot", "S2", answers="\n")
    assert "secret" not in at_terminal(workspace, "snapshot", "S3")
    assert "code/tls.pem" not in workspace.git("ls-files")


def test_all_that_is_left_out_makes_no_snapshot(workspace: User) -> None:
    workspace.batch("snapshot", "S1")
    write_files(workspace.cwd, {".env": SECRET})
    assert workspace.batch("snapshot", "S2").stdout.startswith("Nothing has changed")


def test_a_secret_in_a_repository_of_its_own_and_in_what_is_added(workspace: User) -> None:
    library = workspace.make_repository(workspace.cwd.parent / "lib", {"lib.py": "1\n"})
    workspace.batch("add", "git", "--role", "code", library.cwd)
    write_files(library.cwd, {".env": SECRET, "lib.py": "2\n"})
    assert "left out .env, which looks" in workspace.batch("snapshot", "S1").stderr
    assert "do-not-tell" not in everything(library)
    write_files(workspace.cwd, {"tools/id_rsa": SECRET, "tools/t.py": "3\n"})
    assert "left out tools/id_rsa" in workspace.batch("add", "git", "--role", "code", "./tools").stderr
    assert "do-not-tell" not in everything(workspace)


def test_a_large_file_is_refused_before_anything_moves(workspace: User) -> None:
    library = workspace.make_repository(workspace.cwd.parent / "lib", {"lib.py": "1\n"})
    workspace.batch("add", "git", "--role", "code", library.cwd)
    places = {
        "Workspace 'ws': results/model.bin": workspace.cwd / "results/model.bin",
        "Resource 'lib': big.bin": library.cwd / "big.bin",
    }
    for name, path in places.items():
        path.touch()
        os.truncate(path, 120_000_000)
        refused = workspace.batch("snapshot", "S1", check=False)
        assert refused.returncode == 9
        assert f"{name} (120 MB) would be committed" in refused.stderr
        assert "dws config results.large_file 200MB" in refused.stderr
        path.unlink()
    added = workspace.cwd / "data" / "all.bin"
    added.parent.mkdir()
    added.touch()
    os.truncate(added, 120_000_000)
    assert "data/all.bin" in workspace.batch("add", "git", "--role", "source-data", "./data", check=False).stderr
    added.unlink()
    assert workspace.git("log", "--oneline", "--", "results", "data").count("\n") <= 1


def test_the_limit_is_a_parameter(workspace: User) -> None:
    workspace.batch("config", "results.large_file", "1kB")
    write_files(workspace.cwd, {"results/m.bin": b"x" * 2000})
    assert "m.bin" in workspace.batch("snapshot", "S1", check=False).stderr
    assert (workspace.cwd / "results/m.bin").exists()
    said = at_terminal(workspace, "snapshot", "S1", answers="y\n")
    assert "results/m.bin (0 MB) would be committed permanently. Commit it?" in said
    assert "Took snapshot S1" in said
