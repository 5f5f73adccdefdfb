"""Chapter 5, exercise: find a word in three other ways.

Each document of the collection `words` has a text "word" and a text "definition"; some have a datetime "changed".
No request may stop the others while it waits for the database.

Task 1  GET /word/WORD finds the word, whether its letters are large or small: /word/CAT finds "cat", /word/ajax finds
        "Ajax". It answers {"word": "Ajax", "definition": "..."}, the word as it is stored. A word that is not there is
        404. WORD is text: /word/c.t does not find "cat".
Task 2  GET /search?prefix=PREFIX&limit=LIMIT answers {"words": [...]}: the words that begin with exactly PREFIX, in
        order, at most LIMIT. Without a limit it is 10. A missing prefix is 400, and a limit that is no whole number from
        1 to 100, too. PREFIX is text, as above.
Task 3  GET /word/WORD for a document with "changed" has a header Last-Modified. A request with If-Modified-Since,
        not earlier than that, is answered 304; a date that cannot be read is ignored. Without "changed" nothing of
        this happens.

Run it:    python exercise.py --port=8000
Check it:  make check-5
"""

import asyncio
import re
from contextlib import suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import mongomock
import tornado.web
from tornado.options import define, options, parse_command_line

FIELDS = {"_id": 0, "word": 1, "definition": 1, "changed": 1}


class WordHandler(tornado.web.RequestHandler):
    def initialize(self, words):
        self.words = words

    async def get(self, word):
        same = {"$regex": f"^{re.escape(word)}$", "$options": "i"}
        document = await asyncio.to_thread(self.words.find_one, {"word": same}, FIELDS)
        if document is None:
            raise tornado.web.HTTPError(404, reason="word not found")
        if changed := document.pop("changed", None):
            self.set_header("Last-Modified", changed)
            if self.is_known(changed):
                self.set_status(304)
                return
        self.write(document)

    def is_known(self, changed):
        """Whether the client has what was changed then. HTTP knows whole seconds only."""
        try:
            since = parsedate_to_datetime(self.request.headers.get("If-Modified-Since", ""))
        except (ValueError, OverflowError):
            return False
        return changed.replace(microsecond=0, tzinfo=UTC) <= since.replace(tzinfo=UTC)


class SearchHandler(tornado.web.RequestHandler):
    def initialize(self, words):
        self.words = words

    async def get(self):
        prefix = self.get_query_argument("prefix", strip=False)
        try:
            limit = int(self.get_query_argument("limit", "10"))
        except ValueError:
            raise tornado.web.HTTPError(400, reason="limit must be a number") from None
        if not 1 <= limit <= 100:
            raise tornado.web.HTTPError(400, reason="limit must be from 1 to 100")

        def search():
            found = self.words.find({"word": {"$regex": "^" + re.escape(prefix)}})
            return [document["word"] for document in found.sort("word", 1).limit(limit)]

        self.write({"words": await asyncio.to_thread(search)})


def make_app(words):
    return tornado.web.Application(
        [
            (r"/word/([^/]+)", WordHandler, {"words": words}),
            (r"/search", SearchHandler, {"words": words}),
        ]
    )


async def main():
    define("port", default=8000, help="the port to listen on", type=int)
    parse_command_line()
    words = mongomock.MongoClient().example.words
    words.insert_one({"word": "cat", "definition": "an animal", "changed": datetime(2012, 5, 4)})
    words.insert_one({"word": "Ajax", "definition": "a hero; a way to ask a server"})
    make_app(words).listen(options.port, address="127.0.0.1")
    await asyncio.Event().wait()


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        asyncio.run(main())
