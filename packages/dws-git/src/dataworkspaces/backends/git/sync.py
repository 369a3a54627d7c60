"""A workspace's repository and its origin: publish, push, pull."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dataworkspaces.backends.git.merging import ResultsDirectory, merge_workspace
from dataworkspaces.backends.git.storage import GitStorage
from dataworkspaces.backends.git.trust import check_metadata_tree
from dataworkspaces.errors import ConfigurationError
from dataworkspaces.gitrepo import large_files
from dataworkspaces.gitrepo.advance import begin_merge, fast_forward, finish
from dataworkspaces.gitrepo.checks import check_url_of_user, without_password
from dataworkspaces.gitrepo.kept_trees import refspecs_to_push
from dataworkspaces.gitrepo.layout import current_branch, head_commit
from dataworkspaces.gitrepo.merge import commit_merge
from dataworkspaces.gitrepo.remote import (
    ORIGIN,
    branch_refspec,
    count_differences,
    fetch,
    has_origin,
    origin_url,
    plan_push,
    push,
    with_password,
)
from dataworkspaces.gitrepo.run import run_git
from dataworkspaces.resources.git_subdirectory import GitSubdirectory
from dataworkspaces.workspace import SnapshotWorkspaceMixin, SyncedWorkspaceMixin
from dataworkspaces.workspace.atomic import read_json_object, write_json

if TYPE_CHECKING:
    from dataworkspaces.workspace import LocalStateResourceMixin

_RENAMED = "renamed_resources.json"
"""In the machine directory, while a merge that gave resources another name is not complete here."""
_HINT_PULL = "dws pull, and push again"


class GitSync(SyncedWorkspaceMixin, GitStorage):
    """The capability of a git workspace that it is a copy of an origin."""

    @property
    def _what(self) -> str:
        return f"Workspace '{self.name}'"

    @property
    def _branch(self) -> str:
        branch = current_branch(self.paths.root)
        if branch is None:
            raise ConfigurationError(f"{self._what} is on no branch (HEAD is detached)", hint="git switch BRANCH")
        return branch

    # -- sending -------------------------------------------------------------------------------------------------

    def publish(self, *args: Any) -> None:
        """Arguments: the URL of an empty repository, and the resources that are pushed too.

        The URL becomes ``origin`` once everything is there. A password in it is used, and not stored."""
        url = _absolute(str(args[0]))
        resources: Sequence[LocalStateResourceMixin] = args[1] if len(args) > 1 else ()
        check_url_of_user(url)
        root, clean, environment = self.paths.root, without_password(url), with_password(url)
        present = origin_url(root)
        if present is not None and without_password(present) != clean:
            question = f"{self._what} has the origin {without_password(present)}. Publish to {clean} from now on?"
            if not self.interaction.confirm(question, default=False):
                raise ConfigurationError(
                    f"{self._what} has the origin {without_password(present)} already",
                    hint=f"git -C {root} remote set-url {ORIGIN} {clean}, then dws push",
                )
        self._check_clean()
        plan = plan_push(root, clean, self._refspecs(), self.interaction, self._what, environment)
        if plan.rejected is not None:
            raise ConfigurationError(
                f"{clean} holds another history already ({plan.rejected})", hint="Publish to an empty repository"
            )
        super().push(resources)
        large_files.send(root, clean, self._branch, self.interaction.progress)
        if plan.is_needed:
            push(root, clean, self._refspecs(), self.interaction, self._what, environment)
        verb = "set-url" if present is not None else "add"
        run_git(root, ["remote", verb, ORIGIN, clean], doing="Setting the origin")
        self._note_pushed()
        run_git(root, ["branch", "--quiet", f"--set-upstream-to={ORIGIN}/{self._branch}"], doing="Setting the origin")
        self.interaction.tell(f"{self._what} is published at {clean}")
        if clean != url:
            self.interaction.warn("The password in the URL is not stored; for the next push see 'git help credentials'")

    def push(self, resource_list: Sequence[LocalStateResourceMixin]) -> None:
        """As the contract says. Nothing is sent before all origins have said that they would take it."""
        root = self.paths.root
        if not has_origin(root):
            raise ConfigurationError(f"{self._what} has no origin to push to", hint="dws publish URL")
        self._check_clean()
        plan = plan_push(root, ORIGIN, self._refspecs(), self.interaction, self._what)
        if plan.rejected is not None:
            raise ConfigurationError(
                f"{self._what} is behind its origin, which has commits that are not here ({plan.rejected})",
                hint=_HINT_PULL,
            )
        before = head_commit(root)
        super().push(resource_list)
        if head_commit(root) == before and not plan.is_needed:
            self.interaction.tell(f"{self._what}: nothing to push, the origin has everything")
            return
        large_files.send(root, ORIGIN, self._branch, self.interaction.progress)
        push(root, ORIGIN, self._refspecs(), self.interaction, self._what)
        self.interaction.tell(f"{self._what}: pushed")

    def _refspecs(self) -> list[str]:
        root = self.paths.root
        lineage = self.paths.snapshot_lineage.relative_to(root).as_posix()
        return [branch_refspec(self._branch), *refspecs_to_push(root, root, lineage)]

    def _check_clean(self) -> None:
        """Raise ConfigurationError if something has not been committed that somebody could miss elsewhere."""
        root = self.paths.root
        self.save("Metadata of an interrupted command")
        large_files.check_programs(root)
        status = self.repo.status()
        if status.commit is None:
            raise ConfigurationError(f"{self._what} has no commit yet")
        ours = [f"{r.relative_path}/" for r in self.get_resources() if isinstance(r, GitSubdirectory)]
        missed = [
            path
            for path in status.dirty
            if path not in status.untracked or any(path.startswith(o) or o.startswith(path) for o in ours)
        ]
        if missed:
            shown = ", ".join(missed[:3]) + (f" and {len(missed) - 3} more" if len(missed) > 3 else "")
            raise ConfigurationError(
                f"{self._what} has changes that are not committed: {shown}", hint="Take a snapshot first"
            )

    def _note_pushed(self) -> None:
        head = head_commit(self.paths.root)
        if head is not None:
            run_git(self.paths.root, ["update-ref", f"refs/remotes/{ORIGIN}/{self._branch}", head])

    # -- receiving -----------------------------------------------------------------------------------------------

    def pull_workspace(self) -> GitSync:
        """As the contract says. If both sides have new commits they are merged: metadata always can be; conflicts in
        the user's own files raise ConfigurationError with their names, and leave a merge that the user finishes."""
        root = self.paths.root
        if not has_origin(root):
            raise ConfigurationError(f"{self._what} has no origin to pull from", hint="dws publish URL")
        self.save("Metadata of an interrupted command")
        branch = self._branch
        theirs = fetch(root, branch, self.interaction, self._what)
        ours = head_commit(root)
        if theirs is None or ours is None:
            self.interaction.warn(f"The origin of {self._what} has no branch '{branch}' yet: dws push sends it")
            return self
        here, there = count_differences(root, ours, theirs)
        if there == 0:
            self.interaction.tell(f"{self._what}: up to date")
            return self
        check_metadata_tree(root, theirs)
        large_files.check_programs_of_tree(root, theirs)
        if here == 0:
            fast_forward(root, theirs, self._what)
        else:
            self._merge(ours, theirs)
        after = self.reopened()
        after.complete_pull()
        large_files.set_up(root)
        large_files.fetch(root, self.interaction.progress)
        merged = f", merged with {here} of this copy" if here else ""
        self.interaction.tell(f"{self._what}: pulled {there} commit{'' if there == 1 else 's'}{merged}")
        return after

    def _merge(self, ours: str, theirs: str) -> None:
        root = self.paths.root
        subdirectories = [r for r in self.get_resources() if isinstance(r, GitSubdirectory)]
        merged = merge_workspace(
            root,
            "HEAD",  # these names stand at git's marks in files
            f"{ORIGIN}/{self._branch}",
            results=[ResultsDirectory(r.relative_path) for r in subdirectories if r.has_results_role()],
            exported=[r.relative_path for r in subdirectories if r.is_exported()],
            tags=self.known_tags(),
            resource_names=self.get_resource_names(),
        )
        renamed = merged.metadata.renamed_resources
        if renamed:
            write_json(self.get_machine_directory() / _RENAMED, renamed, durable=True)
        for note in merged.metadata.notes:
            self.interaction.warn(note)
        message = f"Merge the origin into {self.name}"
        if merged.merge.conflicts:
            begin_merge(root, merged.merge, theirs, message, self._what)
            self.reopened().complete_pull()
            names = ", ".join(sorted(merged.merge.conflicts))
            raise ConfigurationError(
                f"{self._what}: both this copy and the origin changed: {names}",
                hint="Edit these files (git has marked the places), 'git add' them and 'git commit', then dws pull; "
                "or go back with 'git merge --abort'. The workspace's own metadata is merged",
            )
        fast_forward(root, commit_merge(root, merged.merge.tree, ours, theirs, message), self._what)

    def complete_pull(self) -> None:
        """What a pull does on this machine once the files are there. Idempotent."""
        note = self.get_machine_directory() / _RENAMED
        if note.exists():
            for old, new in read_json_object(note).items():
                self._rename_here(old, str(new))
            note.unlink()
        for resource in self.get_resources():
            if isinstance(resource, GitSubdirectory):
                Path(resource.local_path).mkdir(parents=True, exist_ok=True)  # git keeps no empty directories

    def _rename_here(self, old: str, new: str) -> None:
        """What this machine keeps of a resource goes with its new name."""
        self.rename_resource_local_params(old, new)
        before, after = self.paths.resource_local(old), self.paths.resource_local(new)
        if before.exists() and not after.exists():
            before.rename(after)
        if isinstance(self, SnapshotWorkspaceMixin):
            self.get_lineage_store().rename_resource(old, new, list(self.get_resource_names()))

    def known_tags(self) -> Iterable[str]:
        """All tags of snapshots."""
        return self.get_tags() if isinstance(self, SnapshotWorkspaceMixin) else ()

    def reopened(self) -> GitSync:
        """The workspace as it is on disk now."""
        config = read_json_object(self.paths.config, "name", "dws-version")
        again = type(self)(self.paths.root, str(config["name"]), str(config["dws-version"]), self.batch, self.verbose)
        again.interaction = self.interaction
        return again

    def recover_pull(self, repositories: Iterable[Path]) -> str:
        """Complete what a killed pull left in the working trees."""
        for root in (self.paths.root, *repositories):
            kept = finish(root)
            if kept is not None:
                self.interaction.warn(
                    f"Files of {root} were neither as before nor as pulled; what they held is kept: "
                    f"git -C {root} show {kept}"
                )
        self.complete_pull()
        return "what had arrived is in place; 'dws pull' brings the rest"


def _absolute(url: str) -> str:
    """A URL, or the absolute path of a local repository."""
    path = Path(url).expanduser()
    if "://" not in url and not url.startswith("-") and (path.exists() or ":" not in url.partition("/")[0]):
        return os.path.normpath(path.absolute())
    return url
