"""``dws rerun``: run recorded command lines again, where what they wrote is out of date."""

from __future__ import annotations

import tempfile
from contextlib import ExitStack
from pathlib import Path

from dataworkspaces.commands.rerun_plan import RerunPlan
from dataworkspaces.commands.rerun_steps import Listener, RerunOutcome, SideBySide, Steps, finds_outputs
from dataworkspaces.commands.run_guard import guarding
from dataworkspaces.commands.run_order import run_in_order
from dataworkspaces.errors import NotSupportedError
from dataworkspaces.workspace import Workspace


def rerun_command(
    workspace: Workspace,
    plan: RerunPlan,
    listener: Listener | None = None,
    *,
    jobs: int | None = None,
    executor: str | None = None,
) -> RerunOutcome:
    """Run a plan; the user has agreed to command lines of others. After a step that fails, those that read what it
    writes are left.

    :param jobs: how many steps may run at a time; None is one here, and as many as it takes for an executor. Here, one
        whose outputs have to be found, since nobody named them, runs alone.
    :param executor: ``NAME`` or ``NAME:ADDRESS``; None for processes of this machine. See :mod:`.rerun_far`.

    Raises NotSupportedError for more than one at a time in a workspace without a local directory."""
    root = workspace.get_workspace_local_path_if_any()
    at_once = jobs or 1
    if root is None and (executor is not None or at_once > 1):
        raise NotSupportedError("Steps run side by side only in a workspace with a local directory")
    steps = plan.to_run
    alone = [n for n, step in enumerate(steps) if executor is None and finds_outputs(step)]
    listener = listener or Listener()
    with ExitStack() as stack:
        run, stop = Steps(workspace, plan, listener), _nothing
        if root is not None and (executor is not None or (at_once > 1 and len(steps) > 1)):
            logs = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="dws-rerun-")))
            if executor is not None:
                from dataworkspaces.commands.far import AT_A_TIME, far_work  # most reruns are on this machine
                from dataworkspaces.commands.rerun_far import FarSteps

                at_once = jobs or AT_A_TIME
                far = stack.enter_context(far_work(workspace, executor))
                run, stop = FarSteps(workspace, plan, listener, logs, root, far), far.stop
                stack.callback(run.tidy)
            else:
                guard = stack.enter_context(guarding(logs))
                run, stop = SideBySide(workspace, plan, listener, logs, root, guard), guard.interrupt
        else:
            at_once = 1
        run_in_order([step.execution for step in steps], run.run, jobs=at_once, alone=alone, stop=stop)
    return run.end()


def _nothing() -> None:
    pass


__all__ = ["Listener", "RerunOutcome", "rerun_command"]
