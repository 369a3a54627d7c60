"""The kinds of values that commands take, and how a shell completes them.

Completion reads the metadata of the workspace through its contract. It makes no resource, loads no resource type, and
offers only what is harmless on a command line: names may come from somebody else's workspace.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import click

from dataworkspaces.cli.encoding import as_typed
from dataworkspaces.cli.session import Session

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from dataworkspaces.workspace import Workspace

    ParamType = click.ParamType[Any]
else:
    ParamType = click.ParamType  # It is generic since click 8.5.

ROLES = {"s": "source-data", "i": "intermediate-data", "c": "code", "r": "results"}
_LARGEST = 2**63 - 1
"""What databases, and the languages that we call, hold as an integer."""
_HARMLESS_RE = r"[A-Za-z0-9_][A-Za-z0-9._ +@=/-]*\Z"


class Role(ParamType):
    """A role, or its first letter."""

    name = "role"

    def __init__(self, roles: Iterable[str] = tuple(ROLES.values())) -> None:
        self.roles = list(roles)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        role = ROLES.get(str(value).lower(), str(value).lower())
        if role not in ROLES.values():
            self.fail(
                f"'{value}' is not a role. Choose from: {', '.join(ROLES.values())}, or their first letters.",
                param,
                ctx,
            )
        return role

    def get_metavar(self, param: click.Parameter, ctx: click.Context | None = None) -> str:
        return "ROLE"

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        return _items(self.roles, incomplete)


class Text(ParamType):
    """A text for people, such as a message."""

    name = "text"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        return as_typed(str(value))


class WholeNumber(click.IntRange):
    """A whole number that what it is given to can hold."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        number = super().convert(value, param, ctx)
        if abs(number) > _LARGEST:
            self.fail(f"{value} is too large. The largest number is {_LARGEST}.", param, ctx)
        return number


class RealNumber(click.FloatRange):
    """A number that can be reckoned with: neither NaN nor infinite."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        number = super().convert(value, param, ctx)
        if not abs(number) < float("inf"):
            self.fail(f"'{value}' is not a finite number.", param, ctx)
        return number


class NameList(ParamType):
    """Some of the names that are known beforehand, separated by commas."""

    name = "names"

    def __init__(self, names: Iterable[str]) -> None:
        self.names = list(names)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        return split_names(value) if isinstance(value, str) else value

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        return _list_items(self.names, incomplete)


class PluginName(ParamType):
    """A plug-in of a group."""

    name = "plug-in"

    def __init__(self, group: str) -> None:
        self.group = group

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        from dataworkspaces.plugin_names import shown_names

        return _items(shown_names(self.group), incomplete)


class FromWorkspace(ParamType):
    """A text that is completed with names from the workspace."""

    def __init__(self, *, many: bool = False) -> None:
        self.many = many

    def candidates(self, workspace: Workspace, ctx: click.Context) -> Iterable[str]:
        raise NotImplementedError

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if not self.many:
            return value
        return split_names(value) if isinstance(value, str) else value

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        from dataworkspaces.workspace import find_and_load_workspace

        session = ctx.find_object(Session) or Session()
        names = self.candidates(find_and_load_workspace(True, False, session.place()), ctx)
        if not self.many:
            return _items(names, incomplete)
        return _list_items(names, incomplete)


class ResourceName(FromWorkspace):
    """A resource of the workspace; ``many``: a list of them, separated by commas."""

    name = "resource"

    def candidates(self, workspace: Workspace, ctx: click.Context) -> Iterable[str]:
        return workspace.get_resource_names()


class AnyResourceName(FromWorkspace):
    """A resource; after ``--undo`` one that was removed."""

    name = "resource"

    def candidates(self, workspace: Workspace, ctx: click.Context) -> Iterable[str]:
        return workspace.get_removed_resource_names() if ctx.params.get("undo") else workspace.get_resource_names()


class SnapshotName(FromWorkspace):
    """A snapshot, by tag, hash or label; tags and labels are what is completed."""

    name = "snapshot"

    def candidates(self, workspace: Workspace, ctx: click.Context) -> Iterable[str]:
        snapshots = workspace.as_snapshot_ws()
        return [*snapshots.get_tags(), *snapshots.get_labels()]


class VersionName(SnapshotName):
    """A snapshot as above, or the branch whose newest one is meant."""

    def candidates(self, workspace: Workspace, ctx: click.Context) -> Iterable[str]:
        return [*super().candidates(workspace, ctx), *workspace.as_snapshot_ws().get_branches()]


class ExperimentName(FromWorkspace):
    """An experiment that is kept beside the working line."""

    name = "experiment"

    def candidates(self, workspace: Workspace, ctx: click.Context) -> Iterable[str]:
        from dataworkspaces.workspace.kept_experiments import ExperimentsMixin

        return [e.name for e in workspace.list_experiments()] if isinstance(workspace, ExperimentsMixin) else []


class BranchName(FromWorkspace):
    """A branch of the workspace's repository."""

    name = "branch"

    def candidates(self, workspace: Workspace, ctx: click.Context) -> Iterable[str]:
        return workspace.as_snapshot_ws().get_branches()


class ParameterType(ParamType):
    """``NAME=VALUE``; a value that is a JSON scalar is one, anything else is a text."""

    name = "NAME=VALUE"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, Any]:
        name, equals, text = str(value).partition("=")
        if not equals or not name.strip():
            self.fail(f"'{value}' is not of the form NAME=VALUE", param, ctx)
        import json

        try:
            parsed = json.loads(text, parse_constant=lambda _text: text)
        except (ValueError, RecursionError):
            parsed = text
        return name.strip(), parsed if isinstance(parsed, (str, int, float, bool, type(None))) else text


class StepName(FromWorkspace):
    """A recorded step, or a resource."""

    name = "step"

    def candidates(self, workspace: Workspace, ctx: click.Context) -> Iterable[str]:
        store = workspace.as_lineage_ws().get_lineage_store()
        names = list(workspace.get_resource_names())
        found: dict[str, None] = {}
        for name in names:
            for entry in store.entries(name):
                step = getattr(entry, "step", None) or entry  # of what failed
                run = getattr(step, "run", None)
                label = run.name if run is not None else getattr(step, "step_name", None)
                found.update({label: None} if label else {})
        return [*found, *names]


class TagName(FromWorkspace):
    """A tag, new or known."""

    name = "tag"

    def candidates(self, workspace: Workspace, ctx: click.Context) -> Iterable[str]:
        return workspace.as_snapshot_ws().get_tags()


class LabelName(FromWorkspace):
    """A label, new or known."""

    name = "label"

    def candidates(self, workspace: Workspace, ctx: click.Context) -> Iterable[str]:
        return workspace.as_snapshot_ws().get_labels()


class LabelKey(FromWorkspace):
    """The key of a label that is known."""

    name = "key"

    def candidates(self, workspace: Workspace, ctx: click.Context) -> Iterable[str]:
        return sorted({label.partition("=")[0] for label in workspace.as_snapshot_ws().get_labels()})


class ParamName(FromWorkspace):
    """A parameter of the workspace, or of the resource that ``--resource`` names (of those that it has set)."""

    name = "parameter"

    def candidates(self, workspace: Workspace, ctx: click.Context) -> Iterable[str]:
        resource = ctx.params.get("resource")
        if resource is None:
            return workspace.param_defs
        stored = workspace.get_resource_params(resource), workspace.read_resource_local_params(resource) or {}
        return [name for params in stored for name in params if name not in ("resource_type", "name", "role")]


def split_names(text: str) -> list[str]:
    """The names in a list that is separated by commas."""
    return [part.strip() for part in text.split(",") if part.strip()]


def _list_items(names: Iterable[str], incomplete: str) -> list[CompletionItem]:
    before, comma, last = incomplete.rpartition(",")
    used = before.split(",")
    return _items((name for name in names if name not in used), last, before + comma)


def _items(names: Iterable[str], incomplete: str, prefix: str = "") -> list[CompletionItem]:
    from click.shell_completion import CompletionItem

    offered = (name for name in names if name.startswith(incomplete) and re.match(_HARMLESS_RE, name))
    return [CompletionItem(prefix + name) for name in offered]


def parameters_by_name(parameters: tuple[tuple[str, Any], ...]) -> dict[str, Any]:
    from dataworkspaces.errors import ConfigurationError

    found: dict[str, Any] = {}
    for name, value in parameters:
        if name in found:
            raise ConfigurationError(f"--param: '{name}' is given twice", hint="Give each parameter one value")
        found[name] = value
    return found
