"""Parameters of a step that stand in a file: YAML, JSON, TOML, or Python literals."""

from __future__ import annotations

import ast
import json
import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from dataworkspaces.errors import ConfigurationError, NotFoundError, kind_of_os_error
from dataworkspaces.lineage import jsonable
from dataworkspaces.toolbox.flat import flat_items

_MOST_BYTES = 10_000_000
_SUFFIXES = {".yaml": "YAML", ".yml": "YAML", ".json": "JSON", ".toml": "TOML", ".py": "Python"}


def split_spec(spec: str, directory: str | None) -> tuple[str, tuple[str, ...]]:
    """The path in ``PATH[:KEY,KEY]``, and the keys; none means all of the file."""
    if Path(directory or "", spec).exists():
        return spec, ()
    path, colon, keys = spec.rpartition(":")
    if not colon:
        return spec, ()
    return path, tuple(key.strip() for key in keys.split(",") if key.strip())


def read_parameters(specs: Iterable[str], directory: str | None = None) -> dict[str, Any]:
    """The values that files have for parameters. Of a key that holds a table, the names are those in the table; nested
    ones are joined by points.

    Raises ConfigurationError, which names the file, for one that cannot be read, and for a name that two have."""
    found: dict[str, Any] = {}
    for spec in specs:
        path, keys = split_spec(spec, directory)
        data = load(Path(directory or "", path), path)
        for name, value in _named(data, keys, path):
            if name in found:
                raise ConfigurationError(
                    f"--params-file: '{name}' is given twice, the second time by {spec}",
                    hint="Name only the keys that the step uses, as in params.yaml:train",
                )
            found[name] = jsonable(value)
    return found


def load(path: Path, shown: str) -> Mapping[str, Any]:
    """What a file holds."""
    kind = _SUFFIXES.get(path.suffix.lower())
    if kind is None:
        known = ", ".join(_SUFFIXES)
        raise ConfigurationError(
            f"--params-file: the format of {shown} is unknown", hint=f"The file name should end with {known}"
        )
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise ConfigurationError(f"--params-file: {shown} is too large for a parameter file")
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise NotFoundError(f"--params-file: {shown} does not exist") from None
    except OSError as e:
        raise kind_of_os_error(e)(f"--params-file: {shown} cannot be read: {e.strerror or e}") from e
    except UnicodeDecodeError as e:
        raise ConfigurationError(f"--params-file: {shown} is not UTF-8 text") from e
    try:
        data = _parsed(text, kind)
    except (ValueError, SyntaxError, RecursionError, MemoryError) as e:
        reason = " ".join(str(e).split())[:200]
        raise ConfigurationError(f"--params-file: {shown} is not valid {kind}: {reason}") from e
    if data is None:
        return {}
    if not isinstance(data, Mapping) or not all(isinstance(key, str) for key in data):
        raise ConfigurationError(f"--params-file: {shown} should contain names and values")
    return data


def _parsed(text: str, kind: str) -> Any:
    if kind == "JSON":
        return json.loads(text)
    if kind == "YAML":
        import yaml  # type: ignore[import-untyped]

        try:
            return yaml.safe_load(text)
        except yaml.YAMLError as e:
            raise ValueError(str(e)) from e
    if kind == "TOML":
        if sys.version_info >= (3, 11):
            import tomllib
        else:
            import tomli as tomllib
        return tomllib.loads(text)
    return dict(_literals(ast.parse(text)))


def _literals(module: ast.Module) -> Iterator[tuple[str, Any]]:
    """``NAME = LITERAL`` at the top of a module, which is not run; and the names in a class there, as a table."""
    yield from _assigned(module.body)
    for statement in module.body:
        if isinstance(statement, ast.ClassDef):
            yield statement.name, dict(_assigned(statement.body))


def _assigned(body: Iterable[ast.stmt]) -> Iterator[tuple[str, Any]]:
    for statement in body:
        if isinstance(statement, ast.AnnAssign):
            targets: list[ast.expr] = [statement.target]
        elif isinstance(statement, ast.Assign):
            targets = statement.targets
        else:
            continue
        try:
            value = ast.literal_eval(statement.value) if statement.value is not None else None
        except ValueError:
            continue  # it is computed
        for target in targets:
            if isinstance(target, ast.Name):
                yield target.id, sorted(value) if isinstance(value, (set, frozenset)) else value


def _named(data: Mapping[str, Any], keys: tuple[str, ...], path: str) -> Iterator[tuple[str, Any]]:
    if not keys:
        yield from flat_items(data)
    for key in keys:
        value: Any = data
        for part in key.split("."):
            if not isinstance(value, Mapping) or part not in value:
                known = ", ".join(map(str, value)) if isinstance(value, Mapping) else "nothing below it"
                raise NotFoundError(f"--params-file: {path} has no '{key}'", hint=f"It has: {known}")
            value = value[part]
        if isinstance(value, Mapping):
            yield from flat_items(value)
        else:
            yield key, value


def check_inside(specs: Iterable[str], directory: str | None, root: str | None) -> None:
    """Raise ConfigurationError for a file that lies outside of the workspace: nobody else would have it, and no record
    of somebody else makes us read one."""
    for path in paths_of(specs, directory):
        if root is not None and not Path(os.path.realpath(path)).is_relative_to(os.path.realpath(root)):
            raise ConfigurationError(
                f"--params-file: {path} lies outside of the workspace", hint="Keep it beside the code"
            )


def paths_of(specs: Iterable[str], directory: str | None) -> list[str]:
    """The files, as somebody in the current directory names them."""
    return [os.path.join(directory or "", split_spec(spec, directory)[0]) for spec in specs]  # noqa: PTH118
