"""Chapter 9: the live inventory by long poll, its handlers and its script."""

import asyncio
import json
import signal
import socket
import urllib.request
from urllib.parse import urlsplit

import pytest
from tornado.httpclient import AsyncHTTPClient

from servers import ROOT
from visitors import Visitor, reset, tracebacks, until, waiters


@pytest.fixture
def chapter(load):
    return load(9)


@pytest.fixture
def inventory(chapter):
    return chapter.Inventory(copies=10)


@pytest.fixture
def app(chapter, inventory):
    """`app()` is the chapter's application, with a deadline that suits the test."""

    def make(deadline=20):
        return chapter.make_app(inventory, deadline)

    return make


@pytest.fixture
def visit():
    """`visit(url)` is a new visitor; all of them may ask at once."""
    client = AsyncHTTPClient(force_instance=True, max_clients=1000)
    yield lambda url, cookie="": Visitor(url, client, cookie)
    client.close()


# ---------------------------------------------------------------- the inventory


@pytest.mark.parametrize("name", ["inventory.py", "shop.py"])
def test_chapter_10_has_the_same_file(name):
    copies = [ROOT / "chapters" / each / name for each in ("09_long_poll", "10_websockets")]
    assert copies[0].read_bytes() == copies[1].read_bytes()


def test_the_pages_of_both_chapters_differ_only_in_how_they_follow():
    pages = [
        (ROOT / "chapters" / each / "templates" / "index.html").read_text(encoding="utf-8")
        for each in ("09_long_poll", "10_websockets")
    ]
    heads = [page.partition("// From here on")[0] for page in pages]
    assert heads[0] == heads[1] != pages[0]


async def test_after_ten_thousand_changes_every_poller_knows_the_last_state(chapter):
    inventory = chapter.Inventory(copies=10_000)
    seen = [[] for _ in range(50)]

    async def poll(states):
        version = 0
        while version < 10_000:
            state = await inventory.newer_than(version)
            version = state["version"]
            states.append(state)
            if len(states) % 7 == 0:
                await asyncio.sleep(0)  # some are slow, and miss states between

    pollers = [asyncio.create_task(poll(states)) for states in seen]
    for number in range(10_000):
        if number % 3 == 2:
            inventory.remove(str(number - 1))
        else:
            inventory.add(str(number))
        if number % 10 == 0:
            await asyncio.sleep(0)
    await asyncio.wait_for(asyncio.gather(*pollers), 20)
    for states in seen:
        assert states[-1] == inventory.state()
        versions = [state["version"] for state in states]
        assert versions == sorted(set(versions))
    assert max(map(len, seen)) > 500
    assert waiters(inventory) == 0


async def test_two_inventories_share_nothing(chapter):
    one, two = chapter.Inventory(), chapter.Inventory()
    waiting = asyncio.create_task(two.newer_than(0))
    one.add("a")
    await asyncio.sleep(0)
    assert two.state() == {"inventoryCount": 10, "version": 0}
    assert not waiting.done()
    waiting.cancel()


async def test_changes_keep_to_the_stock(load):
    module = load(9, "inventory.py")
    inventory = module.Inventory(copies=2)
    inventory.remove("nobody")
    assert inventory.state() == {"inventoryCount": 2, "version": 0}
    inventory.add("a")
    inventory.add("a")
    assert inventory.state() == {"inventoryCount": 1, "version": 1}
    inventory.add("b")
    with pytest.raises(module.SoldOutError):
        inventory.add("c")
    inventory.add("b")
    assert inventory.state() == {"inventoryCount": 0, "version": 2}
    inventory.remove("a")
    inventory.add("c")
    assert inventory.state() == {"inventoryCount": 0, "version": 4}


# ---------------------------------------------------------------- the cart


async def test_the_page_shows_the_count_and_gives_out_a_session(app, serve, fetch):
    answer = await fetch(serve(app()) + "/")
    assert answer.code == 200
    assert '<span id="count">10</span>' in answer.body.decode()
    flags = answer.headers["Set-Cookie"].lower()
    assert flags.startswith("session_") and "httponly" in flags and "samesite=lax" in flags


async def test_a_visitor_has_one_copy_at_most_and_can_put_it_back(app, serve, visit):
    ann = visit(serve(app()))
    await ann.ask("/")
    cookie = ann.cookie
    assert await ann.shop("add") == (200, {"inventoryCount": 9, "version": 1})
    assert await ann.shop("add") == (200, {"inventoryCount": 9, "version": 1})
    assert await ann.shop("remove") == (200, {"inventoryCount": 10, "version": 2})
    assert await ann.shop("remove") == (200, {"inventoryCount": 10, "version": 2})
    assert ann.cookie == cookie


async def test_a_visitor_without_a_cookie_gets_one_with_the_first_purchase(app, serve, visit):
    ann = visit(serve(app()))
    assert (await ann.shop("add"))[0] == 200
    assert (await ann.shop("remove"))[1]["inventoryCount"] == 10


async def test_only_the_signed_cookie_counts(app, serve, visit):
    url = serve(app())
    ann, bob = visit(url), visit(url)
    await ann.shop("add", session="mine")
    assert (await bob.shop("add", session="mine"))[1]["inventoryCount"] == 8
    assert (await ann.shop("remove", session="theirs"))[1]["inventoryCount"] == 9
    for forged in (
        "session=mine",
        ann.cookie[:-1] + "x",
        'session="2|1:0|"',
        "session=%7f",
        "a;;=,",
    ):
        eve = visit(url, forged)
        status, state = await eve.shop("add")
        assert status == 200, forged
        assert eve.cookie not in (forged, ann.cookie)
    assert state["inventoryCount"] == 4


async def test_a_cookie_of_another_start_is_a_new_session(app, serve, visit):
    ann = visit(serve(app()))
    await ann.shop("add")
    again = visit(serve(app()), ann.cookie)
    assert (await again.shop("add"))[1]["inventoryCount"] == 8
    assert again.cookie != ann.cookie


async def test_the_eleventh_buyer_gets_409_and_the_stock_stays_at_zero(
    app, serve, visit, inventory
):
    url = serve(app())
    answers = await asyncio.gather(*(visit(url).shop("add") for _ in range(30)))
    assert sorted(status for status, _ in answers) == [200] * 10 + [409] * 20
    assert all(body == {"error": "sold out"} for status, body in answers if status == 409)
    assert inventory.state() == {"inventoryCount": 0, "version": 10}


@pytest.mark.parametrize("action", ["buy", "", "ADD", None])
async def test_another_action_is_refused(app, serve, visit, inventory, action):
    status, body = await visit(serve(app())).shop(action)
    assert status == 400
    assert body["error"]
    assert inventory.version == 0


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"}, 403),
        ({"Sec-Fetch-Site": "same-site", "Origin": "https://evil.example"}, 403),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Sec-Fetch-Site": "same-origin"}, 200),
        ({}, 200),
    ],
)
async def test_another_site_cannot_shop_for_a_visitor(
    app, serve, visit, inventory, headers, status
):
    ann = visit(serve(app()))
    await ann.ask("/")
    got, body = await ann.shop("add", headers)
    assert got == status
    assert ("error" in body) == (status == 403)
    assert inventory.version == (0 if status == 403 else 1)


# ---------------------------------------------------------------- the poll


async def test_a_newer_state_is_answered_at_once(app, serve, fetch, inventory):
    url = serve(app())
    inventory.add("a")
    answer = await asyncio.wait_for(fetch(url + "/cart/status?version=0"), 2)
    assert json.loads(answer.body) == {"inventoryCount": 9, "version": 1}
    assert answer.headers["Content-Type"] == "application/json; charset=utf-8"
    assert answer.headers["Cache-Control"] == "no-store"
    assert "Set-Cookie" not in answer.headers


async def test_a_change_between_two_polls_is_not_missed(app, serve, fetch, visit):
    url = serve(app())
    first = asyncio.create_task(fetch(url + "/cart/status?version=0"))
    await visit(url).shop("add")
    version = json.loads((await first).body)["version"]
    await visit(url).shop("add")  # nobody polls at this moment
    second = await asyncio.wait_for(fetch(f"{url}/cart/status?version={version}"), 2)
    assert json.loads(second.body) == {"inventoryCount": 8, "version": 2}


@pytest.mark.parametrize("query", ["", "?version=1"])
async def test_a_poll_waits_for_the_next_change(app, serve, fetch, inventory, query):
    url = serve(app())
    inventory.add("a")
    poll = asyncio.create_task(fetch(url + "/cart/status" + query))
    await until(lambda: waiters(inventory) == 1)
    await asyncio.sleep(0.05)
    assert not poll.done()
    inventory.add("b")
    assert json.loads((await asyncio.wait_for(poll, 2)).body)["inventoryCount"] == 8


@pytest.mark.parametrize("query", ["", "?version=0"])
async def test_at_the_deadline_there_is_nothing_new(app, serve, fetch, inventory, query):
    url = serve(app(deadline=0.1))
    answer = await fetch(url + "/cart/status" + query)
    assert (answer.code, answer.body) == (204, b"")
    assert waiters(inventory) == 0


async def test_a_version_from_before_a_restart_is_answered_at_once(app, serve, fetch):
    for version in (57, -1, 10**30):
        answer = await asyncio.wait_for(fetch(f"{serve(app())}/cart/status?version={version}"), 2)
        assert json.loads(answer.body)["version"] == 0


@pytest.mark.parametrize("version", ["", "x", "1.5", "1e3", "%00", "9" * 5000, "0x1"])
async def test_a_version_that_is_no_number_is_refused(app, serve, fetch, version, caplog):
    answer = await fetch(f"{serve(app())}/cart/status?version={version}")
    assert answer.code == 400
    assert "error" in json.loads(answer.body)
    assert not tracebacks(caplog)


async def test_fifty_clients_follow_three_hundred_purchases(chapter, serve, visit):
    inventory = chapter.Inventory(copies=300)
    url = serve(chapter.make_app(inventory))

    async def follow():
        client, versions = visit(url), [0]
        while versions[-1] < 300:
            answer = await client.ask(f"/cart/status?version={versions[-1]}")
            versions.append(json.loads(answer.body)["version"])
        return versions

    async def buy():
        for _ in range(15):
            assert (await visit(url).shop("add"))[0] == 200

    followers = [asyncio.create_task(follow()) for _ in range(50)]
    await asyncio.gather(*(buy() for _ in range(20)))
    for versions in await asyncio.wait_for(asyncio.gather(*followers), 40):
        assert versions == sorted(set(versions))
        assert len(versions) > 2
    assert waiters(inventory) == 0


@pytest.mark.parametrize("goodbye", [socket.socket.close, reset])
async def test_clients_that_disconnect_leave_no_waiter(app, serve, inventory, caplog, goodbye):
    address = urlsplit(serve(app())).netloc.split(":")
    clients = []
    for number in range(500):
        clients.append(socket.create_connection(address))
        clients[-1].sendall(b"GET /cart/status?version=0 HTTP/1.1\r\nHost: localhost\r\n\r\n")
        if number % 20 == 0:
            await asyncio.sleep(0)
    await until(lambda: waiters(inventory) == 500)
    for client in clients:
        goodbye(client)
    await until(lambda: waiters(inventory) == 0)
    inventory.add("a")
    await asyncio.sleep(0.05)
    left = [task for task in asyncio.all_tasks() if "_execute" in repr(task.get_coro())]
    assert left == []
    assert caplog.records == []


# ---------------------------------------------------------------- this machine's names


def asked(url, request):
    """The bytes that come back for a raw request, which no client library would send."""
    where = urlsplit(url)
    with socket.create_connection((where.hostname, where.port)) as sock:
        sock.sendall(request.replace("\n", "\r\n").encode())
        sock.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: sock.recv(4096), b"")).decode()


POST = "Content-Type: application/x-www-form-urlencoded\nContent-Length: 10\n\naction=add"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ("Host: evil.example\nOrigin: http://evil.example\n", 404),
        ("Host: localhost\nOrigin: http://evil.example\n", 403),
        ("Host: localhost.evil.example\n", 404),
        ("Host: localhost:8000\nOrigin: http://localhost:8000\n", 200),
        ("Host: 127.0.0.1\n", 200),
    ],
)
async def test_only_the_names_of_this_machine_are_served(app, serve, inventory, headers, status):
    url = serve(app())
    answer = await asyncio.to_thread(asked, url, f"POST /cart HTTP/1.1\n{headers}{POST}")
    assert answer.startswith(f"HTTP/1.1 {status} ")
    assert inventory.version == (1 if status == 200 else 0)


async def test_a_method_that_a_path_does_not_have_is_a_405_with_allow(app, serve, fetch):
    url = serve(app())
    for path, method, allowed in (("/cart", "GET", "POST"), ("/cart/status", "DELETE", "GET")):
        answer = await fetch(url + path, method=method)
        assert (answer.code, answer.headers["Allow"]) == (405, allowed)
    assert json.loads((await fetch(url + "/nowhere")).body) == {"error": "Not Found"}


async def test_two_shops_on_two_ports_keep_separate_sessions(chapter, serve, visit):
    """A browser sends the cookies of both to both, since cookies know no ports."""
    one, two = (serve(chapter.make_app()) for _ in range(2))
    here, there = visit(one), visit(two)
    for visitor in (here, there):
        assert (await visitor.shop("add"))[1]["inventoryCount"] == 9
    both = f"{here.cookie}; {there.cookie}"
    for url in (one, two, one):
        assert (await visit(url, both).shop("add"))[1] == {"inventoryCount": 9, "version": 1}


# ---------------------------------------------------------------- the script


def test_the_script_serves_from_any_folder_and_ends_at_ctrl_c(script):
    """A poll that waits then gets no status line, and the log no line."""
    running = script(9)
    url = urlsplit(running.url)
    page = urllib.request.urlopen(running.url, timeout=30).read().decode()
    assert '<span id="count">10</span>' in page
    with socket.create_connection((url.hostname, url.port)) as waiting:
        waiting.sendall(b"GET /cart/status?version=0 HTTP/1.1\r\nHost: localhost\r\n\r\n")
        form = b"action=add&session=0"
        with urllib.request.urlopen(running.url + "/cart", form, timeout=30) as answer:
            assert json.load(answer) == {"inventoryCount": 9, "version": 1}
        assert b'"inventoryCount": 9' in waiting.recv(10_000)
        waiting.sendall(b"GET /cart/status?version=1 HTTP/1.1\r\nHost: localhost\r\n\r\n")
        # Two connections are served in turns: this one's request comes after the poll's.
        urllib.request.urlopen(running.url, timeout=30).close()
        assert running.stop(signal.SIGINT, 30) == 0
        assert waiting.recv(10_000) == b""
    lines = running.output().splitlines()
    assert (
        len([line for line in lines if "/cart/status" in line]) == 1
    )  # the poll that was answered
    assert all(line.startswith("[I ") for line in lines)


def test_a_body_that_is_too_large_is_refused(script):
    answer = asked(script(9).url, "POST /cart HTTP/1.1\nHost: localhost\nContent-Length: 70000\n\n")
    assert "200" not in answer.partition("\n")[0]
