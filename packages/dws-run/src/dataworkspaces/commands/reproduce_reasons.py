"""Why the outputs of a step may be others than those of the snapshot."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from dataworkspaces.commands.reproduce_verdict import OutputVerdict, StepVerdict
from dataworkspaces.commands.rerun_graph import Execution
from dataworkspaces.lineage.model import Environment, StepLineage
from dataworkspaces.toolbox.names import some
from dataworkspaces.workspace import Workspace


def with_reasons(
    copy: Workspace, executions: Sequence[Execution], steps: Sequence[StepVerdict], outputs: Collection[OutputVerdict]
) -> tuple[StepVerdict, ...]:
    """The verdicts of steps, with the likely reasons where an output differs.

    :param copy: in which they ran again, and where that is recorded."""
    told = []
    for step, execution in zip(steps, executions, strict=True):
        differs = any(o.step == step.name and o.verdict == "different" for o in outputs)
        told.append(replace(step, reasons=tuple(_reasons(copy, execution))) if differs else step)
    return tuple(told)


def _reasons(copy: Workspace, execution: Execution) -> Iterator[str]:
    seeds = {key: value for entry in execution.entries for key, value in entry.random_seeds.items()}
    named = [k for k in execution.parameters if "seed" in k.lower() or "random_state" in k.lower()]
    if not seeds and not any(execution.parameters[name] is not None for name in named):
        unset = f": {some(named)} is None" if named else ""
        yield f"no random seed was set{unset}"
    notebooks = [entry.notebook for entry in execution.entries if entry.notebook is not None]
    if any(notebook.executed and not notebook.is_top_to_bottom for notebook in notebooks):
        yield "the cells of the notebook ran in another order, and now from top to bottom"
    then = next((e.environment for e in execution.entries if e.environment is not None), None)
    now = environment_now(copy, execution)
    if then is not None and now is not None:
        yield from _changes(then, now)


def environment_now(copy: Workspace, execution: Execution) -> Environment | None:
    """As the step has recorded it in the copy."""
    before = {(entry.step_name, entry.start_time) for entry in execution.entries}
    names = {name for name, _ in before}
    store = copy.as_lineage_ws().get_lineage_store()
    new = [
        entry
        for resource in dict.fromkeys(ref.name for ref in execution.places)
        for entry in store.entries(resource)
        if isinstance(entry, StepLineage)
        and entry.step_name in names
        and (entry.step_name, entry.start_time) not in before
    ]
    return max(new, key=lambda entry: entry.start_time).environment if new else None


def _changes(then: Environment, now: Environment) -> Iterator[str]:
    if then.python is not None and now.python is not None and then.python.split()[0] != now.python.split()[0]:
        yield f"Python was {then.python}, and is {now.python}"
    old, new = then.distributions, now.distributions
    if old is not None and new is not None:
        changed = [f"{name} {old[name]}, now {new.get(name, 'not used')}" for name in old if old[name] != new.get(name)]
        if changed:
            yield f"other versions: {some(changed)}"
    if then.platform is not None and now.platform is not None and then.platform != now.platform:
        yield f"the platform was {then.platform}, and is {now.platform}"
    if then.settings and now.settings:
        settings = [
            f"{name} {_text(before)}, now {_text(after)}"
            for name, before, after in _settings(then.settings, now.settings)
        ]
        if settings:
            yield f"other settings: {some(settings)}"


def _settings(then: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    """Threads, libraries and drivers that are others."""
    for key in sorted({*then, *now} - {"variables"}):
        if then.get(key) != now.get(key):
            yield key.replace("_", " "), then.get(key), now.get(key)
    old, new = (each.get("variables") for each in (then, now))
    old, new = (each if isinstance(each, Mapping) else {} for each in (old, new))
    for name in sorted({*old, *new}):
        if old.get(name) != new.get(name):
            yield name, old.get(name), new.get(name)


def _text(value: Any) -> str:
    return "not set" if value is None else ", ".join(map(str, value)) if isinstance(value, list) else str(value)
