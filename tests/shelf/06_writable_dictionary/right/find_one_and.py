"""find_one_and_delete and find_one_and_update; a list of entries that are joined with the definition."""

import json

import tornado.web
from pymongo import ReturnDocument
from tornado.web import HTTPError


class Handler(tornado.web.RequestHandler):
    @property
    def words(self):
        return self.settings["words"]

    async def store(self, word, change):
        before = await self.words.find_one_and_update(
            {"word": word},
            change,
            upsert=True,
            return_document=ReturnDocument.BEFORE,
        )
        self.set_status(201 if before is None else 200)


class WordHandler(Handler):
    async def get(self, word):
        found = await self.words.find_one({"word": word})
        if not found:
            raise HTTPError(404)
        self.write({"word": word, "definition": found["definition"]})

    async def post(self, word):
        definition = self.get_argument("definition")
        if not definition.strip():
            raise HTTPError(400)
        await self.store(
            word,
            {"$push": {"history": {"$each": [definition]}}, "$set": {"definition": definition}},
        )
        self.write({"word": word, "definition": definition})

    async def put(self, word):
        try:
            body = json.loads(self.request.body.decode("utf-8"))
        except ValueError:
            raise HTTPError(400, reason="no JSON") from None
        if not isinstance(body, dict) or not isinstance(body.get("definition"), str):
            raise HTTPError(400, reason="no definition")
        if body["definition"].isspace() or not body["definition"]:
            raise HTTPError(400, reason="a blank definition")
        await self.store(word, {"$set": {"definition": body["definition"]}})
        self.write({"word": word, "definition": body["definition"]})

    async def delete(self, word):
        found = await self.words.find_one_and_delete({"word": word})
        if found is None:
            self.send_error(404)
        else:
            self.set_status(204)
            self.finish()


class HistoryHandler(Handler):
    async def get(self, word):
        found = await self.words.find_one({"word": word})
        if found is None:
            self.set_status(404)
            self.write({"error": "no such word"})
            return
        self.write({"word": found["word"], "history": list(found.get("history") or ())})


def make_app(words):
    return tornado.web.Application(
        [("/([^/]+)/history", HistoryHandler), ("/([^/]+)", WordHandler)], words=words
    )
