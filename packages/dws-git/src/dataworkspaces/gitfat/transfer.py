"""Objects go to the remote, and come from it, by rsync."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from dataworkspaces.errors import ConfigurationError, ToolError
from dataworkspaces.gitfat.placeholder import Placeholder
from dataworkspaces.gitfat.remote import FatRemote
from dataworkspaces.gitfat.store import ObjectStore, sha1_of

Progress = Callable[[str, "int | None", str], AbstractContextManager[Callable[[int], None]]]
"""Called with a description, a total and a unit."""

_SOME_FAILED = 23
"""Rsync's exit status if some files could not be had; which ones is seen by what arrived."""
_PERCENT_RE = re.compile(rb"\s(\d{1,3})%\s")
_PARTIAL = ".partial"


def check_programs(remote: FatRemote | None = None) -> None:
    """Raise ConfigurationError if rsync, or ssh if it is needed, is missing."""
    if shutil.which("rsync") is None:
        raise ConfigurationError("git-fat needs the program rsync", hint="Install rsync, and try again")
    if remote is not None and remote.is_ssh and shutil.which("ssh") is None:
        raise ConfigurationError(f"git-fat needs the program ssh for {remote.describe()}", hint="Install OpenSSH")


def no_progress(description: str, total: int | None, unit: str) -> AbstractContextManager[Callable[[int], None]]:
    """For whoever shows none."""
    return nullcontext(lambda _number: None)


def send(store: ObjectStore, remote: FatRemote, wanted: Iterable[Placeholder], progress: Progress) -> list[str]:
    """Send the objects that the remote lacks, after a look at their content; returns their names.

    Raises ToolError for an object that is broken here, before anything is sent."""
    check_programs(remote)
    names = sorted({placeholder.sha1 for placeholder in wanted})
    if not names:
        return []
    source, target = f"{store.objects}/", _directory(remote)
    listing = ["--dry-run", "--out-format=%n", "--ignore-existing"]
    output = _rsync(remote, listing, names, source, target, no_progress, "Asking")
    lacking = sorted(set(output.decode("ascii", "replace").split()) & set(names))
    for name in lacking:
        if sha1_of(store.path(name)) != name:
            raise ToolError(
                f"The object {store.path(name)} is broken: its content does not match its name",
                hint="Remove it, then add or pull the file again; 'git fat verify' checks all objects",
            )
    if lacking:
        _rsync(remote, ["--ignore-existing"], lacking, source, target, progress, "Sending large files")
    return lacking


def receive(
    store: ObjectStore, remote: FatRemote, wanted: Iterable[Placeholder], progress: Progress
) -> tuple[list[str], list[str]]:
    """Fetch objects; each is put in its place once its content is known to be what its name says.

    Returns the names of those that are in place now, and of those that the remote lacks or holds broken."""
    check_programs(remote)
    missing = {placeholder.sha1: placeholder for placeholder in wanted}
    if not missing:
        return [], []
    store.incoming.mkdir(parents=True, exist_ok=True)
    options = [f"--partial-dir={_PARTIAL}", "--ignore-times", "--no-links"]
    _rsync(
        remote, options, sorted(missing), _directory(remote), f"{store.incoming}/", progress, "Fetching large files",
        ok=(0, _SOME_FAILED),
    )  # fmt: skip
    taken = [name for name, placeholder in sorted(missing.items()) if store.take(store.incoming / name, placeholder)]
    return taken, sorted(set(missing) - set(taken))


def _directory(remote: FatRemote) -> str:
    return remote.location if remote.location.endswith("/") else f"{remote.location}/"


def _rsync(
    remote: FatRemote,
    options: Sequence[str],
    names: Sequence[str],
    source: str,
    target: str,
    progress: Progress,
    doing: str,
    ok: Sequence[int] = (0,),
) -> bytes:
    command = ["rsync", "--times", "-s", "--files-from=-", "--from0", "--info=progress2", *remote.options]
    if remote.is_ssh:
        # Rsync splits this at blanks, and knows quotes; what we add has neither.
        shell = [os.environ.get("GIT_SSH_COMMAND") or "ssh"]
        shell += ["-p", str(remote.port)] if remote.port else []
        shell += ["-l", remote.user] if remote.user else []
        command += ["-e", " ".join(shell)]
    command += [*options, "--", source, target]
    if "--dry-run" in options:
        command.remove("--info=progress2")
    pipe = subprocess.PIPE
    with (
        progress(doing, 100, "%") as advance,
        subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe) as process,
    ):
        output, error = _talk(process, b"".join(name.encode("ascii") + b"\0" for name in names), advance)
    if process.returncode not in ok:
        said = error.decode("utf-8", "replace").strip()
        lines = [line for line in said.splitlines() if line.strip() and not line.startswith("rsync error")]
        raise ToolError(
            f"{doing} failed at {remote.describe()}: {lines[0] if lines else f'rsync ended with {process.returncode}'}",
            output=said,
            hint="Check that the remote in .gitfat is right and reachable, and that you may read and write there",
        )
    return output


def _talk(process: subprocess.Popen[bytes], text: bytes, advance: Callable[[int], None]) -> tuple[bytes, bytes]:
    """Give rsync the names, watch its progress, and return what it writes."""
    from threading import Thread

    said: list[bytes] = []
    stdin, stdout, stderr = process.stdin, process.stdout, process.stderr
    if stdin is None or stdout is None or stderr is None:
        raise TypeError("rsync has to be started with pipes")

    def write() -> None:
        try:
            stdin.write(text)
            stdin.close()
        except OSError:
            pass  # rsync has ended, and says why

    threads: list[Any] = [
        Thread(target=write, daemon=True),
        Thread(target=lambda: said.append(stderr.read()), daemon=True),
    ]
    for thread in threads:
        thread.start()
    output: list[bytes] = []
    shown = 0
    while chunk := stdout.read1(65536):  # type: ignore[attr-defined]
        output.append(chunk)
        percents = _PERCENT_RE.findall(chunk)
        if percents and int(percents[-1]) > shown:
            advance(int(percents[-1]) - shown)
            shown = int(percents[-1])
    for thread in threads:
        thread.join()
    return b"".join(output), b"".join(said)


def remove_incoming(store: ObjectStore) -> None:
    """Forget what a transfer that did not end has left."""
    shutil.rmtree(store.incoming, ignore_errors=True)
