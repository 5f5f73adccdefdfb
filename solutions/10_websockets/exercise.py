"""Chapter 10, exercise: tea or coffee? A vote that every client follows on a WebSocket.

POST /vote with a form field "for", which is tea or coffee, counts a vote and sends the votes to every open
WebSocket at /votes: {"votes": {"tea": 1, "coffee": 0}}. That is done, and so is the set of connected clients.

Task 1  A client opens the WebSocket /votes
        - Send it the votes at once, in the same form. The other clients receive nothing.
Task 2  Ballot.tell(message) sends a message to every client in the set self.clients
        - A client that has disconnected: its write_message raises WebSocketClosedError, when it is called or when
          its result is awaited. A slow client: its write_message may take very long. Any client may leave the
          set while tell() runs. All the other clients still receive the message, once, within a second.
        - A client that takes longer than a second is closed: call its close().
        - tell() raises nothing.
        (The checks put stand-ins into the set, which have write_message and close.)
Task 3  A client sends a message on the WebSocket
        - The text message {"vote": "tea"} or {"vote": "coffee"}: count the vote, and send the votes to every client.
        - Anything else (text that is not JSON, JSON of another form, another drink, a binary message): count
          nothing, and send {"error": "..."}, with a string of your choice, to this client alone. The
          connection stays open.

Run it:    make run-10
Check it:  make check-10
"""

import asyncio
import json
import sys
from contextlib import suppress

import tornado.web
import tornado.websocket
from tornado.options import define, options, parse_command_line
from tornado.websocket import WebSocketClosedError

from shop import JSONHandler, NotFoundHandler


class Ballot:
    """The votes, and the clients that follow them."""

    def __init__(self):
        self.votes = {"tea": 0, "coffee": 0}
        self.clients = set()

    def state(self):
        return {"votes": self.votes}

    async def count(self, drink):
        self.votes[drink] += 1
        await self.tell(self.state())

    async def tell(self, message):
        await asyncio.gather(*(self.tell_one(client, message) for client in self.clients))

    async def tell_one(self, client, message):
        try:
            async with asyncio.timeout(0.5):
                await client.write_message(message)
        except WebSocketClosedError:
            self.clients.discard(client)
        except TimeoutError:
            client.close()


class VotesHandler(tornado.websocket.WebSocketHandler):
    def initialize(self, ballot):
        self.ballot = ballot

    async def open(self):
        self.ballot.clients.add(self)
        await self.ballot.tell_one(self, self.ballot.state())

    def on_close(self):
        self.ballot.clients.discard(self)

    async def on_message(self, message):
        if (drink := self.drink(message)) in self.ballot.votes:
            await self.ballot.count(drink)
        else:
            error = {"error": 'send {"vote": "tea"} or {"vote": "coffee"}'}
            await self.ballot.tell_one(self, error)

    @staticmethod
    def drink(message):
        """What the message votes for; None if it is not a vote."""
        with suppress(ValueError, RecursionError):
            match isinstance(message, str) and json.loads(message):
                case {"vote": str(drink)}:
                    return drink


class VoteHandler(JSONHandler):
    def initialize(self, ballot):
        self.ballot = ballot

    async def post(self):
        drink = self.get_body_argument("for")
        if drink not in self.ballot.votes:
            self.set_status(400)
            self.finish({"error": "vote for tea or coffee"})
            return
        await self.ballot.count(drink)
        self.write(self.ballot.state())


def make_app():
    ballot = Ballot()
    app = tornado.web.Application(
        default_handler_class=NotFoundHandler,
        cross_origin_protection=True,
        websocket_max_message_size=2**16,  # bytes
    )
    app.add_handlers(
        r"(localhost|127\.0\.0\.1)",
        [
            (r"/vote", VoteHandler, {"ballot": ballot}),
            (r"/votes", VotesHandler, {"ballot": ballot}),
        ],
    )
    return app


async def main():
    define("port", default=8000, help="the port to listen on", type=int)
    parse_command_line()
    make_app().listen(options.port, address="127.0.0.1", max_body_size=2**16)
    await asyncio.Event().wait()


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except KeyboardInterrupt:
        pass
    except OSError as error:  # such as a port that is in use
        sys.exit(f"exercise.py: {error}")
