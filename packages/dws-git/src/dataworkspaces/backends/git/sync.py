"""The capability of a git workspace that it is a copy of an origin.

What it takes is imported when it is used: most commands talk to no origin."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dataworkspaces.backends.git.storage import GitStorage
from dataworkspaces.errors import ConfigurationError
from dataworkspaces.gitrepo.layout import current_branch
from dataworkspaces.toolbox.atomic import read_json_object
from dataworkspaces.workspace import SyncedWorkspaceMixin

if TYPE_CHECKING:
    from datetime import datetime

    from dataworkspaces.workspace import LocalStateResourceMixin, OriginState, VersionElsewhere


class GitSync(SyncedWorkspaceMixin, GitStorage):
    """Publish, push and pull."""

    @property
    def what(self) -> str:
        """The workspace, as messages name it."""
        return f"Workspace '{self.name}'"

    @property
    def branch(self) -> str:
        """The branch that is checked out; raises ConfigurationError if none is."""
        branch = current_branch(self.paths.root)
        if branch is None:
            raise ConfigurationError(
                f"{self.what} is on no branch (HEAD is detached)",
                hint=f"git -C {self.paths.root} switch -c BRANCH keeps what you have on a new branch",
            )
        return branch

    def publish(self, *args: Any) -> None:
        """Arguments: the URL of an empty repository, and the resources that are pushed too.

        The URL becomes ``origin`` once everything is there. A password in it is used, and not stored."""
        from dataworkspaces.backends.git.push import publish

        publish(self, str(args[0]), args[1] if len(args) > 1 else ())

    def check_origin(self, doing: str) -> None:
        """As the contract says. Resources with origins of their own are pulled without one of the workspace."""
        if doing == "push":
            from dataworkspaces.backends.git.push import check_origin
        else:
            from dataworkspaces.backends.git.pull import check_origin
        check_origin(self)

    def origin_state(self) -> OriginState:
        """What git knows of the origin since the last push or pull."""
        from dataworkspaces.backends.git.origin_state import origin_state

        return origin_state(self)

    def origin_identity(self) -> str | None:
        from dataworkspaces.backends.git.versions_at_origin import origin_identity

        return origin_identity(self)

    def versions_at_origin(self, since: datetime) -> Iterable[VersionElsewhere]:
        from dataworkspaces.backends.git.versions_at_origin import versions_at_origin

        names = self.resource_names
        for version in versions_at_origin(self, since):
            yield version._replace(resource_name=names.called(version.resource_name))

    def push(self, resource_list: Sequence[LocalStateResourceMixin]) -> None:
        """As the contract says. Nothing is sent before all origins have said that they would take it."""
        from dataworkspaces.backends.git.push import push_all

        push_all(self, resource_list)

    def push_resources_first(self, resource_list: Sequence[LocalStateResourceMixin]) -> None:
        """Check and push the resources, and commit what that has changed in the metadata."""
        super().push(resource_list)
        self.save("Origins of resources")

    def pull_workspace(self) -> GitSync:
        """As the contract says. If both sides have new commits they are merged: metadata always can be; conflicts in
        the user's own files raise ConfigurationError with their names, and leave a merge that the user finishes."""
        from dataworkspaces.backends.git.pull import pull

        return pull(self)

    def complete_pull(self) -> None:
        """What has to be done on this machine once files that came from an origin are there. Idempotent."""
        from dataworkspaces.backends.git.pull import complete

        complete(self)

    def recover_pull(self, repositories: Iterable[Path]) -> str:
        """Complete what a killed pull left in the working trees of the workspace and of these repositories."""
        from dataworkspaces.backends.git.pull import recover

        return recover(self, repositories)

    def reopened(self) -> GitSync:
        """The workspace as it is on disk now."""
        config = read_json_object(self.paths.config, "name", "dws-version")
        again = type(self)(
            self.paths.directory, str(config["name"]), str(config["dws-version"]), self.batch, self.verbose
        )
        again.interaction = self.interaction
        return again
