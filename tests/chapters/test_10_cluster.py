"""Chapter 10 with --mongo: several processes, one stock."""

import asyncio
import json
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
    begin = time.monotonic()
    assert await ann.shop("add") == (200, {"inventoryCount": 9, "version": 1})
    await until(lambda: counts == [[10, 9], [10, 9]])
    assert time.monotonic() - begin < 2
    # The session is the same at the other process.
    there = visit(two, ann.cookie)
    assert await there.shop("add") == (200, {"inventoryCount": 9, "version": 1})
    assert await there.shop("remove") == (200, {"inventoryCount": 10, "version": 2})
    assert there.cookie == ann.cookie
    await until(lambda: counts == [[10, 9, 10], [10, 9, 10]])
    # The last copy is sold once, wherever it is asked for.
    answers = await asyncio.gather(*(visit((one, two)[n % 2]).shop("add") for n in range(40)))
    assert sorted(status for status, _ in answers) == [200] * 10 + [409] * 30
    await until(lambda: counts[0][-1] == counts[1][-1] == 0)
    assert min(map(min, counts)) == 0
    # A process that comes later, or again, knows the stock and the sessions.
    third = visit(script(10, f"--mongo={stock}").url, ann.cookie)
    assert '<span id="count">0</span>' in (await third.ask("/")).body.decode()
    assert third.cookie == ann.cookie
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
        begin = time.monotonic()
        assert await visit(one).shop("add") == (503, {"error": "The database is away"})
        assert time.monotonic() - begin < 4
        assert '<span id="count">9</span>' in (await visit(one).ask("/")).body.decode()
        await asyncio.to_thread(mongod.start)
        await until(lambda: counts == [10, 9], 1)  # the sockets stay open meanwhile
        begin = time.monotonic()
        while (await visit(one).shop("add"))[0] != 200:
            assert time.monotonic() - begin < 15
        await until(lambda: counts[-1] < 9, 15)
        follower.cancel()
        assert not any("Traceback" in each.output() for each in running)
        assert all(each.stop() == 0 for each in running)
    finally:
        mongod.close()


def test_a_mongod_without_a_replica_set_is_refused_in_one_line(script, mongod):
    running = script(10, f"--mongo={mongod.uri}", wait=False)
    assert running.process.wait(20) == 1
    [line] = running.output().splitlines()
    assert line.startswith("Cannot share the stock ")
    assert "replica set" in line


def test_the_address_may_come_from_the_environment(script, stock):
    one = script(10, env={"MONGODB_URI": stock})
    two = script(10, f"--mongo={stock}")
    alone = script(10, "--mongo=", env={"MONGODB_URI": stock})
    urllib.request.urlopen(one.url + "/cart", b"action=add", timeout=5).close()
    for server, left in ((one, 9), (alone, 10)):
        with urllib.request.urlopen(server.url, timeout=5) as page:
            assert f'<span id="count">{left}</span>' in page.read().decode()
    with urllib.request.urlopen(two.url + "/cart", b"action=add", timeout=5) as answer:
        assert json.load(answer)["inventoryCount"] == 8
    assert "the stock is in MongoDB" in one.output()


async def test_old_news_changes_nothing(load):
    cluster = load(10, "cluster.py")
    inventory = cluster.ClusterInventory(None)
    await inventory.adopt({"copies": 10, "carts": ["a", "b"], "version": 2})
    await inventory.adopt({"copies": 10, "carts": ["a"], "version": 1})
    await inventory.adopt(None)
    assert inventory.state() == {"inventoryCount": 8, "version": 2}
