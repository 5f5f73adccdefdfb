"""The checks of chapter 9's exercise."""

import socket
import time

import pytest

from course.harness import Wrong

WAITING = "Inside `async with self.changed`, await self.changed.wait_for(lambda: ...)."


def add(app, *texts):
    for text in texts:
        app.ask("/changes", form={"text": text})


def wait_for_polls(app, number, seconds=1.0, cause=""):
    """Return when so many polls wait; the check fails if that does not come to be."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        answer = app.ask("/waiting")
        if answer.status == 200 and answer.json() == {"waiting": number}:
            return
        time.sleep(0.02)
    try:
        answer.expect(200, json={"waiting": number}, cause=cause)
    except Wrong as wrong:
        wrong.failure.lines = app.lines_of("ChangesHandler") or wrong.failure.lines
        raise


def poll(app, version, **request):
    """A poll that waits."""
    pending = app.start(f"/changes?version={version}", **request)
    deadline = time.monotonic() + 1
    while time.monotonic() < deadline and not pending.done:
        if app.ask("/waiting").json().get("waiting"):
            time.sleep(0.05)
            break
    if pending.done:
        pending.answer().wrong(
            "no answer before there is a change", cause=f"It must wait. {WAITING}"
        )
    return pending


@pytest.mark.task(1)
def test_the_changes_after_a_version_come_at_once(app):
    add(app, "one", "two", "three")
    cause = "self.changes[version:] are the changes after the first `version`."
    for query, changes in (
        ("", ["one", "two", "three"]),
        ("?version=0", ["one", "two", "three"]),
        ("?version=2", ["three"]),
    ):
        app.ask(f"/changes{query}").expect(
            200, json={"changes": changes, "version": 3}, cause=cause
        )


@pytest.mark.task(1)
def test_a_poll_without_news_waits_for_the_next_change(app):
    add(app, "one")
    first, second = poll(app, 1), poll(app, 1)
    add(app, "中文")
    for pending in (first, second):
        pending.answer().expect(
            200,
            json={"changes": ["中文"], "version": 2},
            cause="All who wait are answered with what came after their version.",
        )


@pytest.mark.task(1)
def test_a_poll_for_a_later_version_waits_until_there_is_more(app):
    pending = poll(app, 1)
    add(app, "one")
    time.sleep(0.05)
    if pending.done:
        pending.answer().wrong(
            "no answer: version 1 knows the first change already",
            cause="Being notified is not enough: wait_for(lambda: len(self.changes) > version) "
            "looks again after each notification.",
        )
    add(app, "two")
    pending.answer().expect(
        200, json={"changes": ["two"], "version": 2}, cause="It waits for a second change."
    )


@pytest.mark.task(1)
def test_who_follows_sees_every_change_once(app, learner):
    seen, version = [], 0
    for number in range(0, 12, 3):
        add(app, *map(str, range(number, number + 3)))
        answer = app.ask(f"/changes?version={version}").expect(200).json()
        seen += answer.get("changes", [])
        version = answer.get("version", -1)
    if seen != list(map(str, range(12))):
        learner.wrong(
            "the changes 0 to 11, each once",
            ", ".join(map(str, seen)),
            "The version of the answer is the number of changes that the client then knows.",
            at="ChangesHandler.get",
        )


@pytest.mark.task(2)
def test_at_the_deadline_a_poll_is_answered_204(learner):
    app = learner.serve(deadline=0.4)
    pending = app.start("/changes?version=1", timeout=1.5)
    time.sleep(0.3)
    add(app, "one")  # which this client knows
    answer = pending.answer().expect(
        204, cause="`async with asyncio.timeout(...)` raises TimeoutError: catch it there."
    )
    if answer.body:
        answer.wrong("no body", cause="A 204 has no body: set_status(204), and no write().")
    if not 0.35 < answer.elapsed < 0.65:
        answer.wrong(
            "204 after 0.4 s: the change after 0.3 s is one that this client knows",
            f"204 after {answer.elapsed:.2f} s",
            "One deadline for the whole wait: it neither ends with a change nor begins anew.",
        )
    wait_for_polls(app, 0, cause="This poll has been answered: it waits no more.")


@pytest.mark.task(2)
def test_a_change_before_the_deadline_is_told(learner):
    app = learner.serve(deadline=2)
    pending = poll(app, 0)
    began = time.monotonic()
    add(app, "one")
    answer = pending.answer().expect(
        200, json={"changes": ["one"], "version": 1}, cause="204 is for the deadline alone."
    )
    if time.monotonic() - began > 1:
        answer.wrong(
            "the answer at once, when there is a change",
            f"{time.monotonic() - began:.1f} s later",
            "It must not sleep and look again at the deadline: wait for the condition.",
        )


@pytest.mark.task(3)
def test_who_leaves_waits_no_more(learner):
    app = learner.serve()
    stays = poll(app, 0, timeout=5)
    gone = []
    for _ in range(3):
        gone.append(socket.create_connection(("127.0.0.1", app.port)))
        gone[-1].sendall(b"GET /changes?version=0 HTTP/1.1\r\nHost: localhost\r\n\r\n")
    wait_for_polls(app, 4, cause="Four polls wait now: count each of them.")
    for each in gone:
        each.close()
    wait_for_polls(
        app,
        1,
        cause="Three of four clients have left. Keep asyncio.current_task() in get(), and cancel it in "
        "on_connection_close().",
    )
    deadline = time.monotonic() + 0.5
    while (at_work := learner.call("handlers_at_work")) > 1 and time.monotonic() < deadline:
        time.sleep(0.02)
    if at_work != 1:
        learner.wrong(
            "one handler at work, for the client that has stayed",
            f"{at_work} handlers",
            "To lower the number is not enough: the handlers of those who left still wait. Cancel them.",
            at="ChangesHandler",
        )
    add(app, "one")
    stays.answer().expect(
        200,
        json={"changes": ["one"], "version": 1},
        cause="Only the polls of those who left may end.",
    )
