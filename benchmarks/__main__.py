"""`python -m benchmarks [ROW...]`, with the Python in which the distributions are installed.

Ends with status 1 if a target is missed or something could not be measured."""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from datetime import datetime, timezone
from pathlib import Path

from . import (
    autolog,
    checkout,
    cluster,
    collaboration,
    experiments,
    flushing,
    kept_bytes,
    keras_kit,
    local_files,
    many_resources,
    many_snapshots,
    many_steps,
    million,
    quickstart,
    rclone,
    reproduce,
    s3,
    s3_transfers,
    startup,
    web,
)
from .harness import Row, as_json, table
from .peers import PeerMissing
from .sandbox import CommandFailed, Settings, Tool

ROWS: dict[str, Callable[[Settings], Iterator[Row]]] = {
    "startup": startup.rows,
    "quickstart": quickstart.rows,
    "many-snapshots": many_snapshots.rows,
    "many-resources": many_resources.rows,
    "many-steps": many_steps.rows,
    "collaboration": collaboration.rows,
    "keras": keras_kit.rows,
    "autolog": autolog.rows,
    "local-files": local_files.rows,
    "million": million.rows,
    "kept-bytes": kept_bytes.rows,
    "checkout": checkout.rows,
    "reproduce": reproduce.rows,
    "experiments": experiments.rows,
    "cluster": cluster.rows,
    "flushing": flushing.rows,
    "rclone": rclone.rows,
    "s3": s3.rows,
    "s3-transfers": s3_transfers.rows,
    "web": web.rows,
}


def main() -> int:
    arguments = _arguments()
    ours = Tool("ours", Path(sys.executable).parent)
    if not (ours.bin / "dws").exists():
        sys.exit(f"There is no dws beside {sys.executable}: run this with the Python of an environment that has it")
    rows: list[Row] = []
    failures: list[str] = []
    for name in arguments.rows or ROWS:
        with tempfile.TemporaryDirectory(prefix=f"dws-{name}-", dir=arguments.work) as work:
            settings = Settings(
                ours=ours,
                work=Path(work).resolve(),
                cache=arguments.cache,
                python39=arguments.python39,
                rounds=arguments.rounds,
                snapshots=arguments.snapshots,
                steps=arguments.steps,
                files=arguments.files,
                many_files=arguments.many_files,
                large_size=arguments.large_size,
            )
            try:
                for row in ROWS[name](settings):
                    print(f"{row.group}: {row.operation}: {row.ratio:.2f}", flush=True)
                    rows.append(row)
            except (PeerMissing, CommandFailed) as error:
                failures.append(f"{name}: {error}")
    if rows:
        print(f"\n{table(rows)}\n")
        print("Times: minimum (median). Ratios, ours to peer: of the minima (of the medians), of the least CPU time.")
    print("".join(f"\nNot done: {failure}" for failure in failures))
    if arguments.json:
        arguments.json.write_text(as_json(rows, _about()))
    return 1 if failures or any(row.missed for row in rows) else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "dws-benchmarks"
    parser.add_argument("rows", metavar="ROW", nargs="*", help=f"of {', '.join(ROWS)}; default: all")
    parser.add_argument("--rounds", type=int, default=10, help="how often each side runs (default: %(default)s)")
    parser.add_argument("--snapshots", type=int, default=10_000, help="how many are many (default: %(default)s)")
    parser.add_argument("--steps", type=int, default=10_000, help="how many are many (default: %(default)s)")
    parser.add_argument(
        "--files", type=int, default=local_files.FILES, help="of a tree of files; 0: none (default: %(default)s)"
    )
    parser.add_argument(
        "--many-files", type=int, default=local_files.MANY_FILES, help="of a large tree; 0: none (default: %(default)s)"
    )
    parser.add_argument(
        "--large-size", type=int, default=local_files.LARGE_SIZE, metavar="BYTES",
        help="of a large file; 0: none (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all that was measured to FILE")
    parser.add_argument("--cache", type=Path, default=cache, help="for environments of peers (default: %(default)s)")
    parser.add_argument("--python39", type=Path, help="Python 3.9 for release 1.6.0 (default: one that is found)")
    parser.add_argument("--work", type=Path, help="where to make workspaces (default: the system's place)")
    arguments = parser.parse_args()
    unknown = set(arguments.rows) - set(ROWS)
    if unknown:
        parser.error(f"no such row: {', '.join(sorted(unknown))}; there are {', '.join(ROWS)}")
    if arguments.rounds < 1 or arguments.snapshots < many_snapshots.FEW:
        parser.error(f"--rounds is at least 1, --snapshots at least {many_snapshots.FEW}")
    return arguments


def _about() -> dict[str, str]:
    return {
        "when": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "git": subprocess.run(["git", "--version"], capture_output=True, text=True).stdout.strip(),
        "machine": f"{platform.platform()}, {os.cpu_count()} cores",
    }


if __name__ == "__main__":
    sys.exit(main())
