"""Libraries of data science read and write files of resources, now and at a snapshot."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import fsspec
import pytest
from endtoend import User
from file_resources import TYPES

from dataworkspaces import api

# The libraries are imported where they are used: an environment without them collects this file.
pytestmark = pytest.mark.slow
ROWS = {"number": [1, 2, 3], "name": ["a", "b", "c"]}
LATER = {"number": [4], "name": ["d"]}


@pytest.fixture
def here(file_resources: User) -> User:
    return file_resources


def snapshot(here: User) -> None:
    here.batch("snapshot", "NEW")
    here.batch("s3", "unpin", "objects")


def test_pandas(here: User) -> None:
    import pandas

    for name in TYPES:
        pandas.DataFrame(ROWS).to_csv(f"dws://{name}/table.csv", index=False)
        pandas.DataFrame(ROWS).to_parquet(f"dws://{name}/table.parquet")
    snapshot(here)
    for name in TYPES:
        for suffix, read in (("csv", pandas.read_csv), ("parquet", pandas.read_parquet)):
            getattr(pandas.DataFrame(LATER), f"to_{suffix}")(f"dws://{name}/table.{suffix}", index=False)
            assert read(f"dws://{name}/table.{suffix}").to_dict("list") == LATER
            assert read(f"dws://{name}@NEW/table.{suffix}").to_dict("list") == ROWS


def test_pandas_outside_of_the_workspace(here: User, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import pandas

    monkeypatch.chdir(tmp_path)
    options = {"workspace": str(here.cwd)}
    pandas.DataFrame(ROWS).to_csv("dws://local/table.csv", index=False, storage_options=options)
    assert pandas.read_csv("dws://local/table.csv", storage_options=options).to_dict("list") == ROWS


def test_pyarrow(here: User) -> None:
    import pyarrow
    import pyarrow.dataset
    import pyarrow.parquet

    for name in TYPES:
        fs = api.get_filesystem_for_resource(name)
        for part in range(2):
            pyarrow.parquet.write_table(pyarrow.table(ROWS), f"tables/part-{part}.parquet", filesystem=fs)
    snapshot(here)
    for name in TYPES:
        fs = api.get_filesystem_for_resource(name)
        assert fs is not None
        fs.rm_file("tables/part-1.parquet")
        old = api.get_filesystem_for_resource(name, snapshot="NEW")
        for files, count in ((fs, 3), (old, 6)):
            assert pyarrow.dataset.dataset("tables", filesystem=files).count_rows() == count, name
        assert pyarrow.parquet.read_table("tables/part-1.parquet", filesystem=old).to_pydict() == ROWS


def test_polars(here: User) -> None:
    import polars

    for name in TYPES:
        with fsspec.open(f"dws://{name}/table.parquet", "wb") as file:
            polars.DataFrame(ROWS).write_parquet(file)
    snapshot(here)
    for name in TYPES:
        with fsspec.open(f"dws://{name}@NEW/table.parquet") as file:
            assert polars.read_parquet(file).to_dict(as_series=False) == ROWS


def test_duckdb(here: User) -> None:
    import duckdb

    duckdb.register_filesystem(fsspec.filesystem("dws"))
    for name in TYPES:
        place = f"dws://{name}/table.parquet"
        duckdb.sql(f"COPY (SELECT unnest([1, 2, 3]) AS number) TO '{place}' (FORMAT parquet)")
    snapshot(here)
    for name in TYPES:
        assert duckdb.sql(f"SELECT sum(number) FROM 'dws://{name}@NEW/table.parquet'").fetchall() == [(6,)]
    duckdb.unregister_filesystem("dws")


@pytest.mark.parametrize("name", ["local", "objects"])
def test_zarr(here: User, name: str) -> None:
    import numpy
    import zarr

    values = numpy.arange(12).reshape(3, 4)
    array: Any = zarr.create_array(f"dws://{name}/array.zarr", data=values, chunks=(2, 2))
    snapshot(here)
    array[0, 0] = 99
    assert zarr.open_array(f"dws://{name}/array.zarr", mode="r")[0, 0] == 99
    old: Any = zarr.open_array(f"dws://{name}@NEW/array.zarr", mode="r")
    assert numpy.array_equal(old[:], values)


@pytest.mark.parametrize("scheduler", ["threads", "processes"])
def test_dask(here: User, scheduler: str) -> None:
    import dask
    import dask.dataframe

    # Of itself dask starts new processes for each computation, and each imports all that it needs.
    pool = ThreadPoolExecutor(2) if scheduler == "threads" else ProcessPoolExecutor(2, get_context("spawn"))
    with pool, dask.config.set(scheduler=scheduler, pool=pool):
        for name in TYPES:
            table = dask.dataframe.from_dict(ROWS, npartitions=2)
            table.to_csv(f"dws://{name}/tables/part-*.csv", index=False)
        snapshot(here)
        for name in TYPES:
            for place in (name, f"{name}@NEW"):
                found = dask.dataframe.read_csv(f"dws://{place}/tables/part-*.csv").compute()
                assert found.to_dict("list") == ROWS, place


def test_one_row_group_of_a_table_in_s3_is_fetched_alone(here: User, monkeypatch: pytest.MonkeyPatch) -> None:
    import numpy
    import pyarrow
    import pyarrow.parquet

    from dataworkspaces.resources.s3.bucket import Bucket

    numbers = numpy.random.default_rng(0).random(1_000_000)
    with fsspec.open("dws://objects/large.parquet", "wb") as file:
        pyarrow.parquet.write_table(pyarrow.table({"number": numbers}), file, row_group_size=100_000)
    here.batch("snapshot", "LARGE")
    fetched = []
    read = Bucket.read

    def counted(bucket: Bucket, *arguments: Any) -> tuple[bytes, int]:
        content, size = read(bucket, *arguments)
        fetched.append(len(content))
        return content, size

    monkeypatch.setattr(Bucket, "read", counted)
    size = fsspec.filesystem("dws").info("objects@LARGE/large.parquet")["size"]
    with fsspec.open("dws://objects@LARGE/large.parquet") as file:
        group = pyarrow.parquet.ParquetFile(file).read_row_group(5)
    assert numpy.array_equal(group["number"].to_numpy(), numbers[500_000:600_000])
    assert sum(fetched) < size / 3
