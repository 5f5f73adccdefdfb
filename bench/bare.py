"""The responses of the chapters, from the least Tornado that gives them: what the chapters are measured against.

python bare.py --port=8000 --chapter=5 --mongo=mongodb://127.0.0.1:27017/
"""

import asyncio
import json
from datetime import UTC, datetime

import pymongo
import tornado.web
import tornado.websocket
from tornado import gen
from tornado.httpclient import AsyncHTTPClient
from tornado.options import define, options, parse_command_line

FIELDS = {"_id": 0, "word": 1, "definition": 1}
STATE = {"inventoryCount": 10, "version": 0}
WAITING = set()
SIGN = {"greeting": "Welcome", "seats": 12, "coffee": 2.5, "open": True, "guests": [], "tables": []}
SIGN |= {"since": "2011-10-30 00:00:00", "pause": "0:30:00"}


class HelloHandler(tornado.web.RequestHandler):
    def get(self):
        self.write(f"{self.get_query_argument('greeting')}, friendly user!\n")


class SignHandler(tornado.web.RequestHandler):
    def get(self):
        self.write(SIGN)


class SquareHandler(tornado.web.RequestHandler):
    def get(self):
        self.write({"square": int(self.get_query_argument("number")) ** 2})


class WordHandler(tornado.web.RequestHandler):
    """As the notes have it: the loop waits for the database."""

    def get(self, word):
        self.write(self.settings["words"].find_one({"word": word}, FIELDS))

    def post(self, word):
        definition = self.get_body_argument("definition")
        change = {"$set": {"definition": definition}}
        self.settings["words"].update_one({"word": word}, change, upsert=True)
        self.write({"word": word, "definition": definition})


class AsyncWordHandler(tornado.web.RequestHandler):
    async def get(self, word):
        self.write(await self.settings["words"].find_one({"word": word}, FIELDS))


class RateHandler(tornado.web.RequestHandler):
    async def get(self):
        tag = self.get_query_argument("q")
        url = f"{options.api}/api/v1/timelines/tag/{tag}?limit=40"
        response = await self.settings["client"].fetch(url)
        times = [datetime.fromisoformat(p["created_at"]) for p in json.loads(response.body)]
        rate = len(times) / (datetime.now(UTC) - min(times)).total_seconds()
        self.write(f"<!doctype html><title>{tag}</title><p>{rate:.2f} posts per second</p>\n")


class StateHandler(tornado.web.RequestHandler):
    """Long polls, in a loop over a set."""

    async def get(self):
        if int(self.get_query_argument("version")) == STATE["version"]:
            change = asyncio.get_running_loop().create_future()
            WAITING.add(change)
            await change
        self.write(STATE)


class PushHandler(tornado.websocket.WebSocketHandler):
    """WebSockets, in a loop over a set. For a client that reads slowly the messages pile up."""

    def open(self):
        WAITING.add(self)
        self.write_message(STATE)

    def on_close(self):
        WAITING.discard(self)


class CartHandler(tornado.web.RequestHandler):
    def post(self):
        self.get_body_argument("action")
        STATE["version"] += 1
        if options.chapter == 10:
            message = json.dumps(STATE)
            for socket in WAITING:
                socket.write_message(message)
        else:
            for change in WAITING:
                change.set_result(None)
            WAITING.clear()
        self.write(STATE)


class EchoHandler(tornado.websocket.WebSocketHandler):
    def open(self):
        self.write_message("connected!")

    def on_message(self, message):
        self.write_message(message)


def step():
    """The smallest thing to wait for: a Future that has its result in the loop's next iteration."""
    future = asyncio.Future()
    asyncio.get_running_loop().call_soon(future.set_result, None)
    return future


class StepsHandler(tornado.web.RequestHandler):
    def prepare(self):
        self.steps = int(self.get_query_argument("steps"))


class CallbackHandler(StepsHandler):
    def get(self):
        self.answered = asyncio.Future()
        self.next()
        return self.answered

    def next(self, done=None):
        if not self.steps:
            self.write("done\n")
            self.answered.set_result(None)
            return
        self.steps -= 1
        step().add_done_callback(self.next)


class CoroutineHandler(StepsHandler):
    @gen.coroutine
    def get(self):
        for _ in range(self.steps):
            yield step()
        self.write("done\n")


class AwaitHandler(StepsHandler):
    async def get(self):
        for _ in range(self.steps):
            await step()
        self.write("done\n")


ROUTES = {
    1: [("/", HelloHandler)],
    2: [("/", SignHandler)],
    3: [("/square", SquareHandler)],
    5: [("/([^/]+)", WordHandler)],
    6: [("/([^/]+)", WordHandler)],
    7: [("/async", RateHandler)],
    8: [("/await", RateHandler)],
    # Not a chapter: the three styles of chapter 8, each waiting for so many steps in turn.
    0: [("/callback", CallbackHandler), ("/coroutine", CoroutineHandler), ("/await", AwaitHandler)],
    9: [("/cart/status", StateHandler), ("/cart", CartHandler)],
    10: [("/cart/status", PushHandler), ("/cart", CartHandler), ("/echo", EchoHandler)],
}


async def main():
    define("port", type=int)
    define("chapter", type=int)
    define("mongo", default="")
    define("asynchronous", default=False, help="use AsyncMongoClient")
    define("api", default="")
    parse_command_line()
    client = AsyncHTTPClient(force_instance=True, max_clients=1000)
    app = tornado.web.Application(ROUTES[options.chapter], client=client)
    if options.mongo:
        words = pymongo.MongoClient(options.mongo).bare.words
        words.create_index("word", unique=True)
        word = {"word": "perturb", "definition": "Bother, unsettle, modify"}
        words.replace_one({"word": "perturb"}, word, upsert=True)
        app.settings["words"] = words
        if options.asynchronous:
            app.settings["words"] = pymongo.AsyncMongoClient(options.mongo).bare.words
            app.add_handlers(".*", [("/([^/]+)", AsyncWordHandler)])
    app.listen(options.port, address="127.0.0.1")
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
