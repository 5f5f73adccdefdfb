"""An event that is replaced at each change; asyncio.wait for the first of the change and the client's leaving."""

import asyncio
from contextlib import contextmanager

from tornado.web import Application, RequestHandler


class Feed:
    def __init__(self):
        self.changes = []
        self.more = asyncio.Event()
        self.waiting = 0

    @contextmanager
    def counted(self):
        self.waiting += 1
        try:
            yield
        finally:
            self.waiting -= 1

    async def add(self, text):
        self.changes.append(text)
        event, self.more = self.more, asyncio.Event()
        event.set()

    async def after(self, version):
        while not self.changes[version:]:
            await self.more.wait()
        return self.changes[version:]


class Changes(RequestHandler):
    def initialize(self, feed, deadline):
        self.feed, self.deadline = feed, deadline
        self.left = asyncio.Event()

    async def get(self):
        version = int(self.get_query_argument("version", 0))
        news = asyncio.create_task(self.feed.after(version))
        left = asyncio.create_task(self.left.wait())
        with self.feed.counted():
            await asyncio.wait(
                [news, left], timeout=self.deadline, return_when=asyncio.FIRST_COMPLETED
            )
        if news.done():
            changes = news.result()
            self.finish({"changes": changes, "version": version + len(changes)})
        elif not left.done():
            self.set_status(204)
        for task in (news, left):
            task.cancel()

    async def post(self):
        await self.feed.add(self.get_argument("text"))
        self.finish({"version": len(self.feed.changes)})

    def on_connection_close(self):
        self.left.set()


class Waiting(RequestHandler):
    def initialize(self, feed):
        self.feed = feed

    def get(self):
        self.finish({"waiting": self.feed.waiting})


def make_app(deadline=25):
    feed = Feed()
    routes = [
        ("/changes", Changes, {"feed": feed, "deadline": deadline}),
        ("/waiting", Waiting, {"feed": feed}),
    ]
    return Application(routes)
