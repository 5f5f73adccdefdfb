"""The blocking client, each lookup in a thread of its own; a time limit by asyncio.timeout."""

import asyncio
import json
import urllib.error
import urllib.request
from datetime import UTC, datetime
from urllib.parse import quote

import tornado.web


def timeline_url(api, tag):
    return f"{api}/api/v1/timelines/tag/{quote(tag, safe='')}?limit=40"


def posts_per_second(body):
    times = [datetime.fromisoformat(post["created_at"]) for post in json.loads(body)]
    oldest = min(times, default=datetime.now(UTC))
    return round(len(times) / max(1.0, (datetime.now(UTC) - oldest).total_seconds()), 2)


class LookupHandler(tornado.web.RequestHandler):
    def initialize(self, api, timeout):
        self.api, self.timeout = api, timeout

    def look_up(self, tag):
        with urllib.request.urlopen(timeline_url(self.api, tag)) as response:
            return posts_per_second(response.read())


class RateHandler(LookupHandler):
    async def get(self):
        tag = self.get_query_argument("q")
        loop = asyncio.get_running_loop()
        self.write({"rate": await loop.run_in_executor(None, self.look_up, tag), "tag": tag})


class BothHandler(LookupHandler):
    async def get(self):
        first, second = self.get_query_arguments("q")
        tasks = [asyncio.create_task(asyncio.to_thread(self.look_up, t)) for t in (first, second)]
        self.write({"rates": [await task for task in tasks]})


class QuickHandler(LookupHandler):
    async def get(self):
        tag = self.get_query_argument("q")
        try:
            async with asyncio.timeout(self.timeout):
                rate = await asyncio.to_thread(self.look_up, tag)
        except TimeoutError:
            self.send_error(504)
        except urllib.error.URLError:
            self.send_error(502)
        else:
            self.write({"tag": tag, "rate": rate})


def make_app(api, timeout=3.0):
    lookup = {"api": api, "timeout": timeout}
    return tornado.web.Application(
        [
            ("/rate", RateHandler, lookup),
            ("/both", BothHandler, lookup),
            ("/quick", QuickHandler, lookup),
        ]
    )
