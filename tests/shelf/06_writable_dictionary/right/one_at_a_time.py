"""One lock for all that writes, and one thread: then to look first and write afterwards is right, in one process."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

from tornado.escape import json_decode
from tornado.web import Application, HTTPError, RequestHandler


class Words:
    def __init__(self, collection):
        self.collection = collection
        self.lock = asyncio.Lock()
        self.thread = ThreadPoolExecutor(1)

    async def ask(self, name, *args):
        method = getattr(self.collection, name)
        return await asyncio.get_running_loop().run_in_executor(self.thread, method, *args)

    async def find(self, word):
        return await self.ask("find_one", {"word": word})

    async def put(self, word, definition, remember=False):
        """Returns whether the word is new."""
        async with self.lock:
            found = await self.find(word)
            if found is None:
                document = {"word": word, "definition": definition}
                document["history"] = [definition] if remember else []
                await self.ask("insert_one", document)
                return True
            change = {"definition": definition}
            if remember:
                change["history"] = [*found.get("history", []), definition]
            await self.ask("update_one", {"word": word}, {"$set": change})
            return False

    async def remove(self, word):
        async with self.lock:
            if await self.find(word) is None:
                raise HTTPError(404)
            await self.ask("delete_many", {"word": word})


class WordHandler(RequestHandler):
    def initialize(self, words):
        self.words = words

    async def get(self, word):
        document = await self.words.find(word) or self.send_error(404)
        if document:
            self.write({name: document[name] for name in ("word", "definition")})

    async def post(self, word):
        definition = self.get_body_argument("definition")
        if not definition:
            raise HTTPError(400)
        new = await self.words.put(word, definition, remember=True)
        self.set_status(201 if new else 200)
        self.write({"word": word, "definition": definition})

    async def put(self, word):
        try:
            definition = json_decode(self.request.body).get("definition")
            assert isinstance(definition, str) and definition.strip()
        except (ValueError, AttributeError, AssertionError):
            raise HTTPError(400)
        self.set_status(201 if await self.words.put(word, definition) else 200)
        self.write({"word": word, "definition": definition})

    async def delete(self, word):
        await self.words.remove(word)
        self.set_status(204)


class HistoryHandler(RequestHandler):
    def initialize(self, words):
        self.words = words

    async def get(self, word):
        document = await self.words.find(word)
        if document is None:
            raise HTTPError(404)
        self.write({"word": word, "history": document.get("history", [])})


def make_app(words):
    words.create_index("word", unique=True)
    shared = {"words": Words(words)}
    return Application(
        [(r"/([^/]+)", WordHandler, shared), (r"/([^/]+)/history", HistoryHandler, shared)]
    )
