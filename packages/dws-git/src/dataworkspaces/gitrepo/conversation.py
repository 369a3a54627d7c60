"""GitPython, which talks to remotes and looks into repositories; it runs git just as :mod:`.run` does.

Imported when something is sent to a remote or fetched with a progress bar, or a repository is added, and by nothing
else: to import GitPython takes longer than most of our commands. What it does not do here, and why:

- ``Repo.clone_from`` and ``Remote.create`` change the URL (a backslash in a path becomes a slash, older releases put
  environment variables in), and write the configuration of a clone anew. So git itself is told to clone.
- ``FetchInfo`` is parsed from columns for people, looks up abbreviated names, and fails with an assertion where these
  are of SHA-256. What a fetch brought is what the references say then.
- its ``Remote`` reads what comes from a remote as UTF-8, and hangs where it is none. So streams are set to take all.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from configparser import Error as ConfigError
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Lock
from typing import Any

from dataworkspaces.errors import ConfigurationError, ToolError
from dataworkspaces.gitrepo.process import LEAKING, invocation, not_started
from dataworkspaces.gitrepo.restraint import restraint_of
from dataworkspaces.gitrepo.told import PushedReference, Told

try:
    import git
except ImportError as e:  # it looks for the program at once
    raise not_started(Path("/")) from e

GitError, GitCommandNotFound = git.GitError, git.GitCommandNotFound
logging.getLogger("git").addHandler(logging.NullHandler())  # what it warns of is an error of ours, and told once
_environment_lock = Lock()

_STAGES = {
    git.RemoteProgress.RECEIVING: (0, 80),
    git.RemoteProgress.WRITING: (0, 100),
    git.RemoteProgress.RESOLVING: (80, 15),
    git.RemoteProgress.CHECKING_OUT: (95, 5),
}
"""Where on a bar each begins, and how much of it it takes."""


class SafeGit(git.Git):
    """Runs git with the options and the environment of :func:`.run.run_git`, and where nobody has agreed to a
    repository's configuration, only what reads."""

    restrained = True

    def execute(self, command: Any, *args: Any, env: Mapping[str, str] | None = None, **kwargs: Any) -> Any:
        directory = Path(self.working_dir or "/")
        given = {**self.environment(), **(env or {})}
        words, wanted = invocation(
            directory, list(command[1:]), given, restraint_of(directory) if self.restrained else None
        )
        with _without_leaking():
            done = super().execute(words, *args, env=wanted, **kwargs)
        if isinstance(done, git.Git.AutoInterrupt):
            self.process = done.proc
            for stream in (self.process.stdout, self.process.stderr):
                if hasattr(stream, "reconfigure"):
                    stream.reconfigure(encoding="utf-8", errors="backslashreplace")
        return done

    process: Any = None

    def end(self) -> None:
        """End the process that runs, if one does, with what it has started: an ssh that outlives it holds its streams,
        and whoever closes them waits for it."""
        import psutil

        if self.process is None or self.process.poll() is not None:
            return
        below: list[psutil.Process] = []
        with suppress(psutil.Error):
            below = psutil.Process(self.process.pid).children(recursive=True)
        self.process.terminate()
        for process in below:
            with suppress(psutil.Error):
                process.terminate()
        self.process.wait()


class SafeRepo(git.Repo):
    GitCommandWrapperType = SafeGit


@contextmanager
def open_repository(root: Path) -> Iterator[SafeRepo]:
    """Raises ConfigurationError for what is no repository that GitPython knows."""
    try:
        with _without_leaking():
            repo = SafeRepo(root, expand_vars=False)
    except (git.InvalidGitRepositoryError, git.NoSuchPathError) as e:
        raise ConfigurationError(f"{root} is not the root of a git repository") from e
    with repo:
        yield repo


@contextmanager
def _without_leaking() -> Iterator[None]:
    """GitPython adds to our environment, and takes nothing away."""
    with _environment_lock:
        taken = {name: os.environ.pop(name) for name in LEAKING if name in os.environ}
        try:
            yield
        finally:
            os.environ.update(taken)


# -- remotes -------------------------------------------------------------------------------------------------------


class Progress(git.RemoteProgress):
    """Moves a bar of 100 with the slowest of git's stages, each of which goes from 0 to 100%."""

    def __init__(self, advance: Callable[[int], None]) -> None:
        super().__init__()
        self._advance = advance
        self._shown = 0
        self._said: list[str] = []

    def update(self, op_code: int, cur_count: Any, max_count: Any = None, message: str = "") -> None:
        stage = _STAGES.get(op_code & self.OP_MASK)
        if stage is None or not max_count:
            return
        now = stage[0] + int(stage[1] * cur_count / max_count)
        if now > self._shown:
            with suppress(Exception):  # a bar that cannot be drawn
                self._advance(now - self._shown)
            self._shown = now

    def line_dropped(self, line: str) -> None:
        if "%" not in line:
            self._said.append(line)

    @property
    def text(self) -> str:
        return "\n".join([*self._said, *self.error_lines])


def fetch(root: Path, remote: str, refspecs: Sequence[str], progress: Progress, env: Mapping[str, str]) -> Told:
    runner = SafeGit(root)
    return _run(runner, progress, lambda: runner.fetch(
        "--", remote, *refspecs, progress=True, no_recurse_submodules=True, as_process=True, with_stdout=False,
        universal_newlines=True, env=env,
    ))  # fmt: skip


def clone(url: str, place: Path, progress: Progress, env: Mapping[str, str], **options: Any) -> Told:
    """:param options: of ``git clone``."""
    git.Git.check_unsafe_protocols(url)
    runner = SafeGit(place.parent)
    runner.restrained = False  # what the directory around it is does not matter
    return _run(runner, progress, lambda: runner.clone(
        "--", url, str(place), progress=True, no_recurse_submodules=True, as_process=True, with_stdout=False,
        universal_newlines=True, env=env, **options,
    ))  # fmt: skip


def push(
    root: Path, remote: str, refspecs: Sequence[str], progress: Progress, env: Mapping[str, str], **options: Any
) -> Told:
    """:param options: of ``git push``."""
    with open_repository(root) as repo, repo.git.custom_environment(**env):
        try:
            infos = git.Remote(repo, remote).push(list(refspecs), progress=progress, no_verify=True, **options)
        except git.GitCommandError as e:
            return Told(_status(e), progress.text)
        except BaseException:
            repo.git.end()
            raise
        pushed = tuple(
            PushedReference(bool(i.flags & i.ERROR), bool(i.flags & i.UP_TO_DATE), i.summary.strip()) for i in infos
        )
        return Told(0 if infos.error is None else _status(infos.error), progress.text, pushed)


def _run(runner: SafeGit, progress: Progress, start: Callable[[], Any]) -> Told:
    try:
        process = start()
        git.cmd.handle_process_output(process, None, progress.new_message_handler(), decode_streams=False)
        process.wait()
    except git.GitCommandError as e:
        return Told(_status(e), progress.text)
    except BaseException:
        runner.end()
        raise
    return Told(0, progress.text)


def _status(error: Exception) -> int:
    status = getattr(error, "status", None)
    return status if isinstance(status, int) else 128


# -- looking into repositories ---------------------------------------------------------------------------------------


def remote_urls(root: Path) -> dict[str, str]:
    """The URLs of a repository's remotes, with passwords, by name. Raises ToolError for a configuration that GitPython
    cannot read."""
    try:
        with open_repository(root) as repo:
            urls = {remote.name: remote.config_reader.get_value("url", "") for remote in repo.remotes}
    except (ConfigError, UnicodeError, ValueError, OSError) as e:
        raise ToolError(f"The git configuration of {root} cannot be read: {e}") from e
    return {name: str(url) for name, url in urls.items() if url}
