"""What files with parameters say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dataworkspaces.commands.params_file import read_parameters
from dataworkspaces.errors import ConfigurationError

FILES = {
    "a.yaml": "train:\n  C: 1\n  solver: {name: lbfgs}\nseed: 2\nempty: {}\n",
    "a.json": '{"train": {"C": 1, "solver": {"name": "lbfgs"}}, "seed": 2, "empty": {}}',
    "a.toml": 'seed = 2\nempty = {}\n[train]\nC = 1\n[train.solver]\nname = "lbfgs"\n',
    "a.py": 'seed: int = 2\nempty = {}\nx = len(y)\nclass train:\n    C = 1\n    solver = {"name": "lbfgs"}\n',
}
ALL = {"train.C": 1, "train.solver.name": "lbfgs", "seed": 2, "empty": {}}


@pytest.mark.parametrize("name", FILES)
def test_each_format(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text(FILES[name])
    assert read_parameters([name], str(tmp_path)) == ALL
    assert read_parameters([f"{name}:train"], str(tmp_path)) == {"C": 1, "solver.name": "lbfgs"}
    assert read_parameters([f"{name}:seed,train.solver"], str(tmp_path)) == {"seed": 2, "name": "lbfgs"}


@pytest.mark.parametrize(
    ("name", "text", "spec", "says"),
    [
        ("b.yaml", "a: [", "b.yaml", "not valid YAML"),
        ("b.yaml", "- 1", "b.yaml", "names and values"),
        ("b.yaml", "!!python/object/apply:os.system [ls]", "b.yaml", "not valid YAML"),
        ("b.json", "{", "b.json", "not valid JSON"),
        ("b.toml", "a", "b.toml", "not valid TOML"),
        ("b.py", "a = (", "b.py", "not valid Python"),
        ("b.txt", "a", "b.txt", "should end with"),
        ("b.json", '{"a": 1}', "b.json:b", "has no 'b'"),
        ("b.json", '{"a": 1}', "b.json:a.b", "has no 'a.b'"),
        ("b.json", '{"a": 1}', "other.json", "does not exist"),
        ("b.yaml", "a: 1", "b.yaml:a,a", "given twice"),
    ],
)
def test_what_is_refused(tmp_path: Path, name: str, text: str, spec: str, says: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(ConfigurationError, match=says):
        read_parameters([spec], str(tmp_path))


def test_what_no_json_holds_is_a_text(tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text("day: 2026-01-02\nlimit: .inf\nnothing:\n")
    found: dict[str, Any] = read_parameters(["c.yaml"], str(tmp_path))
    assert found["nothing"] is None
    assert isinstance(found["day"], str)
