"""Thousands of clients in one thread, on raw sockets, so that they cost little beside the server."""

from __future__ import annotations

import selectors
import socket
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager

MASK = b"\x00\x00\x00\x00"  # a client has to mask what it sends; this mask changes nothing
TEXT, PING = 1, 9

# What a browser sends along with each request of a page, in about as many bytes.
BROWSER = (
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0\r\n"
    "Accept: */*\r\n"
    "Accept-Language: en-GB,en;q=0.5\r\n"
    "Accept-Encoding: gzip, deflate, br, zstd\r\n"
    "Referer: http://127.0.0.1:8000/\r\n"
    f"Cookie: session={'x' * 100}\r\n"
)


def request(path: str, method: str = "GET", headers: str = "", form: str = "") -> bytes:
    """The bytes of an HTTP request; `headers` are whole lines, `form` is what a form would post."""
    if form:
        headers += "Content-Type: application/x-www-form-urlencoded\r\n"
        headers += f"Content-Length: {len(form)}\r\n"
    return f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{headers}\r\n{form}".encode()


def upgrade(path: str, headers: str = "") -> bytes:
    """The bytes of a request for a WebSocket."""
    headers += "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    return request(path, headers=headers + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n")


def frame(payload: bytes, opcode: int = TEXT) -> bytes:
    """A message of at most 125 bytes as a client sends it over a WebSocket."""
    return bytes([0x80 | opcode, 0x80 | len(payload)]) + MASK + payload


class Client:
    """One connection. `number` counts from 0; `open` says whether it has become a WebSocket."""

    __slots__ = ("buffer", "number", "open", "sock")

    def __init__(self, number: int, sock: socket.socket):
        self.number, self.sock = number, sock
        self.buffer = b""
        self.open = False

    def message(self) -> tuple[int, bytes] | None:
        """Take the next whole message off the buffer: (status, body) or (opcode, payload)."""
        return self._frame() if self.open else self._response()

    def _response(self) -> tuple[int, bytes] | None:
        head, end, rest = self.buffer.partition(b"\r\n\r\n")
        if not end:
            return None
        status, length = int(head[9:12]), 0
        if status not in (101, 204, 304):
            _, named, after = head.lower().partition(b"\r\ncontent-length:")
            length = int(after.partition(b"\r\n")[0]) if named else 0
        if len(rest) < length:
            return None
        self.buffer = rest[length:]
        self.open = status == 101
        return status, rest[:length]

    def _frame(self) -> tuple[int, bytes] | None:
        if len(self.buffer) < 2:
            return None
        start, length = 2, self.buffer[1] & 0x7F
        if length == 126:
            start, length = 4, int.from_bytes(self.buffer[2:4], "big")
        if len(self.buffer) < start + length:
            return None
        opcode, payload = self.buffer[0] & 0x0F, self.buffer[start : start + length]
        self.buffer = self.buffer[start + length :]
        return opcode, payload


class Herd(AbstractContextManager):
    """Many clients of one server. `.bytes` and `.sends` count what went over their connections."""

    def __init__(self, port: int):
        self.port = port
        self.selector = selectors.DefaultSelector()
        self.clients: list[Client] = []
        self.bytes = self.sends = 0

    def __exit__(self, *error):
        for client in self.clients:
            client.sock.close()
        self.selector.close()

    def connect(self) -> Client:
        """One client more."""
        sock = socket.create_connection(("127.0.0.1", self.port), timeout=20)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setblocking(False)
        client = Client(len(self.clients), sock)
        self.clients.append(client)
        self.selector.register(sock, selectors.EVENT_READ, client)
        return client

    def connect_many(self, count: int) -> list[Client]:
        """So many clients more. Raises TimeoutError if the server does not take them.

        After each hundred another connection asks for something: a server's queue of new connections is not much longer,
        and where it is full, the system tries again after a second.
        """
        asking, found = self.connect(), []
        for number in range(1, count + 1):
            found.append(self.connect())
            if number % 100 == 0 or number == count:
                self.ask(asking, request("/nowhere"))
        return found

    def send(self, client: Client, data: bytes) -> None:
        """Send a request or a message; it is small, so that it always fits the socket's buffer."""
        self.bytes += client.sock.send(data)
        self.sends += 1

    def poll(self, seconds: float) -> Iterator[tuple[Client, int, bytes]]:
        """Wait at most so long for news; yield each message that has come: client, status or opcode, body.

        A ping is answered. Raises ConnectionError if the server has closed a connection.
        """
        for key, _ in self.selector.select(max(0.0, seconds)):
            client = key.data
            data = client.sock.recv(65536)
            if not data:
                raise ConnectionError("the server has closed a connection")
            self.bytes += len(data)
            client.buffer += data
            while message := client.message():
                if client.open and message[0] == PING:
                    self.bytes += client.sock.send(frame(message[1], opcode=10))
                else:
                    yield client, *message

    def messages(self, seconds: float) -> Iterator[tuple[Client, int, bytes]]:
        """All messages of the next so many seconds."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            yield from self.poll(left)

    def ask(self, client: Client, data: bytes, seconds: float = 20) -> tuple[int, bytes]:
        """Send and wait for this client's answer; what others get meanwhile is dropped.

        Raises TimeoutError after so many seconds.
        """
        self.send(client, data)
        for who, status, body in self.messages(seconds):
            if who is client:
                return status, body
        raise TimeoutError(f"no answer after {seconds} s")

    def open_websockets(self, path: str, count: int, headers: str = "") -> list[Client]:
        """So many WebSockets more, each with its first message if there is one within the time.

        A hundred at a time, since a server's queue of new connections is not much longer.
        """
        opened = []
        for start in range(0, count, 100):
            batch = [self.connect() for _ in range(start, min(start + 100, count))]
            for client in batch:
                self.send(client, upgrade(path, headers))
            deadline = time.monotonic() + 20
            while not all(client.open for client in batch):
                if time.monotonic() > deadline:
                    raise TimeoutError("a WebSocket has not opened after 20 s")
                for _ in self.poll(0.1):
                    pass
            opened += batch
        return opened


def allow_many_connections() -> int:
    """Raise this process's limit of open files to what the system grants; return how many clients fit."""
    try:
        import resource
    except ImportError:
        return 400
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    limit = 20_000 if most == resource.RLIM_INFINITY else min(most, 20_000)
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, most))
    return limit - 100
