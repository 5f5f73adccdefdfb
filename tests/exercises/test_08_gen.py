"""The checks of chapter 8's exercise."""

import pytest

from course.harness.timeline import ERRORS, SlowTimeline

STYLES = {
    "plain": "a function",
    "coroutine": "a function with @gen.coroutine",
    "async": "an async def",
    "generator": "an async def with a yield in it",
}
WITHOUT_BLOCKING = "yield or await the Future that fetch() returns, and nothing waits meanwhile."


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


def expect_style(learner, path, expected, cause):
    got = learner.call("style", path=path)
    if got != expected:
        at = f"{path[1:].title()}Handler.get"
        learner.wrong(
            f"the get() of {path} is {STYLES[expected]}", f"it is {STYLES[got]}", cause, at
        )


@pytest.mark.task(1)
def test_rate_answers_the_rate_and_holds_up_nobody(app):
    app.ask_without_blocking("/rate?q=tornado", cause=WITHOUT_BLOCKING).expect(
        200,
        json={"rate": 0.5},
        cause="response = yield self.fetch(...) is the callback's argument.",
    )


@pytest.mark.task(1)
@pytest.mark.parametrize("tag", ["broken", "gone"])
def test_a_timeline_that_answers_with_an_error_is_a_502(app, timeline, tag):
    timeline.reset(delay=0)
    app.ask(f"/rate?q={tag}", timeout=1).expect(
        502,
        cause=f"The timeline's answer is {ERRORS[tag]}, and the yield raises HTTPClientError: put try "
        "and except around it, and raise tornado.web.HTTPError(502).",
    )


@pytest.mark.task(1)
def test_a_timeline_that_refuses_is_a_502(learner):
    learner.serve(api="http://127.0.0.1:1").ask("/rate?q=tornado", timeout=1).expect(
        502, cause="A refused connection is an OSError, not an HTTPClientError: catch both."
    )


@pytest.mark.task(1)
def test_rate_is_a_coroutine(learner):
    expect_style(
        learner, "/rate", "coroutine", "Put @gen.coroutine above get(), and yield the Future in it."
    )


@pytest.mark.task(2)
def test_both_is_an_async_def(learner):
    expect_style(
        learner,
        "/both",
        "async",
        "async def get(self) needs no decorator; await takes yield's place.",
    )


@pytest.mark.task(2)
@pytest.mark.parametrize(
    ("tags", "rates"),
    [(("late", "rain"), [0.05, 0.1]), (("rain", "rain"), [0.1, 0.1])],
    ids=["the first is late", "equal"],
)
def test_both_answers_two_rates_in_the_order_of_the_question(app, timeline, tags, rates):
    timeline.reset(delay=0.01)
    app.ask(f"/both?q={tags[0]}&q={tags[1]}").expect(
        200, json={"rates": rates}, cause="asyncio.gather(*futures) keeps the order."
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
            "An await for each waits for one before the next begins: await asyncio.gather(...).",
        )


def many(app, tags, cause):
    query = "&".join(f"q={tag}" for tag in tags)
    return app.ask_without_blocking(f"/many?{query}", cause=cause)


@pytest.mark.task(3)
@pytest.mark.parametrize(("at_once", "tags"), [(1, "abc"), (3, "abcde")])
def test_no_more_than_at_once_lookups_are_under_way(learner, timeline, at_once, tags):
    timeline.reset(delay=0.07)
    app = learner.serve(api=timeline.url, at_once=at_once)
    answer = many(app, tags, WITHOUT_BLOCKING).expect(
        200, json={"rates": [0.05] * len(tags)}, cause="One rate for each tag."
    )
    if timeline.at_once != at_once:
        answer.wrong(
            f"{at_once} of {len(tags)} lookups at a time",
            f"{timeline.at_once} at a time",
            "asyncio.Semaphore(self.at_once) lets so many in: async with it around each lookup, and "
            "gather them all.",
        )


@pytest.mark.task(3)
def test_many_answers_all_rates_in_the_order_of_the_question(app, timeline):
    timeline.reset(delay=0.04)
    answer = many(app, ["late", "python", "tornado", "rain", "a"], WITHOUT_BLOCKING).expect(
        200,
        json={"rates": [0.05, 0.25, 0.5, 0.1, 0.05]},
        cause="The lookups may end in any order: asyncio.gather() returns them in that of the question.",
    )
    if len(timeline.before_late) < 5:
        answer.wrong(
            "a lookup begins as soon as another has ended: the late one holds up none of the five",
            f"{len(timeline.before_late)} of them have begun when the late one ends",
            "In groups that are awaited one after the other, the slowest of each holds up the next: "
            "gather all of them, and let each wait for the semaphore.",
        )


@pytest.mark.task(3)
@pytest.mark.parametrize("count", [1, 2])
def test_many_answers_one_rate_for_each_tag(app, timeline, count):
    timeline.reset(delay=0)
    many(app, ["rain"] * count, WITHOUT_BLOCKING).expect(
        200,
        json={"rates": [0.1] * count},
        cause="One rate for each tag, also for equal tags, and for fewer than at_once.",
    )
