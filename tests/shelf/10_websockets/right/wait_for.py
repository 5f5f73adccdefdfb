"""wait_for and return_exceptions; a dict is written as it is; a chain of ifs."""

import asyncio
import json

import tornado.web
import tornado.websocket


class Ballot:
    def __init__(self):
        self.votes = {"tea": 0, "coffee": 0}
        self.clients = set()

    def state(self):
        return {"votes": self.votes}

    async def count(self, drink):
        self.votes[drink] += 1
        await self.tell(self.state())

    async def tell(self, message):
        async def one(client):
            await asyncio.wait_for(client.write_message(message), 0.5)

        clients = list(self.clients)
        results = await asyncio.gather(*map(one, clients), return_exceptions=True)
        for client, result in zip(clients, results):
            if isinstance(result, tornado.websocket.WebSocketClosedError):
                self.clients.discard(client)
            elif isinstance(result, TimeoutError):
                client.close()


class VotesHandler(tornado.websocket.WebSocketHandler):
    def initialize(self, ballot):
        self.ballot = ballot

    def open(self):
        self.write_message(self.ballot.state())
        self.ballot.clients.add(self)

    def on_close(self):
        self.ballot.clients.discard(self)

    async def on_message(self, message):
        if isinstance(message, bytes):
            return self.refuse("text, please")
        try:
            vote = json.loads(message)
        except ValueError:
            return self.refuse("that is no JSON")
        if not isinstance(vote, dict) or vote.get("vote") not in ("tea", "coffee"):
            return self.refuse("tea or coffee")
        await self.ballot.count(vote["vote"])

    def refuse(self, why):
        self.write_message(json.dumps({"error": why, "you": "sent something else"}))


class VoteHandler(tornado.web.RequestHandler):
    def initialize(self, ballot):
        self.ballot = ballot

    async def post(self):
        drink = self.get_body_argument("for")
        if drink not in self.ballot.votes:
            raise tornado.web.HTTPError(400)
        await self.ballot.count(drink)
        self.write(self.ballot.state())


def make_app():
    ballot = Ballot()
    return tornado.web.Application(
        [("/vote", VoteHandler, {"ballot": ballot}), ("/votes", VotesHandler, {"ballot": ballot})]
    )
