"""What the tests of chapters 9 and 10 share: a visitor of the shop, and what is looked at inside it."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
import time
from urllib.parse import urlencode

from tornado.httpclient import AsyncHTTPClient


class Visitor:
    """One visitor, who keeps the session cookie as a browser does."""

    def __init__(self, url: str, client: AsyncHTTPClient, cookie: str = ""):
        self.url, self.client, self.cookie = url, client, cookie

    async def ask(self, path: str, **request):
        """Send a request; return the response, whatever its status."""
        headers = {**({"Cookie": self.cookie} if self.cookie else {}), **request.pop("headers", {})}
        answer = await self.client.fetch(
            self.url + path, headers=headers, raise_error=False, request_timeout=60, **request
        )
        if given := answer.headers.get("Set-Cookie"):
            self.cookie = given.partition(";")[0]
        return answer

    async def shop(self, action: str | None = None, headers: dict | None = None, **fields):
        """POST to /cart, as the notes' page does; return the status and the JSON of the answer."""
        if action is not None:
            fields["action"] = action
        answer = await self.ask(
            "/cart", method="POST", body=urlencode(fields), headers=headers or {}
        )
        return answer.code, json.loads(answer.body)


async def until(condition, seconds: float = 30.0) -> float:
    """Wait until `condition()` holds; return after how many seconds. Raises AssertionError if it never does."""
    begin = time.monotonic()
    while not condition():
        assert time.monotonic() - begin < seconds, f"not so after {seconds} s"
        await asyncio.sleep(0.005)
    return time.monotonic() - begin


def waiters(inventory) -> int:
    """How many wait for the next change."""
    return len(inventory.changed._waiters)


def tracebacks(caplog) -> list[str]:
    """What was logged with a traceback."""
    return [record.getMessage() for record in caplog.records if record.exc_info]


def reset(sock: socket.socket) -> None:
    """Leave as a client does that crashes: with a TCP reset, and no goodbye."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()
