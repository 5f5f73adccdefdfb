"""Chapter 7, sync versus async: how fast do the posts with a hashtag appear?

Two handlers look the hashtag up on a Mastodon server. One blocks while it waits, one does not.

Run it:  make chapter-7    (or: .venv/bin/python chapters/07_sync_versus_async/main.py --port=8000)
         A stand-in for the server runs beside it. To ask a real one: --api=https://mastodon.social
Try it:  curl 'http://127.0.0.1:8000/async?q=tornado'
         Open http://127.0.0.1:8000/ and send a burst of requests to each handler.
"""

import asyncio
import signal
import sys
import urllib.request
from http.client import HTTPException
from pathlib import Path

import tornado.web
from tornado.httpclient import AsyncHTTPClient, HTTPClientError
from tornado.iostream import UnsatisfiableReadError
from tornado.options import define, options, parse_command_line
from tornado.simple_httpclient import HTTPTimeoutError

import upstream
from rate import posts_per_second, timeline_url

HERE = Path(__file__).parent
MAX_BODY = 4_000_000  # bytes; forty posts need far fewer
TIMEOUTS = (TimeoutError, HTTPTimeoutError)
FAILURES = (OSError, HTTPException, HTTPClientError, UnsatisfiableReadError, ValueError)

# AsyncHTTPClient does not use a proxy. urlopen() does, if the environment names one: this does not.
blocking_client = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class RateHandler(tornado.web.RequestHandler):
    """What both handlers share: the tag at the start, and a message when something is wrong."""

    def initialize(self, api, client, timeout):
        self.api, self.client, self.timeout = api, client, timeout

    def prepare(self):
        self.tag = self.get_query_argument("q", "")
        self.url = timeline_url(self.api, self.tag)
        if not self.tag:
            self.explain(400, "Which tag? Ask with ?q=TAG")

    def explain(self, status, message):
        self.set_status(status)
        self.set_header("Content-Type", "text/plain; charset=utf-8")
        self.finish(f"{message}\n")

    def fail(self, error):
        status = 504 if isinstance(error, TIMEOUTS) else 502
        self.explain(status, f"The timeline failed: {error}")


class SyncHandler(RateHandler):
    """Blocks until the timeline has responded. Until then this server does nothing else."""

    def get(self):
        try:
            with blocking_client.open(self.url, timeout=self.timeout) as response:
                rate = posts_per_second(response.read(MAX_BODY))
        except FAILURES as error:
            self.fail(error)
        else:
            self.render("rate.html", tag=self.tag, rate=rate)


class AsyncHandler(RateHandler):
    """Awaits the response. Until it has come, the event loop serves other clients."""

    async def get(self):
        try:
            response = await self.client.fetch(self.url)
            rate = posts_per_second(response.body)
        except FAILURES as error:
            self.fail(error)
        else:
            self.render("rate.html", tag=self.tag, rate=rate)


class PageHandler(tornado.web.RequestHandler):
    """The page that sends a burst of requests and draws a bar for each."""

    def get(self):
        self.render("index.html")


def make_app(api, timeout=10.0, max_clients=1000):
    """Ask the Mastodon server `api`: `timeout` seconds a lookup, `max_clients` at the same time."""
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
    define("port", default=8000, help="the port to listen on", type=int)
    define("api", default="", help="the Mastodon server to ask; if empty, a stand-in is started")
    define("delay", default=1.0, help="how many seconds the stand-in takes to respond")
    parse_command_line()
    # With asyncio's own handler, Ctrl-C waits until no lookup blocks the event loop any more.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    api = options.api or upstream.start(delay=options.delay)
    print(f"The timeline is at {api}")
    make_app(api).listen(options.port, address="127.0.0.1")
    await asyncio.Event().wait()


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except KeyboardInterrupt:
        pass
    except OSError as error:  # such as a port that is in use
        sys.exit(f"main.py: {error}")
