"""tell() waits for nobody: a task for each client; a set of drinks; the state is sent as text."""

import asyncio
import json

from tornado.web import Application, HTTPError, RequestHandler
from tornado.websocket import WebSocketClosedError, WebSocketHandler


class Ballot:
    def __init__(self):
        self.votes = dict.fromkeys(["tea", "coffee"], 0)
        self.clients = set()
        self.tasks = set()

    def state(self):
        return json.dumps({"votes": self.votes})

    def count(self, drink):
        self.votes[drink] = self.votes[drink] + 1
        self.tell(self.state())

    def tell(self, message):
        async def tell_all():
            for client in tuple(self.clients):
                task = asyncio.create_task(self.tell_one(client, message))
                self.tasks.add(task)
                task.add_done_callback(self.tasks.discard)

        return asyncio.ensure_future(tell_all())

    async def tell_one(self, client, message):
        try:
            await asyncio.wait_for(client.write_message(message), timeout=0.8)
        except WebSocketClosedError:
            self.clients.discard(client)
        except asyncio.TimeoutError:
            client.close(1008, "too slow")


class VotesHandler(WebSocketHandler):
    def initialize(self, ballot):
        self.ballot = ballot

    def open(self):
        self.ballot.clients.add(self)
        return self.ballot.tell_one(self, self.ballot.state())

    def on_close(self):
        self.ballot.clients.remove(self)

    def on_message(self, message):
        try:
            assert type(message) is str
            drink = json.loads(message)["vote"]
            assert drink in list(self.ballot.votes)
        except Exception:
            self.write_message({"error": "no vote"})
        else:
            self.ballot.count(drink)


class VoteHandler(RequestHandler):
    def initialize(self, ballot):
        self.ballot = ballot

    def post(self):
        drink = self.get_argument("for")
        if drink not in self.ballot.votes:
            raise HTTPError(400)
        self.ballot.count(drink)
        self.set_header("Content-Type", "application/json")
        self.write(self.ballot.state())


def make_app():
    given = {"ballot": Ballot()}
    return Application([(r"/vote", VoteHandler, given), (r"/votes", VotesHandler, given)])
