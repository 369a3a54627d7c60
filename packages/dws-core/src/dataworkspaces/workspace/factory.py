"""How workspaces and resources come into being."""

from __future__ import annotations

import sys
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import ParseResult, urlparse

from dataworkspaces import plugins
from dataworkspaces.errors import ConfigurationError, PluginError
from dataworkspaces.params import ParamDefs
from dataworkspaces.workspace.operations import operations
from dataworkspaces.workspace.resource import RESOURCE_ROLE_CHOICES
from dataworkspaces.workspace.workspace_uri import METADATA_DIR as METADATA_DIR
from dataworkspaces.workspace.workspace_uri import find_workspace_uri, write_backend_file

if TYPE_CHECKING:
    import click

    from dataworkspaces.workspace.files import LocalStateResourceMixin
    from dataworkspaces.workspace.problem import Problem
    from dataworkspaces.workspace.resource import Resource
    from dataworkspaces.workspace.unfinished import UnfinishedPart
    from dataworkspaces.workspace.workspace import Workspace


class WorkspaceFactory(ABC):
    """The ways to come by a workspace of one backend. An instance, or the class itself, is what the entry point
    in the group ``dataworkspaces.backends`` names; the entry point's name is the scheme of the backend's URIs, up to a
    ``+`` if there is one (``sql+postgresql:``)."""

    init_help: str = ""
    """A sentence for the help of ``dws init --backend NAME``: what it makes of a directory."""

    @staticmethod
    def get_click_params() -> list[click.Parameter]:
        """The options of ``dws init --backend NAME`` beside the common ones. Those that were given reach
        :meth:`init_workspace` as keyword arguments."""
        return []

    @staticmethod
    def directory_resource() -> tuple[str, dict[str, Any]]:
        """What ``dws init --create-resources`` makes of a subdirectory of the workspace: a resource type, and arguments
        for its :meth:`ResourceFactory.from_command_line` beside ``path`` and ``create``."""
        return "file", {"restorable": True}

    @staticmethod
    def check_resource_directory(place: Path, role: str) -> None:
        """Raise ConfigurationError, with what to do instead, if ``dws init --create-resources`` cannot make a directory
        that is there a resource. It is asked before there is a workspace."""

    @staticmethod
    @abstractmethod
    def load_workspace(batch: bool, verbose: bool, parsed_uri: ParseResult) -> Workspace:
        """Open the workspace that a URI names. Changes nothing; takes no lock.

        Raises NotAWorkspaceError if there is none, MetadataError if its metadata cannot be read."""

    @staticmethod
    @abstractmethod
    def clone_workspace(local_params: dict[str, Any], batch: bool, verbose: bool, *args: Any) -> Workspace:
        """Bring a workspace that exists elsewhere to this machine; its resources are cloned separately.

        ``local_params`` holds at least the host name. The arguments are what names the workspace (a URL), the directory
        to make (None: one of the workspace's name), and how to reach the user. On failure nothing is left behind.

        Raises NotFoundError if there is none, UnavailableError if the place does not answer, RefusedError if the
        user does not agree to contact it, ConfigurationError for a directory that is not empty."""

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
    ) -> Workspace:
        """Make a new workspace, in the directory that the keyword ``directory`` names. Raises ConfigurationError, and
        changes nothing, if there is one already.

        A factory without it is in a module with a function ``init_workspace``, which takes those of the parameters
        above, of ``backend_name`` and of ``hostname`` that it names, in its own order."""
        raise NotImplementedError

    @staticmethod
    def check_before_opening(parsed_uri: ParseResult) -> Iterable[Problem]:
        """What keeps the workspace that a URI names from being opened, or from being looked at safely. Changes nothing,
        and raises nothing for what it finds. A repair takes the workspace's lock itself."""
        return ()

    @staticmethod
    def unfinished_before_opening(parsed_uri: ParseResult) -> Iterable[UnfinishedPart]:
        """What a command that was cut short left, if the workspace that a URI names may not open because of it. Each
        part takes the workspace's lock itself."""
        return ()


class ResourceFactory(ABC):
    """Makes the resources of one type. An instance is what the entry point in the group
    ``dataworkspaces.resources`` names; the entry point's name is the type as it is stored."""

    command_name: str | None = ""
    """The name after ``dws add``: "" for the type's own, None if the type has no command."""
    help: str = ""
    """One line for ``dws add --help``."""
    example: str = ""
    """Arguments that could follow ``dws add TYPE``, for its help."""
    roles: Sequence[str] = RESOURCE_ROLE_CHOICES
    """The roles that a resource of this type may have."""
    takes_export: bool = False
    """Whether ``dws add`` offers ``--export``."""
    takes_imported: bool = False
    """Whether ``dws add`` offers ``--imported``."""
    param_defs: ParamDefs = ParamDefs()
    """The parameters of resources of this type, for ``dws config --resource``."""

    def command(self, resource_type: str) -> str | None:
        """The name after ``dws add`` of the type that entry points call so; None if it has no command."""
        return resource_type if self.command_name == "" else self.command_name

    def get_click_params(self) -> list[click.Parameter]:
        """The options and arguments of ``dws add COMMAND_NAME`` beside the common ones (``--role``, ``--name``,
        ``--export``, ``--imported``), which the shell adds. Their values reach :meth:`from_command_line` and
        :meth:`suggest_name` as keyword arguments; by position, if these take no keywords. Of a type without a
        ``command_name`` that has none of them, all arguments of the command do."""
        return []

    def precheck(self, workspace: Workspace, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """Check the arguments of ``dws add`` before anything is asked and anything is locked, as far as that is cheap,
        and ask what has to be asked. Returns keyword arguments that :meth:`from_command_line` gets in addition."""
        return {}

    @abstractmethod
    def from_command_line(self, role: str, name: str, workspace: Workspace, *args: Any, **kwargs: Any) -> Resource:
        """Check the arguments of ``dws add`` and make the resource. Data may be prepared (a directory made), but the
        resource is not yet recorded: if anything fails later, what was prepared does no harm.

        Raises ConfigurationError for arguments that do not fit, UnavailableError for a place that does not answer."""

    @abstractmethod
    def from_json(self, params: dict[str, Any], local_params: dict[str, Any], workspace: Workspace) -> Resource:
        """Make the resource from its stored parameters. They may come from somebody else's workspace: whatever is
        used as a path, URL or option is checked. Touches no data. Raises MetadataError for what is missing."""

    @abstractmethod
    def has_local_state(self) -> bool:
        """Whether resources of this type have state on a machine that a new machine has to clone.

        Raises nothing."""

    def clone(self, params: dict[str, Any], workspace: Workspace) -> LocalStateResourceMixin:
        """Bring the resource from its origin to this machine (types with local state only). Where it goes is asked
        of ``workspace.interaction``. On failure nothing is left behind."""
        raise NotImplementedError(f"Resources of type {params.get('resource_type')} have nothing to clone")

    @abstractmethod
    def suggest_name(self, workspace: Workspace, role: str, *args: Any, **kwargs: Any) -> str:
        """A name for a resource whose user gave none. It need not be unique; the caller makes it so.

        Raises nothing: whatever is wrong with the arguments, :meth:`from_command_line` says it."""


def load_workspace(uri: str, batch: bool, verbose: bool) -> Workspace:
    """Open the workspace that ``uri`` names; its scheme is the name of a backend (``git:/path/of/workspace``)."""
    parsed = urlparse(uri)
    if not parsed.scheme:
        raise ConfigurationError(
            f"'{uri}' is not a workspace URI: it has no scheme",
            hint=f"As in {plugins.default_backend()}:/path/to/workspace",
        )
    workspace: Workspace = _factory(parsed).load_workspace(batch, verbose, parsed)
    operations().opened(workspace)
    return workspace


def _factory(parsed_uri: ParseResult) -> Any:
    """The factory of the backend that the scheme names, up to a ``+``."""
    return plugins.load(plugins.BACKENDS, parsed_uri.scheme.partition("+")[0])


def find_and_load_workspace(batch: bool, verbose: bool, uri_or_local_path: str | None = None) -> Workspace:
    """Open a workspace: the one that a URI or a name in the user's configuration says, the one at a local path, or
    (None) the one that holds the current directory. See :func:`find_workspace_uri`.

    Raises NotAWorkspaceError if there is none."""
    return load_workspace(find_workspace_uri(uri_or_local_path), batch, verbose)


def check_before_opening(uri: str) -> list[Problem]:
    """See :meth:`WorkspaceFactory.check_before_opening`."""
    parsed = urlparse(uri)
    return list(_factory(parsed).check_before_opening(parsed))


def unfinished_before_opening(uri: str) -> list[UnfinishedPart]:
    """See :meth:`WorkspaceFactory.unfinished_before_opening`."""
    parsed = urlparse(uri)
    function = getattr(_factory(parsed), "unfinished_before_opening", WorkspaceFactory.unfinished_before_opening)
    return list(function(parsed))


def init_workspace(
    backend_name: str,
    workspace_name: str,
    hostname: str,
    batch: bool,
    verbose: bool,
    scratch_dir: str,
    *args: Any,
    **kwargs: Any,
) -> Workspace:
    """Make a new workspace with the backend of that name, and open it.

    ``scratch_dir`` is relative to the workspace, or absolute; what else is needed depends on the backend."""
    from dataworkspaces.params import HOSTNAME, LOCAL_SCRATCH_DIRECTORY, SCRATCH_DIRECTORY, check_hostname
    from dataworkspaces.toolbox.arguments import call_with_known
    from dataworkspaces.toolbox.version import get_version

    check_hostname(hostname)
    factory = plugins.load(plugins.BACKENDS, backend_name)
    local_params: dict[str, Any] = {HOSTNAME: hostname}
    global_params: dict[str, Any] = {}
    if Path(scratch_dir).is_absolute():
        local_params[LOCAL_SCRATCH_DIRECTORY] = scratch_dir
        global_params[SCRATCH_DIRECTORY] = None
    else:
        global_params[SCRATCH_DIRECTORY] = scratch_dir
    workspace: Workspace
    function = _function_of_module(factory)
    if function is None:
        workspace = factory.init_workspace(
            workspace_name, get_version(), global_params, local_params, batch, verbose, scratch_dir, *args, **kwargs
        )
        return workspace
    known = {
        "backend_name": backend_name, "workspace_name": workspace_name, "hostname": hostname,
        "dws_version": get_version(), "global_params": global_params, "local_params": local_params,
        "batch": batch, "verbose": verbose, "scratch_dir": scratch_dir,
    }  # fmt: skip
    workspace = call_with_known(function, known, args, kwargs)
    own = workspace.get_workspace_local_path_if_any()
    if own is not None and not (Path(own) / METADATA_DIR).exists():
        write_backend_file(Path(own), backend_name)  # by which commands in it find the backend
    return workspace


def _function_of_module(factory: Any) -> Any:
    """The function ``init_workspace`` of a backend's module, if the factory has no method of its own for that."""
    kind = factory if isinstance(factory, type) else type(factory)
    if getattr(kind, "init_workspace", WorkspaceFactory.init_workspace) is not WorkspaceFactory.init_workspace:
        return None
    function = getattr(sys.modules[kind.__module__], "init_workspace", None)
    if function is None:
        raise PluginError(
            f"The backend {kind.__module__} cannot make a workspace: it has no function init_workspace",
            hint="Its author has to add one",
        )
    return function
