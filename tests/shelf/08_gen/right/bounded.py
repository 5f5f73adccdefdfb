"""A helper coroutine; a zip; as many tasks as may be, and asyncio.wait for the first that ends."""

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
    @gen.coroutine
    def lookup(self, tag):
        response = yield self.fetch(tag)
        return posts_per_second(response.body)

    @gen.coroutine
    def get(self):
        tag = self.get_query_argument("q")
        try:
            rate = yield self.lookup(tag)
            self.write({"rate": rate})
        except Exception as error:
            raise tornado.web.HTTPError(502) from error


class BothHandler(LookupHandler):
    async def rates(self, *tags):
        futures = [self.fetch(tag) for tag in tags]
        return [posts_per_second((await future).body) for future in futures]

    async def get(self):
        tags = self.get_query_arguments("q")
        self.write({"rates": await self.rates(*tags)})


class ManyHandler(LookupHandler):
    async def get(self):
        tags = self.get_query_arguments("q")
        everything, pending = [], set()
        for tag in tags:
            if len(pending) >= self.at_once:
                _, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
            everything.append(asyncio.ensure_future(self.fetch(tag)))
            pending.add(everything[-1])
        responses = await asyncio.gather(*everything)
        self.write({"rates": [posts_per_second(response.body) for response in responses]})


def make_app(api, at_once=3):
    lookup = {"api": api, "at_once": at_once}
    return tornado.web.Application(
        [
            (r"/rate", RateHandler, lookup),
            (r"/both", BothHandler, lookup),
            (r"/many", ManyHandler, lookup),
        ]
    )
