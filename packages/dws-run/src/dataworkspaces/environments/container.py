"""The container that a step ran in, as the image's name and digest.

A process cannot find out from inside which image it runs in; Podman and Apptainer tell it, and of others whoever starts
the container has to: ``docker run -e DWS_CONTAINER_IMAGE=python@sha256:…``. Where nobody tells, nothing is recorded.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from dataworkspaces.errors import ConfigurationError, MetadataError, NotSupportedError, ToolError
from dataworkspaces.lineage.environment_kind import Created, EnvironmentKind, Package, Process, Source
from dataworkspaces.toolbox.regular import is_present

VARIABLE = "DWS_CONTAINER_IMAGE"
_PODMAN = Path("/run/.containerenv")
_PODMAN_RE = re.compile(r'^(engine|image|imageid)="?([^"\n]*)"?$', re.MULTILINE)
_REFERENCE_RE = re.compile(r"[a-z0-9][a-z0-9._:/-]{0,300}(@sha256:[0-9a-f]{64})?")
_DIGEST_RE = re.compile(r"(sha256:)?[0-9a-f]{64}")


class ContainerEnvironment(EnvironmentKind):
    prefix = "container"
    suffix = "json"
    formats = ("json", "image")

    def state(self, process: Process) -> Any:
        return _image(process.variables)

    def record(self, process: Process) -> bytes:
        return (json.dumps(_image(process.variables), indent=2) + "\n").encode("utf-8")

    def packages(self, content: bytes) -> Sequence[Package]:
        told = _read(content)
        return [Package(told["image"], told.get("digest"), hashes="digest" in told)]

    def summary(self, content: bytes) -> str:
        return f"container {_reference(_read(content))}"

    def export(self, content: bytes, format: str, root: Path | None = None) -> str:
        told = _read(content)
        if format == "json":
            return json.dumps(told, indent=2)
        if format == "image":
            return f"{_reference(told)}\n"
        raise NotSupportedError(f"There is no format '{format}' of a container")

    def sources(self, content: bytes, root: Path | None = None) -> Sequence[Source]:
        reference = _reference(_read(content))
        return [Source(f"docker://{reference}", (reference,))]

    def create(
        self, content: bytes, directory: Path, root: Path | None = None, without: Collection[str] = ()
    ) -> Created:
        """With Apptainer, as a directory; the images of others lie in no directory."""
        reference = _reference(_read(content))
        apptainer = shutil.which("apptainer") or shutil.which("singularity")
        if apptainer is None:
            known = next(filter(None, map(shutil.which, ("podman", "docker"))), None)
            pull = f"{Path(known or 'podman').name} pull {reference}"
            raise NotSupportedError(f"Only Apptainer makes a directory of a container: {reference}", hint=pull)
        if is_present(directory):
            raise ConfigurationError(f"{directory} is there already", hint="Name a new directory")
        command = [apptainer, "build", "--sandbox", str(directory), f"docker://{reference}"]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True)
        if done.returncode != 0:
            shutil.rmtree(directory, ignore_errors=True)
            raise ToolError(
                f"{reference} is not available: {' '.join(done.stderr.decode('utf-8', 'replace').split())[:600]}"
            )
        return Created(directory, 1, 1 if "@sha256:" in reference else 0)


def _image(variables: Mapping[str, str]) -> dict[str, str] | None:
    """``image``, and ``digest`` or ``image_id`` where they are known."""
    given = variables.get(VARIABLE, "")
    if _REFERENCE_RE.fullmatch(given):
        return _told("given", given)
    for name in ("APPTAINER_CONTAINER", "SINGULARITY_CONTAINER"):
        if _REFERENCE_RE.fullmatch(image := variables.get(name, "").removeprefix("docker://")):
            return _told("apptainer", image)
    with suppress(OSError):
        fields = dict(_PODMAN_RE.findall(_PODMAN.read_text(encoding="utf-8", errors="replace")))
        if _REFERENCE_RE.fullmatch(fields.get("image", "")):
            found = _told("podman", fields["image"])
            is_known = _DIGEST_RE.fullmatch(fields.get("imageid", ""))
            return found | {"image_id": fields["imageid"]} if is_known else found
    return None


def _told(engine: str, reference: str) -> dict[str, str]:
    image, _, digest = reference.partition("@")
    return {"engine": engine, "image": image, **({"digest": digest} if digest else {})}


def _read(content: bytes) -> dict[str, str]:
    """Raises MetadataError for what is no record of an image."""
    try:
        told = json.loads(content)
    except (ValueError, RecursionError):
        told = None
    if not isinstance(told, dict) or not all(isinstance(value, str) for value in told.values()):
        raise MetadataError("The record of a container is damaged")
    if not _REFERENCE_RE.fullmatch(_reference(told)):
        raise MetadataError(f"The record of a container names the image {_reference(told)!r:.200}")
    return told


def _reference(told: Mapping[str, str]) -> str:
    return f"{told.get('image', '')}@{told['digest']}" if "digest" in told else told.get("image", "")


KIND = ContainerEnvironment()
