"""The tools that ours are compared with, each in an environment of its own that is made once."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from .sandbox import Settings, Tool

RELEASE_1_6 = """\
dataworkspaces==1.6.0
click==8.1.8
ipykernel==6.29.5
notebook==6.5.7
numpy==1.26.4
pandas==2.2.3
scikit-learn==1.2.2
scipy==1.13.1
setuptools==80.9.0
"""
"""It asks for no versions: these are of its time. Its scikit-learn kit needs pandas, and notebook before 7."""


S3 = """\
aiobotocore[boto3]==2.9.0
fsspec==2023.12.2
s3fs==2023.12.2
"""
"""What its S3 resources need besides."""


class PeerMissing(Exception):
    """A peer cannot be had on this machine; the message says why."""


def release_1_6(settings: Settings) -> Tool:
    """`dataworkspaces` 1.6.0 on Python 3.9, the last Python that it was released for."""
    return _release_1_6(settings, "dataworkspaces-1.6.0", RELEASE_1_6)


def release_1_6_with_s3(settings: Settings) -> Tool:
    return _release_1_6(settings, "dataworkspaces-1.6.0-s3", RELEASE_1_6 + S3)


def _release_1_6(settings: Settings, name: str, requirements: str) -> Tool:
    environment = settings.cache / name
    tool = Tool("release 1.6.0", environment / "bin")
    complete = environment / "requirements.txt"
    if not complete.exists() or complete.read_text() != requirements:
        python = settings.python39 or _find_python39()
        print(f"Installing {tool.name} in {environment} …", flush=True)
        shutil.rmtree(environment, ignore_errors=True)
        _install(environment, python, requirements.split())
        complete.write_text(requirements)
    return tool


def dvc(settings: Settings) -> Tool:
    """DVC, the newest of its major version."""
    return _newest(settings, "DVC", "dvc", "dvc==3.*")


def dvc_with_s3(settings: Settings) -> Tool:
    return _newest(settings, "DVC for S3", "dvc", "dvc[s3]==3.*", "dvc-s3")


def mlflow(settings: Settings) -> Tool:
    """MLflow, the newest of its major version."""
    return _newest(settings, "MLflow", "mlflow", "mlflow==3.*")


def _newest(settings: Settings, name: str, program: str, requirement: str, directory: str | None = None) -> Tool:
    """On the Python that runs the benchmarks."""
    environment = settings.cache / (directory or program)
    tool = Tool(name, environment / "bin")
    if not (tool.bin / program).exists():
        print(f"Installing {name} in {environment} …", flush=True)
        shutil.rmtree(environment, ignore_errors=True)
        _install(environment, Path(sys.executable), [requirement])
    return tool


def _find_python39() -> Path:
    for candidate in _candidates():
        if _output(str(candidate), "-c", "import sys; print(*sys.version_info[:2])") == "3 9":
            return candidate
    raise PeerMissing("no Python 3.9 on the PATH or in pyenv; name one with --python39")


def _candidates() -> Iterator[Path]:
    on_path = shutil.which("python3.9")
    if on_path:  # may be a version manager's shim with nothing behind it
        yield Path(on_path)
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    yield from sorted(pyenv.glob("versions/3.9*/bin/python3.9"))


def _install(environment: Path, python: Path, requirements: list[str]) -> None:
    environment.parent.mkdir(parents=True, exist_ok=True)
    uv = shutil.which("uv")
    if uv and _output(uv, "--version"):
        make = [uv, "venv", "--quiet", "--python", str(python), str(environment)]
        install = [uv, "pip", "install", "--quiet", "--python", str(environment / "bin" / "python")]
    else:
        make = [str(python), "-m", "venv", str(environment)]
        install = [str(environment / "bin" / "python"), "-m", "pip", "install", "--quiet"]
    for command in (make, [*install, *requirements]):
        done = subprocess.run(command, stderr=subprocess.PIPE, text=True)
        if done.returncode:
            raise PeerMissing(f"'{' '.join(command)}' failed:\n{done.stderr}")


def _output(*command: str) -> str | None:
    """What a command writes, or nothing if it fails."""
    try:
        done = subprocess.run(command, capture_output=True, text=True)
    except OSError:
        return None
    return done.stdout.strip() if done.returncode == 0 else None
