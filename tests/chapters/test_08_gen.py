"""Chapter 8's handlers: whatever the style, the same answers, and never a request that hangs."""

import asyncio
import time

import pytest
from tornado.simple_httpclient import HTTPTimeoutError

from fake_timeline import BROKEN, REFUSING, FakeTimeline, asked

STYLES = ["/callback", "/coroutine", "/await"]
every_style = pytest.mark.parametrize("path", STYLES)
every_path = pytest.mark.parametrize("path", [*STYLES, "/both", "/chain"])


@pytest.fixture(scope="module")
def timeline():
    fake = FakeTimeline()
    yield fake
    fake.close()


@pytest.fixture
def url(load, serve, timeline):
    return serve(load(8).make_app(timeline.url))


@pytest.fixture
def impatient(load, serve, timeline):
    """The application with a time limit of 0.5 s a lookup; the slow timeline takes 1.5 s."""
    return serve(load(8).make_app(timeline.url, timeout=0.5))


@pytest.fixture
def stand_in(load, serve):
    """The chapter's application, before a stand-in that takes a while."""

    def start(delay):
        return serve(load(8).make_app(serve(load(8, "upstream.py").make_app(delay=delay))))

    return start


def query(path, tag):
    """What to ask a path for a tag; two tags where it wants two."""
    return f"{path}?q=tornado&q={tag}" if path == "/both" else f"{path}?q={tag}"


# ---------------------------------------------------------------- one lookup, three styles


@every_style
async def test_it_answers_with_the_tag_and_the_rate(url, fetch, path):
    response = await fetch(f"{url}{path}?q=tornado")
    assert response.code == 200
    assert response.headers["Content-Type"] == "text/html; charset=UTF-8"
    assert response.body == b"<p>tornado: 0.20 posts per second</p>\n"


@every_style
async def test_edges_are_the_same_in_every_style(url, fetch, path):
    assert b"none: 0.00" in (await fetch(f"{url}{path}?q=none")).body
    assert b"moved: 0.20" in (await fetch(f"{url}{path}?q=moved")).body
    assert "咖啡".encode() in (await fetch(f"{url}{path}?q=%E5%92%96%E5%95%A1")).body
    assert asked[-1].endswith("/%E5%92%96%E5%95%A1")
    page = (await fetch(f"{url}{path}?q=%3Cscript%3E")).body
    assert b"&lt;script&gt;" in page
    assert b"<script>" not in page


@every_path
@pytest.mark.parametrize("asked_for", ["", "?q=", "?q=%20", "?q=%FF", "?q=a&q="])
async def test_without_a_tag_it_is_the_clients_mistake(url, fetch, path, asked_for):
    assert (await fetch(url + path + asked_for)).code == 400


@every_path
@pytest.mark.parametrize("tag", BROKEN)
async def test_a_timeline_that_fails_is_a_502_with_a_reason(url, fetch, path, tag):
    response = await fetch(url + query(path, tag))
    assert response.code == 502
    assert response.headers["Content-Type"].startswith("text/plain")
    assert response.body.startswith(b"The timeline failed: ")
    assert response.request_time < 4


@every_path
@pytest.mark.parametrize("tag", ["slow", "drip"])
async def test_a_timeline_that_is_slow_is_a_504(impatient, fetch, path, tag):
    response = await fetch(impatient + query(path, tag))
    assert response.code == 504
    assert 0.4 < response.request_time < 1.4


@every_path
async def test_a_timeline_that_refuses_is_a_502(load, serve, fetch, path):
    response = await fetch(serve(load(8).make_app(REFUSING)) + query(path, "tornado"))
    assert response.code == 502
    assert b"refused" in response.body


@every_style
async def test_a_mistake_of_ours_is_a_500_and_no_request_that_hangs(
    load, serve, fetch, timeline, monkeypatch, path
):
    module = load(8)
    monkeypatch.setattr(module, "posts_per_second", lambda body: 1 / 0)
    response = await fetch(f"{serve(module.make_app(timeline.url))}{path}?q=tornado")
    assert response.code == 500


@every_style
async def test_other_requests_go_on_meanwhile(stand_in, fetch, path):
    url = stand_in(delay=0.4)
    began = time.monotonic()
    answers = await asyncio.gather(*[fetch(f"{url}{path}?q=tornado") for _ in range(8)])
    assert [answer.code for answer in answers] == [200] * 8
    assert 0.4 <= time.monotonic() - began < 1.6  # one after the other: 3.2 s


async def test_a_client_that_leaves_does_no_harm(stand_in, fetch):
    url = stand_in(delay=0.3)
    for path in STYLES:
        with pytest.raises(HTTPTimeoutError):
            await fetch(f"{url}{path}?q=tornado", request_timeout=0.1)
    await asyncio.sleep(0.4)
    assert (await fetch(f"{url}/callback?q=tornado")).code == 200


# ---------------------------------------------------------------- several lookups


async def test_both_answers_in_the_order_of_the_question(url, fetch):
    response = await fetch(f"{url}/both?q=python&q=none")
    assert response.body.decode().splitlines() == [
        "<p>python: 0.20 posts per second</p>",
        "<p>none: 0.00 posts per second</p>",
    ]


@pytest.mark.parametrize("tags", ["?q=a", "?q=a&q=b&q=c", "?q=&q=b"])
async def test_both_takes_two_tags(url, fetch, tags):
    response = await fetch(f"{url}/both{tags}")
    assert (response.code, response.reason[:9]) == (400, "Two tags,")


async def test_two_at_once_take_the_time_of_one(stand_in, fetch):
    response = await fetch(stand_in(delay=1.0) + "/both?q=tornado&q=python")
    assert response.code == 200
    assert 1.0 <= response.request_time < 1.9


async def test_a_chain_of_three_takes_the_time_of_three(stand_in, fetch):
    response = await fetch(stand_in(delay=0.2) + "/chain?q=tornado")
    lines = response.body.decode().splitlines()
    assert len(lines) == 3
    assert lines[0].startswith("<p>tornado: ")
    assert len({line.split(":")[0] for line in lines}) == 3
    assert response.request_time >= 0.6


async def test_a_chain_ends_where_no_other_tag_is(url, fetch):
    assert (await fetch(f"{url}/chain?q=tornado")).body.count(b"<p>") == 1


async def test_a_chain_that_breaks_answers_nothing_but_the_reason(
    load, serve, fetch, timeline, monkeypatch
):
    module = load(8)
    monkeypatch.setattr(module, "related_tag", lambda body, tag: "500")
    response = await fetch(f"{serve(module.make_app(timeline.url))}/chain?q=tornado")
    assert response.code == 502
    assert b"<p>" not in response.body


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (b"[]", None),
        (b'[{"tags": []}]', None),
        (b'[{"tags": [{"name": "Tornado"}]}]', None),
        (b'[{"tags": []}, {"tags": [{"name": "tornado"}, {"name": "rain"}]}]', "rain"),
    ],
)
def test_the_related_tag_is_the_first_other_one(load, body, found):
    assert load(8, "related.py").related_tag(body, "tornado") == found


@pytest.mark.parametrize(
    "body",
    [b"", b"1", b"[1]", b"[{}]", b'[{"tags": 1}]', b'[{"tags": [{"name": 1}]}]', b"[" * 99_999],
)
def test_what_is_no_timeline_has_no_related_tag(load, body):
    with pytest.raises(ValueError, match="not a timeline"):
        load(8, "related.py").related_tag(body, "tornado")
