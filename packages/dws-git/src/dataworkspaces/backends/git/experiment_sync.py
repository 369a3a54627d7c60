"""Experiments go to the origin, and come from it, one by one and by name."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from dataworkspaces.backends.git.experiments import (
    check_no_clash,
    check_no_clash_with,
    read_experiments,
    repository_versions,
)
from dataworkspaces.backends.git.trust import check_metadata_tree
from dataworkspaces.errors import ConflictError, MetadataError, NotFoundError
from dataworkspaces.gitrepo import large_files
from dataworkspaces.gitrepo.beside import KEPT_VERSIONS, keep_version
from dataworkspaces.gitrepo.checks import absolute_url, without_passwords
from dataworkspaces.gitrepo.experiment_refs import (
    EXPERIMENTS,
    ExperimentRef,
    list_experiment_refs,
    set_experiment_ref,
    snapshot_in,
)
from dataworkspaces.gitrepo.kept_trees import FETCH_KEPT_TREES, refspecs_to_push
from dataworkspaces.gitrepo.layout import head_commit
from dataworkspaces.gitrepo.plumbing import resolve
from dataworkspaces.gitrepo.remote import ORIGIN, fetch_references, has_origin, list_references, origin_url, push
from dataworkspaces.gitrepo.resource import GitRepoResource
from dataworkspaces.gitrepo.run import run_git
from dataworkspaces.toolbox.names import some
from dataworkspaces.workspace.kept_experiments import KeptExperiment, is_experiment_name

if TYPE_CHECKING:
    from dataworkspaces.backends.git.workspace import GitWorkspace

_INCOMING = "refs/dws/incoming"
"""Below it: what an origin sent, until it was looked at."""


def list_at_origin(workspace: GitWorkspace) -> dict[str, str]:
    """See :meth:`ExperimentsMixin.list_experiments_at_origin`."""
    workspace.check_origin("push")
    found = list_references(workspace.paths.root, f"{EXPERIMENTS}/*", workspace.interaction, workspace.what)
    named = {ref.removeprefix(f"{EXPERIMENTS}/"): commit for ref, commit in found.items()}
    return {name: commit for name, commit in named.items() if is_experiment_name(name)}


def origin_to_clone(workspace: GitWorkspace) -> str | None:
    """See :meth:`ExperimentsMixin.origin_to_clone`."""
    url = origin_url(workspace.paths.root)
    return None if url is None else without_passwords(absolute_url(url, workspace.paths.root))


def push_experiments(workspace: GitWorkspace, experiments: Iterable[KeptExperiment]) -> None:
    """See :meth:`ExperimentsMixin.push_experiments`. The repositories of resources go first."""
    root, there = workspace.paths.root, list_at_origin(workspace)
    wanted = list(experiments)
    others = [each.name for each in wanted if there.get(each.name, each.version) != each.version]
    if others:
        raise ConflictError(
            f"The origin of {workspace.what} has another experiment '{others[0]}'",
            hint=f"Take yours under another name, or remove that one: dws remove-experiment --remote {others[0]}",
        )
    for each in wanted:
        check_no_clash_with(each.name, there, " of the origin")
    for experiment in wanted:
        for name, commit in repository_versions(workspace, experiment.snapshot).items():
            _push_version(workspace, name, commit)
    lineage = workspace.paths.lineage_in_git
    refspecs: dict[str, None] = {}
    for experiment in wanted:
        refspecs.update(dict.fromkeys(refspecs_to_push(root, root, lineage, experiment.version)))
    refspecs.update({f"{each.version}:{EXPERIMENTS}/{each.name}": None for each in wanted})
    commits = [each.version for each in wanted]
    large_files.send_of_commits(root, ORIGIN, commits, workspace.consent, workspace.interaction.progress)
    push(root, ORIGIN, list(refspecs), workspace.interaction, workspace.what)


def _push_version(workspace: GitWorkspace, name: str, commit: str) -> None:
    resource = workspace.get_resource(name)
    if not isinstance(resource, GitRepoResource) or resource.read_only or not has_origin(resource.root):
        return
    keep_version(resource.root, commit)
    large_files.send_of_commits(resource.root, ORIGIN, [commit], workspace.consent, workspace.interaction.progress)
    refspec = f"{KEPT_VERSIONS}/{commit}:{KEPT_VERSIONS}/{commit}"
    push(resource.root, ORIGIN, [refspec], workspace.interaction, resource.what)


def fetch_experiments(workspace: GitWorkspace, names: Iterable[str]) -> list[KeptExperiment]:
    """See :meth:`ExperimentsMixin.fetch_experiments`. Each is looked at before it gets its name here."""
    root = workspace.paths.root
    wanted, there = list(names), list_at_origin(workspace)
    here = {ref.name: ref.commit for ref in list_experiment_refs(root)}
    for name in wanted:
        if name not in there:
            raise NotFoundError(
                f"The origin of {workspace.what} has no experiment '{name}'", hint=f"It has: {some(there) or 'none'}"
            )
        if here.get(name, there[name]) != there[name]:
            raise ConflictError(
                f"Another experiment '{name}' is here already",
                hint=f"Remove it first: dws remove-experiment {name}",
            )
        if name not in here:
            check_no_clash(root, name)
    new = [name for name in wanted if name not in here]
    incoming = {name: f"{_INCOMING}/{name}" for name in new}
    _forget_incoming(root)  # what a killed command has left
    if new:
        refspecs = [f"+{EXPERIMENTS}/{name}:{place}" for name, place in incoming.items()]
        fetch_references(root, [*refspecs, FETCH_KEPT_TREES], workspace.interaction, workspace.what)
    try:
        found = _look_at(workspace, new, incoming)
        for experiment in found:
            for name, commit in repository_versions(workspace, experiment.snapshot).items():
                _fetch_version(workspace, name, commit)
            set_experiment_ref(root, experiment.name, experiment.version)
    finally:
        _forget_incoming(root)
    kept, _ = read_experiments(workspace, list_experiment_refs(root, wanted))
    return kept


def _forget_incoming(root: Path) -> None:
    left = run_git(root, ["for-each-ref", "--format=delete %(refname)", f"{_INCOMING}/"]).stdout
    if left:
        run_git(root, ["update-ref", "--stdin"], stdin=left, doing="Fetching experiments")


def _look_at(workspace: GitWorkspace, names: Sequence[str], incoming: dict[str, str]) -> list[KeptExperiment]:
    """What came, checked as what a pull brings is; raises MetadataError for what is no experiment."""
    root = workspace.paths.root
    refs = []
    for name in names:
        (commit,) = resolve(root, [incoming[name]])
        if commit is None:
            raise MetadataError(f"Experiment '{name}' of the origin is not there any more", hint="Try again")
        check_metadata_tree(root, workspace.paths.tree(commit))
        large_files.check_programs_of_tree(root, commit)
        refs.append(_as_ref(root, name, commit))
    found, problems = read_experiments(workspace, refs)
    if problems:
        raise MetadataError(problems[0], hint="Whoever pushed it has to push it again")
    return found


def _as_ref(root: Path, name: str, commit: str) -> ExperimentRef:
    message = run_git(root, ["log", "-1", "--format=%B", commit]).stdout.decode("utf-8", "replace")
    return ExperimentRef(name, commit, snapshot_in(message))


def _fetch_version(workspace: GitWorkspace, name: str, commit: str) -> None:
    resource = workspace.get_resource(name)
    if not isinstance(resource, GitRepoResource):
        return
    root = resource.root
    if resolve(root, [f"{commit}^{{commit}}"])[0] is None and has_origin(root):
        fetch_references(root, [f"{KEPT_VERSIONS}/{commit}"], workspace.interaction, resource.what)
    if resolve(root, [f"{commit}^{{commit}}"])[0] is not None and commit != head_commit(root):
        keep_version(root, commit)


def remove_at_origin(workspace: GitWorkspace, names: Iterable[str]) -> None:
    """See :meth:`ExperimentsMixin.remove_experiments_at_origin`."""
    wanted, there = list(names), list_at_origin(workspace)
    for name in wanted:
        if name not in there:
            raise NotFoundError(
                f"The origin of {workspace.what} has no experiment '{name}'", hint=f"It has: {some(there) or 'none'}"
            )
    refspecs = [f":{EXPERIMENTS}/{name}" for name in wanted]
    push(workspace.paths.root, ORIGIN, refspecs, workspace.interaction, workspace.what)
