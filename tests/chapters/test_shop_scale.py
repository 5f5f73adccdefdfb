"""Chapters 9 and 10 with thousands of clients."""

import pytest
from crowd import Polls, Sockets, more_descriptors
from tornado.httpclient import AsyncHTTPClient

from visitors import Visitor

ROUNDS = 3


@pytest.fixture(autouse=True)
def a_stock_of_our_own(monkeypatch):
    monkeypatch.delenv("MONGODB_URI", raising=False)


@pytest.fixture
def shopper(script):
    """`running, shop = shopper(9)` starts the chapter's script; `await shop()` makes a change."""
    client = AsyncHTTPClient(force_instance=True)

    def start(number):
        running = script(number, "--logging=warning")
        visitor = Visitor(running.url, client)
        actions = iter(["add", "remove"] * 20)

        async def shop():
            assert (await visitor.shop(next(actions)))[0] == 200

        return running, shop

    yield start
    client.close()


def clients(wanted):
    """So many, or as many as this system's limit on open files allows a process."""
    return min(wanted, more_descriptors(wanted + 500) - 500)


async def test_every_one_of_five_thousand_sockets_is_told_of_every_change_once(shopper):
    running, shop = shopper(10)
    crowd = Sockets(running.url, clients(5000))
    await crowd.gather()
    for number in range(ROUNDS):
        assert len(await crowd.tell(number + 1, shop)) == len(crowd.clients)
    crowd.leave()
    assert {client.told for client in crowd.clients} == {1 + ROUNDS}  # the first one at the start


async def test_every_one_of_two_thousand_long_polls_is_told_of_every_change_once(shopper):
    running, shop = shopper(9)
    crowd = Polls(running.url, clients(2000))
    await crowd.gather()
    for number in range(ROUNDS):
        for client in crowd.clients:
            crowd.ask(client)  # the requests arrive before the purchase, or are answered at once
        assert len(await crowd.tell(number + 1, shop)) == len(crowd.clients)
    crowd.leave()
    assert {client.told for client in crowd.clients} == {1 + ROUNDS}
