"""A Future for each poll instead of a condition; wait_for for the deadline; the Future is cancelled."""

import asyncio

import tornado.web


class Feed:
    def __init__(self):
        self.changes = []
        self.polls = {}

    def add(self, text):
        self.changes.append(text)
        for future, version in list(self.polls.items()):
            if version < len(self.changes) and not future.done():
                future.set_result(None)


class ChangesHandler(tornado.web.RequestHandler):
    def initialize(self, feed, deadline):
        self.feed, self.deadline = feed, deadline
        self.future = None

    async def get(self):
        version = int(self.get_query_argument("version", "0"))
        if len(self.feed.changes) <= version:
            self.future = asyncio.get_running_loop().create_future()
            self.feed.polls[self.future] = version
            try:
                await asyncio.wait_for(self.future, self.deadline)
            except asyncio.TimeoutError:
                self.set_status(204)
                return
            except asyncio.CancelledError:
                return
            finally:
                del self.feed.polls[self.future]
        news = self.feed.changes[version:]
        self.write({"version": len(self.feed.changes), "changes": news})

    def post(self):
        self.feed.add(self.get_body_argument("text"))
        self.write({"version": len(self.feed.changes)})

    def on_connection_close(self):
        if self.future:
            self.future.cancel()


class WaitingHandler(tornado.web.RequestHandler):
    def initialize(self, feed):
        self.feed = feed

    def get(self):
        self.write({"waiting": len(self.feed.polls)})


def make_app(deadline=25):
    feed = Feed()
    return tornado.web.Application(
        [
            (r"/changes", ChangesHandler, {"feed": feed, "deadline": deadline}),
            (r"/waiting", WaitingHandler, {"feed": feed}),
        ]
    )
