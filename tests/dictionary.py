"""What the tests of the two dictionaries share: many requests at once, raw bytes, a collection."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from urllib.parse import urlsplit

import pymongo
import pytest
from tornado.httpclient import AsyncHTTPClient, HTTPResponse

# Words that are nobody's idea of a word, until somebody asks for them.
ODD_WORDS = [
    "中文",
    "a b",
    "ice-cream",
    "w" * 200,
    "文" * 200,
    "a/b",
    "50%",
    "a+b",
    "c++ (language)",
    "$where",
    "a.b",
    "__proto__",
    "nul\0inside",
    '"quoted"',
    "<script>",
    "e\u0301",
    "🌲",
]


@dataclass
class Timed:
    """A response, and the seconds that it took."""

    response: HTTPResponse
    seconds: float


async def together(requests: list[tuple[str, dict]]) -> list[Timed]:
    """Send all requests at once, each a URL and the arguments for fetch, and wait for all responses."""
    client = AsyncHTTPClient(force_instance=True, max_clients=len(requests))

    async def one(url: str, arguments: dict) -> Timed:
        start = time.monotonic()
        response = await client.fetch(url, raise_error=False, follow_redirects=False, **arguments)
        return Timed(response, time.monotonic() - start)

    try:
        return await asyncio.gather(*(one(url, arguments) for url, arguments in requests))
    finally:
        client.close()


async def well_again(fetch, url: str, seconds: float = 30) -> bool:
    """Whether the URL is answered with 200, now or soon: on a busy machine a first second may be too short."""
    deadline = time.monotonic() + seconds
    while (await fetch(url)).code != 200:
        if time.monotonic() > deadline:
            return False
    return True


async def until(condition, seconds: float = 30) -> None:
    """Wait for a condition. Raises TimeoutError after `seconds`."""
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.02)


async def send_raw(url: str, data: bytes, hang_up: bool = False) -> bytes:
    """Send bytes as they are; return what comes back until the server closes, or b"" after hanging up."""
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    answer = b""
    try:
        writer.write(data)
        await writer.drain()
        if not hang_up:
            answer = await asyncio.wait_for(reader.read(), 5)
    except ConnectionError:
        pass  # the server has seen enough
    finally:
        writer.close()
    return answer


def set_event() -> asyncio.Event:
    """An event that is set, for a collection that is prepared."""
    event = asyncio.Event()
    event.set()
    return event


@pytest.fixture(name="words")
async def async_words(request, load, collection):
    """The collection of the fixture `collection`, with PyMongo's asynchronous API."""
    if request.node.callspec.params["database"] == "mongomock":
        yield load(5, "memory.py").AsyncCollection(collection)
        return
    async with pymongo.AsyncMongoClient(request.getfixturevalue("mongod").uri) as client:
        yield client[collection.database.name][collection.name]
