"""Chapter 7, exercise: three lookups that hold nobody up.

Each asks the timeline at the address `api`. The functions timeline_url() and posts_per_second() are ready to be used.

Task 1  GET /rate?q=TAG answers {"tag": TAG, "rate": RATE}. The handler works, but while it waits for the timeline nobody
        else is served. Make it wait without holding up others; its answers stay the same.
Task 2  GET /both?q=TAG&q=TAG answers {"rates": [RATE, RATE]}, in the order of the question. Both lookups are under
        way at once, so that two take the time of one. Nobody else is held up.
Task 3  GET /quick?q=TAG answers as /rate does, but with a time limit: 504 if the timeline takes longer than `timeout`
        seconds, make_app()'s second argument. 502 if the timeline refuses the connection or answers with an error.

Run it:    python exercise.py --port=8000
Check it:  make check-7
"""

import asyncio
import json
import threading
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import tornado.web
from tornado.httpclient import AsyncHTTPClient, HTTPClientError
from tornado.httpserver import HTTPServer
from tornado.options import define, options, parse_command_line
from tornado.simple_httpclient import HTTPTimeoutError
from tornado.testing import bind_unused_port


def timeline_url(api, tag):
    return f"{api}/api/v1/timelines/tag/{quote(tag, safe='')}?limit=40"


def posts_per_second(body):
    """The posts in a timeline's JSON over the seconds since the oldest, rounded to two digits."""
    times = [datetime.fromisoformat(post["created_at"]) for post in json.loads(body)]
    oldest = min(times, default=datetime.now(UTC))
    return round(len(times) / max(1.0, (datetime.now(UTC) - oldest).total_seconds()), 2)


class LookupHandler(tornado.web.RequestHandler):
    def initialize(self, api, timeout):
        self.api, self.timeout = api, timeout


class RateHandler(LookupHandler):
    async def get(self):
        tag = self.get_query_argument("q")
        response = await AsyncHTTPClient().fetch(timeline_url(self.api, tag))
        self.write({"tag": tag, "rate": posts_per_second(response.body)})


class BothHandler(LookupHandler):
    async def get(self):
        tags = self.get_query_arguments("q")
        client = AsyncHTTPClient()
        responses = await asyncio.gather(*[client.fetch(timeline_url(self.api, t)) for t in tags])
        self.write({"rates": [posts_per_second(response.body) for response in responses]})


class QuickHandler(LookupHandler):
    async def get(self):
        tag = self.get_query_argument("q")
        try:
            response = await AsyncHTTPClient().fetch(
                timeline_url(self.api, tag), request_timeout=self.timeout
            )
        except HTTPTimeoutError as error:
            raise tornado.web.HTTPError(504) from error
        except (HTTPClientError, OSError) as error:
            raise tornado.web.HTTPError(502) from error
        self.write({"tag": tag, "rate": posts_per_second(response.body)})


def make_app(api, timeout=3.0):
    lookup = {"api": api, "timeout": timeout}
    return tornado.web.Application(
        [
            (r"/rate", RateHandler, lookup),
            (r"/both", BothHandler, lookup),
            (r"/quick", QuickHandler, lookup),
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
