"""A plug-in written from section 1.7.6 of the manual of release 1.5, and from nothing else: names, signatures, abstract
methods. What the manual says nothing of is in ``Kept`` alone, which is a ``Storage``."""

import json
import shutil
from pathlib import Path

from dataworkspaces.errors import ConfigurationError, MetadataError, NotSupportedError
from dataworkspaces.workspace import (
    CentralWorkspaceMixin,
    FileResourceMixin,
    LocalStateResourceMixin,
    Resource,
    ResourceFactory,
    SnapshotMetadata,
    SnapshotResourceMixin,
    SnapshotWorkspaceMixin,
    Storage,
    Workspace,
    WorkspaceFactory,
)

CALLS = []
"""The methods that this plug-in overrides, as they were called."""


# -- a resource type without files --------------------------------------------------------------------------------


class Table(SnapshotResourceMixin, Resource):
    """Rows of text. Its parameters are not declared anywhere."""

    def __init__(self, name, role, workspace, place):
        super().__init__("table", name, role, workspace)
        self.place = place

    def get_params(self):
        return {**super().get_params(), "place": self.place}

    def validate_subpath_exists(self, subpath):
        raise ConfigurationError(f"A table has no '{subpath}'")

    def snapshot_precheck(self):
        if not Path(self.place).is_file():
            raise ConfigurationError(f"{self.place} is gone")

    def snapshot(self):
        rows = Path(self.place).read_text()
        if rows == "fail":
            raise RuntimeError("the stranger has made a mistake")
        versions = Path(self.place + ".versions")
        versions.mkdir(exist_ok=True)
        hashval = f"{sum(rows.encode()):040x}"
        (versions / hashval).write_text(rows)
        return hashval, hashval

    def restore_precheck(self, restore_hashval):
        if not Path(self.place + ".versions", restore_hashval).is_file():
            raise ConfigurationError(f"There is no version {restore_hashval}")

    def restore(self, restore_hashval):
        Path(self.place).write_text(Path(self.place + ".versions", restore_hashval).read_text())

    def delete_snapshot(self, workspace_snapshot_hash, resource_restore_hash, relative_path):
        pass


class TableFactory(ResourceFactory):
    def from_command_line(self, role, name, workspace, *args, **kwargs):
        (place,) = args
        return Table(name, role, workspace, place)

    def from_json(self, params, local_params, workspace):
        return Table(params["name"], params["role"], workspace, params["place"])

    def has_local_state(self):
        return False

    def suggest_name(self, workspace, role, *args):
        return Path(args[0]).stem

    def clone(self, params, workspace):
        raise NotSupportedError("A table has nothing to clone")


TABLE = TableFactory()


# -- a resource of files ------------------------------------------------------------------------------------------


class Folder(FileResourceMixin, LocalStateResourceMixin, SnapshotResourceMixin, Resource):
    def __init__(self, name, role, workspace, path):
        super().__init__("folder", name, role, workspace)
        self.path = Path(path)

    def get_params(self):
        return {**super().get_params(), "path": str(self.path)}

    def get_local_params(self):
        return {"mounted": str(self.path)}

    def get_local_path_if_any(self):
        return str(self.path)

    def ls(self, rel_path):
        return sorted(path.name for path in (self.path / rel_path).iterdir())

    def open(self, rel_path, mode):
        return (self.path / rel_path).open(mode)

    def does_subpath_exist(self, subpath, must_be_file=False, must_be_directory=False):
        path = self.path / subpath
        return path.is_file() if must_be_file else path.is_dir() if must_be_directory else path.exists()

    def delete_file(self, rel_path):
        (self.path / rel_path).unlink()

    def upload_file(self, src_local_path, rel_dest_path):
        (self.path / rel_dest_path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(src_local_path, self.path / rel_dest_path)

    def add_results_file(self, data, rel_dest_path):
        (self.path / rel_dest_path).parent.mkdir(parents=True, exist_ok=True)
        (self.path / rel_dest_path).write_text(json.dumps(data))

    def read_results_file(self, subpath):
        if not (self.path / subpath).is_file():
            raise ConfigurationError(f"There is no {subpath}")
        return json.loads((self.path / subpath).read_text())

    def _current(self, exclude_files, exclude_dirs_re):
        for path in sorted(self.path.rglob("*")):
            name = path.relative_to(self.path).as_posix()
            if path.is_file() and name not in exclude_files and not exclude_dirs_re.match(name.split("/")[0]):
                yield path, name

    def results_move_current_files(self, rel_dest_root, exclude_files, exclude_dirs_re):
        for path, name in list(self._current(exclude_files, exclude_dirs_re)):
            (self.path / rel_dest_root / name).parent.mkdir(parents=True, exist_ok=True)
            path.rename(self.path / rel_dest_root / name)

    def results_copy_current_files(self, rel_dest_root, exclude_files, exclude_dirs_re):
        for path, name in list(self._current(exclude_files, exclude_dirs_re)):
            self.upload_file(path, f"{rel_dest_root}/{name}")

    def snapshot_precheck(self):
        if (self.path / "refuse").exists():
            raise ConfigurationError("The folder refuses")

    def snapshot(self):
        found = {p.relative_to(self.path).as_posix(): p.read_text() for p in self.path.rglob("*") if p.is_file()}
        return f"{sum(json.dumps(found).encode()):040x}", None

    def restore_precheck(self, restore_hashval):
        raise ConfigurationError("A folder is not restored")

    def restore(self, restore_hashval):
        raise ConfigurationError("A folder is not restored")

    def delete_snapshot(self, workspace_snapshot_hash, resource_restore_hash, relative_path):
        shutil.rmtree(self.path / relative_path, ignore_errors=True)

    def pull_precheck(self):
        CALLS.append(f"pull_precheck {self.name}")

    def pull(self):
        pass

    def push_precheck(self):
        CALLS.append(f"push_precheck {self.name}")

    def push(self):
        CALLS.append(f"push {self.name}")


class FolderFactory(ResourceFactory):
    def from_command_line(self, role, name, workspace, *args, **kwargs):
        (path,) = args
        return Folder(name, role, workspace, path)

    def from_json(self, params, local_params, workspace):
        return Folder(params["name"], params["role"], workspace, params["path"])

    def has_local_state(self):
        return True

    def suggest_name(self, workspace, role, *args):
        return Path(args[0]).name

    def clone(self, params, workspace):
        return self.from_json(params, {}, workspace)


FOLDER = FolderFactory()
NOTHING = None
"""Announced, and forgotten."""


# -- a backend ----------------------------------------------------------------------------------------------------


class Kept(Storage):
    """One file of JSON."""

    def __init__(self, file):
        self.file = file

    def load(self):
        return json.loads(self.file.read_text())

    def change(self, change):
        data = self.load()
        change(data)
        self.file.write_text(json.dumps(data))

    def read_params(self, is_global):
        return self.load()[f"params {is_global}"]

    def write_params(self, is_global, params):
        self.change(lambda data: data.update({f"params {is_global}": params}))

    def read_resource_params(self):
        return list(self.load()["resources"].values())

    def write_resource_params(self, params):
        self.change(lambda data: data["resources"].update({params["name"]: params}))

    def read_resource_local_params(self, name):
        return self.load()["local"].get(name)

    def write_resource_local_params(self, name, params):
        self.change(lambda data: data["local"].update({name: params}))

    def get_snapshot_manifest_bytes(self, hash_val):
        found = self.load()["manifests"].get(hash_val)
        if found is None:
            raise MetadataError(f"There is no manifest {hash_val}")
        return found.encode()

    def delete_snapshot_metadata_and_manifest(self, hash_val):
        self.change(lambda data: (data["snapshots"].pop(hash_val, None), data["manifests"].pop(hash_val, None)))


class StrangeWorkspace(SnapshotWorkspaceMixin, CentralWorkspaceMixin, Workspace):
    def __init__(self, directory, batch, verbose):
        super().__init__(directory.name, "1.5", batch, verbose)
        self.directory = directory
        self.storage = Kept(directory / "strange.json")

    def as_lineage_ws(self):
        raise NotSupportedError("There is no lineage")

    def as_snapshot_ws(self):
        return self

    def get_instance(self):
        return "strange-host"

    def get_resource_names(self):
        return [params["name"] for params in self.storage.read_resource_params()]

    def get_scratch_directory(self):
        return str(self.directory / "scratch")

    def get_workspace_local_path_if_any(self):
        return str(self.directory)

    def save(self, message):
        pass

    def get_resources_that_need_to_be_cloned(self):
        return []

    def get_lineage_store(self):
        raise ConfigurationError("There is no lineage")

    def supports_lineage(self):
        return False

    def get_next_snapshot_number(self):
        return len(self.storage.load()["snapshots"]) + 1

    def get_snapshot_metadata(self, hash_val):
        found = self.storage.load()["snapshots"].get(hash_val)
        if found is None:
            raise ConfigurationError(f"There is no snapshot {hash_val}")
        return SnapshotMetadata.from_json(found)

    def get_snapshot_by_partial_hash(self, partial_hash):
        for metadata in self.list_snapshots():
            if metadata.matches_partial_hash(partial_hash):
                return metadata
        raise ConfigurationError(f"There is no snapshot {partial_hash}")

    def get_snapshot_by_tag(self, tag):
        for metadata in self.list_snapshots():
            if metadata.has_tag(tag):
                return metadata
        raise ConfigurationError(f"There is no snapshot with the tag '{tag}'")

    def list_snapshots(self, reverse=True, max_count=None):
        found = [SnapshotMetadata.from_json(data) for data in self.storage.load()["snapshots"].values()]
        return sorted(found, key=lambda metadata: metadata.timestamp, reverse=reverse)[:max_count]

    def remove_tag_from_snapshot(self, hash_val, tag):
        self.storage.change(lambda data: data["snapshots"][hash_val]["tags"].remove(tag))

    def save_snapshot_metadata_and_manifest(self, metadata, manifest):
        def add(data):
            data["manifests"][metadata.hashval] = manifest.decode()
            data["snapshots"][metadata.hashval] = metadata.to_json()

        self.storage.change(add)

    # What the manual says can be overridden, with its signatures.

    def _snapshot_precheck(self, resource_list):
        CALLS.append("_snapshot_precheck")
        super()._snapshot_precheck(resource_list)

    def _restore_precheck(self, resource_list):
        CALLS.append("_restore_precheck")
        super()._restore_precheck(resource_list)

    def _push_precheck(self, resource_list):
        CALLS.append("_push_precheck")
        super()._push_precheck(resource_list)

    def _pull_precheck(self, resource_list):
        CALLS.append("_pull_precheck")
        super()._pull_precheck(resource_list)

    def snapshot(self, tag=None, message=""):
        CALLS.append("snapshot")
        return super().snapshot(tag, message)

    def restore(self, snapshot_hash, restore_hashes, restore_resources):
        CALLS.append("restore")
        super().restore(snapshot_hash, restore_hashes, restore_resources)

    def delete_snapshot(self, hash_val, include_resources=False):
        CALLS.append("delete_snapshot")
        super().delete_snapshot(hash_val, include_resources)

    def pull_resources(self, resource_list):
        super().pull_resources(resource_list)


class StrangeFactory(WorkspaceFactory):
    @staticmethod
    def load_workspace(batch, verbose, parsed_uri):
        return StrangeWorkspace(Path(parsed_uri.path), batch, verbose)

    @staticmethod
    def clone_workspace(local_params, batch, verbose, *args):
        raise ConfigurationError("There is one of it")


FACTORY = StrangeFactory()


def init_workspace(workspace_name, hostname, batch, verbose, scratch_dir, *args, **kwargs):
    directory = Path.cwd()
    names = ("params True", "params False", "resources", "local", "snapshots", "manifests")
    (directory / "strange.json").write_text(json.dumps({name: {} for name in names}))
    return StrangeWorkspace(directory, batch, verbose)
