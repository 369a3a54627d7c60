"""What the end-to-end tests share: running `dws` and git as a user would, and looking at what they leave.

Everything here goes through the installed programs and the files; nothing imports `dataworkspaces`.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

FIXTURES = Path(__file__).parent / "fixtures"
HOST = "host1"
FAILED = (1, 4, 5, 6, 7, 8, 9, 10, 11)
"""The statuses with which a command ends that tells a user what is wrong: one for each kind of error."""
FAN_OUT = frozenset(f"{byte:02x}" for byte in range(256))
"""Names of the directories in which git, and Data Workspaces, keep objects."""
LABELS = ("error: ", "Cancelled")
"""What the line begins with that says why a command ended."""

GIT_CONFIG = """
[user]
\tname = Ada
\temail = ada@example.com
[init]
\tdefaultBranch = main
[protocol "file"]
\tallow = always
[gc]
\tauto = 0
[maintenance]
\tauto = false
[receive]
\tautogc = false
"""
"""With the last three, git does not start two programs after each commit and push to find that there is little."""
TEMPLATE = {"description": "Unnamed repository\n", "info/exclude": "# No pattern\n", "hooks/README.sample": "No hook\n"}
"""What git puts into a new repository: as its own template, but for thirteen examples of hooks, which each copy of a
workspace would have, too."""

ONE_THREAD = {"OPENBLAS_DEFAULT_NUM_THREADS": "1", "OMP_THREAD_LIMIT": "1"}
"""Linear algebra on data as small as those of tests takes several times as long where two threads wait for each other,
and more where other tests run beside it. No lineage has these two variables."""


def program(name: str) -> str:
    """A console script of the environment that runs the tests."""
    path = Path(sys.executable).with_name(name)
    if not path.exists():
        raise FileNotFoundError(f"{path}: install the distributions into the environment of the tests")
    return str(path)


def isolated_environment(home: Path) -> dict[str, str]:
    """A user of whom the machine knows nothing but a home directory with an identity for git."""
    home.mkdir(parents=True, exist_ok=True)
    if not (home / ".gitconfig").exists():
        write_git_config(home / ".gitconfig")
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return {
        "PATH": path,
        "HOME": str(home),
        "XDG_CONFIG_HOME": str(home / ".config"),
        "XDG_CACHE_HOME": str(home / ".cache"),
        "GIT_CONFIG_GLOBAL": str(home / ".gitconfig"),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "LC_ALL": "C.UTF-8",
        "USER": "ada",
        "LOGNAME": "ada",
        # Compiled code is kept, or each call of dws would compile all of it; but not among the user's files.
        "PYTHONPYCACHEPREFIX": str(Path(sys.prefix) / "pycache"),
        # So is the list of fonts, which takes a home of its own seconds to make.
        "MPLCONFIGDIR": str(Path(sys.prefix) / "matplotlib"),
        **ONE_THREAD,
    }


def write_git_config(path: Path) -> None:
    """Git's configuration of somebody, and beside it what their new repositories begin with."""
    template = path.with_name(".git-template")
    write_files(template, TEMPLATE)
    path.write_text(f"{GIT_CONFIG}[init]\n\ttemplateDir = {json.dumps(str(template), ensure_ascii=False)}\n")


@dataclass
class User:
    """Somebody with a home directory, a current directory and a shell."""

    cwd: Path
    env: dict[str, str] = field(default_factory=dict)
    trusts: bool = True
    """Whether they agree to all that a workspace names which they clone or pull. test_consent.py is about those who do
    not."""

    def at(self, cwd: Path, **env: str) -> User:
        """The same user in another directory, with further environment variables."""
        return User(cwd, {**self.env, **env}, self.trusts)

    def run(
        self, *command: str | Path, input: str | None = None, check: bool = True, timeout: float = 120
    ) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [str(part) for part in command],
            cwd=self.cwd,
            env=self.env,
            input="" if input is None else input,
            capture_output=True,
            encoding="utf-8",
            errors="surrogateescape",
            timeout=timeout,
        )
        if check and done.returncode != 0:
            line = " ".join(str(part) for part in command)
            raise AssertionError(f"{line}: exit status {done.returncode}\n{done.stdout}{done.stderr}")
        return done

    def dws(self, *arguments: str | Path, **options: Any) -> subprocess.CompletedProcess[str]:
        if self.trusts:
            commands = ("clone", "pull")
            place = next((n for n, argument in enumerate(arguments[:3], 1) if argument in commands), 0)
            arguments = (*arguments[:place], *(["--trust"] if place else []), *arguments[place:])
        return self.run(program("dws"), *arguments, **options)

    def batch(self, *arguments: str | Path, **options: Any) -> subprocess.CompletedProcess[str]:
        """`dws --batch`: no question is asked."""
        return self.dws("--batch", *arguments, **options)

    def json(self, *arguments: str | Path) -> Any:
        """What a command says with `--json`, which is as its schema has it."""
        from json_schemas import faults, shape_of

        document = json.loads(self.dws(*arguments, "--json").stdout)
        shape = shape_of(arguments)
        assert shape is None or faults(shape, document) == []
        return document

    def git(self, *arguments: str | Path, **options: Any) -> str:
        return self.run("git", *arguments, **options).stdout

    def python(self, *arguments: str | Path, **options: Any) -> subprocess.CompletedProcess[str]:
        return self.run(sys.executable, *arguments, **options)

    def make_repository(self, directory: Path, files: dict[str, str | bytes]) -> User:
        """A git repository with one commit, and a bare copy beside it, `NAME.git`, as its origin."""
        write_files(directory, files)
        user = self.at(directory)
        user.git("init", "--quiet")
        user.git("add", "--all")
        user.git("commit", "--quiet", "--message", "first")
        origin = directory.with_name(f"{directory.name}.git")
        user.git("clone", "--quiet", "--bare", ".", origin)
        user.git("remote", "add", "origin", origin)
        return user


def write_files(directory: Path, files: dict[str, str | bytes]) -> None:
    """Write files; their names are relative to the directory."""
    for name, content in files.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)


def read_tree(directory: Path) -> dict[str, str]:
    """All that is below a directory but for git's own, in words: kind, executable or not, and content."""
    found = ((os.path.relpath(path, directory), path) for path in walk(directory, but=[".git"]) if not path.is_dir())
    return {name: describe(path) for name, path in found}


def whole_state(root: Path) -> dict[str, str]:
    """All of a workspace that a command that fails must not change: files and their permissions, git's references,
    configuration and index. Git's objects and the caches of Data Workspaces are left out, for they say nothing."""
    state = {}
    for path in walk(root):
        relative = path.relative_to(root)
        name = os.fspath(relative)
        inside = relative.parts[relative.parts.index(".git") + 1 :] if ".git" in relative.parts else ()
        if inside and (inside[0] in ("objects", "dws", "index") or path.is_dir() or inside == ("info", "attributes")):
            continue  # the last is ours: git is told there to convert nothing of the metadata
        if path.name == ".git" and path.is_dir():
            listed = subprocess.run(["git", "ls-files", "--stage", "-z"], cwd=path.parent, capture_output=True).stdout
            state[f"{name}/index"] = listed.decode("utf-8", "surrogateescape")
        else:
            mode = "" if path.is_symlink() else f"{stat.S_IMODE(path.lstat().st_mode):o} "
            state[name] = mode + describe(path)
    return state


def machine_files(root: Path) -> dict[str, bytes]:
    """What Data Workspaces keeps of one copy, but for notes that somebody has looked at a repository."""
    directory = root / ".git" / "dws"
    files = {os.fspath(path.relative_to(directory)): path for path in walk(directory) if path.is_file()}
    return {name: path.read_bytes() for name, path in files.items() if not name.startswith("familiar")}


def describe(path: Path) -> str:
    if path.is_symlink():
        return f"link to {os.readlink(path)}"
    if path.is_dir():
        return "directory"
    executable = "executable " if path.stat().st_mode & stat.S_IXUSR else ""
    return f"{executable}file {hashlib.sha256(path.read_bytes()).hexdigest()[:16]}"


def walk(directory: Path, but: Collection[str] = ()) -> list[Path]:
    """Everything below a directory, links not followed, in a fixed order; but what has one of some names, and what is
    below that."""
    found = []
    for here, directories, files in os.walk(directory):
        directories[:] = [name for name in directories if name not in but]
        found += [Path(here, name) for name in [*directories, *files] if name not in but]
    return sorted(found)


def contents_in_git(repository: Path, env: dict[str, str]) -> set[str]:
    """The SHA-256 of each file that the history of any branch holds: what no clean-up of git's takes away."""
    listed = subprocess.run(
        ["git", "rev-list", "--objects", "--no-object-names", "--all"],
        cwd=repository, env=env, capture_output=True, check=True,
    ).stdout  # fmt: skip
    batch = subprocess.run(
        ["git", "cat-file", "--batch"], cwd=repository, env=env, input=listed, capture_output=True, check=True
    ).stdout
    found, place = set(), 0
    while place < len(batch):
        end = batch.index(b"\n", place)
        _, kind, size = batch[place:end].split()
        start = end + 1
        content = batch[start : start + int(size)]
        if kind == b"blob":
            found.add(hashlib.sha256(content).hexdigest())
        place = start + int(size) + 1
    return found


def contents_in_tree(directory: Path) -> set[str]:
    """The SHA-256 of each file below a directory. Git's own are left out, and ours: they may be rewritten."""
    return {
        hashlib.sha256(path.read_bytes()).hexdigest()
        for path in walk(directory, but=[".git", ".dataworkspace"])
        if path.is_file() and not path.is_symlink()
    }


def copy_workspace(source: Path, target: Path) -> Path:
    """A copy of a workspace, or of a directory with workspaces, as if it had been made there: with its times, so that
    git need not read each file again; its notes of where it is say that it is there; and what somebody agreed to for
    the one they have agreed to for the other. Their user is the same, and knows it."""
    subprocess.run(["cp", "-a", str(source), str(target)], check=True)
    old, new = (Path(os.path.realpath(place)) for place in (source, target))
    notes = [path for path in walk(new, but=FAN_OUT) if path.name in ("place.json", "familiar", "secret")]
    for note in (path for path in notes if path.name == "place.json"):
        data = json.loads(note.read_text())
        if Path(data.get("root", "/")).is_relative_to(old):
            root = Path(new, Path(data["root"]).relative_to(old))
            data |= {"root": str(root), "inode": (root / ".dataworkspace").stat().st_ino}
            note.write_text(json.dumps(data))
    for directory in [*old.parents][:3]:
        for agreements in directory.glob("*/.config/dws/agreements.json"):
            known = json.loads(agreements.read_text())["workspaces"]
            for place, addresses in [*known.items()]:
                if Path(place).is_relative_to(old):
                    known[place.replace(str(old), str(new), 1)] = addresses
            agreements.write_text(json.dumps({"workspaces": known}))
    _share_secret(old, new)
    _make_familiar(old, new, notes)
    return target


def _share_secret(old: Path, new: Path) -> None:
    """Let the user of a copy be that of the original, whose notes of commands count for nobody else."""
    secrets = [path for directory in [*old.parents][:3] for path in directory.glob("*/.config/dws/secret")]
    homes = [directory / "home" for directory in [*new.parents][:3] if (directory / "home").is_dir()]
    if len(secrets) == 1 and homes and not (homes[0] / ".config/dws/secret").exists():
        (homes[0] / ".config/dws").mkdir(parents=True, exist_ok=True, mode=0o700)
        shutil.copy(secrets[0], homes[0] / ".config/dws/secret")


def _make_familiar(old: Path, new: Path, notes: list[Path]) -> None:
    """The marks that only the secret of a user makes, for the places of the copy."""
    near = [path for directory in [*old.parents][:3] for path in directory.glob("*/.config/dws/secret")]
    inside = [path for path in notes if path.parts[-3:] == (".config", "dws", "secret")]
    secrets = {path.read_bytes() for path in (*near, *inside)}
    for marks in (path for path in notes if path.parts[-3:] == (".git", "dws", "familiar")):
        root = marks.parents[2].relative_to(new)
        for secret in secrets:
            before, after = (
                marks / hashlib.blake2b(os.fsencode(place / root), key=secret, digest_size=32).hexdigest()
                for place in (old, new)
            )
            if before.exists():
                before.rename(after)


def know_environment(user: User) -> None:
    """Let a workspace that is going to be copied know what is installed, as after its first step: reading that takes
    each copy half a second."""
    user.run(sys.executable, "-B", "-c", KNOW_ENVIRONMENT)


KNOW_ENVIRONMENT = """
from pathlib import Path
from dataworkspaces.lineage.environment import this_environment
this_environment(Path(".git/dws"), Path.cwd())
"""


def age_deletions(root: Path) -> None:
    """As if all snapshots that were deleted had been deleted long ago: no gc keeps them."""
    for path in (root / ".git" / "dws" / "deleted").glob("*/deletion.json"):
        path.write_text(json.dumps({**json.loads(path.read_text()), "time": "2001-01-01T00:00:00"}))


def remove(directory: Path) -> None:
    shutil.rmtree(directory, ignore_errors=True)
