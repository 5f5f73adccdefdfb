"""Chapter 5, readonly dictionary: ask for a word, get its definition as JSON. In the notes: 只读字典.

Run it:  make chapter-5    (or: .venv/bin/python chapters/05_readonly_dictionary/main.py --port=8000)
Try it:  curl http://127.0.0.1:8000/perturb
         curl -i http://127.0.0.1:8000/snorkle

The words are in memory. --mongo=mongodb://127.0.0.1:27017/ or MONGODB_URI names a MongoDB server instead.
"""

import asyncio
import json
import os
import sys

import tornado.httputil
import tornado.web
from pymongo.errors import PyMongoError
from tornado.options import define, options, parse_command_line

from words import connect, prepare

FIELDS = {"_id": 0, "word": 1, "definition": 1}  # what a client sees of a document


class JSONHandler(tornado.web.RequestHandler):
    """A handler whose responses are JSON, errors included."""

    def write(self, chunk):
        if isinstance(chunk, dict):  # Tornado's own JSON shows 中文 as \u4e2d\u6587
            self.set_header("Content-Type", "application/json; charset=utf-8")
            chunk = json.dumps(chunk, ensure_ascii=False)
        super().write(chunk)

    def write_error(self, status_code, **kwargs):
        if status_code == 405:  # HTTP requires this header, and Tornado leaves it out
            self.set_header("Allow", ", ".join(self.allowed_methods()))
        self.finish({"error": tornado.httputil.responses.get(status_code, "Unknown")})

    def allowed_methods(self):
        """The methods that this class defines, such as ["GET", "POST"]."""
        default = tornado.web.RequestHandler
        return [
            method
            for method in self.SUPPORTED_METHODS
            if getattr(type(self), method.lower()) is not getattr(default, method.lower())
        ]


class NotFoundHandler(JSONHandler):
    def prepare(self):
        raise tornado.web.HTTPError(404)


class WordHandler(JSONHandler):
    def initialize(self, words, ready):
        self.words = words
        self.ready = ready

    def prepare(self):
        if not self.ready.is_set():  # the collection has no unique index yet
            raise tornado.web.HTTPError(503)

    async def get(self, word):
        try:
            document = await self.words.find_one({"word": word}, FIELDS)
        except PyMongoError as error:
            raise tornado.web.HTTPError(503, "%.70s", error) from error
        if document is None:
            self.set_status(404)
            document = {"error": "word not found"}
        self.write(document)


def make_app(words, ready, **settings):
    return tornado.web.Application(
        # Not \w+, which refuses `ice-cream` and `中文`: here the path is percent-encoded.
        [(r"/([^/]+)", WordHandler, {"words": words, "ready": ready})],
        default_handler_class=NotFoundHandler,
        **settings,
    )


async def main():
    define("port", default=8000, help="the port to listen on", type=int)
    define("mongo", default=os.environ.get("MONGODB_URI", ""), help="the URI of a MongoDB server")
    define("debug", default=False, help="restart when a file is saved", type=bool)
    parse_command_line()
    async with connect(options.mongo) as words:
        ready = asyncio.Event()
        app = make_app(words, ready, debug=options.debug)
        app.listen(options.port, address="127.0.0.1")
        await asyncio.gather(prepare(words, ready), asyncio.Event().wait())


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except KeyboardInterrupt:
        pass
    except OSError as error:  # such as a port that is in use
        sys.exit(f"main.py: {error}")
