"""Chapter 8, exercise: from a callback to a coroutine, from that to await, then many lookups.

`api` is the address of the timeline. timeline_url() and posts_per_second() are given; RATE is what
posts_per_second() returns.

Task 1  GET /rate?q=TAG is written with a callback, and the request hangs when the timeline fails.
        - Write it as one method get() with @gen.coroutine and yield.
        - Respond with 200 {"rate": RATE}.
        - The timeline responds with an error status, or refuses the connection: 502.
        - The request has no q: 400.

Task 2  GET /both?q=TAG&q=TAG is written with @gen.coroutine, and yields a list.
        - Write it as async def get(self), with await.
        - Respond with 200 {"rates": [RATE, RATE]}, in the order of the tags in the request.
        - Still run both lookups concurrently.

Task 3  GET /many?q=TAG&q=TAG&q=... looks up as many tags as the request has.
        - Respond with 200 {"rates": [RATE, RATE, ...]}, in the order of the tags in the request.
        - `at_once` is the second argument of make_app(). For each request, never run more than
          `at_once` lookups at the same time, and do run that many as long as enough tags remain.
        - AsyncHTTPClient has another limit, 10 lookups at the same time. Leave it as it is.

upstream.py stands in for the timeline. Four tags misbehave: late, trickle, broken and gone.

Run it:    make run-8
Check it:  make check-8
"""

import asyncio
import json
import sys
from datetime import UTC, datetime
from urllib.parse import quote

import tornado.web
from tornado import gen
from tornado.httpclient import AsyncHTTPClient, HTTPClientError
from tornado.options import define, options, parse_command_line

import upstream


def timeline_url(api, tag):
    return f"{api}/api/v1/timelines/tag/{quote(tag, safe='')}?limit=40"


def posts_per_second(body):
    """The number of posts in a timeline's JSON over the seconds since the oldest, rounded."""
    times = [datetime.fromisoformat(post["created_at"]) for post in json.loads(body)]
    oldest = min(times, default=datetime.now(UTC))
    return round(len(times) / max(1.0, (datetime.now(UTC) - oldest).total_seconds()), 2)


class LookupHandler(tornado.web.RequestHandler):
    def initialize(self, api, at_once):
        self.api, self.at_once = api, at_once

    def fetch(self, tag):
        """Start to look a tag up. Returns a Future, and does not wait."""
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


async def main():
    define("port", default=8000, help="the port to listen on", type=int)
    parse_command_line()
    make_app(upstream.start()).listen(options.port, address="127.0.0.1")
    await asyncio.Event().wait()


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except KeyboardInterrupt:
        pass
    except OSError as error:  # such as a port that is in use
        sys.exit(f"exercise.py: {error}")
