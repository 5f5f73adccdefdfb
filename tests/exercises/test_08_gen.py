"""The checks of chapter 8's exercise."""

import pytest

from course.harness.timeline import ERRORS, REFUSING, Timeline, while_held

STYLES = {
    "plain": "a function",
    "coroutine": "a function with @gen.coroutine",
    "async": "an async def",
    "generator": "an async def with a yield in it",
}
WITHOUT_BLOCKING = (
    "Yield or await the Future that fetch() returns: then the event loop serves other clients."
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


def expect_style(learner, path, expected, cause):
    got = learner.call("style", path=path)
    if got != expected:
        at = f"{path[1:].title()}Handler.get"
        learner.wrong(
            f"the get() of {path} is {STYLES[expected]}", f"it is {STYLES[got]}", cause, at
        )


def expect_together(learner, app, timeline, paths, count):
    """The lookups of several requests must be under way at the same time, `count` in all."""
    timeline.hold()
    answers = while_held(
        learner, app, timeline, paths, lambda: timeline.under_way == count, WITHOUT_BLOCKING
    )
    for answer in answers:
        answer.expect(200)
    if timeline.most != count:
        answers[-1].wrong(
            f"the lookups of {len(paths)} clients are under way at the same time, {count} in all",
            f"{timeline.most} at the same time",
            "Something that requests share, such as a lock or a semaphore, makes them wait for each "
            "other: make it in get(), a new one for each request.",
        )


@pytest.mark.task(1)
def test_rate_returns_the_rate_and_does_not_block(learner, app, timeline):
    timeline.hold()
    [answer] = while_held(
        learner,
        app,
        timeline,
        ["/rate?q=tornado"],
        lambda: timeline.under_way == 1,
        WITHOUT_BLOCKING,
    )
    answer.expect(
        200,
        json={"rate": 0.1},
        cause="response = yield self.fetch(...) gives the response: its body is the timeline's JSON.",
    )


@pytest.mark.task(1)
@pytest.mark.parametrize("tag", ERRORS)
def test_a_timeline_that_responds_with_an_error_is_a_502(app, tag):
    app.ask(f"/rate?q={tag}").expect(
        502,
        cause=f"The timeline's response is {ERRORS[tag]}, and the yield raises HTTPClientError: put "
        "try and except around it, and raise tornado.web.HTTPError(502).",
    )


@pytest.mark.task(1)
def test_a_timeline_that_refuses_is_a_502(learner):
    learner.serve(api=REFUSING).ask("/rate?q=tornado").expect(
        502, cause="A refused connection is an OSError, not an HTTPClientError: catch both."
    )


@pytest.mark.task(1)
def test_without_a_tag_rate_returns_400(app):
    app.ask("/rate").expect(
        400,
        cause="A missing q is the client's mistake. get_query_argument() raises "
        "tornado.web.HTTPError for it: what catches the timeline's errors must not catch that.",
    )


@pytest.mark.task(1)
def test_rate_is_a_coroutine(learner):
    expect_style(
        learner, "/rate", "coroutine", "Put @gen.coroutine above get(), and yield the Future in it."
    )


@pytest.mark.task(1)
def test_several_clients_of_rate_are_served_concurrently(learner, app, timeline):
    expect_together(learner, app, timeline, [f"/rate?q={tag}" for tag in "abcde"], 5)


@pytest.mark.task(2)
def test_both_is_an_async_def(learner):
    expect_style(
        learner,
        "/both",
        "async",
        "async def get(self) needs no decorator; write await instead of yield.",
    )


@pytest.mark.task(2)
@pytest.mark.parametrize(
    ("tags", "rates"),
    [(("late", "rain"), [0.01, 0.02]), (("rain", "rain"), [0.02, 0.02])],
    ids=["the first is late", "equal"],
)
def test_both_returns_two_rates_in_the_order_of_the_request(app, timeline, tags, rates):
    timeline.reset(delay=0.01)
    app.ask(f"/both?q={tags[0]}&q={tags[1]}").expect(
        200, json={"rates": rates}, cause="asyncio.gather(*futures) keeps the order."
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
            "An await for each lookup waits before the next one starts: await asyncio.gather(...).",
        )


@pytest.mark.task(2)
def test_several_clients_of_both_are_served_concurrently(learner, app, timeline):
    expect_together(learner, app, timeline, ["/both?q=a&q=b", "/both?q=c&q=d", "/both?q=e&q=f"], 6)


def many(tags):
    return "/many?" + "&".join(f"q={tag}" for tag in tags)


@pytest.mark.task(3)
@pytest.mark.parametrize(("at_once", "tags"), [(1, "abc"), (3, "abcde")])
def test_at_once_lookups_run_at_the_same_time_and_no_more(learner, timeline, at_once, tags):
    app = learner.serve(api=timeline.url, at_once=at_once)
    timeline.hold()
    [answer] = while_held(
        learner,
        app,
        timeline,
        [many(tags)],
        lambda: timeline.under_way >= at_once,
        WITHOUT_BLOCKING,
    )
    answer.expect(200, json={"rates": [0.01] * len(tags)}, cause="One rate for each tag.")
    if timeline.most != at_once:
        answer.wrong(
            f"{at_once} of {len(tags)} lookups at the same time",
            f"{timeline.most} at the same time",
            "asyncio.Semaphore(self.at_once) lets that many in: async with it around each lookup, "
            "and gather them all.",
        )


@pytest.mark.task(3)
def test_many_returns_all_rates_in_the_order_of_the_request(learner, app, timeline):
    tags = ["late", "python", "tornado", "rain", "a"]
    timeline.hold("late")
    [answer] = while_held(
        learner, app, timeline, [many(tags)], lambda: len(timeline.asked) == 5, WITHOUT_BLOCKING
    )
    begun = len(timeline.asked_before_release)
    answer.expect(
        200,
        json={"rates": [0.01, 0.05, 0.1, 0.02, 0.01]},
        cause="The lookups may end in any order: asyncio.gather() returns their results in the "
        "order of its arguments.",
    )
    if begun < 5:
        answer.wrong(
            "a lookup starts as soon as another one has ended: the late one delays none of the five",
            f"{begun} of them have started when the late one ends",
            "In groups that are awaited one after the other, the slowest lookup of a group delays "
            "the next group: gather all of them, and let each wait for the semaphore.",
        )


@pytest.mark.task(3)
@pytest.mark.parametrize("count", [1, 2])
def test_many_returns_one_rate_for_each_tag(app, count):
    app.ask(many(["rain"] * count)).expect(
        200,
        json={"rates": [0.02] * count},
        cause="One rate for each tag, also for equal tags, and for fewer than at_once.",
    )


@pytest.mark.task(3)
def test_several_clients_of_many_do_not_share_the_limit(learner, app, timeline):
    expect_together(learner, app, timeline, [many("abcde"), many("fghij")], 6)
