"""Sending and fetching many small files at S3, as over a network: beside rclone's copy and DVC.

The server is the SeaweedFS of the tests, 50 ms away (`delay.py`). In each round all files are new, so that all of them
are sent; what is sent first is what the fetches get. DVC and we note beforehand what is there, which is not timed.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

from .harness import Contestant, Row, race
from .local_files import make_tree
from .peers import PeerMissing, dvc_with_s3
from .s3 import DELAY, DWS, at_a_distance, s3_server
from .sandbox import Settings, Shell

GROUP = "s3-transfers"
FILE_SIZE, DIRECTORIES, ROUNDS = 4096, 100, 2
BUCKET = "transfers"
RATIOS = {"rclone": 0.5, "dvc": 0.25}
"""What ours may take, at most, of what a peer takes."""


def rows(settings: Settings) -> Iterator[Row]:
    if shutil.which("rclone", path=settings.ours.shell(settings.work, settings.work / "home").env["PATH"]) is None:
        raise PeerMissing("rclone is not installed")
    with s3_server(settings.work / "server") as server:
        server.client().create_bucket(Bucket=BUCKET)
        with at_a_distance(server.port, DELAY) as url:
            env = {**server.environment, "AWS_ENDPOINT_URL": url}
            env.pop("FSSPEC_S3_ENDPOINT_URL")
            ours = _Ours(settings, env)
            for peer in (_Rclone(settings, env, url), _Dvc(settings, env)):
                few = min(settings.rounds, ROUNDS)
                what = f"{settings.files:,} small files, {DELAY * 1000:.0f} ms away"
                for doing, get in (("push", _pushing), ("fetch", _fetching)):
                    a, b = race(get(ours), get(peer), few, warm_up=False)
                    ratio = RATIOS[peer.name] if doing == "push" or peer.name == "rclone" else None
                    yield Row(GROUP, f"{doing} of {what} : {peer.name}", a, b, ratio_at_most=ratio)


class _Side:
    """Somebody who has a directory of files, and sends it."""

    name = ""

    def __init__(self, settings: Settings, shell: Shell) -> None:
        self.settings, self.shell = settings, shell
        shell.cwd.mkdir()

    def renew(self, _round: int) -> None:
        shutil.rmtree(self.shell.cwd / "data", ignore_errors=True)
        make_tree(self.shell.cwd / "data", self.settings.files, FILE_SIZE, DIRECTORIES)
        self.note()

    def note(self) -> None: ...

    def push(self, number: int) -> None:
        raise NotImplementedError

    def empty(self, _round: int) -> None:
        shutil.rmtree(self.copy, ignore_errors=True)

    def fetch(self, number: int) -> None:
        raise NotImplementedError

    @property
    def copy(self) -> Path:
        return self.settings.work / f"copy-of-{self.name}"


class _Ours(_Side):
    name = "ours"

    def __init__(self, settings: Settings, env: dict[str, str]) -> None:
        shell = settings.ours.shell(settings.work / "ours", settings.work / "home-ours").with_env(**env)
        super().__init__(settings, shell)
        self.hub = settings.work / "hub.git"
        shell("git", "init", "--quiet", "--bare", str(self.hub))
        shell(*DWS, "init", "--hostname", "h", "ws")
        (shell.cwd / "data").mkdir()
        shell(*DWS, "add", "local-files", "--role", "source-data", "--remote", f"s3://{BUCKET}/ours", "data")
        shell(*DWS, "publish", str(self.hub))

    def note(self) -> None:
        self.shell(*DWS, "snapshot")

    def push(self, _round: int) -> None:
        self.shell(*DWS, "push")

    def fetch(self, _round: int) -> None:
        self.shell(*DWS, "clone", "--trust", str(self.hub), str(self.copy))


class _Rclone(_Side):
    name = "rclone"

    def __init__(self, settings: Settings, env: dict[str, str], url: str) -> None:
        shell = settings.ours.shell(settings.work / "rclone", settings.work / "home-rclone").with_env(
            **env, RCLONE_CONFIG_S3_TYPE="s3", RCLONE_CONFIG_S3_PROVIDER="Other", RCLONE_CONFIG_S3_ENDPOINT=url,
            RCLONE_CONFIG_S3_ENV_AUTH="true", RCLONE_CONFIG_S3_REGION="us-east-1",
        )  # fmt: skip
        super().__init__(settings, shell)
        self._sent = ""

    def push(self, number: int) -> None:
        self._sent = f"s3:{BUCKET}/rclone/{number}"
        self.shell("rclone", "copy", "--transfers", "32", "data", self._sent)

    def fetch(self, _round: int) -> None:
        self.shell("rclone", "copy", "--transfers", "32", self._sent, str(self.copy))


class _Dvc(_Side):
    name = "dvc"

    def __init__(self, settings: Settings, env: dict[str, str]) -> None:
        tool = dvc_with_s3(settings)
        super().__init__(settings, tool.shell(settings.work / "dvc", settings.work / "home-dvc").with_env(**env))
        self.shell("git", "init", "--quiet")
        self.shell("dvc", "init", "--quiet")
        self.shell("dvc", "remote", "add", "--default", "far", f"s3://{BUCKET}/dvc")
        self.shell("dvc", "remote", "modify", "far", "endpointurl", env["AWS_ENDPOINT_URL"])

    def note(self) -> None:
        self.shell("dvc", "add", "--quiet", "data")

    def push(self, _round: int) -> None:
        self.shell("dvc", "push", "--quiet")

    def empty(self, _round: int) -> None:
        shutil.rmtree(self.shell.cwd / ".dvc" / "cache", ignore_errors=True)
        shutil.rmtree(self.shell.cwd / "data", ignore_errors=True)

    def fetch(self, _round: int) -> None:
        self.shell("dvc", "pull", "--quiet")


def _pushing(side: _Side) -> Contestant:
    return Contestant(f"{side.name} push", side.push, side.renew)


def _fetching(side: _Side) -> Contestant:
    return Contestant(f"{side.name} fetch", side.fetch, side.empty)
