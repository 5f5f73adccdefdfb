"""Chapter 7's handlers: the right rate at the edges, and a reason whenever the timeline fails."""

import asyncio
import time
from datetime import datetime, timedelta

import pytest

from course.harness.timeline import FAILURES, REFUSING, Timeline, posts

NOW = datetime.fromisoformat("2026-11-22T12:00:00Z")


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
    return serve(load(7).make_app(timeline.url))


@pytest.fixture
def impatient(load, serve, timeline):
    """The application with a time limit of 0.5 s a lookup."""
    return serve(load(7).make_app(timeline.url, timeout=0.5))


@pytest.fixture
def posts_per_second(load):
    return load(7, "rate.py").posts_per_second


# ---------------------------------------------------------------- the rate


@pytest.mark.parametrize(
    ("ages", "rate"),
    [
        ([], 0.0),
        ([20.0], 0.05),
        ([0.0], 1.0),
        ([10, 20, 30, 40], 0.1),
        (
            [40, 10, 30, 20],
            0.1,
        ),  # Mastodon orders by arrival, which is not always the time of posting
        ([10] * 5, 0.5),
        ([0.0] * 5, 5.0),
        ([0.25] * 5, 5.0),
        ([-30.0], 1.0),
        ([-30.0, 60.0], 2 / 60),
        ([86_400.0 * 365] * 40, 40 / (86_400 * 365)),
    ],
    ids=lambda value: str(value)[:24],
)
def test_the_rate_is_the_number_of_posts_over_the_seconds_since_the_oldest(
    posts_per_second, ages, rate
):
    assert posts_per_second(posts(*ages, now=NOW), NOW) == pytest.approx(rate)


@pytest.mark.parametrize("zone", ["UTC", "Asia/Shanghai", "America/New_York", "Europe/Berlin"])
@pytest.mark.parametrize(
    "now",
    [
        "2026-03-08T07:15:00Z",  # New York has just skipped an hour
        "2026-11-01T06:15:00Z",  # and had one twice
        "2026-03-29T01:15:00Z",  # Berlin has skipped one
        "2026-10-25T01:15:00Z",
    ],
)
def test_the_rate_is_right_in_any_time_zone_when_the_clocks_change(
    posts_per_second, monkeypatch, zone, now
):
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        now = datetime.fromisoformat(now)
        local = (now - timedelta(minutes=30)).astimezone().isoformat()
        assert posts_per_second(f'[{{"created_at": "{local}"}}]', now) == pytest.approx(1 / 1800)
        assert posts_per_second(posts(1800, now=now), now) == pytest.approx(1 / 1800)
    finally:
        monkeypatch.undo()
        time.tzset()


def test_without_a_moment_the_rate_is_that_of_now(posts_per_second):
    assert posts_per_second(posts(*[20] * 40)) == pytest.approx(2.0, rel=0.1)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"{}",
        b'"text"',
        b"[1]",
        b"[null]",
        b"[{}]",
        b'["created_at"]',
        b'[{"created_at": null}]',
        b'[{"created_at": "yesterday"}]',
        b'[{"created_at": "2026-11-22T12:00:00"}]',
        b'[{"created_at": "2026-11-22T12:00:00Z"}, {"created_at": "2026-11-22T12:00:00"}]',
        b"[" * 200_000,
        b"\xff\xfe",
    ],
    ids=lambda body: body[:40].decode("latin1"),
)
def test_a_body_that_is_not_a_timeline_is_an_error(load, body):
    rate = load(7, "rate.py")
    with pytest.raises(rate.NotATimelineError, match="not a timeline"):
        rate.posts_per_second(body)


# ---------------------------------------------------------------- the two handlers

both = pytest.mark.parametrize("path", ["/sync", "/async"])


async def until(state):
    """Wait until `state()` is true; at most a minute, which only ends a test that is red anyway."""
    async with asyncio.timeout(60):
        while not state():
            await asyncio.sleep(0.005)


@both
async def test_it_returns_a_page_with_the_tag_and_the_rate(url, fetch, path):
    response = await fetch(f"{url}{path}?q=tornado")
    assert response.code == 200
    assert response.headers["Content-Type"] == "text/html; charset=UTF-8"
    page = response.body.decode()
    assert ">tornado</div>" in page
    assert ">0.10</div>" in page
    assert "posts per second" in page


@both
@pytest.mark.parametrize(("tag", "rate"), [("none", "0.00"), ("moved", "0.10")])
async def test_an_empty_timeline_and_a_redirect_are_not_failures(url, fetch, path, tag, rate):
    response = await fetch(f"{url}{path}?q={tag}")
    assert response.code == 200
    assert f">{rate}</div>" in response.body.decode()


async def test_a_compressed_response_is_decompressed(url, fetch):
    assert b">0.10</div>" in (await fetch(f"{url}/async?q=packed")).body


@both
async def test_forty_posts_of_any_tag_are_asked_for(url, fetch, timeline, path):
    response = await fetch(f"{url}{path}?q=%E5%92%96%E5%95%A1/..%3F%23")
    assert ">咖啡/..?#</div>" in response.body.decode()
    asked = "/api/v1/timelines/tag/%E5%92%96%E5%95%A1%2F..%3F%23?limit=40"
    assert timeline.paths == [asked]


@both
async def test_html_in_a_tag_is_escaped(url, fetch, path):
    page = (await fetch(f"{url}{path}?q=%3Cscript%3Ealert(1)%3C/script%3E")).body
    assert b"<script>" not in page
    assert page.count(b"&lt;script&gt;alert(1)&lt;/script&gt;") == 2


@both
@pytest.mark.parametrize("query", ["", "?q=", "?q=%20%20", "?p=tornado", "?q=%FF"])
async def test_without_a_tag_it_is_the_clients_mistake(url, fetch, timeline, path, query):
    response = await fetch(url + path + query)
    assert response.code == 400
    if query != "?q=%FF":  # that one Tornado refuses by itself
        assert b"?q=TAG" in response.body
    assert timeline.asked == []


@both
@pytest.mark.parametrize("tag", FAILURES)
async def test_a_timeline_that_fails_is_a_502_with_a_reason(url, fetch, path, tag):
    response = await fetch(f"{url}{path}?q={tag}", request_timeout=60)
    assert response.code == 502
    assert response.headers["Content-Type"].startswith("text/plain")
    assert response.body.decode().startswith("The timeline failed: ")
    assert len(response.body) > 25


@pytest.mark.parametrize(
    ("tag", "says"), [("broken", "500"), ("429", "429"), ("html", "not a timeline")]
)
async def test_the_reason_is_the_timelines(url, fetch, tag, says):
    assert says in (await fetch(f"{url}/async?q={tag}")).body.decode()


@both
async def test_a_timeline_that_refuses_is_a_502(load, serve, fetch, path):
    response = await fetch(f"{serve(load(7).make_app(REFUSING))}{path}?q=tornado")
    assert response.code == 502
    assert b"refused" in response.body


@both
async def test_a_mistake_in_the_template_is_a_500_that_shows_nothing(
    load, serve, fetch, timeline, tmp_path, path
):
    (tmp_path / "rate.html").write_text("{{ int(tag) }}")
    app = load(7).make_app(timeline.url)
    app.settings["template_path"] = tmp_path
    response = await fetch(f"{serve(app)}{path}?q=tornado")
    assert response.code == 500
    assert b"timeline" not in response.body
    assert str(tmp_path).encode() not in response.body


@pytest.mark.parametrize(
    ("path", "tag"), [("/async", "late"), ("/async", "trickle"), ("/sync", "late")]
)
async def test_a_timeline_that_is_slow_is_a_504(impatient, fetch, timeline, path, tag):
    timeline.hold()  # it never responds by itself
    response = await fetch(f"{impatient}{path}?q={tag}", request_timeout=60)
    assert response.code == 504
    assert response.request_time > 0.4


async def test_other_requests_go_on_while_lookups_wait(url, fetch, timeline):
    timeline.hold("late")
    waiting = [asyncio.create_task(fetch(f"{url}/async?q=late")) for _ in range(5)]
    await until(lambda: timeline.under_way == 5)
    assert (await fetch(url + "/async?q=broken")).code == 502
    assert (await fetch(url + "/async?q=tornado")).code == 200
    assert not any(task.done() for task in waiting)
    timeline.release()
    assert [(await task).code for task in waiting] == [200] * 5


async def test_no_more_lookups_than_max_clients_run_at_the_same_time(load, serve, fetch, timeline):
    url = serve(load(7).make_app(timeline.url, timeout=60, max_clients=2))
    timeline.hold()
    waiting = [asyncio.create_task(fetch(f"{url}/async?q=tornado")) for _ in range(9)]
    await until(lambda: timeline.under_way == 2)
    for _ in range(10):
        assert (await fetch(url)).code == 200
    timeline.release()
    assert [(await task).code for task in waiting] == [200] * 9
    assert timeline.most == 2


async def test_a_lookup_that_waits_in_the_queue_for_too_long_is_a_504_too(
    load, serve, fetch, timeline
):
    url = serve(load(7).make_app(timeline.url, timeout=0.3, max_clients=1))
    timeline.hold()
    answers = await asyncio.gather(*[fetch(f"{url}/async?q=late") for _ in range(3)])
    assert [answer.code for answer in answers] == [504] * 3
    assert sum(b"in request queue" in answer.body for answer in answers) >= 1


# ---------------------------------------------------------------- the page


async def test_the_page_and_what_it_loads_exist(url, fetch):
    page = await fetch(url)
    assert page.code == 200
    text = page.body.decode()
    assert 'cache: "no-store"' in text
    for name in ("page.js", "page.css"):
        [address] = [part for part in text.split('"') if f"/{name}?v=" in part]
        assert (await fetch(url + address)).code == 200
    assert "http://" not in text  # it downloads nothing from elsewhere
    assert "https://" not in text
