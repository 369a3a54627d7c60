"""S3: a snapshot of a bucket with many keys, and reading many small files through `dws://`.

The server is the SeaweedFS of the tests. Each round writes one object, so that there is something to record, and lets
the resource go from its snapshot. Once requests go straight to the server, once as over a network (`delay.py`), and
once to a server far away that has nothing to do (`s3_canned.py`).
"""

from __future__ import annotations

import importlib
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

from .delay import LOOPBACK
from .harness import Contestant, Row, Sample, race
from .peers import PeerMissing, release_1_6_with_s3
from .sandbox import Settings, Shell

GROUP = "s3"
KEYS, DELAY, SMALL_FILES = (20_000, 100_000), 0.05, 1000
RATIOS = {0.0: {"release 1.6.0": 1.0}, DELAY: {"release 1.6.0": 0.5, "one listing": 0.25}}
"""Without a delay, and with it: what ours may take, at most, of what a peer takes."""
TESTS = Path(__file__).parents[1] / "tests"
DWS = ("dws", "--batch")
LIST = """
import boto3
pages = boto3.client("s3").get_paginator("list_object_versions").paginate(Bucket="{bucket}")
print(sum(len(page["Versions"]) for page in pages))
"""
PEAK = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""
READ = """
import sys, fsspec
fs = fsspec.filesystem(sys.argv[1])
print(len(fs.cat([sys.argv[2] + f"/small/{n:04}" for n in range(int(sys.argv[3]))])))
"""


def rows(settings: Settings) -> Iterator[Row]:
    with s3_server(settings.work / "server") as server:
        for count in KEYS[:1] if settings.many_files == 0 else KEYS:
            bucket = Bucket(server.client(), f"bucket-{count}")
            bucket.fill(count)
            for delay in RATIOS:
                with at_a_distance(server.port, delay) as url:
                    yield from _snapshots(settings, server, bucket, count, url, delay)
        yield from _memory(settings, server)
        yield from _reading(settings, server)
    yield from _without_its_work(settings)


def _without_its_work(settings: Settings) -> Iterator[Row]:
    """Against a server that only waits (`s3_canned.py`), so that the rounds count and not who has the cores."""
    port = importlib.import_module("servers").free_port()
    url = f"http://{LOOPBACK}:{port}"
    env = {
        "AWS_ACCESS_KEY_ID": "k", "AWS_SECRET_ACCESS_KEY": "s", "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true", "AWS_ENDPOINT_URL": url,
    }  # fmt: skip
    with _running("benchmarks.s3_canned", str(port), str(DELAY), str(KEYS[0])):
        ours = _workspace(settings, settings.ours.shell, "ours-canned", env, "canned")
        listing = settings.ours.shell(settings.work, settings.work / "home").with_env(**env)

        def change(number: int) -> None:
            content = f"{number} {time.time()}".encode()
            with urlopen(Request(f"{url}/canned/changed", content, method="PUT")):
                _unpin(ours)

        peer = Contestant("one listing", lambda _round: listing(sys.executable, "-c", LIST.format(bucket="canned")))
        mine = Contestant("ours", lambda _round: ours(*DWS, "snapshot"), change)
        a, b = race(mine, peer, rounds=settings.rounds)
        operation = f"snapshot of {KEYS[0]:,} keys, {DELAY * 1000:.0f} ms away, of a server that only waits"
        yield Row(GROUP, operation, a, b, ratio_at_most=RATIOS[DELAY]["one listing"])


class Bucket:
    def __init__(self, client: Any, name: str) -> None:
        self.client, self.name = client, name
        client.create_bucket(Bucket=name)
        client.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})

    def fill(self, count: int) -> None:
        """With small objects in 100 directories."""
        with ThreadPoolExecutor(16) as pool:
            list(pool.map(lambda n: self.put(f"d{n % 100:02}/f{n:06}"), range(count)))

    def put(self, key: str, content: bytes = b"x") -> None:
        self.client.put_object(Bucket=self.name, Key=key, Body=content)


def _snapshots(settings: Settings, server: Any, bucket: Bucket, count: int, url: str, delay: float) -> Iterator[Row]:
    env = {**server.environment, "AWS_ENDPOINT_URL": url}
    env.pop("FSSPEC_S3_ENDPOINT_URL")
    ours = _workspace(settings, settings.ours.shell, f"ours-{count}-{delay}", env, bucket.name)
    theirs = _workspace(settings, release_1_6_with_s3(settings).shell, f"1.6-{count}-{delay}", env, bucket.name)
    listing = settings.ours.shell(settings.work, settings.work / "home").with_env(**env)

    def snapshot(shell: Shell) -> Any:
        return lambda _round: shell(*DWS, "snapshot")

    def change(shell: Shell) -> Any:
        def do(number: int) -> None:
            bucket.put("changed", f"{shell.cwd} {number} {time.time()}".encode())
            _unpin(shell)

        return do

    list_all = LIST.format(bucket=bucket.name)
    peers = (
        Contestant("release 1.6.0", snapshot(theirs), change(theirs)),
        Contestant("one listing", lambda _round: listing(sys.executable, "-c", list_all)),
    )
    far = f", {delay * 1000:.0f} ms away" if delay else ""
    for peer in peers:
        a, b = race(Contestant("ours", snapshot(ours), change(ours)), peer, rounds=min(settings.rounds, 3))
        yield Row(GROUP, f"snapshot of {count:,} keys{far}", a, b, ratio_at_most=RATIOS[delay].get(peer.name))


def _unpin(shell: Shell) -> None:
    for pin in shell.cwd.rglob("current_snapshot.txt"):
        pin.unlink()


def _workspace(settings: Settings, shell_of: Any, name: str, env: dict[str, str], bucket: str) -> Shell:
    shell: Shell = shell_of(settings.work / name, settings.work / f"home-{name}").with_env(**env)
    shell.cwd.mkdir()
    shell(*DWS, "init", "--hostname", "h", "ws")
    shell(*DWS, "add", "s3", "--role", "source-data", "--name", "objects", bucket)
    return shell


def _memory(settings: Settings, server: Any) -> Iterator[Row]:
    """What a key takes at the peak of a snapshot, beyond what the program takes: the same, however many there are."""
    if settings.many_files == 0:
        return
    used = {}
    for count in KEYS:
        shell = settings.ours.shell(settings.work / f"ours-{count}-0.0", settings.work / "home").with_env(
            **server.environment, AWS_ENDPOINT_URL=server.url
        )
        _unpin(shell)
        used[count] = _peak(shell, "snapshot") - _peak(shell, "report", "history")
    few, many = (used[count] / count for count in KEYS)
    yield Row(GROUP, f"memory a key, of {KEYS[1]:,}", Sample("ours", (many,)), Sample("of 20,000", (few,)), "B", 1.1)


def _peak(shell: Shell, *command: str) -> int:
    """The most memory that a command had, in bytes. A process in between asks: what this one has would count."""
    return 1024 * int(shell(sys.executable, "-c", PEAK, *DWS, *command))


def _reading(settings: Settings, server: Any) -> Iterator[Row]:
    bucket = Bucket(server.client(), "small-files")
    env = {**server.environment, "AWS_ENDPOINT_URL": server.url}
    shell = _workspace(settings, settings.ours.shell, "reading", env, bucket.name)
    code = shell.cwd / "code" / "small"
    code.mkdir(parents=True)
    shell(*DWS, "add", "git", "--role", "code", "code", "--name", "code")
    for number in range(SMALL_FILES):
        content = f"{number}\n".encode() * 100
        bucket.put(f"small/{number:04}", content)
        (code / f"{number:04}").write_bytes(content)
    shell(*DWS, "snapshot", "NOW")

    def read(protocol: str, place: str) -> Any:
        return lambda _round: shell(sys.executable, "-c", READ, protocol, place, str(SMALL_FILES))

    def show(_round: int) -> None:
        for number in range(SMALL_FILES):
            shell("git", "show", f"HEAD:code/small/{number:04}")

    operation = f"reading {SMALL_FILES:,} small files at a snapshot"
    a, b = race(Contestant("dws://", read("dws", "objects@NOW")), Contestant("s3fs", read("s3", bucket.name)), rounds=3)
    yield Row(GROUP, f"{operation}, of S3", a, b)
    a, b = race(Contestant("dws://", read("dws", "code@NOW")), Contestant("git show, each", show), rounds=3)
    yield Row(GROUP, f"{operation}, of git", a, b)


@contextmanager
def s3_server(directory: Path) -> Iterator[Any]:
    sys.path.append(str(TESTS))
    try:
        module: Any = importlib.import_module("s3_server")
    except ImportError as error:
        raise PeerMissing(f"the server of the tests needs the dependency group 'test': {error}") from error
    server = module.S3Server(directory)
    server.start()
    try:
        yield server
    finally:
        server.stop()


@contextmanager
def at_a_distance(port: int, delay: float) -> Iterator[str]:
    """The URL of the server at ``port``, as if it were ``delay`` seconds away."""
    if not delay:
        yield f"http://{LOOPBACK}:{port}"
        return
    free_port = importlib.import_module("servers").free_port()
    with _running("benchmarks.delay", str(free_port), str(port), str(delay)):
        yield f"http://{LOOPBACK}:{free_port}"


@contextmanager
def _running(module: str, *arguments: str) -> Iterator[None]:
    process = subprocess.Popen([sys.executable, "-m", module, *arguments])
    try:
        time.sleep(1)
        yield
    finally:
        process.kill()
        process.wait()
