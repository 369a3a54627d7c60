"""The resource type ``file``: a directory of files on this machine. Its versions are recorded, and kept if that is
asked for."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dataworkspaces.errors import ConfigurationError, MetadataError
from dataworkspaces.filetree import SHA1
from dataworkspaces.params import BoolType, ParamDef, ParamDefs, StringType
from dataworkspaces.workspace import EXPORT_PARAM, IMPORTED_PARAM, Resource, Workspace
from dataworkspaces.workspace.file_tree import FileTreeMixin
from dataworkspaces.workspace.names import check_relative_path
from dataworkspaces.workspace.remote_content import RemoteContent

RESOURCE_TYPE = "file"
_PLACED = "placed"


def absolute_path(text: str) -> Path:
    """The absolute path that a user meant. Links in it stay, since one may be led elsewhere on purpose."""
    path = Path(text).expanduser()
    return path.resolve() if ".." in path.parts else path.absolute()


def _text(params: Mapping[str, Any], key: str) -> str | None:
    value = params.get(key)
    if value is not None and not isinstance(value, str):
        raise MetadataError(f"Resource '{params.get('name')}': '{key}' is {value!r}, but should be a text")
    return value


def _relative_path(params: Mapping[str, Any]) -> str | None:
    path = _text(params, "relative_local_path")
    if path is not None:
        check_relative_path(path, f"Resource '{params.get('name')}'")
    return path


class DirectoryType(StringType):
    """The absolute path of a directory on this machine."""

    name = "directory"

    def validate(self, value: Any) -> str | None:
        return None if isinstance(value, str) and Path(value).is_absolute() else "must be an absolute path"

    def parse(self, text: str) -> Any:
        path = absolute_path(text)
        if not path.is_dir():
            raise ValueError("is not a directory on this machine")
        return str(path)


class RemoteType(StringType):
    """The URL of a remote: see :func:`dataworkspaces.filetree.remotes.check_url`."""

    name = "URL"

    def parse(self, text: str) -> Any:
        from dataworkspaces.filetree.remotes import check_url

        try:
            return check_url(text)
        except ConfigurationError as e:
            raise ValueError(f"is no remote: {e.message}") from None


class LocalFilesResource(FileTreeMixin, Resource):
    """A directory whose files stay where they are.

    :ivar global_local_path: where it was when it was added, which may be on another machine.
    :ivar my_local_path: where it is here, if it is elsewhere.
    :ivar is_placed: whether the user of this machine has agreed to a place: ``global_local_path`` alone comes from
        whoever wrote the workspace, and snapshots write to the directory.
    :ivar relative_local_path: where it was in the workspace's directory, if it was there.
    :ivar remote: the URL of the place that keeps its content away from this machine; ``my_remote`` counts here.
    """

    param_defs = ParamDefs(
        [
            ParamDef("global_local_path", None, True, "Where the files are, unless told otherwise", DirectoryType()),
            ParamDef("compute_hash", False, True, "Tell versions by content, not by sizes alone", BoolType()),
            ParamDef(
                "restorable", False, True, "Keep the content of versions, so that they can be restored", BoolType()
            ),
            ParamDef("remote", None, True, "URL where the content of versions is kept for others", RemoteType(), True),
            EXPORT_PARAM,
            IMPORTED_PARAM,
            ParamDef("my_remote", None, False, "As remote, on this machine", RemoteType(), True),
            ParamDef("my_local_path", None, False, "Where the files are here", DirectoryType(), optional=True),
        ]
    )

    def __init__(
        self,
        name: str,
        role: str,
        workspace: Workspace,
        *,
        global_local_path: str,
        compute_hash: bool = False,
        hash_function: str = SHA1.name,
        restorable: bool = False,
        remote: str | None = None,
        relative_local_path: str | None = None,
        export: bool = False,
        imported: bool = False,
        my_local_path: str | None = None,
        my_remote: str | None = None,
        is_placed: bool = True,
    ) -> None:
        super().__init__(RESOURCE_TYPE, name, role, workspace)
        self.global_local_path = global_local_path
        self.compute_hash = compute_hash
        self.hash_function = hash_function
        self.restorable = restorable
        self.remote = remote
        self.relative_local_path = relative_local_path
        self.export = export
        self.imported = imported
        self.my_local_path = my_local_path
        self.my_remote = my_remote
        self.is_placed = is_placed

    @staticmethod
    def from_params(
        params: Mapping[str, Any], local_params: Mapping[str, Any] | None, workspace: Workspace
    ) -> LocalFilesResource:
        """From stored parameters; raises KeyError for one that is missing, MetadataError for a bad path or URL.

        ``local_params`` is None if the resource has never been on this machine."""
        is_placed = local_params is not None and local_params.get(_PLACED, True) is not False
        local_params = local_params or {}
        name = params["name"]
        # Release 1.6 wrote the local parameter under its other name.
        mine = local_params.get("my_local_path") or local_params.get("local_path")
        for path in (params["global_local_path"], mine or "/"):
            if not isinstance(path, str) or not Path(path).is_absolute() or "\0" in path:
                raise MetadataError(f"Resource '{name}': {path!r} is not an absolute path")
        return LocalFilesResource(
            name,
            params["role"],
            workspace,
            global_local_path=params["global_local_path"],
            compute_hash=bool(params.get("compute_hash", False)),
            hash_function=str(params.get("hash_function", SHA1.name)),
            restorable=bool(params.get("restorable", False)),
            remote=_text(params, "remote"),
            relative_local_path=_relative_path(params),
            export=bool(params.get("export", False)),
            imported=bool(params.get("imported", False)),
            my_local_path=mine,
            my_remote=_text(local_params, "my_remote"),
            is_placed=is_placed,
        )

    def get_params(self) -> dict[str, Any]:
        """What release 1.6 wrote, and what it did not know where that is used."""
        params = {
            **super().get_params(),
            "global_local_path": self.global_local_path,
            "compute_hash": self.compute_hash,
            "export": self.export,
            "imported": self.imported,
        }
        if self.compute_hash and self.hash_function != SHA1.name:
            params["hash_function"] = self.hash_function
        if self.restorable:
            params["restorable"] = True
        for key in ("remote", "relative_local_path"):
            if getattr(self, key) is not None:
                params[key] = getattr(self, key)
        return params

    def describe_params(self) -> Mapping[str, Any]:
        hidden = ("hash_function", "relative_local_path")
        return {key: value for key, value in super().describe_params().items() if key not in hidden}

    def get_local_params(self) -> dict[str, Any]:
        """The place that counts here from now on, whatever somebody else makes of ``global_local_path``."""
        place = self.my_local_path or (self.global_local_path if self.is_placed else None)
        params: dict[str, Any] = {_PLACED: False} if place is None else {"my_local_path": place}
        return params if self.my_remote is None else {**params, "my_remote": self.my_remote}

    def get_local_path_if_any(self) -> str | None:
        if self.my_local_path is not None:
            return self.my_local_path
        return self.global_local_path if self.is_placed and Path(self.global_local_path).is_dir() else None

    def _hidden_names(self) -> frozenset[str]:
        """A repository or workspace in the directory stays whole when results move. It counts as content all the
        same, as it did in release 1.6."""
        return frozenset({".git", ".dataworkspace"})

    def is_writable(self) -> bool:
        return not self.imported

    def _place_if_missing(self) -> str:
        return self.my_local_path or self.global_local_path

    def _root(self) -> Path:
        if not self._is_here():
            where = self.my_local_path or self.global_local_path
            why = "no directory here" if self.my_local_path or self.is_placed else "where it is on another"
            raise ConfigurationError(
                f"Resource '{self.name}' is not on this machine: {where} is {why}",
                hint=f"Say where it is: dws config --resource {self.name} my_local_path DIRECTORY",
            )
        return super()._root()

    # -- synchronising -------------------------------------------------------------------------------------------

    @property
    def remote_content(self) -> RemoteContent | None:
        url = self.my_remote or self.remote
        return None if url is None or not self.restorable else RemoteContent(self, url)

    def pull_precheck(self) -> None:
        """Nothing to check: what cannot be fetched is told of by :meth:`pull`."""

    def pull(self) -> bool:
        """Bring the files to the newest snapshot, if that is another one and nothing here would be lost."""
        if self.remote_content is None:
            return False
        if self.get_local_path_if_any() is None:
            self.workspace.interaction.warn(
                f"Resource '{self.name}' has no place on this machine: dws config --resource {self.name} my_local_path "
                "DIRECTORY, then dws pull fetches it"
            )
            return False
        return self.remote_content.follow()

    def push_precheck(self) -> None:
        if self.remote_content is not None:
            self.remote_content.push_precheck()

    def push(self) -> None:
        """Send the content of versions to the remote, if there is one."""
        if self.remote_content is not None:
            self.remote_content.push()

    def has_unpushed_content(self) -> bool:
        return self.remote_content is not None and bool(self.remote_content.unpushed())
