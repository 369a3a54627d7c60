"""Which source files a Python process reads, and what would make that unknowable.

``dws run`` puts a copy of this file beside its ``sitecustomize``, and so it runs in the Python of the user, whichever
that is: it knows nothing of ours, imports nothing that Python has not imported at its start, and whatever goes wrong in
it is noted as doubt. A process that records its own step imports it as a module.

What is noted: ``file`` (a source that was opened: by an import, or by anything else that asks Python to open it),
``name`` (a module that was looked for, found or not), ``list`` (a directory whose names were asked for), ``doubt``
(something that nobody can follow, such as another program), ``exec`` (the process became another program).
"""

# No "from __future__ import annotations", and no newer syntax: Python before 3.7 reads this, too.
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from types import FrameType

__all__ = ["Notes", "watch"]

SOURCES = (".py", ".pyw", ".pyi", ".ipynb")
"""Files that nothing but Python itself reads, as far as that can be; each of any other kind counts always."""
_INSTALLED = ("site-packages", "dist-packages")
_OPENED = (*SOURCES, ".pyc")
_IMPORTERS = (
    "importlib",
    "_frozen_importlib",
    "_frozen_importlib_external",
    "importlib_metadata",
    "pkg_resources",
    "zipimport",
)
"""Modules that list directories to find modules and distributions: names of sources are nothing to them."""
_OPENERS = ("pathlib", "os", "io", "shutil", "tempfile", "glob", "codecs", "contextlib")
_STARTERS = ("subprocess", "git", "gitdb", "asyncio", "concurrent")
_HARMLESS_CALLERS = ("dataworkspaces", "platform", "ctypes.util", "uuid", "joblib.externals.loky.backend.context")
"""Those that ask another program about the machine, or that are ours."""


def _text(value: object) -> str:
    return os.fsdecode(value)  # type: ignore[arg-type]


def _is_of(name: str, packages: "Iterable[str]") -> bool:
    return any(name == package or name.startswith(package + ".") for package in packages)


class Notes:
    """Each note is told once.

    :param tell: is given a kind and a text.
    :param roots: real paths of the directories whose files count; None for all.
    :param variable: what ``PYTHONPATH`` of another process has to hold so that it notes, too; None if none does."""

    def __init__(
        self, tell: "Callable[[str, str], None]", roots: "Sequence[str] | None" = None, variable: "str | None" = None
    ) -> None:
        self._tell = tell
        self._roots = roots
        self._variable = variable
        self._told: set[tuple[str, str]] = set()
        self._directories: dict[str, str] = {}
        self._handlers = {
            "open": self._opened,
            "cpython.run_file": self._opened,
            "import": self._imported,
            "os.listdir": self._listed,
            "os.scandir": self._listed,
            "subprocess.Popen": self._popen,
            "os.exec": self._exec,
            "os.posix_spawn": self._spawn,
            "os.spawn": lambda args: self._spawn(args[1:]),
            "os.system": self._other,
            "os.startfile": self._other,
            "os.fork": self._fork,
            "os.forkpty": self._fork,
        }

    @property
    def events(self) -> "Iterable[str]":
        """Those that count."""
        return list(self._handlers)

    def hook(self, event: str, args: "Sequence[object]") -> None:
        """For ``sys.addaudithook``."""
        handler = self._handlers.get(event)
        if handler is not None:
            try:
                handler(args)
            except Exception as e:
                self._note("doubt", f"{type(e).__name__} at {event}")

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        """For ``sys.meta_path``: finds nothing, but hears of each module that is looked for."""
        self._name(name)

    def start(self) -> None:
        """What has been imported by now counts, too."""
        for name, module in list(sys.modules.items()):
            file = getattr(module, "__file__", None)
            if isinstance(file, str) and file.endswith(_OPENED):
                self._file(file)
                if self._roots is None:
                    self._name(name)

    def _note(self, kind: str, text: str) -> None:
        if (kind, text) not in self._told:
            self._told.add((kind, text))
            self._tell(kind, text)

    # -- files -------------------------------------------------------------------------------------------------

    def _opened(self, args: "Sequence[object]") -> None:
        path = args[0]
        if isinstance(path, int) or path is None:
            return
        text = _text(path)
        if text.endswith(_OPENED) and not _is_ours():
            self._file(text)

    def _file(self, path: str) -> None:
        directory, name = os.path.split(os.path.abspath(path))  # noqa: PTH100
        if any(part in _INSTALLED for part in directory.split(os.sep)):  # noqa: PTH206
            return
        if name.endswith(".pyc"):
            prefix = getattr(sys, "pycache_prefix", None)
            if prefix and directory.startswith(prefix):
                directory = os.sep + directory[len(prefix) :].lstrip(os.sep)
            elif os.path.basename(directory) == "__pycache__":  # noqa: PTH119
                directory = os.path.dirname(directory)  # noqa: PTH120
            else:
                return  # without a source: as any other file
            name = name.split("." + str(sys.implementation.cache_tag))[0] + ".py"
        if self._is_wanted(directory):
            self._note("file", os.path.join(self._directories[directory], name))  # noqa: PTH118
        source = os.path.join(directory, name)  # noqa: PTH118
        if os.path.islink(source):  # noqa: PTH114
            real = os.path.realpath(source)
            if self._is_wanted(os.path.dirname(real)):  # noqa: PTH120
                self._note("file", real)

    def _is_wanted(self, directory: str) -> bool:
        real = self._directories.get(directory)
        if real is None:
            real = self._directories[directory] = os.path.realpath(directory)
        return self._roots is None or any((real + os.sep).startswith(root + os.sep) for root in self._roots)

    def _listed(self, args: "Sequence[object]") -> None:
        if _is_of(_caller(()), _IMPORTERS) or _is_ours():
            return
        path = args[0] if args else None
        if isinstance(path, int):
            path = os.readlink(f"/proc/self/fd/{path}")  # noqa: PTH115
        place = os.getcwd() if path is None else os.path.abspath(_text(path))  # noqa: PTH100, PTH109
        if self._is_wanted(place):
            self._note("list", self._directories[place])

    # -- names -------------------------------------------------------------------------------------------------

    def _imported(self, args: "Sequence[object]") -> None:
        self._name(str(args[0]))

    def _name(self, name: str) -> None:
        """Of a package that lies elsewhere its own name is enough: nothing here can be one of its modules."""
        top = name.partition(".")[0]
        if top != name and self._roots is not None:
            file = getattr(sys.modules.get(top), "__file__", None)
            if file is not None and not self._is_wanted(os.path.dirname(os.path.abspath(file))):  # noqa: PTH100, PTH120
                return
        self._note("name", name)

    # -- processes ---------------------------------------------------------------------------------------------

    def _fork(self, args: "Sequence[object]") -> None:
        if self._variable is None:  # what the copy notes, it alone knows
            self._other(args)

    def _other(self, args: "Sequence[object]") -> None:
        if not _is_harmless():
            self._note("doubt", "another program")

    def _popen(self, args: "Sequence[object]") -> None:
        executable, command, _, env = args
        self._child(executable, command, env)

    def _spawn(self, args: "Sequence[object]") -> None:
        path, command, env = args
        self._child(path, command, env)

    def _exec(self, args: "Sequence[object]") -> None:
        self._note("exec", "")
        self._told.discard(("exec", ""))

    def _child(self, program: object, command: object, env: object) -> None:
        if _is_harmless():
            return
        parts = [command] if isinstance(command, (str, bytes)) or not hasattr(command, "__iter__") else list(command)
        texts = [_text(part) for part in parts]
        name = os.path.basename(_text(program or texts[0]))  # noqa: PTH119
        flags = ""
        for argument in texts[1:]:
            if not argument.startswith("-") or argument.startswith(("--", "-c", "-m")):
                break
            if not argument.startswith(("-X", "-W")):
                flags += argument
        is_python = name.startswith("python") and not name[6:].strip("0123456789.")
        if not is_python or set(flags) & set("IES") or not self._is_told(os.environ if env is None else env):
            self._note("doubt", "program " + name)

    def _is_told(self, env: object) -> bool:
        """Whether another process will note what it reads, too."""
        known = {_text(key): _text(value) for key, value in env.items()}  # type: ignore[attr-defined]
        return self._variable is not None and self._variable in known.get("PYTHONPATH", "").split(os.pathsep)


def _caller(skipped: "Sequence[str]") -> str:
    """The module that calls what is told of, beyond those that it calls to do it; empty if there is none."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        name = str(frame.f_globals.get("__name__"))
        if name != __name__ and not _is_of(name, skipped):
            return name
        frame = frame.f_back
    return ""


def _is_harmless() -> bool:
    return _is_of(_caller(_STARTERS), _HARMLESS_CALLERS)


def _is_ours() -> bool:
    """Whether we look for changes, or for plug-ins; what a user opens through us, they open."""
    name = _caller(_OPENERS)
    return _is_of(name, ("dataworkspaces", "stevedore")) and not _is_of(name, ("dataworkspaces.workspace",))


def watch(notes: Notes) -> bool:
    """From now on, as long as the process runs. False if this Python cannot."""
    if not hasattr(sys, "addaudithook"):
        return False
    notes.start()
    told_of = frozenset(notes.events)
    tell = notes.hook

    def hook(event: str, args: "Sequence[object]") -> None:
        if event in told_of:  # Python tells of each id(), too: of what does not count nothing more is called
            tell(event, args)

    sys.addaudithook(hook)
    sys.meta_path.insert(0, notes)
    return True
