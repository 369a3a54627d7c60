"""Files that git has tracked, and that it should leave to somebody else."""

from __future__ import annotations

import time
from pathlib import Path

from dataworkspaces.errors import RefusedError
from dataworkspaces.gitrepo.messages import commit_message
from dataworkspaces.gitrepo.plumbing import parse_names
from dataworkspaces.gitrepo.repository_flush import flush_repository
from dataworkspaces.gitrepo.run import run_git
from dataworkspaces.toolbox.names import some

_REMOVE = ("rm", "-r", "--cached", "--quiet", "--ignore-unmatch")


def untrack(root: Path, path: str, message: str) -> None:
    """Commit that files at and below a path are no longer in the repository, and nothing else; they stay where they
    are. What is staged elsewhere stays staged. Raises RefusedError, and changes nothing, for files of which something
    is staged that is nowhere else.

    Idempotent: the commit comes before the index, which says until then that git tracks the files."""
    began = time.time() - 1
    has_commit = run_git(root, ["rev-parse", "--verify", "--quiet", "HEAD"], ok=(0, 1)).returncode == 0
    lost = _only_staged(root, path, has_commit)
    if lost:
        raise RefusedError(
            f"What is staged of {some(lost)} is neither committed nor in the file, so it would be lost",
            hint="Commit it, or unstage it with 'git restore --staged FILE'",
        )
    if has_commit:
        import tempfile  # slow to import

        with tempfile.TemporaryDirectory(prefix="dws-") as temporary:
            env = {"GIT_INDEX_FILE": str(Path(temporary) / "index")}
            run_git(root, ["read-tree", "HEAD"], env=env, doing=f"Untracking {path}")
            run_git(root, [*_REMOVE, "--force", "--", path], env=env, doing=f"Untracking {path}")
            commit = ["commit", "--quiet", "--no-verify", "-m", commit_message(message)]
            run_git(root, commit, env=env, ok=(0, 1), doing=f"Untracking {path}")
    run_git(root, [*_REMOVE, "--force", "--", path], doing=f"Untracking {path}")
    flush_repository(root, began)


def _only_staged(root: Path, path: str, has_commit: bool) -> list[str]:
    """The files whose content in the index is another than in their place and in HEAD."""
    run_git(root, ["update-index", "-q", "--refresh"], ok=(0, 1))
    unlike_file = set(parse_names(run_git(root, ["diff-files", "--name-only", "-z", "--", path]).stdout))
    if not has_commit:
        return sorted(unlike_file)
    return sorted(
        unlike_file
        & set(parse_names(run_git(root, ["diff-index", "--cached", "--name-only", "-z", "HEAD", "--", path]).stdout))
    )
