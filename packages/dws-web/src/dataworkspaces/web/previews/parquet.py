"""The preview of Parquet files, where pyarrow is installed."""

from __future__ import annotations

import io
from typing import Any, ClassVar

from dataworkspaces.web.previews.blocks import Block, Table
from dataworkspaces.web.previews.contract import Preview
from dataworkspaces.web.previews.plain import LONGEST_CELL, MOST_COLUMNS, MOST_ROWS

_MOST_MEMORY = 256 * 2**20
"""Bytes that a group of rows may take when it is read."""


class _Parquet(Preview):
    suffixes: ClassVar[tuple[str, ...]] = (".parquet", ".pq")

    def blocks(self, name: str, content: bytes, *, is_whole: bool) -> list[Block]:
        if not is_whole:
            raise ValueError("it is too large to be shown")
        try:
            from pyarrow import ArrowException
            from pyarrow.parquet import ParquetFile
        except ImportError as e:
            raise ValueError("pyarrow, which reads it, is not installed") from e
        try:
            file = ParquetFile(io.BytesIO(content))
            if any(file.metadata.row_group(n).total_byte_size > _MOST_MEMORY for n in range(file.num_row_groups)):
                raise ValueError("a part of it is too large to be shown")
            columns = file.schema_arrow.names[:MOST_COLUMNS]
            batches = file.iter_batches(batch_size=MOST_ROWS, columns=columns)
            batch = next(batches, None)
        except (ArrowException, OSError) as e:
            raise ValueError(str(e)) from e
        rows = [] if batch is None else list(zip(*(map(_cell, column.to_pylist()) for column in batch), strict=True))
        total = file.metadata.num_rows
        note = f"The first {len(rows)} of {total:,} rows" if total > len(rows) else ""
        return [Table(tuple(columns), tuple(rows), note)]


def _cell(value: Any) -> Any:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return {"number": str(value)}
    text = "" if value is None else str(value)
    return text if len(text) <= LONGEST_CELL else f"{text[:LONGEST_CELL]}…"


PARQUET_PREVIEW = _Parquet()
