"""What a sweep is going to run: kept on this machine, so that a sweep that was killed goes on where it was."""

from __future__ import annotations

import json
import os
import random
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from dataworkspaces.commands.kept_experiments import experiments_of
from dataworkspaces.commands.params_file import check_inside
from dataworkspaces.commands.sweep_command import check_command, check_keys, split_file_key
from dataworkspaces.commands.sweep_values import Axis, Point, check_count, grid, parse_axis, read_rows, samples
from dataworkspaces.errors import ConfigurationError, ConflictError, LockedError, MetadataError, NotFoundError
from dataworkspaces.toolbox.atomic import read_json_object, write_json
from dataworkspaces.toolbox.lock import HeldByAnother, acquire
from dataworkspaces.toolbox.lock_holder import noting_holder
from dataworkspaces.workspace import Workspace
from dataworkspaces.workspace.kept_experiments import check_experiment_name

_DIRECTORY = "sweeps"
BASE = "base"
"""The last part of the name of the experiment from which all runs of a sweep start."""


@dataclass(frozen=True)
class SweepRequest:
    """What the user typed.

    :ivar options: of ``dws run``, for each run: ``name``, ``inputs``, ``outputs``, ``code``, ``results``, …
    :ivar parameters: see :func:`parse_axis`. :ivar rows: a file with rows of values.
    :ivar count: how many points are drawn; None for all combinations.
    :ivar optuna: how many trials optuna chooses. :ivar goal: the metric, and ``max`` or ``min``."""

    command: tuple[str, ...]
    parameters: tuple[str, ...] = ()
    rows: str | None = None
    count: int | None = None
    seed: int | None = None
    optuna: int | None = None
    goal: str | None = None
    prune: bool = False
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class SweepPlan:
    """:ivar points: of each run, from number 1 on; those that optuna chooses are not known before.
    :ivar directory: where the command runs, relative to the workspace.
    :ivar seed: what the points were drawn with."""

    name: str
    request: SweepRequest
    points: tuple[Point, ...]
    directory: str
    seed: int

    @property
    def base(self) -> str:
        return f"{self.name}/{BASE}"

    @property
    def total(self) -> int:
        return len(self.points) if self.request.optuna is None else self.request.optuna

    def experiment(self, number: int) -> str:
        return f"{self.name}/{number}"

    def to_json(self) -> dict[str, Any]:
        return json.loads(json.dumps(asdict(self)))  # type: ignore[no-any-return]


def make_plan(workspace: Workspace, name: str, request: SweepRequest) -> SweepPlan:
    """Check what is asked for, and draw what is to be drawn. Changes nothing."""
    check_experiment_name(f"{name}/{BASE}")
    if not request.command:
        raise ConfigurationError("No command was given", hint="dws sweep [OPTIONS] -- COMMAND ARGUMENTS...")
    axes = [parse_axis(text) for text in request.parameters]
    names = [axis.name for axis in axes]
    for axis in names:
        if names.count(axis) > 1:
            raise ConfigurationError(f"--param: '{axis}' is given twice", hint="Put its values in one list")
    if not axes and request.rows is None:
        raise ConfigurationError("There are no parameters to try", hint="Give --param NAME=VALUES or --rows FILE")
    seed = random.SystemRandom().randrange(2**31) if request.seed is None else request.seed
    if request.optuna is not None:
        check_count(request.optuna)
        points: list[Point] = []
    elif request.count is not None:
        points = samples(axes, request.count, seed)
    else:
        points = grid(axes)
    if request.rows is not None:
        rows = read_rows(request.rows)
        check_count(len(rows) * max(len(points), 1))
        points = [{**row, **point} for row in rows for point in points] if points else rows
        names = list(dict.fromkeys([*names, *(column for row in rows for column in row)]))
        _check_rows(rows, names, axes)
    here = Path.cwd()
    check_command(request.command, dict.fromkeys(names), here)
    files = [split[0] for each in names if (split := split_file_key(each, here)) is not None]
    root = workspace.get_workspace_local_path_if_any()
    check_inside(files, None, root)
    check_keys(names, here)
    return SweepPlan(name, request, tuple(points), _directory(root), seed)


def _check_rows(rows: list[Point], names: list[str], axes: list[Axis]) -> None:
    """Raise ConfigurationError for a row without a value that others have."""
    given = {axis.name for axis in axes}
    for number, row in enumerate(rows, start=1):
        missing = next((name for name in names if name not in row and name not in given), None)
        if missing is not None:
            raise ConfigurationError(
                f"--rows: row {number} has no '{missing:.100}', which other rows have", hint="Give each row all values"
            )


def _directory(root: str | None) -> str:
    """That in which the user is, if it is in the workspace; else its root."""
    own, here = Path(os.path.realpath(root or ".")), Path(os.path.realpath("."))
    return here.relative_to(own).as_posix() if here == own or own in here.parents else "."


def place_of(workspace: Workspace, name: str) -> Path:
    return workspace.get_machine_directory() / _DIRECTORY / f"{name.replace('/', '%')}.json"


def keep_plan(workspace: Workspace, plan: SweepPlan) -> None:
    """Durable, and at once: from then on the sweep can go on."""
    write_json(place_of(workspace, plan.name), plan.to_json(), durable=True)


@contextmanager
def alone(workspace: Workspace, plan: SweepPlan) -> Iterator[None]:
    """Nobody else makes runs of this sweep meanwhile. Raises LockedError if somebody does."""
    path = place_of(workspace, plan.name).with_suffix(".lock")
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        lock = acquire(path, 0.0)
    except HeldByAnother as e:
        raise LockedError(
            f"Sweep '{plan.name}' is running already: {e.message}",
            hint="Wait until it has ended. 'dws unlock' removes a stale lock",
        ) from None
    try:
        with noting_holder(path, "sweep"):
            yield
    finally:
        lock.release()


def kept_plan(workspace: Workspace, name: str) -> SweepPlan:
    """That of a sweep that was begun here. Raises NotFoundError if there is none, MetadataError if it is damaged."""
    check_experiment_name(f"{name}/{BASE}")
    path = place_of(workspace, name)
    if not path.exists():
        known = sorted(p.stem.replace("%", "/") for p in path.parent.glob("*.json"))
        raise NotFoundError(
            f"No sweep '{name}' was begun on this machine", hint=f"There are: {', '.join(known) or 'none'}"
        )
    data = read_json_object(path, "name", "request", "points", "directory", "seed")
    try:
        given: dict[str, Any] = {key: tuple(v) if isinstance(v, list) else v for key, v in data["request"].items()}
        request = SweepRequest(**given)
        points = tuple(dict(point) for point in data["points"])
        return SweepPlan(str(data["name"]), request, points, str(data["directory"]), int(data["seed"]))
    except (TypeError, ValueError, AttributeError) as e:
        raise MetadataError(f"{path} does not hold a sweep: {e}", hint="Remove it, and begin the sweep again") from e


def continued(workspace: Workspace, plan: SweepPlan) -> SweepPlan:
    """The sweep of that name that was begun with the same command, or else the new one. Raises ConflictError if it was
    begun with another."""
    experiments = [each.name for each in experiments_of(workspace).list_experiments()]
    if plan.base not in experiments:
        others = [name for name in experiments if name.startswith(f"{plan.name}/")]
        if others:
            raise ConflictError(
                f"There are experiments {plan.name}/… already", hint="Choose another --name, or remove them first"
            )
        return plan
    try:
        before = kept_plan(workspace, plan.name)
    except NotFoundError:
        raise ConflictError(f"Sweep '{plan.name}' was begun on another machine", hint="Choose another --name") from None
    if _asked(before) != _asked(plan):
        raise ConflictError(
            f"Sweep '{plan.name}' was begun with another command or other parameters",
            hint=f"Choose another --name, or remove that one: dws remove-experiment '{plan.name}/*'",
        )
    return before


def _asked(plan: SweepPlan) -> dict[str, Any]:
    return replace(plan, points=(), seed=0).to_json()
