"""A timeline that does whatever can go wrong with one: the tag that is asked for says what."""

from __future__ import annotations

import asyncio
import functools
import gzip
import json
import threading
from datetime import UTC, datetime, timedelta

import tornado.web
from tornado.httpserver import HTTPServer
from tornado.testing import bind_unused_port

REFUSING = "http://127.0.0.1:1"
"""Nobody listens here."""

BROKEN = {
    "500": "an internal error",
    "429": "too many requests",
    "404": "no such timeline",
    "html": "a page instead of JSON",
    "latin1": "bytes that are no UTF-8",
    "object": "an object instead of a list",
    "number": "a time that is a number",
    "naive": "a time without its zone",
    "numbers": "a list of no posts",
    "deep": "JSON that is nested a hundred thousand times",
    "cut": "the connection ends half-way",
    "garbage": "no HTTP",
    "big": "a body without end",
    "bomb": "a small body that unpacks to a big one",
    "badgzip": "a body that does not unpack",
    "loop": "a redirect to itself",
    "elsewhere": "a redirect to no web address",
}
"""Each tag that is answered wrongly, and how."""

BIG = b"[" + b" " * 5_000_000 + b"]"


@functools.cache
def bomb() -> bytes:
    """50 MB of JSON, packed: made when it is first asked for."""
    return gzip.compress(b"[" + b" " * 50_000_000 + b"]")


def moments(*ages: float, now: datetime | None = None) -> bytes:
    """A timeline whose posts are so many seconds old."""
    now = now or datetime.now(UTC)
    return json.dumps(
        [{"created_at": (now - timedelta(seconds=age)).isoformat(), "tags": []} for age in ages]
    ).encode()


class Timeline(tornado.web.RequestHandler):
    async def get(self, tag: str) -> None:
        asked.append(self.request.path)
        match tag:
            case "500" | "429" | "404":
                self.set_status(int(tag))
                self.write({"error": "<b>no</b>"})
            case "html":
                self.write("<h1>Down for maintenance</h1>")
            case "latin1":
                self.write(b'[{"created_at": "\xff"}]')
            case "object":
                self.write({})
            case "number":
                self.write('[{"created_at": 1700000000}]')
            case "naive":
                self.write('[{"created_at": "2026-11-22T12:00:00"}]')
            case "numbers":
                self.write("[1, 2]")
            case "deep":
                self.write("[" * 100_000)
            case "cut":
                stream = self.detach()
                await stream.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n[{")
                stream.close()
            case "garbage":
                stream = self.detach()
                await stream.write(b"\x00\x01 what is HTTP?\r\n\r\n")
                stream.close()
            case "big":
                self.write(BIG)
            case "bomb":
                self.set_header("Content-Encoding", "gzip")
                self.write(bomb())
            case "badgzip":
                self.set_header("Content-Encoding", "gzip")
                self.write(b"this is not gzip")
            case "loop":
                self.redirect(self.request.uri)
            case "elsewhere":
                self.redirect("gopher://example.org/")
            case "drip":
                stream = self.detach()
                await stream.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
                for _ in range(40):
                    await stream.write(b" ")
                    await asyncio.sleep(0.05)
                stream.close()
            case "slow":
                await asyncio.sleep(1.5)
                self.write(moments(10))
            case "moved":
                self.redirect(f"ten?{self.request.query}")
            case "packed":
                self.set_header("Content-Encoding", "gzip")
                self.write(gzip.compress(moments(*[100] * 20)))
            case "none":
                self.write("[]")
            case _:
                # 0.2 posts per second: 0.20, even if the answer takes two seconds.
                self.write(moments(*[100] * 20))


asked: list[str] = []
"""The paths that were asked for, as they were sent."""


class FakeTimeline:
    """The timeline on a free port, in a thread with a loop of its own, so that a blocking handler may ask it too."""

    def __init__(self, **settings):
        asked.clear()
        ready = threading.Event()
        self._thread = threading.Thread(
            target=lambda: asyncio.run(self._serve(ready, settings)), daemon=True
        )
        self._thread.start()
        ready.wait(10)

    async def _serve(self, ready: threading.Event, settings: dict) -> None:
        sock, self.port = bind_unused_port()
        app = tornado.web.Application([(r"/api/v1/timelines/tag/([^/]+)", Timeline)])
        server = HTTPServer(app, **settings)
        server.add_socket(sock)
        self.url = f"http://127.0.0.1:{self.port}"
        self._loop, self._over = asyncio.get_running_loop(), asyncio.Event()
        ready.set()
        await self._over.wait()
        server.stop()
        await server.close_all_connections()

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join(5)
