"""What a Jupyter server tells a kernel of its notebook: the classic Notebook's, since others have tests in a browser."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.request import Request, urlopen

import pytest
from endtoend import User
from jupyter_notebooks import LOAD, write_notebook
from jupyter_server_process import TOKEN, jupyter_server

if TYPE_CHECKING:
    from jupyter_client.blocking.client import BlockingKernelClient

pytestmark = pytest.mark.slow

IMPORT = "from dataworkspaces.kits.jupyter import get_step_name_for_notebook"


def ask(address: str, method: str, data: dict[str, Any]) -> Any:
    headers = {"Authorization": f"token {TOKEN}", "Content-Type": "application/json"}
    with urlopen(Request(address, json.dumps(data).encode(), headers, method=method), timeout=120) as answer:
        return json.load(answer)


@contextmanager
def kernel_of(user: User, address: str, notebook: str) -> Iterator[tuple[BlockingKernelClient, dict[str, Any]]]:
    """The kernel that a server starts for a notebook, and its session."""
    # Not above: an environment without front ends collects this file, and leaves its slow tests out.
    from jupyter_client.blocking.client import BlockingKernelClient

    body = {"path": notebook, "type": "notebook", "name": "", "kernel": {"name": "python3"}}
    session = ask(f"{address}/api/sessions", "POST", body)
    (connection,) = Path(user.env["HOME"]).rglob(f"kernel-{session['kernel']['id']}.json")
    client = BlockingKernelClient(connection_file=str(connection))
    client.load_connection_file()
    client.start_channels(hb=False)  # a machine that stalls for a second has not lost its kernel
    try:
        client.wait_for_ready(timeout=120)
        yield client, session
    finally:
        client.stop_channels()


def run(kernel: BlockingKernelClient, source: str) -> str:
    """What the source prints."""
    printed: list[str] = []

    def keep(message: dict[str, Any]) -> None:
        if message["msg_type"] == "stream":
            printed.append(message["content"]["text"])

    answer = kernel.execute_interactive(source, timeout=120, output_hook=keep)["content"]
    assert answer["status"] == "ok", answer
    return "".join(printed)


def test_the_classic_notebook_tells_the_name_also_after_a_rename(workspace: User) -> None:
    directory = workspace.cwd / "code"
    write_notebook(directory / "before.ipynb", {"import": IMPORT})
    with (
        jupyter_server(workspace, "nbclassic") as address,
        kernel_of(workspace, address, "code/before.ipynb") as (kernel, session),
    ):
        assert run(kernel, f"{IMPORT}\nprint(get_step_name_for_notebook())") == "before\n"
        (directory / "before.ipynb").rename(directory / "after.ipynb")
        ask(f"{address}/api/sessions/{session['id']}", "PATCH", {"path": "code/after.ipynb", "type": "notebook"})
        assert run(kernel, "print(get_step_name_for_notebook())") == "after\n"


def test_a_snapshot_tells_of_a_cell_that_was_changed_and_not_saved(workspace: User) -> None:
    cells = {"load": LOAD, "work": "x = 1", "snapshot": "%dws_snapshot"}
    write_notebook(workspace.cwd / "code" / "work.ipynb", cells)
    with (
        jupyter_server(workspace, "nbclassic") as address,
        kernel_of(workspace, address, "code/work.ipynb") as (kernel, _),
    ):
        run(kernel, LOAD)
        run(kernel, "x = 1")
        assert "older than" not in run(kernel, "%dws_snapshot")
        run(kernel, "x = 2")
        assert "older than 1 cell that ran since: save the notebook" in run(kernel, "%dws_snapshot")
        write_notebook(workspace.cwd / "code" / "work.ipynb", {**cells, "work": "x = 2"})
        assert "older than" not in run(kernel, "%dws_snapshot")
