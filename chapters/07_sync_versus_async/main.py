"""Chapter 7, sync versus async: how fast do the posts with a hashtag appear? In the notes: 异步Web请求.

Two handlers ask the timeline of a Mastodon server. One blocks while it waits, one does not.

Run it:  python main.py --port=8000                               (a stand-in answers, after 1 s)
         python main.py --port=8000 --api=https://mastodon.social      (a real server answers)
Try it:  curl 'http://localhost:8000/async?q=tornado'
         Open http://localhost:8000/ and fire a burst at each of the two.
"""

import asyncio
import urllib.request
from contextlib import nullcontext, suppress
from http.client import HTTPException
from pathlib import Path

import tornado.web
from tornado.httpclient import AsyncHTTPClient, HTTPClientError
from tornado.options import define, options, parse_command_line
from tornado.simple_httpclient import HTTPTimeoutError

from rate import posts_per_second, timeline_url
from upstream import stand_in

HERE = Path(__file__).parent
MAX_BODY = 4_000_000  # bytes; forty posts need far less
TIMEOUTS = (TimeoutError, HTTPTimeoutError)
FAILURES = (OSError, HTTPException, HTTPClientError, ValueError)


class RateHandler(tornado.web.RequestHandler):
    """What both handlers share: how a lookup begins, and how it ends, well or badly."""

    def initialize(self, api, client, timeout):
        self.api, self.client, self.timeout = api, client, timeout

    def prepare(self):
        self.tag = self.get_query_argument("q", "")
        if not self.tag:
            raise tornado.web.HTTPError(400, reason="No tag: ask with ?q=TAG")
        self.url = timeline_url(self.api, self.tag)

    def show(self, body):
        rate = posts_per_second(body)
        self.render("rate.html", tag=self.tag, rate=rate)

    def fail(self, error):
        self.set_status(504 if isinstance(error, TIMEOUTS) else 502)
        self.set_header("Content-Type", "text/plain; charset=utf-8")
        self.write(f"The timeline failed: {error}\n")


class SyncHandler(RateHandler):
    """Waits for the timeline, and serves nobody else meanwhile."""

    def get(self):
        try:
            with urllib.request.urlopen(self.url, timeout=self.timeout) as response:
                self.show(response.read(MAX_BODY))
        except FAILURES as error:
            self.fail(error)


class AsyncHandler(RateHandler):
    """Gives the loop back while the timeline takes its time."""

    async def get(self):
        try:
            response = await self.client.fetch(self.url)
            self.show(response.body)
        except FAILURES as error:
            self.fail(error)


class PageHandler(tornado.web.RequestHandler):
    """The page that fires a burst and draws each request's bar."""

    def get(self):
        self.render("index.html")


def make_app(api, timeout=10.0, max_clients=1000):
    """Ask the Mastodon server `api`: `timeout` seconds a lookup, up to `max_clients` at once."""
    client = AsyncHTTPClient(
        force_instance=True,
        max_clients=max_clients,
        max_body_size=MAX_BODY,
        defaults={"connect_timeout": timeout, "request_timeout": timeout},
    )
    lookup = {"api": api.rstrip("/"), "client": client, "timeout": timeout}
    return tornado.web.Application(
        [
            (r"/", PageHandler),
            (r"/sync", SyncHandler, lookup),
            (r"/async", AsyncHandler, lookup),
        ],
        template_path=HERE / "templates",
        static_path=HERE / "static",
    )


async def main():
    define("port", default=8000, help="the port to listen on")
    define("api", default="", help="the Mastodon server to ask; a stand-in of ours if empty")
    define("delay", default=1.0, help="seconds that the stand-in takes to answer")
    parse_command_line()
    with nullcontext(options.api) if options.api else stand_in(delay=options.delay) as api:
        make_app(api).listen(options.port, address="127.0.0.1")
        print(f"The timeline is at {api}")
        await asyncio.Event().wait()


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        asyncio.run(main())
