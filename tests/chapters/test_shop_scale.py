"""Chapters 9 and 10 with many clients: all are told of a change within a second and a half."""

import asyncio

import pytest
from crowd import Polls, Sockets, more_descriptors
from tornado.httpclient import AsyncHTTPClient

from visitors import Visitor

SECONDS = 1.5
ROUNDS = 15  # the machine may be busy with other tests: one of them must be quick enough


@pytest.fixture(autouse=True)
def a_stock_of_our_own(monkeypatch):
    monkeypatch.delenv("MONGODB_URI", raising=False)


@pytest.fixture
def shopper(script):
    """`url, shop = shopper(9)` starts the chapter's script; `await shop()` makes a change."""
    client = AsyncHTTPClient(force_instance=True)

    def start(number):
        url = script(number, "--logging=warning").url
        visitor = Visitor(url, client)
        actions = iter(["add", "remove"] * 20)

        async def shop():
            assert (await visitor.shop(next(actions)))[0] == 200

        return url, shop

    yield start
    client.close()


def clients(wanted):
    """So many, or as many as this system's limit on open files allows a process."""
    return min(wanted, more_descriptors(wanted + 500) - 500)


async def test_five_thousand_sockets_are_told(shopper):
    how_many = clients(5000)
    url, shop = shopper(10)
    crowd = Sockets(url, how_many)
    await crowd.gather()
    took = []
    while len(took) < ROUNDS and min(took, default=SECONDS) >= SECONDS:
        took.append(await crowd.seconds_until_all_know(len(took) + 1, shop))
        await asyncio.sleep(0.2)
    print(how_many, "sockets told after", [round(each, 2) for each in took], "s")
    crowd.leave()
    assert {client.version for client in crowd.clients} == {len(took)}
    assert min(took) < SECONDS


async def test_two_thousand_long_polls_are_told(shopper):
    how_many = clients(2000)
    url, shop = shopper(9)
    crowd = Polls(url, how_many)
    await crowd.gather()
    took = []
    while len(took) < ROUNDS and min(took, default=SECONDS) >= SECONDS:
        for client in crowd.clients:
            crowd.ask(client)
        await asyncio.sleep(1)  # until they wait; who comes late is answered at once
        took.append(await crowd.seconds_until_all_know(len(took) + 1, shop))
    print(how_many, "polls told after", [round(each, 2) for each in took], "s")
    crowd.leave()
    assert {client.version for client in crowd.clients} == {len(took)}
    assert min(took) < SECONDS
