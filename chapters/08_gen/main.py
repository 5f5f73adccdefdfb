"""Chapter 8, gen: one lookup in three styles, then several lookups. In the notes: 异步生成器–tornado.gen.

Run it:  python main.py --port=8000                               (a stand-in answers, after 1 s)
         python main.py --port=8000 --api=https://mastodon.social      (a real server answers)
Try it:  curl 'http://localhost:8000/await?q=tornado'             (or /callback, /coroutine)
         curl 'http://localhost:8000/both?q=tornado&q=python'
         curl 'http://localhost:8000/chain?q=tornado'
"""

import asyncio
from contextlib import nullcontext, suppress

import tornado.web
from tornado import gen
from tornado.httpclient import AsyncHTTPClient
from tornado.options import define, options, parse_command_line

from lookup import FAILURES, LookupHandler
from rate import posts_per_second
from related import related_tag
from upstream import stand_in


class CallbackHandler(LookupHandler):
    """Half of the work is in a second method, and that method must think of every way to end."""

    def get(self):
        self.answered = asyncio.Future()
        self.fetch(self.tag).add_done_callback(self.on_response)
        return self.answered  # else Tornado would finish the response now

    def on_response(self, fetched):
        try:
            self.show(self.tag, posts_per_second(fetched.result().body))
        except FAILURES as error:
            self.fail(error)
        except Exception as error:  # a mistake of ours; without this, a request that hangs
            return self.answered.set_exception(error)
        self.answered.set_result(None)


class CoroutineHandler(LookupHandler):
    """A generator that Tornado resumes, from the time before Python had `await`."""

    @gen.coroutine
    def get(self):
        try:
            response = yield self.fetch(self.tag)
            self.show(self.tag, posts_per_second(response.body))
        except FAILURES as error:
            self.fail(error)


class AwaitHandler(LookupHandler):
    """The same in the language itself. This is what to write today."""

    async def get(self):
        try:
            response = await self.fetch(self.tag)
            self.show(self.tag, posts_per_second(response.body))
        except FAILURES as error:
            self.fail(error)


class BothHandler(LookupHandler):
    """Two lookups at once: both are under way before we wait for either."""

    async def get(self):
        tags = self.get_query_arguments("q")
        if len(tags) != 2 or not all(tags):
            raise tornado.web.HTTPError(400, reason="Two tags, please: ask with ?q=TAG&q=TAG")
        try:
            rates = await asyncio.gather(*[self.rate(tag) for tag in tags])
        except FAILURES as error:
            return self.fail(error)
        for tag, rate in zip(tags, rates, strict=True):
            self.show(tag, rate)

    async def rate(self, tag):
        return posts_per_second((await self.fetch(tag)).body)


class ChainHandler(LookupHandler):
    """Three lookups, each of which needs the answer of the one before: a loop, nothing nested."""

    async def get(self):
        tag = self.tag
        try:
            for _ in range(3):
                body = (await self.fetch(tag)).body
                self.show(tag, posts_per_second(body))
                if not (tag := related_tag(body, tag)):
                    break
        except FAILURES as error:
            self.fail(error)


def make_app(api, timeout=10.0, max_clients=1000):
    """Ask the Mastodon server `api`: `timeout` seconds a lookup, up to `max_clients` at once."""
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
