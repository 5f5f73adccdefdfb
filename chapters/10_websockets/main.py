"""Chapter 10, WebSockets: the echo, and chapter 9's stock once more, pushed to every open page.

Run it:  make chapter-10    (or: .venv/bin/python chapters/10_websockets/main.py --port=8000)
Try it:  open http://127.0.0.1:8000/ in two browsers, and add the book to the cart in one
         .venv/bin/python -m websockets ws://127.0.0.1:8000/echo

inventory.py and shop.py are those of chapter 9. cluster.py is for several processes (--mongo).
"""

import asyncio
import json
import os
import secrets
import sys
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

import tornado.web
import tornado.websocket
from tornado.options import define, options, parse_command_line
from tornado.websocket import WebSocketClosedError

import cluster
from inventory import Inventory
from shop import CartHandler, DetailHandler, NotFoundHandler

HERE = Path(__file__).parent


class BaseSocketHandler(tornado.websocket.WebSocketHandler):
    """A WebSocket whose client may disconnect at any moment."""

    async def send(self, message):
        with suppress(WebSocketClosedError):
            await self.write_message(message, binary=isinstance(message, bytes))


class EchoHandler(BaseSocketHandler):
    """Sends back what it receives: text as text, bytes as bytes."""

    async def open(self):
        await self.send("connected!")

    async def on_message(self, message):
        await self.send(message)


@lru_cache(maxsize=1)
def encoded(**state):
    """A state as JSON, encoded once for all the clients that it is sent to."""
    return json.dumps(state)


class StatusHandler(BaseSocketHandler):
    """Sends the state when the socket opens, and after every change."""

    def initialize(self, inventory):
        self.inventory = inventory

    def open(self):
        self.task = asyncio.create_task(self.follow())

    async def follow(self):
        version = None
        with suppress(WebSocketClosedError):
            while True:
                state = await self.inventory.newer_than(version)
                version = state["version"]
                # While this waits for a slow client, changes pass: the client skips to the last one.
                await self.write_message(encoded(**state))

    async def on_message(self, message):
        await self.send({"error": "this socket only sends: POST your action to /cart"})

    def on_close(self):
        self.task.cancel()


def make_app(inventory=None, cart_handler=CartHandler, cookie_secret=None):
    inventory = inventory or Inventory()
    app = tornado.web.Application(
        default_handler_class=NotFoundHandler,
        template_path=HERE / "templates",
        cookie_secret=cookie_secret or secrets.token_hex(32),
        cross_origin_protection=True,
        websocket_ping_interval=20,  # seconds; a client that does not answer is disconnected
        websocket_max_message_size=2**20,  # bytes
    )
    app.add_handlers(
        r"(localhost|127\.0\.0\.1)",
        [
            (r"/", DetailHandler, {"inventory": inventory}),
            (r"/cart", cart_handler, {"inventory": inventory}),
            (r"/cart/status", StatusHandler, {"inventory": inventory}),
            (r"/echo", EchoHandler),
        ],
    )
    return app


async def main():
    define("port", default=8000, help="the port to listen on", type=int)
    define("mongo", default=os.environ.get("MONGODB_URI", ""), help="the URI of a MongoDB server")
    parse_command_line()
    shared = await cluster.join(options.mongo) if options.mongo else {}
    make_app(**shared).listen(options.port, address="127.0.0.1", max_body_size=2**16)
    await asyncio.Event().wait()


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except KeyboardInterrupt:
        pass
    except OSError as error:  # such as a port that is in use, or a database that is away
        sys.exit(f"main.py: {error}")
