"""What all handlers of the chapter share: how a lookup begins, and how it ends, well or badly."""

import tornado.web
from tornado.httpclient import HTTPClientError
from tornado.simple_httpclient import HTTPTimeoutError
from tornado.template import Template

from rate import timeline_url

# Refused or cut off; 4xx, 5xx or too slow; no timeline.
FAILURES = (OSError, HTTPClientError, ValueError)
PAGE = Template("<p>{{ tag }}: {{ f'{rate:.2f}' }} posts per second</p>\n")


class LookupHandler(tornado.web.RequestHandler):
    def initialize(self, api, client):
        self.api, self.client = api, client

    def prepare(self):
        self.tag = self.get_query_argument("q", "")
        if not self.tag:
            raise tornado.web.HTTPError(400, reason="No tag: ask with ?q=TAG")

    def fetch(self, tag):
        """Begin to ask for a tag's timeline; returns a Future at once."""
        return self.client.fetch(timeline_url(self.api, tag))

    def show(self, tag, rate):
        self.write(PAGE.generate(tag=tag, rate=rate))

    def fail(self, error):
        self.clear()
        self.set_status(504 if isinstance(error, HTTPTimeoutError) else 502)
        self.set_header("Content-Type", "text/plain; charset=utf-8")
        self.write(f"The timeline failed: {error}\n")
