"""How many bytes do versions need, here and at a remote?

Of a large file of which a hundredth is written anew, in ten places: what the second version needs, against that
hundredth. Of many small text files: what the store needs, against their size. Nothing of this depends on what else the
machine does.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from pathlib import Path

from .harness import Row, Sample
from .local_files import MANY_DIRECTORIES, MANY_FILES, Dws, clear_aside, put_aside
from .sandbox import Settings

GROUP = "kept bytes"
_PLACES = 10
_TEXT_BYTES = 1000


def rows(settings: Settings) -> Iterator[Row]:
    if settings.large_size:
        yield from _large(settings)
    if settings.many_files:
        yield _texts(settings)


def _large(settings: Settings) -> Iterator[Row]:
    """1.4 of the hundredth is 60 MiB of 4 GiB."""
    model = settings.work / "large"
    model.mkdir()
    with (model / "large.bin").open("wb") as file:
        for _ in range(settings.large_size >> 24):
            file.write(os.urandom(16 << 20))
    remote, origin = settings.work / "remote", settings.work / "origin.git"
    ours = Dws(settings, settings.ours, "ours, restorable", model, "--restorable", "--remote", remote.as_uri())
    ours.start()
    ours.keep(0)
    ours.shell("git", "init", "--quiet", "--bare", str(origin))
    ours.shell("dws", "--batch", "publish", str(origin))
    places = (ours.root / "ws/.dataworkspace/objects", remote)
    before = [size_below(place) for place in places]
    changed = _change(ours.data / "large.bin")
    ours.keep(1)
    ours.shell("dws", "--batch", "push")
    for place, size, what in zip(places, before, ("kept", "sent to a remote"), strict=True):
        more = Sample("ours", (float(size_below(place) - size),))
        peer = Sample("what was written", (float(changed),))
        yield Row(
            GROUP, f"a large file of which 1 % changed, bytes {what}", more, peer, unit="bytes", ratio_at_most=1.4
        )
    for tree in (ours.root, remote, model):
        put_aside(settings, tree)
    clear_aside(settings)


def _change(path: Path) -> int:
    """Write a hundredth of a file anew; returns how many bytes."""
    size = path.stat().st_size
    part = size // 100 // _PLACES
    with path.open("r+b") as file:
        for number in range(_PLACES):
            file.seek(number * size // _PLACES + 12_345)
            file.write(os.urandom(part))
    return part * _PLACES


def _texts(settings: Settings) -> Row:
    model = settings.work / "texts"
    size = make_texts(model, settings.many_files, max(1, settings.many_files // (MANY_FILES // MANY_DIRECTORIES)))
    ours = Dws(settings, settings.ours, "ours, restorable", model, "--restorable")
    ours.start()
    ours.keep(0)
    kept = Sample("ours", (float(size_below(ours.root / "ws/.dataworkspace/objects")),))
    for tree in (ours.root, model):
        put_aside(settings, tree)
    clear_aside(settings)
    return Row(
        GROUP, f"{settings.many_files:,} small text files, bytes kept : their size",
        kept, Sample("their size", (float(size),)), unit="bytes", ratio_at_most=0.4,
    )  # fmt: skip


def make_texts(root: Path, files: int, directories: int) -> int:
    """Records of measurements as JSON, about 1 KB each, no two the same; returns how many bytes."""
    chance = random.Random(0)
    total = 0
    for number in range(directories):
        directory = root / f"dir{number:05d}"
        directory.mkdir(parents=True)
        for file in range(files // directories):
            lines = [f'{{"id": "{number:05d}-{file:05d}", "site": "{chance.choice(_SITES)}", "values": [']
            while sum(map(len, lines)) < _TEXT_BYTES:
                lines.append(f'  {{"time": {chance.randint(0, 86_400)}, "celsius": {chance.gauss(15, 8):.2f}}},')
            text = "\n".join([*lines, "]}"])
            (directory / f"record{file:05d}.json").write_text(text, encoding="utf-8")
            total += len(text)
    return total


_SITES = ("Aachen", "Bergen", "Catania", "Delft", "Espoo", "Faro", "Graz", "Hilo")


def size_below(root: Path) -> int:
    return sum(path.stat().st_size for path in root.rglob("*") if path.is_file())
