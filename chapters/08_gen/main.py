"""Chapter 8, gen: one lookup in three styles, then several lookups.

Run it:  make chapter-8    (or: .venv/bin/python chapters/08_gen/main.py --port=8000)
         A stand-in for the server runs beside it. To ask a real one: --api=https://mastodon.social
Try it:  curl 'http://127.0.0.1:8000/await?q=tornado'    (or /callback, /coroutine)
         curl 'http://127.0.0.1:8000/both?q=tornado&q=python'
         curl 'http://127.0.0.1:8000/chain?q=tornado'
"""

import asyncio
import json
import sys

import tornado.web
from tornado import gen
from tornado.httpclient import AsyncHTTPClient, HTTPClientError
from tornado.iostream import UnsatisfiableReadError
from tornado.options import define, options, parse_command_line
from tornado.simple_httpclient import HTTPTimeoutError
from tornado.template import Template

import upstream
from rate import NotATimelineError, posts_per_second, timeline_url

FAILURES = (OSError, HTTPClientError, UnsatisfiableReadError, ValueError)
PAGE = Template("<p>{{ tag }}: {{ f'{rate:.2f}' }} posts per second</p>\n")


class LookupHandler(tornado.web.RequestHandler):
    """What all handlers share: how a lookup starts, and what they send."""

    def initialize(self, api, client):
        self.api, self.client = api, client

    def prepare(self):
        self.tag = self.get_query_argument("q", "")
        if not self.tag:
            self.explain(400, "Which tag? Ask with ?q=TAG")

    def fetch(self, tag):
        """Start to look a tag up. Returns a Future, and does not wait."""
        return self.client.fetch(timeline_url(self.api, tag))

    def show(self, tag, rate):
        self.write(PAGE.generate(tag=tag, rate=rate))

    def explain(self, status, message):
        self.set_status(status)
        self.set_header("Content-Type", "text/plain; charset=utf-8")
        self.finish(f"{message}\n")

    def fail(self, error):
        status = 504 if isinstance(error, HTTPTimeoutError) else 502
        self.explain(status, f"The timeline failed: {error}")


class CallbackHandler(LookupHandler):
    """Half of the work is in a second method, which has to think of everything that can happen."""

    def get(self):
        self.answered = asyncio.Future()
        self.fetch(self.tag).add_done_callback(self.on_response)
        return self.answered  # without this line, Tornado would finish the response now

    def on_response(self, fetched):
        try:
            try:
                rate = posts_per_second(fetched.result().body)
            except FAILURES as error:
                self.fail(error)
            else:
                self.show(self.tag, rate)
            self.answered.set_result(None)
        except Exception as error:  # a bug in our code: without these lines, the request would hang
            self.answered.set_exception(error)


class CoroutineHandler(LookupHandler):
    """A generator that Tornado resumes, from the time before Python had `await`."""

    @gen.coroutine
    def get(self):
        try:
            response = yield self.fetch(self.tag)
            rate = posts_per_second(response.body)
        except FAILURES as error:
            self.fail(error)
        else:
            self.show(self.tag, rate)


class AwaitHandler(LookupHandler):
    """The same in the language itself. This is what to write today."""

    async def get(self):
        try:
            response = await self.fetch(self.tag)
            rate = posts_per_second(response.body)
        except FAILURES as error:
            self.fail(error)
        else:
            self.show(self.tag, rate)


class BothHandler(LookupHandler):
    """Two concurrent lookups: both have started before we wait for the first."""

    async def get(self):
        tags = self.get_query_arguments("q")
        if len(tags) != 2 or not all(tags):
            self.explain(400, "Which two tags? Ask with ?q=TAG&q=TAG")
            return
        try:
            rates = await asyncio.gather(*[self.rate(tag) for tag in tags])
        except FAILURES as error:
            self.fail(error)
        else:
            for tag, rate in zip(tags, rates, strict=True):
                self.show(tag, rate)

    async def rate(self, tag):
        response = await self.fetch(tag)
        return posts_per_second(response.body)


class ChainHandler(LookupHandler):
    """Three lookups, each of which needs the response to the one before: a loop, nothing nested."""

    async def get(self):
        tag, rates = self.tag, []
        try:
            while tag and len(rates) < 3:
                response = await self.fetch(tag)
                rates.append((tag, posts_per_second(response.body)))
                tag = related_tag(response.body, tag)
        except FAILURES as error:
            self.fail(error)
        else:
            for tag, rate in rates:
                self.show(tag, rate)


def related_tag(body, tag):
    """The first other tag in a timeline's posts, or None. Raises NotATimelineError."""
    try:
        names = [each["name"] for post in json.loads(body) for each in post["tags"]]
        return next((name for name in names if name.casefold() != tag.casefold()), None)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise NotATimelineError(f"not a timeline: {error!r:.80}") from error


def make_app(api, timeout=10.0, max_clients=1000):
    """Ask the Mastodon server `api`: `timeout` seconds a lookup, `max_clients` at the same time."""
    client = AsyncHTTPClient(
        force_instance=True,
        max_clients=max_clients,
        max_body_size=4_000_000,
        defaults={"connect_timeout": timeout, "request_timeout": timeout},
    )
    lookup = {"api": api.rstrip("/"), "client": client}
    return tornado.web.Application(
        [
            (r"/callback", CallbackHandler, lookup),
            (r"/coroutine", CoroutineHandler, lookup),
            (r"/await", AwaitHandler, lookup),
            (r"/both", BothHandler, lookup),
            (r"/chain", ChainHandler, lookup),
        ]
    )


async def main():
    define("port", default=8000, help="the port to listen on", type=int)
    define("api", default="", help="the Mastodon server to ask; if empty, a stand-in is started")
    define("delay", default=1.0, help="how many seconds the stand-in takes to respond")
    parse_command_line()
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
