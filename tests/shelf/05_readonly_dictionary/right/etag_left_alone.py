"""An index of lower-case words made once; a range instead of an expression; write_error as JSON."""

import email.utils
from datetime import UTC

from tornado.web import Application, HTTPError, MissingArgumentError, RequestHandler


class JSONHandler(RequestHandler):
    def initialize(self, store):
        self.store = store

    def write_error(self, status_code, **kwargs):
        self.finish({"error": status_code})


class Store:
    def __init__(self, words):
        self.words = words
        self.stored = None

    async def word(self, asked):
        if self.stored is None:
            everything = await self.words.find().to_list()
            self.stored = {each["word"].casefold(): each["_id"] for each in everything}
        if asked.casefold() in self.stored:
            return await self.words.find_one({"_id": self.stored[asked.casefold()]})

    async def prefixed(self, prefix, limit):
        after = {"word": {"$gte": prefix, "$lt": prefix + chr(0x10FFFF)}}
        return [each["word"] async for each in self.words.find(after).sort("word").limit(limit)]


class WordHandler(JSONHandler):
    async def get(self, word):
        found = await self.store.word(word)
        if not found:
            raise HTTPError(404, reason="Unknown word")
        found.pop("_id")
        found.pop("seen", None)
        if "changed" in found:
            changed = found.pop("changed").replace(tzinfo=UTC)
            self.set_header("Last-Modified", changed)
            if self.knows(changed):
                self.set_status(304)
                await self.finish()
                return
        self.write(found)

    def knows(self, changed):
        text = self.request.headers.get("If-Modified-Since")
        if not text:
            return False
        try:
            date = email.utils.parsedate_to_datetime(text)
            return int(changed.timestamp()) <= date.timestamp()
        except Exception:
            return False


class SearchHandler(JSONHandler):
    async def get(self):
        arguments = self.request.query_arguments
        if "prefix" not in arguments:
            raise MissingArgumentError("prefix")
        prefix = self.decode_argument(arguments["prefix"][-1])
        limit = arguments.get("limit", [b"10"])[-1].decode()
        if not (limit.isdecimal() and len(limit) < 4 and 0 < int(limit) < 101):
            raise HTTPError(400, reason="limit is a number from 1 to 100")
        self.write({"words": await self.store.prefixed(prefix, int(limit))})


def make_app(words):
    store = Store(words)
    return Application(
        [
            (r"/word/([^/]+)", WordHandler, {"store": store}),
            (r"/search", SearchHandler, {"store": store}),
        ]
    )
