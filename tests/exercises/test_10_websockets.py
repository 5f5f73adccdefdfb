"""The checks of chapter 10's exercise."""

import json

import pytest

START = {"votes": {"tea": 0, "coffee": 0}}
LEAVING = "A set must not change while a loop walks over it: walk over list(self.clients)."
TOLD = "Ballot.count() counts and tells everybody in self.clients."


def told(ws, expected, cause):
    """The next message must be this JSON."""
    message = ws.receive(cause=cause)
    try:
        value = json.loads(message)
    except ValueError:
        value = None
    if value != expected:
        ws.wrong(json.dumps(expected), repr(message), cause)


def enter(app):
    """A client that has been greeted."""
    ws = app.websocket("/votes")
    told(ws, START, "Write the state to the WebSocket in open(): await self.write_message(...).")
    return ws


@pytest.mark.task(1)
def test_who_connects_is_told_the_votes_at_once(app):
    with enter(app):
        app.ask("/vote", form={"for": "tea"}).expect(200)
        with app.websocket("/votes") as late:
            told(
                late,
                {"votes": {"tea": 1, "coffee": 0}},
                "Send the votes as they are now: self.ballot.state().",
            )


@pytest.mark.task(1)
def test_who_is_connected_is_told_of_each_vote(app):
    with enter(app) as early, enter(app) as late:
        app.ask("/vote", form={"for": "coffee"}).expect(200)
        for ws in (early, late):
            told(
                ws,
                {"votes": {"tea": 0, "coffee": 1}},
                f"Who comes is greeted alone, once, and stays in the set. {TOLD}",
            )


@pytest.mark.task(2)
@pytest.mark.parametrize(
    ("kind", "who", "cause"),
    [
        (
            "gone",
            "has gone",
            "write_message raises WebSocketClosedError: catch it for each client.",
        ),
        (
            "going",
            "goes while it is told",
            "The future of write_message raises WebSocketClosedError: await it, and catch that.",
        ),
        (
            "slow",
            "takes very long",
            "To await one after the other lets the slow one hold up the rest: asyncio.gather "
            "awaits all at once, and asyncio.timeout ends the wait.",
        ),
        (
            "leaving",
            "leaves the set meanwhile",
            LEAVING,
        ),
    ],
    ids=["gone", "going", "slow", "leaving"],
)
def test_all_others_are_told(learner, kind, who, cause):
    result = learner.call("tell", kind=kind)
    if "changed size" in result["error"]:
        cause = LEAVING
    if result["closed"]:
        learner.wrong(
            "only clients that take longer than a second are closed",
            f"client {', '.join(map(str, result['closed']))}, told in time, is closed too",
            "Give each client a timeout of its own, and close the one whose time is up.",
            at="Ballot.tell",
        )
    if result["missed"] or result["error"]:
        missed = ", ".join(map(str, result["missed"]))
        got = f"client {missed} not told once" if missed else "all told"
        learner.wrong(
            f"of thirty clients every sixth is healthy, the rest: {who}; these told once within a second, and no exception",
            got + (f"; tell() raised {result['error']}" if result["error"] else ""),
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


@pytest.mark.task(2)
def test_a_client_that_vanishes_keeps_nothing_from_the_others(app):
    sockets = [enter(app) for _ in range(4)]
    sockets[0].drop()
    sockets[2].drop()
    app.ask("/vote", form={"for": "tea"}).expect(
        200, json={"votes": {"tea": 1, "coffee": 0}}, cause="A client that has gone is no error."
    )
    for ws in (sockets[1], sockets[3]):
        told(ws, {"votes": {"tea": 1, "coffee": 0}}, "A client that has gone is passed over.")
        ws.close()


@pytest.mark.task(3)
def test_a_vote_on_the_socket_counts_and_everybody_is_told(app):
    with enter(app) as one, enter(app) as two:
        one.send('{"vote": "tea"}')
        for ws in (one, two):
            told(ws, {"votes": {"tea": 1, "coffee": 0}}, TOLD)
        two.send('{ "vote" : "coffee" }')
        for ws in (one, two):
            told(ws, {"votes": {"tea": 1, "coffee": 1}}, TOLD)


NO_VOTES = {
    "text that is no JSON": "tea",
    "an empty text": "",
    "half a text": '{"vote": "te',
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
    "bytes that are no text": b"\xff\xfe",
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
            (one, "The connection stays open, and what was wrong has not been counted."),
            (two, "Only the sender gets the error, and what was wrong has not been counted."),
        ):
            told(ws, {"votes": {"tea": 0, "coffee": 1}}, why)
