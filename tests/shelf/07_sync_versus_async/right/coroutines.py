"""gen.coroutine and yield; a list is yielded; with_timeout; the status instead of an exception."""

import datetime
import json
import urllib.parse

from tornado import gen, httpclient, web


def timeline_url(api, tag):
    return f"{api}/api/v1/timelines/tag/{urllib.parse.quote(tag, safe='')}?limit=40"


def posts_per_second(body):
    now = datetime.datetime.now(datetime.UTC)
    times = [datetime.datetime.fromisoformat(post["created_at"]) for post in json.loads(body)]
    return round(len(times) / max(1.0, (now - min(times, default=now)).total_seconds()), 2)


class Lookup(web.RequestHandler):
    def initialize(self, **settings):
        self.__dict__.update(settings)
        self.client = httpclient.AsyncHTTPClient()

    def lookup(self, tag):
        request = httpclient.HTTPRequest(timeline_url(self.api, tag), request_timeout=60)
        return self.client.fetch(request, raise_error=False)


class Rate(Lookup):
    @gen.coroutine
    def get(self):
        tag = self.get_argument("q")
        response = yield self.lookup(tag)
        self.finish({"tag": tag, "rate": posts_per_second(response.body)})


class Both(Lookup):
    @gen.coroutine
    def get(self):
        responses = yield [self.lookup(tag) for tag in self.get_arguments("q")]
        rates = list(map(posts_per_second, [response.body for response in responses]))
        raise gen.Return(self.finish({"rates": rates}))


class Quick(Lookup):
    @gen.coroutine
    def get(self):
        tag = self.get_argument("q")
        limit = datetime.timedelta(seconds=self.timeout)
        try:
            response = yield gen.with_timeout(limit, self.lookup(tag))
        except gen.TimeoutError:
            raise web.HTTPError(504, reason="The timeline is late")
        except ConnectionError:
            raise web.HTTPError(502, reason="No timeline")
        if response.code != 200:
            raise web.HTTPError(502)
        self.finish({"tag": tag, "rate": posts_per_second(response.body)})


def make_app(api, timeout=3.0):
    settings = dict(api=api, timeout=timeout)
    return web.Application(
        [web.url(rf"/{each.__name__.lower()}", each, settings) for each in (Rate, Both, Quick)]
    )
