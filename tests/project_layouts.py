"""The layouts of real projects, made small: what people have before they make a workspace of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from endtoend import User, write_files

TRAIN = """\
from pathlib import Path
parameters = Path("params.yaml").read_text()
Path("{output}").parent.mkdir(exist_ok=True, parents=True)
Path("{output}").write_text("trained with " + parameters)
"""
NOTEBOOK = '{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}\n'


@dataclass(frozen=True)
class Layout:
    """:ivar files: of the project.
    :ivar adds: arguments of ``dws add``.
    :ivar step: a command.
    :ivar parameter: the file that it depends on, among the workspace's own.
    :ivar output: what it writes.
    :ivar ignored: files that git leaves out."""

    files: dict[str, str | bytes]
    adds: tuple[tuple[str, ...], ...]
    step: tuple[str, ...]
    parameter: str
    output: str
    ignored: dict[str, str | bytes]
    is_repository: bool = True

    def make(self, user: User, root: Path) -> User:
        """The project, as a workspace whose resources are added."""
        write_files(root, {**self.files, **self.ignored})
        here = user.at(root)
        if self.is_repository:
            here.git("init", "--quiet")
            here.git("add", "--all")
            here.git("commit", "--quiet", "--message", "first")
        here.batch("init", "--hostname", "host1")
        for arguments in self.adds:
            # What is not in git comes to others through a remote, beside the project.
            remote = ["--remote", str(root.parent / "remote")] if arguments[0] == "local-files" else []
            (root / arguments[-1]).mkdir(parents=True, exist_ok=True)
            here.batch("add", *arguments, *remote)
        return here


_PYTHON = ("python", "src/train.py")

LAYOUTS = {
    "cookiecutter": Layout(
        files={
            ".gitignore": "/data/\n__pycache__/\n.env\n",
            "Makefile": "train:\n\tpython src/train.py\n",
            "params.yaml": "a: 1\n",
            "src/train.py": TRAIN.format(output="models/model.txt"),
            "models/.gitkeep": "",
            "notebooks/.gitkeep": "",
            "reports/figures/.gitkeep": "",
        },
        adds=(("local-files", "--role", "source-data", "--restorable", "data"),),
        step=_PYTHON,
        parameter="params.yaml",
        output="models/model.txt",
        ignored={"data/raw.csv": "1\n2\n", ".env": "SECRET=1\n"},
    ),
    "kedro": Layout(
        files={
            ".gitignore": "conf/local/**\n!conf/local/.gitkeep\ndata/**\n!data/**/\n!.gitkeep\n",
            "pyproject.toml": "[tool.kedro]\n",
            "params.yaml": "a: 1\n",
            "conf/base/catalog.yml": "x: 1\n",
            "conf/local/.gitkeep": "",
            "data/01_raw/.gitkeep": "",
            "src/train.py": TRAIN.format(output="model.txt"),
        },
        adds=(("local-files", "--role", "source-data", "--restorable", "data/01_raw"),),
        step=_PYTHON,
        parameter="params.yaml",
        output="model.txt",
        ignored={"data/01_raw/companies.csv": "1\n", "conf/local/credentials.yml": "key: 1\n"},
    ),
    "dvc": Layout(
        files={
            "params.yaml": "a: 1\n",
            "dvc.yaml": "stages: {}\n",
            "src/train.py": TRAIN.format(output="eval/metrics.json"),
            "data/.gitignore": "/data.xml\n",
        },
        adds=(("git", "--role", "code", "src"), ("git", "--role", "results", "eval")),
        step=_PYTHON,
        parameter="params.yaml",
        output="eval/metrics.json",
        ignored={"data/data.xml": "<x/>\n"},
    ),
    "makefile": Layout(
        files={
            "Makefile": "out.txt: train.py params.yaml\n\tpython train.py\n",
            "params.yaml": "a: 1\n",
            "train.py": TRAIN.format(output="out.txt"),
        },
        adds=(),
        step=("python", "train.py"),
        parameter="params.yaml",
        output="out.txt",
        ignored={},
        is_repository=False,
    ),
    "notebooks": Layout(
        files={
            "01-explore.ipynb": NOTEBOOK,
            "params.yaml": "a: 1\n",
            "requirements.txt": "numpy\n",
            "train.py": TRAIN.format(output="results/out.txt"),
        },
        adds=(("git", "--role", "results", "results"),),
        step=("python", "train.py"),
        parameter="params.yaml",
        output="results/out.txt",
        ignored={},
    ),
    "repository": Layout(
        files={
            ".gitignore": "build/\n",
            "README.md": "# A project\n",
            "params.yaml": "a: 1\n",
            "src/train.py": TRAIN.format(output="out/model.txt"),
            **{f"docs/{number}.md": f"{number}\n" for number in range(40)},
        },
        adds=(("git", "--role", "code", "./src"),),
        step=_PYTHON,
        parameter="params.yaml",
        output="out/model.txt",
        ignored={"build/x.o": "x\n"},
    ),
}
