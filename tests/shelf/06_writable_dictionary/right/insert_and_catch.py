"""PUT tries to insert and catches DuplicateKeyError; the definition is the last of the history."""

import json

import pymongo.errors
import tornado.web


class Base(tornado.web.RequestHandler):
    def initialize(self, words):
        self.words = words

    def say(self, word, **more):
        self.set_header("Content-Type", "application/json")
        self.write(json.dumps({"word": word} | more, ensure_ascii=False))

    async def document(self, word):
        found = await self.words.find({"word": word}).limit(1).to_list()
        if found == []:
            raise tornado.web.HTTPError(404, reason="word not found")
        return found[0]


class WordHandler(Base):
    async def get(self, word):
        self.say(word, definition=(await self.document(word))["definition"])

    async def post(self, word):
        definition = self.get_body_argument("definition")
        if definition == "":
            raise tornado.web.HTTPError(400)

        update = {"$set": {"definition": definition}, "$push": {"history": definition}}
        result = await self.words.update_one({"word": word}, update, True)
        self.set_status(201 if result.upserted_id else 200)
        self.say(word, definition=definition)

    def wanted(self):
        try:
            match json.loads(self.request.body):
                case {"definition": str(text)} if text.strip() != "":
                    return text
        except ValueError:
            pass
        raise tornado.web.HTTPError(400, reason="no definition")

    async def put(self, word):
        text = self.wanted()
        new = {"word": word, "definition": text, "history": []}
        try:
            await self.words.insert_one(new)
            self.set_status(201)
        except pymongo.errors.DuplicateKeyError:
            change = {"$set": {"definition": text}}
            await self.words.update_one({"word": word}, change)
        self.say(word, definition=text)

    async def delete(self, word):
        if (await self.words.delete_many({"word": word})).deleted_count == 0:
            raise tornado.web.HTTPError(404)
        await self.finish() if self.set_status(204) else self.set_status(204)


class HistoryHandler(Base):
    async def get(self, word):
        document = await self.document(word)
        self.say(word, history=document["history"] if "history" in document else [])


def make_app(words):
    return tornado.web.Application(
        [
            tornado.web.url(r"/(.+)/history", HistoryHandler, {"words": words}),
            tornado.web.url(r"/([^/]+)", WordHandler, {"words": words}),
        ]
    )
