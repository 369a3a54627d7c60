"""The options of ``dws init`` for large files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dataworkspaces.errors import ConfigurationError
from dataworkspaces.gitrepo import large_files
from dataworkspaces.gitrepo.attributes import quoted
from dataworkspaces.gitrepo.ignore_lines import add_lines

if TYPE_CHECKING:
    import click

OPTIONS = ("git_lfs_attributes", "git_fat_remote", "git_fat_user", "git_fat_port", "git_fat_attributes")
ATTRIBUTES_FILE = ".gitattributes"
_LFS = "filter=lfs diff=lfs merge=lfs -text"


def click_params() -> list[click.Parameter]:
    """The options, for the command line."""
    import click

    class FatOption(click.Option):
        def handle_parse_result(
            self, ctx: click.Context, opts: Mapping[str, Any], args: list[str]
        ) -> tuple[Any, list[str]]:
            if self.name in opts and "git_fat_remote" not in opts:
                raise click.UsageError(f"{self.opts[0]} needs --git-fat-remote.", ctx)
            return super().handle_parse_result(ctx, opts, args)

    return [
        click.Option(
            ["--git-lfs-attributes"], metavar="PAT,PAT", help="Keep files that fit these patterns in git-lfs."
        ),
        click.Option(["--git-fat-remote"], metavar="URL", help="Keep large files in git-fat, with this rsync remote."),
        FatOption(["--git-fat-user"], metavar="USER", help="User name on the git-fat remote."),
        FatOption(["--git-fat-port"], metavar="PORT", type=int, help="Port of the git-fat remote."),
        FatOption(["--git-fat-attributes"], metavar="PAT,PAT", help="Files that are kept in git-fat."),
    ]


@dataclass(frozen=True)
class LargeFileOptions:
    """What was asked for, checked; programs that are needed are there."""

    lfs_patterns: tuple[str, ...] = ()
    fat_patterns: tuple[str, ...] = ()
    fat_remote: str | None = None
    fat_user: str | None = None
    fat_port: int | None = None

    @staticmethod
    def check(options: dict[str, Any], root: Path) -> LargeFileOptions:
        """Raise ConfigurationError for what cannot be done; nothing is written."""
        given = {name: options[name] for name in OPTIONS if options.get(name) is not None}
        remote = given.get("git_fat_remote")
        if remote is not None and "git_lfs_attributes" in given:
            raise ConfigurationError("--git-lfs-attributes and --git-fat-remote cannot be used together")
        if remote is None and any(name.startswith("git_fat_") for name in given):
            raise ConfigurationError("The git-fat options need --git-fat-remote")
        found = LargeFileOptions(
            _patterns("--git-lfs-attributes", given.get("git_lfs_attributes")),
            _patterns("--git-fat-attributes", given.get("git_fat_attributes")),
            remote,
            given.get("git_fat_user"),
            given.get("git_fat_port"),
        )
        if found.lfs_patterns:
            large_files.check_lfs(f"Workspace {root}")
        if remote is not None:
            from dataworkspaces import gitfat

            gitfat.check_options(root, remote, found.fat_user, found.fat_port)
        return found

    def write(self, root: Path) -> list[Path]:
        """Write the files of a repository that ask for it, and configure git; returns what is to be committed."""
        if self.lfs_patterns:
            lines = [f"{pattern} {_LFS}" for pattern in self.lfs_patterns]
            add_lines(root / ATTRIBUTES_FILE, [*lines, *_guard(self.lfs_patterns)])
            large_files.set_up_lfs(root)
            return [root / ATTRIBUTES_FILE]
        if self.fat_remote is not None:
            from dataworkspaces import gitfat

            files = gitfat.write_config(root, self.fat_remote, self.fat_user, self.fat_port, self.fat_patterns)
            for path, wanted in files.items():
                add_lines(path, [*wanted, *(_guard(self.fat_patterns) if path.name == ATTRIBUTES_FILE else ())])
            return list(files)
        return []


def _patterns(option: str, text: str | None) -> tuple[str, ...]:
    """Comma-separated patterns, as a line of ``.gitattributes`` has them."""
    if text is None:
        return ()
    found = [pattern.strip() for pattern in text.split(",") if pattern.strip()]
    if not found:
        raise ConfigurationError(f"{option} names no pattern", hint="As in '*.gz,*.npy'")
    for pattern in found:
        if pattern.startswith(("!", "#", "[attr]")) or not pattern.isprintable():
            raise ConfigurationError(f"{option}: {pattern!r} is not a file pattern", hint="As in '*.gz,*.npy'")
        if pattern.endswith("/"):
            raise ConfigurationError(
                f"{option}: {pattern!r} matches no file in git's rules", hint=f"For everything below it: '{pattern}**'"
            )
    return tuple(quoted(pattern) for pattern in found)


def _guard(patterns: tuple[str, ...]) -> list[str]:
    """What git itself reads stays in git."""
    from fnmatch import fnmatchcase

    names = [pattern.strip('"').rpartition("/")[2] for pattern in patterns]
    return [".git* !filter !diff !merge !text"] if any(fnmatchcase(".gitattributes", name) for name in names) else []
