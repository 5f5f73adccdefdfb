"""Chapter 10 with --mongo: several processes, one stock."""

import asyncio
import json
import os
import signal
import time
import urllib.request
import uuid

import pymongo
import pytest
from tornado.httpclient import AsyncHTTPClient
from tornado.websocket import websocket_connect

from servers import Mongod
from visitors import Visitor, until


@pytest.fixture
def stock(mongo_replica):
    """The address of an empty database on a replica set, dropped at the end."""
    name = f"test_{uuid.uuid4().hex}"
    yield mongo_replica.uri.replace("/?", f"/{name}?")
    with pymongo.MongoClient(mongo_replica.uri) as client:
        client.drop_database(name)


@pytest.fixture
def visit():
    client = AsyncHTTPClient(force_instance=True, max_clients=100)
    yield lambda url, cookie="": Visitor(url, client, cookie)
    client.close()


PROXY = {"Host": "localhost"}
"""What a proxy in front of the processes sends to each: the name that the browser knows, and so one cookie."""


async def follow(url, counts):
    """Write down every count that the server at `url` tells."""
    ws = await websocket_connect("ws" + url.removeprefix("http") + "/cart/status")
    while message := await ws.read_message():
        counts.append(json.loads(message)["inventoryCount"])


async def test_a_purchase_at_one_process_reaches_the_clients_of_the_other(script, stock, visit):
    one, two = (script(10, f"--mongo={stock}").url for _ in range(2))
    counts = [[], []]
    followers = [
        asyncio.create_task(follow(*each)) for each in zip((one, two), counts, strict=True)
    ]
    await until(lambda: counts == [[10], [10]])
    ann = visit(one)
    status, first = await ann.shop("add", PROXY)
    assert (status, first["inventoryCount"]) == (200, 9)
    await until(lambda: counts == [[10, 9], [10, 9]])
    # The session is the same at the other process.
    there = visit(two, ann.cookie)
    assert await there.shop("add", PROXY) == (200, first)
    status, second = await there.shop("remove", PROXY)
    assert (status, second) == (200, {"inventoryCount": 10, "version": first["version"] + 1})
    assert there.cookie == ann.cookie
    await until(lambda: counts == [[10, 9, 10], [10, 9, 10]])
    # The last copy is sold once, wherever it is asked for.
    answers = await asyncio.gather(*(visit((one, two)[n % 2]).shop("add") for n in range(40)))
    assert sorted(status for status, _ in answers) == [200] * 10 + [409] * 30
    await until(lambda: counts[0][-1] == counts[1][-1] == 0)
    assert min(map(min, counts)) == 0
    # A process that comes later, or again, knows the stock and the sessions.
    third = script(10, f"--mongo={stock}").url
    late = visit(third, ann.cookie)
    page = (await late.ask("/", headers=PROXY)).body.decode()
    assert '<span id="count">0</span>' in page
    assert late.cookie == ann.cookie
    for each in followers:
        each.cancel()


async def test_when_mongodb_is_away_a_purchase_is_refused_and_then_taken_again(script, visit):
    mongod = Mongod(replica_set=True)
    try:
        running = [script(10, f"--mongo={mongod.uri}") for _ in range(2)]
        one, two = (each.url for each in running)
        counts = []
        follower = asyncio.create_task(follow(two, counts))
        await until(lambda: counts == [10])
        assert (await visit(one).shop("add"))[0] == 200
        await until(lambda: counts[-1:] == [9])
        await asyncio.to_thread(mongod.kill)
        assert await visit(one).shop("add") == (503, {"error": "the database does not respond"})
        assert '<span id="count">9</span>' in (await visit(one).ask("/")).body.decode()
        await asyncio.to_thread(mongod.start)
        assert counts == [10, 9]  # the sockets have stayed open
        begin = time.monotonic()
        while (await visit(one).shop("add"))[0] != 200:
            assert time.monotonic() - begin < 60
        await until(lambda: counts[-1] < 9, 60)
        follower.cancel()
        for each in running:
            assert each.stop() == 0
            assert "Traceback" not in each.output()
            assert max(map(len, each.output().splitlines())) < 200
    finally:
        mongod.close()


@pytest.mark.parametrize("replaced", [False, True])
async def test_the_follower_ends_also_if_pymongo_loses_its_cancellation(load, replaced):
    class Stream:
        alive, asked = True, 0

        async def watch(self, **options):
            return self

        async def find_one_and_update(self, *args, **options):
            return {"copies": 10, "carts": [], "version": 1}

        async def try_next(self):
            self.asked += 1
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                if self.asked > 1:  # to end a test that has failed
                    raise
            if replaced:
                raise pymongo.errors.AutoReconnect("connection closed")

    stream = Stream()
    following = asyncio.create_task(load(10, "cluster.py").ClusterInventory(stream).follow())
    await until(lambda: stream.asked)
    following.cancel()
    done, _ = await asyncio.wait([following], timeout=20)
    following.cancel()
    assert (len(done), stream.asked) == (1, 1)


async def test_a_mongodb_that_hangs_holds_up_no_purchase_and_no_ctrl_c(script, visit):
    mongod = Mongod(replica_set=True)
    try:
        running = script(10, f"--mongo={mongod.uri}")
        os.kill(mongod.process.pid, signal.SIGSTOP)
        assert (await visit(running.url).shop("add"))[0] == 503
        # The stream waits for an answer, and a purchase too: neither keeps the program from ending.
        purchase = asyncio.create_task(visit(running.url).shop("add"))
        await asyncio.sleep(0.1)
        assert running.stop(signal.SIGINT, 30) == 0  # that mongod never answers
        purchase.cancel()
        assert "Traceback" not in running.output()
        late = script(10, f"--mongo={mongod.uri}", wait=False)
        assert late.process.wait(30) == 1
        assert late.output() == "main.py: MongoDB: no response (make mongo starts one)\n"
    finally:
        os.kill(mongod.process.pid, signal.SIGCONT)
        mongod.close()


@pytest.mark.parametrize("loss", ["the collection", "the document", "the database"])
async def test_a_stock_that_is_dropped_is_a_new_book(script, stock, visit, loss):
    running = script(10, f"--mongo={stock}")
    counts = []
    follower = asyncio.create_task(follow(running.url, counts))
    await until(lambda: counts == [10])
    assert (await visit(running.url).shop("add"))[0] == 200
    await until(lambda: counts == [10, 9])
    with pymongo.MongoClient(stock) as client:
        database = client.get_default_database()
        if loss == "the collection":
            database.inventory.drop()
        elif loss == "the document":
            database.inventory.delete_one({})
        else:
            client.drop_database(database)
    assert (await visit(running.url).shop("add"))[0] == 200
    await until(lambda: 10 in counts[2:] or counts[2:][-1:] == [9])
    answers = [(await visit(running.url).shop("add"))[0] for _ in range(11)]
    assert 409 in answers and set(answers) == {200, 409}
    follower.cancel()
    assert " 500 " not in running.output()


async def test_the_key_of_the_sessions_is_not_in_what_a_change_sends(script, stock):
    script(10, f"--mongo={stock}")
    with pymongo.MongoClient(stock) as client:
        database = client.get_default_database()
        assert set(database.inventory.find_one()) == {"_id", "copies", "carts", "version"}
        assert len(database["keys"].find_one()["value"]) == 64


def test_a_mongod_without_a_replica_set_is_refused_in_one_line(script, mongod):
    running = script(10, f"--mongo={mongod.uri}", wait=False)
    assert running.process.wait(30) == 1
    [line] = running.output().splitlines()
    assert line.startswith("main.py: MongoDB: ")
    assert "replica set" in line


@pytest.mark.parametrize(
    "uri",
    [
        "mongodb://me:p@ss@host/",
        "mongodb+srv://nowhere.invalid/",
        "mongodb://127.0.0.1:99999/",
        "mongodb://127.0.0.1:1/",
        "mongodb://nowhere.invalid/",
    ],
)
def test_an_address_that_cannot_be_used_ends_the_program_in_one_line(script, uri):
    running = script(10, f"--mongo={uri}", wait=False)
    assert running.process.wait(30) == 1
    [line] = running.output().splitlines()
    assert line.startswith("main.py: MongoDB: ") and "make mongo" in line and len(line) < 160


def test_the_address_may_come_from_the_environment(script, stock):
    one = script(10, env={"MONGODB_URI": stock})
    two = script(10, f"--mongo={stock}")
    alone = script(10, "--mongo=", env={"MONGODB_URI": stock})
    urllib.request.urlopen(one.url + "/cart", b"action=add", timeout=30).close()
    for server, left in ((one, 9), (alone, 10)):
        with urllib.request.urlopen(server.url, timeout=30) as page:
            assert f'<span id="count">{left}</span>' in page.read().decode()
    with urllib.request.urlopen(two.url + "/cart", b"action=add", timeout=30) as answer:
        assert json.load(answer)["inventoryCount"] == 8


async def test_old_news_changes_nothing(load):
    inventory = load(10, "cluster.py").ClusterInventory(None)
    inventory.adopt({"copies": 10, "carts": ["a", "b"], "version": 2})
    inventory.adopt({"copies": 10, "carts": ["a"], "version": 1})
    assert inventory.state() == {"inventoryCount": 8, "version": 2}
