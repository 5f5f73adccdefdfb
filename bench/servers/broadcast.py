"""The same for the `websockets` library, with its broadcast(): a WebSocket at /cart/status, a change at /cart."""

import argparse
import asyncio
import http
import json

from websockets.asyncio.server import broadcast, serve

STATE = {"inventoryCount": 10, "version": 0}


async def wait(connection):
    await connection.wait_closed()


def on_request(connection, request):
    if request.path == "/cart":
        STATE["version"] += 1
        broadcast(connection.server.connections, json.dumps(STATE))
        return connection.respond(http.HTTPStatus.OK, json.dumps(STATE))


async def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int)
    parser.add_argument("--logging")
    given = parser.parse_args()
    settings = {"compression": None, "ping_interval": None, "process_request": on_request}
    async with serve(wait, "127.0.0.1", given.port, **settings) as server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
