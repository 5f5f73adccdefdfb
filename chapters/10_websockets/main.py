"""Chapter 10, WebSockets: the echo, and the live inventory once more, pushed. In the notes: Tornado与WebSockets.

Run it:  python main.py --port=8000
         python main.py --mongo=mongodb://127.0.0.1:27017/    (several processes, one stock: cluster.py)
Try it:  open http://localhost:8000/ in two browsers, and add the book to the cart in one

The stock and the wait for its next change are in inventory.py, the page and the cart in shop.py,
as in chapter 9.
"""

import asyncio
import os
import secrets
from contextlib import suppress
from pathlib import Path

import tornado
import tornado.websocket  # `import tornado` loads most modules when they are used, not this one
from pymongo.errors import PyMongoError
from tornado.options import define, options, parse_command_line
from tornado.websocket import WebSocketClosedError

import cluster
from inventory import Inventory
from shop import CartHandler, DetailHandler

HERE = Path(__file__).parent


class Socket(tornado.websocket.WebSocketHandler):
    """A WebSocket whose client may leave at any moment, which is no error."""

    async def send(self, message):
        # Waits until the message is on its way: who reads slowly is sent less, not kept more for.
        with suppress(WebSocketClosedError):
            await self.write_message(message, binary=isinstance(message, bytes))


class EchoHandler(Socket):
    """Sends back what comes: text as text, bytes as bytes."""

    async def open(self):
        await self.send("connected!")

    async def on_message(self, message):
        await self.send(message)


class StatusHandler(Socket):
    """Tells the count when the socket opens, and after every change."""

    def initialize(self, inventory):
        self.inventory = inventory

    def open(self):
        self.task = asyncio.create_task(self.tell())

    async def tell(self):
        version = None
        while True:
            state = await self.inventory.newer_than(version)
            await self.send(state)
            version = state["version"]

    async def on_message(self, message):
        await self.send({"error": "This socket only tells. POST your action to /cart"})

    def on_close(self):
        self.task.cancel()


def make_app(inventory=None, cookie_secret=None):
    inventory = inventory or Inventory()
    return tornado.web.Application(
        [
            (r"/", DetailHandler, {"inventory": inventory}),
            (r"/cart", CartHandler, {"inventory": inventory}),
            (r"/cart/status", StatusHandler, {"inventory": inventory}),
            (r"/echo", EchoHandler),
        ],
        template_path=HERE / "templates",
        cookie_secret=cookie_secret or secrets.token_hex(32),
        cross_origin_protection=True,
        websocket_ping_interval=20,  # seconds: who does not answer until the next ping is gone
        websocket_max_message_size=2**20,  # bytes
    )


async def main():
    define("port", default=8000, type=int, help="listen on this port")
    define(
        "mongo", default=os.getenv("MONGODB_URI", ""), help="share the stock: a replica set's URI"
    )
    parse_command_line()
    try:
        shared = await cluster.join(options.mongo) if options.mongo else {}
    except PyMongoError as error:
        raise SystemExit(f"Cannot share the stock (--mongo= keeps it here): {error}") from None
    make_app(**shared).listen(options.port, address="127.0.0.1")
    await asyncio.Event().wait()


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        asyncio.run(main())
