"""Chapter 10: the echo and the live inventory by WebSocket, and the script."""

import asyncio
import gc
import json
import signal
import socket
import struct
import time
import urllib.request
from urllib.parse import urlsplit

import pytest
from tornado.httpclient import AsyncHTTPClient, HTTPClientError, HTTPRequest
from tornado.iostream import IOStream
from tornado.websocket import websocket_connect

from visitors import Visitor, reset, tracebacks, until, waiters


@pytest.fixture(autouse=True)
def a_stock_of_our_own(monkeypatch):
    monkeypatch.delenv("MONGODB_URI", raising=False)


@pytest.fixture
def chapter(load):
    return load(10)


@pytest.fixture
def inventory(chapter):
    return chapter.Inventory(copies=10)


@pytest.fixture
def app(chapter, inventory):
    return chapter.make_app(inventory)


@pytest.fixture
def visit():
    """`visit(url)` is a new visitor; all of them may ask at once."""
    client = AsyncHTTPClient(force_instance=True, max_clients=1000)
    yield lambda url, cookie="": Visitor(url, client, cookie)
    client.close()


@pytest.fixture
def connect():
    """`await connect(url, "/echo")` is an open WebSocket; `headers` are those of its handshake."""

    async def open_socket(url, path="/cart/status", headers=None, **settings):
        request = HTTPRequest("ws" + url.removeprefix("http") + path, headers=headers)
        return await websocket_connect(request, **settings)

    return open_socket


async def told(ws):
    """The next message, as JSON; None at the end."""
    message = await asyncio.wait_for(ws.read_message(), 30)
    return message and json.loads(message)


def frame(opcode, data, fin=True):
    """One frame as a client sends it, masked with zeros."""
    size = len(data)
    length = bytes([128 | size]) if size < 126 else struct.pack("!BH", 128 | 126, size)
    return bytes([(128 if fin else 0) | opcode]) + length + bytes(4) + data


def raw(url, path="/cart/status", size=None, host=None, origin=None):
    """A TCP connection on which the handshake is done, for what no client library would send."""
    where = urlsplit(url)
    origin = f"Origin: {origin}\r\n" if origin else ""
    sock = socket.socket()
    if size:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, size)
    sock.connect((where.hostname, where.port))
    sock.sendall(
        f"GET {path} HTTP/1.1\r\nHost: {host or where.netloc}\r\n{origin}Upgrade: websocket\r\n"
        "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode()
    )
    sock.setblocking(False)
    return sock


# ---------------------------------------------------------------- the echo


@pytest.fixture
async def echo(app, serve, connect):
    """An open echo that has greeted."""
    ws = await connect(serve(app), "/echo", max_message_size=2**22)
    assert await ws.read_message() == "connected!"
    yield ws
    ws.close()


@pytest.mark.parametrize("text", ["hello", "", "你好", "\x00", "x" * 2**20])
async def test_text_comes_back_as_text(echo, text):
    await echo.write_message(text)
    assert await echo.read_message() == text


@pytest.mark.parametrize("data", [b"hello", b"", b"\xff\xfe", bytes(range(256)) * 4096])
async def test_bytes_come_back_as_bytes(echo, data):
    await echo.write_message(data, binary=True)
    assert await echo.read_message() == data


async def test_a_message_too_large_ends_the_connection(app, serve, connect, caplog):
    url = serve(app)
    sock = raw(url, "/echo")
    loop = asyncio.get_running_loop()
    await loop.sock_recv(sock, 4096)
    # Two frames of one message: each is small enough, together they are not.
    header = bytes([0x01, 128 | 127]) + struct.pack("!Q", 2**20) + bytes(4)
    await loop.sock_sendall(sock, header + bytes(2**20))
    await loop.sock_sendall(sock, frame(0, b"x"))
    got = b""
    while not got.endswith(b"message too big"):
        got += await asyncio.wait_for(loop.sock_recv(sock, 4096), 5)
    assert struct.unpack("!H", got[-17:-15]) == (1009,)
    sock.close()
    ws = await connect(url, "/echo")
    await ws.write_message(bytes(2**20 + 1), binary=True)
    assert await ws.read_message() == "connected!"
    assert await asyncio.wait_for(ws.read_message(), 30) is None
    assert not tracebacks(caplog)


async def test_an_echo_that_nobody_reads_stops_reading(app, serve, caplog):
    """What waits for a client that does not read is bounded: the server takes no more from it."""
    sock = raw(serve(app), "/echo", size=4096)
    chunk = frame(2, bytes(60_000))
    sent = 0
    last = time.monotonic()
    while time.monotonic() - last < 0.5:
        try:
            sent += sock.send(chunk[sent % len(chunk) :])
            last = time.monotonic()
        except BlockingIOError:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0)
        assert sent < 100_000_000, "the server takes everything"
    reset(sock)
    await asyncio.sleep(0.05)
    assert not tracebacks(caplog)


# ---------------------------------------------------------------- the live inventory


async def test_the_count_comes_when_the_socket_opens(app, serve, connect, inventory):
    inventory.add("a")
    ws = await connect(serve(app))
    assert await told(ws) == {"inventoryCount": 9, "version": 1}
    ws.close()


async def test_every_client_is_told_of_a_purchase(app, serve, connect, visit):
    url = serve(app)
    sockets = [await connect(url) for _ in range(3)]
    for ws in sockets:
        assert (await told(ws))["inventoryCount"] == 10
    ann = visit(url)
    assert await ann.shop("add") == (200, {"inventoryCount": 9, "version": 1})
    for ws in sockets:
        assert await told(ws) == {"inventoryCount": 9, "version": 1}
    await ann.shop("remove", session="somebody")
    for ws in sockets:
        assert await told(ws) == {"inventoryCount": 10, "version": 2}
        ws.close()


async def test_the_cart_is_the_one_of_chapter_9(app, serve, visit, inventory):
    url = serve(app)
    answers = await asyncio.gather(*(visit(url).shop("add", session="x") for _ in range(12)))
    assert sorted(status for status, _ in answers) == [200] * 10 + [409] * 2
    eve = visit(url)
    foreign = {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"}
    assert (await eve.shop("add", foreign))[0] == 403
    assert (await eve.shop("steal"))[0] == 400
    assert inventory.state() == {"inventoryCount": 0, "version": 10}


async def test_who_leaves_is_forgotten(app, serve, connect, inventory, caplog):
    url = serve(app)
    polite = [await connect(url) for _ in range(50)]
    rude = [raw(url) for _ in range(100)]
    await until(lambda: waiters(inventory) == 150)
    for ws in polite:
        ws.close()
    for number, sock in enumerate(rude):
        reset(sock) if number % 2 else sock.close()
    await until(lambda: waiters(inventory) == 0)
    inventory.add("a")
    await asyncio.sleep(0.05)
    assert [task for task in asyncio.all_tasks() if ".follow" in repr(task.get_coro())] == []
    assert not tracebacks(caplog)


async def test_a_failing_client_holds_up_no_other_client(
    app, serve, connect, inventory, chapter, caplog
):
    class Broken(chapter.StatusHandler):
        def write_message(self, message, binary=False):
            raise RuntimeError("this client is broken")

    app.add_handlers(".*", [(r"/broken", Broken, {"inventory": inventory})])
    url = serve(app)
    await connect(url, "/broken")
    ws = await connect(url)
    await connect(url, "/broken")
    assert (await told(ws))["version"] == 0
    inventory.add("a")
    assert (await told(ws))["version"] == 1


async def test_a_slow_reader_delays_nobody_and_gets_the_last_state(app, serve, connect, inventory):
    """A client that reads nothing is owed one message beyond what the kernel took, whatever changes."""
    url = serve(app)
    slow = raw(url, size=2304)
    quick = await connect(url)
    await told(quick)
    await until(lambda: waiters(inventory) == 2)
    inventory.state = lambda: {
        "inventoryCount": 10,
        "version": inventory.version,
        "padding": "x" * 1_000_000,  # so that one message fills the line
    }
    for number in range(40):
        (inventory.remove if number % 2 else inventory.add)("a")
        assert (await told(quick))["version"] == number + 1
    owed = [
        len(each._write_buffer)
        for each in gc.get_objects()
        if type(each) is IOStream and not each.closed()  # isinstance() would wake dead proxies
    ]
    assert max(owed) < 2_000_000
    quick.close()
    loop = asyncio.get_running_loop()
    got = b""
    while b'"version": 40' not in got:
        data = await asyncio.wait_for(loop.sock_recv(slow, 2**20), 5)
        got = got[-200:] + data
    reset(slow)


@pytest.mark.parametrize("message", ["", "not json", "[1]", "null", '{"action": "add"}', "\x00"])
async def test_a_message_to_the_inventory_gets_an_error_and_the_socket_stays(
    app, serve, connect, inventory, message, caplog
):
    ws = await connect(serve(app))
    await told(ws)
    await ws.write_message(message)
    assert "error" in await told(ws)
    await ws.write_message(message.encode(), binary=True)
    assert "error" in await told(ws)
    inventory.add("a")
    assert (await told(ws))["inventoryCount"] == 9
    ws.close()
    assert not tracebacks(caplog)


HOSTILE = {
    "text that is not UTF-8": frame(1, b"\xff\xfe"),
    "an unknown opcode": frame(3, b"x"),
    "a continuation of nothing": frame(0, b"x"),
    "a ping in pieces": frame(9, b"x", fin=False),
    "a long ping": frame(9, b"x" * 126),
    "a close without a reason": frame(8, b""),
    "a close of one byte": frame(8, b"x"),
    "a close with a bad reason": frame(8, struct.pack("!H", 1000) + b"\xff\xff"),
    "a bad close code": frame(8, struct.pack("!H", 99)),
    "a length without an end": bytes([0x82, 255]) + b"\xff" * 8,
    "noise": bytes(range(256)),
    "messages and then a reset": frame(1, b"x") * 50,
    "half a frame": frame(1, b"hello")[:3],
    "HTTP again": b"GET / HTTP/1.1\r\n\r\n",
}


@pytest.mark.parametrize("path", ["/cart/status", "/echo"])
async def test_hostile_bytes_leave_no_traceback(app, serve, connect, inventory, caplog, path):
    url = serve(app)
    loop = asyncio.get_running_loop()
    for early in (False, True):
        for data in HOSTILE.values():
            sock = raw(url, path)
            if not early:
                await asyncio.wait_for(loop.sock_recv(sock, 4096), 5)
            await loop.sock_sendall(sock, data)
            await asyncio.sleep(0 if early else 0.02)
            reset(sock)
    await until(lambda: waiters(inventory) == 0)
    ws = await connect(url)
    assert (await told(ws))["inventoryCount"] == 10
    ws.close()
    gc.collect()
    await asyncio.sleep(0.05)
    assert not tracebacks(caplog)
    assert [record.getMessage() for record in caplog.records if record.levelname == "ERROR"] == []


@pytest.mark.parametrize("path", ["/cart/status", "/echo"])
@pytest.mark.parametrize(
    ("host", "origin", "status"),
    [
        ("evil.example", "http://evil.example", 404),
        ("localhost.evil.example", None, 404),
        ("localhost", "http://evil.example", 403),
        ("localhost:8000", "http://localhost:8000", 101),
        ("127.0.0.1", None, 101),
    ],
)
async def test_a_socket_opens_only_under_this_machines_names(
    app, serve, path, host, origin, status
):
    sock = raw(serve(app), path, host=host, origin=origin)
    answer = await asyncio.wait_for(asyncio.get_running_loop().sock_recv(sock, 4096), 30)
    sock.close()
    assert answer.startswith(b"HTTP/1.1 %d " % status)


@pytest.mark.parametrize("path", ["/cart/status", "/echo"])
async def test_another_site_cannot_open_a_socket(app, serve, connect, path):
    url = serve(app)
    for headers in (
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": url, "Sec-Fetch-Site": "cross-site"},
    ):
        with pytest.raises(HTTPClientError) as refused:
            await connect(url, path, headers=headers)
        assert refused.value.code == 403
    (await connect(url, path, headers={"Origin": url})).close()


async def test_a_plain_request_is_no_handshake(app, serve, fetch, caplog):
    url = serve(app)
    assert (await fetch(url + "/cart/status")).code == 400
    assert (await fetch(url + "/echo", method="POST", body="")).code == 405
    old = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "8"}
    assert (await fetch(url + "/echo", headers=old)).code == 426
    assert not tracebacks(caplog)


async def test_pings_find_a_client_that_is_silent(app, serve, inventory, connect, caplog):
    """One answers no ping; after the ping's time and Tornado's 5 s for a goodbye it is forgotten."""
    assert app.settings["websocket_ping_interval"] > 0
    app.settings["websocket_ping_interval"] = 0.1
    url = serve(app)
    silent = raw(url)
    awake = await connect(url)
    await until(lambda: waiters(inventory) == 2)
    await until(lambda: waiters(inventory) == 1, 10)
    inventory.add("a")
    assert (await told(awake), await told(awake))[1]["inventoryCount"] == 9
    silent.close()
    awake.close()
    assert not tracebacks(caplog)


# ---------------------------------------------------------------- the script


def test_the_script_serves_from_any_folder_and_ends_at_ctrl_c(script):
    running = script(10)
    with urllib.request.urlopen(running.url, timeout=30) as page:
        assert '<span id="count">10</span>' in page.read().decode()
    sockets = [raw(running.url), raw(running.url, "/echo")]
    form = b"action=add&session=0"
    with urllib.request.urlopen(running.url + "/cart", form, timeout=30) as answer:
        assert json.load(answer) == {"inventoryCount": 9, "version": 1}
    for sock, last in zip(sockets, (b'"inventoryCount": 9', b"connected!"), strict=True):
        sock.settimeout(30)
        got = b""
        while last not in got:
            got += sock.recv(10_000)
    assert running.stop(signal.SIGINT, 30) == 0
    assert "Traceback" not in running.output()
