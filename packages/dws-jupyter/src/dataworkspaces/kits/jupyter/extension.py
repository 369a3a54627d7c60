"""What ``%load_ext`` calls."""

from __future__ import annotations

from typing import Any

DISABLE = "DWS_MAGIC_DISABLE"
NOTEBOOK = "DWS_JUPYTER_NOTEBOOK"
_TRANSFORM = "dws_await_the_cell"

_LOADED = f"""\
Ran DWS initialization. The following magic commands have been added to your notebook:

- `%dws_info` - print information about your dws environment
- `%dws_history` - print a history of snapshots in this workspace
- `%dws_snapshot` - save and create a new snapshot
- `%dws_lineage_table` - show a table of lineage for the workspace resources
- `%dws_lineage_graph` - show a graph of lineage for a resource
- `%dws_web` - show the experiments in the notebook
- `%dws_results` - show results from a run (results.json file)
- `%dws_step` - begin a step, which the next snapshot completes
- `%%dws_run` - run a cell as a step

Run any command with the `--help` option to see a list of options for that command. The variable `{NOTEBOOK}` has \
been added to your variables, for use in future DWS calls.

If you want to disable the DWS magic commands (e.g. when running in a batch context), set the variable `{DISABLE}` to \
`True` ahead of the `%load_ext` call."""

_DISABLED = (
    f"DWS magic commands are loaded, and disabled: {DISABLE} is set. They have no effect; a cell with `%%dws_run` is "
    "run, and not recorded."
)


def load_ipython_extension(shell: Any) -> None:
    """Add the magics to a shell. ``%reload_ext`` looks at ``DWS_MAGIC_DISABLE`` anew."""
    from IPython.display import Markdown, display

    from dataworkspaces.kits.jupyter.completion import add_completion
    from dataworkspaces.kits.jupyter.magics import DwsMagics
    from dataworkspaces.kits.jupyter.notebook import executed_sources, find_notebook, is_notebook
    from dataworkspaces.kits.jupyter.steps import await_the_cell

    disabled = bool(shell.user_ns.get(DISABLE, False))
    notebook = find_notebook()
    shell.push({NOTEBOOK: None if notebook is None else str(notebook)})
    _stop_noting(shell)
    magics = DwsMagics(shell, disabled=disabled)
    shell.register_magics(magics)
    shell.events.register("pre_run_cell", magics.ran.note)
    for source in executed_sources()[-1:]:  # the cell that loads the magics runs already
        magics.ran.add(source, source)
    add_completion(shell, magics)
    transform = await_the_cell(shell)
    transform.__name__ = _TRANSFORM
    shell.input_transformers_cleanup.append(transform)
    message = _DISABLED if disabled else _LOADED
    if is_notebook():
        display(Markdown(message))  # type: ignore[no-untyped-call]
    else:
        print(message)


def unload_ipython_extension(shell: Any) -> None:
    """Take the magics away again."""
    from dataworkspaces.kits.jupyter.arguments import add_parsers
    from dataworkspaces.kits.jupyter.completion import remove_completion

    _stop_noting(shell)
    remove_completion(shell)
    for name in add_parsers():
        for kind in ("line", "cell"):
            shell.magics_manager.magics[kind].pop(name, None)
    shell.user_ns.pop(NOTEBOOK, None)


def _stop_noting(shell: Any) -> None:
    """Magics that were loaded before no longer note what runs, nor change it."""
    transforms = shell.input_transformers_cleanup
    transforms[:] = [each for each in transforms if getattr(each, "__name__", "") != _TRANSFORM]
    magics = shell.magics_manager.registry.pop("DwsMagics", None)
    if magics is not None:
        magics.web.stop()
        shell.events.unregister("pre_run_cell", magics.ran.note)
