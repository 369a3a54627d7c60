"""The resource type ``template``: one text, which snapshots keep and restore."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dataworkspaces.errors import ConfigurationError, MetadataError, NotFoundError
from dataworkspaces.params import ParamDef, ParamDefs
from dataworkspaces.toolbox.atomic import write_bytes
from dataworkspaces.workspace import (
    Resource,
    ResourceChange,
    ResourceFactory,
    SnapshotResourceMixin,
    SnapshotVersion,
    Workspace,
)

if TYPE_CHECKING:
    import click

RESOURCE_TYPE = "template"


class TemplateResource(SnapshotResourceMixin, Resource):
    """:ivar default: the text where nobody has written one."""

    param_defs = ParamDefs([ParamDef("default", "", True, "The text where nobody has written one")])

    def __init__(self, name: str, role: str, workspace: Workspace, default: str) -> None:
        super().__init__(RESOURCE_TYPE, name, role, workspace)
        self.default = default

    def get_params(self) -> dict[str, Any]:
        return {**super().get_params(), "default": self.default}

    def validate_subpath_exists(self, subpath: str) -> None:
        raise ConfigurationError(f"Resource '{self.name}' is one text: it has no '{subpath}'")

    # -- the content: here it is of this machine; the workspace keeps versions for everybody -------------------------

    @property
    def _file(self) -> Path:
        return self.workspace.get_resource_local_directory(self) / "text"

    def read(self) -> str:
        return self._file.read_text(encoding="utf-8") if self._file.exists() else self.default

    def write(self, text: str) -> None:
        write_bytes(self._file, text.encode("utf-8"))

    # -- snapshots ---------------------------------------------------------------------------------------------------

    def snapshot_precheck(self) -> None:
        self.read()

    def snapshot(self) -> tuple[str | None, str | None]:
        content = self.read().encode("utf-8")
        hashval = hashlib.sha256(content).hexdigest()
        self.workspace.write_resource_state(self, {hashval: content})
        return hashval, hashval

    def restore_precheck(self, restore_hashval: str) -> None:
        self._kept(restore_hashval)

    def restore(self, restore_hashval: str) -> None:
        self.write(self._kept(restore_hashval))

    def _kept(self, hashval: str) -> str:
        """A version; raises ConfigurationError if it is not there. Hashes and content may be somebody else's."""
        content = self.workspace.read_resource_state(self, hashval) if hashval.isalnum() else None
        if content is None:
            raise NotFoundError(f"Resource '{self.name}' has no version '{hashval}'")
        if hashlib.sha256(content).hexdigest() != hashval:
            raise MetadataError(f"Resource '{self.name}': version {hashval} is not what it was")
        return content.decode("utf-8")

    def delete_snapshot(
        self, workspace_snapshot_hash: str, resource_restore_hash: str | None, relative_path: str
    ) -> None:
        """Nothing is kept for one snapshot alone: others may have the same version."""

    def changes_since(self, version: SnapshotVersion) -> ResourceChange:
        same = hashlib.sha256(self.read().encode("utf-8")).hexdigest() == version.compare_hash
        return ResourceChange("unchanged" if same else "changed")


class TemplateFactory(ResourceFactory):
    command_name = RESOURCE_TYPE
    help = "a text"
    example = "--role source-data --name greeting hello"
    param_defs = TemplateResource.param_defs

    def get_click_params(self) -> list[click.Parameter]:
        import click

        return [click.Option(["--default"], default="", help="The text where nobody has written one.")]

    def from_command_line(
        self, role: str, name: str, workspace: Workspace, *args: Any, **kwargs: Any
    ) -> TemplateResource:
        return TemplateResource(name, role, workspace, kwargs.get("default", ""))

    def from_json(self, params: dict[str, Any], local_params: dict[str, Any], workspace: Workspace) -> TemplateResource:
        default = params["default"]
        if not isinstance(default, str):
            raise MetadataError(f"Resource '{params['name']}': {default!r} is not a string")
        return TemplateResource(params["name"], params["role"], workspace, default)

    def has_local_state(self) -> bool:
        return False

    def suggest_name(self, workspace: Workspace, role: str, *args: Any, **kwargs: Any) -> str:
        return RESOURCE_TYPE


FACTORY = TemplateFactory()
