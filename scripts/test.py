"""Run the checks and tests: `test.py` all of them, `test.py ENVIRONMENT…` those environments of tox.ini.

Everything runs on the Python at hand; the oldest and the newest supported version, where they are installed, get the
tests that are quick. Environments run side by side, each in one process; the end-to-end tests begin when no other
waits, and take the whole machine.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from pathlib import Path

from environment import ROOT, distributions, install_programs, make_environment

OLDEST, NEWEST = 10, 13
"""Of the supported versions, Python 3.OLDEST to 3.NEWEST."""

PROGRAMS = {
    "chromium": "chromium",
    "dot": "graphviz",
    "git-lfs": "git-lfs",
    "make": "make",
    "pg_ctlcluster": "postgresql",
    "rsync": "rsync",
    "ssh": "openssh-client",
    "sshd": "openssh-server",
}
"""What tests call, and the package of Debian that it is in."""

PROCESSORS = os.cpu_count() or 1
AT_A_TIME = PROCESSORS + 1
"""Environments: those that install their packages wait for the disk, and the network."""
WORKERS = PROCESSORS + 2
"""Of the end-to-end tests: those of servers, kernels and browsers wait for them."""
LONGEST = ("keras", "light", "git", "s3", "sklearn", "testing", "lint", "files", "web", "docs", "build", "sql")
"""The ends of the names of those that begin first, in this order, so that no long one is left alone at the end."""

MEMORY = Path("/dev/shm")
ROOM = 6 * 2**30
"""Bytes in which the files of all tests that run at a time have room, several times over."""


def main(environments: list[str]) -> int:
    bin_dir = make_environment("tox", "tox>=4.50", "tox-uv>=1.25")
    # tox looks for interpreters on the PATH, where pyenv puts only shims.
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    path = [os.environ["PATH"], *map(str, sorted(pyenv.glob("versions/*/bin")))]
    # A Python that is not here is skipped, not downloaded.
    env = {**os.environ, "PATH": os.pathsep.join(path), "UV_PYTHON_DOWNLOADS": "never"}
    pythons = {OLDEST, NEWEST} - {sys.version_info.minor}
    others = [minor for minor in sorted(pythons) if has_python(bin_dir / "uv", env, minor)]
    together, alone = (environments, []) if environments else all_environments(others)
    if any(name.startswith("py") for name in together):
        install_programs(PROGRAMS)
    with directory_for_tests() as directory:
        if directory is not None:
            env["PYTEST_DEBUG_TEMPROOT"] = directory
        if not alone:
            return run(bin_dir / "tox", together, env)
        one = {**env, "DWS_TEST_WORKERS": "0"}  # the tests run in pytest's process
        more = {**env, "DWS_TEST_WORKERS": str(WORKERS)}
        # All that is wrong is told at once: the last comes whatever the first find.
        with ThreadPoolExecutor(AT_A_TIME) as pool:
            beside = [pool.submit(run_quietly, bin_dir / "tox", name, one) for name in together]
            last = pool.submit(run, bin_dir / "tox", alone, more)
            print(f"{AT_A_TIME} at a time: {', '.join(together)}; {', '.join(alone)}", flush=True)
            return max(show(beside), last.result())


def run(tox: Path, names: list[str], env: dict[str, str]) -> int:
    return subprocess.run([tox, "run", "-e", ",".join(names)], cwd=ROOT, env=env).returncode


def run_quietly(tox: Path, name: str, env: dict[str, str]) -> subprocess.CompletedProcess[bytes]:
    command: list[str | Path] = [tox, "run", "--colored", "yes" if sys.stdout.isatty() else "no", "-e", name]
    return subprocess.run(command, cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def show(running: list[Future[subprocess.CompletedProcess[bytes]]]) -> int:
    """What each one says, when it is done, as a whole: tox itself would show it mixed, or of those that fail only.
    Returns the worst exit status."""
    status = 0
    for done in as_completed(running):
        sys.stdout.flush()
        sys.stdout.buffer.write(done.result().stdout)
        sys.stdout.buffer.flush()
        status = max(status, abs(done.result().returncode))
    return status


@contextmanager
def directory_for_tests() -> Iterator[str | None]:
    """In memory, where there is enough of it: dws waits for the disk before it says that something is kept, and tests
    would spend half of their time there. None leaves the choice to pytest, as what you asked for does."""
    if "PYTEST_DEBUG_TEMPROOT" in os.environ or not has_room(MEMORY):
        yield None
        return
    directory = tempfile.mkdtemp(prefix="dws-tests-", dir=MEMORY)
    try:
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def has_room(directory: Path) -> bool:
    """Whether it is on a file system in memory that has room, and the memory for it is free."""
    try:
        mounts = [line.split() for line in Path("/proc/mounts").read_text(encoding="utf-8").splitlines()]
        memory = Path("/proc/meminfo").read_text(encoding="utf-8")
        free = shutil.disk_usage(directory).free
    except OSError:
        return False
    available = re.search(r"^MemAvailable: +(\d+) kB$", memory, re.MULTILINE)
    is_in_memory = [str(directory), "tmpfs"] in [fields[1:3] for fields in mounts]
    return is_in_memory and free >= ROOM and available is not None and int(available[1]) * 1024 >= 2 * ROOM


def has_python(uv: Path, env: dict[str, str], minor: int) -> bool:
    command: list[str | Path] = [uv, "python", "find", "--system", f"3.{minor}"]
    return subprocess.run(command, env=env, capture_output=True).returncode == 0


def all_environments(others: list[int]) -> tuple[list[str], list[str]]:
    """Those that run beside each other, and those that take the machine afterwards.

    :param others: the Pythons 3.N besides this one on which the quick tests run."""
    here = sys.version_info.minor
    names = [f"py3{here}-{names}" for names in environments_of_distributions()]
    names += [f"py3{minor}-light" for minor in others]
    names += ["lint", "build", "docs", "contributing", "frontend"]
    return sorted(names, key=place_in_the_queue), [f"py3{here}-all"]


def place_in_the_queue(name: str) -> int:
    return next((place for place, end in enumerate(LONGEST) if name.endswith(end)), len(LONGEST))


def environments_of_distributions() -> list[str]:
    """The factors of tox.ini that stand for one distribution, or for several small ones, in that order."""
    found = re.search(r"^env_list = py3\{.*?\}-\{(.*?)\}", (ROOT / "tox.ini").read_text(encoding="utf-8"), re.MULTILINE)
    names = found[1].split(",") if found else []
    here = {path.name.removeprefix("dws-") for path in distributions()}
    if missing := here - {part for name in names for part in name.split("-")}:
        sys.exit(f"tox.ini has no environment for the tests of {', '.join(sorted(missing))}")
    return [name for name in names if here & set(name.split("-"))]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
