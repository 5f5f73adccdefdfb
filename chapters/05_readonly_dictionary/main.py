"""Chapter 5, readonly dictionary: ask for a word, get JSON. In the notes: 只读字典.

Run it:  python main.py --port=8000 --mongo=mongodb://127.0.0.1:27017/
         (without --mongo, or MONGODB_URI, the words are in memory)
Try it:  curl http://localhost:8000/perturb
         curl -i http://localhost:8000/snorkle
"""

import asyncio
import os
import traceback
from contextlib import suppress

import tornado.web
from tornado.options import define, options, parse_command_line

from words import Words, connect

FIELDS = {"_id": 0, "word": 1, "definition": 1}  # what a client sees of a document


class JSONHandler(tornado.web.RequestHandler):
    """A handler whose errors are JSON, as its answers are."""

    def write_error(self, status_code, **kwargs):
        answer = {"error": self._reason}
        if self.settings.get("serve_traceback"):  # set by debug=True: never for strangers
            answer["traceback"] = traceback.format_exception(*kwargs["exc_info"])
        self.finish(answer)


class WordHandler(JSONHandler):
    def initialize(self, words):
        self.words = words

    async def get(self, word):
        document = await self.words.run(lambda words: words.find_one({"word": word}, FIELDS))
        if document is None:
            raise tornado.web.HTTPError(404, reason="word not found")
        self.write(document)


class NoSuchPath(JSONHandler):
    def prepare(self):
        raise tornado.web.HTTPError(404)


def make_app(collection, **settings):
    return tornado.web.Application(
        # The notes' \w+ would refuse `ice-cream` and `中文`: the path is still encoded here.
        [(r"/([^/]+)", WordHandler, {"words": Words(collection)})],
        default_handler_class=NoSuchPath,
        **settings,
    )


async def main():
    define("port", default=8000, help="the port to listen on", type=int)
    define("mongo", default=os.environ.get("MONGODB_URI", ""), help="the URI of a MongoDB server")
    define("debug", default=False, help="start again at every save, show tracebacks", type=bool)
    parse_command_line()
    app = make_app(connect(options.mongo), debug=options.debug)
    app.listen(options.port, address="127.0.0.1")
    await asyncio.Event().wait()


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        asyncio.run(main())
