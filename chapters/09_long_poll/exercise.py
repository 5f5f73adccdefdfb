"""Chapter 9, exercise: a feed of changes that any number of clients follow by long polling.

POST /changes with a form field "text" adds a change. GET /waiting responds with {"waiting": n}, the number of
polls that wait at this moment. Both are done, and so is the reading of the version.

Task 1  GET /changes?version=N, where the client knows the first N changes (without a version, N is 0)
        - If more than N changes exist: respond at once with {"changes": [...], "version": M}. "changes" holds the
          text of every change after the first N, oldest first. M is the number of all changes.
        - Otherwise: wait until a change after the first N exists, then respond in the same way.
Task 2  A poll that has waited for `deadline` seconds (an argument of make_app) without a new change
        - Respond with 204 and no body.
Task 3  A client that disconnects while its poll waits
        - Its handler ends within a second, and GET /waiting no longer counts the poll.
        - The polls of the other clients go on.

Run it:    make run-9
Check it:  make check-9
"""

import asyncio
import re
import sys

import tornado.web
from tornado.options import define, options, parse_command_line

from shop import JSONHandler, NotFoundHandler


class Feed:
    """The changes so far, oldest first, and an event that each new change sets and replaces."""

    def __init__(self):
        self.changes = []
        self.changed = asyncio.Event()
        self.waiting = 0

    def add(self, text):
        self.changes.append(text)
        self.changed.set()  # wakes everything that waits for it
        self.changed = asyncio.Event()  # for the next change

    async def after(self, version):
        """Wait until there are more than `version` changes, and return those after it."""
        # TODO task 1: wait for the event, in a loop, then return a part of the list.
        raise NotImplementedError("task 1")


class ChangesHandler(JSONHandler):
    def initialize(self, feed, deadline):
        self.feed, self.deadline = feed, deadline

    async def get(self):
        version = self.get_query_argument("version", "0")
        if not re.fullmatch("[0-9]{1,15}", version):
            self.set_status(400)
            self.finish({"error": "the version must be a number of at most 15 digits"})
            return
        version = int(version)
        # TODO task 3: keep what on_connection_close() needs to end the wait.
        self.feed.waiting += 1
        try:
            # TODO task 2: wait for at most self.deadline seconds.
            changes = await self.feed.after(version)
            self.write({"changes": changes, "version": version + len(changes)})
            # TODO task 2: respond with 204 at the deadline.
        finally:
            self.feed.waiting -= 1

    def post(self):
        self.feed.add(self.get_body_argument("text"))
        self.write({"version": len(self.feed.changes)})

    # TODO task 3: Tornado calls on_connection_close() when the client has disconnected.


class WaitingHandler(JSONHandler):
    def initialize(self, feed):
        self.feed = feed

    def get(self):
        self.write({"waiting": self.feed.waiting})


def make_app(deadline=25):
    feed = Feed()
    app = tornado.web.Application(
        default_handler_class=NotFoundHandler, cross_origin_protection=True
    )
    app.add_handlers(
        r"(localhost|127\.0\.0\.1)",
        [
            (r"/changes", ChangesHandler, {"feed": feed, "deadline": deadline}),
            (r"/waiting", WaitingHandler, {"feed": feed}),
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
