"""Fixtures that all tests share: a chapter's module, its script as a process, a server in the test's loop, MongoDB."""

from __future__ import annotations

import contextlib
import functools
import importlib.util
import itertools
import os
import signal
import sys
import urllib.request
import uuid
from collections import Counter

import pytest
import pytest_asyncio
from tornado.httpclient import AsyncHTTPClient
from tornado.httpserver import HTTPServer
from tornado.testing import bind_unused_port

from course.manifest import chapter

from servers import CHROMIUM, NOT_TESTED, Mongod, Script, no_browser

# Playwright, PyMongo and mongomock are imported where they are used: the process that deals out the tests needs none.

_count = itertools.count()


def pytest_configure():
    # Ctrl-C ends what the tests start, also where this run is in the background of a shell, which ignores it there.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    # The tests' own requests are to this machine. What they start sees a proxy in the environment as a reader's would.
    urllib.request.install_opener(urllib.request.build_opener(urllib.request.ProxyHandler({})))
    # A make that a test starts is not part of the `make test` around it, whose settings would change what it prints.
    for name in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS"):
        os.environ.pop(name, None)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_terminal_summary(terminalreporter):
    """After all else but pytest's closing line: what was not tested, and how to get what it needs."""
    result = yield
    skipped = terminalreporter.stats.get("skipped", [])
    reasons = [report.longrepr[2] for report in skipped if isinstance(report.longrepr, tuple)]
    counted = Counter(r.partition(NOT_TESTED)[2] for r in reasons if NOT_TESTED in r)
    if counted:
        terminalreporter.section("not tested", yellow=True)
    for reason, count in counted.items():
        terminalreporter.write_line(f"{count} tests need {reason}")
    return result


@pytest.fixture
def load(monkeypatch):
    """`load(5)` imports the chapter's main.py anew; `load(9, "inventory.py")` another file of its folder."""

    def load(number: int, file: str = "main.py"):
        folder = chapter(str(number)).script.parent
        monkeypatch.syspath_prepend(str(folder))
        for other in folder.glob("*.py"):
            monkeypatch.delitem(sys.modules, other.stem, raising=False)
        path = folder / file
        if file != "main.py":
            return importlib.import_module(path.stem)
        spec = importlib.util.spec_from_file_location(f"chapter_{number}_{next(_count)}", path)
        module = importlib.util.module_from_spec(spec)
        monkeypatch.setitem(sys.modules, spec.name, module)
        spec.loader.exec_module(module)
        return module

    return load


@contextlib.contextmanager
def scripts():
    """A function that starts a chapter's script; all of them are ended."""
    running = []

    def start(number: int, *args: str, **settings) -> Script:
        running.append(Script(chapter(str(number)).script, *args, **settings))
        return running[-1]

    try:
        yield start
    finally:
        for each in running:
            each.kill()


@pytest.fixture
def script():
    """`script(5, "--debug")` runs the chapter's script on a free port; it is always ended."""
    with scripts() as start:
        yield start


@pytest.fixture(scope="module")
def shared():
    """As `script`, but it starts once for all tests of a file that give the same options: they change nothing in it."""
    with scripts() as start:
        yield functools.cache(start)


@pytest.fixture
async def serve():
    """`url = serve(app)` serves an application in the test's own event loop, on a free port."""
    servers = []

    def start(app, **settings) -> str:
        sock, port = bind_unused_port()
        server = HTTPServer(app, **settings)
        server.add_socket(sock)
        servers.append(server)
        return f"http://127.0.0.1:{port}"

    yield start
    for server in servers:
        server.stop()
        await server.close_all_connections()


@pytest.fixture
async def fetch():
    """`await fetch(url, method="POST", body=...)` asks and returns the response, whatever its status."""
    client = AsyncHTTPClient(force_instance=True, defaults={"request_timeout": 10})

    async def ask(url: str, **request):
        return await client.fetch(
            url,
            raise_error=False,
            follow_redirects=False,
            allow_nonstandard_methods=True,
            **request,
        )

    yield ask
    client.close()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser():
    """A headless Chromium; its tests run in the session's event loop: `pytest.mark.asyncio(loop_scope="session")`."""
    from playwright.async_api import Error, async_playwright

    async with async_playwright() as playwright:
        try:
            browser = await playwright.chromium.launch(**CHROMIUM)
        except Error as error:
            no_browser(error)
        yield browser
        await browser.close()


@pytest.fixture(scope="session")
def mongod():
    """A real mongod; `.uri` is its address."""
    server = Mongod()
    yield server
    server.close()


@pytest.fixture(scope="session")
def mongo_replica():
    """A real mongod as a one-member replica set, for change streams; `.uri` is its address."""
    server = Mongod(replica_set=True)
    yield server
    server.close()


@pytest.fixture(scope="session")
def mongo_client(mongod):
    """A client of the real mongod."""
    import pymongo

    with pymongo.MongoClient(mongod.uri) as client:
        yield client


@pytest.fixture(params=["mongomock", "mongod"])
def database(request):
    """An empty database, once in mongomock and once on a real mongod; dropped at the end."""
    if request.param == "mongomock":
        import mongomock

        yield mongomock.MongoClient().example
        return
    client = request.getfixturevalue("mongo_client")
    database = client[f"test_{uuid.uuid4().hex}"]
    yield database
    client.drop_database(database)


@pytest.fixture
def collection(database):
    """An empty collection of words, once in mongomock and once on a real mongod."""
    return database.words
