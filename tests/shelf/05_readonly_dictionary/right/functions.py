"""Functions outside of the handlers make the lookups; the dates are compared by strptime."""

import re
from datetime import datetime

import tornado.web
from tornado.httputil import format_timestamp


async def find_word(words, word):
    """Look at every word: the collection is small."""
    async for document in words.find({}):
        if document["word"].lower() == word.lower():
            return document
    return None


async def find_prefix(words, prefix, limit):
    query = {"word": re.compile("^" + re.escape(prefix))}
    cursor = words.find(query, {"word": True}).sort([("word", 1)]).limit(limit)
    return await cursor.to_list(length=limit)


class WordHandler(tornado.web.RequestHandler):
    def initialize(self, words):
        self.words = words

    async def get(self, word):
        document = await find_word(self.words, word)
        if document is None:
            raise tornado.web.HTTPError(404)
        answer = {key: document[key] for key in ("definition", "word")}
        changed = document.get("changed")
        if changed is None:
            self.finish(answer)
            return
        self.set_header("Last-Modified", format_timestamp(changed))
        try:
            known = datetime.strptime(
                self.request.headers["If-Modified-Since"], "%a, %d %b %Y %H:%M:%S GMT"
            )
        except (KeyError, ValueError):
            known = datetime.min
        if known >= changed.replace(microsecond=0):
            self.set_status(304)
            self.finish()
        else:
            self.finish(answer)


class SearchHandler(WordHandler):
    def limit(self):
        try:
            limit = int(self.get_query_arguments("limit")[0])
        except IndexError:
            return 10
        except ValueError:
            limit = 0
        if limit in range(1, 101):
            return limit
        raise tornado.web.HTTPError(400, "bad limit")

    async def get(self):
        prefix, limit = self.get_query_argument("prefix", strip=False), self.limit()
        found = await find_prefix(self.words, prefix, limit)
        self.write(dict(words=[document["word"] for document in found]))


def make_app(words):
    return tornado.web.Application(
        [
            (r"/word/(?P<word>[^/]+)", WordHandler, dict(words=words)),
            (r"/search", SearchHandler, dict(words=words)),
        ]
    )
