"""The stand-in for a Mastodon timeline, for the tests, the checks and the bench: it counts, it can hold back, it can fail.

It answers the tags of the chapters' own `upstream.py` in the same way, and fails in many more. The bench runs it as a
process:  python -m course.harness.timeline --port=9000 --delay=0.1
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import functools
import gzip
import json
import ssl
import threading
import time
from collections.abc import Callable, Container
from datetime import UTC, datetime, timedelta
from urllib.parse import unquote

from course.harness.answers import Answer, Pending, Request
from course.harness.failures import Failure, Wrong

POSTS = {"tornado": 40, "python": 20, "rain": 8, "咖啡": 12, "AC/DC": 16}
"""How many posts a tag has; every other tag has 4."""
AGE = 400.0
"""How many seconds old the oldest post is: so old that a few seconds more or less change no rate's second digit."""
ERRORS = {"broken": 500, "gone": 404}
"""The tags that get an error."""

REFUSING = "http://127.0.0.1:1"
"""No server listens here."""

FAILURES = {
    "broken": "an internal error",
    "gone": "an unknown tag",
    "429": "too many requests",
    "html": "a page instead of JSON",
    "latin1": "bytes that are not UTF-8",
    "object": "an object instead of a list",
    "number": "a time that is a number",
    "naive": "a time without its zone",
    "numbers": "a list without posts in it",
    "deep": "JSON nested a hundred thousand times",
    "cut": "a connection that ends half-way",
    "garbage": "bytes that are not HTTP",
    "headers": "a header of 70,000 bytes",
    "big": "a body of five megabytes",
    "endless": "a body without an end",
    "bomb": "a small body that unpacks to a big one",
    "badgzip": "a body that does not unpack",
    "loop": "a redirect to itself",
    "elsewhere": "a redirect to an address that is not on the web",
}
"""Each tag whose lookup must fail, and what it gets."""


def posts(*ages: float, now: datetime | None = None, related: str = "") -> bytes:
    """The JSON of posts that are so many seconds old."""
    now = now or datetime.now(UTC)
    tags = [{"name": related}] if related else []
    times = [(now - timedelta(seconds=age)).isoformat() for age in ages]
    return json.dumps([{"created_at": time, "tags": tags} for time in times]).encode()


def response(body: bytes = b"", *headers: str, status: str = "200 OK") -> bytes:
    """A whole HTTP response."""
    head = [f"HTTP/1.1 {status}", "Content-Type: application/json", *headers]
    head += [f"Content-Length: {len(body)}", "", ""]
    return "\r\n".join(head).encode() + body


@functools.cache
def failing(tag: str) -> bytes | None:
    """What the tags of FAILURES and two that redirect or pack get, byte for byte; None for all others."""
    match tag:
        case "broken" | "gone":
            return response(b'{"error": "<b>no</b>"}', status=f"{ERRORS[tag]} No")
        case "429":
            return response(b'{"error": "too many"}', status="429 Too Many Requests")
        case "html":
            return response(b"<h1>Down for maintenance</h1>")
        case "latin1":
            return response(b'[{"created_at": "\xff"}]')
        case "object":
            return response(b"{}")
        case "number":
            return response(b'[{"created_at": 1700000000}]')
        case "naive":
            return response(b'[{"created_at": "2026-11-22T12:00:00"}]')
        case "numbers":
            return response(b"[1, 2]")
        case "deep":
            return response(b"[" * 100_000)
        case "cut":
            return b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n[{"
        case "garbage":
            return b"\x00\x01 what is HTTP?\r\n\r\n"
        case "headers":
            return response(b"[]", f"X-Filler: {'x' * 70_000}")
        case "big":
            return response(b"[" + b" " * 5_000_000 + b"]")
        case "bomb":
            return response(
                gzip.compress(b"[" + b" " * 50_000_000 + b"]"), "Content-Encoding: gzip"
            )
        case "badgzip":
            return response(b"this is not gzip", "Content-Encoding: gzip")
        case "loop":
            return response(b"", "Location: loop", status="302 Found")
        case "elsewhere":
            return response(b"", "Location: gopher://example.org/", status="302 Found")
        case "moved":
            return response(b"", "Location: tornado", status="302 Found")
        case "packed":
            return response(gzip.compress(posts(*[AGE] * 40)), "Content-Encoding: gzip")
        case "none":
            return response(b"[]")
    return None


@functools.lru_cache(maxsize=1000)
def succeeding(tag: str, second: int) -> bytes:
    """What every other tag gets in this second."""
    count = POSTS.get(tag, 4)
    ages = [AGE * (number + 1) / count for number in range(count)]
    now = datetime.fromtimestamp(second, UTC)
    return response(posts(*ages, now=now, related="rain" if tag == "python" else "python"))


class _Counts:
    """What was asked since reset()."""

    def __init__(self):
        self.paths: list[str] = []
        self.asked: list[str] = []
        self.under_way = self.most = 0
        self.released = asyncio.Event()


class Timeline:
    """The stand-in in a thread with an event loop of its own, so that a handler that blocks can ask it too.

    `url` is its address. A lookup takes `delay` seconds; the tag "late" takes ten times as long, and "trickle" does too,
    but gets a byte now and then. `under_way` is how many lookups it has not answered yet, `most` the highest that this
    has been, `asked` the tags and `paths` the paths that were asked for, in order. `hold()` withholds answers;
    `asked_before_release` are the tags that had been asked for when release() ended that.
    """

    def __init__(self, delay: float = 0.0, tls: ssl.SSLContext | None = None, port: int = 0):
        self.delay = delay
        self._held: Container[str] = ()
        self._counts = _Counts()
        ready = threading.Event()
        self._thread = threading.Thread(
            target=lambda: asyncio.run(self._serve(ready, tls, port)), daemon=True
        )
        self._thread.start()
        ready.wait()

    @property
    def asked(self) -> list[str]:
        return self._counts.asked

    @property
    def paths(self) -> list[str]:
        return self._counts.paths

    @property
    def under_way(self) -> int:
        return self._counts.under_way

    @property
    def most(self) -> int:
        return self._counts.most

    def reset(self, delay: float = 0.0) -> Timeline:
        """Count from zero, answer after `delay` seconds, and withhold nothing."""
        self.release()
        self.delay, self._counts = delay, _Counts()
        return self

    def hold(self, *tags: str) -> None:
        """Withhold the answers for these tags, or for all tags, until release()."""
        self._held = tags or _Everything()

    def release(self) -> None:
        """Answer all lookups that are held, and hold no more."""
        if self._held:
            self.asked_before_release = list(self.asked)
        self._held = ()
        self._loop.call_soon_threadsafe(self._counts.released.set)

    def close(self) -> None:
        """End it, and every lookup that waits."""
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join()

    async def _serve(self, ready: threading.Event, tls: ssl.SSLContext | None, port: int) -> None:
        self._loop, self._over = asyncio.get_running_loop(), asyncio.Event()
        server = await asyncio.start_server(
            self._converse, "127.0.0.1", port, backlog=4096, ssl=tls
        )
        self.port = server.sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        ready.set()
        await self._over.wait()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the requests of one connection."""
        with contextlib.suppress(asyncio.IncompleteReadError, OSError):
            close = False
            while not close:
                request = await reader.readuntil(b"\r\n\r\n")
                path = request.split(b" ", 2)[1].decode()
                close = b"connection: close" in request.lower()
                close = await self._answer(path, writer) or close
        with contextlib.suppress(OSError):
            writer.close()
            await writer.wait_closed()

    async def _answer(self, path: str, writer: asyncio.StreamWriter) -> bool:
        """Answer one request. Returns whether the connection must end now."""
        tag = unquote(path.partition("?")[0].rpartition("/")[2])
        counts = self._counts
        counts.paths.append(path)
        counts.asked.append(tag)
        counts.under_way += 1
        counts.most = max(counts.most, counts.under_way)
        try:
            if tag == "trickle":
                await self._trickle(writer, counts)
                return True
            if tag in self._held:
                await counts.released.wait()
            elif self.delay:
                await asyncio.sleep(self.delay * (10 if tag == "late" else 1))
        finally:
            counts.under_way -= 1
        if tag == "endless":
            writer.write(b"HTTP/1.1 200 OK\r\n\r\n[")
            while True:
                writer.write(b" " * 65536)
                await writer.drain()
        writer.write(failing(tag) or succeeding(tag, int(time.time())))
        await writer.drain()
        return tag in ("cut", "garbage")

    async def _trickle(self, writer: asyncio.StreamWriter, counts: _Counts) -> None:
        """Send a space every twentieth of a second, and the posts at the end: never silent for long, and late."""
        whole = succeeding("trickle", int(time.time()))
        head, _, body = whole.partition(b"\r\n\r\n")
        writer.write(head.partition(b"Content-Length")[0] + b"\r\n")
        left = self.delay * 10
        while not counts.released.is_set() and ("trickle" in self._held or left > 0):
            writer.write(b" ")
            await writer.drain()
            await asyncio.sleep(0.05)
            left -= 0.05
        writer.write(body)
        await writer.drain()


class _Everything:
    def __contains__(self, tag: object) -> bool:
        return True


# ---------------------------------------------------------------- for the checks: what happens while lookups wait

TURNS = 10
"""So many other requests are answered before a check believes that nothing more is going to happen."""
PATIENCE = 5.0
"""Seconds that a request which blocks nothing may take: far more than any needs."""


def while_held(
    learner, app, timeline: Timeline, paths: list[str], until: Callable[[], bool], cause: str
) -> list[Answer]:
    """Send requests whose lookups are held back, and other requests meanwhile; release the lookups; return the answers.

    The lookups are held until `until()` is true and TURNS other requests were answered after that, or until many more
    were answered and `until()` has not become true: states are counted, not seconds. Call timeline.hold() first. Fails with `cause`
    if another request is not answered, and the learner's program stands in the same line twice.
    """
    pending = [app.start(path, timeout=PATIENCE) for path in paths]
    turns, last, since = 0, -1, time.monotonic()
    try:
        while turns < TURNS and not all(each.done for each in pending):
            _other(learner, app, paths[0], cause)
            if until():
                turns += 1
            elif len(timeline.asked) != last:
                last, waited, since = len(timeline.asked), 0, time.monotonic()
            else:
                waited += 1
                if waited > 5 * TURNS and time.monotonic() - since > 1.0:
                    break
    finally:
        timeline.release()
    return [each.answer() for each in pending]


def _other(learner, app, path: str, cause: str) -> None:
    """Send another request, for a path that no route has; fail if the event loop stands still instead of answering."""
    other = app.start("/is-anybody-there", timeout=4 * PATIENCE)
    stood: list[dict] = []
    while not over(other, 0.4):
        lines = learner.stuck_lines(main_thread=True)
        if lines and stood:
            expected = "a second request is answered while this one waits for the timeline"
            got = "the second request is not answered"
            raise Wrong(Failure("blocks", expected, got, cause, Request(path).curl(), lines))
        stood = lines
    other.answer()


def over(pending: Pending, seconds: float) -> bool:
    """Whether a request has ended within so many seconds."""
    deadline = time.monotonic() + seconds
    while not pending.done and time.monotonic() < deadline:
        time.sleep(0.002)
    return pending.done


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--delay", type=float, default=0.0)
    given = parser.parse_args()
    timeline = Timeline(given.delay, port=given.port)
    print(timeline.url, flush=True)
    with contextlib.suppress(KeyboardInterrupt):
        threading.Event().wait()


if __name__ == "__main__":
    main()
