"""Holds JSON documents and files against the schemas that ship."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

from dataworkspaces.schemas import SAME_AS, load, names


def shape_of(arguments: Sequence[str | Path]) -> str | None:
    """The schema of what `dws ARGUMENTS --json` prints; None for a command that has none, as those of plug-ins."""
    said = [str(argument) for argument in arguments]
    known = {*names(), *SAME_AS}
    variants = [f"-{option}" for option in ("remote", "dry-run", "experiment") if f"--{option}" in said]
    for words in (said[:2], said[:1]):
        for variant in (*variants, ""):
            if (name := "-".join(words) + variant) in known:
                return name
    return None


def faults(shape: str, document: Any, *, strict: bool = False) -> list[str]:
    """How a document differs from a schema; also by keys that the schema does not name, if it is strict."""
    errors = _validator(SAME_AS.get(shape, shape), strict).iter_errors(document)
    return [f"{shape}: {error.json_path}: {error.message[:300]}" for error in errors]


@cache
def _validator(shape: str, strict: bool) -> Draft202012Validator:
    schema = load(shape)
    return Draft202012Validator(closed(schema) if strict else schema)


def closed(schema: Any) -> Any:
    """A schema that allows no key that it does not name, where it names some."""
    if isinstance(schema, list):
        return [closed(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    found = {key: closed(value) for key, value in schema.items()}
    return {"additionalProperties": False, **found} if isinstance(schema.get("required"), list) else found


def keys_of(shape: str) -> tuple[set[str], set[str]]:
    """The keys that an object of a schema has, and those that it may have: of the first one that the schema names."""
    schema = load(shape)
    found = schema
    while "properties" not in found:
        if "$ref" in found:
            found = schema["$defs"][found["$ref"].rpartition("/")[2]]
        else:
            found = found["anyOf"][0] if "anyOf" in found else found["items"]
    return set(found["required"]), set(found["properties"])
