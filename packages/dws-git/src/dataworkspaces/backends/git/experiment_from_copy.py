"""An experiment that was taken in a copy of the workspace comes here."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

from dataworkspaces.backends.git.experiments import (
    check_no_clash,
    known_experiment,
    read_experiments,
    repository_versions,
)
from dataworkspaces.backends.git.paths import WorkspacePaths
from dataworkspaces.errors import MetadataError, NotFoundError
from dataworkspaces.gitrepo.beside import keep_version
from dataworkspaces.gitrepo.elsewhere import link_large_files
from dataworkspaces.gitrepo.experiment_refs import list_experiment_refs, set_experiment_ref
from dataworkspaces.gitrepo.layout import git_directory
from dataworkspaces.gitrepo.repository_flush import flush_repository
from dataworkspaces.gitrepo.resource import GitRepoResource
from dataworkspaces.gitrepo.run import run_git
from dataworkspaces.toolbox.atomic import read_json_object
from dataworkspaces.workspace.checking_out import CheckOutMixin

if TYPE_CHECKING:
    from dataworkspaces.backends.git.workspace import GitWorkspace
    from dataworkspaces.workspace.kept_experiments import KeptExperiment

_FETCH = ("fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--")


def take_back(workspace: GitWorkspace, directory: Path, name: str) -> KeptExperiment:
    """See :meth:`ExperimentsMixin.take_back_experiment`. The reference comes last."""
    root, copy, began = workspace.paths.root, WorkspacePaths.of(directory).root, time.time() - 1
    check_no_clash(root, name)
    refs = list_experiment_refs(copy, [name]) if git_directory(copy) is not None else []
    if not refs:
        raise NotFoundError(f"{directory} has no experiment '{name}'")
    commit = refs[0].commit
    run_git(root, [*_FETCH, str(copy), commit], doing=f"Taking over experiment {name}")
    link_large_files(copy, root)
    found, problems = read_experiments(workspace, refs)
    if not found:
        raise MetadataError(problems[0])
    (experiment,) = found
    known = known_experiment(workspace, name, experiment.snapshot)
    if known is not None:
        return known
    _take_contents(workspace, directory, experiment)
    flush_repository(root, began)
    set_experiment_ref(root, name, commit)
    return experiment


def _take_contents(workspace: GitWorkspace, directory: Path, experiment: KeptExperiment) -> None:
    config = read_json_object(workspace.paths.config, "name", "dws-version")
    copy = type(workspace)(directory, str(config["name"]), str(config["dws-version"]), True)
    for each in (workspace, copy):
        each.include_experiments([experiment])
    there = set(copy.get_resource_names())
    versions = repository_versions(workspace, experiment.snapshot)
    for resource in workspace.get_resources():
        if resource.name not in there or not isinstance(resource, CheckOutMixin):
            continue
        other = copy.get_resource(resource.name)
        if isinstance(resource, GitRepoResource):
            commit = versions.get(resource.name)
            if commit is not None and isinstance(other, GitRepoResource):
                run_git(resource.root, [*_FETCH, str(other.root), commit], doing="Taking over an experiment")
                keep_version(resource.root, commit)
        else:
            resource.take_back(other)
