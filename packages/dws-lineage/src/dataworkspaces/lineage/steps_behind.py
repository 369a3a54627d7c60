"""The steps behind results: that which wrote them, those that wrote what it read, and so on."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from dataworkspaces.lineage.model import LineageEntry, StepLineage, entry_sources
from dataworkspaces.lineage.places import Makers, is_out_of_date

EntriesOf = Callable[[str], list[LineageEntry]]
"""The entries of a resource by its name."""


def steps_behind(resource_names: Iterable[str], entries_of: EntriesOf) -> list[StepLineage]:
    """All steps behind what lies in some resources, the latest first; each once, however many places it wrote."""
    read: dict[str, Makers] = {}
    found: dict[int, StepLineage] = {}
    pending: list[LineageEntry] = []
    for name in resource_names:
        entries = entries_of(name)
        read[name] = Makers(name, entries)
        pending += entries
    seen: set[int] = set()
    while pending:
        entry = pending.pop()
        if id(entry) in seen or not isinstance(entry, StepLineage):
            continue
        seen.add(id(entry))
        found[id(entry)] = entry
        for cert in entry_sources(entry):
            if cert.ref.name not in read:
                read[cert.ref.name] = Makers(cert.ref.name, entries_of(cert.ref.name))
            pending += [maker for maker in read[cert.ref.name].of(cert.ref) if not is_out_of_date(maker, cert)]
    unique: list[StepLineage] = []
    for step in sorted(found.values(), key=lambda step: step.start_time.isoformat(), reverse=True):
        if not any(_is_same_run(step, other) for other in unique):
            unique.append(step)
    return unique


def _is_same_run(one: StepLineage, other: StepLineage) -> bool:
    """Whether two entries are of one execution, which leaves one in each resource that it wrote."""
    return (one.step_name, one.start_time) == (other.step_name, other.start_time)
