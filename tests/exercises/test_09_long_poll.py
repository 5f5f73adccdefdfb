"""The checks of chapter 9's exercise."""

import socket
import time

import pytest

from course.harness import Wrong

LOOP = "Look at the list again after each change: while len(self.changes) <= version, wait."
LIMIT = "Nothing ends this wait at the deadline: put it inside `async with asyncio.timeout(self.deadline)`."


def add(app, *texts):
    """Post changes; each must be accepted, whatever polls wait or have ended."""
    for text in texts:
        answer = app.ask("/changes", form={"text": text})
        try:
            answer.expect(
                200, cause="A change must be accepted, whatever polls wait or have ended."
            )
        except Wrong as wrong:
            if "InvalidStateError" in wrong.failure.got:
                wrong.failure.cause = (
                    "This Future has ended already, because its poll has: ask `if not future.done()` before "
                    "you set it."
                )
            raise


def wait_for_polls(app, number, more, fewer):
    """Return when so many polls wait; the check fails if that does not come to be, for one of two causes."""
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        answer = app.ask("/waiting").expect(200)
        if answer.json() == {"waiting": number}:
            return
        time.sleep(0.02)
    try:
        cause = fewer if answer.json().get("waiting", 0) < number else more
        answer.expect(json={"waiting": number}, cause=cause)
    except Wrong as wrong:
        wrong.failure.lines = app.lines_of("ChangesHandler") or wrong.failure.lines
        raise


def poll(app, version, **request):
    """A poll that waits."""
    already = app.ask("/waiting").json().get("waiting", 0)
    pending = app.start(f"/changes?version={version}", **request)
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline and not pending.done:
        if app.ask("/waiting").json().get("waiting", 0) > already:
            time.sleep(0.05)
            break
    if pending.done:
        pending.answer().wrong(
            "no answer before there is a change", cause=f"The poll must wait. {LOOP}"
        )
    return pending


def leave(app, number):
    """So many clients that poll and then disconnect."""
    already = app.ask("/waiting").json().get("waiting", 0)
    clients = []
    for _ in range(number):
        clients.append(socket.create_connection(("127.0.0.1", app.port)))
        clients[-1].sendall(b"GET /changes?version=1000 HTTP/1.1\r\nHost: localhost\r\n\r\n")
    wait_for_polls(
        app,
        already + number,
        f"Only {already + number} polls wait now: count each of them once.",
        f"{already + number} polls wait now: count each of them.",
    )
    for client in clients:
        client.close()
    wait_for_polls(
        app,
        already,
        f"{number} clients have disconnected. Keep asyncio.current_task() in get(), and cancel it in "
        "on_connection_close(); a `finally` then counts the poll off.",
        f"Only the polls of the {number} clients that have disconnected may be counted off, each once.",
    )


def answer_at_the_deadline(pending):
    """The answer of a poll whose deadline passes; a missing time limit is named."""
    try:
        answer = pending.answer()
    except Wrong as wrong:
        if wrong.failure.kind == "timeout":
            wrong.failure.cause = LIMIT
        raise
    try:
        return answer.expect(
            204, cause="At the deadline there is nothing new: self.set_status(204)."
        )
    except Wrong as wrong:
        if "TimeoutError" in wrong.failure.got:
            wrong.failure.cause = (
                "asyncio.timeout() raises TimeoutError at the deadline: catch it there, around the "
                "`async with`."
            )
        raise


@pytest.mark.task(1)
def test_the_changes_after_a_version_come_at_once(app):
    add(app, "one", "two", "three")
    for query, changes in (
        ("", ["one", "two", "three"]),
        ("?version=0", ["one", "two", "three"]),
        ("?version=2", ["three"]),
    ):
        app.ask(f"/changes{query}").expect(
            200, cause="A change after this version exists: respond with 200 at once."
        ).expect(
            json={"changes": changes, "version": 3},
            cause="self.changes[version:] are the changes after the first `version`.",
        )


@pytest.mark.task(1)
def test_a_poll_without_news_waits_for_the_next_change(app):
    add(app, "one")
    first, second = poll(app, 1), poll(app, 1)
    add(app, "中文")
    for pending in (first, second):
        pending.answer().expect(200, cause="The change is there: respond with 200.").expect(
            json={"changes": ["中文"], "version": 2},
            cause="Every poll that waits receives the changes after its version.",
        )


@pytest.mark.task(1)
def test_a_poll_for_a_later_version_waits_until_there_is_more(app):
    pending = poll(app, 1)
    add(app, "one")
    time.sleep(0.05)
    if pending.done:
        pending.answer().wrong("no answer: version 1 knows the first change already", cause=LOOP)
    add(app, "two")
    pending.answer().expect(200, cause="The second change is there: respond with 200.").expect(
        json={"changes": ["two"], "version": 2},
        cause="This poll knows one change, and waits for the second one.",
    )


@pytest.mark.task(1)
def test_a_client_that_follows_sees_every_change_once(app, learner):
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
            "The version in the response is the number of all changes at this moment.",
            at="ChangesHandler.get",
        )


@pytest.mark.task(2)
def test_at_the_deadline_a_poll_is_answered_204(learner):
    app = learner.serve(deadline=0.5)
    pending = app.start("/changes?version=1000", timeout=6)
    changes = 0
    while not pending.done and changes < 15:  # far beyond the deadline
        time.sleep(0.2)
        add(app, "one of the first thousand, which this client knows")
        changes += 1
    in_time = pending.done
    answer = answer_at_the_deadline(pending)
    if answer.elapsed < 0.45:
        answer.wrong(
            "204 at the deadline, after 0.5 s",
            f"204 after {answer.elapsed:.1f} s, at the first change",
            "A change that the client knows does not end the wait.",
        )
    if not in_time:
        answer.wrong(
            "204 after 0.5 s, while changes come that the client knows",
            "204 only after the last of 15 such changes",
            "One deadline for the whole wait: a change does not start it again. Put the loop inside "
            "asyncio.timeout().",
        )
    if answer.body:
        answer.wrong("no body", cause="A 204 has no body: set_status(204), and no write().")
    answered = "This poll has been answered: count it off, once."
    wait_for_polls(app, 0, answered, answered)


@pytest.mark.task(2)
def test_a_change_before_the_deadline_is_told(learner):
    app = learner.serve(deadline=20)
    pending = poll(app, 0, timeout=5)
    add(app, "one")
    try:
        answer = pending.answer()
    except Wrong as wrong:
        if wrong.failure.kind == "timeout":
            wrong.failure.expected = "the answer at once, when there is a change"
            wrong.failure.cause = (
                "It must not sleep until the deadline: wait for the change, and let a time limit end "
                "the wait."
            )
        raise
    answer.expect(200, cause="204 is for the deadline alone.").expect(
        json={"changes": ["one"], "version": 1},
        cause="A change before the deadline is sent as in task 1.",
    )


@pytest.mark.task(3)
def test_a_client_that_disconnects_waits_no_more(learner):
    app = learner.serve()
    leave(app, 3)  # first, so that it is in front of the one that stays
    stays = poll(app, 0, timeout=10)
    leave(app, 3)
    deadline = time.monotonic() + 5
    while (at_work := learner.call("handlers_at_work")) > 1 and time.monotonic() < deadline:
        time.sleep(0.02)
    if at_work != 1:
        learner.wrong(
            "one handler at work, for the client that is still connected",
            f"{at_work} handlers",
            "Lowering the number is not enough: the handlers of the disconnected clients still wait. "
            "Cancel them.",
            at="ChangesHandler",
        )
    if stays.done:
        stays.answer().wrong(
            "no answer to the client that is still connected",
            cause="Only the polls of disconnected clients may end.",
        )
    add(app, "one")
    stays.answer().expect(200, cause="The change is there: respond with 200.").expect(
        json={"changes": ["one"], "version": 1},
        cause="This client is still connected, and receives the change.",
    )


def settled(learner):
    """How many objects that polls may have made are in memory, once that number stays the same."""
    found = []
    deadline = time.monotonic() + 5
    while (len(found) < 3 or len(set(found[-3:])) > 1) and time.monotonic() < deadline:
        time.sleep(0.05)
        found.append(learner.call("waiters_kept"))
    return found[-1]


@pytest.mark.task(3)
def test_nothing_is_left_of_clients_that_have_disconnected(learner):
    app = learner.serve()
    leave(app, 10)
    add(app, "one")
    before = settled(learner)
    leave(app, 30)
    add(app, "two")
    if settled(learner) - before >= 20:
        learner.wrong(
            "no object is kept for a client that has disconnected",
            "30 clients have disconnected, and each has left something in memory",
            "Something that get() adds to a list, a set or a dict stays there: remove it in a `finally`.",
            at="ChangesHandler.get",
        )
