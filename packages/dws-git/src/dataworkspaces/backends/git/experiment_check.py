"""Whether the experiments of a workspace can be read, and what they need is there."""

from __future__ import annotations

from collections.abc import Iterator
from shlex import quote
from typing import TYPE_CHECKING

from dataworkspaces.backends.git.experiments import read_experiments, repository_versions
from dataworkspaces.errors import DwsError
from dataworkspaces.gitrepo.experiment_refs import list_experiment_refs
from dataworkspaces.gitrepo.plumbing import resolve
from dataworkspaces.gitrepo.resource import GitRepoResource
from dataworkspaces.resources.git_subdirectory import GitSubdirectory
from dataworkspaces.workspace.problem import Problem, problem_of

if TYPE_CHECKING:
    from dataworkspaces.backends.git.workspace import GitWorkspace
    from dataworkspaces.workspace.kept_experiments import KeptExperiment


def check_experiments(workspace: GitWorkspace) -> Iterator[Problem]:
    """Changes nothing, and repairs nothing: an experiment can be fetched again, or removed."""
    refs = list_experiment_refs(workspace.paths.root)
    if not refs:
        return
    try:
        found, problems = read_experiments(workspace, refs)
    except DwsError as e:
        yield problem_of("snapshot", "experiments", e, f"git -C {quote(str(workspace.paths.root))} fsck")
        return
    for problem in problems:
        yield Problem("snapshot", "experiments", problem, "dws remove-experiment NAME, or fetch it again")
    for experiment in found:
        yield from _check(workspace, experiment)


def _check(workspace: GitWorkspace, experiment: KeptExperiment) -> Iterator[Problem]:
    where = f"experiment {experiment.name}"
    remedy = f"dws remove-experiment {experiment.name}, or fetch it again"
    again = type(workspace)(workspace.paths.directory, workspace.name, workspace.dws_version, True)
    again.include_experiments([experiment])
    try:
        again.get_snapshot_manifest(experiment.snapshot.hashval)
    except DwsError as e:
        yield problem_of("manifest", where, e, remedy)
    hashes = experiment.snapshot.restore_hashes
    own = {hashes.get(r.name) for r in workspace.get_resources() if isinstance(r, GitSubdirectory)} - {None}
    there = resolve(workspace.paths.root, [f"{commit}^{{commit}}" for commit in own])
    for commit, found in zip(own, there, strict=True):
        if found is None:
            yield Problem("snapshot", where, f"the workspace's repository lacks commit {str(commit)[:12]}", remedy)
    for name, commit in repository_versions(workspace, experiment.snapshot).items():
        resource = workspace.get_resource(name)
        if isinstance(resource, GitRepoResource) and resolve(resource.root, [f"{commit}^{{commit}}"])[0] is None:
            yield Problem("snapshot", where, f"resource '{name}' lacks commit {commit[:12]}", remedy)
