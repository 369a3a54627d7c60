"""File systems without modes, links, some names, or cases: what they cannot hold stays in the versions."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dataworkspaces.filetree import BLAKE3, Tree, scan_tree
from dataworkspaces.filetree.limited_filesystems import keeps_modes, with_left_out, with_modes_of
from dataworkspaces.filetree.objects import checkout
from dataworkspaces.filetree.objects.checkout import WantedFiles, check_out, is_below, make_directories
from dataworkspaces.filetree.objects.store import ObjectStore


def write(root: Path, *paths: str) -> Tree:
    root.mkdir(parents=True, exist_ok=True)
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(path)
    return scan_tree(root, BLAKE3)


def test_what_was_left_out_is_in_the_version(tmp_path: Path) -> None:
    whole = write(tmp_path / "whole", "a", "b", "d/x", "d/y", "e/deep/z", "empty/f")
    part = write(tmp_path / "part", "a", "d/x")
    again = with_left_out(part, whole, ["b", "d/y", "e", "empty/f", "none/at/all"])
    assert again.hashval == whole.hashval
    assert again.manifests() == whole.manifests()
    assert with_left_out(whole, whole, ["b", "e"]).hashval == whole.hashval


def test_what_was_made_since_counts(tmp_path: Path) -> None:
    base = write(tmp_path / "base", "a", "b")
    part = write(tmp_path / "part", "new")
    (tmp_path / "part/a").write_text("another")
    found = with_left_out(scan_tree(tmp_path / "part", BLAKE3), base, ["a", "b"])
    assert [e.name for e in found.entries(found.hashval)] == ["a", "b", "new"]
    assert part.entries(part.hashval)[0] in found.entries(found.hashval)
    a = next(e for e in found.entries(found.hashval) if e.name == "a")
    assert a not in base.entries(base.hashval)


def test_modes_are_those_of_the_version_before(tmp_path: Path) -> None:
    write(tmp_path, "d/script", "d/plain", "d/new")
    for name in ("script", "new"):
        (tmp_path / "d" / name).chmod(0o755)
    base = scan_tree(tmp_path, BLAKE3)
    kinds = {e.name: e.kind for e in base.entries(base.entries(base.hashval)[0].value)}
    assert kinds == {"script": "exec", "new": "exec", "plain": "blob"}
    for path in (tmp_path / "d").iterdir():
        path.chmod(0o777)
    now = scan_tree(tmp_path, BLAKE3)
    assert with_modes_of(now, base).manifests() == base.manifests()
    without = with_modes_of(now, None)
    assert {e.kind for e in without.entries(without.entries(without.hashval)[0].value)} == {"blob"}
    assert keeps_modes(tmp_path)


def test_what_a_file_system_refuses_is_named_and_the_rest_comes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, root = ObjectStore(tmp_path / "store"), tmp_path / "root"
    root.mkdir()
    content = store.add_bytes(b"x")
    real_open, real_mkdir = os.open, os.mkdir

    def refuse(path: Any, *args: Any, **kwargs: Any) -> Any:
        if ":" in str(path):
            raise OSError(errno.EINVAL, "Invalid argument")
        return (real_mkdir if kwargs.pop("is_directory", False) else real_open)(path, *args, **kwargs)

    def no_links(*_: Any, **__: Any) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(checkout.os, "open", refuse)
    monkeypatch.setattr(checkout.os, "mkdir", lambda *a, **k: refuse(*a, is_directory=True, **k))
    monkeypatch.setattr(checkout.os, "symlink", no_links)
    left_out: dict[str, str] = {}
    make_directories(root, ["d", "d:d", "d:d/in"], left_out)
    assert (is_below("d/x", left_out), is_below("d:d/x", left_out)) == (False, True)
    wanted = [
        WantedFiles("", ["a", "a:b", "link"], ["blob", "blob", "link"], [content] * 3),
        WantedFiles("d", ["x"], ["blob"], [content]),
    ]
    check_out(store, root, wanted, left_out=left_out)
    assert sorted(left_out) == ["a:b", "d:d", "link"]
    assert sorted(p.name for p in root.rglob("*")) == ["a", "d", "x"]
    with pytest.raises(OSError, match="Invalid argument"):
        check_out(store, root, wanted)


def test_names_that_are_one_for_the_file_system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store, root = ObjectStore(tmp_path / "store"), tmp_path / "root"
    root.mkdir()
    content = store.add_bytes(b"new")
    (root / "File").write_text("old")
    real = os.open
    monkeypatch.setattr(checkout.os, "open", lambda path, *a, **k: real("File" if path == "file" else path, *a, **k))
    left_out: dict[str, str] = {}
    check_out(store, root, [WantedFiles("", ["file"], ["blob"], [content])], left_out=left_out)
    assert (list(left_out), (root / "File").read_text()) == (["file"], "old")


def names_in(directory: Path) -> list[str]:
    return [path.name for path in directory.iterdir()]


names = st.binary(min_size=1, max_size=40).filter(lambda n: b"/" not in n and b"\0" not in n and n not in (b".", b".."))


@pytest.mark.slow
@settings(max_examples=25, deadline=None)
@given(st.dictionaries(names, st.binary(max_size=5), max_size=6))
def test_names_are_bytes_that_come_back(files: dict[bytes, bytes]) -> None:
    import tempfile

    from dataworkspaces.filetree import Work, build_tree, scan
    from dataworkspaces.filetree.restore_plan import plan_restore
    from dataworkspaces.filetree.store_keeper import StoreTask

    files = {name: content for name, content in files.items() if name != b".dwsignore"}
    with tempfile.TemporaryDirectory() as directory:
        source, target = Path(directory) / "source", Path(directory) / "target"
        source.mkdir()
        target.mkdir()
        for name, content in files.items():
            (source / os.fsdecode(name)).write_bytes(content)
        store = ObjectStore(Path(directory) / "store")
        tree = build_tree(scan(source), BLAKE3, None, Work(task=StoreTask(store, str(source))))
        check_out(store, target, plan_restore(scan_tree(target, BLAKE3), tree).write)
        found = {name: (target / os.fsdecode(name)).read_bytes() for name in map(os.fsencode, names_in(target))}
        assert found == files
        assert scan_tree(target, BLAKE3).hashval == tree.hashval
