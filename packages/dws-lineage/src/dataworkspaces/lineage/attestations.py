"""What somebody attests of a snapshot, as in-toto Statements (v1): that it was reproduced, where, and what came of it.

They are documents below ``attestations/HASH`` of the workspace, with the signatures of people. Anybody can write
either: only a signature that is verified against keys that one knows says who did.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, get_args

from dataworkspaces.errors import ConfigurationError, MetadataError
from dataworkspaces.workspace.documents import (
    ATTESTATIONS,
    MAX_BYTES,
    document_name,
    is_document_name,
    verified_document,
)

if TYPE_CHECKING:
    from dataworkspaces.workspace import Workspace

__all__ = [
    "GOOD",
    "PREDICATE",
    "VERDICTS",
    "Attestation",
    "Verdict",
    "add_signature",
    "add_statement",
    "attestations_of",
    "attestations_of_each",
    "statement_of",
]

STATEMENT = "https://in-toto.io/Statement/v1"
PREDICATE = "https://dataworkspaces.github.io/reproduction/v1"
"""The type of what ``dws reproduce`` finds; an identifier, which nothing contacts."""
_STATEMENT, _SIGNATURE = "reproduction", "signature"
Verdict = Literal["identical", "equal", "different", "missing", "not run", "failed"]
VERDICTS: tuple[Verdict, ...] = get_args(Verdict)
"""What ``dws reproduce`` says of an output, from the best to the worst."""
GOOD: frozenset[Verdict] = frozenset({"identical", "equal"})
"""Those of an output that came out as it was."""


class Attestation(NamedTuple):
    """A statement about a snapshot. All of it but ``name`` is somebody's word.

    :ivar name: of its document.
    :ivar content: what is signed, byte for byte.
    :ivar signatures: of the SSH kind, armored.
    :ivar counts: by verdict how many outputs have it.
    :ivar problem: why it cannot count, whoever signed it; None if it can.
    """

    name: str
    content: bytes
    predicate: Mapping[str, Any]
    signatures: tuple[str, ...] = ()
    problem: str | None = None

    @property
    def counts(self) -> dict[str, int]:
        outputs = self.predicate.get("outputs")
        found: dict[str, int] = {}
        for output in outputs if isinstance(outputs, list) else []:
            verdict = str(output.get("verdict")) if isinstance(output, dict) else "?"
            verdict = verdict.replace("_", " ") if verdict.replace("_", " ") in VERDICTS else "unknown"
            found[verdict] = found.get(verdict, 0) + 1
        return found

    @property
    def is_reproduced(self) -> bool:
        """Whether it says that all outputs came out as they were."""
        return bool(self.counts) and self.counts.keys() <= GOOD

    @property
    def verdict(self) -> str:
        """That of the output that was reproduced worst; "unknown" if one has a verdict that we do not know."""
        known = [verdict for verdict in VERDICTS if verdict in self.counts]
        return "unknown" if "unknown" in self.counts else known[-1] if known else "nothing compared"

    @property
    def by(self) -> str:
        """Who says to have done it, and where."""
        parts = [self.predicate.get(key) for key in ("user", "hostname")]
        return "@".join(part for part in parts if isinstance(part, str) and part)

    @property
    def time(self) -> str:
        told = self.predicate.get("finished")
        return told if isinstance(told, str) else ""

    def describe(self) -> str:
        said = ", ".join(f"{count} {verdict}" for verdict, count in self.counts.items()) or "nothing compared"
        signed = len(self.signatures)
        state = self.problem or (f"{signed} signature{'' if signed == 1 else 's'}" if signed else "not signed")
        return f"{said}; by {self.by or 'an unknown person'} at {self.time or 'an unknown time'}; {state}"

    def to_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "counts": self.counts,
            "by": self.by,
            "time": self.time,
            "signatures": len(self.signatures),
            "problem": self.problem,
        }


def statement_of(manifest: bytes, hashval: str, verdict: Mapping[str, Any]) -> bytes:
    """The statement of a verdict, as ``dws reproduce --json`` prints it, about the snapshot of a manifest.

    Raises ConfigurationError if it is none, or of another snapshot."""
    outputs = verdict.get("outputs")
    if verdict.get("snapshot") != hashval or not isinstance(outputs, (list, tuple)):
        raise ConfigurationError(
            f"This is not a verdict about snapshot {hashval[:7]}", hint="'dws reproduce SNAPSHOT --json' prints one"
        )
    if not all(isinstance(each, dict) and isinstance(each.get("verdict"), str) for each in outputs):
        raise ConfigurationError("This is not a verdict: an output has none")
    document = {
        "_type": STATEMENT,
        "subject": [{"name": f"snapshot-{hashval}.json", "digest": _digests(manifest, hashval)}],
        "predicateType": PREDICATE,
        "predicate": dict(verdict),
    }
    return json.dumps(document, indent=2, sort_keys=True).encode("utf-8")


def _digests(manifest: bytes, hashval: str) -> dict[str, str]:
    """Of the manifest: ``gitBlob`` is what the snapshot is called by."""
    return {"gitBlob": hashval, "sha256": hashlib.sha256(manifest).hexdigest()}


def attestations_of(workspace: Workspace, hashval: str) -> list[Attestation]:
    """All of a snapshot, the latest first. What cannot be read is among them, with its problem."""
    found: dict[str, Attestation] = {}
    signatures: dict[str, list[str]] = {}
    directory = f"{ATTESTATIONS}/{hashval}"
    for key in workspace.list_documents(directory):
        name = key.rpartition("/")[2]
        content = workspace.read_document(key) or b""
        if name.startswith(f"{_SIGNATURE}."):
            signed, text = _signature(key, content)
            signatures.setdefault(signed, []).append(text)
        elif name.startswith(f"{_STATEMENT}."):
            found[name] = _read(workspace, key, content, hashval)
    whole = [
        Attestation(name, each.content, each.predicate, tuple(signatures.get(name, ())), each.problem)
        for name, each in found.items()
    ]
    return sorted(whole, key=lambda each: each.time, reverse=True)


def attestations_of_each(workspace: Workspace, hashvals: Iterable[str]) -> dict[str, list[Attestation]]:
    """Those of several snapshots, by hash; of which there are none has no entry."""
    there = set(workspace.list_document_directories(ATTESTATIONS))
    told = {each: attestations_of(workspace, each) for each in hashvals if f"{ATTESTATIONS}/{each}" in there}
    return {hashval: found for hashval, found in told.items() if found}


def _read(workspace: Workspace, key: str, content: bytes, hashval: str) -> Attestation:
    name = key.rpartition("/")[2]
    try:
        verified_document(key, content)
        document: Any = json.loads(content) if len(content) <= MAX_BYTES else None
        predicate = document["predicate"]
        if document["_type"] != STATEMENT or document["predicateType"] != PREDICATE or not isinstance(predicate, dict):
            return Attestation(name, content, {}, problem="a statement of an unknown kind")
        manifest = workspace.as_snapshot_ws().get_snapshot_manifest_bytes(hashval)
        digests = [subject["digest"] for subject in document["subject"]]
        about = digests == [_digests(manifest, hashval)]
        return Attestation(name, content, predicate, problem=None if about else "about something else")
    except MetadataError as e:
        return Attestation(name, content, {}, problem=e.message)
    except (ValueError, KeyError, TypeError, RecursionError):
        return Attestation(name, content, {}, problem="not an in-toto Statement")


def _signature(key: str, content: bytes) -> tuple[str, str]:
    """What is signed, and the signature; ("", "") for what is none."""
    try:
        told = json.loads(verified_document(key, content))
        signed, text = told["statement"], told["signature"]
        if isinstance(text, str) and isinstance(signed, str) and is_document_name(signed):
            return signed, text
    except (MetadataError, ValueError, KeyError, TypeError, RecursionError):
        pass
    return "", ""


def add_statement(workspace: Workspace, hashval: str, statement: bytes) -> str:
    """Keep a statement with its snapshot; returns its name. The caller holds the lock, and saves."""
    name = document_name(_STATEMENT, statement, "json")
    workspace.write_documents({f"{ATTESTATIONS}/{hashval}/{name}": statement})
    return name


def add_signature(workspace: Workspace, hashval: str, statement: str, signature: str) -> None:
    """Keep a signature of a statement. The caller holds the lock, and saves."""
    content = json.dumps({"statement": statement, "signature": signature}, indent=2).encode("utf-8")
    workspace.write_documents({f"{ATTESTATIONS}/{hashval}/{document_name(_SIGNATURE, content, 'json')}": content})
