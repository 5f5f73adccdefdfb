"""The checks of chapter 7's exercise."""

import time

import pytest

from course.harness.timeline import ERRORS, SlowTimeline

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
@pytest.mark.parametrize(("tag", "rate"), [("咖啡", 0.3), ("AC/DC", 0.2)], ids=["咖啡", "a slash"])
def test_a_tag_may_have_any_letters(app, timeline, tag, rate):
    timeline.reset(delay=0)
    app.ask(f"/rate?q={tag}").expect(
        200,
        json={"tag": tag, "rate": rate},
        cause="timeline_url() encodes the tag: use it for the address.",
    )


@pytest.mark.task(1)
def test_without_a_tag_rate_answers_400(app):
    app.ask("/rate").expect(400, cause="The answers of /rate stay as they were, its 400 too.")


@pytest.mark.task(1)
def test_an_error_of_the_timeline_is_an_error_of_rate(app, timeline):
    timeline.reset(delay=0)
    answer = app.ask("/rate?q=broken")
    if answer.status < 500:
        answer.wrong("500", cause="The answers of /rate stay as they were, its errors too.")


@pytest.mark.task(1)
def test_rate_holds_up_nobody_while_it_waits(learner, timeline):
    app = learner.serve(api=timeline.url, timeout=0.1)
    app.ask_without_blocking("/rate?q=tornado", cause=WITHOUT_BLOCKING).expect(
        200,
        json={"tag": "tornado", "rate": 0.5},
        cause="The answers of /rate stay as they were; it has no time limit, as before.",
    )


@pytest.mark.task(1)
def test_two_visitors_are_served_at_once_each_with_its_own_rate(app, timeline):
    timeline.reset(delay=0.2)
    cause = "What belongs to one request is in its own handler: in self or in a local name."
    first = app.start("/rate?q=python")
    time.sleep(0.05)
    second = app.ask("/rate?q=tornado")
    first.answer().expect(200, json={"tag": "python", "rate": 0.25}, cause=cause)
    second.expect(200, json={"tag": "tornado", "rate": 0.5}, cause=cause)
    if timeline.at_once < 2:
        second.wrong(
            "the second lookup begins while the first is under way",
            f"one after the other, {second.elapsed:.1f} s",
            "Something lets one visitor in at a time, such as a lock: each lookup may begin at once.",
        )


@pytest.mark.task(2)
@pytest.mark.parametrize(
    ("tags", "rates"),
    [
        (("python", "tornado"), [0.25, 0.5]),
        (("tornado", "rain"), [0.5, 0.1]),
        (("rain",) * 2, [0.1] * 2),
        (("late", "rain"), [0.05, 0.1]),
    ],
    ids=["rising", "falling", "equal", "the first is late"],
)
def test_both_answers_two_rates_in_the_order_of_the_question(app, timeline, tags, rates):
    timeline.reset(delay=0.01)
    app.ask(f"/both?q={tags[0]}&q={tags[1]}").expect(
        200,
        json={"rates": rates},
        cause='get_query_arguments("q"), in the plural, returns both tags; '
        "asyncio.gather(*futures) keeps their order.",
    )


@pytest.mark.task(2)
def test_both_lookups_are_under_way_at_once_and_hold_up_nobody(app, timeline):
    answer = app.ask_without_blocking("/both?q=python&q=tornado", cause=WITHOUT_BLOCKING).expect(
        200
    )
    if timeline.at_once < 2:
        answer.wrong(
            "the second lookup begins before the first has ended",
            f"one after the other, {answer.elapsed:.1f} s for two lookups of {timeline.delay:g} s",
            "An await in front of each fetch waits for it before the next begins: start both, then "
            "await asyncio.gather(...).",
        )


@pytest.mark.task(3)
def test_quick_answers_as_rate_does_when_the_timeline_is_in_time(app, timeline):
    timeline.reset(delay=0.05)
    app.ask("/quick?q=python").expect(
        200, json={"tag": "python", "rate": 0.25}, cause="Within the time limit, as /rate does."
    )


@pytest.mark.task(3)
def test_without_a_tag_quick_answers_400(app):
    app.ask("/quick").expect(
        400,
        cause="As /rate does. get_query_argument() raises tornado.web.HTTPError: what catches the "
        "timeline's errors must not catch that.",
    )


@pytest.mark.task(3)
def test_a_timeline_that_is_too_slow_is_a_504(learner, timeline):
    app = learner.serve(api=timeline.url, timeout=0.4)
    answer = app.ask_without_blocking("/quick?q=late", cause=WITHOUT_BLOCKING).expect(
        504,
        cause="fetch(..., request_timeout=self.timeout) raises HTTPTimeoutError when time is up: catch "
        "it before any other error, and raise tornado.web.HTTPError(504).",
    )
    if answer.elapsed > 1.5:
        answer.wrong(
            "504 after 0.4 s",
            f"504 after {answer.elapsed:.1f} s",
            "make_app()'s timeout is in seconds, and reaches the handler as self.timeout.",
        )


@pytest.mark.task(3)
@pytest.mark.parametrize("tag", ["broken", "gone"])
def test_a_timeline_that_answers_with_an_error_is_a_502(app, timeline, tag):
    timeline.reset(delay=0)
    app.ask(f"/quick?q={tag}").expect(
        502,
        cause=f"The timeline's answer is {ERRORS[tag]}. fetch() raises HTTPClientError for a status of "
        "400 and more: catch it.",
    )


@pytest.mark.task(3)
def test_a_timeline_that_refuses_is_a_502(learner):
    learner.serve(api="http://127.0.0.1:1").ask("/quick?q=tornado").expect(
        502, cause="A refused connection is an OSError, not an HTTPClientError: catch both."
    )
