"""Large files, and those that look secret, are told before git keeps them; secrets are left out unless wanted."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from dataworkspaces.errors import RefusedError
from dataworkspaces.gitrepo.new_files import Part, check_new_files, leave_out_secrets
from dataworkspaces.workspace.interaction import BatchInteraction

Git = Callable[..., str]
LIMIT = 100


class Person(BatchInteraction):
    """Answers all questions alike."""

    def __init__(self, answer: bool | None = None) -> None:
        self.answer = answer
        self.asked: list[str] = []
        self.told: list[str] = []

    def confirm(self, question: str, *, default: bool, option: str | None = None) -> bool:
        self.asked.append(question)
        return default if self.answer is None else self.answer

    def warn(self, message: str) -> None:
        self.told.append(message)


def write(root: Path, *names: str, size: int = 1) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"x" * size)


def committed(git: Git, root: Path) -> set[str]:
    git(root, "add", "-A")
    git(root, "commit", "-q", "--allow-empty", "-m", "all")
    return set(git(root, "ls-files").splitlines())


# -- secrets -----------------------------------------------------------------------------------------------------------


def test_secrets_are_left_out_and_named_and_only_once(repository: Path, git: Git) -> None:
    write(repository, ".env", "a/server.key", "a/plain", ".env.example")
    person = Person()
    check_new_files(Part(repository), person, "Repository", LIMIT)
    assert len(person.told) == 1
    assert ".env, a/server.key, which look like secrets" in person.told[0]
    assert "git add --force" in person.told[0]
    assert committed(git, repository) == {"a/one", "b/two", "top", "a/plain", ".env.example"}
    again = Person()
    check_new_files(Part(repository), again, "Repository", LIMIT)
    assert (again.asked, again.told) == ([], [])


def test_who_says_yes_is_not_asked_again(repository: Path, git: Git) -> None:
    write(repository, ".env")
    check_new_files(Part(repository), Person(True), "Repository", LIMIT)
    again = Person()
    check_new_files(Part(repository), again, "Repository", LIMIT)
    assert again.asked == []
    assert ".env" in committed(git, repository)


def test_what_git_knows_or_ignores_is_decided(repository: Path, git: Git) -> None:
    write(repository, ".env", "id_rsa", "cert.pem")
    git(repository, "add", ".env")
    git(repository, "commit", "-q", "-m", "kept")
    write(repository, ".env", size=2)
    git(repository, "add", "cert.pem")
    (repository / ".gitignore").write_text("id_*\n")
    person = Person()
    check_new_files(Part(repository), person, "Repository", LIMIT)
    assert person.asked == []
    assert committed(git, repository) >= {".env", "cert.pem"}


def test_only_the_part_is_looked_at(repository: Path) -> None:
    write(repository, "a/.env", "b/.env", ".env")
    person = Person()
    leave_out_secrets(Part(repository, ("a",)), person, "Repository")
    leave_out_secrets(Part(repository, without=("a", "b")), person, "Repository")
    assert [text.partition(", which looks")[0] for text in person.told] == [
        "Repository: left out a/.env",
        "Repository: left out .env",
    ]


@pytest.mark.parametrize("results", ["results", ""])
def test_results_are_left_out_where_a_snapshot_moves_them(repository: Path, git: Git, results: str) -> None:
    names = ("credentials.json", "sub/.env") if not results else ("results/credentials.json", "results/sub/.env")
    write(repository, *names)
    leave_out_secrets(Part(repository, results=(results,)), Person(), "Repository")
    for name in names:
        below = name.removeprefix("results/")
        target = repository / results / "snapshots" / "h-S1" / below
        target.parent.mkdir(parents=True, exist_ok=True)
        (repository / name).rename(target)
    assert committed(git, repository) == {"a/one", "b/two", "top"}


ODD_NAMES = [
    "*.pem",
    "a[b].key",
    "#.pem",
    "!x.key",
    "back\\slash.pem",
    "blank .pem",
    ".env. ",
    ".env.new\nline",
    "ü.key",
]


@pytest.mark.parametrize("name", ODD_NAMES)
def test_odd_names_are_taken_literally(repository: Path, git: Git, name: str) -> None:
    write(repository, name, "other.txt", "line")
    leave_out_secrets(Part(repository), Person(), "Repository")
    assert git(repository, "status", "--porcelain", "-z").split("\0")[:-1] == ["?? line", "?? other.txt"]


def test_a_star_in_a_name_leaves_out_no_other_file(repository: Path) -> None:
    write(repository, "*.pem")
    leave_out_secrets(Part(repository), Person(), "Repository")
    write(repository, "new.pem")
    person = Person()
    leave_out_secrets(Part(repository), person, "Repository")
    assert "new.pem" in person.told[0]


def test_a_line_that_wants_it_is_refused(repository: Path) -> None:
    (repository / ".gitignore").write_text(".*\n!.env\n")
    write(repository, ".env")
    with pytest.raises(RefusedError, match=r"\.env in .* looks like a secret, but a line with '!' in \.gitignore"):
        check_new_files(Part(repository), Person(), "Repository", LIMIT)


def test_in_a_repository_below(repository: Path, git: Git) -> None:
    nested = repository / "lib"
    write(nested, "code.py", "known.key", ".env")
    git(nested, "init", "-q")
    git(nested, "add", "code.py", "known.key")
    person = Person()
    check_new_files(Part(repository), person, "Repository", LIMIT)
    assert "left out lib/.env, which looks" in person.told[0]
    assert git(nested, "status", "--porcelain", "--untracked-files=all") == "A  code.py\nA  known.key"


def test_in_a_linked_working_tree(repository: Path, git: Git, tmp_path: Path) -> None:
    linked = tmp_path / "linked"
    git(repository, "worktree", "add", "-q", "-b", "other", str(linked))
    write(linked, ".env")
    leave_out_secrets(Part(linked), Person(), "Repository")
    assert git(linked, "status", "--porcelain") == ""


# -- large files -------------------------------------------------------------------------------------------------------


def test_large_files_are_refused_by_name_with_the_way_out(repository: Path) -> None:
    write(repository, "new.bin", "top", size=LIMIT + 1)
    write(repository, "at-the-limit", size=LIMIT)
    with pytest.raises(RefusedError) as refused:
        check_new_files(Part(repository), Person(), "Repository", LIMIT)
    assert "new.bin (0 MB), top (0 MB) would be committed" in refused.value.message
    for way in ("git lfs track", "dws add local-files", ".gitignore", "dws config results.large_file 100MB"):
        assert way in str(refused.value.hint)


def test_large_files_are_asked_about(repository: Path) -> None:
    write(repository, "new.bin", size=LIMIT + 1)
    person = Person(True)
    check_new_files(Part(repository), person, "Repository", LIMIT)
    assert len(person.asked) == 1


def test_what_is_replaced_or_left_out_or_committed_is_not_large(repository: Path, git: Git) -> None:
    write(repository, "old.bin", size=LIMIT + 1)
    committed(git, repository)
    (repository / ".gitattributes").write_text("*.lfs filter=lfs -text\n")
    (repository / ".gitignore").write_text("*.tmp\n")
    write(repository, "a.lfs", "a.tmp", "big.pem", size=LIMIT + 1)
    (repository / "link").symlink_to("old.bin")
    check_new_files(Part(repository), Person(), "Repository", LIMIT)


def test_large_files_in_a_repository_below(repository: Path, git: Git) -> None:
    write(repository / "lib", "model.bin", size=LIMIT + 1)
    git(repository / "lib", "init", "-q")
    git(repository / "lib", "add", "-A")
    with pytest.raises(RefusedError, match=r"lib/model\.bin"):
        check_new_files(Part(repository), Person(), "Repository", LIMIT)


@pytest.mark.parametrize("answer", [True, False])
def test_what_was_decided_of_secrets_stays_when_a_large_file_is_refused(
    repository: Path, git: Git, answer: bool
) -> None:
    class Two(Person):
        def confirm(self, question: str, *, default: bool, option: str | None = None) -> bool:
            return super().confirm(question, default=default, option=option) and "secret" in question

    write(repository, ".env")
    write(repository, "big.bin", size=LIMIT + 1)
    with pytest.raises(RefusedError, match=r"big\.bin"):
        check_new_files(Part(repository), Two(answer), "Repository", LIMIT)
    (repository / "big.bin").unlink()
    again = Person()
    check_new_files(Part(repository), again, "Repository", LIMIT)
    assert again.asked == []
    assert (".env" in committed(git, repository)) is answer
