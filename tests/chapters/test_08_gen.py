"""Chapter 8's handlers: whatever the style, the same responses, and never a request that hangs."""

import asyncio

import pytest
from tornado.simple_httpclient import HTTPTimeoutError

from course.harness.timeline import FAILURES, REFUSING, Timeline

STYLES = ["/callback", "/coroutine", "/await"]
every_style = pytest.mark.parametrize("path", STYLES)
every_path = pytest.mark.parametrize("path", [*STYLES, "/both", "/chain"])


@pytest.fixture(scope="module")
def _timeline():
    started = Timeline()
    yield started
    started.close()


@pytest.fixture
def timeline(_timeline):
    return _timeline.reset()


@pytest.fixture
def url(load, serve, timeline):
    return serve(load(8).make_app(timeline.url))


@pytest.fixture
def impatient(load, serve, timeline):
    """The application with a time limit of 0.5 s a lookup."""
    return serve(load(8).make_app(timeline.url, timeout=0.5))


def query(path, tag):
    """What to ask a path for a tag; two tags where it wants two."""
    return f"{path}?q=tornado&q={tag}" if path == "/both" else f"{path}?q={tag}"


async def until(state):
    """Wait until `state()` is true; at most a minute, which only ends a test that is red anyway."""
    async with asyncio.timeout(60):
        while not state():
            await asyncio.sleep(0.005)


# ---------------------------------------------------------------- one lookup, three styles


@every_style
async def test_it_returns_the_tag_and_the_rate(url, fetch, path):
    response = await fetch(f"{url}{path}?q=tornado")
    assert response.code == 200
    assert response.headers["Content-Type"] == "text/html; charset=UTF-8"
    assert response.body == b"<p>tornado: 0.10 posts per second</p>\n"


@every_style
async def test_edges_are_the_same_in_every_style(url, fetch, timeline, path):
    assert b"none: 0.00" in (await fetch(f"{url}{path}?q=none")).body
    assert b"moved: 0.10" in (await fetch(f"{url}{path}?q=moved")).body
    assert "咖啡".encode() in (await fetch(f"{url}{path}?q=%E5%92%96%E5%95%A1")).body
    assert timeline.paths[-1].endswith("/%E5%92%96%E5%95%A1?limit=40")
    page = (await fetch(f"{url}{path}?q=%3Cscript%3E")).body
    assert b"&lt;script&gt;" in page
    assert b"<script>" not in page


@every_path
@pytest.mark.parametrize("asked_for", ["", "?q=", "?q=%20", "?q=%FF", "?q=a&q="])
async def test_without_a_tag_it_is_the_clients_mistake(url, fetch, timeline, path, asked_for):
    response = await fetch(url + path + asked_for)
    assert response.code == 400
    if asked_for != "?q=%FF":  # that one Tornado refuses by itself
        assert b"?q=TAG" in response.body
    assert timeline.asked == []


@every_path
@pytest.mark.parametrize("tag", FAILURES)
async def test_a_timeline_that_fails_is_a_502_with_a_reason(url, fetch, path, tag):
    response = await fetch(url + query(path, tag), request_timeout=60)
    assert response.code == 502
    assert response.headers["Content-Type"].startswith("text/plain")
    assert response.body.startswith(b"The timeline failed: ")


@every_path
@pytest.mark.parametrize("tag", ["late", "trickle"])
async def test_a_timeline_that_is_slow_is_a_504(impatient, fetch, timeline, path, tag):
    timeline.hold()  # it never responds by itself
    response = await fetch(impatient + query(path, tag), request_timeout=60)
    assert response.code == 504
    assert response.request_time > 0.4


@every_path
async def test_a_timeline_that_refuses_is_a_502(load, serve, fetch, path):
    response = await fetch(serve(load(8).make_app(REFUSING)) + query(path, "tornado"))
    assert response.code == 502
    assert b"refused" in response.body


@every_path
@pytest.mark.parametrize("mistake", [ValueError, ZeroDivisionError, OSError])
async def test_a_bug_in_what_is_shown_is_a_500_and_no_request_that_hangs(
    load, serve, fetch, timeline, monkeypatch, path, mistake
):
    def show(handler, tag, rate):
        raise mistake("a bug")

    module = load(8)
    monkeypatch.setattr(module.LookupHandler, "show", show)
    response = await fetch(serve(module.make_app(timeline.url)) + query(path, "tornado"))
    assert response.code == 500
    assert b"a bug" not in response.body


@every_path
async def test_other_requests_go_on_while_lookups_wait(url, fetch, timeline, path):
    timeline.hold("late")
    waiting = [asyncio.create_task(fetch(url + query(path, "late"))) for _ in range(8)]
    await until(lambda: timeline.asked.count("late") == 8)
    assert (await fetch(f"{url}{path}?q=rain&q=rain")).code == 200
    assert not any(task.done() for task in waiting)
    timeline.release()
    assert [(await task).code for task in waiting] == [200] * 8


async def test_a_client_that_disconnects_does_no_harm(url, fetch, timeline):
    timeline.hold()
    for path in STYLES:
        with pytest.raises(HTTPTimeoutError):
            await fetch(f"{url}{path}?q=tornado", request_timeout=0.3)
    timeline.release()
    assert (await fetch(f"{url}/callback?q=tornado")).code == 200


# ---------------------------------------------------------------- several lookups


async def test_both_responds_in_the_order_of_the_request(url, fetch):
    response = await fetch(f"{url}/both?q=python&q=none")
    assert response.body.decode().splitlines() == [
        "<p>python: 0.05 posts per second</p>",
        "<p>none: 0.00 posts per second</p>",
    ]


@pytest.mark.parametrize("tags", ["?q=a", "?q=a&q=b&q=c", "?q=&q=b"])
async def test_both_takes_two_tags(url, fetch, tags):
    response = await fetch(f"{url}/both{tags}")
    assert response.code == 400
    assert b"?q=TAG&q=TAG" in response.body


async def test_the_two_lookups_of_both_run_concurrently(url, fetch, timeline):
    timeline.hold()
    both = asyncio.create_task(fetch(url + "/both?q=tornado&q=python"))
    await until(lambda: timeline.under_way == 2)
    timeline.release()
    assert (await both).code == 200


async def test_a_chain_looks_up_three_tags_one_after_the_other(url, fetch, timeline):
    response = await fetch(url + "/chain?q=tornado")
    assert response.body.decode().splitlines() == [
        "<p>tornado: 0.10 posts per second</p>",
        "<p>python: 0.05 posts per second</p>",
        "<p>rain: 0.02 posts per second</p>",
    ]
    assert timeline.asked == ["tornado", "python", "rain"]
    assert timeline.most == 1


async def test_a_chain_ends_when_no_other_tag_is_found(url, fetch, timeline):
    assert (await fetch(f"{url}/chain?q=none")).body.count(b"<p>") == 1
    assert timeline.asked == ["none"]


async def test_a_chain_that_breaks_responds_with_the_reason_only(
    load, serve, fetch, timeline, monkeypatch
):
    module = load(8)
    monkeypatch.setattr(module, "related_tag", lambda body, tag: "broken")
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
    assert load(8).related_tag(body, "tornado") == found


@pytest.mark.parametrize(
    "body",
    [b"", b"1", b"[1]", b"[{}]", b'[{"tags": 1}]', b'[{"tags": [{"name": 1}]}]', b"[" * 99_999],
)
def test_a_body_that_is_not_a_timeline_has_no_related_tag(load, body):
    module = load(8)
    with pytest.raises(module.NotATimelineError, match="not a timeline"):
        module.related_tag(body, "tornado")
