"""``load_dataset_from_resource``."""

from __future__ import annotations

import bz2
import gzip
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dataworkspaces.errors import ConfigurationError, NotAWorkspaceError, NotSupportedError, UnavailableError
from dataworkspaces.kits.scikit_learn import load_dataset_from_resource
from dataworkspaces.workspace import ResourceRef

DATA = "1,2\n3,4\n5,6\n"
TARGET = "0\n1\n0\n"


@pytest.fixture
def directory(workspace: Any) -> Path:
    """The root of the resource ``data``, with a data set of three samples."""
    directory: Path = workspace.root / "data"
    directory.joinpath("data.csv").write_text(DATA)
    directory.joinpath("target.csv").write_text(TARGET)
    return directory


def test_data_target_and_resource_are_there(directory: Path) -> None:
    bunch = load_dataset_from_resource("data")
    np.testing.assert_array_equal(bunch.data, [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
    np.testing.assert_array_equal(bunch.target, [0.0, 1.0, 0.0])
    assert bunch.resource == ResourceRef("data", None)


def test_a_subpath_is_part_of_the_reference(directory: Path) -> None:
    (directory / "small").mkdir()
    for name in ("data.csv", "target.csv"):
        (directory / name).rename(directory / "small" / name)
    bunch = load_dataset_from_resource("data", "small")
    assert (bunch.resource, bunch.data.shape) == (ResourceRef("data", "small"), (3, 2))


def test_the_workspace_can_be_named(
    directory: Path, workspace: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(NotAWorkspaceError):
        load_dataset_from_resource("data")
    assert len(load_dataset_from_resource("data", workspace_dir=str(workspace.root)).data) == 3


def test_a_resource_that_is_away_is_no_missing_data_set(directory: Path) -> None:
    directory.rename(directory.with_name("away"))
    with pytest.raises(UnavailableError, match="not on this machine"):
        load_dataset_from_resource("data")


# -- formats ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("extension", ["txt", "rst"])
def test_text(directory: Path, extension: str) -> None:
    (directory / f"DESCR.{extension}").write_text("Größe\nof things\n", encoding="utf-8")
    assert load_dataset_from_resource("data").DESCR == "Größe\nof things\n"


@pytest.mark.parametrize(("extension", "compress"), [("gz", gzip.compress), ("bz2", bz2.compress)])
def test_compressed_csv(directory: Path, extension: str, compress: Any) -> None:
    (directory / "data.csv").unlink()
    (directory / f"data.csv.{extension}").write_bytes(compress(DATA.encode()))
    np.testing.assert_array_equal(load_dataset_from_resource("data").data, [[1, 2], [3, 4], [5, 6]])


@pytest.mark.parametrize(("extension", "compress"), [("gz", gzip.compress), ("bz2", bz2.compress)])
def test_compressed_csv_with_text(directory: Path, extension: str, compress: Any) -> None:
    (directory / f"names.csv.{extension}").write_bytes(compress(b"setosa\nvirginica\n"))
    assert load_dataset_from_resource("data").names.tolist() == ["setosa", "virginica"]


def test_npy(directory: Path) -> None:
    images = np.arange(12, dtype=np.uint8).reshape(3, 2, 2)
    np.save(directory / "images.npy", images)
    loaded = load_dataset_from_resource("data").images
    np.testing.assert_array_equal(loaded, images)
    assert loaded.dtype == np.uint8


def test_npy_with_objects_is_refused(directory: Path) -> None:
    np.save(directory / "extra.npy", np.array([{}, []], dtype=object), allow_pickle=True)
    with pytest.raises(ConfigurationError, match=r"'extra.npy' of resource 'data' .* Python objects"):
        load_dataset_from_resource("data")


def test_text_as_target(directory: Path) -> None:
    (directory / "target.csv").write_text("no\nyes\nno\n")
    assert load_dataset_from_resource("data").target.tolist() == ["no", "yes", "no"]


def test_text_beside_numbers(directory: Path) -> None:
    (directory / "data.csv").write_text("1,red\n2,green\n3,blue\n")
    assert load_dataset_from_resource("data").data.tolist() == [[1, "red"], [2, "green"], [3, "blue"]]


def test_missing_values_are_nan(directory: Path) -> None:
    (directory / "data.csv").write_text("1,2\n3,\n5,6\n")
    np.testing.assert_array_equal(load_dataset_from_resource("data").data, [[1, 2], [3, np.nan], [5, 6]])


def test_a_header_above_numbers_is_left_out(directory: Path) -> None:
    (directory / "data.csv").write_text("width,height\n" + DATA)
    (directory / "target.csv").write_text("class\n" + TARGET)
    bunch = load_dataset_from_resource("data")
    np.testing.assert_array_equal(bunch.data, [[1, 2], [3, 4], [5, 6]])
    np.testing.assert_array_equal(bunch.target, [0.0, 1.0, 0.0])
    assert bunch.target.dtype == bunch.data.dtype == float


@pytest.mark.parametrize("content", ["width,height\n", "width\nheight\n", "\ufeffwidth,height\r\n"])
def test_names_in_a_row_or_a_column(directory: Path, content: str) -> None:
    (directory / "feature_names.csv").write_text(content, encoding="utf-8", newline="")
    assert load_dataset_from_resource("data").feature_names.tolist() == ["width", "height"]


@pytest.mark.parametrize(
    ("data", "target", "shape"), [("1,2\n", "0\n", (1, 2)), ("1\n2\n", "0\n1\n", (2, 1)), ("7\n", "x\n", (1, 1))]
)
def test_data_has_two_dimensions_and_target_one(
    directory: Path, data: str, target: str, shape: tuple[int, int]
) -> None:
    (directory / "data.csv").write_text(data)
    (directory / "target.csv").write_text(target)
    bunch = load_dataset_from_resource("data")
    assert (bunch.data.shape, bunch.target.shape) == (shape, (shape[0],))


# -- what is not part of a data set ----------------------------------------------------------------------------------


def test_other_files_and_directories_are_left_alone(directory: Path) -> None:
    for name in ("README.md", ".hidden.csv", ".csv", "lineage.json"):
        (directory / name).write_text("not, read")
    for name in ("snapshots", "more.csv"):
        (directory / name).mkdir()
        (directory / name / "data.csv").write_text("x")
    assert set(load_dataset_from_resource("data")) == {"data", "target", "resource"}


# -- errors ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("names", "lacking"),
    [(["data.csv"], r"data\."), (["target.csv"], "target"), (["data.csv", "target.csv"], "data and target")],
)
def test_what_is_missing_is_named(directory: Path, names: list[str], lacking: str) -> None:
    for name in names:
        (directory / name).unlink()
    with pytest.raises(ConfigurationError, match=f"Data set data lacks {lacking}"):
        load_dataset_from_resource("data")


def test_two_files_for_one_attribute(directory: Path) -> None:
    np.save(directory / "data.npy", np.zeros(3))
    with pytest.raises(ConfigurationError, match=r"both 'data.csv' and 'data.npy'"):
        load_dataset_from_resource("data")


def test_an_attribute_named_resource(directory: Path) -> None:
    (directory / "resource.txt").write_text("x")
    with pytest.raises(ConfigurationError, match=r"resource\.txt"):
        load_dataset_from_resource("data")


def test_different_numbers_of_samples(directory: Path) -> None:
    (directory / "target.csv").write_text("1\n2\n")
    with pytest.raises(ConfigurationError, match="data has 3 samples, but target has 2"):
        load_dataset_from_resource("data")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("data.csv", b"1,2\n3\n"),
        ("data.csv", b"a,b\nc\nd,e,f\n"),
        ("data.csv", b""),
        ("data.csv", b"\xff\xfe\x00"),
        ("extra.csv.gz", b"1,2\n"),
        ("extra.csv.gz", gzip.compress(DATA.encode(), mtime=0)[:-9]),
        ("extra.csv.bz2", b"1,2\n"),
        ("extra.npy", b"1,2\n"),
        ("extra.npy", b""),
        ("DESCR.txt", b"\xff"),
    ],
)
def test_a_file_that_is_not_what_its_name_says(directory: Path, name: str, content: bytes) -> None:
    (directory / name).write_bytes(content)
    with pytest.raises(ConfigurationError, match=f"File '{name}' of resource 'data' cannot be read: .+"):
        load_dataset_from_resource("data")


def test_data_that_is_text(directory: Path) -> None:
    (directory / "data.csv").rename(directory / "data.txt")
    with pytest.raises(ConfigurationError, match="data is not an array"):
        load_dataset_from_resource("data")


@pytest.mark.parametrize("subpath", ["..", "/etc", "a/../b", "absent", "data.csv"])
def test_a_subpath_that_is_no_directory_of_the_resource(directory: Path, subpath: str) -> None:
    with pytest.raises(ConfigurationError):
        load_dataset_from_resource("data", subpath)


def test_a_link_out_of_the_resource(directory: Path, workspace: Any) -> None:
    (workspace.root / "secret").write_text("x")
    (directory / "DESCR.txt").symlink_to(workspace.root / "secret")
    with pytest.raises(ConfigurationError, match="leads out"):
        load_dataset_from_resource("data")


def test_a_resource_that_is_not_there(workspace: Any) -> None:
    with pytest.raises(ConfigurationError, match="no resource 'digits'"):
        load_dataset_from_resource("digits")


def test_a_resource_without_files(workspace: Any) -> None:
    workspace.add_resource("feed", "api-resource", "source-data")
    with pytest.raises(NotSupportedError, match="'feed'"):
        load_dataset_from_resource("feed")
