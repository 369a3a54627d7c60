"""Prompts, messages and progress."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest
from cli_helpers import on_terminal

from dataworkspaces.cli.interaction import TerminalInteraction
from dataworkspaces.cli.logs import show_log
from dataworkspaces.errors import BatchModeError
from dataworkspaces.toolbox.logs import log

HEAD = """
import sys, time
from dataworkspaces.cli.main import dws
from dataworkspaces.cli.cmd_version import version
from dataworkspaces.cli.session import Session
import click

def body(as_json):
    ui = click.get_current_context().find_object(Session).interaction()
    {body}

version.callback = body
dws.main(sys.argv[1:] + ["version"])
"""


def program(body: str) -> list[str]:
    """A command of which the body is given; ``ui`` is its interaction."""
    return [sys.executable, "-c", HEAD.format(body=body)]


def piped(body: str, *options: str, input: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run([*program(body), *options], input=input, capture_output=True, text=True, timeout=60)


ASK = 'print("answer:", ui.ask("Name", default="x", option="--name"))'
CONFIRM = 'print("answer:", ui.confirm("Sure?", default=False, option="--yes"))'


# -- questions -------------------------------------------------------------------------------------------------------


def test_an_answer_is_taken() -> None:
    assert on_terminal(program(ASK), answers={"Name [x]: ": "data\n"}).text.endswith("answer: data\n")


def test_an_empty_answer_is_the_default() -> None:
    assert on_terminal(program(ASK), answers={"Name [x]: ": "\n"}).text.endswith("answer: x\n")


@pytest.mark.parametrize(("typed", "answer"), [("y", True), ("n", False), ("", False)])
def test_a_question_is_answered(typed: str, answer: bool) -> None:
    screen = on_terminal(program(CONFIRM), answers={"Sure? [y/N]: ": f"{typed}\n"})
    assert screen.text.endswith(f"answer: {answer}\n")


def test_a_question_is_seen_when_stdout_is_redirected(tmp_path: Path) -> None:
    with (tmp_path / "out").open("w") as out:
        screen = on_terminal(program(ASK), answers={"Name [x]:": "data\n"}, stdout=out)
    assert "Name [x]:" in screen.text
    assert (tmp_path / "out").read_text().strip() == "answer: data"


def test_text_from_outside_in_a_question_is_escaped() -> None:
    body = r'ui.confirm("Delete \x1b[2J?", default=False)'
    assert r"Delete \x1b[2J? [y/N]: " in on_terminal(program(body), answers={"[y/N]: ": "\n"}).text


def test_answers_can_be_piped() -> None:
    assert piped(ASK, input="data\n").stdout.endswith("answer: data\n")


@pytest.mark.parametrize("body", [ASK, CONFIRM])
def test_the_end_of_the_input_is_one_line(body: str) -> None:
    done = piped(body)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "the input has ended. Answer with --" in done.stderr


def test_ctrl_c_at_a_question_cancels() -> None:
    screen = on_terminal(program(ASK), answers={"Name [x]: ": "\x03"})
    assert screen.status == 130
    assert screen.text.splitlines()[-1].endswith("Cancelled\x1b[0m")


def test_ctrl_c_at_work_cancels() -> None:
    # The program must not depend on how its parents treat the signal: the runner of CI ignores it.
    listen = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
    command = program(f'{listen}; print("working", flush=True); time.sleep(300)')
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    process.stdout.readline()
    process.send_signal(signal.SIGINT)
    _out, err = process.communicate(timeout=120)
    assert (process.returncode, err.strip()) == (130, "Cancelled")


# -- without a user --------------------------------------------------------------------------------------------------


def test_batch_takes_the_default() -> None:
    ui = TerminalInteraction(batch=True)
    assert ui.ask("Name", default="x") == "x"
    assert ui.confirm("Sure?", default=True, option="--yes") is True


def test_batch_names_the_option_that_would_have_answered() -> None:
    with pytest.raises(BatchModeError) as caught:
        TerminalInteraction(batch=True).ask("Role", option="--role")
    assert "--role" in str(caught.value.hint)


# -- messages --------------------------------------------------------------------------------------------------------


def test_warnings_go_to_stderr() -> None:
    done = piped('ui.warn("careful"); ui.tell("done")')
    assert (done.stdout, done.stderr) == ("done\n", "warning: careful\n")


def test_stdout_can_be_kept_for_a_document(capsys: pytest.CaptureFixture[str]) -> None:
    TerminalInteraction(batch=True, to_stderr=True).tell("done")
    assert capsys.readouterr().err == "done\n"


@pytest.mark.parametrize(("verbose", "shown"), [(True, "called\nwarning: careful\n"), (False, "warning: careful\n")])
def test_verbose_shows_what_is_logged(capsys: pytest.CaptureFixture[str], verbose: bool, shown: str) -> None:
    show_log(verbose)
    log.debug("called")
    log.warning("careful")
    assert capsys.readouterr().err == shown


def test_verbose_may_stand_after_the_command() -> None:
    code = (
        "from dataworkspaces.cli.main import dws\nfrom dataworkspaces.cli import cmd_plugins\n"
        "from dataworkspaces.workspace.interaction import log\n"
        "from dataworkspaces import plugins\n"
        "def found():\n    log.debug('looking')\n    return []\n"
        "plugins.list_plugins = found\n"
        "dws.main(['plugins', '--verbose'])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stderr == "looking\n"


# -- progress --------------------------------------------------------------------------------------------------------

WORK = """
    with ui.progress("Reading", 4, "files") as advance:
        for _ in range(4):
            time.sleep({pause})
            advance(1)
"""


@pytest.mark.slow
def test_long_work_shows_progress_and_wipes_it_away() -> None:
    screen = on_terminal(program(WORK.format(pause=0.4).strip()))
    assert screen.status == 0
    assert "Reading" in screen.text
    assert "/4" in screen.text


def test_short_work_shows_nothing() -> None:
    assert on_terminal(program(WORK.format(pause=0).strip())).text == ""


@pytest.mark.slow
def test_no_progress_without_a_terminal() -> None:
    done = piped(WORK.format(pause=0.3).strip())
    assert (done.stdout, done.stderr) == ("", "")
