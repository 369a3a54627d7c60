"""The commands in docs/local-files.md run as they stand there, one after the other."""

from __future__ import annotations

from pathlib import Path

from endtoend import User

PAGE = Path(__file__).parents[1] / "docs" / "local-files.md"


def test_the_page_is_true(user: User) -> None:
    lines = [line[6:] for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("    $ ")]
    assert len(lines) > 15
    home = user.cwd / "example"
    home.mkdir()
    script = 'set -e\nmkdir features\ndws() { command dws --batch "$@"; }\n' + "\n".join(
        f"echo '>>> {n}'\n{line}" for n, line in enumerate(lines)
    )
    said = user.at(home, HOME=user.env["HOME"]).run("bash", "-c", script).stdout
    parts = dict(zip(lines, said.split(">>> ")[1:], strict=True))
    assert "Took snapshot FIRST" in parts["dws snapshot FIRST"]
    assert "Would restore data: 3 files would change" in parts["dws restore FIRST --dry-run"]
    assert said.count("a.csv  b.csv") + said.count("a.csv\nb.csv") == 1
    assert said.count("a.csv\nc.csv") == 1
    assert "0 faults" in parts["dws verify data"]
    assert "SECOND" in parts["dws du"]
