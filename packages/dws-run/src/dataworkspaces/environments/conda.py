"""A conda environment, as the explicit list that conda and micromamba make one from: a URL and a hash for each package.

``conda-meta`` of the environment tells; no program is called to record it."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Collection, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from dataworkspaces.environments.addresses import is_url, without_secrets
from dataworkspaces.errors import ConfigurationError, MetadataError, NotSupportedError, ToolError
from dataworkspaces.lineage.environment_kind import Created, EnvironmentKind, Package, Process, Source
from dataworkspaces.toolbox.regular import is_present

_LINE_RE = re.compile(
    r"(?P<url>[^#\s]+/(?P<file>[^/#\s]+?)(\.conda|\.tar\.bz2))(#(?P<hash>(sha256:)?[0-9a-f]{32,64}))?"
)
_PROGRAMS = ("micromamba", "mamba", "conda")


class CondaEnvironment(EnvironmentKind):
    prefix = "conda-explicit"
    suffix = "txt"
    formats = ("explicit", "json")

    def state(self, process: Process) -> Any:
        """conda adds a line to ``history`` with each change."""
        meta = _meta(process)
        if meta is None:
            return None
        history = os.stat(meta / "history")  # noqa: PTH116 - pathlib is slow
        return [str(meta), history.st_mtime_ns, history.st_size]

    def record(self, process: Process) -> bytes:
        lines = []
        for file in sorted((_meta(process) or Path()).glob("*.json")):
            package = json.loads(file.read_text(encoding="utf-8"))
            url = without_secrets(str(package.get("url", "")))
            digest = f"sha256:{package['sha256']}" if package.get("sha256") else package.get("md5")
            lines.append(f"{url}#{digest}" if digest else url)
        return "".join(f"{line}\n" for line in ["@EXPLICIT", *lines]).encode("utf-8")

    def packages(self, content: bytes) -> Sequence[Package]:
        found = []
        for line in _lines(content):
            name, version, _build = line["file"].rsplit("-", 2)
            found.append(Package(name, version, line["url"], hashes=line["hash"] is not None))
        return sorted(found, key=lambda package: package.name)

    def summary(self, content: bytes) -> str:
        return f"conda with {len(_lines(content))} packages"

    def export(self, content: bytes, format: str, root: Path | None = None) -> str:
        packages = self.packages(content)
        if format == "explicit":
            return content.decode("utf-8")
        if format == "json":
            return json.dumps({"packages": [package.to_json() for package in packages]}, indent=2)
        raise NotSupportedError(f"There is no format '{format}' of a conda environment")

    def sources(self, content: bytes, root: Path | None = None) -> Sequence[Source]:
        found: dict[str, list[str]] = {}
        for package in self.packages(content):
            found.setdefault(str(package.source).rpartition("/")[0], []).append(f"{package.name} {package.version}")
        return [Source(address, tuple(names)) for address, names in found.items()]

    def create(
        self, content: bytes, directory: Path, root: Path | None = None, without: Collection[str] = ()
    ) -> Created:
        if without:
            raise NotSupportedError("A conda environment cannot be created without some of its packages")
        packages = self.packages(content)
        program = next(filter(None, map(shutil.which, _PROGRAMS)), None)
        if program is None:
            raise NotSupportedError(
                f"None of {', '.join(_PROGRAMS)} is installed, so a conda environment cannot be created",
                hint="'dws env export --kind conda' writes a list from which any of them can create it",
            )
        if is_present(directory):
            raise ConfigurationError(f"{directory} is there already", hint="Name a new directory")
        file = directory.with_name(f".{directory.name}.explicit.txt")
        try:
            file.write_bytes(content)
            command = [program, "create", "--yes", "--quiet", "--prefix", str(directory), "--file", str(file)]
            done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True)
        finally:
            file.unlink(missing_ok=True)
        if done.returncode != 0:
            shutil.rmtree(directory, ignore_errors=True)
            said = " ".join(done.stderr.decode("utf-8", "replace").split())[:600]
            raise ToolError(f"{Path(program).name} could not make the environment: {said}")
        made = CondaEnvironment().record(Process(prefix=str(directory)))
        then, now = set(_texts(content)), set(_texts(made))
        return Created(
            directory, len(packages), len(then & now), tuple(f"missing: {url}" for url in sorted(then - now))
        )


def _meta(process: Process) -> Path | None:
    """Of the environment that the process ran in; of another program, of the one that was active."""
    for prefix in (process.prefix, process.variables.get("CONDA_PREFIX")):
        with suppress(OSError):
            if prefix and (Path(prefix) / "conda-meta" / "history").is_file():
                return Path(prefix) / "conda-meta"
    return None


def _lines(content: bytes) -> list[dict[str, Any]]:
    """Raises MetadataError for what is no explicit list of URLs."""
    found = []
    first, *lines = _texts(content) or [""]
    if first != "@EXPLICIT":
        raise MetadataError("The recorded conda environment does not begin with @EXPLICIT")
    for line in lines:
        match = _LINE_RE.fullmatch(line)
        if match is None or not is_url(match["url"]) or match["file"].count("-") < 2:
            raise MetadataError(f"The recorded conda environment has the line {line!r:.200}")
        found.append(match.groupdict())
    return found


def _texts(content: bytes) -> list[str]:
    return content.decode("utf-8", "replace").splitlines()


KIND = CondaEnvironment()
