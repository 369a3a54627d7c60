"""Making a Python environment again, with uv."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dataworkspaces.environments.described import Wanted, unknown_sources, wanted, with_hashes
from dataworkspaces.environments.installed import installed, normalized
from dataworkspaces.environments.pylock import TOOL, read
from dataworkspaces.errors import ConfigurationError, NotFoundError, NotSupportedError, ToolError
from dataworkspaces.lineage.environment_kind import Created
from dataworkspaces.toolbox.atomic import explain_os_error
from dataworkspaces.toolbox.move_files import delete_tree
from dataworkspaces.toolbox.names import some
from dataworkspaces.toolbox.regular import is_present

UNFINISHED = ".dws-unfinished"
"""In a directory in which an environment is being made, until it is whole."""
_OF_OTHERS = (
    "PYTHONPATH",
    "PYTHONHOME",
    "VIRTUAL_ENV",
    "CONDA_PREFIX",
    "UV_PROJECT",
    "UV_WORKING_DIRECTORY",
    "UV_PYTHON",
)
_PLACES = "import sysconfig; print(sysconfig.get_path('purelib')); print(sysconfig.get_path('platlib'))"


def create(content: bytes, directory: Path, root: Path | None, without: Collection[str] = ()) -> Created:
    """See :meth:`EnvironmentKind.create`."""
    document = read(content)
    found = wanted(document, root)
    left_out = {normalized(name) for name in without}
    strange = left_out - {normalized(each.name) for each in found}
    if strange:
        raise NotFoundError(f"The environment has no distribution '{min(strange)}'", hint="'dws env show' lists them")
    found = [each for each in found if normalized(each.name) not in left_out]
    lost = unknown_sources(found)
    if lost:
        names = " ".join(f"--without {line.partition(' ')[0]}" for line in lost[:3])
        raise NotFoundError(f"Not on this machine: {some(lost)}", hint=f"To make the environment without: {names}")
    uv = find_uv()
    with _made(directory):
        python = document["tool"][TOOL]["python"]
        _make(uv, directory, python)
        _install(uv, directory, found)
        return _compared(directory, found, document)


def find_uv() -> str:
    """Raises NotSupportedError if it is not installed."""
    beside = Path(sys.executable).with_name("uv")
    uv = shutil.which("uv") or (str(beside) if beside.is_file() else None)
    if uv is None:
        raise NotSupportedError(
            "uv, which makes Python environments, is not installed",
            hint="pip install uv; or 'dws env export --format requirements' for another installer",
        )
    return uv


@contextmanager
def _made(directory: Path) -> Iterator[None]:
    """A directory in which either all is well at the end, or nothing is left. One that a killed attempt left is made
    anew."""
    is_new = not is_present(directory)
    try:
        if not is_new:
            is_ours = directory.is_dir() and not directory.is_symlink() and (directory / UNFINISHED).is_file()
            if is_ours:
                delete_tree(directory)
            elif not directory.is_dir() or any(directory.iterdir()):
                raise ConfigurationError(f"{directory} is there already", hint="Name a new directory")
        directory.mkdir(parents=True, exist_ok=True)
        (directory / UNFINISHED).touch()
    except OSError as e:
        raise explain_os_error(e, f"Making {directory}") from e
    try:
        yield
        (directory / UNFINISHED).unlink()
    except BaseException:
        delete_tree(directory)
        if not is_new:
            directory.mkdir(exist_ok=True)
        raise


def _make(uv: str, directory: Path, python: Mapping[str, Any]) -> None:
    """With that very version of Python; if it cannot be had, with another of the same minor version."""
    version, implementation = str(python["version"]), str(python["implementation"]).lower()
    minor = ".".join(version.split(".")[:2])
    arguments = ["venv", "--no-project", "--quiet", "--allow-existing"]
    try:
        _call(uv, [*arguments, f"--python={implementation}@{version}", "--", str(directory)], f"Python {version}")
    except ToolError:
        _call(uv, [*arguments, f"--python={implementation}@{minor}", "--", str(directory)], f"Python {minor}")


def _install(uv: str, directory: Path, found: Sequence[Wanted]) -> None:
    if not found:
        return
    with tempfile.TemporaryDirectory(prefix="dws-env-") as temporary:
        requirements = Path(temporary, "requirements.txt")
        requirements.write_text("".join(f"{with_hashes(each)}\n" for each in found), encoding="utf-8")
        python = f"--python={_python_of(directory)}"
        arguments = ["pip", "install", "--no-deps", "--quiet", python, "--requirements", str(requirements)]
        _call(uv, arguments, "The distributions")


def _call(uv: str, arguments: list[str], what: str) -> None:
    """In a directory in which nobody else can have put settings for uv: those of the user count, those of a workspace
    do not."""
    environment = {key: value for key, value in os.environ.items() if key not in _OF_OTHERS}
    try:
        done = subprocess.run(
            [uv, "--color=never", *arguments], cwd="/", env=environment, stdin=subprocess.DEVNULL, capture_output=True
        )
    except OSError as e:
        raise ToolError(f"uv could not be started: {e.strerror or e}") from e
    if done.returncode != 0:
        raise ToolError(f"{what} is not available: {_one_line(done.stderr)}", hint="To leave it out: --without NAME")


_FRAME = " \u00d7\u2570\u2500\u25b6\u2502\u251c"
"""What uv draws around its errors."""


def _one_line(said: bytes) -> str:
    lines = (line.strip(_FRAME) for line in said.decode("utf-8", "replace").splitlines())
    text = " ".join(line for line in lines if line)
    return text if len(text) <= 600 else f"{text[:600]} ..."


def _python_of(directory: Path) -> Path:
    return directory / "bin" / "python"


def _compared(directory: Path, found: Sequence[Wanted], document: Mapping[str, Any]) -> Created:
    """What was made, against what was recorded."""
    tool = document["tool"][TOOL]
    python = str(_python_of(directory))
    told = subprocess.run([python, "-I", "-c", _PLACES], capture_output=True, text=True, check=True).stdout.splitlines()
    version = subprocess.run(
        [python, "-I", "-c", "import platform; print(platform.python_version())"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    now = {normalized(each.name): each for each in installed(list(dict.fromkeys(told)))}
    then = {normalized(each["name"]): each for each in tool["distributions"]}
    differences = []
    if version != tool["python"]["version"]:
        differences.append(f"Python is {version}, and was {tool['python']['version']}")
    verified = 0
    for each in found:
        name = normalized(each.name)
        was, has = then[name], now.get(name)
        if has is None:
            differences.append(f"{each.name} is missing")
        elif has.version != was["version"]:
            differences.append(f"{each.name} is {has.version}, and was {was['version']}")
        elif None not in (has.contents, was.get("contents")) and each.path is None:
            if has.contents == was["contents"]:
                verified += 1
            else:
                differences.append(
                    f"{each.name} {has.version} has different files: it was rebuilt, or comes from another archive"
                )
    differences += [
        f"{each['name']} was left out"
        for name, each in then.items()
        if name not in now and name not in {normalized(w.name) for w in found}
    ]
    return Created(directory, len(now), verified, tuple(differences))
