"""Tornado's own Condition and its timeout; the client that has gone is notified with all others."""

import datetime

import tornado.web
from tornado import locks
from tornado.ioloop import IOLoop


class Feed:
    def __init__(self):
        self.changes = []
        self.condition = locks.Condition()
        self.waiting = 0


class ChangesHandler(tornado.web.RequestHandler):
    gone = False

    def initialize(self, feed, deadline):
        self.feed, self.deadline = feed, deadline

    async def get(self):
        version = int(self.get_argument("version", "0"))
        end = IOLoop.current().time() + self.deadline
        self.feed.waiting += 1
        while len(self.feed.changes) <= version and not self.gone:
            left = datetime.timedelta(seconds=max(0, end - IOLoop.current().time()))
            if not left or not await self.feed.condition.wait(timeout=left):
                break
        self.feed.waiting -= 1
        if self.gone:
            return
        if len(self.feed.changes) <= version:
            self.set_status(204)
            await self.finish()
            return
        self.write(dict(changes=self.feed.changes[version:], version=len(self.feed.changes)))

    async def post(self):
        self.feed.changes += [self.get_body_argument("text")]
        self.feed.condition.notify_all()
        self.write({"version": len(self.feed.changes)})

    def on_connection_close(self):
        self.gone = True
        self.feed.condition.notify_all()


class WaitingHandler(tornado.web.RequestHandler):
    def initialize(self, feed):
        self.feed = feed

    async def get(self):
        self.write({"waiting": self.feed.waiting})


def make_app(deadline=25):
    feed = Feed()
    return tornado.web.Application(
        [
            tornado.web.url("/changes", ChangesHandler, dict(feed=feed, deadline=deadline)),
            tornado.web.url("/waiting", WaitingHandler, dict(feed=feed)),
        ]
    )
