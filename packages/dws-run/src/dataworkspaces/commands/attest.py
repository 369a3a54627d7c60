"""``dws attest``: statements about snapshots, signed and verified with SSH keys as git does it for commits."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dataworkspaces.errors import ConfigurationError, NotFoundError, NotSupportedError, ToolError
from dataworkspaces.lineage.attestations import (
    Attestation,
    add_signature,
    add_statement,
    attestations_of,
    statement_of,
)
from dataworkspaces.toolbox.atomic import read_json_object

if TYPE_CHECKING:
    from dataworkspaces.workspace import SnapshotMetadata, Workspace

NAMESPACE = "attestation@dataworkspaces"
"""For which the signatures hold: none that somebody gave for git, or for files, counts here."""
_MOST_SIGNATURES = 100


@dataclass(frozen=True)
class Verified:
    """:ivar signers: those of the allowed-signers file whose signature is good.
    :ivar problem: why it does not count, if it has none.
    :ivar is_forged: a signature is not of this statement."""

    attestation: Attestation
    signers: tuple[str, ...]
    problem: str | None = None
    is_forged: bool = False

    def to_json(self) -> dict[str, Any]:
        return {**self.attestation.to_json(), "signers": list(self.signers), "problem": self.problem}


def list_attestations(workspace: Workspace, snapshot: str) -> tuple[SnapshotMetadata, list[Attestation]]:
    metadata = workspace.as_snapshot_ws().get_snapshot_by_tag_or_hash(snapshot)
    return metadata, attestations_of(workspace, metadata.hashval)


def add_attestation(workspace: Workspace, snapshot: str, file: Path) -> Attestation:
    """Keep what ``dws reproduce --json`` has printed as a statement about a snapshot."""
    return keep_verdict(workspace, snapshot, read_json_object(file))


def keep_verdict(workspace: Workspace, snapshot: str, verdict: dict[str, Any]) -> Attestation:
    """Keep a verdict, as :func:`statement_of` takes it."""
    snapshots = workspace.as_snapshot_ws()
    with workspace.transaction("attest"):
        metadata = snapshots.get_snapshot_by_tag_or_hash(snapshot)
        statement = statement_of(snapshots.get_snapshot_manifest_bytes(metadata.hashval), metadata.hashval, verdict)
        name = add_statement(workspace, metadata.hashval, statement)
        workspace.save(f"Attested snapshot {metadata.hashval[:7]}")
    return next(each for each in attestations_of(workspace, metadata.hashval) if each.name == name)


def sign_attestations(workspace: Workspace, snapshot: str, key: str | None) -> list[Attestation]:
    """Sign those statements about a snapshot that this key has not signed yet; returns them.

    :param key: a file with a private key, or with the public one of a key that an agent has; by default the one with
        which git signs (``user.signingKey``)."""
    metadata, found = list_attestations(workspace, snapshot)
    good = [each for each in found if each.problem is None]
    if not good:
        raise NotFoundError(
            f"There is no attestation of snapshot {snapshot} to sign",
            hint="dws attest add SNAPSHOT VERDICT.json adds one",
        )
    file = _key(key)
    signed = {each.name: _sign(each.content, file, batch=workspace.batch) for each in good}
    new = [each for each in good if signed[each.name] not in each.signatures]
    with workspace.transaction("attest"):
        workspace.as_snapshot_ws().get_snapshot_metadata(metadata.hashval)  # it may have been deleted since
        for each in new:
            add_signature(workspace, metadata.hashval, each.name, signed[each.name])
        workspace.save(f"Signed an attestation of snapshot {metadata.hashval[:7]}")
    return new


def verify_attestations(workspace: Workspace, snapshot: str, allowed_signers: str | None) -> list[Verified]:
    """Each statement about a snapshot, with those who have signed it, of the ones in a file as ``ssh-keygen`` has it.

    :param allowed_signers: by default the file against which git verifies (``gpg.ssh.allowedSignersFile``)."""
    _, found = list_attestations(workspace, snapshot)
    if not found:
        raise NotFoundError(f"There is no attestation of snapshot {snapshot}")
    given = allowed_signers or _of_git("gpg.ssh.allowedSignersFile")
    if given is None:
        raise ConfigurationError(
            "No file names the allowed signers",
            hint="Give one with --allowed-signers FILE. Its lines look like: ada@example.com ssh-ed25519 …",
        )
    file = Path(given).expanduser().absolute()
    if not file.is_file():
        raise NotFoundError(f"The file of allowed signers, {file}, does not exist")
    return [_verified(each, file) for each in found]


def _verified(each: Attestation, allowed: Path) -> Verified:
    if each.problem is not None:
        return Verified(each, (), each.problem, is_forged=True)
    signers, is_forged = [], False
    for signature in each.signatures[:_MOST_SIGNATURES]:
        with tempfile.TemporaryDirectory(prefix="dws-attest-") as temporary:
            place = Path(temporary, "signature")
            place.write_text(signature, encoding="utf-8", errors="replace")
            common = ["-s", str(place)]
            names = _ssh_keygen(["-Y", "find-principals", "-f", str(allowed), *common], b"", ok_only=False)
            for name in names.stdout.decode("utf-8", "replace").splitlines() if names.returncode == 0 else ():
                arguments = ["-Y", "verify", "-f", str(allowed), f"-I{name}", "-n", NAMESPACE, *common]
                if _ssh_keygen(arguments, each.content, ok_only=False).returncode == 0:
                    signers.append(name)
                else:
                    is_forged = True
            if names.returncode != 0:
                known = _ssh_keygen(["-Y", "check-novalidate", "-n", NAMESPACE, *common], each.content, ok_only=False)
                is_forged = is_forged or known.returncode != 0
    if is_forged:
        return Verified(each, tuple(signers), "a signature belongs to another statement", is_forged=True)
    if signers:
        return Verified(each, tuple(dict.fromkeys(signers)))
    return Verified(each, (), "not signed by an allowed signer" if each.signatures else "not signed")


def _sign(content: bytes, key: Path, *, batch: bool) -> str:
    with tempfile.TemporaryDirectory(prefix="dws-attest-") as temporary:
        place = Path(temporary, "statement")
        place.write_bytes(content)
        _ssh_keygen(["-Y", "sign", "-q", "-f", str(key), "-n", NAMESPACE, str(place)], None, batch=batch)
        return place.with_name("statement.sig").read_text(encoding="ascii")


def _ssh_keygen(
    arguments: list[str], stdin: bytes | None, *, ok_only: bool = True, batch: bool = False
) -> subprocess.CompletedProcess[bytes]:
    """:param stdin: None for what may ask for a passphrase on the terminal."""
    program = shutil.which("ssh-keygen")
    if program is None:
        raise NotSupportedError("ssh-keygen is not installed", hint="Install OpenSSH 8.2 or newer")
    silent = {"SSH_ASKPASS_REQUIRE": "never"} if batch else {}
    try:
        done = subprocess.run(
            [program, *arguments],
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None and batch else None,
            capture_output=True,
            env={**os.environ, **silent},
            start_new_session=batch,  # without a terminal nobody can be asked
        )
    except OSError as e:
        raise ToolError(f"ssh-keygen could not be started: {e.strerror or e}") from e
    if ok_only and done.returncode != 0:
        said = " ".join(done.stderr.decode("utf-8", "replace").split())[:400]
        raise ToolError(f"ssh-keygen could not sign: {said}", hint="To use another key: --key FILE")
    return done


def _key(given: str | None) -> Path:
    found = given or _of_git("user.signingKey")
    if found is None:
        raise ConfigurationError(
            "No key to sign with is set",
            hint="Give one with --key FILE, or: git config --global user.signingKey FILE",
        )
    if found.startswith(("key::", "ssh-", "ecdsa-", "sk-")):
        raise ConfigurationError(
            "user.signingKey is a key and not the name of a file", hint="Give a file with --key FILE"
        )
    file = Path(found).expanduser().absolute()
    if not file.is_file():
        raise NotFoundError(f"There is no key {file}", hint="'ssh-keygen -t ed25519' creates one")
    return file


def _of_git(name: str) -> str | None:
    """A setting of the user's; those of a workspace may be somebody else's."""
    git = shutil.which("git")
    if git is None:
        return None
    done = subprocess.run(
        [git, "config", "--global", "--includes", "--get", name], cwd="/", stdin=subprocess.DEVNULL, capture_output=True
    )
    return os.fsdecode(done.stdout).strip() or None if done.returncode == 0 else None


__all__ = [
    "NAMESPACE",
    "Verified",
    "add_attestation",
    "keep_verdict",
    "list_attestations",
    "sign_attestations",
    "verify_attestations",
]
