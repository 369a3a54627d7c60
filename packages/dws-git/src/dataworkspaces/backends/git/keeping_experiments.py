"""The capability of a git workspace that it keeps experiments. What it takes is imported when it is used."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from dataworkspaces.workspace.kept_experiments import ExperimentsMixin, KeptExperiment

if TYPE_CHECKING:
    from dataworkspaces.backends.git.workspace import GitWorkspace


class GitExperiments(ExperimentsMixin):
    """See :mod:`dataworkspaces.backends.git.experiments`."""

    @property
    def _own(self) -> GitWorkspace:
        return cast("GitWorkspace", self)

    def list_experiments(self) -> list[KeptExperiment]:
        from dataworkspaces.backends.git.experiments import list_experiments

        return list_experiments(self._own)

    def has_experiment(self, name: str) -> bool:
        from dataworkspaces.gitrepo.experiment_refs import has_experiment_ref

        return has_experiment_ref(self._own.paths.root, name)

    def include_experiments(self, experiments: Iterable[KeptExperiment]) -> None:
        from dataworkspaces.backends.git.experiments_included import IncludedExperiments

        own = self._own
        before = () if own.included_experiments is None else own.included_experiments.experiments
        own.included_experiments = IncludedExperiments(own.paths, [*before, *experiments], own.resource_names)

    def take_experiment(
        self, name: str, message: str, labels: Mapping[str, str], other: Mapping[str, Any] | None = None
    ) -> KeptExperiment:
        from dataworkspaces.backends.git.experiments import take

        return take(self._own, name, message, labels, other or {})

    def remove_experiment(self, name: str) -> None:
        from dataworkspaces.backends.git.experiments import remove

        remove(self._own, name)

    def take_back_experiment(self, directory: Path, name: str) -> KeptExperiment:
        from dataworkspaces.backends.git.experiment_from_copy import take_back

        return take_back(self._own, directory, name)

    def adopt_experiment(self, experiment: KeptExperiment) -> GitWorkspace:
        from dataworkspaces.backends.git.experiment_adoption import adopt

        return adopt(self._own, experiment)

    def origin_to_clone(self) -> str | None:
        from dataworkspaces.backends.git.experiment_sync import origin_to_clone

        return origin_to_clone(self._own)

    def list_experiments_at_origin(self) -> dict[str, str]:
        from dataworkspaces.backends.git.experiment_sync import list_at_origin

        return list_at_origin(self._own)

    def push_experiments(self, experiments: Iterable[KeptExperiment]) -> None:
        from dataworkspaces.backends.git.experiment_sync import push_experiments

        push_experiments(self._own, experiments)

    def fetch_experiments(self, names: Iterable[str]) -> list[KeptExperiment]:
        from dataworkspaces.backends.git.experiment_sync import fetch_experiments

        return fetch_experiments(self._own, names)

    def remove_experiments_at_origin(self, names: Iterable[str]) -> None:
        from dataworkspaces.backends.git.experiment_sync import remove_at_origin

        remove_at_origin(self._own, names)
