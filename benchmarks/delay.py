"""A network that is far away.

`python -m benchmarks.delay PORT TARGET_PORT SECONDS` forwards connections on loopback, and keeps back for so long what
a client sends."""

from __future__ import annotations

import asyncio
import sys
from asyncio import StreamReader, StreamWriter

LOOPBACK = "127.0.0.1"
_BYTES = 1 << 20


async def serve(port: int, target: int, seconds: float) -> None:
    async def forward(reader: StreamReader, writer: StreamWriter, delay: float) -> None:
        try:
            while data := await reader.read(_BYTES):
                await asyncio.sleep(delay)
                writer.write(data)
                await writer.drain()
        except ConnectionError:
            pass
        finally:
            writer.close()

    async def connected(reader: StreamReader, writer: StreamWriter) -> None:
        there, to_there = await asyncio.open_connection(LOOPBACK, target)
        await asyncio.gather(forward(reader, to_there, seconds), forward(there, writer, 0))

    server = await asyncio.start_server(connected, LOOPBACK, port)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])))
