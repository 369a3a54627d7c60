"""A workspace from somebody else is data: attacks by what is in its repository, each with its clear refusal.

Everything hostile is made with plain git. A canary is a file that exists if a program ran; what is outside of the
workspace must stay as it was. See ``docs/trust.md``.

Here are the stories, with the nastiest values. The tables of all values are unit tests of what refuses them, in
``packages/dws-git/tests``: ``test_received_metadata.py``, ``test_checks.py`` and ``test_metadata_merge.py``.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from collaboration import files_with, local_state, machine
from endtoend import FAILED, User, copy_workspace, describe, isolated_environment, walk, write_files
from forked import Forked
from servers import HttpServer, make_bare

pytestmark = pytest.mark.slow

META = ".dataworkspace"
ESCAPE = "\x1b]0;owned\x07\x1b[2J"


@dataclass
class Scene:
    """``attacker`` changes the repository ``hub/ws.git``; ``victim`` has a copy `ws` from before, and clones."""

    root: Path
    attacker: User
    victim: User

    @property
    def url(self) -> str:
        return str(self.root / "hub" / "ws.git")

    @property
    def outside(self) -> Path:
        return self.root / "outside"

    @property
    def canary(self) -> Path:
        return self.root / "CANARY"

    @property
    def copy(self) -> User:
        return self.victim.at(self.victim.cwd / "ws")

    def publish(self) -> None:
        """Send what the attacker has, unseen by Data Workspaces."""
        self.attacker.git("add", "--all")
        self.attacker.git("commit", "-q", "--allow-empty", "-m", "harmless")
        self.attacker.git("push", "-q", "--force", "origin", "HEAD")

    def write(self, files: dict[str, str | bytes]) -> None:
        write_files(self.attacker.cwd, files)

    def edit(self, name: str, change: Callable[[Any], Any]) -> None:
        path = self.attacker.cwd / META / name
        path.write_text(json.dumps(change(json.loads(path.read_text()))))

    def link(self, name: str, target: str | Path) -> None:
        path = self.attacker.cwd / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        path.unlink(missing_ok=True)
        path.symlink_to(target)

    def add_resource(self, params: dict[str, Any], layout: str = "files", file_name: str | None = None) -> None:
        """As the program of another person might write it, in the layout of today or of release 1.6."""
        if layout == "files":
            name = file_name or params.get("name", "evil")
            self.write({f"{META}/resources/{name}.json": json.dumps({"position": 9, "parameters": params})})
        else:
            self.write({f"{META}/resources.json": json.dumps([params])})

    def metadata_of_a(self) -> str:
        (path,) = (self.attacker.cwd / META / "snapshot_metadata").iterdir()
        return f"snapshot_metadata/{path.name}"

    def surroundings(self) -> dict[str, str]:
        """All that the victim has outside of workspaces."""
        places = (self.outside, Path(self.victim.env["HOME"]))
        caches = Path(self.victim.env["HOME"]) / ".cache"
        return {str(p): describe(p) for place in places for p in walk(place) if caches not in (p, *p.parents)}

    def clone(self, *options: str) -> Any:
        return self.victim.batch("clone", "--hostname", "victim", *options, self.url, "new", check=False)

    @property
    def new(self) -> User:
        return self.victim.at(self.victim.cwd / "new")


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("trust") / "scene"
    attacker = machine(root / "attacker", "mallory")
    here = attacker.at(attacker.cwd / "ws")
    here.cwd.mkdir()
    here.batch("init", "--hostname", "mallory", "--create-resources", "code,results")
    write_files(here.cwd, {"code/run.py": "print(1)\n", "results/results.json": '{"metrics": {"a": 1}}'})
    here.batch("snapshot", "A", "-m", "first")
    here.git("remote", "add", "origin", make_bare(root / "hub" / "ws.git"))
    here.git("push", "-q", "--set-upstream", "origin", "main")
    victim = machine(root / "victim", "ada")
    victim.batch("clone", "--hostname", "victim", root / "hub" / "ws.git", "ws")
    write_files(root / "outside", {"file": "precious\n", "dir/file": "precious\n"})
    write_files(root / "victim" / "home", {".ssh/id_ed25519": "key\n"})
    return root


@pytest.fixture
def scene(prepared: Path, tmp_path: Path) -> Iterator[Scene]:
    """Each test has a copy of its own; a canary must not sing, and nothing outside change."""
    root = copy_workspace(prepared, tmp_path / "scene")

    def moved(person: str, directory: str) -> User:
        home = root / directory / "home"
        env = {**isolated_environment(home), "USER": person, "LOGNAME": person, "COLUMNS": "200"}
        return Forked(root / directory / "work", env)

    made = Scene(root, moved("mallory", "attacker"), moved("ada", "victim"))
    made = Scene(root, made.attacker.at(made.attacker.cwd / "ws"), made.victim)
    for user in (made.attacker, made.copy):
        user.git("remote", "set-url", "origin", made.url)
    before = made.surroundings()
    yield made
    assert not made.canary.exists(), "a program ran"
    assert made.surroundings() == before


def calm(done: Any) -> str:
    """What a command said, which is whole, and moves no cursor."""
    said: str = done.stdout + done.stderr
    assert done.returncode in (0, *FAILED), said
    for word in ("Traceback", "This is a bug"):
        assert word not in said, said
    assert "\x1b" not in said
    assert "\x9b" not in said
    return said


def refusal(done: Any) -> str:
    """The one line of a command that was refused."""
    calm(done)
    assert done.returncode in FAILED, done.stdout + done.stderr
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1, done.stderr
    return str(lines[0])


def refused_clone(scene: Scene) -> str:
    """A clone that is refused leaves nothing behind."""
    scene.publish()
    said = refusal(scene.clone())
    assert sorted(p.name for p in scene.victim.cwd.iterdir()) == ["ws"]
    return said


def refused_pull(scene: Scene) -> str:
    """A pull that is refused changes nothing."""
    scene.publish()
    before = local_state(scene.copy.cwd)
    said = refusal(scene.copy.batch("pull", check=False))
    assert local_state(scene.copy.cwd) == before
    scene.copy.batch("report", "status")
    return said


WAYS = {"clone": refused_clone, "pull": refused_pull}
both_ways = pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
both_layouts = pytest.mark.parametrize("layout", ["files", "list of 1.6"])

COMMANDS = (
    ["report", "status"], ["report", "history"], ["report", "results"], ["report", "lineage"], ["diff", "A", "A"],
    ["config"], ["snapshot", "B"], ["restore", "A"], ["push"], ["pull"], ["delete-snapshot", "A"],
)  # fmt: skip


def use(user: User) -> dict[str, str]:
    """Run everything in a workspace; what the commands said."""
    write_files(user.cwd, {"results/results.json": '{"metrics": {"a": 2}}'}) if (
        user.cwd / "results"
    ).is_dir() else None
    return {" ".join(command): calm(user.dws(*command, check=False, input="y\n" * 9)) for command in COMMANDS}


# -- addresses -------------------------------------------------------------------------------------------------------

URLS = {
    "ext": "ext::sh -c touch% {canary}",
    "ext with a path": "ext::/usr/bin/touch {canary}",
    "fd": "fd::17",
    "-u": "-u touch {canary};",
    "--upload-pack": "--upload-pack=touch {canary}",
    "host of ssh": "ssh://-oProxyCommand=touch {canary}/x",
    "host of ssh, with user": "ssh://git@-oProxyCommand=touch {canary}/x",
    "user of ssh": "ssh://-oProxyCommand=touch@host/x",
    "host like scp's": "git@-oProxyCommand=touch {canary}:x",
    "path like scp's": "host:-oProxyCommand=touch {canary}",
    "newline": "https://example.invalid/a\nb",
    "terminal": f"https://example.invalid/{ESCAPE}",
    "terminal, 8 bits": "https://example.invalid/\x9b2J",
    "half a character": "https://example.invalid/\ud800",
    "broken brackets": "http://[::1",
    "relative": "../../outside",
    "home": "~/x",
    "no text": 3,
    "empty": "",
    "unknown scheme": "gopher://example.invalid/x",
}


def repository(url: object, **more: Any) -> dict[str, Any]:
    return {
        "resource_type": "git", "name": "evil", "role": "source-data", "export": False, "remote_origin_url": url,
        "relative_local_path": "evil", "branch": "main", "read_only": False, "imported": False, **more,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("url", "layout"),
    [(URLS["ext"], "files"), (URLS["host of ssh"], "list of 1.6"), (URLS["terminal"], "files"), (3, "list of 1.6")],
)
def test_address_that_would_run_a_program(scene: Scene, url: object, layout: str) -> None:
    """The resource is left out, with a line that says so, and all else works."""
    text = url.format(canary=scene.canary) if isinstance(url, str) else url
    scene.add_resource(repository(text), layout)
    scene.publish()
    done = scene.clone()
    said = calm(done)
    if isinstance(url, str):
        assert "Resource 'evil'" in done.stderr
        use(scene.new)
    assert "evil" in said
    assert not (scene.new.cwd / "evil").exists()
    pulled = scene.copy.batch("pull", check=False)
    assert "Resource 'evil'" in calm(pulled)
    assert pulled.returncode in FAILED
    assert not (scene.copy.cwd / "evil").exists()


@pytest.mark.parametrize("url", [u for u in URLS.values() if isinstance(u, str) and u not in ("", "../../outside")])
def test_address_on_the_command_line(scene: Scene, url: str) -> None:
    if "\ud800" in url:
        url = url.replace("\ud800", "\udcff")
    text = url.format(canary=scene.canary)
    done = scene.victim.batch("clone", "--hostname", "x", "--", text, "new", check=False)
    refusal(done)
    refusal(scene.copy.batch("publish", "--", text, check=False))


def test_branch_that_is_an_option(scene: Scene) -> None:
    scene.add_resource(repository(scene.url, branch=f"--upload-pack=touch {scene.canary}"))
    assert "not a valid git branch name" in refused_clone(scene)


@both_ways
def test_branch_of_the_workspace_that_is_an_option(scene: Scene, way: Callable[[Scene], str]) -> None:
    scene.edit(
        "config.json",
        lambda c: {
            **c,
            "global_params": {**c["global_params"], "dws_git_branch": f"--upload-pack=touch {scene.canary}"},
        },
    )
    assert "not a valid git branch name" in way(scene)


def test_place_of_this_machine_in_a_workspace_from_the_network(scene: Scene) -> None:
    """A private repository of the victim would be cloned into what is then sent on."""
    scene.victim.make_repository(scene.victim.cwd / "private", {"a": "1"})
    scene.add_resource(repository(str(scene.victim.cwd / "private")))
    scene.publish()
    server = HttpServer(scene.root / "hub")
    server.start()
    try:
        url = server.url(scene.root / "hub" / "ws.git")
        done = scene.victim.batch("clone", "--hostname", "x", url, "new", check=False)
        assert "is a path on this machine" in calm(done)
        assert done.returncode == 1  # a resource is missing
        assert not (scene.new.cwd / "evil").exists()
        scene.copy.git("remote", "set-url", "origin", url)
        assert "is a path on this machine" in scene.copy.batch("pull", check=False).stderr
        assert not (scene.copy.cwd / "evil").exists()
    finally:
        server.stop()


def test_new_resource_is_announced_before_it_is_cloned(scene: Scene) -> None:
    scene.add_resource(repository("https://example.invalid/x.git"))
    scene.publish()
    said = scene.copy.batch("pull", check=False).stdout
    assert "New resource 'evil'" in said
    assert "https://example.invalid/x.git" in said


def test_password_in_the_address_of_a_resource(scene: Scene) -> None:
    """Somebody stored one, which release 1.6 did too. It is in the file that came, and gets nowhere else."""
    scene.add_resource(repository("http://mallory:hunter2@127.0.0.1:9/x.git"))
    scene.publish()
    said = calm(scene.clone()) + "".join(use(scene.new).values()) + calm(scene.copy.batch("pull", check=False))
    said += calm(scene.new.batch("report", "status", "--json", check=False))
    said += calm(scene.new.batch("config", "--resource", "evil", check=False))
    said += calm(scene.new.batch("--verbose", "pull", check=False))
    assert "hunter2" not in said
    assert files_with("hunter2", scene.new.cwd) == [str(scene.new.cwd / META / "resources" / "evil.json")]


# -- places ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("way", "layout"), [(refused_clone, "list of 1.6"), (refused_pull, "files")])
def test_place_of_a_repository(scene: Scene, way: Callable[[Scene], str], layout: str) -> None:
    scene.add_resource(repository(scene.url, relative_local_path=".g\u200cit/hooks"), layout)
    assert "evil" in way(scene)


def subdirectory(place: object, **more: Any) -> dict[str, Any]:
    return {"resource_type": "git-subdirectory", "name": "evil", "role": "results", "relative_path": place, **more}


@both_layouts
@both_ways
def test_place_of_a_subdirectory(scene: Scene, way: Callable[[Scene], str], layout: str) -> None:
    """Both ways and both layouts go through the same check."""
    scene.add_resource(subdirectory("../../../../outside/dir"), layout)
    assert "evil" in way(scene)


@pytest.mark.parametrize(
    ("way", "place", "kind"),
    [(refused_clone, "a/link/dir", "git"), (refused_pull, "link/new/deep", "git-subdirectory")],
)
def test_place_behind_a_tracked_link(scene: Scene, way: Callable[[Scene], str], place: str, kind: str) -> None:
    scene.link(place[: place.index("link") + 4], scene.outside)
    scene.add_resource(subdirectory(place) if kind != "git" else repository(scene.url, relative_local_path=place))
    assert "is a symbolic link" in way(scene)


def test_place_of_an_old_resource_becomes_a_link(scene: Scene) -> None:
    """And the files below it would be written outside."""
    scene.link("results", scene.outside)
    assert "is a symbolic link" in refused_pull(scene)


def test_directory_becomes_a_link_and_files_below_it_change(scene: Scene) -> None:
    """One that is not a resource: git replaces the directory, and follows no link."""
    scene.write({"more/file": "1\n"})
    scene.publish()
    scene.copy.batch("pull")
    scene.link("more", scene.outside)
    scene.publish()
    scene.copy.batch("pull")
    assert (scene.copy.cwd / "more").is_symlink()
    use(scene.copy)


@both_ways
def test_place_that_is_a_file(scene: Scene, way: Callable[[Scene], str]) -> None:
    scene.write({"evil": "a file"})
    scene.add_resource(subdirectory("evil"))
    assert "is not a directory" in way(scene)


def test_place_that_holds_the_files_of_a_bare_repository(scene: Scene) -> None:
    """Git takes a directory with such files for a repository, and its configuration names programs to run."""
    config = f"[core]\n\tbare = false\n\tworktree = .\n\tfsmonitor = touch {scene.canary}; false\n\trepositoryformatversion = 0\n"
    bare = {"HEAD": "ref: refs/heads/main\n", "config": config, "objects/x": "", "refs/heads/x": ""}
    scene.write({f"evil/{name}": content for name, content in bare.items()})
    scene.add_resource(repository(scene.url))
    scene.publish()
    assert "not empty, and not a git repository" in calm(scene.clone())
    use(scene.new)
    calm(scene.copy.batch("pull", check=False))
    use(scene.copy)


def test_place_in_the_repository_of_another_resource(scene: Scene) -> None:
    scene.attacker.git("clone", "-q", "--bare", ".", scene.root / "hub" / "other.git")
    other = str(scene.root / "hub" / "other.git")
    scene.add_resource(repository(other, name="one", relative_local_path="one"))
    scene.add_resource(repository(scene.url, name="two", relative_local_path="one/.git/hooks"))
    assert "two" in refused_clone(scene)


# -- local files -----------------------------------------------------------------------------------------------------


def local_files(place: object, **more: Any) -> dict[str, Any]:
    return {
        "resource_type": "file", "name": "evil", "role": "results", "global_local_path": place, "compute_hash": False,
        "export": False, "imported": False, **more,
    }  # fmt: skip


@both_layouts
@pytest.mark.parametrize("where", ["outside", "home"])
def test_local_files_of_the_victim_are_not_results(scene: Scene, where: str, layout: str) -> None:
    """A snapshot would move them, and a deleted one delete."""
    place = scene.outside if where == "outside" else Path(scene.victim.env["HOME"]) / ".ssh"
    scene.add_resource(local_files(str(place)), layout)
    scene.publish()
    assert "Not here yet: evil" in calm(scene.clone())
    said = use(scene.new)
    assert "not on this machine" in said["snapshot B"]
    assert "dws config --resource evil my_local_path" in calm(scene.copy.batch("pull", check=False))
    use(scene.copy)


def test_local_files_are_used_where_the_user_says(scene: Scene) -> None:
    scene.add_resource(local_files(str(scene.outside)))
    scene.publish()
    mine = scene.victim.cwd / "mine"
    write_files(mine, {"a": "1"})
    scene.clone()
    scene.new.batch("config", "--resource", "evil", "my_local_path", mine)
    scene.new.batch("snapshot", "B")
    assert (mine / "snapshots" / "victim-B" / "a").exists()


def test_local_files_that_a_pull_moves_elsewhere(scene: Scene) -> None:
    mine = scene.victim.cwd / "mine"
    write_files(mine, {"a": "1"})
    scene.copy.batch("add", "local-files", "--role", "results", "--name", "evil", mine)
    scene.copy.batch("push")
    scene.attacker.git("pull", "-q", "origin", "main")
    scene.add_resource(local_files(str(scene.outside)))
    scene.publish()
    scene.copy.batch("pull")
    scene.copy.batch("snapshot", "B")
    assert (mine / "snapshots" / "victim-B" / "a").exists()


@both_ways
@pytest.mark.parametrize("place", ["relative", 3, None])
def test_local_files_nowhere(scene: Scene, way: Callable[[Scene], str], place: object) -> None:
    scene.add_resource(local_files(place))
    scene.publish()
    assert "evil" in way(scene) if way is refused_clone else calm(scene.copy.batch("pull", check=False))


# -- names -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "way", "layout"),
    [("../x", refused_clone, "list of 1.6"), (ESCAPE, refused_pull, "files"), ("\ud800", refused_clone, "files")],
    ids=["outside", "terminal", "half a character"],
)
def test_name_of_a_resource(scene: Scene, name: object, way: Callable[[Scene], str], layout: str) -> None:
    scene.add_resource(subdirectory("evil", name=name), layout, file_name="evil")
    assert META in way(scene)


@both_ways
def test_file_that_is_named_for_another_resource(scene: Scene, way: Callable[[Scene], str]) -> None:
    scene.add_resource(subdirectory("evil", name="other"), file_name="evil")
    assert "its name does not match its resource" in way(scene)


@pytest.mark.parametrize(("role", "way"), [("../..", refused_clone), (None, refused_pull)])
def test_role(scene: Scene, role: object, way: Callable[[Scene], str]) -> None:
    scene.add_resource(subdirectory("evil", role=role))
    assert META in way(scene)


@pytest.mark.parametrize("name", [".git", ESCAPE], ids=ascii)
def test_name_of_the_workspace_as_the_directory(scene: Scene, name: object) -> None:
    """A clone without a directory makes one of that name; a `.git` would be the repository of what lies above."""
    scene.edit("config.json", lambda config: {**config, "name": name})
    scene.publish()
    before = sorted(p.name for p in scene.victim.cwd.iterdir())
    assert "cannot name its directory" in refusal(
        scene.victim.batch("clone", "--hostname", "x", scene.url, check=False)
    )
    assert sorted(p.name for p in scene.victim.cwd.iterdir()) == before


# -- parameters ------------------------------------------------------------------------------------------------------


@both_ways
@pytest.mark.parametrize("place", ["/tmp/dws-trust-scratch"])
def test_scratch_directory(scene: Scene, way: Callable[[Scene], str], place: object) -> None:
    set_parameter(scene, "scratch_directory", place)
    assert "scratch" in way(scene).lower()
    assert not Path("/tmp/dws-trust-scratch").exists()


def set_parameter(scene: Scene, name: str, value: object) -> None:
    scene.edit("config.json", lambda c: {**c, "global_params": {**c["global_params"], name: value}})


@pytest.mark.parametrize(
    "template",
    [
        "snapshots/../../{TAG}",
        "/tmp/{TAG}",
        "snapshots/{TAG.__class__}",
        "snapshots/{x}",
        "snapshots/{",
        3,
        ["a"],
        None,
    ],
    ids=str,
)
def test_template_of_results(scene: Scene, template: object) -> None:
    set_parameter(scene, "results.dir_template", template)
    scene.publish()
    scene.clone()
    assert "results.dir_template" in use(scene.new)["snapshot B"]


@pytest.mark.parametrize("value", [3, {"a": 1}, [["a"]], [3], "README.md", None], ids=str)
def test_excluded_results(scene: Scene, value: object) -> None:
    set_parameter(scene, "results.move_exclude_files", value)
    scene.publish()
    scene.clone()
    use(scene.new)


def test_host_name_of_others_in_the_parameters(scene: Scene) -> None:
    """It belongs to each machine; a global one is not looked at."""
    set_parameter(scene, "hostname", "../../x")
    set_parameter(scene, "local_scratch_directory", str(scene.outside / "scratch"))
    scene.publish()
    scene.clone()
    use(scene.new)


# -- files of the metadata -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("way", "name"), [(refused_clone, ""), (refused_pull, "snapshots"), (refused_pull, "local_params.json")]
)
def test_metadata_that_is_a_link(scene: Scene, way: Callable[[Scene], str], name: str) -> None:
    place = scene.attacker.cwd / META / name
    kept = scene.outside.parent / "kept"
    if place.is_dir():
        shutil.copytree(place, kept)
    scene.link(f"{META}/{name}".rstrip("/"), kept if kept.exists() else scene.outside / "file")
    scene.attacker.git("add", "--force", f"{META}/{name}".rstrip("/"))
    assert META in way(scene)


@pytest.mark.parametrize(("way", "name"), [(refused_clone, "local_params.json"), (refused_pull, "Scratch/x")])
def test_what_belongs_to_one_machine(scene: Scene, way: Callable[[Scene], str], name: str) -> None:
    (scene.attacker.cwd / META / name.split("/")[0]).unlink() if name == "local_params.json" else None
    scene.write({f"{META}/{name}": json.dumps({"hostname": "../../x", "local_scratch_directory": "/tmp/x"})})
    scene.attacker.git("add", "--force", f"{META}/{name}")
    assert "belongs to one machine only" in way(scene)


@both_ways
def test_metadata_in_capitals(scene: Scene, way: Callable[[Scene], str]) -> None:
    scene.write({".DataWorkspace/local_params.json": "{}"})
    assert "could be mistaken for" in way(scene)


@both_ways
def test_metadata_directory_that_is_a_submodule(scene: Scene, way: Callable[[Scene], str]) -> None:
    scene.attacker.git("rm", "-rq", "--cached", META)
    head = scene.attacker.git("rev-parse", "HEAD").strip()
    shutil.rmtree(scene.attacker.cwd / META)
    scene.attacker.git("update-index", "--add", "--cacheinfo", f"160000,{head},{META}")
    scene.attacker.git("commit", "-q", "-m", "x")
    scene.attacker.git("push", "-q", "--force", "origin", "HEAD")
    done = scene.clone() if way is refused_clone else scene.copy.batch("pull", check=False)
    assert "is a repository" in refusal(done)


@pytest.mark.parametrize(
    ("way", "name", "content"),
    [
        (refused_clone, "config.json", b"\xff\xfe{}"),
        (refused_pull, "resources/evil.json", '{"a":' * 100_000 + "1" + "}" * 100_000),
        (refused_pull, "resources.json", '{"position": ' + "9" * 5000 + "}"),
    ],
    ids=["no UTF-8", "deep object", "a huge number"],
)
def test_metadata_that_is_nonsense(scene: Scene, way: Callable[[Scene], str], name: str, content: str | bytes) -> None:
    scene.write({f"{META}/{name}": content})
    assert name in way(scene)


def test_metadata_of_100_mb(scene: Scene) -> None:
    scene.write({f"{META}/resources/evil.json": '{"a": "' + "x" * 100_000_000 + '"}'})
    assert "evil.json" in refused_clone(scene)


@pytest.mark.parametrize("depth", [300, 700, 900])
def test_parameters_that_are_nested(scene: Scene, depth: int) -> None:
    """So deep that they can be read, and perhaps not be written again."""
    set_parameter(scene, "x", json.loads('{"a":' * depth + "1" + "}" * depth))
    scene.publish()
    calm(scene.clone())
    scene.copy.batch("config", "results.dir_template", "snapshots/{TAG}")
    calm(scene.copy.batch("pull", check=False))
    if scene.new.cwd.exists():
        use(scene.new)
        calm(scene.new.batch("config", "results.dir_template", "snapshots/{TAG}", check=False))


def test_pipe_in_the_place_of_a_file(scene: Scene) -> None:
    """Git has none, but an archive might."""
    path = scene.copy.cwd / META / "config.json"
    path.unlink()
    os.mkfifo(path)
    assert "not a regular file" in refusal(scene.copy.batch("report", "status", check=False, timeout=20))


# -- snapshots -------------------------------------------------------------------------------------------------------

DEEP = json.loads("[" * 600 + "]" * 600)
OF_SNAPSHOT = {
    "hash leads out": {"hash": "../../../outside/file"},
    "hash with a slash": {"hash": "a/b"},
    "tag is an option": {"tags": ["--output=x", "-x"]},
    "tag is an object": {"tags": [{}]},
    "results outside": {"relative_destination_path": "../.."},
    "results outside, below": {"relative_destination_path": "snapshots/../../../../outside"},
    "results absolute": {"relative_destination_path": "/etc"},
    "commit is an option": {"restore_hashes": {"code": "--output=x", "results": "-x"}},
    "commit is a name": {"restore_hashes": {"code": "HEAD", "results": "main"}},
    "commit is unknown": {"restore_hashes": {"code": "f" * 40, "results": "f" * 40, "../x": "f" * 40}},
    "host leads out": {"hostname": "../../x"},
    "for the terminal": {"tags": [ESCAPE], "message": ESCAPE, "timestamp": ESCAPE, "metrics": {ESCAPE: ESCAPE}},
    "half a character": {"tags": ["\ud800"], "relative_destination_path": "snapshots/\ud800"},
    "of other types": {
        "tags": [3], "message": 3, "timestamp": 3, "updated_timestamp": 3, "hostname": ["x"],
        "relative_destination_path": ["snapshots"], "restore_hashes": {"code": 3, "results": {}},
    },
    "nested": {"metrics": {"a": DEEP}, "x": DEEP},
    "metrics are no object": {"metrics": [1]},
    "metrics are no numbers": {"metrics": {"a": float("nan"), "b": float("inf"), "c": 10**400}},
}  # fmt: skip
"""What each of the values does alone is in the tests of merges in dws-git."""


@pytest.mark.parametrize("change", OF_SNAPSHOT.values(), ids=OF_SNAPSHOT)
def test_metadata_of_a_snapshot(scene: Scene, change: dict[str, Any]) -> None:
    kept = (scene.copy.cwd / "results" / "snapshots" / "mallory-A" / "results.json").read_bytes()
    scene.edit(scene.metadata_of_a(), lambda data: {**data, **change})
    scene.publish()
    calm(scene.clone())
    if scene.new.cwd.exists():
        use(scene.new)
    calm(scene.copy.batch("pull", check=False))
    assert (scene.copy.cwd / "results" / "snapshots" / "mallory-A" / "results.json").read_bytes() == kept
    use(scene.copy)


IN_A_MERGE = ("hash leads out", "results outside, below", "half a character", "nested")


@pytest.mark.parametrize("change", [OF_SNAPSHOT[what] for what in IN_A_MERGE], ids=IN_A_MERGE)
def test_metadata_of_a_snapshot_in_a_merge(scene: Scene, change: dict[str, Any]) -> None:
    """Both sides have changed the snapshot. Ours stays whole if theirs cannot be used."""
    path = scene.copy.cwd / META / scene.metadata_of_a()
    mine = json.loads(path.read_text())
    path.write_text(json.dumps({**mine, "message": "mine", "updated_timestamp": "2026-01-01T00:00:00"}))
    scene.copy.git("commit", "-q", "-a", "-m", "mine")
    scene.edit(scene.metadata_of_a(), lambda data: {**data, "message": "theirs", **change})
    scene.publish()
    done = scene.copy.batch("pull", check=False)
    calm(done)
    if done.returncode:
        assert json.loads(path.read_text())["message"] == "mine"
        scene.copy.batch("report", "history")


def test_manifest_that_is_not_what_its_name_says(scene: Scene) -> None:
    (path,) = (scene.attacker.cwd / META / "snapshots").iterdir()
    path.write_text(path.read_text().replace('"code"', '"data"'))
    scene.publish()
    scene.clone()
    assert path.name in refusal(scene.new.batch("restore", "A", check=False))


@pytest.mark.parametrize("content", ["[" * 100_000, '{"a": ' * 900 + "1" + "}" * 900, "[3]", '{"step": 3}', "{}"])
def test_lineage_of_a_snapshot(scene: Scene, content: str) -> None:
    (directory,) = (scene.attacker.cwd / META / "snapshots").iterdir()
    hashval = directory.name[len("snapshot-") : -len(".json")]
    for name in ("results.json", "code.json", "results/x.json", "../../x.json"):
        scene.write({f"{META}/snapshot_lineage/{hashval}/{name.replace('../', '')}": content})
    scene.publish()
    calm(scene.clone())
    use(scene.new)
    calm(scene.new.batch("report", "lineage", "--snapshot", "A", check=False))


# -- git ------------------------------------------------------------------------------------------------------------


def test_attributes_and_modules_start_no_program(scene: Scene) -> None:
    canary = scene.canary
    scene.write({
        ".gitattributes": "* filter=x merge=x diff=x ident export-subst\n",
        ".gitmodules": f'[submodule "a"]\n\tpath = a\n\turl = ext::sh -c touch% {canary}\n\tupdate = !touch {canary}\n'
        f'[submodule "-u"]\n\tpath = b\n\turl = -utouch {canary}\n',
        ".gitfat": f"[rsync]\nremote = -e touch {canary}\n",
        ".lfsconfig": f"[lfs]\n\turl = ext::touch {canary}\n[lfs \"customtransfer.x\"]\n\tpath = touch {canary}\n",
        ".gitconfig": f"[core]\n\tfsmonitor = touch {canary}\n",
        ".githooks/post-checkout": f"#!/bin/sh\ntouch {canary}\n",
        "hooks/post-checkout": f"#!/bin/sh\ntouch {canary}\n",
    })  # fmt: skip
    (scene.attacker.cwd / "a").mkdir()  # else git takes the submodule for deleted
    head = scene.attacker.git("rev-parse", "HEAD").strip()
    scene.attacker.git("-c", "filter.x.clean=cat", "add", "--all")
    scene.attacker.git("update-index", "--add", "--cacheinfo", f"160000,{head},a")
    scene.attacker.git("commit", "-q", "-m", "x")
    scene.publish()
    calm(scene.clone())
    if scene.new.cwd.exists():
        use(scene.new)
    calm(scene.copy.batch("pull", check=False))
    use(scene.copy)


def test_history_that_was_written_anew(scene: Scene) -> None:
    scene.attacker.git("checkout", "-q", "--orphan", "new")
    scene.attacker.git("commit", "-q", "-m", "new history")
    scene.attacker.git("push", "-q", "--force", "origin", "HEAD:main")
    before = local_state(scene.copy.cwd)
    write_files(scene.copy.cwd, {"code/mine.py": "1"})
    assert "no history in common" in refusal(scene.copy.batch("pull", check=False))
    (scene.copy.cwd / "code" / "mine.py").unlink()
    assert local_state(scene.copy.cwd) == before


def test_objects_that_are_damaged(scene: Scene) -> None:
    scene.write({"code/more.py": "x" * 1000})
    scene.publish()
    hub = scene.root / "hub" / "ws.git"
    blob = scene.attacker.git("rev-parse", "HEAD:code/more.py").strip()
    path = hub / "objects" / blob[:2] / blob[2:]
    path.chmod(0o600)
    path.write_bytes(b"damaged")
    refusal(scene.copy.batch("pull", check=False))
    refusal(scene.clone())
    assert not scene.new.cwd.exists()


def test_many_references(scene: Scene) -> None:
    head = scene.attacker.git("rev-parse", "HEAD").strip()
    lines = "".join(f"{head} refs/heads/b{n:05}\n" for n in range(20_000))
    packed = scene.root / "hub" / "ws.git" / "packed-refs"
    packed.write_text("# pack-refs with: peeled fully-peeled sorted \n" + lines)
    scene.publish()
    scene.copy.batch("pull")
    scene.clone()
    scene.new.batch("report", "status")


def test_branch_of_the_origin_that_is_an_option(scene: Scene) -> None:
    hub = scene.root / "hub" / "ws.git"
    head = scene.attacker.git("rev-parse", "HEAD").strip()
    name = "--upload-pack=touch"
    scene.attacker.at(hub).git("update-ref", f"refs/heads/{name}", head)
    (hub / "HEAD").write_text(f"ref: refs/heads/{name}\n")
    calm(scene.clone())
    calm(scene.copy.batch("pull", check=False))


def test_state_of_files_that_leads_out(scene: Scene) -> None:
    """Manifests of local files name those of subdirectories."""
    scene.write({f"{META}/file/source-data/evil/x": '{"../../../..": {"hash": "../../config.json"}}'})
    scene.add_resource(local_files(str(scene.outside), role="source-data"))
    scene.publish()
    scene.clone()
    use(scene.new)
