"""The same answers as the chapters', by the least Tornado that gives them: what the chapters are held against.

python bare.py --chapter=5 --mongo=mongodb://127.0.0.1:27017/
"""

import asyncio
import json
from contextlib import suppress
from datetime import UTC, datetime

import pymongo
import tornado.web
import tornado.websocket
from tornado.httpclient import AsyncHTTPClient
from tornado.options import define, options, parse_command_line

FIELDS = {"_id": 0, "word": 1, "definition": 1}
STATE = {"inventoryCount": 10, "version": 0}
SIGN = {
    "greeting": "Welcome",
    "seats": 12,
    "coffee": 2.5,
    "open": True,
    "since": "2011-10-30 00:00:00",
    "pause": "0:30:00",
    "guests": [],
    "tables": [],
}


class Hello(tornado.web.RequestHandler):
    def get(self):
        self.write(f"{self.get_query_argument('greeting')}, friendly user!\n")


class Sign(tornado.web.RequestHandler):
    def get(self):
        self.write(SIGN)


class Square(tornado.web.RequestHandler):
    def get(self):
        self.write({"square": int(self.get_query_argument("number")) ** 2})


class Word(tornado.web.RequestHandler):
    """As the notes do it: the loop waits for the database."""

    def get(self, word):
        self.write(self.settings["words"].find_one({"word": word}, FIELDS))

    def post(self, word):
        definition = self.get_body_argument("definition")
        change = {"$set": {"definition": definition}}
        self.settings["words"].update_one({"word": word}, change, upsert=True)
        self.write({"word": word, "definition": definition})


class AsyncWord(tornado.web.RequestHandler):
    """The driver's own asynchronous client, in place of threads."""

    async def get(self, word):
        self.write(await self.settings["words"].find_one({"word": word}, FIELDS))


class Rate(tornado.web.RequestHandler):
    async def get(self):
        tag = self.get_query_argument("q")
        url = f"{options.api}/api/v1/timelines/tag/{tag}?limit=40"
        response = await self.settings["client"].fetch(url)
        times = [datetime.fromisoformat(p["created_at"]) for p in json.loads(response.body)]
        rate = len(times) / (datetime.now(UTC) - min(times)).total_seconds()
        self.write(f"<!doctype html><title>{tag}</title><p>{rate:.2f} posts per second</p>\n")


class State(tornado.web.RequestHandler):
    def get(self):
        self.write(STATE)


class Cart(tornado.web.RequestHandler):
    def post(self):
        self.get_argument("action")
        self.write(STATE)


class Echo(tornado.websocket.WebSocketHandler):
    def on_message(self, message):
        self.write_message(message)


def words():
    """The collection of words, as its handler wants it, and the handler."""
    if options.driver == "async":
        client, handler = pymongo.AsyncMongoClient(options.mongo), AsyncWord
    else:
        client, handler = pymongo.MongoClient(options.mongo), Word
    return client.get_default_database("example").words, handler


async def main():
    define("port", type=int)
    define("chapter", type=int)
    define("mongo", default="")
    define("driver", default="sync", help="or async")
    define("api", default="")
    parse_command_line()
    routes = {
        1: [("/", Hello)],
        2: [("/", Sign)],
        3: [("/square", Square)],
        7: [("/async", Rate)],
        8: [("/await", Rate)],
        9: [("/cart/status", State), ("/cart", Cart)],
        10: [("/echo", Echo)],
    }
    settings = {"client": AsyncHTTPClient(force_instance=True, max_clients=1000)}
    if options.chapter in (5, 6):
        settings["words"], handler = words()
        routes[options.chapter] = [("/([^/]+)", handler)]
    app = tornado.web.Application(routes[options.chapter], **settings)
    app.listen(options.port, address="127.0.0.1")
    await asyncio.Event().wait()


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        asyncio.run(main())
