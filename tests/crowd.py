"""Thousands of clients in one event loop. Each is a TCP connection and the version that it knows."""

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
    """Raise the limit of file descriptors, for this process and those it starts; return the limit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    allowed = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft < allowed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
    return max(soft, allowed)


class Client(asyncio.Protocol):
    """One connection. It reads the version at the end of what arrives, and counts the bytes and the versions."""

    def __init__(self, crowd: Crowd):
        self.crowd = crowd
        self.version = -1
        self.told = self.bytes = 0
        self._unread = b""

    def connection_made(self, transport):
        self.transport = transport
        self.crowd.ask(self)

    def data_received(self, data):
        self.bytes += len(data)
        if PING in data:
            self.transport.write(PONG)
        self._unread += data
        if found := VERSION.findall(self._unread):
            self._unread = b""
            self.version = int(found[-1])
            self.told += len(found)
            if self.version == self.crowd.wanted:
                self.crowd.client_is_told()


class Crowd:
    """`how_many` clients of the server at `url`; a subclass says what they ask."""

    def __init__(self, url: str, how_many: int):
        self.where = urlsplit(url)
        self.how_many = how_many
        self.clients: list[Client] = []
        self.wanted = 0
        self.times: list[float] = []  # when each client that has the version received it
        self._expected = 0
        self._all = asyncio.Event()

    async def gather(self, together: int = 100) -> None:
        """Connect all clients, so many at a time, and wait until each knows version 0.

        The next ones wait for these: a server's queue of new connections is not much longer, and where it
        is full, the system tries again after a second.
        """
        loop = asyncio.get_running_loop()

        async def connect():
            _, client = await loop.create_connection(
                lambda: Client(self), self.where.hostname, self.where.port
            )
            self.clients.append(client)

        while len(self.clients) < self.how_many:
            batch = min(together, self.how_many - len(self.clients))
            self.expect(0, batch)
            await asyncio.gather(*(connect() for _ in range(batch)))
            await self._all.wait()

    def expect(self, version: int, how_many: int) -> None:
        """From now on, note which clients receive this version, until there are so many."""
        self.wanted, self._expected, self.times = version, how_many, []
        self._all.clear()

    def client_is_told(self) -> None:
        self.times.append(time.perf_counter())
        if len(self.times) == self._expected:
            self._all.set()

    async def tell(self, version: int, change, limit: float = 120) -> list[float]:
        """Await `change()`, which makes this version, and then all clients.

        Return the seconds from the start of the change to each client, in the order of arrival. Raises
        TimeoutError if a client has not received the version after `limit` seconds.
        """
        self.expect(version, self.how_many)
        begin = time.perf_counter()
        await change()
        await asyncio.wait_for(self._all.wait(), limit)
        return [each - begin for each in self.times]

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
