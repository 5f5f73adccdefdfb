"""Thousands of clients in one event loop, each as little as a client can be: a TCP connection and the version it knows."""

from __future__ import annotations

import asyncio
import re
import resource
import time
from urllib.parse import urlsplit

VERSION = re.compile(rb'"version": (\d+)')
PING = b"\x89\x00"
PONG = b"\x8a\x80" + bytes(4)  # masked, with zeros


def more_descriptors(wanted: int) -> int:
    """Let this process, and those it starts, have so many file descriptors; return how many they may have."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    allowed = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft < allowed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
    return max(soft, allowed)


class Client(asyncio.Protocol):
    """One connection. It hears the version at the end of what comes."""

    def __init__(self, crowd: Crowd):
        self.crowd = crowd
        self.version = -1
        self._unread = b""

    def connection_made(self, transport):
        self.transport = transport
        self.crowd.ask(self)

    def data_received(self, data):
        if PING in data:
            self.transport.write(PONG)
        self._unread += data
        if found := VERSION.findall(self._unread):
            self._unread = b""
            self.version = int(found[-1])
            if self.version == self.crowd.wanted:
                self.crowd.told()


class Crowd:
    """`how_many` clients of the server at `url`; the subclass says what they ask."""

    def __init__(self, url: str, how_many: int):
        self.where = urlsplit(url)
        self.how_many = how_many
        self.clients: list[Client] = []
        self.wanted = 0
        self._left = 0
        self._all = asyncio.Event()

    async def gather(self, at_once: int = 100) -> None:
        """Connect all, so many at a time, and wait until each knows version 0.

        The next ones wait for these: where a server's queue of connections is full, the system tries again after a second.
        """
        loop = asyncio.get_running_loop()

        async def connect():
            _, client = await loop.create_connection(
                lambda: Client(self), self.where.hostname, self.where.port
            )
            self.clients.append(client)

        while len(self.clients) < self.how_many:
            batch = min(at_once, self.how_many - len(self.clients))
            self.expect(0, batch)
            await asyncio.gather(*(connect() for _ in range(batch)))
            await self._all.wait()

    def expect(self, version: int, how_many: int) -> None:
        """From now on, count who hears of this version, until it is so many."""
        self.wanted, self._left = version, how_many
        self._all.clear()

    def told(self) -> None:
        self._left -= 1
        if not self._left:
            self._all.set()

    async def seconds_until_all_know(self, version: int, change) -> float:
        """Await `change()`, which makes this version, and then all clients; the seconds since it was begun."""
        self.expect(version, self.how_many)
        begin = time.perf_counter()
        await change()
        await asyncio.wait_for(self._all.wait(), 30)
        return time.perf_counter() - begin

    def leave(self) -> None:
        for client in self.clients:
            client.transport.abort()


class Sockets(Crowd):
    """Each has a WebSocket to /cart/status."""

    def ask(self, client: Client) -> None:
        client.transport.write(
            f"GET /cart/status HTTP/1.1\r\nHost: {self.where.netloc}\r\nUpgrade: websocket\r\n"
            "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode()
        )


class Polls(Crowd):
    """Each has a long poll at /cart/status, and keeps its connection for the next one."""

    def ask(self, client: Client) -> None:
        client.transport.write(
            f"GET /cart/status?version={client.version} HTTP/1.1\r\n"
            f"Host: {self.where.netloc}\r\n\r\n".encode()
        )
