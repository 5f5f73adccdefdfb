"""Chapter 6, writable dictionary: POST sets the definition of a word. In the notes: 可写字典.

Run it:  python main.py --port=8000 --mongo=mongodb://127.0.0.1:27017/
         (without --mongo, or MONGODB_URI, the words are in memory)
Try it:  curl -i -d definition='a leafy tree' http://localhost:8000/snorkle
         curl http://localhost:8000/snorkle
"""

import asyncio
import os
from contextlib import suppress
from urllib.parse import quote

import tornado.web
from tornado.options import define, options, parse_command_line

from words import Words, connect

FIELDS = {"_id": 0, "word": 1, "definition": 1}  # what a client sees of a document
MAX_BYTES = 1_000_000  # of a definition, in UTF-8


class JSONHandler(tornado.web.RequestHandler):
    """A handler whose errors are JSON, as its answers are."""

    def write_error(self, status_code, **kwargs):
        self.finish({"error": self._reason})


class WordHandler(JSONHandler):
    def initialize(self, words):
        self.words = words

    async def get(self, word):
        document = await self.words.run(lambda words: words.find_one({"word": word}, FIELDS))
        if document is None:
            raise tornado.web.HTTPError(404, reason="word not found")
        self.write(document)

    async def post(self, word):
        definition = self.get_body_argument("definition")  # missing: Tornado answers 400
        if not definition:
            raise tornado.web.HTTPError(400, reason="the definition is blank")
        if len(definition.encode()) > MAX_BYTES:
            raise tornado.web.HTTPError(413, reason="the definition is too large")

        def upsert(words):
            # One operation, so nobody can come between the search and the change.
            change = {"$set": {"definition": definition}}
            return words.update_one({"word": word}, change, upsert=True)

        result = await self.words.run(upsert)
        if result.upserted_id is not None:
            self.set_status(201)
            self.set_header("Location", "/" + quote(word, safe=""))
        self.write({"word": word, "definition": definition})


class NoSuchPath(JSONHandler):
    def prepare(self):
        raise tornado.web.HTTPError(404)


def make_app(collection, **settings):
    return tornado.web.Application(
        [(r"/([^/]+)", WordHandler, {"words": Words(collection)})],
        default_handler_class=NoSuchPath,
        **settings,
    )


async def main():
    define("port", default=8000, help="the port to listen on", type=int)
    define("mongo", default=os.environ.get("MONGODB_URI", ""), help="the URI of a MongoDB server")
    parse_command_line()
    make_app(connect(options.mongo)).listen(options.port, address="127.0.0.1")
    await asyncio.Event().wait()


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        asyncio.run(main())
