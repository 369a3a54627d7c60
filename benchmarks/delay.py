"""A network that is far away.

`python -m benchmarks.delay PORT TARGET_PORT SECONDS` forwards connections on loopback, and keeps each request back for
so long: what a client sends after it was answered, or first.
"""

from __future__ import annotations

import asyncio
import sys
from asyncio import StreamReader, StreamWriter
from collections.abc import Coroutine
from contextlib import suppress

LOOPBACK = "127.0.0.1"
_BYTES = 1 << 20


async def serve(port: int, target: int, seconds: float) -> None:
    async def connected(client: StreamReader, to_client: StreamWriter) -> None:
        server, to_server = await asyncio.open_connection(LOOPBACK, target)
        is_answered = True

        async def ask() -> None:
            nonlocal is_answered
            while data := await client.read(_BYTES):
                if is_answered:
                    await asyncio.sleep(seconds)
                    is_answered = False
                to_server.write(data)
                await to_server.drain()

        async def answer() -> None:
            nonlocal is_answered
            while data := await server.read(_BYTES):
                is_answered = True
                to_client.write(data)
                await to_client.drain()

        async def until_closed(forward: Coroutine[None, None, None], writer: StreamWriter) -> None:
            with suppress(ConnectionError):
                await forward
            writer.close()

        await asyncio.gather(until_closed(ask(), to_server), until_closed(answer(), to_client))

    listening = await asyncio.start_server(connected, LOOPBACK, port)
    await listening.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])))
