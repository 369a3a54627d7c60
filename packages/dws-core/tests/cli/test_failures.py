"""What the user reads, and the exit status, when a command fails."""

from __future__ import annotations

import errno
import json
import os
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from cli_helpers import DWS, Installation, on_terminal

from dataworkspaces.cli.cmd_version import version
from dataworkspaces.errors import ConfigurationError, DwsError, InternalError, LockedError, ToolError
from dataworkspaces.testing.command_line import Run

Fail = Callable[..., tuple[str, int]]


@pytest.fixture
def fail(run: Run, monkeypatch: pytest.MonkeyPatch) -> Fail:
    """Run a command that raises an error; its stderr and exit status."""

    def invoke(error: BaseException, *options: str, after: Sequence[str] = (), **env: str) -> tuple[str, int]:
        def callback(as_json: bool) -> None:
            raise error

        monkeypatch.setattr(version, "callback", callback)
        result = run(*options, "version", *after, env=env)
        return result.stderr, result.exit_code

    monkeypatch.delenv("DWS_DEBUG", raising=False)
    return invoke


@pytest.mark.parametrize(
    ("error", "line", "status"),
    [
        (ConfigurationError("No such thing"), "error: No such thing", 1),
        (DwsError("Odd", hint="Do this"), "error: Odd. Do this", 1),
        (ConfigurationError("Really?", hint="Yes"), "error: Really? Yes", 1),
        (LockedError("'dws snapshot' is changing it"), "error: 'dws snapshot' is changing it", 7),
        (ConfigurationError("two\nlines \x1b[2J"), "error: two\\nlines \\x1b[2J", 1),
        (OSError(errno.ENOSPC, "No space left on device", "/d/f"), "error: /d/f: No space left on device. ", 6),
        (PermissionError(errno.EACCES, "Permission denied", "/d/f"), "error: /d/f: Permission denied. ", 5),
        (OSError(errno.EROFS, "Read-only file system"), "error: Read-only file system. ", 6),
        (InternalError("Cannot be"), "error: Cannot be", 3),
        (KeyboardInterrupt(), "Cancelled", 130),
        (EOFError(), "error: An answer is needed, but the input has ended", 1),
        (KeyError("x"), "error: KeyError: 'x'. This is a bug in Data Workspaces: please report it", 3),
    ],
    ids=repr,
)
def test_an_error_is_one_line(fail: Fail, error: BaseException, line: str, status: int) -> None:
    said, exit_code = fail(error)
    assert exit_code == status
    assert said.strip().startswith(line)
    assert said.strip().count("\n") == 0


@pytest.mark.parametrize(
    ("error", "kind", "status"),
    [
        (ConfigurationError("No such thing", hint="Do this"), "configuration", 1),
        (LockedError("No such thing", hint="Do this"), "locked", 7),
        (PermissionError(errno.EACCES, "Permission denied", "/d/f"), "unavailable", 5),
        (KeyError("x"), "internal", 3),
        (KeyboardInterrupt(), "cancelled", 130),
    ],
    ids=repr,
)
def test_with_json_an_error_is_a_document(fail: Fail, error: BaseException, kind: str, status: int) -> None:
    said, exit_code = fail(error, after=["--json"])
    told = json.loads(said)["error"]
    assert (told["kind"], told["status"], exit_code) == (kind, status, status)
    if isinstance(error, DwsError):
        assert (told["message"], told["hint"]) == ("No such thing", "Do this")


def test_each_kind_is_documented() -> None:
    page = (Path(__file__).parents[4] / "docs" / "reference" / "errors.md").read_text()
    kinds = [DwsError]
    for kind in kinds:
        kinds += kind.__subclasses__()
        assert f"`{kind.kind}`" in page, kind


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
    assert said.splitlines()[0] == "error: Not possible"
    assert "Caused by ToolError: git failed" in said
    assert "  fatal: it broke\n" in said
    assert "\\x1b[31mmend it" in said
    assert "Traceback" not in said


@pytest.mark.parametrize(("options", "env"), [(["--verbose"], {}), ([], {"DWS_DEBUG": "1"})], ids=["verbose", "debug"])
def test_the_traceback_of_a_bug_is_shown_on_request(fail: Fail, options: list[str], env: dict[str, str]) -> None:
    said, status = fail(KeyError("x"), *options, **env)
    assert status == 3
    assert "Traceback (most recent call last)" in said


def test_a_command_names_the_common_options_in_one_entry(run: Run) -> None:
    said = " ".join(run("snapshot", "--help").output.split())
    assert "--workspace-dir DIR, --workspace NAME, --batch, --verbose: see 'dws --help'." in said
    assert "Never ask: use the default" not in said
    assert "Never ask: use the default" in run("--help").output


def test_a_workspace_is_named_only_to_a_command_that_opens_one(run: Run, tmp_path: Path) -> None:
    assert "is not a workspace" in run("--workspace-dir", str(tmp_path), "snapshot").stderr
    refused = run("--workspace-dir", str(tmp_path), "version")
    assert refused.exit_code == 2
    assert "'dws version' does not use a workspace" in refused.stderr


def test_wrong_usage_is_what_click_says(run: Run) -> None:
    result = run("report", "history", "--limit", "many")
    assert result.exit_code == 2
    assert result.stderr.startswith("Usage: dws report history")


@pytest.mark.parametrize("group", [[], ["report"], ["add"]])
def test_a_group_without_a_command_shows_its_help(run: Run, group: list[str]) -> None:
    result = run(*group)
    assert result.output == run(*group, "--help").output
    assert "error:" not in result.output


# -- in a process of its own -----------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_reader_that_goes_away_is_no_error() -> None:
    line = f"{' '.join(DWS)} --help; echo status=$? >&2"
    done = subprocess.run(["sh", "-c", f"({line}) | true"], capture_output=True, text=True)
    assert done.stderr in ("status=1\n", "status=0\n")


def test_a_full_disk_is_one_line() -> None:
    with open("/dev/full", "w") as full:  # noqa: PTH123
        done = subprocess.run([*DWS, "version"], stdout=full, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 6
    assert done.stderr == "error: No space left on device. Free some space, and run the command again\n"


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
    assert result.stderr.startswith("error: There is no workspace at ")
    assert result.stderr.count("\n") == 1
