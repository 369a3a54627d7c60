"""Attestations of snapshots, signed by the real ssh-keygen, and those of people who mean no good."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from endtoend import User, write_files

pytestmark = pytest.mark.slow


@pytest.fixture
def snapshot(workspace: User) -> str:
    workspace.batch("snapshot", "V1")
    return str(workspace.json("show", "V1")["hash"])


@pytest.fixture
def keys(user: User, tmp_path: Path) -> Path:
    """A directory with the keys `ada` and `eve`, and the file `signers`, in which Ada is."""
    place = tmp_path / "keys"
    place.mkdir()
    for name in ("ada", "eve"):
        user.run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", place / name)
    (place / "signers").write_text(f"ada@example.com {(place / 'ada.pub').read_text()}")
    return place


def verdict(snapshot: str, **other: Any) -> dict[str, Any]:
    outputs = [{"output": "results:a.json", "verdict": "identical"}, {"output": "results:b.csv", "verdict": "equal"}]
    told = {"user": "ada", "hostname": "lab", "finished": "2026-11-29T10:00:00+00:00"}
    return {"snapshot": snapshot, "outputs": outputs, **told, **other}


def attested(here: User, snapshot: str, **other: Any) -> Any:
    write_files(here.cwd.parent, {"verdict.json": json.dumps(verdict(snapshot, **other))})
    return here.json("attest", "add", "V1", here.cwd.parent / "verdict.json")


def verify(here: User, keys: Path) -> tuple[int, list[dict[str, Any]]]:
    done = here.batch("attest", "verify", "V1", "--allowed-signers", keys / "signers", "--json", check=False)
    return done.returncode, json.loads(done.stdout)


def place(here: User, snapshot: str) -> Path:
    return here.cwd / ".dataworkspace/attestations" / snapshot


def test_signed_by_one_and_verified_by_another(workspace: User, snapshot: str, keys: Path, tmp_path: Path) -> None:
    added = attested(workspace, snapshot)
    assert added["counts"] == {"identical": 1, "equal": 1}
    assert verify(workspace, keys)[0] == 1  # nobody has signed it
    assert len(workspace.json("attest", "sign", "V1", "--key", keys / "ada")) == 1
    assert workspace.json("attest", "sign", "V1", "--key", keys / "ada") == []
    assert workspace.git("status", "--porcelain") == ""
    workspace.git("init", "--quiet", "--bare", tmp_path / "hub.git")
    workspace.batch("publish", tmp_path / "hub.git")
    (tmp_path / "other").mkdir()
    workspace.at(tmp_path / "other").batch("clone", "--hostname", "b", tmp_path / "hub.git", "ws")
    other = workspace.at(tmp_path / "other/ws")
    status, (found,) = verify(other, keys)
    assert status == 0
    assert found["signers"] == ["ada@example.com"]
    assert "1 identical, 1 equal; by ada@lab" in other.dws("show", "V1").stdout
    assert "equal: ada@lab" in other.dws("history").stdout
    assert r"| equal: ada\@lab |" in other.dws("history", "--md").stdout
    (row,) = other.json("history")["snapshots"]
    assert [each["counts"] for each in row["attestations"]] == [{"identical": 1, "equal": 1}]
    # Both sign; a pull brings the two together.
    other.batch("attest", "sign", "V1", "--key", keys / "eve")
    other.batch("push")
    attested(workspace, snapshot, user="bob")
    workspace.batch("attest", "sign", "V1", "--key", keys / "ada")
    workspace.batch("pull")
    status, both = verify(workspace, keys)
    assert status == 0
    assert sorted(each["signatures"] for each in both) == [1, 2]
    workspace.batch("fsck")


def test_what_any_program_verifies(workspace: User, snapshot: str, keys: Path, tmp_path: Path) -> None:
    """As the page says."""
    attested(workspace, snapshot)
    workspace.batch("attest", "sign", "V1", "--key", keys / "ada")
    (statement,) = place(workspace, snapshot).glob("reproduction.*")
    (kept,) = place(workspace, snapshot).glob("signature.*")
    (tmp_path / "sig").write_text(json.loads(kept.read_text())["signature"])
    told = json.loads(statement.read_text())
    assert told["_type"] == "https://in-toto.io/Statement/v1"
    assert told["subject"][0]["digest"]["gitBlob"] == snapshot
    command = ["ssh-keygen", "-Y", "verify", "-f", keys / "signers", "-I", "ada@example.com"]
    options = ["-n", "attestation@dataworkspaces", "-s", tmp_path / "sig"]
    assert "Good" in workspace.run(*command, *options, input=statement.read_text()).stdout


def test_signatures_that_do_not_count(workspace: User, snapshot: str, keys: Path, tmp_path: Path) -> None:
    attested(workspace, snapshot)
    workspace.batch("attest", "sign", "V1", "--key", keys / "eve")
    status, (found,) = verify(workspace, keys)
    assert (status, found["signers"]) == (1, [])
    assert found["problem"] == "not signed by an allowed signer"
    # A signature of Ada's, for a commit.
    (statement,) = place(workspace, snapshot).glob("reproduction.*")
    (tmp_path / "s").write_bytes(statement.read_bytes())
    workspace.run("ssh-keygen", "-q", "-Y", "sign", "-f", keys / "ada", "-n", "git", tmp_path / "s")
    forge(workspace, snapshot, statement.name, (tmp_path / "s.sig").read_text())
    assert verify(workspace, keys)[0] == 1


def forge(here: User, snapshot: str, statement: str, signature: str) -> None:
    """As somebody who can write files does."""
    import hashlib

    content = json.dumps({"statement": statement, "signature": signature})
    digest = hashlib.sha256(content.encode()).hexdigest()
    (place(here, snapshot) / f"signature.{digest}.json").write_text(content)


def forge_statement(here: User, snapshot: str, content: str) -> str:
    import hashlib

    place(here, snapshot).mkdir(parents=True, exist_ok=True)
    name = f"reproduction.{hashlib.sha256(content.encode()).hexdigest()}.json"
    (place(here, snapshot) / name).write_text(content)
    return name


def test_a_good_signature_of_another_statement(workspace: User, snapshot: str, keys: Path) -> None:
    attested(workspace, snapshot)
    workspace.batch("attest", "sign", "V1", "--key", keys / "ada")
    (kept,) = place(workspace, snapshot).glob("signature.*")
    (statement,) = place(workspace, snapshot).glob("reproduction.*")
    better = forge_statement(workspace, snapshot, statement.read_text().replace("results:a.json", "results:c.json"))
    forge(workspace, snapshot, better, json.loads(kept.read_text())["signature"])
    status, found = verify(workspace, keys)
    assert status == 1
    assert {each["name"]: each["problem"] for each in found}[better] == "a signature belongs to another statement"


def test_a_statement_of_another_snapshot_counts_for_none(workspace: User, snapshot: str, keys: Path) -> None:
    attested(workspace, snapshot)
    workspace.batch("attest", "sign", "V1", "--key", keys / "ada")
    write_files(workspace.cwd, {"code/run.py": "print(2)\n"})
    workspace.batch("snapshot", "V2")
    second = str(workspace.json("show", "V2")["hash"])
    place(workspace, snapshot).rename(place(workspace, second))
    done = workspace.batch("attest", "verify", "V2", "--allowed-signers", keys / "signers", "--json", check=False)
    assert done.returncode == 1
    assert json.loads(done.stdout)[0]["problem"] == "about something else"


@pytest.mark.parametrize(
    "content",
    ["", "[]", "null", "{}", "[" * 100_000, json.dumps({"_type": "x", "predicateType": 1, "predicate": []}),
     json.dumps({"_type": 1, "predicateType": "\x1b[2J", "predicate": {"outputs": [{"verdict": "\x1b[2J"}]}, "subject": 1})],
)  # fmt: skip
def test_hostile_statements_are_shown_as_what_they_are(
    workspace: User, snapshot: str, content: str, keys: Path
) -> None:
    forge_statement(workspace, snapshot, content)
    forge(workspace, snapshot, "../../../etc/passwd", "-----BEGIN SSH SIGNATURE-----")
    for command in (["attest", "list", "V1"], ["show", "V1"], ["history"], ["history", "--md"]):
        done = workspace.batch(*command)
        assert "\x1b" not in done.stdout
    assert verify(workspace, keys)[0] == 1


def test_a_crate_holds_what_can_be_verified(workspace: User, keys: Path, tmp_path: Path) -> None:
    write_files(workspace.cwd, {"code/run.py": "open('results/table.csv', 'w').write('1')\n"})
    workspace.batch("run", "--output", "results", "--", "python", "code/run.py")
    workspace.batch("snapshot", "V1")
    attested(workspace, str(workspace.json("show", "V1")["hash"]))
    workspace.batch("attest", "sign", "V1", "--key", keys / "ada")
    workspace.batch("lineage", "export", "--format", "ro-crate", "--snapshot", "V1", tmp_path / "crate")
    graph = json.loads((tmp_path / "crate/ro-crate-metadata.json").read_text())["@graph"]
    (found,) = [entity for entity in graph if entity["@id"].startswith("#attestation/")]
    assert found["name"] == "Reproduction: equal"
    (tmp_path / "sig").write_text(found["dwsSignature"])
    command = ["ssh-keygen", "-Y", "verify", "-f", keys / "signers", "-I", "ada@example.com"]
    options = ["-n", "attestation@dataworkspaces", "-s", tmp_path / "sig"]
    assert "Good" in workspace.run(*command, *options, input=found["text"]).stdout


def test_what_is_no_verdict_of_the_snapshot_is_refused(workspace: User, snapshot: str) -> None:
    for text in ("[]", "{}", json.dumps(verdict("0" * 40)), json.dumps({"snapshot": snapshot, "outputs": [1]})):
        write_files(workspace.cwd.parent, {"verdict.json": text})
        done = workspace.batch("attest", "add", "V1", "../verdict.json", check=False)
        assert done.returncode != 0
        assert "Traceback" not in done.stderr
        assert not place(workspace, snapshot).exists()
    assert workspace.batch("attest", "sign", "V1", "--key", "/nowhere", check=False).returncode != 0
    assert workspace.git("status", "--porcelain") == ""


def test_they_go_with_the_snapshot_and_come_back(workspace: User, snapshot: str) -> None:
    attested(workspace, snapshot)
    names = sorted(os.listdir(place(workspace, snapshot)))
    workspace.batch("delete-snapshot", "--no-include-resources", "V1")
    assert not place(workspace, snapshot).exists()
    assert workspace.git("status", "--porcelain") == ""
    workspace.batch("undo-delete", "V1")
    assert sorted(os.listdir(place(workspace, snapshot))) == names
    assert workspace.git("status", "--porcelain") == ""
