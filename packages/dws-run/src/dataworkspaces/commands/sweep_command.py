"""The command of one run: values stand in whole arguments or in parts of them, and nothing reads them again."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from dataworkspaces.commands.params_file import load
from dataworkspaces.commands.sweep_values import text_of
from dataworkspaces.errors import ConfigurationError, NotFoundError
from dataworkspaces.toolbox.atomic import write_bytes

_PLACE_RE = re.compile(r"\{([A-Za-z_][\w.:/-]*)\}")
_SUFFIXES = (".yaml", ".yml", ".json")


def split_file_key(name: str, directory: Path) -> tuple[str, str] | None:
    """The file and the key of a parameter ``FILE:KEY`` (``params.yaml:train.C``); None for a plain name."""
    file, colon, key = name.partition(":")
    if not colon:
        return None
    if not key or Path(file).suffix.lower() not in _SUFFIXES:
        raise ConfigurationError(
            f"--param: '{name}' does not name a key of a file", hint="Write FILE:KEY, with a file of YAML or JSON"
        )
    if Path(file).is_absolute():
        raise ConfigurationError(
            f"--param: {file} is an absolute path, but each run has a copy of the file",
            hint="Write the path from the directory that you are in",
        )
    if not (directory / file).is_file():
        raise NotFoundError(f"--param: {file} does not exist")
    return file, key


def check_command(command: Sequence[str], names: Iterable[str], directory: Path) -> None:
    """Raise ConfigurationError for a place of which there is no parameter, and a parameter that changes nothing."""
    known = list(names)
    used = {place for argument in command for place in _PLACE_RE.findall(argument)}
    unknown = sorted(used - set(known))
    if unknown:
        raise ConfigurationError(
            f"The command has {{{unknown[0]}}}, but there is no parameter '{unknown[0]}'",
            hint=f"Parameters: {', '.join(known) or 'none'}. Write --param {unknown[0]}=VALUES",
        )
    for name in known:
        if split_file_key(name, directory) is None and name not in used:
            raise ConfigurationError(
                f"--param: '{name}' changes nothing: the command has no {{{name}}}",
                hint=f"Add it, as in --{name} {{{name}}}, or name a key of a file: params.yaml:{name}",
            )


def command_of(command: Sequence[str], point: Mapping[str, Any]) -> tuple[str, ...]:
    """The command with the values of a run. Other braces stay as they are."""

    def put(found: re.Match[str]) -> str:
        return text_of(point[found[1]]) if found[1] in point else found[0]

    return tuple(_PLACE_RE.sub(put, argument) for argument in command)


def recorded_parameters(point: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters as lineage names them: a key of a file without the file."""
    short = {name: name.partition(":")[2] or name for name in point}
    is_clear = len(set(short.values())) == len(short)
    return {short[name] if is_clear else name: value for name, value in point.items()}


def check_keys(names: Iterable[str], directory: Path) -> None:
    """Raise ConfigurationError for a key of a file that a run could not set."""
    for name in names:
        split = split_file_key(name, directory)
        if split is not None:
            file, key = split
            _find(directory / file, file, key.split("."))


def set_in_files(point: Mapping[str, Any], directory: Path, root: Path) -> None:
    """Give keys of files their values. All else in the files stays, comments too.

    Raises ConfigurationError for a key that a file does not have, or that holds a table, and for a file that does not
    lie below ``root``: a link in a copy may lead to the user's own file."""
    for name, value in point.items():
        split = split_file_key(name, directory)
        if split is not None:
            file, key = split
            path = Path(os.path.realpath(directory / file))
            if not path.is_relative_to(os.path.realpath(root)):
                raise ConfigurationError(
                    f"--param: {file} lies outside of the copy of the workspace in which the run happens",
                    hint="Keep the file in the workspace, without a link to an absolute path",
                )
            _set(path, file, key.split("."), value)


def _find(path: Path, shown: str, keys: Sequence[str]) -> tuple[str, Any]:
    """The text of a file, and where in it the value of a key stands."""
    import yaml  # type: ignore[import-untyped]

    load(path, shown)  # which says what is wrong with it
    text = path.read_text(encoding="utf-8")
    try:
        node: Any = yaml.compose(text, Loader=yaml.SafeLoader)  # of which JSON is a part, but for tabs
    except yaml.YAMLError as e:
        raise ConfigurationError(f"--param: {shown} cannot be changed: {' '.join(str(e).split()):.200}") from e
    for key in keys:
        pairs = node.value if isinstance(node, yaml.MappingNode) else []
        node = next((child for name, child in pairs if name.value == key), None)
        if node is None:
            raise NotFoundError(f"--param: {shown} has no '{'.'.join(keys)}'")
    if not isinstance(node, yaml.ScalarNode):
        raise ConfigurationError(f"--param: '{'.'.join(keys)}' of {shown} is no single value")
    return text, node


def _set(path: Path, shown: str, keys: Sequence[str], value: Any) -> None:
    text, node = _find(path, shown, keys)
    wanted = _scalar(value, path.suffix.lower() == ".json")
    after = text[: node.start_mark.index] + wanted + text[node.end_mark.index :]
    write_bytes(path, after.encode("utf-8"))
    found: Any = load(path, shown)
    for key in keys:
        found = found[key]
    if found != value:
        raise ConfigurationError(f"--param: {shown} cannot hold {wanted} at '{'.'.join(keys)}'")


def _scalar(value: Any, is_json: bool) -> str:
    text = text_of(value)
    if isinstance(value, str):
        import json

        return json.dumps(value)
    # YAML 1.1, as PyYAML reads it, takes 1e-05 for a text.
    if not is_json and isinstance(value, float) and "e" in text and "." not in text:
        text = text.replace("e", ".0e")
    return text
