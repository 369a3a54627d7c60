"""How workspaces in databases are opened, made and cloned.

A copy has a directory as a rule, whose ``.dataworkspace/backend.json`` says which workspace it is a copy of. One that
is opened by the URL of its database, without a directory, keeps what is of this machine in the user's state directory.
"""

from __future__ import annotations

import json
import os
import shutil
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import ParseResult, unquote

from dataworkspaces.backends.sql.local_copy import BACKEND, LocalCopy, new_copy
from dataworkspaces.backends.sql.urls import DatabaseUrl, parse_url, sqlite_url
from dataworkspaces.errors import ConfigurationError, MetadataError, NotAWorkspaceError
from dataworkspaces.params import LOCAL_SCRATCH_DIRECTORY, SCRATCH_DIRECTORY
from dataworkspaces.toolbox.atomic import explain_os_error
from dataworkspaces.toolbox.names import check_relative_path
from dataworkspaces.toolbox.trust import agreeing, place_of_directory
from dataworkspaces.toolbox.user_directories import state_directory
from dataworkspaces.workspace import BatchInteraction, WorkspaceFactory
from dataworkspaces.workspace.trust import Consent
from dataworkspaces.workspace.workspace_uri import METADATA_DIR, read_backend_file

if TYPE_CHECKING:
    import click

    from dataworkspaces.backends.sql.workspace import SqlWorkspace

SQLITE_FILE = "workspace.sqlite"
"""In the metadata directory, unless a URL says where the workspace is."""


class SqlWorkspaceFactory(WorkspaceFactory):
    """URIs are ``sql:/absolute/path`` for a directory, and ``sql+DIALECT://…`` for a database."""

    init_help = "The backend 'sql' keeps what it knows in a database, and the directory says which that is."

    @staticmethod
    def get_click_params() -> list[click.Parameter]:
        import click

        return [
            click.Option(
                ["--url"],
                metavar="URL",
                help="The database: sql+postgresql://USER@HOST/DATABASE or sql+sqlite:////PATH; default: a SQLite file "
                "in the workspace.",
            )
        ]

    @staticmethod
    def load_workspace(batch: bool, verbose: bool, parsed_uri: ParseResult) -> SqlWorkspace:
        if parsed_uri.scheme == BACKEND:
            return _open_directory(Path(os.path.realpath(unquote(parsed_uri.path))), batch, verbose)
        return _open_url(parse_url(_text_of(parsed_uri)), batch, verbose)

    @staticmethod
    def init_workspace(
        workspace_name: str,
        dws_version: str,
        global_params: dict[str, Any],
        local_params: dict[str, Any],
        batch: bool,
        verbose: bool,
        scratch_dir: str,
        *args: Any,
        **kwargs: Any,
    ) -> SqlWorkspace:
        """:param directory: where; the current directory if it is not given.
        :param url: of the database; default: a SQLite file in the directory."""
        unknown = sorted(set(kwargs) - {"directory", "url"})
        if unknown:
            raise ConfigurationError(f"The sql backend does not know the option '{unknown[0]}'")
        root = Path(os.path.realpath(kwargs.get("directory") or Path.cwd()))
        if (root / METADATA_DIR).exists():
            raise ConfigurationError(f"{root} is already a workspace")
        url = None if kwargs.get("url") is None else parse_url(kwargs["url"])
        if url is not None and url.workspace not in (None, workspace_name):
            raise ConfigurationError(
                f"The URL names the workspace '{url.workspace}', but the new one is '{workspace_name}'",
                hint="Name it in one place only: dws init NAME",
            )
        scratch = global_params.get(SCRATCH_DIRECTORY)
        if scratch is not None:
            check_relative_path(scratch, "Scratch directory")
        params = {name: json.dumps(value) for name, value in global_params.items()}
        workspace_id = uuid.uuid4().hex
        with new_copy(root, workspace_id, url, local_params) as metadata:
            from dataworkspaces.backends.sql.database import Database

            database = Database(url or sqlite_url(metadata / SQLITE_FILE))
            database.add_workspace(workspace_id, workspace_name, dws_version, params)
            database.close()
        Path(local_params.get(LOCAL_SCRATCH_DIRECTORY) or root / str(scratch)).mkdir(parents=True, exist_ok=True)
        with agreeing():
            return _open_directory(root, batch, verbose)

    @staticmethod
    def clone_workspace(local_params: dict[str, Any], batch: bool, verbose: bool, *args: Any) -> SqlWorkspace:
        from dataworkspaces.backends.sql.database import Database

        text, directory, *_ = (*args, None)
        url = parse_url(text)
        database = Database(url)
        database.check()
        row = database.find_workspace(url.workspace)
        database.close()
        root = Path(os.path.realpath(directory or _directory_name(row.name)))
        is_new = not root.exists()
        if not is_new and (not root.is_dir() or any(root.iterdir())):
            raise ConfigurationError(f"{root} already exists and is not an empty directory")
        try:
            root.mkdir(parents=True, exist_ok=True)
            with new_copy(root, row.id, url, local_params):
                pass
        except BaseException as e:
            if is_new:
                shutil.rmtree(root, ignore_errors=True)
            if isinstance(e, OSError):
                raise explain_os_error(e, "Making the directory of the workspace") from e
            raise
        with agreeing():
            return _open_directory(root, batch, verbose)


# -- opening -----------------------------------------------------------------------------------------------------


def _open_directory(root: Path, batch: bool, verbose: bool) -> SqlWorkspace:
    link = read_backend_file(root)
    if link is None or link["backend"] != BACKEND:
        raise NotAWorkspaceError(f"{root} is not a workspace of the sql backend")
    text, workspace_id = link.get("url"), link.get("workspace")
    if not isinstance(workspace_id, str) or not isinstance(text, (str, type(None))):
        raise MetadataError(f"The backend.json in {root / METADATA_DIR} is damaged")
    url = sqlite_url(root / METADATA_DIR / SQLITE_FILE) if text is None else parse_url(text)
    if text is not None:  # a directory may come out of somebody else's archive
        Consent(place_of_directory(root), BatchInteraction()).to(str(url), f"The directory {root}")
    return _open(url, workspace_id, root / METADATA_DIR, root, batch, verbose)


def _open_url(url: DatabaseUrl, batch: bool, verbose: bool) -> SqlWorkspace:
    from dataworkspaces.backends.sql.database import Database

    database = Database(url)
    database.check()
    workspace_id = database.find_workspace(url.workspace).id
    if not workspace_id.isalnum():
        raise MetadataError(f"{url} names a workspace by {workspace_id!r}, which is not a valid identifier")
    return _open(url, workspace_id, _state_directory() / workspace_id, None, batch, verbose)


def _open(
    url: DatabaseUrl, workspace_id: str, local: Path, root: Path | None, batch: bool, verbose: bool
) -> SqlWorkspace:
    from dataworkspaces.backends.sql.database import Database
    from dataworkspaces.backends.sql.workspace import SqlWorkspace

    database = Database(url)
    database.check()
    return SqlWorkspace(database, workspace_id, LocalCopy(local, root), batch=batch, verbose=verbose)


def _state_directory() -> Path:
    return Path(state_directory()).expanduser() / "sql"


def _text_of(uri: ParseResult) -> str:
    """The URI as it was. The library's own way back loses slashes of ``sql+sqlite:////path`` in some Pythons."""
    query = f"?{uri.query}" if uri.query else ""
    return f"{uri.scheme}://{uri.netloc}{uri.path}{query}"


# -- making ------------------------------------------------------------------------------------------------------


def _directory_name(workspace_name: str) -> str:
    """The workspace's name comes from the database, where somebody else may have written it."""
    if workspace_name.startswith((".", "-")) or "/" in workspace_name or not workspace_name.isprintable():
        raise ConfigurationError(
            f"{workspace_name!r} cannot name a directory", hint="Name one: dws clone URL DIRECTORY"
        )
    return workspace_name
