"""What the Python processes of a command note of themselves: ``dws run`` puts a copy of this file on their path, as
``sitecustomize``.

It runs in the Python of the user, whichever that is, before all else: it knows nothing of ours, imports nothing that
Python has not imported by then, and whatever goes wrong in it is passed over. A ``sitecustomize`` of the user's or of
the system's runs as it would without us.
"""

# No "from __future__ import annotations", and no newer syntax: Python before 3.7 reads this, too.
import atexit
import os
import sys


def _note(place: str, modules_at_start: "set[str]") -> None:
    """Append to a file of this process: a process that was forked from it has one of its own."""
    modules = {name.partition(".")[0] for name in list(sys.modules)} - modules_at_start
    lines = ["python " + ".".join(map(str, sys.version_info[:3])), "implementation " + sys.implementation.name]
    lines += ["prefix " + sys.prefix] if "\n" not in sys.prefix else []
    lines += ["library " + name for name in _libraries() if "\n" not in name]
    lines += ["path " + path for path in sys.path if "\n" not in path]
    lines += ["module " + name for name in sorted(modules)]
    data = "".join(line + "\n" for line in [*lines, "end"]).encode("utf-8", "surrogateescape")
    file = os.open(os.path.join(place, str(os.getpid())), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)  # noqa: PTH118
    try:
        os.write(file, data)
    finally:
        os.close(file)


def _libraries() -> "list[str]":
    """The shared libraries of this process, as Linux tells; which of them matter is not decided here."""
    try:
        file = os.open("/proc/self/maps", os.O_RDONLY)
    except OSError:
        return []
    parts = []
    try:
        part = os.read(file, 1 << 20)
        while part:
            parts.append(part)
            part = os.read(file, 1 << 20)
    finally:
        os.close(file)
    lines = b"".join(parts).decode("utf-8", "surrogateescape").split("\n")
    return sorted({line.rpartition("/")[2] for line in lines if ".so" in line})


def _note_if_possible(place: str, modules_at_start: "set[str]") -> None:
    try:  # noqa: SIM105 - contextlib is a module more
        _note(place, modules_at_start)
    except Exception:  # the directory may be gone, the disk may be full
        pass


def _watch_sources(place: str) -> None:
    """Note at once which sources this process, and those forked from it, read: they may end anyhow."""
    import _dws_code_watch as code_watch  # type: ignore[import-not-found]  # a copy of ours, beside this file

    del sys.modules["_dws_code_watch"]

    def tell(kind: str, text: str) -> None:
        data = os.fsencode(kind + " " + text) + b"\n"
        try:
            if b"\n" in data[:-1]:
                raise ValueError("a name with a newline")
            name = os.path.join(place, "code-" + str(os.getpid()))  # noqa: PTH118
            file = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            try:
                if os.write(file, data) != len(data):
                    raise OSError("not all was written")
            finally:
                os.close(file)
        except Exception:  # what cannot be noted is missing: nobody is to rely on the rest
            os.unlink(roots)  # noqa: PTH108

    roots = os.path.join(place, "roots")  # noqa: PTH118
    with open(roots, "rb") as list_of_roots:  # noqa: PTH123
        notes = code_watch.Notes(tell, [os.fsdecode(line) for line in list_of_roots.read().split(b"\0") if line], place)
    tell("begin", "")
    if not code_watch.watch(notes):
        tell("doubt", "an old Python")


def _begin(place: str) -> None:
    """What ``.pth`` files have imported by now is none of the command's doing."""
    try:  # noqa: SIM105
        _watch_sources(place)
    except Exception:  # there is no "begin" then, or a doubt
        pass
    atexit.register(_note_if_possible, place, {name.partition(".")[0] for name in list(sys.modules)})


class _Autolog:
    """Begins to record what frameworks do when the first of them is imported, and not before: most Pythons import
    none."""

    def __init__(self, names: "list[str]") -> None:
        self.names = names

    def find_spec(self, name: str, path: object = None, target: object = None) -> object:
        if name not in self.names:
            return None
        sys.meta_path[:] = [finder for finder in sys.meta_path if finder is not self]  # type: ignore[comparison-overlap]
        if not _is_worker():
            try:
                __import__("dataworkspaces.kits.autolog", fromlist=["autolog"]).autolog()
            except Exception as e:
                sys.stderr.write("dws run --autolog records nothing of this Python: " + str(e)[:300] + "\n")
        for finder in list(sys.meta_path):  # anew: who watches imports stands in it now
            spec = finder.find_spec(name, path, target)  # type: ignore[arg-type]
            if spec is not None:
                return spec
        return None


def _is_worker() -> bool:
    """A process to which another one gives a part of its work, and which records all of it."""
    arguments = " ".join(getattr(sys, "orig_argv", sys.argv))
    return "--multiprocessing-fork" in arguments or "loky.backend" in arguments or "multiprocessing." in arguments


def _run_that_of_others(place: str) -> None:
    """The ``sitecustomize`` that Python would have found without us; what it raises, Python tells as ever."""
    ours = sys.modules["sitecustomize"]
    sys.path[:] = [path for path in sys.path if path != place]
    sys.path_importer_cache.pop(place, None)
    del sys.modules["sitecustomize"]
    try:
        __import__("sitecustomize")
    except ImportError as e:
        sys.modules["sitecustomize"] = ours
        if e.name != "sitecustomize":
            raise


if __name__ == "sitecustomize":
    _place = os.path.dirname(os.path.abspath(__file__))  # noqa: PTH100, PTH120
    try:  # noqa: SIM105
        _begin(_place)
    except Exception:
        pass
    if os.environ.get("DWS_AUTOLOG"):
        sys.meta_path.insert(0, _Autolog(os.environ["DWS_AUTOLOG"].split(",")))  # type: ignore[arg-type]
    _run_that_of_others(_place)
