"""What the user reads, and the exit status, when a command fails."""

from __future__ import annotations

import errno
import os
import subprocess
from collections.abc import Callable

import pytest
from cli_helpers import DWS, Installation, on_terminal

from conftest import Run
from dataworkspaces.cli.cmd_version import version
from dataworkspaces.errors import ConfigurationError, DwsError, InternalError, LockedError, ToolError

Fail = Callable[..., tuple[str, int]]


@pytest.fixture
def fail(run: Run, monkeypatch: pytest.MonkeyPatch) -> Fail:
    """Run a command that raises an error; its stderr and exit status."""

    def invoke(error: BaseException, *options: str, **env: str) -> tuple[str, int]:
        def callback(as_json: bool) -> None:
            raise error

        monkeypatch.setattr(version, "callback", callback)
        result = run(*options, "version", env=env)
        return result.stderr, result.exit_code

    monkeypatch.delenv("DWS_DEBUG", raising=False)
    return invoke


@pytest.mark.parametrize(
    ("error", "line", "status"),
    [
        (ConfigurationError("No such thing"), "Configuration error: No such thing", 1),
        (DwsError("Odd", hint="Do this"), "Error: Odd. Do this", 1),
        (ConfigurationError("Really?", hint="Yes"), "Configuration error: Really? Yes", 1),
        (LockedError("'dws snapshot' is changing it"), "Workspace is locked: 'dws snapshot' is changing it", 7),
        (ConfigurationError("two\nlines \x1b[2J"), "Configuration error: two\\nlines \\x1b[2J", 1),
        (OSError(errno.ENOSPC, "No space left on device", "/d/f"), "Error: /d/f: No space left on device. ", 6),
        (PermissionError(errno.EACCES, "Permission denied", "/d/f"), "Error: /d/f: Permission denied. ", 5),
        (OSError(errno.EROFS, "Read-only file system"), "Error: Read-only file system. ", 6),
        (InternalError("Cannot be"), "Internal error: Cannot be", 3),
        (KeyboardInterrupt(), "Cancelled", 130),
        (EOFError(), "Error: An answer is needed, and the input has ended", 1),
        (KeyError("x"), "Internal error: KeyError: 'x'. This is a bug in Data Workspaces: please report it", 3),
    ],
    ids=repr,
)
def test_an_error_is_one_line(fail: Fail, error: BaseException, line: str, status: int) -> None:
    said, exit_code = fail(error)
    assert exit_code == status
    assert said.strip().startswith(line)
    assert said.strip().count("\n") == 0


def chained() -> ConfigurationError:
    try:
        try:
            raise ToolError("git failed", output="fatal: it broke\nhint: \x1b[31mmend it\n")
        except ToolError as e:
            raise ConfigurationError("Not possible") from e
    except ConfigurationError as e:
        return e


def test_verbose_adds_the_cause_and_what_the_program_said(fail: Fail) -> None:
    said, _status = fail(chained(), "--verbose")
    assert said.splitlines()[0] == "Configuration error: Not possible"
    assert "Caused by ToolError: git failed" in said
    assert "  fatal: it broke\n" in said
    assert "\\x1b[31mmend it" in said
    assert "Traceback" not in said


@pytest.mark.parametrize(("options", "env"), [(["--verbose"], {}), ([], {"DWS_DEBUG": "1"})], ids=["verbose", "debug"])
def test_the_traceback_of_a_bug_is_shown_on_request(fail: Fail, options: list[str], env: dict[str, str]) -> None:
    said, status = fail(KeyError("x"), *options, **env)
    assert status == 3
    assert "Traceback (most recent call last)" in said


def test_wrong_usage_is_what_click_says(run: Run) -> None:
    result = run("report", "history", "--limit", "many")
    assert result.exit_code == 2
    assert result.stderr.startswith("Usage: dws report history")


# -- in a process of its own -----------------------------------------------------------------------------------------


def test_a_reader_that_goes_away_is_no_error() -> None:
    line = f"{' '.join(DWS)} --help; echo status=$? >&2"
    done = subprocess.run(["sh", "-c", f"({line}) | true"], capture_output=True, text=True)
    assert done.stderr in ("status=1\n", "status=0\n")


def test_a_full_disk_is_one_line() -> None:
    with open("/dev/full", "w") as full:  # noqa: PTH123
        done = subprocess.run([*DWS, "version"], stdout=full, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 6
    assert done.stderr == "Error: No space left on device. Free some space, and run the command again\n"


def test_the_label_is_coloured_on_a_terminal(installation: Installation) -> None:
    screen = on_terminal([*DWS, "report", "status"], env=installation.environment(HOME="/"), stdout=subprocess.DEVNULL)
    assert screen.text.startswith("\x1b[31m\x1b[1m")


def test_no_color_is_respected(installation: Installation) -> None:
    command = ["env", "NO_COLOR=1", *DWS, "--workspace-dir", "/nowhere", "report", "status"]
    assert "\x1b" not in on_terminal(command, env=installation.environment()).text


def test_no_workspace(run: Run, tmp_path: os.PathLike[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = run("report", "status")
    assert result.exit_code == 1
    assert result.stderr.startswith("Configuration error: There is no workspace at ")
    assert result.stderr.count("\n") == 1
