"""What is installed in an environment, as its ``*.dist-info`` directories tell."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from importlib.metadata import Distribution

_OF_INSTALLERS = {"INSTALLER", "REQUESTED", "RECORD", "RECORD.jws", "RECORD.p7s", "direct_url.json"}
"""Files of ``.dist-info`` that whoever installs adds, so that they are not those of the wheel."""
_known_contents: dict[bytes, str | None] = {}
"""Of the RECORDs that this process has read, by their own hash: it may work with several workspaces."""
_FIELD = r"(?m)^(Name|Version):[ \t]*(.*?)[ \t\r]*$"


class Installed(NamedTuple):
    """A distribution.

    :ivar origin: its ``direct_url.json`` (PEP 610); None if it came from an index.
    :ivar contents: ``sha256:`` of the names and hashes of the files that the wheel brought; the same wherever that
        wheel is installed. None if the installer did not note them.
    :ivar requested: whether somebody asked for it, and it is not just what another depends on.
    """

    name: str
    version: str
    installer: str | None = None
    requested: bool = False
    contents: str | None = None
    origin: Mapping[str, Any] | None = None


def installed(paths: Sequence[str]) -> list[Installed]:
    """All that directories of modules have, sorted by name; of two with one name the first, which is the one in use."""
    from importlib.metadata import distributions

    found: dict[str, Installed] = {}
    for distribution in distributions(path=list(paths)):
        with suppress(Exception):  # the metadata of others may lack anything
            name, version = _name_and_version(distribution)
            if name and version and normalized(name) not in found:
                found[normalized(name)] = _installed(distribution, name, version)
    return [found[name] for name in sorted(found)]


def _name_and_version(distribution: Distribution) -> tuple[str, str]:
    """Two lines of a long text that importlib.metadata would parse whole, twice; empty where they are missing."""
    header = (distribution.read_text("METADATA") or distribution.read_text("PKG-INFO") or "").partition("\n\n")[0]
    fields = dict(re.findall(_FIELD, header))
    return fields.get("Name", ""), fields.get("Version", "")


def normalized(name: str) -> str:
    """A name as an index has it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _installed(distribution: Distribution, name: str, version: str) -> Installed:
    installer = (distribution.read_text("INSTALLER") or "").strip()
    origin = None
    with suppress(ValueError):
        origin = json.loads(distribution.read_text("direct_url.json") or "null")
    return Installed(
        name,
        version,
        installer[:40] or None,
        distribution.read_text("REQUESTED") is not None,
        _contents(distribution.read_text("RECORD") or ""),
        origin if isinstance(origin, dict) and isinstance(origin.get("url"), str) else None,
    )


def _contents(record: str) -> str | None:
    key = hashlib.sha256(record.encode("utf-8", "surrogatepass")).digest()
    if key not in _known_contents:
        files = "\n".join(sorted(set(_files(record)))).encode("utf-8", "surrogatepass")
        _known_contents[key] = f"sha256:{hashlib.sha256(files).hexdigest()}" if files else None
    return _known_contents[key]


def _files(record: str) -> Iterator[str]:
    """Of a RECORD those lines that the wheel's own had; scripts, which begin with the path of Python, are made anew."""
    for line in record.splitlines():
        path, _, rest = line.partition(",") if not line.startswith('"') else line.rpartition('",')
        digest = rest.partition(",")[0]
        parts = path.split("/")
        is_added = len(parts) == 2 and parts[0].endswith(".dist-info") and parts[1] in _OF_INSTALLERS
        is_of_uv = len(parts) == 2 and parts[1].startswith("uv_")
        if digest and not is_added and not is_of_uv and parts[0] != ".." and not path.endswith(".pyc"):
            yield f"{path},{digest}"
