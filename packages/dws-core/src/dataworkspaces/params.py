"""Definitions of parameters: name, type, default, help; how a value is validated and how text becomes a value.

A workspace and each resource type declare the parameters that they understand. A *global* parameter travels with
the workspace, a *local* one stays on this machine.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, ClassVar, NamedTuple

from dataworkspaces.errors import ParamNotFoundError, ParamValidationError

__all__ = [
    "DEFAULT_LARGE_FILE",
    "DEFAULT_MOVE_EXCLUDE_FILES",
    "DEFAULT_RESULTS_DIR_TEMPLATE",
    "EXECUTOR",
    "HASH_RE",
    "HOSTNAME",
    "LARGE_FILE",
    "LOCAL_SCRATCH_DIRECTORY",
    "NAME_RE",
    "OBJECTS_LIMIT",
    "OBJECTS_PATH",
    "OBJECTS_SHARED",
    "RESULTS_DIR_TEMPLATE",
    "RESULTS_MOVE_EXCLUDE_FILES",
    "SCRATCH_DIRECTORY",
    "TEMPLATE_VARIABLES",
    "WORKSPACE_PARAMS",
    "AbsolutePathType",
    "BoolType",
    "EnumType",
    "NameType",
    "ParamDef",
    "ParamDefs",
    "ParamType",
    "ResultsDirTemplate",
    "SizeType",
    "StringListType",
    "StringType",
    "check_hostname",
    "check_tag",
]

NAME_RE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*\Z")
"""Host names, tags: a letter or digit, then letters, digits, dots, underscores and hyphens."""

HASH_RE = re.compile(r"[0-9a-fA-F]{7,40}\Z")
"""What could be a full or shortened snapshot hash."""


class ParamType:
    """How a value of one kind is checked and read. Subclasses override :meth:`validate` and :meth:`parse`."""

    name = "value"

    def validate(self, value: Any) -> str | None:
        """Return what is wrong with ``value``, or None if it is valid."""
        return None

    def parse(self, text: str) -> Any:
        """Make a value of what a user typed; raises ValueError with the reason."""
        return text


class StringType(ParamType):
    name = "text"

    def validate(self, value: Any) -> str | None:
        return None if isinstance(value, str) else "must be text"


class BoolType(ParamType):
    name = "true|false"
    _WORDS: ClassVar = {
        "true": True,
        "yes": True,
        "on": True,
        "1": True,
        "false": False,
        "no": False,
        "off": False,
        "0": False,
    }

    def validate(self, value: Any) -> str | None:
        return None if isinstance(value, bool) else "must be true or false"

    def parse(self, text: str) -> Any:
        try:
            return self._WORDS[text.strip().lower()]
        except KeyError:
            raise ValueError("must be true or false") from None


class EnumType(ParamType):
    def __init__(self, choices: tuple[str, ...]) -> None:
        self.choices = choices

    @property
    def name(self) -> str:  # type: ignore[override]
        return "|".join(self.choices)

    def validate(self, value: Any) -> str | None:
        return None if value in self.choices else f"must be one of {', '.join(self.choices)}"


class StringListType(ParamType):
    name = "JSON list of strings"

    def validate(self, value: Any) -> str | None:
        ok = isinstance(value, list) and all(isinstance(item, str) for item in value)
        return None if ok else 'must be a JSON list of strings, as in ["README.md"]'

    def parse(self, text: str) -> Any:
        try:
            return json.loads(text)
        except (ValueError, RecursionError):
            raise ValueError('must be a JSON list of strings, as in ["README.md"]') from None


class NameType(StringType):
    """A host name or tag (:data:`NAME_RE`). Of those that are new none is longer than :attr:`longest`: a file system
    takes 255 bytes in a name, and both are in that of the directory to which a snapshot moves results."""

    name = "name"
    longest = 100

    def parse(self, text: str) -> Any:
        if len(text) > self.longest:
            raise ValueError(f"must not have more than {self.longest} characters")
        return text

    def problem_of_new(self, name: Any) -> str | None:
        """What is wrong with a name that a user gives; None if nothing is."""
        try:
            return self.validate(name) or self.validate(self.parse(name))
        except ValueError as e:
            return str(e)

    def validate(self, value: Any) -> str | None:
        if isinstance(value, str) and NAME_RE.match(value):
            return None
        return "must start with a letter or digit and hold only letters, digits, '.', '_' and '-'"


class AbsolutePathType(StringType):
    """The absolute path of a directory on this machine; it need not exist."""

    name = "directory"

    def validate(self, value: Any) -> str | None:
        ok = isinstance(value, str) and value.startswith("/") and "\0" not in value
        return None if ok else "must be an absolute path"

    def parse(self, text: str) -> Any:
        from pathlib import Path

        return str(Path(text).expanduser().absolute())


class SizeType(ParamType):
    """A number of bytes. A user may write it with a unit: ``500MB``, ``1.5 GiB``."""

    name = "size"
    _UNITS: ClassVar = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12}
    _BINARY_UNITS: ClassVar = {"ki": 2**10, "mi": 2**20, "gi": 2**30, "ti": 2**40}

    def validate(self, value: Any) -> str | None:
        ok = isinstance(value, int) and not isinstance(value, bool) and value >= 0
        return None if ok else "must be a number of bytes"

    def parse(self, text: str) -> Any:
        match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([kmgt]i?)?b?\s*", text.lower(), re.ASCII)
        if match is None:
            raise ValueError("must be a size, as in 500MB or 1.5GiB")
        try:
            return int(float(match[1]) * {**self._UNITS, **self._BINARY_UNITS}[match[2] or ""])
        except OverflowError:
            raise ValueError("must be a size that fits on a disk") from None


class ParamDef(NamedTuple):
    """One parameter.

    :param name: as it stands in the metadata and in ``dws config``.
    :param default: the value when none is set.
    :param is_global: travels with the workspace, or stays on this machine.
    :param help: a sentence for ``dws config``.
    :param type: see :class:`ParamType`.
    :param optional: None is a valid value.
    :param settable: ``dws config NAME VALUE`` may change it; otherwise it is fixed when the thing is made.
    """

    name: str
    default: Any
    is_global: bool
    help: str
    type: ParamType = StringType()
    optional: bool = False
    settable: bool = True

    @property
    def scope(self) -> str:
        return "global" if self.is_global else "local"

    def validate(self, value: Any) -> None:
        """Raise ParamValidationError if ``value`` is not valid."""
        if value is None and self.optional:
            return
        problem = self.type.validate(value)
        if problem is not None:
            raise ParamValidationError(f"Parameter '{self.name}': {value!r:.200} {problem}")

    def parse(self, text: str) -> Any:
        """The value of what a user typed; raises ParamValidationError.

        ``none``, as what has no value is shown, takes it away."""
        if self.optional and text == "none":
            return None
        try:
            value = self.type.parse(text)
        except ValueError as e:
            raise ParamValidationError(f"Parameter '{self.name}': {text!r:.200} {e}") from None
        self.validate(value)
        return value


class ParamDefs(Mapping[str, ParamDef]):
    """The parameters that a workspace or a resource type knows, in the order in which they are shown."""

    def __init__(self, defs: Iterable[ParamDef] = ()) -> None:
        self._defs = {d.name: d for d in defs}

    def __getitem__(self, name: str) -> ParamDef:
        return self._defs[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._defs)

    def __len__(self) -> int:
        return len(self._defs)

    def __or__(self, other: ParamDefs) -> ParamDefs:
        return ParamDefs([*self.values(), *other.values()])

    def find(self, name: str, *, is_global: bool | None = None, owner: str = "this workspace") -> ParamDef:
        """The definition of ``name``; raises ParamNotFoundError with the nearest names."""
        found = self._defs.get(name)
        if found is not None and is_global in (None, found.is_global):
            return found
        import difflib

        near = difflib.get_close_matches(name, self._defs, n=3)
        hint = f"Did you mean {' or '.join(near)}?" if near else f"Known: {', '.join(self._defs)}"
        kind = "" if is_global is None else ("global " if is_global else "local ")
        raise ParamNotFoundError(f"No {kind}parameter '{name}' is defined for {owner}", hint=hint)


# ----------------------------------------------------------------------------------------------------------------
# Where results go at a snapshot

TEMPLATE_VARIABLES = (
    "USERNAME", "HOSTNAME", "SNAPSHOT_NO", "ISO_TIMESTAMP", "YEAR", "MONTH", "SHORT_MONTH",
    "DAY", "HOUR", "MIN", "SEC", "DAY_OF_WEEK", "TAG",
)  # fmt: skip
RESULTS_DIR_TEMPLATE = "results.dir_template"
RESULTS_MOVE_EXCLUDE_FILES = "results.move_exclude_files"
LARGE_FILE = "results.large_file"
SCRATCH_DIRECTORY = "scratch_directory"
LOCAL_SCRATCH_DIRECTORY = "local_scratch_directory"
HOSTNAME = "hostname"
OBJECTS_PATH = "objects.path"
OBJECTS_LIMIT = "objects.limit"
OBJECTS_SHARED = "objects.shared"
EXECUTOR = "executor"
DEFAULT_RESULTS_DIR_TEMPLATE = "snapshots/{HOSTNAME}-{TAG}"
DEFAULT_MOVE_EXCLUDE_FILES = ("README.txt", "README.rst", "README.md")
DEFAULT_LARGE_FILE = 50 * 10**6


class ResultsDirTemplate(StringType):
    """A relative path below ``snapshots/`` with ``{VARIABLE}`` parts."""

    name = "template"

    def validate(self, value: Any) -> str | None:
        if not isinstance(value, str) or not value.startswith("snapshots/") or value.endswith("/"):
            return "must start with 'snapshots/' and name a directory in it"
        if any(part in ("", ".", "..") for part in value.split("/")) or "\\" in value or "\0" in value:
            return "must not contain empty parts, '.', '..' or backslashes"
        rest = value
        for variable in re.findall(r"\{([^{}]*)\}", value):
            if variable not in TEMPLATE_VARIABLES:
                return f"holds the unknown variable {{{variable}}}; known are {', '.join(TEMPLATE_VARIABLES)}"
            rest = rest.replace("{" + variable + "}", "")
        return "contains a brace that belongs to no variable" if "{" in rest or "}" in rest else None


WORKSPACE_PARAMS = ParamDefs(
    [
        ParamDef(
            RESULTS_DIR_TEMPLATE,
            DEFAULT_RESULTS_DIR_TEMPLATE,
            True,
            "Where a snapshot moves results, below each results resource",
            ResultsDirTemplate(),
        ),
        ParamDef(
            RESULTS_MOVE_EXCLUDE_FILES,
            list(DEFAULT_MOVE_EXCLUDE_FILES),
            True,
            "Files of results resources that a snapshot does not move",
            StringListType(),
        ),
        ParamDef(
            LARGE_FILE,
            DEFAULT_LARGE_FILE,
            True,
            "Files of results, code and data above this size are not put into a repository without asking; in bytes, "
            "or as in 200MB",
            SizeType(),
        ),
        ParamDef(
            SCRATCH_DIRECTORY,
            "scratch",
            True,
            "Directory for temporary data, relative to the workspace",
            settable=False,
            optional=True,
        ),
        ParamDef(HOSTNAME, None, False, "Names this copy of the workspace in its snapshots", NameType(), optional=True),
        ParamDef(
            OBJECTS_PATH,
            None,
            False,
            "Absolute path of the object store, which several workspaces may share",
            AbsolutePathType(),
            optional=True,
        ),
        ParamDef(
            OBJECTS_SHARED,
            "umask",
            False,
            "Who may write to the object store: 'umask' follows the umask, 'group' lets its group write, "
            "whatever the umask",
            EnumType(("umask", "group")),
        ),
        ParamDef(
            OBJECTS_LIMIT,
            None,
            False,
            "The size up to which the object store may grow, in bytes or as in 50GB: 'dws du' and snapshots "
            "warn above it",
            SizeType(),
            optional=True,
        ),
        ParamDef(
            EXECUTOR,
            "threads",
            False,
            "What hashes and stores files: threads, or a plug-in's executor with its address, as in dask:tcp://HOST:PORT",
        ),
        ParamDef(
            LOCAL_SCRATCH_DIRECTORY,
            None,
            False,
            "Absolute path of the scratch directory, when it lies outside the workspace",
            optional=True,
        ),
    ]
)
"""The parameters that every workspace has; a backend adds its own."""


def check_tag(tag: str) -> None:
    """Raise ParamValidationError if ``tag`` cannot name a snapshot."""
    problem = NameType().problem_of_new(tag)
    if problem is not None:
        raise ParamValidationError(f"Tag {tag!r:.200} {problem}")
    if HASH_RE.match(tag):
        raise ParamValidationError(f"Tag '{tag}' looks like a snapshot hash; choose one that does not")


def check_hostname(hostname: str) -> None:
    """Raise ParamValidationError if ``hostname`` cannot name a copy of a workspace."""
    problem = NameType().problem_of_new(hostname)
    if problem is not None:
        raise ParamValidationError(f"Host name {hostname!r:.200} {problem}", hint="Choose another with --hostname")
