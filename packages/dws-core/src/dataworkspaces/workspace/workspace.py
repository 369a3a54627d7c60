"""The contract of a workspace, whatever stores it."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dataworkspaces import plugins
from dataworkspaces.errors import (
    ConfigurationError,
    DwsError,
    MetadataError,
    NotFoundError,
    NotSupportedError,
    PathNotAResourceError,
)
from dataworkspaces.params import OBJECTS_PATH, WORKSPACE_PARAMS, ParamDefs
from dataworkspaces.toolbox.names import check_resource_name, clean_resource_name
from dataworkspaces.toolbox.regular import is_present
from dataworkspaces.workspace.files import LocalStateResourceMixin
from dataworkspaces.workspace.interaction import BatchInteraction, Interaction
from dataworkspaces.workspace.operations import operations
from dataworkspaces.workspace.own_files import OWN_FILES, is_own_files
from dataworkspaces.workspace.resource import REMOVED, Resource, ResourceRoles
from dataworkspaces.workspace.resource_ref import ResourceRef
from dataworkspaces.workspace.workspace_uri import METADATA_DIR

if TYPE_CHECKING:
    from dataworkspaces.toolbox.whereabouts import Whereabouts
    from dataworkspaces.workspace.factory import ResourceFactory
    from dataworkspaces.workspace.journal import Journal
    from dataworkspaces.workspace.problem import Problem
    from dataworkspaces.workspace.resource_names import ResourceNames
    from dataworkspaces.workspace.snapshot import SnapshotWorkspaceMixin
    from dataworkspaces.workspace.storage import Storage
    from dataworkspaces.workspace.trust import Consent
    from dataworkspaces.workspace.unfinished import UnfinishedPart


class Workspace(ABC):
    """A workspace: parameters, and resources in the order in which they were added.

    A backend implements the abstract methods, and hands over a :class:`~dataworkspaces.workspace.storage.Storage`. Each
    write is atomic by itself (a reader sees the old or the new value) and is made permanent for others by :meth:`save`.
    Reading needs no lock. Whoever writes does so within :meth:`transaction`.

    :ivar name: a short name.
    :ivar dws_version: the version of Data Workspaces that made the workspace.
    :ivar batch: the user must not be asked.
    :ivar verbose: say each thing that is done.
    :ivar interaction: how to reach the user; never asks unless the command line replaces it.
    :ivar not_arrived: why a clone did not bring all of the workspace's own files; a pull may bring them.
    """

    param_defs: ParamDefs = WORKSPACE_PARAMS
    """The workspace's parameters; a backend adds its own (``WORKSPACE_PARAMS | ParamDefs([...])``)."""

    renames_resources: bool = False
    """Whether a resource can be called otherwise than it is stored. A backend that sets it translates names as
    :attr:`resource_names` says in what it stores itself: snapshots, lineage, and whatever it overrides here."""

    takes_same_places: bool = False
    """Whether the user has agreed that directories of this machine that the workspace names are used, while it is
    cloned. They may be anywhere, and snapshots write to them."""

    def __init__(self, name: str, dws_version: str, batch: bool = False, verbose: bool = False) -> None:
        self.name = name
        self.dws_version = dws_version
        self.batch = batch
        self.verbose = verbose
        self.interaction: Interaction = BatchInteraction()
        self.not_arrived: list[DwsError] = []

    # -- storage, by the backend ---------------------------------------------------------------------------------

    @property
    def storage(self) -> Storage:
        """What keeps the metadata of this workspace. A backend assigns it in its ``__init__``, or overrides the methods
        that have the names of those of :class:`~dataworkspaces.workspace.storage.Storage`."""
        if self._storage is None:
            raise NotSupportedError(
                f"Workspace '{self.name}': its backend ({type(self).__module__}) has no 'storage', so it keeps nothing",
                hint="See dataworkspaces.workspace.Storage; the author of the backend has to do that",
            )
        return self._storage

    @storage.setter
    def storage(self, storage: Storage) -> None:
        self._storage = storage

    _storage: Storage | None = None

    def read_params(self, is_global: bool) -> dict[str, Any]:
        """See :meth:`Storage.read_params`."""
        return self.storage.read_params(is_global)

    def write_params(self, is_global: bool, params: dict[str, Any]) -> None:
        """See :meth:`Storage.write_params`."""
        self.storage.write_params(is_global, params)

    def read_resource_params(self) -> list[dict[str, Any]]:
        """See :meth:`Storage.read_resource_params`; without the resources that were removed."""
        return [params for params in self.read_all_resource_params() if not params.get(REMOVED)]

    @property
    def resource_names(self) -> ResourceNames:
        """What resources are called, and what they are stored as; as it is now."""
        from dataworkspaces.workspace.resource_names import AS_STORED, ResourceNames

        return ResourceNames(self.read_stored_resource_params()) if self.renames_resources else AS_STORED

    def read_stored_resource_params(self) -> list[dict[str, Any]]:
        """See :meth:`Storage.read_resource_params`: with the names that are stored."""
        return self.storage.read_resource_params()

    def read_all_resource_params(self) -> list[dict[str, Any]]:
        """See :meth:`Storage.read_resource_params`; with those that were removed, which have :data:`REMOVED`."""
        if type(self).read_resource_params is not Workspace.read_resource_params:
            return self.read_resource_params()  # of a backend that overrides it, as it may
        stored = self.read_stored_resource_params()
        if not self.renames_resources:
            return stored
        from dataworkspaces.workspace.resource_names import ResourceNames

        names = ResourceNames(stored)
        return [names.params_called(params) for params in stored]

    def write_resource_params(self, params: dict[str, Any]) -> None:
        """See :meth:`Storage.write_resource_params`."""
        self.storage.write_resource_params(self.to_stored_params(params))

    def to_stored_params(
        self, params: dict[str, Any], stored: Sequence[Mapping[str, Any]] | None = None
    ) -> dict[str, Any]:
        """The parameters of a resource as they are to be stored: with the name that it is stored as, and with what it
        is called beside them. With ``shown_as`` among them, it is called so from then on.

        :param stored: what :meth:`read_stored_resource_params` returns, if the caller knows."""
        if not self.renames_resources:
            return params
        from dataworkspaces.workspace.resource_names import ResourceNames

        if stored is None:
            stored = self.read_stored_resource_params()
        names = ResourceNames(stored)
        own = names.stored(params["name"])
        return names.params_stored(params, next((each for each in stored if each["name"] == own), None))

    def read_resource_local_params(self, name: str) -> dict[str, Any] | None:
        """See :meth:`Storage.read_resource_local_params`."""
        return self.storage.read_resource_local_params(self.resource_names.stored(name))

    def write_resource_local_params(self, name: str, params: dict[str, Any]) -> None:
        """See :meth:`Storage.write_resource_local_params`."""
        self.storage.write_resource_local_params(self.resource_names.stored(name), params)

    def read_resource_state(self, resource: Resource, key: str) -> bytes | None:
        """Versioned state that a resource stored under ``key`` (see :meth:`write_resource_state`), or None."""
        from dataworkspaces.workspace.storage import read_state

        return read_state(self.read_params(True), self.resource_names.stored(resource.name), key)

    def write_resource_state(self, resource: Resource, items: dict[str, bytes]) -> None:
        """Store versioned state of a resource: it travels with the workspace. A key is a file name of letters,
        digits, ``.``, ``_`` and ``-``. Writing the same item twice changes nothing. Kept with the next
        :meth:`save`; an item that no snapshot refers to does no harm.

        By default among the global parameters, which is made for little: override both where resources of files have
        their manifests kept."""
        from dataworkspaces.workspace.storage import with_state

        stored = self.resource_names.stored(resource.name)
        self.write_params(True, with_state(self.read_params(True), stored, items))

    def read_document(self, key: str) -> bytes | None:
        """A document that travels with the workspace (see :mod:`dataworkspaces.workspace.documents`), or None."""
        from dataworkspaces.workspace.documents import read_among

        return read_among(self.read_params(True), key)

    def write_documents(self, documents: Mapping[str, bytes]) -> None:
        """Keep documents, by key; each whole or not at all. One that is there already stays as it is. Kept with the
        next :meth:`save`; one that nothing refers to does no harm.

        By default among the global parameters, which is made for little."""
        from dataworkspaces.workspace.documents import PARAM, check_document_key
        from dataworkspaces.workspace.storage import encoded

        if documents:
            new = {check_document_key(key): encoded(content) for key, content in documents.items()}
            params = self.read_params(True)
            self.write_params(True, {**params, PARAM: {**new, **params.get(PARAM, {})}})

    def list_documents(self, directory: str) -> list[str]:
        """The keys of the documents in a directory, sorted."""
        from dataworkspaces.workspace.documents import PARAM

        return sorted(key for key in self.read_params(True).get(PARAM, {}) if key.rpartition("/")[0] == directory)

    def list_document_directories(self, directory: str) -> list[str]:
        """The directories directly below one in which documents may be, sorted. Cheaper than to look in each."""
        from dataworkspaces.workspace.documents import PARAM, directories_below

        return directories_below(directory, self.read_params(True).get(PARAM, {}))

    def delete_documents(self, keys: Iterable[str]) -> None:
        """Keep these no longer. Idempotent."""
        from dataworkspaces.workspace.documents import PARAM

        params, gone = self.read_params(True), set(keys)
        known = params.get(PARAM, {})
        if gone.intersection(known):
            left = {key: text for key, text in known.items() if key not in gone}
            self.write_params(True, {**params, PARAM: left})

    def get_resource_local_directory(self, resource: Resource) -> Path:
        """The directory for what a resource keeps on this machine only. It need not exist yet."""
        return self.get_machine_directory() / "resources" / self.resource_names.stored(resource.name)

    def get_machine_directory(self) -> Path:
        """The directory for the lock, the journal and caches of this copy of the workspace: on this machine, never
        versioned, safe to be on NFS. It need not exist yet. By default in the workspace's own directory; of one that
        has none, in the home directory of the user."""
        own = self.get_workspace_local_path_if_any()
        if own is not None:
            return Path(own) / METADATA_DIR / "machine"
        from dataworkspaces.workspace.storage import directory_of_user

        return directory_of_user(type(self).__module__, self.name, self.get_instance())

    def get_objects_directory(self) -> Path:
        """The directory of the object store: the content of versions of resources that keep it. Several workspaces may
        name the same place by the local parameter ``objects.path``. It need not exist yet."""
        return self.given_objects_directory() or self.get_machine_directory() / "objects"

    def given_objects_directory(self) -> Path | None:
        """What ``objects.path`` says. A store may be shared, so a copy of the workspace uses the same one, unless it
        lies in the workspace, and was copied too."""
        path = self.get_local_param(OBJECTS_PATH)
        return None if path is None else Path(self.whereabouts.here(path) or path)

    @cached_property
    def whereabouts(self) -> Whereabouts:
        """Where this copy of the workspace is, and was."""
        from dataworkspaces.toolbox.whereabouts import Whereabouts

        own = self.get_workspace_local_path_if_any()
        return Whereabouts(None if own is None else Path(os.path.realpath(own)), self.get_machine_directory())

    @abstractmethod
    def save(self, message: str) -> None:
        """Make what was written permanent for others (for git: one commit). Nothing to save is no error.

        Raises StorageError if there is no room, UnavailableError if it cannot be told whether it was made permanent."""

    def save_precheck(self) -> None:
        """Raise ConfigurationError if :meth:`save` would fail. Called before a command changes anything."""

    def creation_notes(self) -> Iterable[str]:
        """What whoever has just made the workspace should know, beside where it is. By default nothing."""
        return ()

    def notes(self) -> Iterable[str]:
        """What the user should be warned of when the workspace is opened."""
        return ()

    def check_trusted(self) -> None:
        """Raise RefusedError if changing the workspace would run what came with its directory (git's configuration, out
        of an archive), and the user does not agree. Called before a command changes anything, or recovers."""

    def ignore_local_path(self, path: Path) -> None:
        """A resource with content of its own lies at ``path``: keep it out of what :meth:`save` keeps, if it lies in
        the workspace's own directory. Idempotent."""

    def tracked_files(self, path: Path) -> list[str]:
        """The files at and below a path that the backend keeps the content of by itself, as git does."""
        return []

    def untrack(self, path: Path) -> None:
        """Keep the content of the files at and below ``path`` no longer, from now on: what is kept stays kept, and the
        files stay. Idempotent; nothing else that the user has changed is kept by it."""

    def came_with_workspace(self, path: Path) -> bool:
        """Whether all that lies in a directory came with the workspace itself, so that it is nobody else's. For a
        backend whose copies hold files of the user's, too."""
        return False

    # -- identity and places, by the backend ---------------------------------------------------------------------

    @abstractmethod
    def get_instance(self) -> str:
        """What identifies this copy of the workspace (for git: the host name parameter).

        Raises nothing."""

    def get_user_name(self) -> str:
        """Who works here, for others to read in the history; "" if nobody knows. By default as the machine calls the
        user."""
        import getpass

        try:
            return getpass.getuser()
        except (OSError, KeyError, ImportError):  # neither variables nor an entry of the user
            return ""

    @abstractmethod
    def get_workspace_local_path_if_any(self) -> str | None:
        """The workspace's directory on this machine, or None if it has none.

        Raises nothing."""

    @abstractmethod
    def get_scratch_directory(self) -> str:
        """The absolute path of the directory for temporary data.

        Raises nothing; it need not exist."""

    @abstractmethod
    def as_snapshot_ws(self) -> SnapshotWorkspaceMixin:
        """This workspace, as one that has snapshots; raises NotSupportedError if it has none."""

    @abstractmethod
    def as_lineage_ws(self) -> SnapshotWorkspaceMixin:
        """This workspace, as one that has snapshots and lineage; raises NotSupportedError otherwise."""

    def not_supported(self, capability: str) -> NotSupportedError:
        """The error for a capability that this workspace lacks."""
        return NotSupportedError(f"Workspace '{self.name}' ({type(self).__name__}) does not support {capability}")

    # -- changing a workspace ------------------------------------------------------------------------------------

    def transaction(self, command: str) -> AbstractContextManager[Journal]:
        """Hold the workspace's lock while ``command`` changes it.

        What an earlier command left unfinished when it was killed is completed or undone first. The journal that is
        yielded says what to do if this one is killed; if it raises, that is done at once. Not reentrant: raises
        LockedError, naming the holder, if the lock is not free within a few seconds."""
        return operations().transaction(self, command)

    journal: Journal | None = None
    """That of the transaction that this object holds."""

    def settle(self) -> None:
        """Note that the workspace is where it is, and which of its places on this machine are still its own: once after
        it was made, moved or copied. Idempotent, and told to the user if a place is lost."""
        if self.whereabouts.state == "home":
            return
        operations().settle(self)

    def recover_if_interrupted(self) -> None:
        """Complete or undo what a killed command left, if that can be done without waiting.

        For commands that only read. If another command is running, or the workspace cannot be written to, nothing is
        done."""
        if self.is_unfinished():
            operations().recover_if_interrupted(self)

    def is_unfinished(self) -> bool:
        """Whether a command has left something to complete or undo, or is at work now."""
        from dataworkspaces.workspace.journal import Journal

        return is_present(Journal.path(self.get_machine_directory()))

    def finish_interrupted(self, *, interrupted: bool = True) -> str | None:
        """Complete or undo what the journal tells of, and say which; None if there is no journal. The caller holds the
        lock. If it fails the journal stays, and the error says how to set it aside."""
        return operations().finish_interrupted(self, interrupted=interrupted)

    def unfinished_parts(self) -> Iterable[UnfinishedPart]:
        """What a command that was cut short left besides the journal. A backend adds its own."""
        for name in self.get_resource_names():
            try:
                resource = self.get_resource(name)
            except (DwsError, OSError):  # of a type that is not installed, say
                continue
            if isinstance(resource, LocalStateResourceMixin):
                yield from resource.unfinished_parts()

    def recover(self, operation: str, data: dict[str, Any], interrupted: bool) -> str:
        """Complete or undo an operation from its journal, and say which in a few words. Idempotent.

        ``interrupted`` is False when the operation has just raised, and True when its process is gone."""
        return operations().recover(self, operation, data, interrupted)

    def check_integrity(self) -> Iterable[Problem]:
        """What is damaged. Changes nothing, and raises nothing for what it finds. A backend adds what only
        it can tell."""
        return operations().check_integrity(self)

    # -- what others may have us contact --------------------------------------------------------------------------

    @property
    def consent(self) -> Consent:
        """Asked before an address is contacted that came with the workspace, see :mod:`dataworkspaces.toolbox.trust`:
        ``workspace.consent.to(address, "Resource 'data'")``."""
        from dataworkspaces.workspace.trust import Consent, place_of

        return Consent(place_of(self), self.interaction)

    def addresses(self) -> Iterable[str]:
        """As :meth:`Resource.addresses`, of the workspace itself."""
        return ()

    # -- parameters ----------------------------------------------------------------------------------------------

    def get_global_param(self, param_name: str) -> Any:
        """A global parameter's value, or its default; ParamNotFoundError if it is not defined."""
        return self._get_param(param_name, True)

    def get_local_param(self, param_name: str) -> Any:
        """A local parameter's value, or its default; ParamNotFoundError if it is not defined."""
        return self._get_param(param_name, False)

    def set_global_param(self, name: str, value: Any) -> None:
        """Validate and set a global parameter; others see it after :meth:`save`."""
        self._set_param(name, value, True)

    def set_local_param(self, name: str, value: Any) -> None:
        """Validate and set a local parameter."""
        self._set_param(name, value, False)

    def _get_param(self, name: str, is_global: bool) -> Any:
        definition = self.param_defs.find(name, is_global=is_global)
        params = self.read_params(is_global)
        if name not in params:
            return definition.default
        definition.validate(params[name])  # it may be somebody else's
        return params[name]

    def _set_param(self, name: str, value: Any, is_global: bool) -> None:
        self.param_defs.find(name, is_global=is_global).validate(value)
        self.write_params(is_global, {**self.read_params(is_global), name: value})

    # -- resources -----------------------------------------------------------------------------------------------

    @abstractmethod
    def get_resource_names(self) -> Iterable[str]:
        """The names of the resources, in the order in which they were added; that of :meth:`own_files_resource` last,
        if the workspace has files of its own.

        Raises MetadataError if they are damaged, UnavailableError if they cannot be read now."""

    def own_files_resource(self) -> Resource | None:
        """The files of the workspace that lie in no resource, as a resource with
        :class:`~dataworkspaces.workspace.own_files.OwnFilesMixin`; also while there are none. None if the backend keeps
        no files beside those of resources."""
        return None

    def has_own_files(self) -> bool:
        """Whether there are such files."""
        return False

    def get_resource_params(self, name: str) -> dict[str, Any]:
        """The parameters of one resource; raises NotFoundError if there is none that is, or was, called so."""
        stored = self.read_resource_params()
        name = self.present_name(name)
        for params in stored:
            if params["name"] == name:
                return params
        own = self.own_files_resource()
        if own is not None and own.name == name:
            return own.get_params()
        names = ", ".join(self.get_resource_names()) or "none"
        raise NotFoundError(f"Workspace '{self.name}' has no resource '{name}'", hint=f"It has: {names}")

    def get_resource(self, name: str) -> Resource:
        """The resource that is, or was, called so: whoever knows the name that it had before it was renamed (a script,
        a step that runs) gets it, too. Raises ConfigurationError if there is none, PluginError if its type is not
        installed, MetadataError if its parameters are damaged."""
        own = self.own_files_resource()
        if own is not None and own.name == name:
            return own
        return self._resource_with(name, self.get_resource_params(name))

    def _resource_with(self, name: str, params: Mapping[str, Any]) -> Resource:
        factory = self.get_resource_factory(params["resource_type"])
        try:
            return factory.from_json(dict(params), dict(self.read_resource_local_params(name) or {}), self)
        except KeyError as e:
            raise MetadataError(f"Resource '{name}' lacks the parameter {e} in the workspace's metadata") from e

    def get_removed_resource_names(self) -> list[str]:
        """The names of the resources that were removed, and can be brought back."""
        return [params["name"] for params in self.read_all_resource_params() if params.get(REMOVED)]

    def get_removed_resources(self) -> Iterable[Resource]:
        """Those that were removed: snapshots still hold versions of them."""
        for params in self.read_all_resource_params():
            if params.get(REMOVED):
                known = {key: value for key, value in params.items() if key != REMOVED}
                local = dict(self.read_resource_local_params(params["name"]) or {})
                yield self.get_resource_factory(params["resource_type"]).from_json(known, local, self)

    def get_resources(self) -> Iterable[Resource]:
        """The resources, in the order in which they were added."""
        for name in self.get_resource_names():
            yield self.get_resource(name)

    def get_resource_role(self, resource_name: str) -> str:
        """The role of a resource, without making the resource."""
        return str(self.get_resource_params(resource_name)["role"])

    def get_resource_type(self, resource_name: str) -> str:
        """The type of a resource, without making the resource."""
        return str(self.get_resource_params(resource_name)["resource_type"])

    def get_resource_factory(self, resource_type: str) -> ResourceFactory:
        """The factory of a type; raises PluginError if it is not installed."""
        factory: ResourceFactory = plugins.load(plugins.RESOURCES, resource_type)
        return factory

    def present_name(self, name: str) -> str:
        """What a resource is called now that is, or was, called ``name``: scripts that are older than a new name go on
        to work. A name that no resource had is returned as it is."""
        return self.resource_names.renamed_to(name) or name

    def check_not_renamed(self, name: str) -> None:
        """Raise NotFoundError if a resource was called ``name``, and is not any more."""
        from shlex import quote

        called = self.resource_names.renamed_to(name)
        if called is not None:
            raise NotFoundError(
                f"Workspace '{self.name}' no longer has a resource '{name}': it is now called '{called}'",
                hint=f"Use that name, or give it the old name again: dws rename {quote(called)} {quote(name)}",
            )

    def check_new_resource_name(self, name: str, renamed: str | None = None) -> None:
        """Raise ConfigurationError for a name that no new resource can have, nor one that is ``renamed``."""
        check_resource_name(name)
        choose = "Choose another name with --name" if renamed is None else "Choose another name"
        if name == OWN_FILES:
            raise ConfigurationError(
                f"'{name}' stands for the workspace's own files, which belong to no resource", hint=choose
            )
        names = self.resource_names
        if renamed is not None and name != renamed and names.renamed_to(name) == renamed:
            return  # it gets a name again that it had
        if name in set(self.get_resource_names()):
            raise ConfigurationError(f"There is already a resource '{name}'", hint=choose)
        if name in names.reserved:
            owner = names.renamed_to(name)
            whose = "two resources" if owner is None else f"resource '{owner}'"
            raise ConfigurationError(
                f"'{name}' was the name of {whose}, which scripts and links may still use", hint=choose
            )
        if name in self.get_removed_resource_names():
            raise ConfigurationError(
                f"Snapshots still hold versions of a removed resource '{name}'",
                hint=f"{choose}, or bring the removed one back: dws remove --undo {name}",
            )

    def add_resource(self, name: str, resource_type: str, role: str, *args: Any, **kwargs: Any) -> Resource:
        """Make a resource from the arguments of ``dws add`` and record it. Others see it after :meth:`save`."""
        self.check_new_resource_name(name)
        factory = self.get_resource_factory(resource_type)
        if role not in factory.roles:
            raise ConfigurationError(
                f"A resource of type {resource_type} cannot have the role '{role}'",
                hint=f"Allowed roles: {', '.join(factory.roles)}",
            )
        from dataworkspaces.toolbox.arguments import as_taken
        from dataworkspaces.toolbox.trust import agreeing

        with agreeing():  # the user has named what is contacted now
            given, named = as_taken(factory.from_command_line, factory.get_click_params(), args, kwargs)
            resource = factory.from_command_line(role, name, self, *given, **named)
        resource.check_params()
        self.consent.agree(resource.addresses())
        if resource.is_imported():
            operations().import_lineage(self, resource)
        # Local parameters first: a resource without them would be one to be cloned, if we were killed in between.
        made_by = self.get_resource_factory(resource.resource_type)
        if isinstance(resource, LocalStateResourceMixin) and made_by.has_local_state():
            self._record_local_state(name, resource)
        self.write_resource_params(resource.get_params())
        return resource

    def clone_resource(self, name: str) -> LocalStateResourceMixin:
        """Bring a resource with local state to this machine and record where it is."""
        params = self.get_resource_params(name)
        resource = self.get_resource_factory(params["resource_type"]).clone(dict(params), self)
        self._record_local_state(name, resource)
        return resource

    def _record_local_state(self, name: str, resource: LocalStateResourceMixin) -> None:
        local_path = resource.get_local_path_if_any()
        if local_path is not None:
            self.ignore_local_path(Path(local_path))
        self.write_resource_local_params(name, resource.get_local_params())

    def get_names_of_resources_with_local_state(self) -> Iterable[str]:
        """The names of the resources that a new machine has to clone."""
        for params in self.read_resource_params():
            if self.get_resource_factory(params["resource_type"]).has_local_state():
                yield params["name"]

    def get_names_for_resources_that_need_to_be_cloned(self) -> Iterable[str]:
        """The names of the resources with local state that have never been on this machine."""
        for name in self.get_names_of_resources_with_local_state():
            if self.read_resource_local_params(name) is None:
                yield name

    def suggest_resource_name(self, resource_type: str, role: str, *args: Any, **kwargs: Any) -> str:
        """A name for a new resource: the type's suggestion, made valid and unique."""
        from dataworkspaces.toolbox.arguments import as_taken

        factory = self.get_resource_factory(resource_type)
        given, named = as_taken(factory.suggest_name, factory.get_click_params(), args, kwargs)
        suggestion = factory.suggest_name(self, role, *given, **named)
        base = clean_resource_name(suggestion) or role
        taken = {*self.get_resource_names(), *self.get_removed_resource_names(), OWN_FILES}
        taken |= self.resource_names.reserved
        number = 1
        name = base
        while name in taken:
            number += 1
            name = f"{base}-{number}"
        return name

    def validate_resource_name(
        self, resource_name: str, subpath: str | None = None, expected_role: str | None = None
    ) -> None:
        """Raise ConfigurationError if there is no such resource, no such place in it, or if its role is another."""
        role = self.get_resource_role(resource_name)
        if expected_role is not None and role != expected_role:
            raise ConfigurationError(f"Resource '{resource_name}' has the role {role}, not {expected_role}")
        if subpath is not None:
            self.get_resource(resource_name).validate_subpath_exists(subpath)

    # -- local paths ---------------------------------------------------------------------------------------------

    def get_local_paths(self) -> Iterator[tuple[str, Path]]:
        """Name and local path of each resource that was added and has one, in the order in which they were added."""
        for params in self.read_resource_params():
            resource = self._resource_with(params["name"], params)
            if isinstance(resource, LocalStateResourceMixin):
                path = resource.get_local_path_if_any()
                if path is not None:
                    yield resource.name, Path(path)

    def map_local_path_to_resource(self, path: str, expecting_a_code_resource: bool = False) -> ResourceRef:
        """The resource in which a local path lies, and the path in it. The path need not exist. A path in the
        workspace's directory and in none that was added lies in the workspace's own files.

        Raises PathNotAResourceError if it lies in none (in none with the role ``code``, if that is expected)."""
        wanted = Path(os.path.realpath(Path(path).expanduser()))
        best: tuple[int, ResourceRef] | None = None
        is_elsewhere = False
        for name, local in self.get_local_paths():
            root = Path(os.path.realpath(local))
            if wanted != root and root not in wanted.parents:
                continue
            if expecting_a_code_resource and self.get_resource_role(name) != ResourceRoles.CODE:
                is_elsewhere = True
                continue
            subpath = None if wanted == root else wanted.relative_to(root).as_posix()
            if best is None or len(root.parts) > best[0]:
                best = (len(root.parts), ResourceRef(name, subpath))
        own = self.own_files_resource()
        if best is None and not is_elsewhere and own is not None and is_own_files(own):
            ref = own.ref_of(str(wanted))
            if ref is not None:
                return ref
        if best is None:
            kind = "code resource" if expecting_a_code_resource else "resource"
            raise PathNotAResourceError(
                f"{wanted} is not in any {kind} of workspace '{self.name}'",
                hint="'dws status' lists the resources; 'dws add' adds one",
            )
        return best[1]

    def validate_local_path_for_resource(self, proposed_resource_name: str, proposed_local_path: str) -> None:
        """Raise ConfigurationError if a new resource cannot be at a local path: it is the workspace itself (or holds
        it), or it overlaps with another resource's."""
        proposed = Path(os.path.realpath(proposed_local_path))
        own = self.get_workspace_local_path_if_any()
        if own is not None:
            root = Path(os.path.realpath(own))
            if proposed == root or proposed in root.parents:
                raise ConfigurationError(
                    f"{proposed} cannot be a resource: it contains the whole workspace",
                    hint=None
                    if self.own_files_resource() is None
                    else "It need not be one: snapshots also keep files of the workspace that belong to no resource",
                )
        for name, local in self.get_local_paths():
            other = Path(os.path.realpath(local))
            if name == proposed_resource_name:
                continue
            if proposed == other or other in proposed.parents or proposed in other.parents:
                raise ConfigurationError(
                    f"{proposed} cannot be the place of resource '{proposed_resource_name}': "
                    f"it overlaps with resource '{name}' at {other}"
                )
