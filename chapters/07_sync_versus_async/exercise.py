"""Chapter 7, exercise: three lookups that block no other request.

`api` is the address of the timeline. timeline_url() and posts_per_second() are given; RATE is what
posts_per_second() returns.

Task 1  GET /rate?q=TAG works, but while it waits for the timeline, it blocks the server.
        - Wait without blocking. The lookups of several clients run concurrently.
        - The responses stay the same: 200 {"tag": TAG, "rate": RATE}; 400 if the request has no q;
          500 if the timeline fails. There is no time limit.

Task 2  GET /both?q=TAG&q=TAG looks two tags up.
        - Respond with 200 {"rates": [RATE, RATE]}, in the order of the tags in the request.
        - Run both lookups concurrently: the second starts before the first has ended.
        - Block no other request.

Task 3  GET /quick?q=TAG is /rate with a time limit.
        - The whole of the timeline's response arrives in time: 200 {"tag": TAG, "rate": RATE}.
        - It takes more than `timeout` seconds, the second argument of make_app(): 504, even if the
          timeline sends a byte now and then.
        - The timeline refuses the connection, or responds with an error status: 502.
        - The request has no q: 400.

upstream.py stands in for the timeline. Four tags misbehave: late, trickle, broken and gone.

Run it:    make run-7
Check it:  make check-7
"""

import asyncio
import json
import sys
import urllib.request  # TODO task 1: a blocking client; you will not need it any more
from datetime import UTC, datetime
from urllib.parse import quote

import tornado.web
from tornado.httpclient import AsyncHTTPClient, HTTPClientError
from tornado.options import define, options, parse_command_line
from tornado.simple_httpclient import HTTPTimeoutError

import upstream


def timeline_url(api, tag):
    return f"{api}/api/v1/timelines/tag/{quote(tag, safe='')}?limit=40"


def posts_per_second(body):
    """The number of posts in a timeline's JSON over the seconds since the oldest, rounded."""
    times = [datetime.fromisoformat(post["created_at"]) for post in json.loads(body)]
    oldest = min(times, default=datetime.now(UTC))
    return round(len(times) / max(1.0, (datetime.now(UTC) - oldest).total_seconds()), 2)


class LookupHandler(tornado.web.RequestHandler):
    def initialize(self, api, timeout):
        self.api, self.timeout = api, timeout


class RateHandler(LookupHandler):
    # TODO task 1: wait for the timeline without blocking.
    def get(self):
        tag = self.get_query_argument("q")
        # TODO task 1: urlopen() blocks.
        with urllib.request.urlopen(timeline_url(self.api, tag)) as response:
            self.write({"tag": tag, "rate": posts_per_second(response.read())})


class BothHandler(LookupHandler):
    # TODO task 2: respond with the rates of the tags that get_query_arguments("q") returns.
    def get(self):
        raise tornado.web.HTTPError(501)


class QuickHandler(LookupHandler):
    # TODO task 3: as /rate, but 504 after self.timeout seconds, and 502 when the timeline fails.
    def get(self):
        raise tornado.web.HTTPError(501)


def make_app(api, timeout=3.0):
    lookup = {"api": api, "timeout": timeout}
    return tornado.web.Application(
        [
            (r"/rate", RateHandler, lookup),
            (r"/both", BothHandler, lookup),
            (r"/quick", QuickHandler, lookup),
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
