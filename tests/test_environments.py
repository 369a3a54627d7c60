"""The environments of steps: recorded, seen in a clone, made again with the real uv from a real index."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from endtoend import HOST, User, program, write_files

OLD, NEW = "1.16.0", "1.17.0"
OF_THE_NETWORK = ("UV_", "SSL_CERT_", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")
"""Variables without which uv may not reach an index from here."""
SCRIPT = "import six, sys\nopen(sys.argv[1], 'w').write(six.__version__)\n"

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A virtual environment with one small distribution."""
    directory = tmp_path_factory.mktemp("environment") / "venv"
    uv(directory.parent, "venv", "--quiet", "--python", sys.executable, str(directory))
    uv(directory.parent, "pip", "install", "--quiet", "--python", str(directory / "bin/python"), f"six=={OLD}")
    return directory


def uv(cwd: Path, *arguments: str) -> None:
    subprocess.run([program("uv"), *arguments], cwd=cwd, check=True, timeout=300)


@pytest.fixture
def here(user: User) -> User:
    root = user.cwd / "ws"
    root.mkdir()
    here = user.at(
        root, **{name: value for name, value in os.environ.items() if name.upper().startswith(OF_THE_NETWORK)}
    )
    here.batch("init", "--hostname", HOST, "--create-resources", "code,intermediate-data,results")
    write_files(root, {"code/step.py": SCRIPT})
    return here


def run(here: User, venv: Path, text: str = SCRIPT, output: str = "out") -> None:
    write_files(here.cwd, {"code/step.py": text})
    here.batch("run", "--", venv / "bin/python", "code/step.py", f"intermediate-data/{output}")


def documents(here: User) -> list[str]:
    place = here.cwd / ".dataworkspace/environments"
    return sorted(path.name for path in place.iterdir()) if place.is_dir() else []


def versions(environment: dict[str, Any]) -> dict[str, str]:
    return {package["name"]: package["version"] for package in environment["packages"]}


def test_environment_is_made_again_in_a_clone(here: User, prepared: Path, tmp_path: Path) -> None:
    run(here, prepared)
    here.batch("snapshot", "V1")
    assert len(documents(here)) == 1
    assert here.git("status", "--porcelain") == ""
    (shown,) = here.json("env", "show", "V1")
    python = ".".join(map(str, sys.version_info[:3]))
    assert versions(shown) == {"Python": python, "six": OLD}
    assert shown["steps"] == ["step"]
    assert shown["settings"]["cpus"] >= 1
    here.git("init", "--quiet", "--bare", tmp_path / "hub.git")
    here.batch("publish", tmp_path / "hub.git")

    (tmp_path / "other").mkdir()
    other = here.at(tmp_path / "other", HOME=str(tmp_path / "other-home"), XDG_CONFIG_HOME=str(tmp_path / "oc"))
    other.batch("clone", "--hostname", "b", tmp_path / "hub.git", "ws")
    other = other.at(tmp_path / "other/ws")
    assert other.json("env", "show", "V1")[0]["packages"] == shown["packages"]
    # It is somebody else's: nothing is installed unasked.
    refused = other.batch("env", "create", "V1", tmp_path / "made", check=False)
    assert refused.returncode != 0
    assert "the package index of this machine" in refused.stdout
    assert not (tmp_path / "made").exists()
    # Settings that came with the workspace do not count.
    write_files(other.cwd, {"uv.toml": 'index-url = "https://nowhere.invalid/simple"\n'})
    made = other.json("env", "create", "V1", tmp_path / "made", "--yes")
    assert (made["verified"], made["differences"]) == (1, [])
    of_it = other.run(tmp_path / "made/bin/python", "-c", "import six; print(six.__version__)").stdout
    assert of_it == f"{OLD}\n"
    assert "is there already" in other.batch("env", "create", "V1", tmp_path / "made", "--yes", check=False).stderr

    exported = other.dws("env", "export", "V1", "--format", "requirements").stdout
    assert exported.splitlines()[1:] == [f"six=={OLD}"]
    other.dws("env", "export", "V1", "-o", tmp_path / "pylock.toml")
    assert 'lock-version = "1.0"' in (tmp_path / "pylock.toml").read_text()


def test_another_version_is_told_by_diff_and_restore(here: User, prepared: Path, tmp_path: Path) -> None:
    run(here, prepared)
    here.batch("snapshot", "V1")
    made = here.json("env", "create", "V1", tmp_path / "made")  # recorded here: nobody is asked
    assert made["verified"] == 1
    uv(tmp_path, "pip", "install", "--quiet", "--python", str(tmp_path / "made/bin/python"), f"six=={NEW}")
    run(here, tmp_path / "made", SCRIPT + "# newer\n")
    here.batch("snapshot", "V2")
    assert len(documents(here)) == 2
    (change,) = here.json("env", "diff", "V1", "V2")["packages"]
    assert (change["name"], change["before"]["version"], change["after"]["version"]) == ("six", OLD, NEW)
    now = here.at(here.cwd, PATH=f"{tmp_path / 'made/bin'}:{here.env['PATH']}")
    assert "six 1.16.0 → 1.17.0" in now.batch("restore", "V1").stdout
    assert "The environment" not in now.batch("restore", "V2").stdout


def test_a_step_is_reproduced_in_the_recorded_environment(here: User, prepared: Path, tmp_path: Path) -> None:
    """Even after the one in which it ran has another version, which makes its output another."""
    run(here, prepared)
    here.batch("snapshot", "V0")
    here.batch("env", "create", "V0", tmp_path / "venv")
    run(here, tmp_path / "venv", SCRIPT + "# again\n")
    here.batch("snapshot", "V1")
    uv(tmp_path, "pip", "install", "--quiet", "--python", str(tmp_path / "venv/bin/python"), f"six=={NEW}")

    now = here.batch("reproduce", "V1", "--json", check=False)
    found = json.loads(now.stdout)
    assert (now.returncode, found["environment"], found["counts"]) == (1, "current", {"different": 1})
    assert f"other versions: six {OLD}, now {NEW}" in found["steps"][0]["reasons"]

    found = here.json("reproduce", "V1", "--env", "recorded")
    assert (found["reproduced"], found["environment"], found["counts"]) == (True, "recorded", {"identical": 1})
    (made,) = found["environments"]
    assert (made["steps"], made["packages"], made["verified"], made["differences"]) == (["step"], 1, 1, [])
    assert sorted(a["counts"].popitem() for a in here.json("attest", "list", "V1")) == [
        ("different", 1),
        ("identical", 1),
    ]


def test_documents_go_with_the_last_snapshot_that_names_them(here: User, prepared: Path) -> None:
    run(here, prepared)
    here.batch("snapshot", "V1")
    run(here, prepared, SCRIPT + "# more\n")
    here.batch("snapshot", "V2")
    (document,) = documents(here)
    here.batch("delete-snapshot", "--no-include-resources", "V1")
    assert documents(here) == [document]
    here.batch("delete-snapshot", "--no-include-resources", "V2")
    assert documents(here) == []
    assert here.git("status", "--porcelain") == ""
    here.batch("undo-delete", "V2")
    assert documents(here) == [document]
    assert here.git("status", "--porcelain") == ""
    assert len(here.json("env", "show", "V2")) == 1


def test_deletion_by_one_takes_nothing_from_the_other(here: User, prepared: Path, tmp_path: Path) -> None:
    run(here, prepared)
    here.batch("snapshot", "V1")
    here.git("init", "--quiet", "--bare", tmp_path / "hub.git")
    here.batch("publish", tmp_path / "hub.git")
    (tmp_path / "other").mkdir()
    here.at(tmp_path / "other").batch("clone", "--hostname", "b", tmp_path / "hub.git", "ws")
    other = here.at(tmp_path / "other/ws")
    run(other, prepared, SCRIPT + "# of another\n", "other")
    other.batch("snapshot", "V2")
    here.batch("delete-snapshot", "--no-include-resources", "V1")
    here.batch("push")
    other.batch("pull")
    assert len(documents(other)) == 1
    assert versions(other.json("env", "show", "V2")[0])["six"] == OLD


def test_document_that_somebody_changed_is_not_used(here: User, prepared: Path, tmp_path: Path) -> None:
    run(here, prepared)
    here.batch("snapshot", "V1")
    here.git("clone", "--quiet", here.cwd, tmp_path / "copy")
    copy = here.at(tmp_path / "copy")
    (document,) = documents(copy)
    path = copy.cwd / ".dataworkspace/environments" / document
    path.write_text(path.read_text().replace(OLD, "0.0.1"))
    told = copy.batch("env", "create", "V1", tmp_path / "made", "--yes", check=False)
    assert told.returncode != 0
    assert "does not match its name" in told.stderr
    assert document in copy.batch("fsck", check=False).stdout


def test_what_cannot_be_had_is_named_and_nothing_is_left(here: User, prepared: Path, tmp_path: Path) -> None:
    write_files(here.cwd, {"lib/pyproject.toml": '[project]\nname = "mine"\nversion = "1"\n', "lib/mine.py": ""})
    uv(tmp_path, "venv", "--quiet", "--python", sys.executable, str(tmp_path / "venv"))
    python = str(tmp_path / "venv/bin/python")
    uv(here.cwd, "pip", "install", "--quiet", "--python", python, f"six=={OLD}", "--editable", "lib")
    run(here, tmp_path / "venv")
    here.batch("snapshot", "V1")
    packages = {package["name"]: package for package in here.json("env", "show", "V1")[0]["packages"]}
    assert packages["mine"]["editable"]
    assert packages["mine"]["source"] == "../../lib"
    (here.cwd / "lib").rename(here.cwd / "gone")
    told = here.batch("env", "create", "V1", tmp_path / "made", check=False)
    assert f"mine came from {here.cwd}/lib" in told.stderr
    assert "--without mine" in told.stderr
    made = here.json("env", "create", "V1", tmp_path / "made", "--without", "mine")
    assert made["differences"] == ["mine was left out"]
    # No index: what uv says, in a line.
    offline = here.at(here.cwd, UV_OFFLINE="1", UV_CACHE_DIR=str(tmp_path / "empty-cache"))
    told = offline.batch("env", "create", "V1", tmp_path / "other", "--without", "mine", check=False)
    assert "is not available" in told.stderr
    assert told.stderr.count("\n") <= 3
    assert not (tmp_path / "other").exists()
    no_uv = here.at(here.cwd, PATH="/usr/bin:/bin")
    if Path(sys.executable).with_name("uv").exists():
        return
    assert "uv, which makes" in no_uv.batch("env", "create", "V1", tmp_path / "third", check=False).stderr


def test_killed_creation_is_begun_anew(here: User, prepared: Path, tmp_path: Path) -> None:
    run(here, prepared)
    here.batch("snapshot", "V1")
    made = tmp_path / "made"
    for _ in range(20):
        process = subprocess.Popen([program("dws"), "env", "create", "V1", str(made)], cwd=here.cwd, env=here.env)
        deadline = time.monotonic() + 60
        while not (made / ".dws-unfinished").exists() and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.001)
        process.send_signal(signal.SIGKILL)
        process.wait()
        if (made / ".dws-unfinished").exists():
            break
    assert (made / ".dws-unfinished").exists()
    assert here.json("env", "create", "V1", made)["verified"] == 1
    assert not (made / ".dws-unfinished").exists()
