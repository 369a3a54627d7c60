"""The commands and examples in docs/s3.md and docs/filesystems.md run as they stand there."""

from __future__ import annotations

import re

import pytest
from doc_examples import DOCS, examples
from endtoend import User, write_files
from s3_server import S3Bucket, S3Server


def run_page(user: User, page: str, **env: str) -> dict[str, str]:
    """What each command of a page said."""
    lines = re.findall(r"^    \$ (.*)$", (DOCS / page).read_text(), re.MULTILINE)
    script = 'set -e\ndws() { command dws --batch "$@"; }\n' + "\n".join(
        f"echo '>>> {n}'\n{line}" for n, line in enumerate(lines)
    )
    said = user.at(user.cwd, **env).run("bash", "-c", script, timeout=300).stdout
    parts = [part.partition("\n")[2] for part in said.split(">>> ")[1:]]
    return {f"{line} #{lines[:n].count(line)}": part for n, (line, part) in enumerate(zip(lines, parts, strict=True))}


@pytest.mark.slow
def test_s3(workspace: User, s3_server: S3Server) -> None:
    bucket = S3Bucket(s3_server.client())
    S3Bucket(s3_server.client(), name=f"{bucket.name}-results").put("project-1/results.json", b"{}")
    bucket.put("images/1.png", b"")
    user = s3_server.for_user(workspace)
    said = run_page(user, "s3.md", BUCKET=bucket.name, S3_URL=s3_server.url)
    cat = "dws cat $BUCKET:tables/new.csv #"
    assert (said[f"{cat}0"], said[f"{cat}1"]) == ("1,2,3\n", "1,2,3\n")
    assert said["dws ls $BUCKET: #0"] == "images/\n"
    assert "No problems found" in said["dws fsck #0"]
    assert bucket.read("tables/new.csv") == b"4,5,6\n"


@pytest.mark.slow
def test_filesystems(workspace: User) -> None:
    write_files(workspace.cwd, {"data/numbers.csv": "1,2\n", "made/old": ""})
    workspace.batch("add", "local-files", "data", "--role=source-data", "--restorable")
    workspace.batch("add", "local-files", "made", "--role=intermediate-data")
    said = run_page(workspace, "filesystems.md")
    assert said["dws cat data@FIRST:numbers.csv #0"] == "1,2\n"
    assert (workspace.cwd / "old.csv").read_text() == "1,2\n"
    printed = workspace.python("-c", examples("filesystems.md", "run")).stdout
    assert printed == "['numbers.csv']\n1,2\n3,4\n\nb'1,2\\n'\n1,2\n\n"
    assert (workspace.cwd / "made" / "doubled.csv").read_text() == "2,4\n6,8\n"
    assert "double" in workspace.dws("report", "lineage").stdout
