"""What a Jupyter server tells a kernel of its notebook: the classic Notebook's, since others have tests in a browser."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest
from endtoend import User
from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_notebooks import write_notebook
from jupyter_server_process import TOKEN, jupyter_server

pytestmark = pytest.mark.slow

IMPORT = "from dataworkspaces.kits.jupyter import get_step_name_for_notebook"


def ask(address: str, method: str, data: dict[str, Any]) -> Any:
    headers = {"Authorization": f"token {TOKEN}", "Content-Type": "application/json"}
    with urlopen(Request(address, json.dumps(data).encode(), headers, method=method), timeout=120) as answer:
        return json.load(answer)


def step_name_in(user: User, kernel_id: str) -> str:
    """What a kernel that a server has started takes for the name of its step."""
    (connection,) = Path(user.env["HOME"]).rglob(f"kernel-{kernel_id}.json")
    client = BlockingKernelClient(connection_file=str(connection))
    client.load_connection_file()
    client.start_channels()
    try:
        client.execute(IMPORT, user_expressions={"name": "get_step_name_for_notebook()"})
        answer = client.get_shell_msg(timeout=120)["content"]
    finally:
        client.stop_channels()
    assert answer["status"] == "ok", answer
    return str(answer["user_expressions"]["name"]["data"]["text/plain"])


def test_the_classic_notebook_tells_the_name_also_after_a_rename(workspace: User) -> None:
    directory = workspace.cwd / "code"
    write_notebook(directory / "before.ipynb", {"import": IMPORT})
    with jupyter_server(workspace, "nbclassic") as address:
        body = {"path": "code/before.ipynb", "type": "notebook", "name": "", "kernel": {"name": "python3"}}
        session = ask(f"{address}/api/sessions", "POST", body)
        kernel = session["kernel"]["id"]
        assert step_name_in(workspace, kernel) == "'before'"
        (directory / "before.ipynb").rename(directory / "after.ipynb")
        ask(f"{address}/api/sessions/{session['id']}", "PATCH", {"path": "code/after.ipynb", "type": "notebook"})
        assert step_name_in(workspace, kernel) == "'after'"
