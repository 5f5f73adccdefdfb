"""Chapter 7's script on real networks: TLS, proxies, a thousand lookups; what a blocking handler does to the others."""

import asyncio
import resource
import signal
import ssl
import subprocess

import psutil
import pytest

from course.harness.timeline import Timeline
from course.manifest import chapter

from servers import Script

# ---------------------------------------------------------------- TLS and proxies


@pytest.fixture(scope="module")
def secure(tmp_path_factory):
    """A timeline behind TLS, and the file of its certificate, which no client trusts by itself."""
    folder = tmp_path_factory.mktemp("tls")
    key, certificate = folder / "key.pem", folder / "cert.pem"
    subprocess.run(
        f"openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -keyout {key} "
        f"-out {certificate} -addext subjectAltName=DNS:localhost".split(),
        check=True,
        capture_output=True,
    )
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    timeline = Timeline(tls=context)
    yield f"https://localhost:{timeline.port}", certificate
    timeline.close()


async def test_a_server_with_tls_is_asked_and_its_certificate_is_looked_at(script, secure, fetch):
    address, certificate = secure
    trusting = script(7, f"--api={address}/", env={"SSL_CERT_FILE": str(certificate)})
    wary = script(7, f"--api={address}")
    for path in ("/sync", "/async"):
        assert b">0.10</div>" in (await fetch(f"{trusting.url}{path}?q=moved")).body
        response = await fetch(f"{wary.url}{path}?q=tornado")
        assert response.code == 502
        assert b"certificate" in response.body.lower()


PROXIES = [
    {"http_proxy": "http://127.0.0.1:9"},
    {"HTTP_PROXY": "http://127.0.0.1:9", "NO_PROXY": "example.org"},
    {"http_proxy": "socks5://127.0.0.1:9", "ALL_PROXY": "socks5://127.0.0.1:9"},
]


@pytest.mark.parametrize("proxy", PROXIES, ids=str)
async def test_no_proxy_is_asked_for_this_machine(script, timeline, fetch, proxy):
    for running in (
        script(7, "--delay=0", env=proxy),
        script(7, f"--api={timeline.url}", env=proxy),
    ):
        for path in ("/sync", "/async"):
            assert (await fetch(f"{running.url}{path}?q=tornado")).code == 200


async def test_no_proxy_is_asked_by_the_starter_either(fetch):
    running = Script(chapter("7").starter, env=PROXIES[0])
    try:
        assert (await fetch(f"{running.url}/rate?q=tornado")).code == 200
    finally:
        running.kill()


# ---------------------------------------------------------------- blocking, and not


@pytest.fixture(scope="module")
def _timeline():
    started = Timeline()
    yield started
    started.close()


@pytest.fixture
def timeline(_timeline):
    return _timeline.reset()


@pytest.fixture
def running(shared, timeline):
    return shared(7, f"--api={timeline.url}", "--logging=error")


async def until(state):
    """Wait until `state()` is true; at most a minute, which only ends a test that is red anyway."""
    async with asyncio.timeout(60):
        while not state():
            await asyncio.sleep(0.005)


async def test_a_blocking_lookup_holds_up_the_page(running, fetch, timeline):
    timeline.hold()
    lookup = asyncio.create_task(fetch(f"{running.url}/sync?q=tornado"))
    await until(lambda: timeline.under_way == 1)
    page = asyncio.create_task(fetch(running.url))
    await asyncio.sleep(0.3)
    assert not page.done()
    timeline.release()
    assert (await page).code == (await lookup).code == 200


async def test_an_async_lookup_does_not(running, fetch, timeline):
    timeline.hold()
    lookup = asyncio.create_task(fetch(f"{running.url}/async?q=tornado"))
    await until(lambda: timeline.under_way == 1)
    assert (await fetch(running.url)).code == 200
    assert not lookup.done()
    timeline.release()
    assert (await lookup).code == 200


async def burst(port: int, path: str, count: int) -> list[bytes]:
    """Send so many requests at the same time; the status of each response."""

    async def one() -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        answer = await reader.read()
        writer.close()
        return answer.split(b" ", 2)[1]

    return await asyncio.gather(*[one() for _ in range(count)])


async def test_blocking_lookups_run_one_at_a_time(running, timeline):
    timeline.reset(delay=0.05)
    assert await burst(running.port, "/sync?q=tornado", 6) == [b"200"] * 6
    assert timeline.most == 1


@pytest.fixture
def many_files():
    """A burst of 1,000 needs a thousand connections on either side of the application."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 8192), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


async def test_a_thousand_lookups_are_under_way_together(load, serve, timeline, many_files):
    """None is answered before all are under way; the time limit is far away, however slow the machine is."""
    url = serve(load(7).make_app(timeline.url, timeout=300))
    timeline.hold()
    answers = asyncio.create_task(burst(int(url.rpartition(":")[2]), "/async?q=tornado", 1000))
    await until(lambda: timeline.under_way == 1000)
    timeline.release()
    assert await answers == [b"200"] * 1000


async def test_memory_stays_flat_over_ten_bursts(running, timeline):
    process = psutil.Process(running.process.pid)
    sizes = []
    for _ in range(10):
        timeline.reset().hold()
        answers = asyncio.create_task(burst(running.port, "/async?q=tornado", 100))
        await until(lambda: timeline.under_way == 100)
        timeline.release()
        assert await answers == [b"200"] * 100
        sizes.append(process.memory_info().rss / 2**20)
    assert max(sizes[5:]) - max(sizes[:5]) < 4, sizes  # MB
    assert process.num_fds() < 60


@pytest.mark.parametrize("path", ["/sync", "/async"])
async def test_ctrl_c_ends_it_while_twenty_lookups_wait(script, timeline, path):
    running = script(7, f"--api={timeline.url}")
    timeline.hold()
    clients = [asyncio.open_connection("127.0.0.1", running.port) for _ in range(20)]
    for _, writer in await asyncio.gather(*clients):
        writer.write(f"GET {path}?q=tornado HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    await until(lambda: timeline.under_way == (1 if path == "/sync" else 20))
    # The lookups still wait: with asyncio's handler of SIGINT, /sync would go on for 10 s each.
    assert running.stop(signal.SIGINT, seconds=8) == 0
    assert "Traceback" not in running.output()
    assert "Error" not in running.output()
