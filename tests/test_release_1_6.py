"""Workspaces that release 1.6 made open, show what they hold, come back, and go on. See fixtures/README.md."""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path

import pytest
from endtoend import FAILED, FIXTURES, User, read_tree, write_files
from rclone_server import needs_rclone
from s3_server import S3Bucket, S3Server

HALF = "20a905931be8b4ccb466de05bd52758ef9e44f6a"
FULL = "8fb8d88c9c23a945b6e2d1acbc8eda64e0f7472b"
DATASET = "sklearn-digits-dataset"
ORIGIN = "https://github.com/jfischer/sklearn-digits-dataset.git"


@pytest.fixture
def digits_workspace(user: User) -> User:
    """The clone of the workspace, with its dataset in place, on the branch `master`."""
    user.git("clone", "--quiet", FIXTURES / "release-1.6-digits.bundle", "quickstart")
    here = user.at(user.cwd / "quickstart")
    here.git("clone", "--quiet", FIXTURES / "digits-dataset.bundle", DATASET)
    here.at(here.cwd / DATASET).git("remote", "set-url", "origin", ORIGIN)
    return here


@pytest.fixture
def local_files_workspace(user: User) -> User:
    """The clone of the workspace; its two directories of local files are nowhere."""
    user.git("clone", "--quiet", FIXTURES / "release-1.6-local-files.bundle", "measurements")
    return user.at(user.cwd / "measurements")


def tracked_metadata(user: User) -> dict[str, str]:
    return {
        line.split("\t")[1]: line.split()[1] for line in user.git("ls-files", "--stage", ".dataworkspace").splitlines()
    }


# -- looking -------------------------------------------------------------------------------------------------------


def test_status_lists_all_resources(digits_workspace: User) -> None:
    said = digits_workspace.dws("report", "status").stdout
    for name in ("code", "results", "intermediate-data", DATASET, "live-feed"):
        assert name in said


def test_history_lists_both_snapshots_newest_first(digits_workspace: User) -> None:
    said = digits_workspace.dws("report", "history").stdout
    assert re.findall(r"^\| (20a9059|8fb8d88) ", said, re.MULTILINE) == ["8fb8d88", "20a9059"]
    assert "half scale" in said
    assert "2 snapshots total" in said


def test_lineage_of_a_snapshot_shows_both_steps(digits_workspace: User) -> None:
    said = digits_workspace.dws("report", "lineage", "--snapshot", "HALF").stdout
    assert "prepare" in said
    assert "train" in said
    assert DATASET in said


def test_results_of_a_snapshot_show_metrics(digits_workspace: User) -> None:
    said = digits_workspace.dws("report", "results", "--snapshot", "FULL").stdout
    assert "loss" in said
    assert "6.087" in said


def test_diff_names_what_differs(digits_workspace: User) -> None:
    diff = digits_workspace.dws("diff", "HALF", "FULL").stdout
    assert "intermediate-data" in diff
    assert "code" in diff


def test_looking_changes_nothing(digits_workspace: User) -> None:
    before = read_tree(digits_workspace.cwd)
    head = digits_workspace.git("rev-parse", "HEAD")
    for command in (["status"], ["history"], ["lineage", "--snapshot", "HALF"], ["results", "--snapshot", "HALF"]):
        digits_workspace.dws("report", *command)
    assert (read_tree(digits_workspace.cwd), digits_workspace.git("rev-parse", "HEAD")) == (before, head)


@pytest.mark.parametrize("snapshot", [HALF, FULL])
def test_hash_of_a_snapshot_is_that_of_its_manifest(digits_workspace: User, snapshot: str) -> None:
    path = f".dataworkspace/snapshots/snapshot-{snapshot}.json"
    assert digits_workspace.git("hash-object", path).strip() == snapshot


# -- restoring -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("tag", ["HALF", "FULL"])
def test_restore_brings_back_every_byte(digits_workspace: User, tag: str) -> None:
    metadata = json.loads(
        next(
            path.read_text()
            for path in (digits_workspace.cwd / ".dataworkspace" / "snapshot_metadata").iterdir()
            if f'"{tag}"' in path.read_text()
        )
    )
    write_files(digits_workspace.cwd, {"code/train.py": "changed since\n", "intermediate-data/scaled/more": "x"})
    digits_workspace.batch("restore", tag)
    for name in ("code", "intermediate-data"):
        restored = digits_workspace.git("rev-parse", f"HEAD:{name}")
        assert restored == digits_workspace.git("rev-parse", f"{metadata['restore_hashes'][name]}:{name}")
    assert digits_workspace.git("status", "--porcelain") == ""


def test_restore_says_that_the_feed_stays(digits_workspace: User) -> None:
    done = digits_workspace.batch("restore", "HALF")
    assert "live-feed" in done.stdout + done.stderr


def test_restore_leaves_results(digits_workspace: User) -> None:
    before = read_tree(digits_workspace.cwd / "results")
    digits_workspace.batch("restore", "HALF")
    assert read_tree(digits_workspace.cwd / "results") == before


def test_restored_lineage_is_the_current_one(digits_workspace: User) -> None:
    digits_workspace.batch("restore", "HALF")
    said = digits_workspace.dws("report", "lineage").stdout
    assert "prepare" in said


# -- going on ------------------------------------------------------------------------------------------------------


def take_another(user: User) -> str:
    write_files(user.cwd, {"code/train.py": "print('better')\n", "results/results.json": '{"metrics": {"loss": 1}}'})
    user.batch("snapshot", "THIRD", "-m", "taken by this release")
    return next(
        entry["hash"]
        for path in (user.cwd / ".dataworkspace" / "snapshot_metadata").iterdir()
        for entry in [json.loads(path.read_text())]
        if entry["tags"] == ["THIRD"]
    )


def test_new_snapshot_is_third_in_history(digits_workspace: User) -> None:
    digits_workspace.batch("config", "hostname", "host2")
    take_another(digits_workspace)
    said = digits_workspace.dws("report", "history").stdout
    assert "taken by this release" in said
    assert "3 snapshots total" in said


def test_new_snapshot_is_hashed_as_the_old_ones(digits_workspace: User) -> None:
    snapshot = take_another(digits_workspace)
    path = f".dataworkspace/snapshots/snapshot-{snapshot}.json"
    assert digits_workspace.git("hash-object", path).strip() == snapshot


def test_new_metadata_has_the_keys_of_the_old(digits_workspace: User) -> None:
    snapshot = take_another(digits_workspace)
    directory = digits_workspace.cwd / ".dataworkspace" / "snapshot_metadata"
    old, new = (json.loads((directory / f"{name}_md.json").read_text()) for name in (FULL, snapshot))
    assert list(new)[: len(old)] == list(old)
    assert set(new) - set(old) <= {"utc_offset", "parents", "resource_parents", "results_in", "author"}


def test_new_manifest_has_the_resources_and_keys_of_the_old(digits_workspace: User) -> None:
    snapshot = take_another(digits_workspace)
    directory = digits_workspace.cwd / ".dataworkspace" / "snapshots"
    old, new = (json.loads((directory / f"snapshot-{name}.json").read_text()) for name in (FULL, snapshot))
    assert [list(entry) for entry in new] == [list(entry) for entry in old]


def test_unchanged_resources_keep_their_hashes(digits_workspace: User) -> None:
    """Else nothing that both releases snapshot would ever compare as equal."""
    snapshot = take_another(digits_workspace)
    directory = digits_workspace.cwd / ".dataworkspace" / "snapshots"
    old, new = (json.loads((directory / f"snapshot-{name}.json").read_text()) for name in (FULL, snapshot))
    hashes = [{entry["name"]: entry["hash"] for entry in manifest} for manifest in (old, new)]
    same = {name for name in hashes[0] if hashes[0][name] == hashes[1][name]}
    assert same == {"intermediate-data", DATASET, "live-feed"}


def test_nothing_old_is_rewritten(digits_workspace: User) -> None:
    before = tracked_metadata(digits_workspace)
    take_another(digits_workspace)
    digits_workspace.batch("restore", "HALF")
    after = tracked_metadata(digits_workspace)
    changed = {name for name in before if before[name] != after.get(name)}
    assert changed <= {".dataworkspace/.gitignore", ".dataworkspace/resources.json"}


def test_the_list_of_resources_is_taken_over_at_the_first_change(digits_workspace: User) -> None:
    """One file a resource, so that two people can add resources at once; in the order of the list."""
    listed = json.loads((digits_workspace.cwd / ".dataworkspace" / "resources.json").read_text())
    assert [r["name"] for r in digits_workspace.json("report", "status")["resources"]] == [r["name"] for r in listed]
    assert (digits_workspace.cwd / ".dataworkspace" / "resources.json").exists(), "reading changed it"
    take_another(digits_workspace)
    assert not (digits_workspace.cwd / ".dataworkspace" / "resources.json").exists()
    files = [json.loads(p.read_text()) for p in (digits_workspace.cwd / ".dataworkspace" / "resources").iterdir()]
    assert [f["parameters"] for f in sorted(files, key=lambda f: f["position"])] == listed
    assert [r["name"] for r in digits_workspace.json("report", "status")["resources"]] == [r["name"] for r in listed]
    assert digits_workspace.git("status", "--porcelain", ".dataworkspace") == ""


def test_old_snapshots_come_back_after_new_ones(digits_workspace: User) -> None:
    before = digits_workspace.git("rev-parse", "HEAD:intermediate-data")
    write_files(digits_workspace.cwd, {"intermediate-data/scaled/data.npy": b"\0\1"})
    take_another(digits_workspace)
    digits_workspace.batch("restore", "FULL")
    assert digits_workspace.git("rev-parse", "HEAD:intermediate-data") == before


def test_old_snapshot_can_be_deleted(digits_workspace: User) -> None:
    digits_workspace.dws("delete-snapshot", "HALF", input="y\n")
    assert "1 snapshot total" in digits_workspace.dws("report", "history").stdout
    assert not (digits_workspace.cwd / "results" / "snapshots" / "host1-HALF").exists()
    assert (digits_workspace.cwd / "results" / "snapshots" / "host1-FULL").is_dir()


# -- local files ---------------------------------------------------------------------------------------------------


def local_files_at_one(user: User) -> dict[str, Path]:
    """The two directories as they were at ONE, and the workspace told where they are."""
    places = {"hashed": user.cwd.parent / "data", "sized": user.cwd.parent / "sizes"}
    numbers = (1, 2, 3)
    write_files(places["hashed"], {f"f{n}.csv": f"row {n}\n" for n in numbers})
    write_files(places["hashed"], {f"sub/g{n}": f"{n}\n" for n in numbers})
    write_files(places["hashed"], {"name with blank é": "ü\n"})
    write_files(places["sized"], {f"h{n}": f"x{n}\n" for n in numbers})
    for name, place in places.items():
        user.batch("config", "--resource", name, "my_local_path", place)
    return places


def test_status_says_that_local_files_are_not_there(local_files_workspace: User) -> None:
    said = local_files_workspace.dws("report", "status").stdout
    for place in ("/srv/example/data", "/srv/example/sizes"):
        assert f"{place} is not there" in re.sub(r"\s+", " ", said)


def test_snapshot_without_local_files_has_their_last_version(local_files_workspace: User) -> None:
    done = local_files_workspace.batch("snapshot", "THREE")
    assert "Nothing has changed since snapshot" in done.stdout
    assert "Resource 'sized' is not on this machine: the snapshot has its version of TWO" in done.stderr


def test_history_needs_no_local_files(local_files_workspace: User) -> None:
    assert "2 snapshots total" in local_files_workspace.dws("report", "history").stdout


def test_placed_files_make_the_snapshot_that_1_6_made_of_them(local_files_workspace: User) -> None:
    local_files_at_one(local_files_workspace)
    local_files_workspace.batch("snapshot", "THREE")
    history = json.loads(local_files_workspace.dws("report", "history", "--json").stdout)
    tags = {snapshot["hash"][:7]: snapshot["tags"] for snapshot in history["snapshots"]}
    assert tags == {"150f4c8": ["ONE", "THREE"], "7f26511": ["TWO"]}


def test_restore_of_unchanged_local_files_succeeds(local_files_workspace: User) -> None:
    local_files_at_one(local_files_workspace)
    done = local_files_workspace.batch("restore", "ONE")
    assert done.returncode == 0


def test_restore_says_that_local_files_cannot_be_brought_back(local_files_workspace: User) -> None:
    """Release 1.6 kept no content of them."""
    places = local_files_at_one(local_files_workspace)
    write_files(places["hashed"], {"f1.csv": "something else\n"})
    done = local_files_workspace.batch("restore", "ONE")
    assert "hashed" in done.stdout + done.stderr
    assert (places["hashed"] / "f1.csv").read_text() == "something else\n"


def test_strict_restore_of_local_files_is_refused(local_files_workspace: User) -> None:
    local_files_at_one(local_files_workspace)
    done = local_files_workspace.batch("restore", "--strict", "ONE", check=False)
    assert done.returncode in FAILED
    assert "hashed" in done.stderr


# -- rclone --------------------------------------------------------------------------------------------------------


@pytest.fixture
def rclone_workspace(user: User) -> User:
    """The clone of the workspace; the user's remote `store` holds what it held at ONE, and so do both directories."""
    files = {"README.txt": "read me\n", "tables/a.csv": "1,2\n"}
    for place in ("store/data", "fetched", "replica"):
        write_files(user.cwd / place, files)
    user.run("rclone", "config", "create", "store", "alias", f"remote={user.cwd}/store")
    user.git("clone", "--quiet", FIXTURES / "release-1.6-rclone.bundle", "pictures")
    here = user.at(user.cwd / "pictures")
    for name, place in (("fetched", "fetched"), ("sized", "replica")):
        here.batch("config", "--resource", name, "my_local_path", user.cwd / place)
    return here


@needs_rclone
def test_replicas_make_the_snapshots_that_1_6_made_of_them(rclone_workspace: User) -> None:
    rclone_workspace.batch("snapshot", "THREE")
    with (rclone_workspace.cwd.parent / "replica" / "tables" / "a.csv").open("a") as file:
        file.write("3,4\n")
    rclone_workspace.batch("snapshot", "FOUR")
    tags = {found["hash"][:7]: found["tags"] for found in rclone_workspace.json("report", "history")["snapshots"]}
    assert tags == {"17a5ae3": ["ONE", "THREE"], "ae61f50": ["TWO", "FOUR"]}


@needs_rclone
def test_a_replica_of_1_6_follows_its_remote(rclone_workspace: User) -> None:
    here = rclone_workspace.cwd.parent
    bare = here / "hub.git"
    rclone_workspace.git("clone", "--quiet", "--bare", ".", bare)
    rclone_workspace.git("remote", "set-url", "origin", bare)
    write_files(here / "store" / "data", {"tables/b.csv": "5,6\n"})
    (here / "store" / "data" / "README.txt").unlink()
    rclone_workspace.batch("pull")
    assert read_tree(here / "fetched") == read_tree(here / "store" / "data")
    assert (here / "replica" / "README.txt").exists()  # it has no master


# -- S3 ------------------------------------------------------------------------------------------------------------

S3_VERSION = "ef8be6dfe10d458cdd6ae7b0705c845716559e24"
S3_MANIFEST = b"""{
  "a.csv": "67153477f234e83cca8ce821a85e1311",
  "empty": "67153477e51a08570d97f5775e4764ba",
  "tables/b.csv": "67153477e5f5339d82ea7f2c29601bb9"
}"""


@pytest.mark.slow
def test_a_bucket_of_1_6(user: User, s3_server: S3Server) -> None:
    """It was at the snapshot, of which only the manifest is left: the keys are there, and no content."""
    user = s3_server.for_user(user)
    user.git("clone", "--quiet", FIXTURES / "release-1.6-s3.bundle", "sensors")
    here = user.at(user.cwd / "sensors", AWS_ENDPOINT_URL=s3_server.url)
    bucket = S3Bucket(s3_server.client(), name="measurements-of-2020")
    bucket.put(f".snapshots/{S3_VERSION}.json.gz", gzip.compress(S3_MANIFEST))
    bucket.put("a.csv", b"1,2\n")
    scratch = here.cwd / ".dataworkspace" / "scratch" / "measurements-of-2020"
    write_files(scratch, {"current_snapshot.txt": S3_VERSION})

    here.batch("trust", "measurements-of-2020")  # nobody on this machine has agreed to the bucket yet
    assert here.dws("ls", "measurements-of-2020:").stdout.split() == ["a.csv", "empty", "tables/"]
    here.batch("snapshot", "TWO")
    assert here.json("report", "history")["snapshots"][0]["tags"] == ["ONE", "TWO"]
    done = here.batch("restore", "ONE", check=False)
    assert done.returncode in FAILED
    assert "the bucket no longer has the versions of 'a.csv', 'empty', 'tables/b.csv'" in done.stderr
    here.batch("s3", "unpin", "measurements-of-2020")
    here.batch("snapshot", "THREE")
    assert here.dws("cat", "measurements-of-2020@THREE:a.csv").stdout == "1,2\n"
