"""The checks of chapter 10's exercise."""

import json
import time

import pytest

START = {"votes": {"tea": 0, "coffee": 0}}
LEAVING = "A set must not change while a loop goes through it: loop over list(self.clients)."
TOLD = "Ballot.count() counts a vote and tells every client in self.clients."


def told(ws, expected, cause):
    """The next message must be this JSON."""
    message = ws.receive(cause=cause)
    try:
        value = json.loads(message)
    except ValueError:
        value = None
    if value != expected:
        ws.wrong(json.dumps(expected), repr(message), cause)


def enter(app, votes=None):
    """A client that has been greeted."""
    ws = app.websocket("/votes")
    told(
        ws,
        votes or START,
        "Write the state to the WebSocket in open(): await self.write_message(...).",
    )
    return ws


@pytest.mark.task(1)
def test_a_client_that_connects_is_sent_the_votes(app):
    with enter(app):
        app.ask("/vote", form={"for": "tea"}).expect(200)
        with app.websocket("/votes") as late:
            told(
                late,
                {"votes": {"tea": 1, "coffee": 0}},
                "Send the votes as they are now: self.ballot.state().",
            )


@pytest.mark.task(1)
def test_a_connected_client_is_told_of_each_vote(app):
    with enter(app) as early, enter(app) as late:
        app.ask("/vote", form={"for": "coffee"}).expect(200)
        for ws in (early, late):
            told(
                ws,
                {"votes": {"tea": 0, "coffee": 1}},
                f"open() greets its own client alone, once, and keeps it in self.clients. {TOLD}",
            )


KINDS = {
    "gone": (
        "has disconnected",
        "write_message raises WebSocketClosedError: catch it for each client.",
    ),
    "going": (
        "disconnects while it is told",
        "The result of write_message raises WebSocketClosedError when it is awaited: await it, and "
        "catch that for each client.",
    ),
    "slow": (
        "takes very long",
        "A loop that awaits one client after another lets the slow one delay the rest: asyncio.gather "
        "awaits all of them together.",
    ),
    "leaving": ("leaves the set while tell() runs", LEAVING),
}


def why(kind, error):
    """The cause of an exception that leaves tell()."""
    if "changed size" in error:
        return LEAVING
    if "TimeoutError" in error:
        return "TimeoutError leaves tell(): catch it where you await the client, and close that client."
    if "WebSocketClosedError" in error:
        return KINDS["going" if kind == "going" else "gone"][1]
    return "This exception leaves tell()."


@pytest.mark.task(2)
@pytest.mark.parametrize("kind", KINDS)
def test_all_others_are_told(learner, kind):
    who, cause = KINDS[kind]
    result = learner.call("tell", kind=kind)
    thirty = f"of thirty clients every sixth is healthy, and each of the rest {who}"
    if result["error"]:
        learner.wrong(
            f"{thirty}: tell() raises nothing",
            f"tell() raised {result['error']}",
            why(kind, result["error"]),
            at="Ballot.tell",
        )
    if result["closed"]:
        learner.wrong(
            "only clients that take longer than a second are closed",
            f"client {_list(result['closed'])}, told in time, is closed too",
            "Give each client a timeout of its own, and close the one whose time is up.",
            at="Ballot.tell",
        )
    if result["twice"]:
        learner.wrong(
            f"{thirty}: each healthy client is told once",
            f"client {_list(result['twice'])} is told twice or more",
            "Call write_message once for each client.",
            at="Ballot.tell",
        )
    if result["missed"]:
        learner.wrong(
            f"{thirty}: each healthy client is told within a second",
            f"client {_list(result['missed'])} is not told",
            cause,
            at="Ballot.tell",
        )
    if result["open"]:
        learner.wrong(
            "within a second the slow clients are closed",
            f"{len(result['open'])} of 25 are not",
            "When the time for one client is up, TimeoutError, call its close().",
            at="Ballot.tell",
        )


def _list(numbers):
    return ", ".join(map(str, numbers))


@pytest.mark.task(2)
def test_a_client_that_vanishes_keeps_nothing_from_the_others(app):
    sockets = [enter(app) for _ in range(4)]
    sockets[0].drop()
    sockets[2].drop()
    app.ask("/vote", form={"for": "tea"}).expect(
        200, cause="A client that has disconnected is not an error of the vote."
    ).expect(json={"votes": {"tea": 1, "coffee": 0}}, cause=TOLD)
    for ws in (sockets[1], sockets[3]):
        told(
            ws,
            {"votes": {"tea": 1, "coffee": 0}},
            "A client that has disconnected is skipped, and the others are told.",
        )
        ws.close()


@pytest.mark.task(2)
def test_nothing_is_left_of_clients_that_have_disconnected(app, learner):
    for _ in range(5):
        enter(app).close()
    app.ask("/vote", form={"for": "tea"}).expect(200)
    deadline = time.monotonic() + 10
    while (kept := learner.call("handlers_kept")) and time.monotonic() < deadline:
        time.sleep(0.05)
    if kept:
        learner.wrong(
            "no handler is kept for a client that has disconnected",
            f"5 clients have disconnected, and {kept} of their handlers are still in memory",
            "on_close() must take its client out of everything that holds it. Tornado does not await "
            "on_close(): it is a plain function.",
            at="VotesHandler.on_close",
        )


@pytest.mark.task(3)
def test_a_vote_on_the_socket_counts_and_every_client_is_told(app):
    with enter(app) as one, enter(app) as two:
        one.send('{"vote": "tea"}')
        for ws in (one, two):
            told(ws, {"votes": {"tea": 1, "coffee": 0}}, TOLD)
        two.send('{ "vote" : "coffee" }')
        for ws in (one, two):
            told(ws, {"votes": {"tea": 1, "coffee": 1}}, TOLD)


NO_VOTES = {
    "text that is not JSON": "tea",
    "an empty message": "",
    "half a message": '{"vote": "te',
    "a list": '["vote", "tea"]',
    "a vote in a list": '[{"vote": "tea"}]',
    "a number": "1",
    "null": "null",
    "an object without a vote": '{"drink": "tea"}',
    "another drink": '{"vote": "milk"}',
    "a drink with more to its name": '{"vote": "iced tea"}',
    "no drink": '{"vote": null}',
    "a list of drinks": '{"vote": ["tea"]}',
    "an object for a drink": '{"vote": {"tea": 1}}',
    "a binary message": b'{"vote": "tea"}',
    "bytes that are not UTF-8": b"\xff\xfe",
}


@pytest.mark.task(3)
@pytest.mark.parametrize("what", NO_VOTES)
def test_anything_else_is_answered_with_an_error(app, what):
    with enter(app) as one, enter(app) as two:
        one.send(NO_VOTES[what])
        cause = f"{what[0].upper()}{what[1:]} came: send an error back, and raise nothing."
        message = one.receive(cause=cause)
        try:
            value = json.loads(message)
        except ValueError:
            value = None
        if not isinstance(value, dict) or not isinstance(value.get("error"), str):
            one.wrong('{"error": "..."}', repr(message), cause)
        one.send('{"vote": "coffee"}')
        for ws, why in (
            (one, "The connection stays open, and the wrong message has not been counted."),
            (two, "Only the sender gets the error, and the wrong message has not been counted."),
        ):
            told(ws, {"votes": {"tea": 0, "coffee": 1}}, why)
