"""The checks of chapter 7's exercise."""

import time

import pytest

from slow_timeline import SlowTimeline

WITHOUT_BLOCKING = (
    "await the lookup with AsyncHTTPClient().fetch(), in an async def: a blocking client, or "
    "time.sleep(), keeps the event loop from serving anybody."
)


@pytest.fixture(scope="module")
def _timeline():
    started = SlowTimeline()
    yield started
    started.close()


@pytest.fixture
def timeline(_timeline):
    return _timeline.reset()


@pytest.fixture
def app(learner, timeline):
    return learner.serve(api=timeline.url)


@pytest.mark.task(1)
def test_rate_answers_the_tag_and_its_rate(app, timeline):
    timeline.reset(delay=0)
    app.ask("/rate?q=tornado").expect(
        200, json={"tag": "tornado", "rate": 0.5}, cause="The answers of /rate stay as they were."
    )


@pytest.mark.task(1)
def test_a_tag_in_chinese_is_looked_up_too(app, timeline):
    timeline.reset(delay=0)
    app.ask("/rate?q=咖啡").expect(
        200,
        json={"tag": "咖啡", "rate": 0.3},
        cause="timeline_url() encodes the tag: use it for the address.",
    )


@pytest.mark.task(1)
def test_rate_holds_up_nobody_while_it_waits(app):
    app.ask_without_blocking("/rate?q=tornado", cause=WITHOUT_BLOCKING).expect(
        200, json={"tag": "tornado", "rate": 0.5}, cause="The answers of /rate stay as they were."
    )


@pytest.mark.task(2)
@pytest.mark.parametrize(
    ("tags", "rates"),
    [
        (("python", "tornado"), [0.25, 0.5]),
        (("tornado", "rain"), [0.5, 0.1]),
        (("rain",) * 2, [0.1] * 2),
    ],
    ids=["rising", "falling", "equal"],
)
def test_both_answers_two_rates_in_the_order_of_the_question(app, timeline, tags, rates):
    timeline.reset(delay=0)
    app.ask(f"/both?q={tags[0]}&q={tags[1]}").expect(
        200,
        json={"rates": rates},
        cause='get_query_arguments("q"), in the plural, returns both tags; '
        "asyncio.gather(*futures) keeps their order.",
    )


@pytest.mark.task(2)
def test_both_lookups_are_under_way_at_once(app, timeline):
    answer = app.ask("/both?q=python&q=tornado").expect(200)
    if timeline.at_once < 2:
        answer.wrong(
            "the second lookup begins before the first has ended",
            f"one after the other, {answer.elapsed:.1f} s for two lookups of {timeline.delay:g} s",
            "An await in front of each fetch waits for it before the next begins: start both, then "
            "await asyncio.gather(...).",
        )


@pytest.mark.task(2)
def test_both_holds_up_nobody_while_it_waits(app):
    app.ask_without_blocking("/both?q=python&q=tornado", cause=WITHOUT_BLOCKING).expect(200)


@pytest.mark.task(3)
def test_quick_answers_as_rate_does_when_the_timeline_is_in_time(app, timeline):
    timeline.reset(delay=0.05)
    app.ask("/quick?q=python").expect(
        200, json={"tag": "python", "rate": 0.25}, cause="Within the time limit, as /rate does."
    )


@pytest.mark.task(3)
def test_a_timeline_that_is_too_slow_is_a_504(learner, timeline):
    app = learner.serve(api=timeline.url, timeout=0.2)
    began = time.monotonic()
    answer = app.ask_without_blocking("/quick?q=late", cause=WITHOUT_BLOCKING).expect(
        504,
        cause="fetch(..., request_timeout=self.timeout) raises HTTPTimeoutError when time is up: "
        "catch it and raise HTTPError(504).",
    )
    if time.monotonic() - began > 1.5:
        answer.wrong(
            "504 after 0.2 s",
            f"504 after {answer.elapsed:.1f} s",
            "make_app()'s timeout is in seconds, and reaches the handler as self.timeout.",
        )


@pytest.mark.task(3)
def test_a_timeline_that_answers_with_an_error_is_a_502(app, timeline):
    timeline.reset(delay=0)
    app.ask("/quick?q=broken").expect(
        502, cause="fetch() raises HTTPClientError for a status of 400 and more: catch it."
    )


@pytest.mark.task(3)
def test_a_timeline_that_refuses_is_a_502(learner):
    learner.serve(api="http://127.0.0.1:1").ask("/quick?q=tornado").expect(
        502, cause="A refused connection is an OSError, not an HTTPClientError: catch both."
    )
