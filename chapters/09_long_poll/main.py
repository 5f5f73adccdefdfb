"""Chapter 9, long poll: a book's page that shows how many copies are left, live. In the notes: 使用Tornado进行长轮询.

Run it:  python main.py --port=8000
Try it:  open http://localhost:8000/ in two browsers, and add the book to the cart in one
         curl http://localhost:8000/cart/status           (waits for the next change)
         curl -d action=add http://localhost:8000/cart    (in another terminal)

The stock and the wait for its next change are in inventory.py, the page and the cart in shop.py.
"""

import asyncio
import secrets
from contextlib import suppress
from pathlib import Path

import tornado
from tornado.options import define, options, parse_command_line

from inventory import Inventory
from shop import CartHandler, DetailHandler, ShopHandler

HERE = Path(__file__).parent


class StatusHandler(ShopHandler):
    """Answers when the state is another than the client has seen, or at the deadline."""

    def initialize(self, inventory, deadline):
        self.inventory, self.deadline = inventory, deadline

    def prepare(self):
        seen = self.get_query_argument("version", None)
        try:
            self.seen = None if seen is None else int(seen)
        except ValueError:
            raise tornado.web.HTTPError(400, reason="The version is a whole number") from None

    async def get(self):
        self.set_header("Cache-Control", "no-store")
        self.task = asyncio.current_task()
        now = self.inventory.version
        try:
            async with asyncio.timeout(self.deadline):
                self.write(await self.inventory.newer_than(now if self.seen is None else self.seen))
        except TimeoutError:
            if self.seen is None:
                self.write(self.inventory.state())
            else:
                self.set_status(204)  # nothing new: ask again
        except asyncio.CancelledError:
            pass  # the client has gone, and nobody is left to answer

    def on_connection_close(self):
        self.task.cancel()  # Tornado does not: without it the handler waits on


def make_app(inventory=None, deadline=25):
    inventory = inventory or Inventory()
    return tornado.web.Application(
        [
            (r"/", DetailHandler, {"inventory": inventory}),
            (r"/cart", CartHandler, {"inventory": inventory}),
            (r"/cart/status", StatusHandler, {"inventory": inventory, "deadline": deadline}),
        ],
        template_path=HERE / "templates",
        cookie_secret=secrets.token_hex(32),
        cross_origin_protection=True,  # a form on another site cannot shop for our visitors
    )


async def main():
    define("port", default=8000, type=int, help="listen on this port")
    parse_command_line()
    make_app().listen(options.port, address="127.0.0.1")
    await asyncio.Event().wait()


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        asyncio.run(main())
