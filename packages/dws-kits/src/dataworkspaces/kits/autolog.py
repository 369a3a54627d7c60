"""Record what frameworks do, in one line: at the start of a script or notebook, before models are made::

    from dataworkspaces.kits import autolog

    autolog()

The module is its own function, so ``dataworkspaces.kits.autolog()`` is the same, and so is the function of that name in
it.
"""

from __future__ import annotations

import os
import sys
import types
from collections.abc import Sequence
from typing import Any

from dataworkspaces.kit_support.autolog.hooks import begin
from dataworkspaces.kit_support.autolog.session import Options, Session
from dataworkspaces.kit_support.places import Place
from dataworkspaces.kit_support.training import Where

__all__ = ["autolog"]


def autolog(
    *,
    input_resource: Place | Sequence[Place] | None = None,
    results_resource: Place | None = None,
    workspace_dir: str | os.PathLike[str] | None = None,
    save_models: bool = True,
    training_metrics: bool = True,
    pictures: bool = True,
    system_metrics: bool | None = None,
    input_examples: bool = False,
    disable: bool = False,
    verbose: bool = False,
) -> Session:
    """From now on each training is recorded as a run, with what is evaluated of it; training never fails because of it.

    Frameworks that are installed are watched, those that are imported already too. What is recorded is in the page
    of autolog. A second call changes the options.

    :param input_resource: where the data come from, as kits take it; if None, the inputs of ``dws run``, else all
        resources with source data.
    :param results_resource: where results go, given likewise; if None, the only results resource of the workspace.
    :param workspace_dir: the directory of the workspace; if None, the one that holds the current directory.
    :param save_models: save each trained model beside its results.
    :param training_metrics: evaluate each model on what it was trained with.
    :param pictures: draw curves, if Matplotlib is installed.
    :param system_metrics: note how much CPU, memory and GPU trainings use; needs ``dws-kits[system]``. If None, the
        environment variable ``DWS_SYSTEM_METRICS`` says.
    :param input_examples: keep the first five samples of what each model was trained with in the record.
    :param disable: record nothing from now on.
    :param verbose: log all that Data Workspaces does.
    """
    where = Where(input_resource, results_resource, workspace_dir, verbose)
    return begin(Options(where, save_models, training_metrics, pictures, system_metrics, input_examples, not disable))


class _Callable(types.ModuleType):
    def __call__(self, **options: Any) -> Session:
        return autolog(**options)


sys.modules[__name__].__class__ = _Callable
