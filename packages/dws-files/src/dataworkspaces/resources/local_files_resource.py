"""The resource type ``file``: a directory of files on this machine. Its versions are recorded, and kept if that is
asked for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from dataworkspaces.errors import ConfigurationError
from dataworkspaces.files.file_tree import FileTreeMixin
from dataworkspaces.files.placed_directory import (
    COMPUTE_HASH_PARAM,
    GLOBAL_LOCAL_PATH_PARAM,
    MY_LOCAL_PATH_PARAM,
    RESTORABLE_PARAM,
    PlacedDirectoryMixin,
    stored_files,
    text_param,
)
from dataworkspaces.filetree import SHA1
from dataworkspaces.params import ParamDef, ParamDefs, StringType
from dataworkspaces.workspace import EXPORT_PARAM, IMPORTED_PARAM, Resource, Workspace

if TYPE_CHECKING:
    from dataworkspaces.files.remote_content import RemoteContent

RESOURCE_TYPE = "file"


class RemoteType(StringType):
    """The URL of a remote: see :func:`dataworkspaces.filetree.remotes.check_url`."""

    name = "URL"

    def parse(self, text: str) -> Any:
        from dataworkspaces.filetree.remotes import check_url

        try:
            return check_url(text)
        except ConfigurationError as e:
            raise ValueError(f"is not a remote: {e.message}") from None


class LocalFilesResource(PlacedDirectoryMixin, FileTreeMixin, Resource):
    """A directory whose files stay where they are.

    :ivar remote: the URL of the place that keeps its content away from this machine; ``my_remote`` counts here.
    """

    param_defs = ParamDefs(
        [
            GLOBAL_LOCAL_PATH_PARAM,
            COMPUTE_HASH_PARAM,
            RESTORABLE_PARAM,
            ParamDef(
                "remote", None, True, "URL where the content of versions is kept for other copies", RemoteType(), True
            ),
            EXPORT_PARAM,
            IMPORTED_PARAM,
            ParamDef("my_remote", None, False, "The same as 'remote', for this machine only", RemoteType(), True),
            MY_LOCAL_PATH_PARAM,
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
        self._conflicts: list[str] = []

    @staticmethod
    def from_params(
        params: Mapping[str, Any], local_params: Mapping[str, Any] | None, workspace: Workspace
    ) -> LocalFilesResource:
        """From stored parameters; raises KeyError for one that is missing, MetadataError for a bad path or URL.

        ``local_params`` is None if the resource has never been on this machine."""
        return LocalFilesResource(
            params["name"],
            params["role"],
            workspace,
            **stored_files(params, local_params, workspace),
            remote=text_param(params, "remote"),
            my_remote=text_param(local_params or {}, "my_remote"),
        )

    def get_params(self) -> dict[str, Any]:
        params = {**super().get_params(), **self.files_params()}
        return params if self.remote is None else {**params, "remote": self.remote}

    def describe_params(self) -> Mapping[str, Any]:
        hidden = ("hash_function", "relative_local_path")
        return {key: value for key, value in super().describe_params().items() if key not in hidden}

    def get_local_params(self) -> dict[str, Any]:
        params = self.place_params()
        return params if self.my_remote is None else {**params, "my_remote": self.my_remote}

    def is_writable(self) -> bool:
        return not self.imported

    # -- synchronising -------------------------------------------------------------------------------------------

    def addresses(self) -> Iterable[str]:
        """The remote in use. One of this machine alone is agreed to when the user sets it, and may be an archive's."""
        return tuple(filter(None, (self.my_remote or self.remote,)))

    @property
    def remote_content(self) -> RemoteContent | None:
        url = self.my_remote or self.remote
        if url is None or not self.restorable:
            return None
        from dataworkspaces.files.remote_content import RemoteContent

        return RemoteContent(self, url)

    def pull_precheck(self) -> None:
        """Nothing to check: what cannot be fetched is told of by :meth:`pull`."""

    def pull(self) -> bool:
        """Merge what others' snapshots hold into the files: see :meth:`RemoteContent.follow`."""
        content = self.remote_content
        if content is None:
            return False
        if self.get_local_path_if_any() is None:
            self.workspace.interaction.warn(
                f"Resource '{self.name}' has no place on this machine. To fetch it: dws config --resource "
                f"{self.name} my_local_path DIRECTORY, then dws pull"
            )
            return False
        try:
            return content.follow()
        finally:
            self._conflicts = list(content.conflicts)

    def pull_conflicts(self) -> list[str]:
        return self._conflicts

    def push_precheck(self) -> None:
        if self.remote_content is not None:
            self.remote_content.push_precheck()

    def push(self) -> None:
        """Send the content of versions to the remote, if there is one."""
        if self.remote_content is not None:
            self.remote_content.push()

    def has_unpushed_content(self) -> bool:
        return self.remote_content is not None and bool(self.remote_content.unpushed())
