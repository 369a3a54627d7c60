"""Three copies of a workspace whose owners do anything in any order: in the end all are equal, and nothing is lost.

`DWS_CLONE_EXAMPLES` is how many stories are told (each takes some seconds); more than the few of a normal run are drawn
at random.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from collaboration import copy_copies, make_copies, owner_of
from endtoend import FAILED, User, isolated_environment, read_tree, remove, write_files
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from test_kill import Answer, Server

pytestmark = pytest.mark.slow

EXAMPLES = int(os.environ.get("DWS_CLONE_EXAMPLES", "0"))
PARTS = 4
CLONES = 3

TAGS = ("X", "X", "Y", None)
TEMPLATES = ("snapshots/{HOSTNAME}-{TAG}", "snapshots/{TAG}", "snapshots/{HOSTNAME}/{TAG}")

clones = st.integers(0, CLONES - 1)
commands = st.one_of(
    st.tuples(st.just("edit_own"), clones, st.just(None)),
    st.tuples(st.just("edit_shared"), clones, st.integers(0, 1)),
    st.tuples(st.just("edit_data"), clones, st.booleans()),
    st.tuples(st.just("snapshot"), clones, st.sampled_from(TAGS)),
    st.tuples(st.just("snapshot_with_results"), clones, st.sampled_from(TAGS)),
    st.tuples(st.just("configure"), clones, st.sampled_from(TEMPLATES)),
    st.tuples(st.just("add"), clones, st.tuples(st.sampled_from(["r", "q"]), st.booleans())),
    st.tuples(st.just("step"), clones, st.just(None)),
    st.tuples(st.just("delete"), clones, st.integers(0, 3)),
    st.tuples(st.just("restore"), clones, st.integers(0, 3)),
    st.tuples(st.just("sync"), clones, st.just(None)),
    st.tuples(st.just("push"), clones, st.just(None)),
    st.tuples(st.just("pull"), clones, st.just(None)),
)
stories = st.lists(commands, min_size=15, max_size=30)


@pytest.fixture(scope="module")
def env(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return isolated_environment(tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory, env: dict[str, str]) -> Path:
    """A hub and three copies of a workspace that has met once."""
    directory = tmp_path_factory.mktemp("three") / "template"
    make_copies(directory, env, CLONES)
    return directory


@pytest.fixture(scope="module")
def server(env: dict[str, str]) -> Server:
    return Server(env)


@dataclass
class Made:
    """A snapshot that somebody took: what has to be there in the end."""

    hash: str
    tag: str | None
    lineage: frozenset[str]
    results: set[bytes]


@dataclass
class Story:
    """Three copies, what was done to them, and what must not be lost."""

    server: Server
    directory: Path
    numbers: Iterator[int] = field(default_factory=lambda: count(1))
    made: dict[str, Made] = field(default_factory=dict)
    deleted: set[str] = field(default_factory=set)
    told: list[str] = field(default_factory=list)

    def root(self, who: int) -> Path:
        return self.directory / str(who) / "ws"

    def user(self, who: int) -> User:
        return owner_of(self.directory, self.server.env, who)

    def dws(self, who: int, *arguments: str, input: str = "") -> Answer:
        answer = self.server.run(self.root(who), *arguments, env=self.user(who).env, input=input)
        said = answer.stderr if "--json" in arguments else answer.stdout + answer.stderr
        self.told.append(f"{who}: dws {' '.join(arguments)} -> {answer.status}\n{said}")
        assert "Traceback" not in answer.stderr, self.log()
        assert "This is a bug" not in answer.stderr, self.log()
        assert answer.status in (0, *FAILED), self.log()
        return answer

    def log(self) -> str:
        return "\n".join(self.told)

    # -- what people do ----------------------------------------------------------------------------------------------

    def edit_own(self, who: int, _: None) -> None:
        write_files(self.root(who), {f"code/own-{who}.py": f"print({next(self.numbers)})\n"})

    def edit_shared(self, who: int, line: int) -> None:
        """The same file as others, in the same lines."""
        path = self.root(who) / "code" / "shared.py"
        path.write_text(
            f"{path.read_text()}print({next(self.numbers)})\n" if line else f"print({next(self.numbers)})\n"
        )

    def edit_data(self, who: int, shared: bool) -> None:
        """In a repository that is a resource of its own."""
        name = "data.csv" if shared else f"own-{who}.csv"
        write_files(self.root(who) / "data", {name: f"{next(self.numbers)}\n"})

    def snapshot(self, who: int, tag: str | None) -> None:
        before = self.metadata(who)
        answer = self.dws(who, "--batch", "snapshot", *([tag] if tag else []), "-m", f"by {who}")
        after = self.metadata(who)
        if answer.status == 0:
            for hashval in after.keys() - before.keys():
                self.deleted.discard(hashval)
                self.made[hashval] = Made(
                    hashval, tag, frozenset(self.lineage_files(who, hashval)), self.results_of(who, after[hashval])
                )
        else:
            assert after == before, self.log()

    def snapshot_with_results(self, who: int, tag: str | None) -> None:
        number = next(self.numbers)
        write_files(
            self.root(who),
            {"results/results.json": json.dumps({"metrics": {"number": number}}), "results/model": f"model {number}"},
        )
        self.snapshot(who, tag)

    def configure(self, who: int, template: str) -> None:
        assert self.dws(who, "--batch", "config", "results.dir_template", template).status == 0, self.log()

    def add(self, who: int, what: tuple[str, bool]) -> None:
        """A resource of a name that others may use, too, for the same place or another one."""
        name, own_place = what
        if (self.root(who) / ".dataworkspace" / "resources" / f"{name}.json").exists():
            return
        place = f"{name}-{who}" if own_place else name
        write_files(self.root(who), {f"{place}/table-{who}": f"{who}\n"})
        self.dws(who, "--batch", "add", "git", "--role", "intermediate-data", "--name", name, place)

    def step(self, who: int, _: None) -> None:
        source, target = f"code/own-{who}.py", f"intermediate-data/out-{who}"
        if not (self.root(who) / source).exists():
            self.edit_own(who, None)
        answer = self.dws(
            who, "--batch", "run", "--name", f"step-{who}", "--input", source, "--output", target,
            "--", "cp", source, target,
        )  # fmt: skip
        assert answer.status == 0, self.log()

    def delete(self, who: int, index: int) -> None:
        there = sorted(self.metadata(who).values(), key=lambda m: m["timestamp"], reverse=True)
        if len(there) > 1 + index:
            hashval = there[index]["hash"]
            if self.dws(who, "--batch", "delete-snapshot", hashval, input="y\n").status == 0:
                self.deleted.add(hashval)

    def restore(self, who: int, index: int) -> None:
        there = sorted(self.metadata(who).values(), key=lambda m: m["timestamp"], reverse=True)
        if index < len(there):
            self.dws(who, "--batch", "restore", there[index]["hash"])

    def push(self, who: int, _: None) -> bool:
        answer = self.dws(who, "--batch", "push")
        if answer.status:
            assert len(answer.stderr.strip().splitlines()) == 1, self.log()
        return answer.status == 0

    def pull(self, who: int, _: None) -> bool:
        """Conflicts are resolved at once, as git wants it."""
        before = set(self.metadata(who))
        answer = self.dws(who, "--batch", "pull")
        for _attempt in range(5):
            if answer.status == 0 or not self.resolve(who):
                break
            answer = self.dws(who, "--batch", "pull")
        lost = before - set(self.metadata(who)) - self.deleted
        assert not lost, f"{lost}\n{self.log()}"
        return answer.status == 0

    def sync(self, who: int, _: None) -> None:
        self.snapshot(who, None)
        self.pull(who, None)
        self.push(who, None)

    def resolve(self, who: int) -> bool:
        """Take both sides of each file in conflict, and conclude the merge. False if there is none."""
        found = False
        for place in (self.root(who), self.root(who) / "data"):
            if not (place / ".git" / "MERGE_HEAD").exists():
                continue
            found = True
            user = self.user(who).at(place)
            for name in filter(None, user.git("diff", "--name-only", "--diff-filter=U", "-z").split("\0")):
                ours = name.startswith((".dataworkspace", ".gitignore", "results/snapshots"))
                assert not ours, f"{name} is not a file of the user's\n{self.log()}"
                path = place / name
                lines = [
                    line for line in path.read_text().splitlines() if line[:7] not in ("<<<<<<<", "=======", ">>>>>>>")
                ]
                path.write_text("".join(f"{line}\n" for line in lines))
                user.git("add", name)
            user.git("commit", "--quiet", "--no-edit")
            self.told.append(f"{who}: resolved a conflict in {place.name}")
        return found

    # -- what there is -----------------------------------------------------------------------------------------------

    def metadata(self, who: int) -> dict[str, dict[str, Any]]:
        files = (self.root(who) / ".dataworkspace" / "snapshot_metadata").glob("*_md.json")
        return {data["hash"]: data for data in (json.loads(path.read_text()) for path in files)}

    def lineage_files(self, who: int, hashval: str) -> list[str]:
        directory = self.root(who) / ".dataworkspace" / "snapshot_lineage" / hashval
        return sorted(path.name for path in directory.glob("*.json"))

    def results_of(self, who: int, metadata: dict[str, Any]) -> set[bytes]:
        place = metadata.get("relative_destination_path")
        directory = self.root(who) / "results" / place if place else None
        if directory is None or not directory.is_dir():
            return set()
        return {path.read_bytes() for path in directory.iterdir() if path.name in ("results.json", "model")}

    # -- the end of the story ----------------------------------------------------------------------------------------

    def end(self) -> None:
        for who in range(CLONES):
            self.snapshot(who, None)
        for who in (*range(CLONES), *range(CLONES)):
            assert self.pull(who, None), f"pull {who}\n{self.log()}"
            assert self.push(who, None), f"push {who}\n{self.log()}"
        states = [self.state(who) for who in range(CLONES)]
        for who in range(1, CLONES):
            for key in states[0]:
                assert states[who][key] == states[0][key], f"{key} differs between 0 and {who}\n{self.log()}"
        self.check_nothing_lost()

    def state(self, who: int) -> dict[str, Any]:
        root = self.root(who)
        user = self.user(who)
        said = [
            json.loads(self.dws(who, *command, "--json").stdout)
            for command in (["report", "history"], ["report", "status"], ["config"])
        ]
        return {
            # Not which of them the state is: of two that hold the same files, each clone may have taken another.
            "history": [{k: v for k, v in s.items() if k != "is_present"} for s in said[0]["snapshots"]],
            "resources": [(r["name"], r["role"], r["type"], r["parameters"]) for r in said[1]["resources"]],
            "parameters": [(p["name"], p["value"]) for p in said[2] if p["scope"] == "global"],
            "files": {n: t for n, t in read_tree(root).items() if not n.startswith((".dataworkspace", "scratch"))},
            "commit": user.git("rev-parse", "HEAD"),
            "commit of data": user.at(root / "data").git("rev-parse", "HEAD"),
            "uncommitted": [user.git("status", "--porcelain"), user.at(root / "data").git("status", "--porcelain")],
        }

    def check_nothing_lost(self) -> None:
        there = self.metadata(0)
        tags = [tag for metadata in there.values() for tag in metadata["tags"]]
        assert len(tags) == len(set(tags)), f"{tags}\n{self.log()}"
        places = [m["relative_destination_path"] for m in there.values() if m.get("relative_destination_path")]
        assert self.user(0).git("status", "--porcelain") == ""
        for hashval, made in self.made.items():
            if hashval in self.deleted and hashval not in there:
                continue
            assert hashval in there, f"{hashval} is lost\n{self.log()}"
            metadata = there[hashval]
            assert (self.root(0) / ".dataworkspace" / "snapshots" / f"snapshot-{hashval}.json").exists(), self.log()
            assert made.lineage <= set(self.lineage_files(0, hashval)), f"lineage of {hashval}\n{self.log()}"
            assert self.results_of(0, metadata) == made.results, f"results of {hashval}, {places}\n{self.log()}"
            if made.tag is not None and hashval not in self.deleted:
                kept = any(tag == made.tag or tag.startswith(f"{made.tag}-") for tag in metadata["tags"])
                assert kept, f"tag {made.tag} of {hashval}\n{self.log()}"


def stories_to_tell() -> list[list[tuple[str, int, Any]]]:
    found = []

    # Shrinking an example takes minutes, and the first one that fails tells its story.
    @settings(
        max_examples=EXAMPLES or 16,
        derandomize=not EXAMPLES,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    @given(stories)
    def find(story: list[tuple[str, int, Any]]) -> None:
        found.append(story)

    find()
    return found


@pytest.mark.parametrize("part", range(PARTS))
def test_stories_end_well(template: Path, server: Server, part: int) -> None:
    """All of them, shared out among tests that may run at the same time."""
    for number, story in enumerate(stories_to_tell()[part::PARTS]):
        directory = template.with_name(f"story-{part}-{number}")
        copy_copies(template, directory)
        teller = Story(server, directory)
        for name, who, argument in story:
            teller.told.append(f"-- {name} {who} {argument}")
            getattr(teller, name)(who, argument)
        teller.end()
        remove(directory)
