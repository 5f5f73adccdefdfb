"""Chapter 6, exercise: remove a word, put a word, and keep what it meant before.

GET and POST are those of chapter 6. No two clients at once may spoil each other's work: each change is one operation of
the database.

Task 1  DELETE /WORD removes the word: 204 and no body. A word that is not there is 404. Of two clients that delete the
        same word at once, one gets 204, the other 404.
Task 2  PUT /WORD with a JSON body {"definition": "..."} sets the definition: 201 if that makes the word, 200 if the word
        was there, also with this very definition. The answer is {"word": "...", "definition": "..."}. A body that is no
        JSON object with a text "definition" in it that is not blank: 400, and nothing has changed.
Task 3  GET /WORD/history answers {"word": "...", "history": [...]}: every definition that a POST gave the word, the
        oldest first. When several clients post at once, none of theirs is lost, and the last one of the history is the
        definition that GET /WORD answers. A word that is not there is 404.

Run it:    python exercise.py --port=8000
Check it:  make check-6
"""

import asyncio
import json
from contextlib import suppress

import mongomock
import tornado.web
from tornado.options import define, options, parse_command_line


class JSONHandler(tornado.web.RequestHandler):
    def initialize(self, words):
        self.words = words

    def write_error(self, status_code, **kwargs):
        self.finish({"error": self._reason})


class WordHandler(JSONHandler):
    async def get(self, word):
        fields = {"_id": 0, "word": 1, "definition": 1}
        document = await asyncio.to_thread(self.words.find_one, {"word": word}, fields)
        if document is None:
            raise tornado.web.HTTPError(404, reason="word not found")
        self.write(document)

    async def post(self, word):
        definition = self.get_body_argument("definition")
        if not definition:
            raise tornado.web.HTTPError(400, reason="the definition is blank")
        change = {"$set": {"definition": definition}, "$push": {"history": definition}}
        result = await asyncio.to_thread(self.words.update_one, {"word": word}, change, upsert=True)
        self.set_status(200 if result.upserted_id is None else 201)
        self.write({"word": word, "definition": definition})

    async def put(self, word):
        try:
            definition = json.loads(self.request.body)["definition"]
            definition.encode()  # half of a surrogate pair is no text
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            raise tornado.web.HTTPError(400, reason="no JSON with a definition") from None
        if not definition.strip():
            raise tornado.web.HTTPError(400, reason="the definition is blank")
        change = {"$set": {"definition": definition}}
        result = await asyncio.to_thread(self.words.update_one, {"word": word}, change, upsert=True)
        self.set_status(200 if result.upserted_id is None else 201)
        self.write({"word": word, "definition": definition})

    async def delete(self, word):
        result = await asyncio.to_thread(self.words.delete_one, {"word": word})
        if not result.deleted_count:
            raise tornado.web.HTTPError(404, reason="word not found")
        self.set_status(204)


class HistoryHandler(JSONHandler):
    async def get(self, word):
        fields = {"_id": 0, "word": 1, "history": 1}
        document = await asyncio.to_thread(self.words.find_one, {"word": word}, fields)
        if document is None:
            raise tornado.web.HTTPError(404, reason="word not found")
        self.write({"word": word, "history": document.get("history", [])})


def make_app(words):
    words.create_index("word", unique=True)
    return tornado.web.Application(
        [
            (r"/([^/]+)", WordHandler, {"words": words}),
            (r"/([^/]+)/history", HistoryHandler, {"words": words}),
        ]
    )


async def main():
    define("port", default=8000, help="the port to listen on", type=int)
    parse_command_line()
    words = mongomock.MongoClient().example.words
    make_app(words).listen(options.port, address="127.0.0.1")
    await asyncio.Event().wait()


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        asyncio.run(main())
