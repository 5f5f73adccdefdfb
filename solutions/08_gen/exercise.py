"""Chapter 8, exercise: from a callback to a coroutine, from a coroutine to async and await, and many lookups at a time.

Each asks the timeline at the address `api`. The functions timeline_url() and posts_per_second() are ready to be used.

Task 1  GET /rate?q=TAG answers {"rate": RATE}. It is written with a callback, and when the timeline fails, the request
        hangs. Write it as one method get() with @gen.coroutine and yield, which answers 502 when the timeline
        answers with an error or refuses the connection.
Task 2  GET /both?q=TAG&q=TAG answers {"rates": [RATE, RATE]}. It is written with @gen.coroutine and yields a list. Write
        it as `async def get(self)`, with await. Both lookups are still under way at once.
Task 3  GET /many?q=TAG&q=TAG&q=... answers {"rates": [RATE, RATE, ...]}, in the order of the question. At no moment are
        more than `at_once` of its lookups under way, make_app()'s second argument; and as many as that, as long as
        there are enough tags. (The client lets ten through at a time: that is a limit of its own.)

Run it:    python exercise.py --port=8000
Check it:  make check-8
"""

import asyncio
import json
import threading
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import tornado.web
from tornado import gen
from tornado.httpclient import AsyncHTTPClient, HTTPClientError
from tornado.httpserver import HTTPServer
from tornado.options import define, options, parse_command_line
from tornado.testing import bind_unused_port


def timeline_url(api, tag):
    return f"{api}/api/v1/timelines/tag/{quote(tag, safe='')}?limit=40"


def posts_per_second(body):
    """The posts in a timeline's JSON over the seconds since the oldest, rounded to two digits."""
    times = [datetime.fromisoformat(post["created_at"]) for post in json.loads(body)]
    oldest = min(times, default=datetime.now(UTC))
    return round(len(times) / max(1.0, (datetime.now(UTC) - oldest).total_seconds()), 2)


class LookupHandler(tornado.web.RequestHandler):
    def initialize(self, api, at_once):
        self.api, self.at_once = api, at_once

    def fetch(self, tag):
        """Begin to ask for a tag's timeline; returns a Future at once."""
        return AsyncHTTPClient().fetch(timeline_url(self.api, tag))


class RateHandler(LookupHandler):
    @gen.coroutine
    def get(self):
        try:
            response = yield self.fetch(self.get_query_argument("q"))
        except (HTTPClientError, OSError) as error:
            raise tornado.web.HTTPError(502) from error
        self.write({"rate": posts_per_second(response.body)})


class BothHandler(LookupHandler):
    async def get(self):
        tags = self.get_query_arguments("q")
        responses = await asyncio.gather(*[self.fetch(tag) for tag in tags])
        self.write({"rates": [posts_per_second(response.body) for response in responses]})


class ManyHandler(LookupHandler):
    async def get(self):
        free = asyncio.Semaphore(self.at_once)

        async def rate(tag):
            async with free:
                return posts_per_second((await self.fetch(tag)).body)

        tags = self.get_query_arguments("q")
        self.write({"rates": await asyncio.gather(*[rate(tag) for tag in tags])})


def make_app(api, at_once=3):
    lookup = {"api": api, "at_once": at_once}
    return tornado.web.Application(
        [
            (r"/rate", RateHandler, lookup),
            (r"/both", BothHandler, lookup),
            (r"/many", ManyHandler, lookup),
        ]
    )


class TimelineHandler(tornado.web.RequestHandler):
    """Stands in for a Mastodon server: it answers after a second; for the tag "late" after ten."""

    async def get(self, tag):
        await asyncio.sleep(10 if tag == "late" else 1)
        now = datetime.now(UTC)
        times = [(now - timedelta(seconds=2 * n)).isoformat() for n in range(40)]
        self.write(json.dumps([{"created_at": time} for time in times]))


def start_timeline():
    """Serve the timeline from a thread of its own, so that a handler that blocks can ask it too."""
    sock, port = bind_unused_port()

    async def serve():
        app = tornado.web.Application([(r"/api/v1/timelines/tag/([^/]+)", TimelineHandler)])
        HTTPServer(app).add_socket(sock)
        await asyncio.Event().wait()

    threading.Thread(target=lambda: asyncio.run(serve()), daemon=True).start()
    return f"http://127.0.0.1:{port}"


async def main():
    define("port", default=8000, help="the port to listen on", type=int)
    parse_command_line()
    make_app(start_timeline()).listen(options.port, address="127.0.0.1")
    await asyncio.Event().wait()


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        asyncio.run(main())
