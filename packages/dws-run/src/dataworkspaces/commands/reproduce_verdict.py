"""What a reproduction found: values, in the shape in which they are printed, kept and signed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from dataworkspaces.lineage.attestations import GOOD, VERDICTS, Verdict


@dataclass(frozen=True)
class Comparison:
    """:ivar verdict: ``identical`` are the same bytes, ``equal`` the same but for what is no difference.
    :ivar details: the first differences, or why there is nothing to compare, in words.
    :ivar largest: the largest difference of two numbers, if some differ."""

    verdict: Verdict
    details: tuple[str, ...] = ()
    largest: float | None = None


@dataclass(frozen=True)
class OutputVerdict:
    """Of one file. :ivar output: ``RESOURCE:PATH``. :ivar step: what wrote it in the snapshot. :ivar varies: whether it
    was another at each of several runs; None if there was one run."""

    output: str
    step: str
    verdict: Verdict
    details: tuple[str, ...] = ()
    largest: float | None = None
    varies: bool | None = None

    @property
    def remarks(self) -> tuple[str, ...]:
        """All that is to be said of it, in words."""
        largest = () if self.largest is None else (f"the largest difference is {self.largest:g}",)
        return (*self.details, *largest, *(("it is another at each run",) if self.varies else ()))


@dataclass(frozen=True)
class StepVerdict:
    """:ivar command: as it ran; empty if none is recorded.
    :ivar exit_status: None if it did not run. :ivar seconds: how long it ran.
    :ivar why: why it did not run, or what it ended with. :ivar log: the end of what it printed, if it failed.
    :ivar reasons: why its outputs may differ, likely ones first."""

    name: str
    command: tuple[str, ...]
    exit_status: int | None = None
    seconds: float | None = None
    why: str = ""
    log: str = ""
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True)
class RecordedEnvironment:
    """One that was made again from its record. :ivar steps: those that ran in it. :ivar python: its version.
    :ivar packages, verified, differences: as of :class:`dataworkspaces.lineage.environment_kind.Created`."""

    steps: tuple[str, ...]
    python: str
    packages: int
    verified: int
    differences: tuple[str, ...] = ()


@dataclass(frozen=True)
class Reproduction:
    """:ivar snapshot: its hash. :ivar tags: of the snapshot, then.
    :ivar complete: whether these are all steps of the snapshot.
    :ivar environment: ``current`` or ``recorded``. :ivar python, platform: where the steps ran.
    :ivar environments: those that were made from their records.
    :ivar started, finished: ISO 8601, with the offset from UTC.
    :ivar user, hostname: who ran it, and on which machine.
    :ivar inputs: by resource the version of the snapshot that was checked out."""

    workspace: str
    snapshot: str
    tags: tuple[str, ...]
    complete: bool
    environment: str
    environments: tuple[RecordedEnvironment, ...]
    python: str
    platform: str
    started: str
    finished: str
    user: str
    hostname: str
    rtol: float
    atol: float
    runs: int
    inputs: dict[str, str | None]
    steps: tuple[StepVerdict, ...]
    outputs: tuple[OutputVerdict, ...]

    @property
    def is_reproduced(self) -> bool:
        """Whether there are outputs, and all of them are identical or equal."""
        return bool(self.outputs) and all(output.verdict in GOOD for output in self.outputs)

    @property
    def in_words(self) -> str:
        return "is reproduced" if self.is_reproduced else "is not reproduced"

    @property
    def snapshot_name(self) -> str:
        return ", ".join(self.tags) or self.snapshot[:7]

    @property
    def counts(self) -> dict[str, int]:
        return {v: n for v in VERDICTS if (n := sum(output.verdict == v for output in self.outputs))}

    def to_json(self) -> dict[str, Any]:
        return {"reproduced": self.is_reproduced, "counts": self.counts, **asdict(self)}

    def to_keep(self) -> dict[str, Any]:
        """What others may read: without what the steps printed, in which anything may be."""
        return replace(self, steps=tuple(replace(step, log="") for step in self.steps)).to_json()


def reproduction_from_json(found: Mapping[str, Any]) -> Reproduction:
    """What :meth:`Reproduction.to_json` has made, at a worker."""
    known = {field.name: found[field.name] for field in fields(Reproduction)}
    return Reproduction(**{
        **known,
        "tags": tuple(found["tags"]),
        "environments": tuple(RecordedEnvironment(**_tuples(each)) for each in found["environments"]),
        "steps": tuple(StepVerdict(**_tuples(each)) for each in found["steps"]),
        "outputs": tuple(OutputVerdict(**_tuples(each)) for each in found["outputs"]),
    })  # fmt: skip


def _tuples(values: Mapping[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in values.items()}


def summary(counts: dict[str, int]) -> str:
    return ", ".join(f"{count} {verdict}" for verdict, count in counts.items()) or "nothing to compare"


def environment_of(found: Reproduction) -> str:
    """What the steps ran in, in words."""
    what = "made from the record" if found.environment == "recorded" else "the present one"
    return f"{what}: Python {found.python}, {found.platform}"


def first(texts: Sequence[str], most: int = 5) -> tuple[str, ...]:
    """The first of some differences, and how many more there are."""
    more = len(texts) - most
    return (*texts[:most], *([f"and {more} more"] if more > 0 else []))
