"""``dws`` itself: help, lazy loading, unknown commands, commands of plug-ins."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import click
import pytest
from cli_helpers import Installation, store

from dataworkspaces.cli import catalog
from dataworkspaces.plugins import COMMANDS, KITS, PluginInfo
from dataworkspaces.testing.command_line import Run
from dataworkspaces.testing.memory import MemoryWorkspace

COMMAND = """
import click

@click.command()
@click.pass_obj
def hello(session):
    "Say hello."
    click.echo(f"hello batch={session.batch}")
"""


def of_core_and_commands() -> list[tuple[str, catalog.Known]]:
    """The commands that are installed where these tests run, whatever else is."""
    return [(name, each) for name, each in catalog.KNOWN.items() if each.distribution in ("dws-core", "dws-commands")]


def test_help_lists_the_commands(run: Run) -> None:
    result = run("--help")
    assert result.exit_code == 0
    for name, command in of_core_and_commands():
        assert (f"\n  {name} " in result.output) != command.hidden


def test_help_groups_the_commands_and_cuts_no_line(run: Run) -> None:
    lines = run("--help").output.splitlines()
    assert [line[:-1] for line in lines if line[:-1] in catalog.GROUPS] == list(catalog.GROUPS)
    for name, command in of_core_and_commands():
        if not command.hidden:
            assert any(line.split(maxsplit=1) == [name, command.help] for line in lines), name


def test_known_command_is_listed_where_it_is_installed(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "fly" not in catalog.listed()
    monkeypatch.setitem(catalog.KNOWN, "fly", catalog.Known(catalog.START, "Fly away", "dws-wings"))
    assert "fly" not in catalog.listed()
    installation.add("dws-wings", {"dataworkspaces.commands": {"fly": "wings:fly"}})
    monkeypatch.syspath_prepend(str(installation.directory))
    monkeypatch.setattr("stevedore.ExtensionManager.ENTRY_POINT_CACHE", {})  # what this process has found
    assert catalog.sections()[catalog.START]["fly"] == "Fly away"
    assert "fly" not in catalog.plugin_commands()


def test_known_command_that_is_not_installed_says_what_to_install(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    # One that is never installed: the distributions of this repository may all be.
    monkeypatch.setitem(catalog.KNOWN, "fly", catalog.Known(catalog.START, "Fly away", "dws-wings"))
    result = run("fly")
    assert result.exit_code == 2
    assert "No such command 'fly'. Install it with: pip install dws-wings" in result.stderr


@pytest.mark.parametrize("name", catalog.OWN)
def test_the_table_names_commands_that_are_there(name: str) -> None:
    module, _, attribute = catalog.OWN[name].partition(":")
    assert isinstance(getattr(import_module(module), attribute), click.Command)
    assert catalog.KNOWN[name].distribution == "dws-core"


@pytest.mark.slow
@pytest.mark.parametrize(("arguments", "status"), [(["--help"], 0), (["no-such-command"], 2)])
def test_the_end_of_the_program(installation: Installation, arguments: list[str], status: int) -> None:
    """It comes soon, and not before what has to be done until then."""
    code = (
        "import atexit, sys, threading, time\n"
        "def work():\n    time.sleep(0.2)\n    print('worked', flush=True)\n"
        "threading.Thread(target=work).start()\n"
        "atexit.register(print, 'done')\n"
        "class Late:\n    def __del__(self):\n        print('taken apart', flush=True)\n"
        "sys.late = Late()\n"
        f"sys.argv = ['dws', *{arguments}]\n"
        "from dataworkspaces.cli.program import program\n"
        "program()\n"
    )
    done = installation.python(code)
    assert done.returncode == status
    assert "worked\n" in done.stdout
    assert done.stdout.endswith("done\n")


@pytest.mark.slow
def test_help_imports_click_and_the_table_only(installation: Installation) -> None:
    code = (
        "import sys\n"
        "sys.argv = ['dws', '--help']\n"
        "from dataworkspaces.cli.main import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "print('LOADED', *sorted(m for m in sys.modules if m.startswith('dataworkspaces.')))\n"
        "print('OTHERS', *(m for m in ('rich', 'stevedore', 'git', 'importlib.metadata') if m in sys.modules))\n"
    )
    installation.python(code)  # keeps the names of plug-ins
    out = installation.python(code).stdout
    loaded = (
        "cli cli.catalog cli.encoding cli.main cli.session errors plugin_cache plugin_names plugins toolbox "
        "toolbox.user_directories"
    )
    assert f"LOADED {' '.join(f'dataworkspaces.{name}' for name in loaded.split())}\n" in out
    assert out.endswith("OTHERS\n")


@pytest.mark.parametrize(("typed", "near"), [("snapshto", "snapshot"), ("raport", "report"), ("confgi", "config")])
def test_an_unknown_command_gets_a_suggestion(run: Run, typed: str, near: str) -> None:
    result = run(typed)
    assert result.exit_code == 2
    assert f"No such command '{typed}'. Did you mean {near}" in result.stderr


def test_an_unknown_command_like_none(run: Run) -> None:
    result = run("xyzzy")
    assert result.exit_code == 2
    assert result.stderr.endswith("error: No such command 'xyzzy'.\n")


def test_version(run: Run) -> None:
    assert re.fullmatch(r"Data Workspaces version \d+\.\d+\.\S+\n", run("version").output)


def test_version_as_an_option(run: Run) -> None:
    assert run("--version").output == run("version").output


# -- commands of plug-ins --------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_plugin_command_is_listed_without_being_loaded(installation: Installation) -> None:
    installation.add("dws-hello", {"dataworkspaces.commands": {"hello": "hello_plugin:hello"}}, {"hello_plugin": "1/0"})
    done = installation.run("--help")
    assert done.returncode == 0
    assert re.search(r"^  hello +from dws-hello$", done.stdout, re.MULTILINE)


@pytest.mark.slow
def test_a_plugin_command_runs_with_the_session(installation: Installation) -> None:
    installation.add(
        "dws-hello", {"dataworkspaces.commands": {"hello": "hello_plugin:hello"}}, {"hello_plugin": COMMAND}
    )
    assert installation.run("--batch", "hello").stdout == "hello batch=True\n"


@pytest.mark.slow
def test_a_broken_plugin_command_ends_with_one_line(installation: Installation) -> None:
    installation.add("dws-hello", {"dataworkspaces.commands": {"hello": "hello_plugin:hello"}}, {"hello_plugin": "1/0"})
    done = installation.run("hello")
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "dws-hello 1.0 could not be loaded: ZeroDivisionError" in done.stderr


def test_a_broken_plugin_command_spoils_no_other(installation: Installation) -> None:
    installation.add("dws-hello", {"dataworkspaces.commands": {"hello": "hello_plugin:hello"}}, {"hello_plugin": "1/0"})
    assert installation.run("version").returncode == 0


def test_a_plugin_takes_no_command_of_core_away(installation: Installation) -> None:
    installation.add("dws-evil", {"dataworkspaces.commands": {"version": "evil:x"}}, {"evil": "1/0"})
    assert installation.run("version").returncode == 0


def test_two_distributions_of_one_command_spoil_that_command_alone(installation: Installation) -> None:
    installation.add("dws-evil", {"dataworkspaces.commands": {"status": "evil:x"}}, {"evil": "1/0"})
    assert "The command 'status' is announced twice" in installation.run("status").stderr
    assert installation.run("schema").returncode == 0


def test_help_shows_what_plugins_announce(installation: Installation) -> None:
    installation.add("dws-two", {"dataworkspaces.commands": {"one": "x:y", "two": "x:y"}, "other": {"three": "x:y"}})
    done = installation.python(
        "from dataworkspaces import plugins\nfrom dataworkspaces.cli import catalog\n"
        "found = {*catalog.plugin_commands(), *catalog.listed()} | {'log'}\n"  # which is hidden
        "assert found == {*plugins.names(plugins.COMMANDS), *catalog.OWN}\n"
        "assert {'one', 'two'} <= found and 'three' not in found"
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
def test_help_survives_metadata_that_cannot_be_read(installation: Installation) -> None:
    installation.add("dws-two", {"dataworkspaces.commands": {"one": "x:y"}})
    (installation.directory / "dws_two-1.0.dist-info" / "entry_points.txt").write_bytes(b"\xff\xfe")
    assert "plugins" in installation.run("--help").stdout
    refused = installation.run("report", "status", "--workspace-dir", "stored:/")
    assert refused.returncode == 1
    assert "What is installed cannot be listed: UnicodeDecodeError" in refused.stderr


# -- dws plugins -----------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_plugins_tells_what_loads_and_what_does_not(installation: Installation) -> None:
    installation.add("dws-hello", {"dataworkspaces.commands": {"hello": "hello_plugin:hello"}}, {"hello_plugin": "1/0"})
    plugins = {plugin["name"]: plugin for plugin in json.loads(installation.run("plugins", "--json").stdout)}
    assert plugins["stored"] == {
        "kind": "workspace backend",
        "name": "stored",
        "distribution": "dws-stored",
        "version": "1.0",
        "module": "cli_helpers:StoredWorkspaceFactory",
        "loads": True,
        "error": None,
    }
    assert plugins["hello"]["loads"] is False
    assert plugins["hello"]["error"] == "ZeroDivisionError: division by zero"


def test_the_table_of_plugins(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    found = [
        PluginInfo(KITS, "good", "good:x", "dws-good", "1.0"),
        PluginInfo(COMMANDS, "bad", "bad:x", "dws-bad", "2.0", "division by zero"),
    ]
    monkeypatch.setattr("dataworkspaces.plugins.list_plugins", lambda: found)
    out = run("plugins").output
    assert re.search(r"^\| kit +\| good +\| dws-good +\| 1.0 +\| ok +\|$", out, re.MULTILINE)
    assert re.search(r"^\| command +\| bad +\| dws-bad +\| 2.0 +\| fails: division by zero \|$", out, re.MULTILINE)
    assert out.endswith("1 of 2 plug-ins cannot be loaded\n")


@pytest.mark.slow
def test_a_workspace_by_its_name_or_uri(installation: Installation, workspace: MemoryWorkspace, tmp_path: Path) -> None:
    uri = store(workspace)
    config = tmp_path / "config" / "dws" / "config.toml"
    config.parent.mkdir(parents=True)
    config.write_text(f'[workspaces]\nmine = "{uri}"\n')
    for name in ("mine", uri):
        done = installation.run("config", "hostname", "--workspace", name, XDG_CONFIG_HOME=str(tmp_path / "config"))
        assert done.returncode == 0, done.stderr
    refused = installation.run("config", "--workspace", "mine", "--workspace-dir", ".")
    assert refused.returncode == 2
    assert "cannot be used together" in refused.stderr


@pytest.mark.slow
def test_streams_that_were_closed_are_no_error() -> None:
    """And no file that is opened later gets what is printed."""
    for closed in (">&-", "2>&-", "<&-", "<&- >&- 2>&-"):
        script = f'exec "$0" -m dataworkspaces.cli.main version {closed}'
        done = subprocess.run(["sh", "-c", script, sys.executable], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        assert "Traceback" not in done.stderr
