"""Running git: as :mod:`.process` does, under the restraint of the repository."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from dataworkspaces.gitrepo.process import begun, run, start
from dataworkspaces.gitrepo.restraint import restraint_of

if TYPE_CHECKING:
    import subprocess
    from contextlib import AbstractContextManager


def run_git(
    directory: Path,
    arguments: Sequence[str | bytes],
    *,
    stdin: bytes | None = None,
    ok: Collection[int] = (0,),
    env: Mapping[str, str] | None = None,
    doing: str | None = None,
) -> subprocess.CompletedProcess[bytes]:
    """Run git in ``directory`` and return what it wrote.

    Raises ToolError if its exit status is not in ``ok``; ``doing`` says for the message what it was for."""
    return run(directory, arguments, stdin=stdin, ok=ok, env=env, doing=doing, restraint=restraint_of(directory))


def begun_git(
    directory: Path, arguments: Sequence[str | bytes], *, env: Mapping[str, str] | None = None
) -> AbstractContextManager[Callable[[], subprocess.CompletedProcess[bytes]]]:
    """A git that looks at something while we do something else; see :func:`.process.begun`."""
    return begun(directory, arguments, env=env, restraint=restraint_of(directory))


def start_git(directory: Path, arguments: Sequence[str]) -> subprocess.Popen[bytes]:
    """A git process to which its questions are written while it runs. What it says on its standard error is lost."""
    return start(directory, arguments, restraint_of(directory))
