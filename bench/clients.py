"""Clients for measurements and tests: thousands of connections in one event loop, HTTP or WebSocket."""

from __future__ import annotations

import asyncio
import collections
import itertools
import resource
import time
from typing import NamedTuple
from urllib.parse import urlsplit

TEXT, PING, PONG = 1, 9, 10  # opcodes of WebSocket frames
BATCH = 100  # connections to open at the same time; the backlog of a Tornado server is 128
UPGRADE = (
    "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
)
LIMIT = 60  # seconds: ends a wait that would never end; no measurement depends on it


class Message(NamedTuple):
    """A response or a WebSocket frame, and the time of its arrival."""

    code: int  # the status, or the opcode
    body: bytes
    head: bytes  # the status line and the headers; empty for a frame
    when: float


def request(path: str, headers: str = "", form: str = "") -> bytes:
    """The bytes of an HTTP request: a POST if there is a form. `headers` are complete lines."""
    if form:
        headers += "Content-Type: application/x-www-form-urlencoded\r\n"
        headers += f"Content-Length: {len(form)}\r\n"
    method = "POST" if form else "GET"
    return f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{headers}\r\n{form}".encode()


def frame(payload: bytes, opcode: int = TEXT) -> bytes:
    """A WebSocket frame of at most 125 bytes. Its mask is four zeros, which change nothing."""
    return bytes([0x80 | opcode, 0x80 | len(payload)]) + bytes(4) + payload


class Client(asyncio.Protocol):
    """One connection. `requests` and `bytes` count its traffic; a ping is answered at once."""

    def __init__(self):
        self.websocket = False
        self.requests = self.bytes = 0
        self._buffer = b""
        self._messages: collections.deque[Message] = collections.deque()
        self._waiter: asyncio.Future | None = None

    def connection_made(self, transport):
        self.transport = transport

    def connection_lost(self, error):
        self._wake()

    def data_received(self, data):
        when = time.perf_counter()
        self.bytes += len(data)
        self._buffer += data
        while found := self._frame() if self.websocket else self._response():
            if self.websocket and found[0] == PING:
                self._write(frame(found[1], PONG))
            else:
                self._messages.append(Message(*found, when))
        self._wake()

    def send(self, data: bytes) -> None:
        self.requests += 1
        self._write(data)

    async def receive(self) -> Message:
        """The next message. Raises ConnectionError if the server closes the connection first."""
        while not self._messages:
            if self.transport.is_closing():
                raise ConnectionError("the server closed a connection")
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter
        return self._messages.popleft()

    async def ask(self, data: bytes) -> Message:
        """Send a request, or a frame, and wait for the response."""
        self.send(data)
        return await self.receive()

    def _write(self, data: bytes) -> None:
        self.bytes += len(data)
        self.transport.write(data)

    def _wake(self) -> None:
        if self._waiter and not self._waiter.done():
            self._waiter.set_result(None)

    def _response(self) -> tuple[int, bytes, bytes] | None:
        """Take a complete response off the buffer."""
        head, end, rest = self._buffer.partition(b"\r\n\r\n")
        if not end:
            return None
        status = int(head[9:12])
        _, named, after = head.lower().partition(b"\r\ncontent-length:")
        length = int(after.partition(b"\r\n")[0]) if named and status >= 200 else 0
        if len(rest) < length:
            return None
        self._buffer = rest[length:]
        self.websocket = status == 101
        return status, rest[:length], head

    def _frame(self) -> tuple[int, bytes, bytes] | None:
        """Take a complete frame of less than 64 KiB off the buffer."""
        if len(self._buffer) < 2:
            return None
        start, length = 2, self._buffer[1] & 0x7F
        if length == 126:
            start, length = 4, int.from_bytes(self._buffer[2:4], "big")
        if len(self._buffer) < start + length:
            return None
        opcode, payload = self._buffer[0] & 0x0F, self._buffer[start : start + length]
        self._buffer = self._buffer[start + length :]
        return opcode, payload, b""


class Crowd:
    """`async with Crowd(url) as crowd:` clients of one server, which disconnect at the end of the block."""

    def __init__(self, url: str):
        self.address = urlsplit(url)
        self.clients: list[Client] = []

    async def __aenter__(self):
        self._first = await self._connect()
        return self

    async def __aexit__(self, *error):
        for client in [self._first, *self.clients]:
            client.transport.abort()

    async def connect(self, count: int, websocket: str = "", headers: str = "") -> list[Client]:
        """Open `count` connections more, as WebSockets if you give a path.

        The server has accepted all of them on return. They come in batches, because the system
        makes a client that finds the server's backlog full wait for a second.
        """
        came: list[Client] = []
        async with asyncio.timeout(LIMIT):
            while len(came) < count:
                size = min(BATCH, count - len(came))
                batch = await asyncio.gather(*(self._connect() for _ in range(size)))
                if websocket:
                    opening = request(websocket, UPGRADE + headers)
                    await asyncio.gather(*(client.ask(opening) for client in batch))
                else:
                    await self.settle()
                came += batch
        if websocket and not all(client.websocket for client in came):
            raise RuntimeError(f"{websocket} is not a WebSocket")
        self.clients += came
        return came

    async def settle(self) -> None:
        """Wait until the server has read what the clients sent before: it answers in that order."""
        async with asyncio.timeout(LIMIT):
            await self._first.ask(request("/nowhere"))

    async def _connect(self) -> Client:
        loop = asyncio.get_running_loop()
        where = self.address.hostname, self.address.port
        _, client = await loop.create_connection(Client, *where)
        return client


async def load(clients: list[Client], data: bytes, seconds: float) -> int:
    """Let each client send `data` again as soon as it has the response. Returns the number of responses.

    Each client sends at least once. Raises RuntimeError for a status of 400 and higher.
    """
    until = time.perf_counter() + seconds

    async def ask_again(client: Client) -> int:
        for count in itertools.count(1):
            response = await client.ask(data)
            if response.code >= 400:
                raise RuntimeError(f"status {response.code} for {data.partition(b' HTTP')[0]!r}")
            if time.perf_counter() >= until:
                return count

    async with asyncio.timeout(seconds + LIMIT):
        return sum(await asyncio.gather(*map(ask_again, clients)))


def allow_connections(wanted: int) -> int:
    """Raise the limit of open files for this process and the ones it starts; returns the limit now."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    allowed = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft < allowed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
    return max(soft, allowed)
