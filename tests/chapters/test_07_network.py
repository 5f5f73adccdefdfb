"""Chapter 7's script before real networks: TLS, proxies, a burst; and what a blocking handler does to the others."""

import asyncio
import resource
import subprocess
import time

import psutil
import pytest
import tornado.web
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets

from fake_timeline import FakeTimeline, moments
from servers import crowded

# ---------------------------------------------------------------- TLS and proxies


@pytest.fixture(scope="module")
def secure(tmp_path_factory):
    """A timeline behind TLS, and the file of its certificate, which nobody knows unless told."""
    folder = tmp_path_factory.mktemp("tls")
    key, certificate = folder / "key.pem", folder / "cert.pem"
    subprocess.run(
        f"openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -keyout {key} "
        f"-out {certificate} -addext subjectAltName=DNS:localhost".split(),
        check=True,
        capture_output=True,
    )
    fake = FakeTimeline(ssl_options={"certfile": str(certificate), "keyfile": str(key)})
    yield f"https://localhost:{fake.port}", certificate
    fake.close()


async def test_a_server_with_tls_is_asked_and_its_certificate_is_looked_at(script, secure, fetch):
    address, certificate = secure
    trusting = script(7, f"--api={address}/", env={"SSL_CERT_FILE": str(certificate)})
    wary = script(7, f"--api={address}")
    for path in ("/sync", "/async"):
        assert b">0.20</div>" in (await fetch(f"{trusting.url}{path}?q=moved")).body
        response = await fetch(f"{wary.url}{path}?q=tornado")
        assert response.code == 502
        assert b"certificate" in response.body.lower()


@pytest.mark.parametrize("name", ["http_proxy", "HTTP_PROXY"])
async def test_a_proxy_is_not_asked_for_the_stand_in(script, fetch, name):
    running = script(7, "--delay=0", env={name: "http://127.0.0.1:1", "NO_PROXY": "example.org"})
    for path in ("/sync", "/async"):
        assert (await fetch(f"{running.url}{path}?q=tornado")).code == 200


# ---------------------------------------------------------------- who holds up whom


@pytest.fixture
def running(shared):
    """The script, whose lookups take a second."""
    return shared(7, "--delay=1", "--logging=error")


async def test_a_blocking_lookup_holds_up_the_page(running, fetch):
    lookup = asyncio.create_task(fetch(f"{running.url}/sync?q=tornado"))
    await asyncio.sleep(0.2)
    page = await fetch(running.url)
    assert page.code == 200
    assert page.request_time > 0.4
    assert (await lookup).code == 200


async def test_an_async_lookup_does_not(running, fetch):
    lookup = asyncio.create_task(fetch(f"{running.url}/async?q=tornado"))
    await asyncio.sleep(0.1)
    assert (await fetch(running.url)).code == 200
    assert not lookup.done()
    assert (await lookup).code == 200


async def burst(port: int, path: str, count: int) -> float:
    """Send so many requests at once; the seconds until the last answer. All must be 200."""

    async def one() -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        answer = await reader.read()
        writer.close()
        return answer.split(b" ", 2)[1]

    began = time.monotonic()
    answers = await asyncio.gather(*[one() for _ in range(count)])
    seconds = time.monotonic() - began
    assert answers == [b"200"] * count
    return seconds


async def test_blocking_lookups_take_one_time_each(running):
    assert await burst(running.port, "/sync?q=tornado", 3) >= 3 * 1.0


async def test_a_hundred_async_lookups_take_one_time_together(running):
    tries = []
    for _ in range(5):
        before = running.work()
        seconds = await burst(running.port, "/async?q=tornado", 100)
        assert seconds >= 1.0
        # On a slow machine the work alone may take longer than the limit leaves.
        tries.append((seconds, max(1.4, 1.0 + running.work() - before) * crowded()))
        if seconds <= tries[-1][1]:
            return
    pytest.fail(f"100 lookups, seconds and limit: {tries}")


@pytest.fixture
def many_files():
    """A burst of 1,000 needs a thousand connections on either side of the script."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 8192), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


async def test_a_thousand_lookups_are_under_way_together(script, many_files):
    """No clock in it: this timeline answers nobody before all have asked, so that one lookup that waited would stop all."""
    count, asked, all_here = 1000, 0, asyncio.Event()

    class Timeline(tornado.web.RequestHandler):
        async def get(self, tag):
            nonlocal asked
            asked += 1
            if asked == count:
                all_here.set()
            await all_here.wait()
            self.write(moments(10))

    [sock] = bind_sockets(0, "127.0.0.1", backlog=2048)
    server = HTTPServer(tornado.web.Application([(r"/api/v1/timelines/tag/(.+)", Timeline)]))
    server.add_socket(sock)
    try:
        running = script(7, f"--api=http://127.0.0.1:{sock.getsockname()[1]}", "--logging=error")
        await burst(running.port, "/async?q=tornado", count)
    finally:
        server.stop()
        await server.close_all_connections()


async def test_memory_stays_flat_over_ten_bursts(script):
    running = script(7, "--delay=0.2", "--logging=error")
    process = psutil.Process(running.process.pid)
    sizes = []
    for _ in range(10):
        await burst(running.port, "/async?q=tornado", 100)
        sizes.append(process.memory_info().rss / 2**20)
    assert max(sizes[5:]) - max(sizes[:5]) < 4, sizes  # MB
    assert process.num_fds() < 60


async def test_with_a_limit_on_lookups_a_burst_comes_in_waves(load, serve):
    timeline = serve(load(7, "upstream.py").make_app(delay=0.2))
    url = serve(load(7).make_app(timeline, max_clients=10))
    assert await burst(int(url.rpartition(":")[2]), "/async?q=tornado", 40) >= 4 * 0.2
