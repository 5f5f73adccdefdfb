"""raise_error=False in a coroutine; gen.multi; Tornado's own Semaphore."""

import asyncio
import json
from datetime import UTC, datetime
from urllib.parse import quote

import tornado.web
from tornado import gen, locks
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
    @gen.coroutine
    def get(self):
        url = timeline_url(self.api, self.get_query_argument("q"))
        try:
            response = yield AsyncHTTPClient().fetch(url, raise_error=False)
        except OSError:
            response = None
        if response is None or response.code >= 400:
            self.send_error(502)
        else:
            self.write({"rate": posts_per_second(response.body)})


class BothHandler(LookupHandler):
    async def get(self):
        responses = await gen.multi([self.fetch(tag) for tag in self.get_query_arguments("q")])
        self.write(dict(rates=[posts_per_second(each.body) for each in responses]))


class ManyHandler(LookupHandler):
    async def get(self):
        semaphore = locks.Semaphore(self.at_once)
        tags = self.get_query_arguments("q")
        rates = {}

        async def look_up(place, tag):
            with await semaphore.acquire():
                response = await self.fetch(tag)
            rates[place] = posts_per_second(response.body)

        await gen.multi([look_up(place, tag) for place, tag in enumerate(tags)])
        self.write({"rates": [rates[place] for place in sorted(rates)]})


def make_app(api, at_once=3):
    lookup = {"api": api, "at_once": at_once}
    return tornado.web.Application(
        [
            (r"/rate", RateHandler, lookup),
            (r"/both", BothHandler, lookup),
            (r"/many", ManyHandler, lookup),
        ]
    )
