"""All tasks under one time limit; a dispatch on the parsed message; closed clients are found by their error."""

import asyncio
import contextlib
import json

import tornado.web
from tornado.websocket import WebSocketClosedError, WebSocketHandler


class Ballot:
    def __init__(self):
        self.votes = {"tea": 0, "coffee": 0}
        self.clients = set()

    def state(self):
        return {"votes": dict(self.votes)}

    async def count(self, drink):
        self.votes[drink] += 1
        await self.tell(self.state())

    async def tell(self, message):
        clients = self.clients.copy()
        tasks = {asyncio.create_task(self.safely(each, message)): each for each in clients}
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=0.7)
            for task in late:
                tasks[task].close()

    async def safely(self, client, message):
        with contextlib.suppress(WebSocketClosedError, tornado.iostream.StreamClosedError):
            await client.write_message(message)


class VotesHandler(WebSocketHandler):
    def initialize(self, ballot):
        self.ballot = ballot

    async def open(self):
        await self.ballot.safely(self, self.ballot.state())
        self.ballot.clients |= {self}

    def on_close(self):
        self.ballot.clients -= {self}

    async def on_message(self, message):
        votes = {'{"vote":"%s"}' % drink: drink for drink in self.ballot.votes}
        parsed = None
        if isinstance(message, str):
            with contextlib.suppress(json.JSONDecodeError):
                parsed = json.dumps(json.loads(message), separators=(",", ":"))
        if parsed in votes:
            await self.ballot.count(votes[parsed])
        else:
            await self.write_message({"error": f"{message!r} is no vote"})


class VoteHandler(tornado.web.RequestHandler):
    def initialize(self, ballot):
        self.ballot = ballot

    async def post(self):
        if (drink := self.get_body_argument("for")) not in self.ballot.votes:
            raise tornado.web.HTTPError(400)
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
