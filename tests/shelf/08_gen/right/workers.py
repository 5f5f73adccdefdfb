"""A queue and so many workers; tasks that are awaited one after the other; a coroutine with gen.Return."""

import asyncio
import json
from datetime import UTC, datetime
from urllib.parse import quote

import tornado.web
from tornado import gen
from tornado.httpclient import AsyncHTTPClient, HTTPClientError


def timeline_url(api, tag):
    return f"{api}/api/v1/timelines/tag/{quote(tag, safe='')}?limit=40"


def posts_per_second(body):
    times = [datetime.fromisoformat(post["created_at"]) for post in json.loads(body)]
    oldest = min(times, default=datetime.now(UTC))
    return round(len(times) / max(1.0, (datetime.now(UTC) - oldest).total_seconds()), 2)


class LookupHandler(tornado.web.RequestHandler):
    def initialize(self, api, at_once):
        self.api, self.at_once = api, at_once

    def fetch(self, tag):
        return AsyncHTTPClient().fetch(timeline_url(self.api, tag))


class RateHandler(LookupHandler):
    @tornado.gen.coroutine
    def get(self):
        tag = self.get_argument("q")
        future = self.fetch(tag)
        try:
            response = yield future
        except HTTPClientError:
            self.set_status(502)
            self.finish({"error": "the timeline fails"})
            raise gen.Return()
        except ConnectionRefusedError:
            raise tornado.web.HTTPError(502, reason="no timeline")
        self.finish({"rate": posts_per_second(response.body)})


class BothHandler(LookupHandler):
    async def get(self):
        first, second = [asyncio.ensure_future(self.fetch(t)) for t in self.get_arguments("q")]
        rates = [posts_per_second((await first).body), posts_per_second((await second).body)]
        await self.finish({"rates": rates})


class ManyHandler(LookupHandler):
    async def get(self):
        tags = list(enumerate(self.get_arguments("q")))
        rates = [None] * len(tags)
        tags.reverse()

        async def work():
            while tags:
                index, tag = tags.pop()
                rates[index] = posts_per_second((await self.fetch(tag)).body)

        async with asyncio.TaskGroup() as group:
            for _ in range(self.at_once):
                group.create_task(work())
        self.write({"rates": rates})


def make_app(api, at_once=3):
    lookup = {"api": api, "at_once": at_once}
    return tornado.web.Application(
        [
            (r"/rate", RateHandler, lookup),
            (r"/both", BothHandler, lookup),
            (r"/many", ManyHandler, lookup),
        ]
    )
