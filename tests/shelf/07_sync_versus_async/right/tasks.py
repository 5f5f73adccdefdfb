"""A class for the timeline; a TaskGroup; wait_for; the errors are translated in one place."""

import asyncio
import json
from datetime import UTC, datetime
from urllib.parse import quote

from tornado.httpclient import AsyncHTTPClient, HTTPError
from tornado.web import Application, RequestHandler
from tornado.web import HTTPError as Refused


class Timeline:
    def __init__(self, api):
        self.api = api

    async def rate(self, tag):
        url = f"{self.api}/api/v1/timelines/tag/{quote(tag, safe='')}?limit=40"
        body = (await AsyncHTTPClient().fetch(url, request_timeout=0)).body
        now = datetime.now(UTC)
        posts = json.loads(body)
        oldest = min((datetime.fromisoformat(post["created_at"]) for post in posts), default=now)
        return round(len(posts) / max(1.0, (now - oldest).total_seconds()), 2)


class Handler(RequestHandler):
    def initialize(self, timeline, timeout=None):
        self.timeline, self.timeout = timeline, timeout


class RateHandler(Handler):
    async def get(self):
        tag = self.get_query_argument("q")
        self.write({"tag": tag, "rate": await self.timeline.rate(tag)})


class BothHandler(Handler):
    async def get(self):
        async with asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(self.timeline.rate(tag)) for tag in self.get_query_arguments("q")
            ]
        self.write({"rates": [task.result() for task in tasks]})


class QuickHandler(Handler):
    async def get(self):
        tag = self.get_query_argument("q")
        try:
            rate = await asyncio.wait_for(self.timeline.rate(tag), self.timeout)
        except asyncio.TimeoutError:
            raise Refused(504)
        except (HTTPError, ConnectionRefusedError, ValueError):
            raise Refused(502)
        self.write({"tag": tag, "rate": rate})


def make_app(api, timeout=3.0):
    timeline = Timeline(api)
    return Application(
        [
            (r"/rate", RateHandler, {"timeline": timeline}),
            (r"/both", BothHandler, {"timeline": timeline}),
            (r"/quick", QuickHandler, {"timeline": timeline, "timeout": timeout}),
        ]
    )
