"""What a step wrote at a worker, and what is recorded of it, as this workspace has them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from dataworkspaces.commands.reproduce_places import root_of
from dataworkspaces.commands.rerun_graph import Execution
from dataworkspaces.commands.run_cache_outputs import CachedOutput, content_now
from dataworkspaces.commands.run_cache_take import names_of_outputs
from dataworkspaces.commands.run_request import PlannedRun
from dataworkspaces.errors import ConflictError, NotFoundError
from dataworkspaces.lineage.consistency import check_one_version_of_each
from dataworkspaces.lineage.model import ResourceCert, StepLineage
from dataworkspaces.lineage.places import group, same_content
from dataworkspaces.toolbox.move_files import move_tree
from dataworkspaces.workspace import ResourceRef, Workspace


@dataclass(frozen=True)
class OutputElsewhere(CachedOutput):
    """In a checkout that nobody needs any more. :ivar place: where it lies. :ivar names: what of it, if it is a whole
    resource."""

    place: Path
    names: tuple[str, ...] | None

    def copy(self, target: Path) -> None:
        """Moves it."""
        if self.names is None:
            move_tree(self.place, target)
            return
        target.mkdir()
        for name in self.names:
            move_tree(self.place / name, target / name)


def outputs_in(copy: Workspace, workspace: Workspace, entries: Sequence[StepLineage]) -> list[OutputElsewhere]:
    """What a step wrote in a checkout. Raises NotFoundError for what has not come along, or has no place here."""
    found = []
    for ref in dict.fromkeys(cert.ref for entry in entries for cert in entry.outputs):
        root, here = root_of(copy, ref), root_of(workspace, ref)
        place = None if root is None else root / (ref.subpath or "")
        content = None if place is None or not place.exists() else content_now(copy, ref)
        if root is None or here is None or place is None or content is None:
            raise NotFoundError(
                f"{ref}, which the step wrote at a worker, did not come here",
                hint=f"Its versions must be kept and sent: dws config --resource {ref.name} restorable true",
            )
        names = None if ref.subpath else tuple(names_of_outputs(copy, copy.get_resource(ref.name), root))
        found.append(OutputElsewhere(ref, content, place, names))
    return found


def entries_here(
    workspace: Workspace,
    execution: Execution,
    planned: PlannedRun | None,
    entries: Sequence[StepLineage],
    began: datetime,
) -> list[StepLineage]:
    """What the worker recorded, with the command and the versions that it has here.

    :param began: when it was given to a worker, whose clock may be another.

    Raises ConflictError if what it read is no longer what is here."""
    snapshots = workspace.as_lineage_ws()
    store = snapshots.get_lineage_store()
    inputs = {cert.ref: cert for entry in entries for cert in entry.inputs}
    code = {cert.ref: cert for entry in entries for cert in entry.code}
    own = {cert.ref for entry in entries for cert in entry.outputs}
    present = snapshots.present_contents(group([*inputs, *code]), keep=True)
    contents: dict[ResourceRef, str | None] = {}
    for name, refs in group([*inputs, *code]).items():
        contents.update(zip((ResourceRef(name, path) for path in refs), present[name].contents, strict=True))
    changed = {ref for ref, cert in {**inputs, **code}.items() if _is_another(contents.get(ref), cert)}
    for ref in inputs:
        if ref in changed and ref not in own:
            raise ConflictError(
                f"{ref}, which step {execution.name} read at a worker, was changed here meanwhile",
                hint="Nothing that the step wrote came here. Run it again: dws rerun",
            )
    trees = {name: each.kept for name, each in present.items() if each.kept is not None}
    first = min(entry.start_time for entry in entries)
    here = []
    for entry in entries:
        read = [cert.ref for cert in entry.inputs if cert.ref not in changed]
        ran = [cert.ref for cert in entry.code if cert.ref not in changed]
        certs: dict[ResourceRef, ResourceCert] = {cert.ref: cert for cert in (*entry.inputs, *entry.code)}
        start = began + (entry.start_time - first)
        certs.update(store.certs_to_read(read, ran, contents, f"Step {entry.step_name} at {start}"))
        check_one_version_of_each(store, entry.step_name, [certs[cert.ref] for cert in entry.inputs])
        here.append(
            _as_called_here(planned, entry)._replace(
                start_time=start,
                inputs=tuple(certs[cert.ref] for cert in entry.inputs),
                code=tuple(certs[cert.ref] for cert in entry.code),
                code_trees={**entry.code_trees, **{n: t for n, t in trees.items() if any(r.name == n for r in ran)}},
            )
        )
    return here


def _is_another(here: str | None, cert: ResourceCert) -> bool:
    return same_content(here, cert.certificate.content) is False


def _as_called_here(planned: PlannedRun | None, entry: StepLineage) -> StepLineage:
    """With the command as it is called here. Of steps within a command nobody here knows another."""
    if planned is None or entry.run is None:
        return entry
    is_whole = entry.command_line == entry.run.command
    line = planned.record.command if is_whole else entry.command_line
    return entry._replace(run=planned.record._replace(inputs=entry.run.inputs), command_line=line)
