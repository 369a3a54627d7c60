"""Run the manual's Quick Start and the first part of its Tutorial: `quickstart.py [DIR]`.

DIR should be new or empty; without it a temporary directory is made, and left for you to look at. Each
command is shown with what it says. Two things differ from the manual: the dataset is made here, from the
digits that scikit-learn ships and with a bare repository as its origin, and the notebooks are scripts.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from environment import ROOT, distributions, make_environment

DATASET = "sklearn-digits-dataset"
EXPERIMENTS = ROOT / "examples" / "quickstart"

MAKE_DATASET = """
import numpy as np
from pathlib import Path
from sklearn.datasets import load_digits
digits = load_digits()
np.savetxt("data.csv", digits.data, fmt="%d", delimiter=",")
np.savetxt("target.csv", digits.target, fmt="%d")
Path("DESCR.rst").write_text(digits.DESCR)
"""


def main(directory: Path) -> None:
    packages = [argument for path in distributions() for argument in ("-e", str(path))]
    print("Installing Data Workspaces …", flush=True)
    shell = Shell(directory, make_environment("quickstart", *packages))
    shell.make_dataset()

    shell("mkdir quickstart")
    shell.cd("quickstart")
    shell("dws init --create-resources code,results")
    shell(f"git clone ../{DATASET}.git")
    shell(f"dws add git --role=source-data --read-only ./{DATASET}")
    shell("dws report status")
    shell.experiment("digits-svc.py")
    shell("dws report results")
    shell('dws snapshot -m "first run with SVC" SVC-1')
    shell("dws report history")
    shell("dws report lineage --snapshot SVC-1")

    shell.experiment("digits-lr.py")
    shell('dws snapshot -m "Logistic Regression experiment" LR-1')
    shell("dws report history")

    shell("dws restore SVC-1", answers="y\n")
    shell("dws report history")
    print(f"\nThe workspace is in {shell.cwd}; the dws that made it is {shell.bin_dir / 'dws'}")


class Shell:
    """Runs commands as a user would type them, and shows them."""

    def __init__(self, cwd: Path, bin_dir: Path) -> None:
        self.cwd = cwd
        self.bin_dir = bin_dir
        self.env = {**os.environ, "PATH": f"{bin_dir}{os.pathsep}{os.environ['PATH']}"}
        if subprocess.run(["git", "var", "GIT_COMMITTER_IDENT"], capture_output=True).returncode:
            for who in ("AUTHOR", "COMMITTER"):
                self.env |= {f"GIT_{who}_NAME": "Quick Start", f"GIT_{who}_EMAIL": "quickstart@example.com"}

    def __call__(self, command: str, answers: str = "") -> None:
        """Run a command; prompts that `answers` does not answer get their default."""
        print(f"\n$ {command}", flush=True)
        self._run(["sh", "-c", command], input=answers + "\n" * 10)

    def cd(self, to: str) -> None:
        print(f"\n$ cd {to}", flush=True)
        self.cwd = (self.cwd / to).resolve()

    def experiment(self, name: str) -> None:
        """Run one of the examples in the directory of the code."""
        (self.cwd / "code" / name).write_text((EXPERIMENTS / name).read_text())
        self.cd("code")
        # Not every C of the grid search converges: scikit-learn says so at length.
        self(f"python -W ignore {name}")
        self.cd("..")

    def make_dataset(self) -> None:
        """Make the dataset's origin, DATASET.git."""
        source = self.cwd / "digits"
        source.mkdir()
        self._run([str(self.bin_dir / "python"), "-c", MAKE_DATASET], cwd=source)
        for arguments in ["init --quiet", "add .", "commit --quiet -m digits"]:
            self._run(["git", *arguments.split()], cwd=source)
        self._run(["git", "clone", "--quiet", "--bare", str(source), f"{DATASET}.git"])

    def _run(self, command: list[str], cwd: Path | None = None, input: str = "") -> None:
        done = subprocess.run(command, cwd=cwd or self.cwd, env=self.env, input=input, text=True)
        if done.returncode:
            sys.exit(f"The command above ended with status {done.returncode}; its files are in {self.cwd}")


if __name__ == "__main__":
    chosen = sys.argv[1] if len(sys.argv) > 1 else tempfile.mkdtemp(prefix="dws-quickstart-")
    Path(chosen).mkdir(parents=True, exist_ok=True)
    main(Path(chosen).resolve())
