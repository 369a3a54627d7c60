"""How a git workspace comes to another machine."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from dataworkspaces.backends.git.conversion import protect
from dataworkspaces.backends.git.paths import BRANCH_PARAM, WorkspacePaths
from dataworkspaces.backends.git.trust import check_metadata_tree, directory_name
from dataworkspaces.backends.git.workspace import GitWorkspace
from dataworkspaces.durability import flush_directory, flush_files, flush_tree
from dataworkspaces.errors import ConfigurationError, DwsError, NotAWorkspaceError
from dataworkspaces.gitrepo import large_files
from dataworkspaces.gitrepo.checks import check_branch_name, check_url_of_user, without_password
from dataworkspaces.gitrepo.layout import current_branch, head_commit
from dataworkspaces.gitrepo.plumbing import select
from dataworkspaces.gitrepo.remote import ORIGIN, clone, temporary_clone_directory, tracked_commit, with_password
from dataworkspaces.gitrepo.repository_flush import flush_repository
from dataworkspaces.gitrepo.restraint import made_here
from dataworkspaces.gitrepo.run import run_git
from dataworkspaces.toolbox.atomic import explain_os_error, read_json_object, write_json
from dataworkspaces.toolbox.build_directory import put_in_place
from dataworkspaces.toolbox.names import some
from dataworkspaces.toolbox.trust import place_of_directory
from dataworkspaces.workspace import BatchInteraction, Interaction
from dataworkspaces.workspace.trust import Consent
from dataworkspaces.workspace.workspace_uri import METADATA_DIR, current_directory

_CHECKOUT = {"GIT_LFS_SKIP_SMUDGE": "1"}


def clone_workspace(local_params: dict[str, Any], batch: bool, verbose: bool, *args: Any) -> GitWorkspace:
    """Arguments: the repository's URL, the directory to make (default: the workspace's name, in the current
    directory), and how to reach the user.

    The clone is made beside that directory, looked at before any of its files is there, and renamed in the end."""
    url = str(args[0])
    check_url_of_user(url)
    given = None if len(args) < 2 or args[1] is None else Path(args[1]).expanduser()
    if given is not None and not given.is_absolute():
        given = current_directory() / given
    interaction: Interaction = args[2] if len(args) > 2 else BatchInteraction()
    if given is not None:
        _check_free(given)
    parent = current_directory() if given is None else given.parent
    try:
        parent.mkdir(parents=True, exist_ok=True)
        with temporary_clone_directory(parent) as temporary:
            root = temporary / "clone"
            clone(_from_here(url), root, interaction, f"workspace {without_password(url)}", checkout=False)
            paths = _check_out(root, without_password(url))
            config = read_json_object(paths.config, "name", "dws-version")
            target = given if given is not None else parent / directory_name(config["name"])
            _check_free(target)
            write_json(paths.local_params, local_params)
            large_files.set_up(root)
            not_arrived = _fetch_large_files(root, Consent(place_of_directory(target / paths.prefix), interaction), url)
            _complete(GitWorkspace(paths.directory, str(config["name"]), str(config["dws-version"]), batch, verbose))
            for entry in root.iterdir():
                if entry.is_dir() and not entry.is_symlink() and entry.name != ".git":
                    flush_tree(entry, is_new=True)
            flush_files(root.iterdir())
            flush_repository(root)
            flush_directory(root)
            put_in_place(root, target)
            made_here(target)
            flush_directory(parent)
    except OSError as e:
        raise explain_os_error(e, f"Cloning {without_password(url)}") from e
    workspace = GitWorkspace(target / paths.prefix, str(config["name"]), str(config["dws-version"]), batch, verbose)
    workspace.interaction = interaction
    workspace.not_arrived += not_arrived
    return workspace


def _fetch_large_files(root: Path, consent: Consent, url: str) -> list[DwsError]:
    """What cannot be had, or is kept where nobody has agreed to, keeps nobody from the rest: a pull brings it."""
    try:
        large_files.fetch(root, consent, consent.interaction.progress, with_password(url))
    except DwsError as e:
        return [e]
    return []


def _complete(workspace: GitWorkspace) -> None:
    """What is not in git. Looks at all resources, so that a clone that cannot be used is none."""
    workspace.complete_pull()
    Path(workspace.get_scratch_directory()).mkdir(parents=True, exist_ok=True)


def _check_out(root: Path, url: str) -> WorkspacePaths:
    """The files of a clone, once it is known what they are; returns where they are."""
    commit = head_commit(root) or _start_branch(root)
    if commit is None:
        raise NotAWorkspaceError(f"{url} is an empty git repository, not a workspace", hint="To fill it: dws publish")
    paths = _paths_in(root, commit, url)
    check_metadata_tree(root, paths.tree(commit))
    large_files.check_programs_of_tree(root, commit)
    protect(paths, for_all=False, commit=commit)
    run_git(root, ["reset", "--quiet", "--hard"], env=_CHECKOUT, doing="Writing the files of the workspace")
    if not paths.config.is_file():
        raise NotAWorkspaceError(f"{url} is a git repository, but not a workspace")
    params = read_json_object(paths.config, "name", "dws-version").get("global_params")
    branch = params.get(BRANCH_PARAM) if isinstance(params, dict) else None
    if branch is not None and branch != current_branch(root):
        check_branch_name(branch, "the workspace's branch")
        commit = tracked_commit(root, str(branch))
        if commit is not None:  # else it has another name by now, or is gone
            check_metadata_tree(root, paths.tree(commit))
            large_files.check_programs_of_tree(root, commit)
            run_git(root, ["switch", "--quiet", str(branch)], env=_CHECKOUT, doing=f"Switching to branch {branch}")
    return paths


def _paths_in(root: Path, commit: str, url: str) -> WorkspacePaths:
    """Where the workspace lies in a commit: at the root, unless there is none and one elsewhere."""
    config = f"{METADATA_DIR}/config.json"
    if select(root, commit, os.fsencode(config).__eq__):
        return WorkspacePaths(root)
    found = sorted(path.removesuffix(config) for path in select(root, commit, _is_config_below))
    if len(found) > 1:
        raise ConfigurationError(
            f"{url} holds {len(found)} workspaces: {some(found)}", hint="Clone it with git, and work in one of them"
        )
    return WorkspacePaths(root / found[0], found[0]) if found else WorkspacePaths(root)


def _is_config_below(path: bytes) -> bool:
    return path.endswith(os.fsencode(f"/{METADATA_DIR}/config.json"))


def _start_branch(root: Path) -> str | None:
    """The HEAD of a bare repository may name a branch that nobody has pushed (git's default `main`, say, where the
    workspace is on `master`). Start the first branch that there is instead; returns its commit, None without any."""
    listed = run_git(root, ["for-each-ref", "--format=%(refname:lstrip=3)", f"refs/remotes/{ORIGIN}"]).stdout
    for branch in os.fsdecode(listed).splitlines():
        check_branch_name(branch, "the workspace's branch")
        commit = tracked_commit(root, branch)
        if branch != "HEAD" and commit is not None:
            run_git(root, ["symbolic-ref", "HEAD", f"refs/heads/{branch}"])
            run_git(root, ["update-ref", f"refs/heads/{branch}", commit])
            run_git(root, ["branch", "--quiet", f"--set-upstream-to={ORIGIN}/{branch}"])
            return commit
    return None


def _check_free(target: Path) -> None:
    if target.is_symlink() or (target.exists() and (not target.is_dir() or any(target.iterdir()))):
        raise ConfigurationError(f"{target} exists and is not empty", hint="Choose another directory")


def _from_here(url: str) -> str:
    """A relative path is meant from the current directory, not from where the clone is made."""
    path = Path(url).expanduser()
    return os.path.normpath(path.absolute()) if "://" not in url and path.exists() else url
