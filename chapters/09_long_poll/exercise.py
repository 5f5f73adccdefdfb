"""Chapter 9, exercise: a feed of changes that any number of clients follow by long polling.

POST /changes with a form field "text" adds a change. GET /waiting answers {"waiting": n}, the number of polls that wait
at this moment. Both are there already, and so is the reading of the version.

Task 1  GET /changes?version=N answers {"changes": [...], "version": M}: the texts of all changes after the first N,
        oldest first, and M, the number of changes that the client knows then. If there is none after the first N,
        the answer waits until there is one. Without a version N is 0.
Task 2  A poll that has waited `deadline` seconds (of make_app) and has nothing new is answered 204, without a body.
Task 3  A client that leaves while its poll waits is cleaned up after: within a second the handler of that poll has
        ended, and /waiting does not count it any more. The polls of the others go on.

Run it:    python exercise.py --port=8000
Check it:  make check-9
"""

import asyncio
from contextlib import suppress

import tornado.web
from tornado.options import define, options, parse_command_line


class Feed:
    """The changes so far, oldest first, and a condition that is notified of each new one."""

    def __init__(self):
        self.changes = []
        self.changed = asyncio.Condition()
        self.waiting = 0

    async def add(self, text):
        self.changes.append(text)
        async with self.changed:
            self.changed.notify_all()

    async def after(self, version):
        """Wait until there are more than `version` changes, and return those after it."""
        # TODO task 1: wait for the condition, then return a part of the list.
        raise NotImplementedError("task 1")


class ChangesHandler(tornado.web.RequestHandler):
    def initialize(self, feed, deadline):
        self.feed, self.deadline = feed, deadline

    def version(self):
        text = self.get_query_argument("version", "0")
        if not text.isdecimal():
            raise tornado.web.HTTPError(400, reason="The version is a whole number")
        return int(text)

    async def get(self):
        version = self.version()
        # TODO task 3: on_connection_close() must be able to end what waits here.
        self.feed.waiting += 1
        try:
            # TODO task 2: wait for self.deadline seconds at most.
            changes = await self.feed.after(version)
            self.write({"changes": changes, "version": version + len(changes)})
            # TODO task 2: answer 204 at the deadline.
        finally:
            self.feed.waiting -= 1

    async def post(self):
        await self.feed.add(self.get_body_argument("text"))
        self.write({"version": len(self.feed.changes)})

    # TODO task 3: Tornado calls on_connection_close() when the client has gone.


class WaitingHandler(tornado.web.RequestHandler):
    def initialize(self, feed):
        self.feed = feed

    def get(self):
        self.write({"waiting": self.feed.waiting})


def make_app(deadline=25):
    feed = Feed()
    return tornado.web.Application(
        [
            (r"/changes", ChangesHandler, {"feed": feed, "deadline": deadline}),
            (r"/waiting", WaitingHandler, {"feed": feed}),
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
