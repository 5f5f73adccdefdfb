"""Chapter 10, exercise: tea or coffee? A vote that everybody follows on a WebSocket.

POST /vote with a form field "for", which is tea or coffee, counts a vote and tells all who have the WebSocket /votes
open: {"votes": {"tea": 1, "coffee": 0}}. That is there already, and so is the list of who is connected.

Task 1  Who opens /votes is told the votes at once, in the same form. The others hear nothing of it.
Task 2  Ballot.tell(message) reaches every client in self.clients, a set, whatever the others do. The write_message of
        one that has gone raises WebSocketClosedError, at once or when it is awaited; that of a slow one may take
        very long; and a client may leave the set meanwhile. All others are told within a second, one that takes longer
        is closed, and tell() raises nothing. (The checks put stand-ins into the set, which have write_message and close.)
Task 3  Clients vote on the WebSocket too: the text {"vote": "tea"} counts a vote, and everybody is told. Anything else
        (text that is no JSON, JSON of another form, another drink, a binary message) counts nothing: its sender
        alone gets {"error": "..."}, with a text of your choice, and the connection stays open.

Run it:    python exercise.py --port=8000
Check it:  make check-10
"""

import asyncio
import json
from contextlib import suppress

import tornado.web
from tornado.options import define, options, parse_command_line
from tornado.websocket import WebSocketClosedError, WebSocketHandler


class Ballot:
    """The votes, and who is to be told of them."""

    def __init__(self):
        self.votes = {"tea": 0, "coffee": 0}
        self.clients = set()

    def state(self):
        return {"votes": self.votes}

    async def count(self, drink):
        self.votes[drink] += 1
        await self.tell(self.state())

    async def tell(self, message):
        # TODO task 2: here, one that fails or is slow keeps the message from all behind it.
        for client in self.clients:
            await client.write_message(message)


class VotesHandler(WebSocketHandler):
    def initialize(self, ballot):
        self.ballot = ballot

    async def open(self):
        self.ballot.clients.add(self)
        # TODO task 1: tell this client the votes as they are.
        raise NotImplementedError("task 1")

    def on_close(self):
        self.ballot.clients.discard(self)

    async def on_message(self, message):
        # TODO task 3: count a vote, or answer with an error.
        raise NotImplementedError("task 3")


class VoteHandler(tornado.web.RequestHandler):
    def initialize(self, ballot):
        self.ballot = ballot

    async def post(self):
        drink = self.get_body_argument("for")
        if drink not in self.ballot.votes:
            raise tornado.web.HTTPError(400, reason="Tea or coffee")
        await self.ballot.count(drink)
        self.write(self.ballot.state())


def make_app():
    ballot = Ballot()
    return tornado.web.Application(
        [
            (r"/vote", VoteHandler, {"ballot": ballot}),
            (r"/votes", VotesHandler, {"ballot": ballot}),
        ]
    )


async def main():
    define("port", default=8000, help="the port to listen on", type=int)
    parse_command_line()
    make_app().listen(options.port, address="127.0.0.1")
    await asyncio.Event().wait()


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        asyncio.run(main())
