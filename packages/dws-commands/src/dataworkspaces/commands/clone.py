"""``dws clone``: bring a workspace and its resources to this machine."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import nullcontext
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dataworkspaces import plugins
from dataworkspaces.commands.sync import Selection, adopt_lineage, clone_resources
from dataworkspaces.errors import DwsError
from dataworkspaces.params import HOSTNAME, check_hostname
from dataworkspaces.toolbox.trust import agreeing
from dataworkspaces.workspace import SnapshotWorkspaceMixin
from dataworkspaces.workspace.workspace_uri import backend_of

if TYPE_CHECKING:
    from dataworkspaces.workspace import Interaction, Workspace

_LOOK_AT = 100


@dataclass(frozen=True)
class CloneOutcome:
    """A workspace that was cloned.

    :ivar hostname: which names this copy in its snapshots.
    :ivar cloned: the resources that were cloned.
    :ivar missing: by resource, why it is not here; by the workspace's name, why not all of its own files are.
    :ivar nowhere: the resources whose files have no place here yet.
    :ivar left: the resources that were not asked for."""

    workspace_dir: Path
    name: str
    hostname: str
    cloned: tuple[str, ...]
    missing: dict[str, DwsError] = field(default_factory=dict)
    nowhere: tuple[str, ...] = ()
    left: tuple[str, ...] = ()

    @property
    def is_complete(self) -> bool:
        """Whether all is here you asked for it."""
        return not self.missing and not self.nowhere

    def to_json(self) -> dict[str, Any]:
        return {
            "workspace_dir": str(self.workspace_dir),
            "name": self.name,
            "hostname": self.hostname,
            "cloned": list(self.cloned),
            "missing": {name: error.message for name, error in self.missing.items()},
            "nowhere": list(self.nowhere),
            "left": list(self.left),
        }


def clone_command(
    url: str,
    directory: str | None,
    hostname: str,
    interaction: Interaction,
    *,
    is_default_hostname: bool = False,
    batch: bool = False,
    verbose: bool = False,
    backend: str | None = None,
    selection: Selection | None = None,
    same_places: bool = False,
    trust: bool = False,
) -> CloneOutcome:
    """Clone the workspace at ``url`` to ``directory`` (None: one of the workspace's name, in the current directory).

    :param backend: default: the one that the URL's scheme names, else git, whose URLs have many schemes.
    :param selection: the resources to bring; all, if it is None. 'dws pull' brings the others.
    :param same_places: see :attr:`Workspace.takes_same_places`.
    :param trust: agree to contact all addresses that the workspace names.
    :param hostname: names this copy. If it is the default, the user is asked for
        another; if another copy has it, it gets a number."""
    check_hostname(hostname)
    factory = plugins.load(plugins.BACKENDS, backend or backend_of(url) or plugins.DEFAULT_BACKEND)
    with agreeing(trust):
        workspace: Workspace = factory.clone_workspace(
            {HOSTNAME: hostname}, batch, verbose, url, directory, interaction
        )
    workspace.interaction = interaction
    workspace.takes_same_places = same_places
    if is_default_hostname:  # asked only now: the address was right
        default = hostname
        hostname = interaction.ask(
            "Host name, which names this copy of the workspace", default=default, option="--hostname"
        )
        is_default_hostname = hostname == default
        if not is_default_hostname:
            check_hostname(hostname)
            workspace.set_local_param(HOSTNAME, hostname)
    names = list(workspace.get_names_for_resources_that_need_to_be_cloned())
    left: list[str] = []
    if selection is not None:
        try:
            selection.check(workspace)
        except DwsError as e:  # the workspace is here; nobody wants to clone it again for a wrong name
            interaction.warn(f"{e.message}; no resource is cloned. 'dws pull' in the workspace brings them")
            selection = Selection(only_workspace=True)
        left = [name for name in names if not selection.holds(name)]
        names = [name for name in names if selection.holds(name)]
    # Where nothing can have to be committed, whoever clones need not have told git who they are.
    with agreeing(trust), workspace.transaction("clone") if names else nullcontext():
        if is_default_hostname:
            hostname = _unique_hostname(workspace, hostname)
        cloned, missing = clone_resources(workspace, names)
        nowhere = tuple(name for name in names if name not in cloned and name not in missing)
        adopt_lineage(workspace, [], cloned)
        workspace.save("Resources of a clone")
    if trust:
        from dataworkspaces.commands.trust import agree_to_all

        agree_to_all(workspace)
    if workspace.not_arrived:
        missing[workspace.name] = workspace.not_arrived[0]
    root = Path(workspace.get_workspace_local_path_if_any() or "")
    return CloneOutcome(root, workspace.name, hostname, tuple(cloned), missing, nowhere, tuple(left))


def _unique_hostname(workspace: Workspace, hostname: str) -> str:
    """Two copies on one machine are told apart by their host names, where snapshots put their results too."""
    taken = _known_hostnames(workspace)
    if hostname not in taken:
        return hostname
    number = 2
    while f"{hostname}-{number}" in taken:
        number += 1
    unique = f"{hostname}-{number}"
    workspace.set_local_param(HOSTNAME, unique)
    workspace.interaction.tell(
        f"Another copy of the workspace took snapshots as '{hostname}', so this one is called '{unique}' (to "
        "change that: dws config hostname NAME)"
    )
    return unique


def _known_hostnames(workspace: Workspace) -> set[str]:
    snapshots: Iterable[Any] = ()
    if isinstance(workspace, SnapshotWorkspaceMixin):
        snapshots = islice(workspace.list_snapshots(max_count=_LOOK_AT), _LOOK_AT)
    return {snapshot.hostname for snapshot in snapshots}
