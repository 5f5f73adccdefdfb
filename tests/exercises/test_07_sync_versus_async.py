"""The checks of chapter 7's exercise."""

import pytest

from course.harness.timeline import ERRORS, REFUSING, Timeline, over, while_held

WITHOUT_BLOCKING = (
    "Await the lookup with AsyncHTTPClient().fetch() in an async def. A blocking client or "
    "time.sleep() stops the event loop, so the server serves no other client."
)


@pytest.fixture(scope="module")
def _timeline():
    started = Timeline()
    yield started
    started.close()


@pytest.fixture
def timeline(_timeline):
    return _timeline.reset()


@pytest.fixture
def app(learner, timeline):
    return learner.serve(api=timeline.url)


@pytest.mark.task(1)
def test_rate_returns_the_tag_and_its_rate(app):
    app.ask("/rate?q=tornado").expect(
        200, json={"tag": "tornado", "rate": 0.1}, cause="The responses of /rate stay as they were."
    )


@pytest.mark.task(1)
@pytest.mark.parametrize(
    ("tag", "rate"), [("咖啡", 0.03), ("AC/DC", 0.04)], ids=["咖啡", "a slash"]
)
def test_a_tag_may_have_any_letters(app, tag, rate):
    app.ask(f"/rate?q={tag}").expect(
        200,
        json={"tag": tag, "rate": rate},
        cause="timeline_url() percent-encodes the tag: use it for the address.",
    )


@pytest.mark.task(1)
def test_without_a_tag_rate_returns_400(app):
    app.ask("/rate").expect(400, cause="The responses of /rate stay as they were, its 400 too.")


@pytest.mark.task(1)
def test_an_error_of_the_timeline_is_an_error_of_rate(app):
    answer = app.ask("/rate?q=broken")
    if answer.status < 500:
        answer.wrong("500", cause="The responses of /rate stay as they were, its errors too.")


@pytest.mark.task(1)
def test_rate_does_not_block_and_has_no_time_limit(learner, timeline):
    app = learner.serve(api=timeline.url, timeout=0.001)
    timeline.hold()
    paths = ["/rate?q=tornado"]
    [answer] = while_held(
        learner, app, timeline, paths, lambda: timeline.under_way == 1, WITHOUT_BLOCKING
    )
    answer.expect(
        200,
        json={"tag": "tornado", "rate": 0.1},
        cause="The responses of /rate stay as they were. It has no time limit, as before.",
    )


@pytest.mark.task(1)
def test_five_clients_of_rate_are_served_concurrently_each_with_its_own_rate(
    learner, app, timeline
):
    expect_together(
        learner,
        app,
        timeline,
        "/rate?q={}",
        lambda tag, rate: {"tag": tag, "rate": rate},
        "Keep what belongs to one request in its handler: in self, or in a local variable.",
    )


RATES = {"tornado": 0.1, "python": 0.05, "rain": 0.02, "咖啡": 0.03, "AC/DC": 0.04}


def expect_together(learner, app, timeline, path, expected, cause):
    """Five clients send a request each; all of their lookups must be under way at the same time."""
    timeline.hold()
    paths = [path.format(tag) for tag in RATES]
    answers = while_held(
        learner, app, timeline, paths, lambda: timeline.under_way == 5, WITHOUT_BLOCKING
    )
    for answer, (tag, rate) in zip(answers, RATES.items(), strict=True):
        answer.expect(200, json=expected(tag, rate), cause=cause)
    if timeline.most < 5:
        answers[-1].wrong(
            "the lookups of five clients are under way at the same time",
            f"{timeline.most} at the same time; the others wait until one has ended",
            "Something that requests share, such as a lock or a pool of threads, makes them wait "
            "for each other. A lookup may start as soon as its request is here.",
        )


@pytest.mark.task(2)
@pytest.mark.parametrize(
    ("tags", "rates"),
    [
        (("python", "tornado"), [0.05, 0.1]),
        (("tornado", "rain"), [0.1, 0.02]),
        (("rain",) * 2, [0.02] * 2),
        (("late", "rain"), [0.01, 0.02]),
    ],
    ids=["rising", "falling", "equal", "the first is late"],
)
def test_both_returns_two_rates_in_the_order_of_the_request(app, timeline, tags, rates):
    timeline.reset(delay=0.01)
    app.ask(f"/both?q={tags[0]}&q={tags[1]}").expect(
        200,
        json={"rates": rates},
        cause='get_query_arguments("q"), the plural, returns both tags; '
        "asyncio.gather(*futures) keeps their order.",
    )


@pytest.mark.task(2)
def test_both_runs_its_lookups_concurrently_and_does_not_block(learner, app, timeline):
    timeline.hold()
    [answer] = while_held(
        learner,
        app,
        timeline,
        ["/both?q=python&q=tornado"],
        lambda: timeline.under_way == 2,
        WITHOUT_BLOCKING,
    )
    answer.expect(200)
    if timeline.most < 2:
        answer.wrong(
            "the second lookup starts before the first has ended",
            "one after the other",
            "An await in front of each fetch waits for it before the next one starts: start both, "
            "then await asyncio.gather(...).",
        )


@pytest.mark.task(2)
def test_several_clients_of_both_are_served_concurrently(learner, app, timeline):
    timeline.hold()
    paths = ["/both?q=python&q=tornado", "/both?q=rain&q=rain", "/both?q=a&q=b"]
    answers = while_held(
        learner, app, timeline, paths, lambda: timeline.under_way == 6, WITHOUT_BLOCKING
    )
    for answer in answers:
        answer.expect(200)
    if timeline.most < 6:
        answers[-1].wrong(
            "three requests run two lookups each at the same time, 6 in all",
            f"{timeline.most} at the same time",
            "Something that requests share, such as a lock or a pool of threads, makes them wait "
            "for each other.",
        )


@pytest.mark.task(3)
def test_quick_returns_what_rate_does_when_the_timeline_is_in_time(app):
    app.ask("/quick?q=python").expect(
        200, json={"tag": "python", "rate": 0.05}, cause="Within the time limit, as /rate does."
    )


@pytest.mark.task(3)
def test_five_clients_of_quick_are_served_concurrently(learner, timeline):
    app = learner.serve(api=timeline.url, timeout=60)
    expect_together(
        learner,
        app,
        timeline,
        "/quick?q={}",
        lambda tag, rate: {"tag": tag, "rate": rate},
        "`timeout` is 60 seconds here, and the lookup takes far less: respond as /rate does.",
    )


@pytest.mark.task(3)
def test_without_a_tag_quick_returns_400(app):
    app.ask("/quick").expect(
        400,
        cause="As /rate does. get_query_argument() raises tornado.web.HTTPError: what catches the "
        "timeline's errors must not catch that.",
    )


GIVEN_UP = 4.0  # seconds after which a lookup with a limit of 0.3 s certainly has none


@pytest.mark.task(3)
@pytest.mark.parametrize(
    ("tag", "cause"),
    [
        (
            "late",
            "No timeout ended the lookup. fetch(..., request_timeout=self.timeout) raises "
            "HTTPTimeoutError when the time is up; self.timeout is in seconds.",
        ),
        (
            "trickle",
            "This timeline sends a byte every twentieth of a second. A timeout that starts again "
            "with each byte, such as that of urlopen(), never ends the lookup: limit the whole of "
            "it with fetch(..., request_timeout=self.timeout) or asyncio.timeout().",
        ),
    ],
)
def test_a_timeline_that_is_too_slow_is_a_504(learner, timeline, tag, cause):
    app = learner.serve(api=timeline.url, timeout=0.3)
    for _ in range(3):  # a busy machine may be late once
        timeline.reset().hold()
        lookup = app.start(f"/quick?q={tag}", timeout=30)
        over(lookup, GIVEN_UP)
        timeline.release()
        answer = lookup.answer()
        if answer.status == 200:
            answer.wrong("504", cause=cause)
        answer.expect(
            504,
            cause="HTTPTimeoutError is a kind of HTTPClientError, and TimeoutError a kind of OSError: "
            "catch it before any other error, and raise tornado.web.HTTPError(504).",
        )
        if answer.elapsed < 1.5:
            return
    answer.wrong(
        "504 after 0.3 s",
        f"504 after {answer.elapsed:.1f} s, in each of three tries",
        "make_app()'s timeout is in seconds, and reaches the handler as self.timeout.",
    )


@pytest.mark.task(3)
@pytest.mark.parametrize("tag", ERRORS)
def test_a_timeline_that_responds_with_an_error_is_a_502(app, tag):
    app.ask(f"/quick?q={tag}").expect(
        502,
        cause=f"The timeline's response is {ERRORS[tag]}. fetch() raises HTTPClientError for a "
        "status of 400 and more: catch it.",
    )


@pytest.mark.task(3)
def test_a_timeline_that_refuses_is_a_502(learner):
    learner.serve(api=REFUSING).ask("/quick?q=tornado").expect(
        502, cause="A refused connection is an OSError, not an HTTPClientError: catch both."
    )
