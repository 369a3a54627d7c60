"""What the tests of publish, push, pull and clone share: several machines, hubs to meet at, and a small workspace."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from endtoend import FAILED, User, copy_workspace, isolated_environment, whole_state, write_files
from forked import Forked
from servers import HttpServer, SshServer, make_bare, references

RUN = """\
import json
from pathlib import Path
rows = Path("data/data.csv").read_text().split()
Path("intermediate-data/table").write_text("\\n".join(sorted(rows)))
Path("results/results.json").write_text(json.dumps({"metrics": {"rows": len(rows)}}))
"""
STEP = ("run", "--input", "data", "--output", "intermediate-data", "--output", "results", "--", "python", "code/run.py")


def machine(directory: Path, person: str) -> User:
    """A machine of its own: a home, and a person who works there."""
    env = {**isolated_environment(directory / "home"), "USER": person, "LOGNAME": person, "COLUMNS": "200"}
    config = directory / "home" / ".gitconfig"
    config.write_text(config.read_text().replace("Ada", person.title()).replace("ada@", f"{person}@"))
    work = directory / "work"
    work.mkdir()
    return Forked(work, env)


@dataclass
class Hub:
    """Where people meet: bare repositories, and how they are reached."""

    root: Path
    ssh: SshServer | None = None
    http: HttpServer | None = None

    def repository(self, name: str) -> Path:
        return make_bare(self.root / name)

    def url(self, path: Path) -> str:
        if self.ssh is not None:
            return self.ssh.url(path)
        return str(path) if self.http is None else self.http.url(path)

    def connect(self, user: User) -> User:
        return user if self.ssh is None else self.ssh.for_user(user)

    def references(self) -> dict[str, dict[str, str]]:
        """Of every repository."""
        return {path.name: references(path) for path in sorted(self.root.glob("*.git"))}


def make_hub(request: pytest.FixtureRequest, tmp_path: Path, kind: str) -> Hub:
    """A hub that is reached by ``path``, ``ssh`` or ``http``."""
    root = tmp_path / "hub"
    root.mkdir()
    if kind == "ssh":
        return Hub(root, ssh=request.getfixturevalue("ssh_server"))
    if kind == "http":
        server = HttpServer(root)
        server.start()
        request.addfinalizer(server.stop)
        return Hub(root, http=server)
    return Hub(root)


def publish_repository(user: User, hub: Hub, name: str, files: dict[str, str | bytes]) -> None:
    """Make a git repository in the current directory, with one commit, and an origin at the hub."""
    write_files(user.cwd / name, files)
    here = user.at(user.cwd / name)
    here.git("init", "--quiet")
    here.git("add", "--all")
    here.git("commit", "--quiet", "--message", "first")
    here.git("remote", "add", "origin", hub.url(hub.repository(f"{name}.git")))
    here.git("push", "--quiet", "--set-upstream", "origin", "main")


def make_analysis(user: User, hub: Hub, name: str = "analysis", host: str = "first") -> User:
    """A workspace with resources in its repository, the repository ``data``, and ``public``, which is read-only; its
    snapshot A has a lineage."""
    root = user.cwd / name
    root.mkdir()
    here = user.at(root)
    here.batch("init", "--hostname", host, "--create-resources", "code,results,intermediate-data")
    publish_repository(here, hub, "data", {"data.csv": "3\n1\n2\n"})
    publish_repository(here, hub, "public", {"README": "public\n"})
    here.batch("add", "git", "--role", "source-data", "--name", "data", "data")
    here.batch("add", "git", "--role", "source-data", "--name", "public", "--read-only", "public")
    write_files(root, {"code/run.py": RUN})
    here.batch(*STEP)
    here.batch("snapshot", "A", "-m", "first snapshot")
    return here


def more_data(user: User, rows: str, tag: str | None) -> None:
    """Change ``data``, run the step again, and take a snapshot."""
    write_files(user.cwd, {"data/data.csv": rows})
    user.batch(*STEP)
    user.batch("snapshot", *([tag] if tag else []), "-m", f"rows {' '.join(rows.split())}")


def snapshots(user: User) -> list[dict[str, Any]]:
    """The history, newest first; not which of them the present state is."""
    found: list[dict[str, Any]] = user.json("report", "history")["snapshots"]
    return [{key: value for key, value in snapshot.items() if key != "is_present"} for snapshot in found]


def tags(user: User) -> list[str]:
    return sorted(tag for snapshot in snapshots(user) for tag in snapshot["tags"])


def lineage(user: User, *options: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = user.json("report", "lineage", *options)["lineage"]
    return rows


def local_state(root: Path) -> dict[str, str]:
    """All of a workspace but for what git last saw of origins: a command that fails may look, and must not change."""
    seen = ("refs/remotes", "logs", "FETCH_HEAD", "packed-refs", "ORIG_HEAD")
    return {name: what for name, what in whole_state(root).items() if not any(f".git/{part}" in name for part in seen)}


def resources(user: User) -> list[dict[str, Any]]:
    """What every copy knows of the resources."""
    keys = ("name", "role", "type", "parameters")
    return [{key: resource[key] for key in keys} for resource in user.json("report", "status")["resources"]]


def refused(
    user: User, *arguments: str | Path, hub: Hub | None = None, says: Sequence[str] = (), check_state: bool = True
) -> str:
    """A command that has to end with status 1 and one line, and to change nothing here or at the hub."""
    before = (local_state(user.cwd) if check_state else None, hub.references() if hub is not None else None)
    done = user.batch(*arguments, check=False)
    assert done.returncode in FAILED, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert "This is a bug" not in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    for word in says:
        assert word in done.stderr
    after = (local_state(user.cwd) if check_state else None, hub.references() if hub is not None else None)
    assert after == before
    return done.stderr


def files_with(text: str, *roots: Path) -> list[str]:
    """The files below some directories that hold a text, git's and ours among them."""
    found = []
    for root in roots:
        for here, _, names in os.walk(root):
            found += [os.path.join(here, name) for name in names if text.encode() in read_if_file(Path(here, name))]
    return found


def read_if_file(path: Path) -> bytes:
    return path.read_bytes() if path.is_file() and not path.is_symlink() else b""


def manifests(user: User) -> set[str]:
    """The snapshots whose manifest, metadata and lineage are there."""
    place = user.cwd / ".dataworkspace"
    found = set()
    for path in (place / "snapshot_metadata").glob("*_md.json"):
        hashval = json.loads(path.read_text())["hash"]
        assert (place / "snapshots" / f"snapshot-{hashval}.json").exists(), hashval
        found.add(hashval)
    return found


def results_files(user: User, names: Iterable[str] = ("results",)) -> dict[str, bytes]:
    """The kept results of all snapshots."""
    return {
        str(path.relative_to(user.cwd)): path.read_bytes()
        for name in names
        for path in sorted((user.cwd / name / "snapshots").rglob("*"))
        if path.is_file()
    }


# -- copies of a workspace that can be copied --------------------------------------------------------------------------

HUB_ADDRESS = "ssh://hub.invalid"
"""Each directory with copies has a hub of its own at this address, by a line in the configuration of git."""


def make_copies(directory: Path, env: dict[str, str], number: int) -> list[User]:
    """A hub with a workspace that has a repository of its own as a resource, and its copies, `0/ws` and so on."""
    (directory / "hub").mkdir(parents=True)
    shutil.copyfile(env["GIT_CONFIG_GLOBAL"], directory / "gitconfig")
    meet_at(directory)
    root = directory / "0" / "ws"
    root.mkdir(parents=True)
    here = owner_of(directory, env, 0)
    here.batch("init", "--hostname", "host0", "--create-resources", "code,results,intermediate-data")
    add_repository(here, directory, "data", {"data.csv": "1\n"})
    write_files(root, {"code/shared.py": "print(0)\n", "results/results.json": '{"metrics": {"number": 0}}'})
    here.batch("snapshot", "START", "-m", "start")
    make_bare(directory / "hub" / "ws.git")
    here.batch("publish", f"{HUB_ADDRESS}/ws.git")
    for who in range(1, number):
        here.at(directory).batch("clone", "--hostname", f"host{who}", f"{HUB_ADDRESS}/ws.git", f"{who}/ws")
    return [owner_of(directory, env, who) for who in range(number)]


def add_repository(user: User, directory: Path, name: str, files: dict[str, str | bytes]) -> None:
    """A new git resource, whose origin is at the hub."""
    write_files(user.cwd / name, files)
    here = user.at(user.cwd / name)
    here.git("init", "--quiet")
    here.git("add", "--all")
    here.git("commit", "--quiet", "--message", "first")
    make_bare(directory / "hub" / f"{name}.git")
    here.git("remote", "add", "origin", f"{HUB_ADDRESS}/{name}.git")
    user.batch("add", "git", "--role", "source-data", "--name", name, name)


def owner_of(directory: Path, env: dict[str, str], who: int) -> User:
    """The one who works in a copy."""
    return Forked(directory / str(who) / "ws", {**env, "GIT_CONFIG_GLOBAL": str(directory / "gitconfig")})


def copy_copies(template: Path, directory: Path) -> None:
    """Another hub, and other copies that meet there, with all that is in a template."""
    copy_workspace(template, directory)
    meet_at(directory)


def meet_at(directory: Path) -> None:
    config = directory / "gitconfig"
    lines = config.read_text().partition("[url ")[0]
    config.write_text(f'{lines}[url "{directory / "hub"}"]\n\tinsteadOf = {HUB_ADDRESS}\n')
