"""What the repository of a workspace from somebody else may hold: :func:`check_metadata_tree`, through which both a
clone and a pull go before anything is on disk. ``tests/test_trust.py`` has the attacks end to end."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from dataworkspaces.backends.git.trust import check_metadata_tree, directory_name
from dataworkspaces.errors import ConfigurationError, MetadataError
from dataworkspaces.gitrepo.checks import check_subdirectory_path

pytestmark = pytest.mark.slow

META = ".dataworkspace"
ESCAPE = "\x1b]0;owned\x07\x1b[2J"
LINK, REPOSITORY, FILE = "120000", "160000", "100644"
NOTHING: Mapping[str, Any] = {}
REFUSED = (ConfigurationError, MetadataError)

Contents = Mapping[str, str | bytes]
Check = Callable[..., None]


def config(**global_params: Any) -> str:
    params = {"dws_git_branch": "main", "scratch_directory": "scratch", **global_params}
    return json.dumps({"name": "ws", "dws-version": "2.0", "global_params": params})


CODE = {"resource_type": "git-subdirectory", "name": "code", "role": "code", "relative_path": "code", "export": False}
USUAL: Contents = {
    f"{META}/config.json": config(),
    f"{META}/resources/code.json": json.dumps({"position": 0, "parameters": CODE}),
    "code/run.py": "print(1)\n",
    "README": "a workspace\n",
}


@pytest.fixture(scope="module")
def origin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("origin")
    subprocess.run(["git", "init", "-q", str(root)], check=True)
    return root


@pytest.fixture
def check(origin: Path) -> Check:
    """Look at a commit with the usual files, but for what is given."""

    def look(files: Contents = NOTHING, others: Mapping[str, tuple[str, str]] = NOTHING) -> None:
        """:param others: entries that are no plain files: mode, and where a link leads or which commit it is."""
        lines = [b"commit refs/heads/main\ncommitter M <m@example.com> 1700000000 +0000\ndata 0\n"]
        taken = [path for path in others for other in USUAL if other.startswith(f"{path}/")]
        for path, content in {**USUAL, **files}.items():
            if path not in others and not any(path.startswith(f"{place}/") for place in taken):
                raw = content.encode() if isinstance(content, str) else content
                lines.append(b"M %s inline %s\ndata %d\n%s\n" % (FILE.encode(), path.encode(), len(raw), raw))
        for path, (mode, target) in others.items():
            if mode == REPOSITORY:
                lines.append(f"M {mode} {target} {path}\n".encode())
            else:
                lines.append(f"M {mode} inline {path}\ndata {len(target)}\n{target}\n".encode())
        (origin / ".git" / "refs" / "heads" / "main").unlink(missing_ok=True)
        subprocess.run(["git", "fast-import", "--quiet", "--force"], cwd=origin, input=b"".join(lines), check=True)
        check_metadata_tree(origin, "refs/heads/main")

    return look


def resource(params: Mapping[str, Any], layout: str = "files", file_name: str = "evil") -> dict[str, str]:
    """As the program of another person might write it, in the layout of today or of release 1.6."""
    if layout == "files":
        return {f"{META}/resources/{file_name}.json": json.dumps({"position": 9, "parameters": params})}
    return {f"{META}/resources.json": json.dumps([params])}


def subdirectory(place: object, **more: Any) -> dict[str, Any]:
    return {"resource_type": "git-subdirectory", "name": "evil", "role": "results", "relative_path": place, **more}


def repository(place: object, **more: Any) -> dict[str, Any]:
    return {
        "resource_type": "git", "name": "evil", "role": "source-data", "export": False, "imported": False,
        "remote_origin_url": "/srv/x.git", "relative_local_path": place, "branch": "main", "read_only": False, **more,
    }  # fmt: skip


KINDS = {"git": repository, "git-subdirectory": subdirectory}
both_kinds = pytest.mark.parametrize("kind", KINDS)
both_layouts = pytest.mark.parametrize("layout", ["files", "list of 1.6"])


@both_kinds
@both_layouts
def test_what_is_as_it_should_be_is_taken(check: Check, kind: str, layout: str) -> None:
    """Else all refusals below would say nothing."""
    check(resource(KINDS[kind]("evil"), layout))


# -- places ----------------------------------------------------------------------------------------------------------

PLACES = {
    "outside": "../../../../outside/dir",
    "absolute": "/etc",
    "hooks": ".git/hooks",
    "git in capitals": ".GIT/hooks",
    "git of macOS": ".g\u200cit/hooks",
    "git of Windows": "git~1/hooks",
    "git with a dot": ".git./hooks",
    "stream of Windows": ".git::$INDEX_ALLOCATION/hooks",
    "metadata": ".dataworkspace/resources",
    "metadata in capitals": ".DataWorkspace/x",
    "backslash": "a\\.git\\hooks",
    "root": ".",
    "nothing": "",
    "terminal": f"a{ESCAPE}",
    "half a character": "a\ud800",
    "nul": "a\0b",
    "no text": ["code"],
    "too long": "a" * 5000 + "/..",
}


@both_layouts
@both_kinds
@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES)
def test_place_of_a_resource(check: Check, place: object, kind: str, layout: str) -> None:
    with pytest.raises(REFUSED, match=r"^Resource 'evil': "):
        check(resource(KINDS[kind](place), layout))


@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES)
def test_place_when_it_is_opened(place: object) -> None:
    """What a `git pull` brought is looked at when it is used."""
    with pytest.raises(REFUSED, match=r"^Resource 'evil': "):
        check_subdirectory_path(place, "evil")


@pytest.mark.parametrize("place", ["link", "link/dir", "link/new/deep", "a/link/dir"])
@both_kinds
def test_place_behind_a_tracked_link(check: Check, place: str, kind: str) -> None:
    link = place[: place.index("link") + 4]
    with pytest.raises(ConfigurationError, match=rf"^Resource 'evil': {link} of the origin is a symbolic link"):
        check(resource(KINDS[kind](place)), {link: (LINK, "/outside")})


@both_kinds
def test_place_that_is_a_file(check: Check, kind: str) -> None:
    with pytest.raises(ConfigurationError, match=r"^Resource 'evil': evil of the origin is not a directory"):
        check({**resource(KINDS[kind]("evil")), "evil": "a file"})


# -- names, roles, branches ------------------------------------------------------------------------------------------

NAMES = {
    "outside": "../x", "option": "-x", "line break": "a\nb", "git": ".git", "long": "a" * 10_000, "empty": "",
    "terminal": ESCAPE, "half a character": "\ud800", "no text": 3, "none": None,
}  # fmt: skip


@both_layouts
@both_kinds
@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_name_of_a_resource(check: Check, name: object, kind: str, layout: str) -> None:
    with pytest.raises(MetadataError, match=META):
        check(resource(KINDS[kind]("evil", name=name), layout))


def test_file_that_is_named_for_another_resource(check: Check) -> None:
    with pytest.raises(MetadataError, match=r"its name does not match its resource 'other'"):
        check(resource(subdirectory("evil", name="other")))


def test_two_resources_of_one_name_in_the_list(check: Check) -> None:
    with pytest.raises(MetadataError, match="there are two resources 'evil'"):
        check({f"{META}/resources.json": json.dumps([subdirectory("evil"), subdirectory("good")])})


@both_layouts
@pytest.mark.parametrize("role", ["../..", "everything", "-x", None])
def test_role(check: Check, role: object, layout: str) -> None:
    with pytest.raises(MetadataError, match=rf"{META}/resources.*(lacks the key 'role'|has the unknown role)"):
        check(resource(subdirectory("evil", role=role), layout))


BRANCHES = ["--upload-pack=touch x", "-x", "a..b", "a b", "a\nb", "a:b", "a.lock", "", 3, ["main"], ESCAPE]


@pytest.mark.parametrize("branch", BRANCHES, ids=repr)
def test_branch_of_the_workspace(check: Check, branch: object) -> None:
    with pytest.raises(MetadataError, match=r"the workspace's branch.*not a valid git branch name"):
        check({f"{META}/config.json": config(dws_git_branch=branch)})


@pytest.mark.parametrize("name", [".git", ".ssh", "..", "-x", ESCAPE, "", "\ud800", 3, "a" * 10_000], ids=ascii)
def test_name_of_the_workspace_as_the_directory(name: object) -> None:
    """A clone without a directory makes one of that name; a `.git` would be the repository of what lies above."""
    with pytest.raises(ConfigurationError, match="cannot name its directory"):
        directory_name(name)


def test_usual_name_as_the_directory() -> None:
    assert directory_name("my work/2") == "my work-2"


# -- parameters ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("place", ["../../outside/new", "/tmp/dws-trust-scratch", ".git/x", ".dataworkspace", ["a"], 3])
def test_scratch_directory(check: Check, place: object) -> None:
    with pytest.raises(REFUSED, match=r"(?i)scratch directory"):
        check({f"{META}/config.json": config(scratch_directory=place)})


def test_scratch_directory_behind_a_tracked_link(check: Check) -> None:
    with pytest.raises(ConfigurationError, match=r"^The scratch directory: link of the origin is a symbolic link"):
        check({f"{META}/config.json": config(scratch_directory="link/x")}, {"link": (LINK, "/outside")})


# -- files of the metadata -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        "", "config.json", "resources", "resources/code.json", "snapshots", "snapshot_metadata", "snapshot_lineage",
        "snapshot_shards", "snapshot_shards/ab", "file", "local_params.json", "current_lineage", "scratch",
    ],
)  # fmt: skip
def test_metadata_that_is_a_link(check: Check, name: str) -> None:
    path = f"{META}/{name}".rstrip("/")
    with pytest.raises(MetadataError, match=rf"^{path} of the origin is a symbolic link, which metadata cannot be"):
        check(others={path: (LINK, "/outside")})


@pytest.mark.parametrize("name", ["", "resources", "snapshots", "x"])
def test_metadata_that_is_a_submodule(check: Check, name: str) -> None:
    path = f"{META}/{name}".rstrip("/")
    with pytest.raises(MetadataError, match=rf"^{path} of the origin is a repository, which metadata cannot be"):
        check(others={path: (REPOSITORY, "1" * 40)})


@pytest.mark.parametrize(
    "name",
    ["local_params.json", "resource_local_params.json", "current_lineage/x", "scratch/x", "Scratch/x", "objects/x"],
)
def test_what_belongs_to_one_machine(check: Check, name: str) -> None:
    with pytest.raises(MetadataError, match=rf"^{META}/{name} of the origin is in git, but belongs to one machine"):
        check({f"{META}/{name}": json.dumps({"hostname": "../../x", "local_scratch_directory": "/tmp/x"})})


@pytest.mark.parametrize("name", [".DataWorkspace", ".DATAWORKSPACE"])
def test_metadata_in_capitals(check: Check, name: str) -> None:
    with pytest.raises(MetadataError, match=rf"^{name} of the origin could be mistaken for {META}"):
        check({f"{name}/local_params.json": "{}"})


CONTENTS: dict[str, str | bytes] = {
    "deep list": "[" * 100_000,
    "deep object": '{"a":' * 100_000 + "1" + "}" * 100_000,
    "no JSON": "{",
    "another type": "[3]",
    "an empty object": "{}",
    "a text": '"x"',
    "no UTF-8": b"\xff\xfe{}",
    "a huge number": '{"position": ' + "9" * 5000 + "}",
    "not a number": '{"position": NaN, "parameters": {}}',
    "duplicate keys": '{"position": 1, "position": "x", "parameters": {}, "parameters": []}',
}


@pytest.mark.parametrize("content", CONTENTS.values(), ids=CONTENTS)
@pytest.mark.parametrize("name", ["config.json", "resources/evil.json", "resources.json"])
def test_metadata_that_is_nonsense(check: Check, name: str, content: str | bytes) -> None:
    with pytest.raises(MetadataError, match=rf"^{META}/{name} of the origin"):
        check({f"{META}/{name}": content})


@pytest.mark.parametrize("name", ["config.json", "resources/evil.json", "resources.json"])
def test_metadata_that_is_huge(check: Check, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dataworkspaces.backends.git.trust.MAX_JSON_BYTES", 1 << 20)
    with pytest.raises(MetadataError, match=rf"^{META}/{name} of the origin is larger than 1 MiB"):
        check({f"{META}/{name}": '{"a": "' + "x" * (1 << 20) + '"}'})
