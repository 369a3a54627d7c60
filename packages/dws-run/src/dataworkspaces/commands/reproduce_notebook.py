"""Running a notebook from top to bottom, with nbclient, in a process of its own."""

from __future__ import annotations

import json
import re
import sys
import tempfile
from pathlib import Path
from typing import Any

_CONTROL_RE = re.compile("\x1b\\[[0-9;]*m")


def notebook_command(notebook: Path, directory: str, python: str | None) -> list[str]:
    """A command line that runs a notebook, and leaves its file as it is.

    :param directory: in which its kernel starts.
    :param python: of its kernel; default: what its kernel's name stands for here."""
    kernel = [] if python is None else [python]
    return [sys.executable, "-m", "dataworkspaces.commands.reproduce_notebook", str(notebook), directory, *kernel]


def main(arguments: list[str]) -> int:
    import nbformat
    from jupyter_client.kernelspec import NoSuchKernel
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, DeadKernelError

    path, directory = arguments[:2]
    try:
        document = nbformat.read(path, as_version=4)
        with tempfile.TemporaryDirectory(prefix="dws-kernel-") as temporary:
            if len(arguments) > 2:
                name, manager = "python3", _kernel_of(arguments[2], Path(temporary))
            else:
                name, manager = document.metadata.get("kernelspec", {}).get("name", "python3"), None
            where = {"metadata": {"path": directory}}
            NotebookClient(document, km=manager, kernel_name=name, timeout=None, resources=where).execute()
    except (CellExecutionError, DeadKernelError, NoSuchKernel) as e:
        print(_CONTROL_RE.sub("", str(e)))
        return 1
    except Exception as e:  # whatever is in a file that calls itself a notebook
        print(f"The notebook cannot be run: {e}")
        return 1
    return 0


def _kernel_of(python: str, directory: Path) -> Any:
    """The manager of a kernel of that Python, whatever kernels are installed here."""
    from jupyter_client.kernelspec import KernelSpecManager
    from jupyter_client.manager import AsyncKernelManager

    spec = {"argv": [python, "-m", "ipykernel_launcher", "-f", "{connection_file}"], "language": "python"}
    (directory / "python3").mkdir()
    (directory / "python3" / "kernel.json").write_text(json.dumps({**spec, "display_name": "Python"}))
    specs = KernelSpecManager(kernel_dirs=[str(directory)], ensure_native_kernel=False)
    return AsyncKernelManager(kernel_name="python3", kernel_spec_manager=specs)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
