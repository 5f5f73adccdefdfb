"""Chapter 6, exercise: delete a word, put a word, and keep the definitions that it had.

GET and POST are the methods of chapter 6. The service may run in several processes on one database, so requests of other
clients can come between any two operations of a handler: make each change in one operation of the database.

Task 1  DELETE /WORD removes the word.
        - The response is 204, without a body.
        - A word that is not in the collection is 404.
        - If two clients delete the same word at the same time, one gets 204 and the other 404.
Task 2  PUT /WORD with the JSON body {"definition": "..."} sets the definition.
        - The response is 201 if the request created the word, and 200 if the word existed, even with the same definition.
        - The body of the response is {"word": "...", "definition": "..."}.
        - Other fields of the document stay as they are.
        - The body of the request must be a JSON object with a string "definition" that has more than white space in it.
          Any other body is 400 and changes nothing.
Task 3  GET /WORD/history lists every definition that a POST gave the word.
        - The response is 200 and {"word": "...", "history": [...]}, with the oldest definition first.
        - A word that no POST has changed has an empty history. A word that is not in the collection is 404.
        - If several clients post at the same time, the history has all their definitions, and its last one is the
          definition that GET /WORD returns.

Run it:    make run-6
Check it:  make check-6
"""

import asyncio
import json
import sys

import mongomock
import tornado.web
from tornado.options import define, options, parse_command_line

from memory import AsyncCollection
from samples import WORDS


class WordHandler(tornado.web.RequestHandler):
    def initialize(self, words):
        self.words = words

    async def get(self, word):
        fields = {"_id": 0, "word": 1, "definition": 1}
        document = await self.words.find_one({"word": word}, fields)
        if document is None:
            self.set_status(404)
            document = {"error": "word not found"}
        self.write(document)

    async def post(self, word):
        definition = self.get_body_argument("definition")
        if not definition:
            raise tornado.web.HTTPError(400, "the definition is empty")
        # TODO task 3: in the same operation, append the definition to a history.
        change = {"$set": {"definition": definition}}
        result = await self.words.update_one({"word": word}, change, upsert=True)
        self.set_status(200 if result.upserted_id is None else 201)
        self.write({"word": word, "definition": definition})

    async def put(self, word):
        # TODO task 2: read the definition from the JSON body and set it.
        raise tornado.web.HTTPError(501)

    async def delete(self, word):
        # TODO task 1: remove the word and respond with 204 or 404.
        raise tornado.web.HTTPError(501)


class HistoryHandler(tornado.web.RequestHandler):
    def initialize(self, words):
        self.words = words

    async def get(self, word):
        # TODO task 3: send the history of the word.
        raise tornado.web.HTTPError(501)


def make_app(words):
    return tornado.web.Application(
        [
            (r"/([^/]+)", WordHandler, {"words": words}),
            (r"/([^/]+)/history", HistoryHandler, {"words": words}),
        ]
    )


async def main():
    define("port", default=8000, help="the port to listen on", type=int)
    parse_command_line()
    # pymongo.AsyncMongoClient("mongodb://127.0.0.1:27017").example.words is used in the same way.
    words = AsyncCollection(mongomock.MongoClient().example.words)
    await words.create_index("word", unique=True)
    await words.insert_many(WORDS)
    make_app(words).listen(options.port, address="127.0.0.1", max_body_size=1_000_000)
    await asyncio.Event().wait()


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except KeyboardInterrupt:
        pass
    except OSError as error:  # such as a port that is in use
        sys.exit(f"exercise.py: {error}")
