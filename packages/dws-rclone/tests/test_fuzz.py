"""What rclone says, and what a workspace says about it: parsed, or refused in one line."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from hypothesis import given

from dataworkspaces.errors import ToolError
from dataworkspaces.resources.rclone import configuration
from dataworkspaces.resources.rclone.address import parse_address
from dataworkspaces.resources.rclone.configuration import check_sections, digest
from dataworkspaces.resources.rclone.factory import FACTORY
from dataworkspaces.resources.rclone.plan import Plan, count_files
from dataworkspaces.resources.rclone.remote_files import RemoteFiles
from dataworkspaces.resources.rclone.run import parse_event
from dataworkspaces.testing.fuzzing import damaged, damaged_bytes, damaged_json, fuzz, parsed_or_refused, randoms
from dataworkspaces.testing.memory import MemoryWorkspace

EVENT = {"level": "notice", "msg": "Skipped copy as --dry-run is set", "object": "a/b", "skipped": "copy", "size": 12}
LISTED = [{"Path": "a", "Name": "a", "Size": 3, "IsDir": False, "ModTime": "2026-01-01T00:00:00Z"}]
PARAMS = {
    "name": "data", "role": "source-data", "resource_type": "rclone", "config": None,
    "remote_origin": "remote:bucket/x",
    "master": "remote", "sync_mode": "copy", "size_only": False, "compute_hash": False, "export": False,
    "global_local_path": "/x", "relative_local_path": "data", "imported": False,
}  # fmt: skip


@dataclass
class Report:
    output: bytes
    status: int = 0


class Said:
    """An rclone that says something."""

    def __init__(self, output: bytes) -> None:
        self.output = output

    def run(self, *_arguments: Any, **_options: Any) -> Report:
        return Report(self.output)

    def read(self, *_arguments: Any, **_options: Any) -> bytes:
        return self.output

    def error(self, *_arguments: Any) -> ToolError:
        return ToolError("x")


@fuzz
@given(random=randoms)
def test_events(random: Random) -> None:
    plan = Plan()
    for _ in range(3):
        event = parsed_or_refused(parse_event, damaged_json(random, EVENT))
        parsed_or_refused(plan.take, event)
    plan.changes()
    parsed_or_refused(parse_event, damaged_bytes(random, b"2026/01/01 00:00:00 ERROR : a: b\n"))


@fuzz
@given(random=randoms)
def test_listings(random: Random) -> None:
    files = RemoteFiles("it", Said(damaged_json(random, LISTED)), parse_address("r:p"))  # type: ignore[arg-type]
    parsed_or_refused(files.list_infos, "")
    one = RemoteFiles("it", Said(damaged_json(random, LISTED[0])), parse_address("r:p"))  # type: ignore[arg-type]
    parsed_or_refused(one.find, "a")
    parsed_or_refused(count_files, Said(damaged_json(random, {"count": 1, "bytes": 2})), "r:p")


@fuzz
@given(random=randoms)
def test_configurations(random: Random) -> None:
    sections = {"remote": {"type": "s3", "endpoint": "https://x"}, "over": {"type": "crypt", "remote": "remote:x"}}
    said = damaged_json(random, sections)

    def read() -> None:
        original = configuration.Rclone
        configuration.Rclone = lambda _config: Said(said)  # type: ignore[assignment,misc]
        try:
            found = configuration.read_sections(Path("rclone.conf"))
        finally:
            configuration.Rclone = original  # type: ignore[misc]
        check_sections(found, Path("rclone.conf"))
        digest(found)

    parsed_or_refused(read)


@fuzz
@given(random=randoms)
def test_resources(random: Random, tmp_path_factory: Any) -> None:
    params = damaged(random, PARAMS)
    if not isinstance(params, dict) or not all(isinstance(params.get(k), str) for k in ("name", "role")):
        return
    workspace = MemoryWorkspace(tmp_path_factory.mktemp("ws"), factories={"rclone": FACTORY})
    workspace.write_resource_params({**params, "resource_type": "rclone"})
    local = damaged(random, {"my_local_path": "/x", "my_config": "/y", "agreed": "remote:bucket/x"})
    if isinstance(local, dict):
        workspace.write_resource_local_params(params["name"], local)

    def make() -> None:
        resource = workspace.get_resource(params["name"])
        json.dumps(resource.get_params())
        resource.describe_params()

    parsed_or_refused(make)
