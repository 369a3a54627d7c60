"""How git is started, whatever is known of the repository; :mod:`.run` asks that first.

Everything that comes from outside (paths, hashes, URLs) is passed behind ``--`` or checked before; path
specifications are literal. Git finds no hooks (an automatic commit must not depend on them), and never pages or asks
in a terminal of its own. In a repository out of somebody's archive it only reads: see :mod:`.restraint`.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from dataworkspaces.errors import ToolError
from dataworkspaces.gitrepo.checks import without_passwords
from dataworkspaces.gitrepo.layout import git_directory
from dataworkspaces.gitrepo.pipes import check_no_pipes, is_a_pipe, pipe_with_reader
from dataworkspaces.toolbox.logs import log

if TYPE_CHECKING:
    import subprocess

    from dataworkspaces.gitrepo.restraint import Restraint

LEAKING = frozenset((
    # `git rev-parse --local-env-vars`, but for the variables by which users configure git
    "GIT_DIR", "GIT_WORK_TREE", "GIT_IMPLICIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_COMMON_DIR",
    "GIT_OBJECT_DIRECTORY", "GIT_CONFIG", "GIT_GRAFT_FILE", "GIT_NO_REPLACE_OBJECTS", "GIT_REPLACE_REF_BASE",
    "GIT_SHALLOW_FILE", "GIT_NAMESPACE", "GIT_QUARANTINE_PATH", "GIT_INTERNAL_SUPER_PREFIX",
    # what git takes paths and attributes for
    "GIT_LITERAL_PATHSPECS", "GIT_GLOB_PATHSPECS", "GIT_NOGLOB_PATHSPECS", "GIT_ICASE_PATHSPECS", "GIT_ATTR_SOURCE",
    # what git writes, and what it leaves out
    "GIT_EXTERNAL_DIFF", "GIT_DIFF_OPTS", "GIT_LFS_SKIP_SMUDGE",
))  # fmt: skip
"""Set when we are called from a git hook or alias, or by a user who works with git by hand; they would send our calls
to another repository, or change what they do."""

_TRACE = r"\d\d:\d\d:\d\d\.\d{6} "
"""How lines begin that GIT_TRACE asks for."""
PATIENCE = 5.0
"""Seconds before we look for what git may be waiting for; then twice as many, and so on."""
_PIPE_TAKES = 4096
"""Bytes that can always be written into an empty pipe without waiting for its reader."""
_SAFE_DIRECTORY = r"(?m)^\s*git config --global --add safe\.directory .+$"
_OPTIONS = (
    "--literal-pathspecs", "--no-pager", "-c", "core.hooksPath=/dev/null", "-c", "core.quotePath=false",
    "-c", "advice.addEmbeddedRepo=false", "-c", "gc.auto=0", "-c", "maintenance.auto=false",
    "-c", "protocol.ext.allow=never", "-c", "safe.bareRepository=explicit",
    # what is read from git's output, and commit messages, must be the same whatever the user's configuration says
    "-c", "color.ui=false", "-c", "log.showSignature=false", "-c", "i18n.commitEncoding=utf-8",
    # git refuses files of ours, too, whose line ends a checkout would change
    "-c", "core.safecrlf=false",
)  # fmt: skip
_PLACES = ("GIT_DIR", "GIT_WORK_TREE", "GIT_COMMON_DIR", "GIT_INDEX_FILE")
_DURABLE = ("-c", "core.fsync=all", "-c", "core.fsyncMethod=batch")
"""Git has on disk what it writes when it ends: objects, index, references. From git 2.36 on; older ones ignore it."""
_THROWN_AWAY = ("-c", "core.fsync=none")
_INDEX_THROWN_AWAY = ("-c", "core.fsync=all,-index", "-c", "core.fsyncMethod=batch")


def run(
    directory: Path,
    arguments: Sequence[str | bytes],
    *,
    stdin: bytes | None = None,
    ok: Collection[int] = (0,),
    env: Mapping[str, str] | None = None,
    doing: str | None = None,
    restraint: Restraint | None = None,
) -> subprocess.CompletedProcess[bytes]:
    """Run git in ``directory`` and return what it wrote.

    Raises ToolError if its exit status is not in ``ok``; ``doing`` says for the message what it was for."""
    with begun(directory, arguments, stdin=stdin, ok=ok, env=env, doing=doing, restraint=restraint) as result:
        return result()


@contextmanager
def begun(
    directory: Path,
    arguments: Sequence[str | bytes],
    *,
    stdin: bytes | None = None,
    ok: Collection[int] = (0,),
    env: Mapping[str, str] | None = None,
    doing: str | None = None,
    restraint: Restraint | None = None,
) -> Iterator[Callable[[], subprocess.CompletedProcess[bytes]]]:
    """A git that has been started, for somebody who does something else meanwhile: waits for it, and returns what
    :func:`run` does. To be called once."""
    import subprocess

    from dataworkspaces.gitrepo.child import Child

    command, environment = invocation(directory, arguments, env or {}, restraint)
    started = time.time()
    pipe, standard_input = subprocess.PIPE, None if stdin is None else subprocess.PIPE
    try:
        process = Child(command, cwd=directory, stdin=standard_input, stdout=pipe, stderr=pipe, env=environment)
    except FileNotFoundError as e:
        raise not_started(directory) from e

    def result() -> subprocess.CompletedProcess[bytes]:
        found = _finish(process, stdin, directory)
        if found.returncode not in ok:
            error = without_passwords(found.stderr.decode("utf-8", "replace").strip())
            what = doing or f"git {os.fsdecode(arguments[0])}"
            said, hint = explain(error)
            raise ToolError(f"{what} failed in {directory}: {said}", output=error, hint=hint)
        return found

    with process:
        try:
            yield result
        except BaseException:
            if process.returncode is None:
                end(process)
            if process.returncode < 0:
                _remove_lock_of_killed(directory, started)
            raise


def end(process: subprocess.Popen[bytes]) -> None:
    """End a git, with what it has started: an ssh that outlives it holds its streams, and whoever closes them waits for
    it."""
    import psutil

    below: list[psutil.Process] = []
    with suppress(psutil.Error):
        below = psutil.Process(process.pid).children(recursive=True)
    process.kill()
    for child in below:
        with suppress(psutil.Error):
            child.terminate()
    process.wait()


def _finish(
    process: subprocess.Popen[bytes], stdin: bytes | None, directory: Path
) -> subprocess.CompletedProcess[bytes]:
    """What git wrote, however long it takes; if it waits for the other end of a named pipe, for ever, it is ended, and
    a ConfigurationError says so."""
    import subprocess

    pipe: str | None = None
    patience = PATIENCE
    if stdin is not None and len(stdin) > _PIPE_TAKES:
        _write_beside(process, stdin)
        stdin = None
    with ExitStack() as other_ends:
        while True:
            try:
                out, error = process.communicate(stdin, patience)
                break
            except subprocess.TimeoutExpired:
                stdin, patience = None, patience * 2  # it has been written
                if pipe is not None:
                    process.kill()
                elif (found := pipe_with_reader(directory)) is not None:
                    pipe, other_end = found
                    other_ends.callback(os.close, other_end)
                    process.terminate()  # on which git removes its locks
                    patience = PATIENCE
    if pipe is not None:  # also where git was done before it could be ended: the next one would wait again
        raise is_a_pipe(pipe)
    return subprocess.CompletedProcess(process.args, process.returncode, out, error)


def _write_beside(process: subprocess.Popen[bytes], data: bytes) -> None:
    """In a thread: ``communicate`` forgets what it has not yet written by the time that it is called again."""
    import threading

    assert process.stdin is not None
    stream, process.stdin = process.stdin, None

    def write() -> None:
        with suppress(OSError), stream:  # git may end before it has read everything
            stream.write(data)

    threading.Thread(target=write, daemon=True).start()


def start(directory: Path, arguments: Sequence[str], restraint: Restraint | None) -> subprocess.Popen[bytes]:
    """A git process to which its questions are written while it runs. What it says on its standard error is lost."""
    import subprocess

    pipe = subprocess.PIPE
    command, environment = invocation(directory, arguments, {}, restraint)
    try:
        return subprocess.Popen(
            command, cwd=directory, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, env=environment
        )
    except FileNotFoundError as e:
        raise not_started(directory) from e


def place_given_by_git() -> dict[str, str]:
    """Where git says, to a program that it calls, that the repository is."""
    return {name: os.environ[name] for name in _PLACES if name in os.environ}


def _what_to_flush(env: Mapping[str, str]) -> Sequence[str]:
    """Of an index or objects in a temporary directory nothing has to survive."""
    if "GIT_OBJECT_DIRECTORY" in env:
        return _THROWN_AWAY
    return _INDEX_THROWN_AWAY if "GIT_INDEX_FILE" in env else _DURABLE


def invocation(
    directory: Path, arguments: Sequence[str | bytes], env: Mapping[str, str], restraint: Restraint | None = None
) -> tuple[list[str | bytes], dict[str, str]]:
    """Git's command line with its options, and all variables for it. Raises RefusedError for what it may not do where
    nobody has agreed to the repository's configuration."""
    check_no_pipes(directory)
    log.debug("in %s: git %s", directory, without_passwords(" ".join(os.fsdecode(a) for a in arguments)))
    command: list[str | bytes] = ["git", *_OPTIONS, *_what_to_flush(env)]
    environment = {k: v for k, v in os.environ.items() if k not in LEAKING}
    environment.update(LC_ALL="C", LANGUAGE="C", GIT_TERMINAL_PROMPT="0", GIT_EDITOR="true")
    environment.update(env)
    if restraint is not None:
        restraint.check(arguments, env)
        command += restraint.options()
        environment.update(restraint.environment())
    return [*command, *arguments], environment


def not_started(directory: Path) -> ToolError:
    if not directory.is_dir():
        return ToolError(f"{directory} is not a directory, so git cannot work in it")
    return ToolError("The program 'git' was not found", hint="Install git, and make sure that it is on the PATH")


def explain(error: str) -> tuple[str, str | None]:
    """What git's standard error says, in one line, and what may be done about it."""
    return _first_line(without_passwords(error)), _hint(error)


def _remove_lock_of_killed(directory: Path, started: float) -> None:
    """Git removes its lock in the end, but not if a signal that it cannot catch ended it (a file size limit, say)."""
    git_dir = git_directory(directory)
    lock = None if git_dir is None else git_dir / "index.lock"
    with suppress(OSError):
        if lock is not None and lock.stat().st_mtime >= started - 1:
            lock.unlink()


def _first_line(error: str) -> str:
    lines = [line.strip() for line in error.splitlines() if line.strip()]
    lines = [line for line in lines if not re.match(_TRACE, line)] or lines
    for line in lines:
        if line.startswith(("fatal:", "error:")):
            return line.partition(":")[2].strip()
    return lines[0] if lines else "git printed nothing"


def _hint(error: str) -> str | None:
    if (remedy := re.search(_SAFE_DIRECTORY, error)) is not None:
        return f"If you trust its owner: {remedy[0].strip()}"
    if "failed to sign" in error:
        return "Git signs commits here (commit.gpgSign). Check whether 'git commit' works by hand"
    if "index.lock" in error or ".lock': File exists" in error:
        return "Another git command is running in this repository; if none is, remove the lock file that git names"
    if "No space left" in error:
        return "Free some disk space and try again"
    if "terminal prompts disabled" in error or "could not read Password" in error:
        return "Let git store the password: see 'git help credentials'"
    if "Host key verification failed" in error:
        return "Connect once with ssh by hand, and accept the host key if it is the right one"
    return None
