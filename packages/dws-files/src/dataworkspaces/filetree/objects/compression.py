"""What gets smaller by it is compressed, with Zstandard; what does not is left as it is."""

from __future__ import annotations

import sys
import threading

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

Bytes = bytes | bytearray | memoryview
MOST = 1 << 20
"""Bytes that a frame may hold: whoever reads one of unknown origin needs no more memory than that."""
_LEVEL = 1  # of tables and texts it leaves as much as level 3, in half the time
_SAMPLE = 8 << 10
_WORTH_IT = 0.9
_IN_VAIN = 16
_EACH = 8
_mine = threading.local()


def compressed(data: Bytes) -> bytes | None:
    """A frame that holds ``data``; None if that saves less than a tenth. A sample of it is tried first."""
    if len(data) > 4 * _SAMPLE:
        middle = len(data) // 2
        sample = data[middle : middle + _SAMPLE]
        if len(_frame(sample)) > _WORTH_IT * len(sample):
            return None
    frame = _frame(data)
    return frame if len(frame) <= _WORTH_IT * len(data) else None


class Compressor:
    """Compresses data that has much in common with what came before, as the parts of a file have: where nothing of it
    got smaller :data:`_IN_VAIN` times in a row, only each :data:`_EACH` th part is tried."""

    def __init__(self) -> None:
        self._in_vain = 0

    def compressed(self, data: Bytes) -> bytes | None:
        """As :func:`compressed`; None also for what is not tried."""
        if self._in_vain >= _IN_VAIN and self._in_vain % _EACH:
            self._in_vain += 1
            return None
        frame = compressed(data)
        self._in_vain = self._in_vain + 1 if frame is None else 0
        return frame


def decompressed(frame: bytes) -> bytes | None:
    """What a frame holds; None if it is damaged, or holds more than :data:`MOST`."""
    decompressor = zstd.ZstdDecompressor()
    try:
        data = decompressor.decompress(frame, MOST + 1)
    except zstd.ZstdError:
        return None
    return data if decompressor.eof and len(data) <= MOST and not decompressor.unused_data else None


def _frame(data: Bytes) -> bytes:
    compressor: zstd.ZstdCompressor | None = getattr(_mine, "compressor", None)
    if compressor is None:
        compressor = _mine.compressor = zstd.ZstdCompressor(level=_LEVEL)
    return compressor.compress(data, compressor.FLUSH_FRAME)
