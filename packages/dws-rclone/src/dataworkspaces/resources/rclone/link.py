"""A resource's connection to its remote, and what the user of this machine has agreed to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from dataworkspaces.errors import ConfigurationError, MetadataError, NotFoundError
from dataworkspaces.files.placed_directory import text_param
from dataworkspaces.resources.rclone.address import Address, parse_address
from dataworkspaces.resources.rclone.configuration import (
    SERVER_KEYS,
    check_sections,
    digest,
    is_in,
    read_sections,
)
from dataworkspaces.resources.rclone.plan import Mode
from dataworkspaces.resources.rclone.run import Rclone
from dataworkspaces.workspace import ResourceRoles, Workspace

MASTERS = ("none", "remote", "local")
SYNC_MODES = ("copy", "sync")


@dataclass(frozen=True)
class Link:
    """:ivar remote_origin: ``REMOTE:PATH``.
    :ivar config: the file of rclone's configuration, relative to the workspace if it lies in it; None is rclone's own.
    :ivar my_config: the file that is used on this machine instead.
    :ivar name: that of the resource.
    :ivar agreed: what may be written to from this machine, see :meth:`agreement`; None if nobody has said so.
    """

    workspace: Workspace
    remote_origin: str
    config: str | None = None
    master: str = "none"
    sync_mode: str = "copy"
    size_only: bool = False
    my_config: str | None = None
    agreed: str | None = None
    name: str = ""

    @staticmethod
    def from_params(params: Mapping[str, Any], local_params: Mapping[str, Any] | None, workspace: Workspace) -> Link:
        """Raises KeyError for a parameter that is missing, MetadataError or ConfigurationError for a bad one.

        ``local_params`` is None if the resource has never been on this machine. Release 1.6 kept no agreement: who had
        a resource then has agreed to what it says."""
        name = params["name"]
        for key, values in (("master", MASTERS), ("sync_mode", SYNC_MODES)):
            if params.get(key, values[0]) not in values:
                raise MetadataError(
                    f"Resource '{name}': '{key}' is {params[key]!r:.100}, but should be {' or '.join(values)}"
                )
        remote_origin = str(parse_address(str(params["remote_origin"])))
        config = text_param(params, "config") or None
        my_config = text_param(local_params or {}, "my_config")
        agreed = text_param(local_params or {}, "agreed")
        if "\0" in (config or ""):
            raise MetadataError(f"Resource '{name}': {config!r} is not a file")
        if local_params is not None and "agreed" not in local_params:
            agreed = remote_origin
            if config is not None and Path(config).is_absolute():
                my_config = my_config or config
        return Link(
            workspace,
            remote_origin,
            config,
            params.get("master", "none"),
            params.get("sync_mode", "copy"),
            bool(params.get("size_only", False)),
            my_config,
            agreed,
            str(name),
        )

    def params(self) -> dict[str, Any]:
        return {
            "remote_origin": self.remote_origin,
            "config": self.config,
            "master": self.master,
            "sync_mode": self.sync_mode,
            "size_only": self.size_only,
        }

    def local_params(self) -> dict[str, Any]:
        mine = {} if self.my_config is None else {"my_config": self.my_config}
        return {**mine, "agreed": self.agreed}

    def check_direction(self, role: str, *, is_exported: bool) -> None:
        """Raise ConfigurationError for what is written here, though the master is there."""
        if self.master == "remote" and (is_exported or role == ResourceRoles.RESULTS):
            what = "An exported resource" if is_exported else "A results resource"
            raise ConfigurationError(
                f"{what} is written on this machine, so its master cannot be the remote",
                hint="Choose the master local, which sends what is written",
            )

    # -- what rclone is told ---------------------------------------------------------------------------------------

    @property
    def address(self) -> Address:
        return parse_address(self.remote_origin)

    @property
    def mode(self) -> Mode:
        return "sync" if self.sync_mode == "sync" else "copy"

    @cached_property
    def rclone(self) -> Rclone:
        """Raises ConfigurationError if the configuration is shared and holds what it may not, and RefusedError if
        nobody has agreed to contact the remote from this copy of the workspace."""
        if self._config_file is not None and not self._config_file.is_file():
            raise NotFoundError(f"The configuration of rclone {self._config_file} is not there")
        self.workspace.consent.to(self.contact, f"Resource '{self.name}'")
        return Rclone(self._config_file, is_shared=self._shared_sections is not None)

    @cached_property
    def contact(self) -> str:
        """Who is contacted, for the user of this machine to agree to: the remote; where a configuration says what it is
        that others can change, what that says; else, that it is the user's own."""
        shared = self._shared_sections
        if shared is None:
            where = "your configuration" if self._config_file is None else str(self._config_file)
            return f"rclone {self.remote_origin} of {where}"
        section = shared.get(self.address.remote, {})
        server = next((str(section[key]) for key in SERVER_KEYS if section.get(key)), "")
        kind = " ".join(filter(None, (str(section.get("type", "")), server)))
        return f"rclone {self.remote_origin} ({kind or 'no remote'}, {digest(shared)[:12]})"

    @cached_property
    def _config_file(self) -> Path | None:
        if self.my_config is not None:
            return Path(self.my_config)
        own = self.workspace.get_workspace_local_path_if_any()
        if self.config is None or own is None or Path(self.config).is_absolute():
            return None  # an absolute path that nobody here has agreed to belongs to another machine
        path = Path(own) / self.config
        if not is_in(Path(own), path):
            raise ConfigurationError(f"The configuration of rclone {self.config} leads out of the workspace")
        return path

    @cached_property
    def _shared_sections(self) -> dict[str, dict[str, Any]] | None:
        """What a configuration that others may have written says, if there is nothing in it that runs a program."""
        own = self.workspace.get_workspace_local_path_if_any()
        file = self._config_file
        if file is None or own is None or not is_in(Path(own), file):
            return None
        sections = read_sections(file)
        check_sections(sections, file)
        return sections

    # -- writing ---------------------------------------------------------------------------------------------------

    @property
    def agreement(self) -> str:
        """What is written to: where the remote is, and, if others can change it, what the configuration says."""
        shared = self._shared_sections
        return self.remote_origin if shared is None else f"{self.remote_origin} {digest(shared)}"

    def kind_of_remote(self) -> str:
        """``s3``, say; raises ConfigurationError if there is no remote of that name."""
        told = self.rclone.read(["listremotes", "--long"], doing="Listing the remotes of rclone")
        pairs = (line.partition(":") for line in told.decode("utf-8", "replace").splitlines())
        kinds = {name: kind.strip() for name, _, kind in pairs}
        if self.address.remote not in kinds:
            where = self._config_file or "the configuration of rclone"
            raise NotFoundError(
                f"There is no remote '{self.address.remote}' in {where}",
                hint=f"Available: {', '.join(kinds) or 'none'}; 'rclone config' creates one",
            )
        return kinds[self.address.remote]
