"""``dws verify``: read everything, and compare it with what was recorded."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dataworkspaces.commands.storage import keeping_resources, snapshot_versions
from dataworkspaces.errors import DwsError, NotSupportedError
from dataworkspaces.filetree.restoring import all_objects
from dataworkspaces.workspace.file_tree import FileTreeMixin

if TYPE_CHECKING:
    from dataworkspaces.workspace import Workspace


@dataclass(frozen=True)
class Fault:
    """:ivar what: a path in the resource, or a version. :ivar problem: in words."""

    resource: str
    what: str
    problem: str


@dataclass(frozen=True)
class Verification:
    """:ivar files, contents: how many were read, in the resources' directories and in the object store."""

    resources: tuple[str, ...]
    files: int
    contents: int
    faults: tuple[Fault, ...]

    def to_json(self) -> dict[str, Any]:
        return {
            "resources": list(self.resources),
            "files": self.files,
            "contents": self.contents,
            "faults": [{"resource": f.resource, "what": f.what, "problem": f.problem} for f in self.faults],
        }


def verify_command(workspace: Workspace, names: Sequence[str] = ()) -> Verification:
    """Read all files of resources, whatever the cache knows of them, and all contents that their versions need.

    :param names: the resources; all that can be verified, if none are given. Raises NotSupportedError for one that
        cannot be."""
    resources = [_checked(workspace, name) for name in names] or [
        r for r in workspace.get_resources() if isinstance(r, FileTreeMixin) and r.reads_content()
    ]
    keeping = {resource.name for resource in keeping_resources(workspace)}
    files = contents = 0
    faults: list[Fault] = []
    for resource in resources:
        read, changed = resource.reread()
        files += read
        problem = "its content is another than when it was last read, though its size and times are the same"
        faults += [Fault(resource.name, path, problem) for path in changed]
        if resource.name in keeping:
            for fault in _verify_store(workspace, resource):
                contents += 1
                faults += [fault] if fault is not None else []
    return Verification(tuple(r.name for r in resources), files, contents, tuple(faults))


def _checked(workspace: Workspace, name: str) -> FileTreeMixin:
    resource = workspace.get_resource(name)
    if not isinstance(resource, FileTreeMixin) or not resource.reads_content():
        raise NotSupportedError(
            f"Resource '{name}' ({resource.resource_type}) records no hashes of its files that could be verified",
            hint="local-files do with --compute-hash or --restorable; git resources have 'git fsck'",
        )
    return resource


def _verify_store(workspace: Workspace, resource: FileTreeMixin) -> Iterator[Fault | None]:
    """A fault, or None, for each content that versions need."""
    seen: set[str] = set()
    objects: dict[Any, str] = {}
    for version in dict.fromkeys(snapshot_versions(workspace, resource.name).values()):
        try:
            for object_id, path in all_objects(resource.kept_content.tree(version), seen).items():
                objects.setdefault(object_id, path)
        except DwsError as e:
            yield Fault(resource.name, version, e.message)
    store = resource.kept_content.store
    missing = store.missing(objects)
    remote = resource.remote_content
    lost = missing if remote is None else remote.store.missing(missing)
    with workspace.interaction.progress(f"Verifying {resource.name}", len(objects)) as advance:
        for object_id, path in objects.items():
            problem = None
            if object_id in lost:
                problem = "its content is not in the object store" + (
                    "" if remote is None else f", nor at {remote.url}"
                )
            elif object_id not in missing:
                problem = store.damage(object_id)
            yield None if problem is None else Fault(resource.name, path, problem)
            advance(1)
