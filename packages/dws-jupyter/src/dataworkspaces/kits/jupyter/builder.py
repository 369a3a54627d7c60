"""The notebook as a step."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from dataworkspaces.errors import LineageError, PathNotAResourceError
from dataworkspaces.kits.jupyter.executed import executed_cells, is_top_to_bottom
from dataworkspaces.kits.jupyter.notebook import executed_sources, find_notebook
from dataworkspaces.lineage import LineageBuilder, NotebookRecord, ResourceRef
from dataworkspaces.toolbox.notebooks import code_cells, hash_of_sources
from dataworkspaces.workspace import Workspace


class NotebookLineageBuilder(LineageBuilder):
    """Describes a step that is the running notebook, and writes results.

    The notebook is the code of the step, by the code resource that holds it, if one does. Recorded are the hash of its
    cells' sources as it was saved, since outputs change at every run, and which of its cells ran in which order.

    :param results_dir: a results resource or a directory in one: a local path, or a ResourceRef.
    :param step_name: default: the name of the notebook without its suffix.
    """

    def __init__(
        self, results_dir: str | ResourceRef, step_name: str | None = None, run_description: str | None = None
    ) -> None:
        super().__init__()
        self._script = find_notebook()
        name = step_name
        if name is None and self._script is not None:
            name = self._script.stem
        if name is None:
            raise LineageError(
                "The name of the notebook is not known here, so the step has no name",
                hint="Name the step: NotebookLineageBuilder(RESULTS_DIR, step_name=NAME)",
            )
        self.with_step_name(name)
        self.as_results_step(results_dir, run_description)

    def _notebook(self, workspace: Workspace) -> Callable[[], NotebookRecord | None] | None:
        notebook = self._script
        if notebook is None:
            return None
        ref: ResourceRef | None = None
        with suppress(PathNotAResourceError):
            ref = workspace.map_local_path_to_resource(str(notebook), expecting_a_code_resource=True)

        def record() -> NotebookRecord | None:
            try:
                document = notebook.read_bytes()
                cells = code_cells(document)
            except (OSError, ValueError):
                return NotebookRecord(ref, None)
            executed = executed_cells(executed_sources(), cells)
            in_order = is_top_to_bottom(executed, cells)
            return NotebookRecord(ref, hash_of_sources(document), tuple(executed), in_order)

        return record
