"""The notebook as a step."""

from __future__ import annotations

from dataworkspaces.errors import LineageError
from dataworkspaces.kits.jupyter.notebook import find_notebook
from dataworkspaces.lineage import LineageBuilder, ResourceRef


class NotebookLineageBuilder(LineageBuilder):
    """Describes a step that is the running notebook, and writes results.

    The notebook is the code of the step, by the code resource that holds it, if one does.

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
                hint="Give it: NotebookLineageBuilder(RESULTS_DIR, step_name=NAME)",
            )
        self.with_step_name(name)
        self.as_results_step(results_dir, run_description)
