"""Whether a step is up to date: what its last success says of it, and what has changed since."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from dataworkspaces.commands.run_around import Around
from dataworkspaces.commands.run_step import is_there
from dataworkspaces.commands.run_surroundings import KNOWN, Surroundings, expect_look, look_around, new_inputs
from dataworkspaces.lineage.code_files import CodeNow
from dataworkspaces.lineage.model import HashCertificate, LineageEntry, ResourceCert, RunRecord, StepLineage
from dataworkspaces.lineage.places import Place, places, same_content
from dataworkspaces.lineage.states import Contents, States
from dataworkspaces.lineage.workspace_graph import contents_now
from dataworkspaces.workspace import ResourceRef, Workspace
from dataworkspaces.workspace.results import RESULTS_FILE

Lineages = Mapping[str, "list[LineageEntry]"]


@dataclass(frozen=True)
class LastSuccess:
    """:ivar reasons: why the step has to run again, in a few words each; empty if it is certain that it need not."""

    outputs: tuple[ResourceRef, ...]
    reasons: tuple[str, ...]


def look_at_last(workspace: Workspace, record: RunRecord, around: Around | None = None) -> LastSuccess | None:
    """The last success of a step; None if it never ran with success.

    :param around: see :func:`look_around`."""
    around = around or Around(workspace)
    store = workspace.as_lineage_ws().get_lineage_store()
    lineages = {name: store.entries(name) for name in workspace.get_resource_names()}
    entries = _last_run(lineages, record)
    if not entries:
        return None
    if any(entry.run is None or not _is_same(entry.run, record) for entry in entries):
        return LastSuccess((), tuple(_differences(entries, record)))
    expect_changes_around(around, entries, None)
    contents = contents_now(workspace, lineages, around.contents)
    code = around.code
    states = States(lineages, contents, code_changes=code.changes)
    known = {name: places(name, lineage) for name, lineage in lineages.items()}
    reasons: dict[str, None] = {}
    for entry in entries:
        for cert in entry.outputs:
            place = known.get(cert.ref.name, {}).get(cert.ref)
            if place is None or place.entry != entry:
                reasons[f"{cert.ref} comes from another run"] = None
            else:
                found = (
                    states.of(cert.ref).reasons
                    or _doubts(workspace, place, contents, code)
                    or _moved(workspace, entry, cert)
                )
                reasons.update(dict.fromkeys(found))
    reasons.update(dict.fromkeys(changes_around(workspace, entries, None, code, must_know=True, around=around)))
    return LastSuccess(tuple(dict.fromkeys(c.ref for e in entries for c in e.outputs)), tuple(reasons))


def expect_changes_around(around: Around, entries: Sequence[StepLineage], directory: str | None) -> None:
    """:func:`changes_around` is going to be asked for these."""
    record = next((entry.run for entry in entries if entry.run is not None), None)
    then = Surroundings.of_run(entries)
    if record is not None and then is not None:
        expect_look(around, record, directory, then.resources, _written(entries))


def _written(entries: Sequence[StepLineage]) -> list[ResourceRef]:
    return [cert.ref for entry in entries for cert in entry.outputs]


def changes_around(
    workspace: Workspace,
    entries: Sequence[StepLineage],
    directory: str | None,
    code: CodeNow,
    *,
    must_know: bool = False,
    files: bool = True,
    outputs: bool = True,
    around: Around | None = None,
) -> list[str]:
    """What has changed of the surroundings of a run, and inputs that it has now and had not then.

    :param entries: of one run.
    :param code: of code of which nobody said whether the step runs it, the files on which it depends may be known.
    :param must_know: it is a change, too, that it was not recorded how they were.
    :param files: False if nobody knows the directory.
    :param outputs: False if it does not matter what lies at its results.
    :param around: see :func:`look_around`."""
    record = next((entry.run for entry in entries if entry.run is not None), None)
    if record is None:
        return []
    found = [f"{ref} is new in its inputs" for entry in entries for ref in new_inputs(workspace, entry)]
    then = Surroundings.of_run(entries)
    if then is None:
        return [*found, "there is no record of what it may have read"] if must_know else found
    now = look_around(workspace, record, directory, list(then.resources), _written(entries), around)
    if not files:
        then, now = replace(then, files={}), replace(now, files={})
    for name, text in then.resources.items():
        if text is None or text != now.resources.get(name):
            changed = code.changes(entries[0], ResourceRef(name))
            if changed is not None:
                then, now = (replace(s, resources={**s.resources, name: KNOWN}) for s in (then, now))
                found += [f"its code in {place} has changed" for place in changed]
    certs = [cert for entry in entries for cert in entry.outputs]
    moved = {str(cert.ref) for cert in certs if isinstance(cert.certificate, HashCertificate) or not outputs}
    then = replace(then, results={ref: text for ref, text in then.results.items() if ref not in moved})
    now = replace(now, results={ref: text for ref, text in now.results.items() if ref not in moved})
    return [*found, *then.changes_to(now)]


def is_gone(workspace: Workspace, cert: ResourceCert) -> bool:
    """Whether what a step read or wrote is not there, and lineage, which recorded no content of it, cannot tell.
    Results that a snapshot has moved are there."""
    certificate = cert.certificate
    if certificate.content is not None or isinstance(certificate, HashCertificate):
        return False
    return not is_there(workspace, cert.ref)


def _doubts(workspace: Workspace, place: Place, contents: Contents, code: CodeNow) -> list[str]:
    """What is not known for certain to be as it was, though nothing says that it has changed."""
    entry = place.entry
    assert isinstance(entry, StepLineage)
    found = []
    whole = [
        cert
        for cert in entry.code
        if same_content(contents.get(cert.ref), cert.certificate.content) is not True
        and code.changes(entry, cert.ref) != []
    ]
    for cert in (*entry.inputs, *whole, place.cert):
        is_results = cert is place.cert and workspace.get_resource(cert.ref.name).has_results_role()
        is_same = same_content(contents.get(cert.ref), cert.certificate.content)
        if is_gone(workspace, cert):
            found.append(f"{cert.ref} is gone")
        elif not is_results and not is_same:
            found.append(f"{cert.ref} has changed" if is_same is False else f"{cert.ref} may have changed")
    return found


def _moved(workspace: Workspace, entry: StepLineage, cert: ResourceCert) -> list[str]:
    """Of results that were asked for by name, and that a snapshot has moved: whoever names them (``make``, say) wants
    them at their place. What was found by itself is where the snapshot says."""
    record = entry.run
    if record is None or not isinstance(cert.certificate, HashCertificate):
        return []
    if record.results == cert.ref:
        file = RESULTS_FILE if cert.ref.subpath is None else f"{cert.ref.subpath}/{RESULTS_FILE}"
        wanted = ResourceRef(cert.ref.name, file)
    elif cert.ref in (record.outputs or ()):
        wanted = cert.ref
    else:
        return []
    return [] if is_there(workspace, wanted) else [f"a snapshot has moved {wanted} away"]


def _last_run(lineages: Lineages, record: RunRecord) -> list[StepLineage]:
    """The entries of the last run of a name; a step stands in each resource that it wrote to."""
    runs: dict[str, dict[tuple[str, str], StepLineage]] = {}
    for entries in lineages.values():
        for entry in entries:
            if isinstance(entry, StepLineage) and entry.run is not None and entry.run.name == record.name:
                key = (entry.step_name, entry.start_time.isoformat())
                runs.setdefault(entry.run.run_id, {})[key] = entry
    if not runs:
        return []
    return list(max(runs.values(), key=lambda run: max(start for _, start in run)).values())


def _differences(entries: Sequence[StepLineage], record: RunRecord) -> list[str]:
    """What the user has asked for otherwise than the last time, in a few words each."""
    then = next((entry.run for entry in entries if entry.run is not None), None)
    if then is None:
        return ["there is no record of how it was called"]
    found = []
    for name in {**then.parameters, **record.parameters}:
        old, new = (json.dumps(run.parameters[name]) if name in run.parameters else None for run in (then, record))
        if old != new:
            now = "is no longer given" if new is None else f"is {new}"
            found.append(f"parameter {name} {now}, was {old}" if old is not None else f"parameter {name} is new")
    named = {"command line": "command", "directory": "working_directory", "inputs": "inputs", "outputs": "outputs"}
    named |= {"code": "code", "results": "results", "use of --no-input": "reads_nothing", "use of --autolog": "autolog"}
    return found + [f"another {label}" for label, key in named.items() if getattr(then, key) != getattr(record, key)]


def _is_same(one: RunRecord, other: RunRecord) -> bool:
    """As JSON: to Python 1, 1.0 and True are equal."""
    texts = [json.dumps(record._replace(run_id="").to_json(), sort_keys=True) for record in (one, other)]
    return texts[0] == texts[1]
