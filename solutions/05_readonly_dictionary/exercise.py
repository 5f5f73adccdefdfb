"""Chapter 5, exercise: find words in three other ways.

Each document of the collection `words` has a string "word" and a string "definition". Some documents also have a datetime
"changed", and other fields. While one request waits for the database, all other requests must go on.

Task 1  GET /word/WORD finds a word and ignores the case of its letters.
        - /word/CAT finds "cat", and /word/ajax finds "Ajax".
        - The response is 200 and {"word": "Ajax", "definition": "..."}, with the word as it is stored.
        - A word that is not in the collection is 404.
        - WORD is a plain string, not a regular expression: /word/c.t does not find "cat".
Task 2  GET /search?prefix=PREFIX&limit=LIMIT lists the words that begin with exactly PREFIX.
        - The response is 200 and {"words": [...]}: sorted, and at most LIMIT words.
        - LIMIT is 10 if it is missing.
        - A missing PREFIX is 400. A LIMIT that is not a whole number from 1 to 100 is 400.
        - PREFIX is a plain string, as in task 1.
Task 3  GET /word/WORD tells the client when the document was changed.
        - If the document has "changed", the response has the header Last-Modified.
        - If the request has the header If-Modified-Since, and its date is not earlier than "changed", the response is 304.
        - A date that cannot be parsed is ignored.
        - If the document has no "changed", the response has no Last-Modified, and its status is 200.

Run it:    make run-5
Check it:  make check-5
"""

import asyncio
import re
import sys
from datetime import UTC
from email.utils import parsedate_to_datetime

import mongomock
import tornado.web
from tornado.options import define, options, parse_command_line

from memory import AsyncCollection
from samples import WORDS

FIELDS = {"_id": 0, "word": 1, "definition": 1, "changed": 1}


class WordHandler(tornado.web.RequestHandler):
    def initialize(self, words):
        self.words = words

    async def get(self, word):
        pattern = f"^{re.escape(word)}$"
        document = None
        if is_allowed(pattern):
            same = {"$regex": pattern, "$options": "i"}
            document = await self.words.find_one({"word": same}, FIELDS)
        if document is None:
            self.set_status(404)
            self.write({"error": "word not found"})
            return
        if changed := document.pop("changed", None):
            self.set_header("Last-Modified", changed)
            if self.is_current(changed):
                self.set_status(304)
                return
        self.write(document)

    def is_current(self, changed):
        """Whether the client has the current version. HTTP dates have whole seconds only."""
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
            raise tornado.web.HTTPError(400, "limit is not a number") from None
        if not 1 <= limit <= 100:
            raise tornado.web.HTTPError(400, "limit is not from 1 to 100")
        pattern = "^" + re.escape(prefix)
        found = []
        if is_allowed(pattern):
            cursor = self.words.find({"word": {"$regex": pattern}}, FIELDS)
            found = await cursor.sort("word").limit(limit).to_list()
        self.write({"words": [document["word"] for document in found]})


def is_allowed(pattern):
    """Whether MongoDB accepts a regular expression: one without NUL that is not too long."""
    return "\0" not in pattern and len(pattern) <= 32_000


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
    # pymongo.AsyncMongoClient("mongodb://127.0.0.1:27017").example.words is used in the same way.
    words = AsyncCollection(mongomock.MongoClient().example.words)
    await words.insert_many(WORDS)
    make_app(words).listen(options.port, address="127.0.0.1")
    await asyncio.Event().wait()


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except KeyboardInterrupt:
        pass
    except OSError as error:  # such as a port that is in use
        sys.exit(f"exercise.py: {error}")
