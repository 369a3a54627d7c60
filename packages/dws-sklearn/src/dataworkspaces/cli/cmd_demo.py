"""``dws demo``: the workspace of the Quick Start, on the digits that scikit-learn ships."""

from __future__ import annotations

import os
import shlex
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from dataworkspaces.cli.session import Session, batch_option, verbose_option
from dataworkspaces.errors import ConfigurationError

SUPPORT_VECTORS = '''\
"""Tell handwritten digits apart with a support vector classifier."""

from sklearn.model_selection import train_test_split
from sklearn.svm import SVC

from dataworkspaces.kits.scikit_learn import LineagePredictor, load_dataset_from_resource

dataset = load_dataset_from_resource("source-data")
X_train, X_test, y_train, y_test = train_test_split(dataset.data, dataset.target, test_size=0.5, shuffle=False)
classifier = LineagePredictor(
    SVC(gamma=0.001),
    "multiclass_classification",
    input_resource=dataset.resource,
    model_save_file="digits.joblib",
)
classifier.fit(X_train, y_train)
print(f"accuracy {classifier.score(X_test, y_test):.3f}")
'''

LOGISTIC_REGRESSION = '''\
"""Tell handwritten digits apart with a logistic regression."""

from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split

from dataworkspaces.kits.scikit_learn import LineagePredictor, load_dataset_from_resource

dataset = load_dataset_from_resource("source-data")
X_train, X_test, y_train, y_test = train_test_split(dataset.data, dataset.target, test_size=0.5, shuffle=False)
classifier = LineagePredictor(
    LogisticRegression(C=0.01, max_iter=1000),
    "multiclass_classification",
    input_resource=dataset.resource,
    model_save_file="digits.joblib",
)
classifier.fit(X_train, y_train)
print(f"accuracy {classifier.score(X_test, y_test):.3f}")
'''

COMMANDS = """\
python code/digits-svc.py
dws snapshot -m "support vectors" SVC-1
python code/digits-lr.py
dws snapshot -m "logistic regression" LR-1
dws report history
dws restore SVC-1
"""


@click.command()
@click.argument("directory", metavar="DIR", type=click.Path(file_okay=False, path_type=Path))
@batch_option
@verbose_option
@click.pass_context
def demo(ctx: click.Context, directory: Path) -> None:
    """Make DIR a workspace to try things in: scikit-learn's handwritten digits, and two scripts that learn them."""
    session = ctx.ensure_object(Session)
    session.batch = True  # The name of the host is not worth a question here.
    with _new_directory(directory), _inside(directory):
        ctx.invoke(_command(ctx, "init"), create_resources=["source-data", "code", "results"])
        _write_digits(Path("source-data"))
        Path("code", "digits-svc.py").write_text(SUPPORT_VECTORS, encoding="utf-8")
        Path("code", "digits-lr.py").write_text(LOGISTIC_REGRESSION, encoding="utf-8")
    interaction = session.interaction()
    interaction.tell("Now try:")
    for line in (f"cd {shlex.quote(str(directory))}", *COMMANDS.splitlines()):
        interaction.tell(f"  {line}")


def _command(ctx: click.Context, name: str) -> click.Command:
    root = ctx.find_root().command
    command = root.get_command(ctx, name) if isinstance(root, click.Group) else None
    if command is None:
        raise ConfigurationError(f"There is no command '{name}'", hint="Start this one as: dws demo DIR")
    return command


def _write_digits(directory: Path) -> None:
    """1,797 images of 8 x 8 pixels, from 0 to 16, as rows of ``data.csv``; what digit each is, in ``target.csv``."""
    import numpy as np
    from sklearn.datasets import load_digits

    digits = load_digits()
    np.savetxt(directory / "data.csv", digits.data, fmt="%d", delimiter=",")
    np.savetxt(directory / "target.csv", digits.target, fmt="%d")
    (directory / "DESCR.rst").write_text(digits.DESCR, encoding="utf-8")


@contextmanager
def _new_directory(directory: Path) -> Iterator[None]:
    """Make a directory; if what is done in it fails, it is as before."""
    was_there = directory.is_dir()
    if was_there and any(directory.iterdir()):
        raise ConfigurationError(f"{directory} is not empty", hint="Name a new directory: dws demo DIR")
    directory.mkdir(parents=True, exist_ok=True)
    try:
        yield
    except BaseException:
        shutil.rmtree(directory, ignore_errors=True)
        if was_there:
            directory.mkdir(exist_ok=True)
        raise


@contextmanager
def _inside(directory: Path) -> Iterator[None]:
    before = Path.cwd()
    os.chdir(directory)
    try:
        yield
    finally:
        os.chdir(before)
