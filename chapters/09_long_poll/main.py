"""Chapter 9, long poll: a book's page that shows how many copies are left, live.

Run it:  make chapter-9    (or: .venv/bin/python chapters/09_long_poll/main.py --port=8000)
Try it:  open http://127.0.0.1:8000/ in two browsers, and add the book to the cart in one
         curl http://127.0.0.1:8000/cart/status           (waits for the next change)
         curl -d action=add http://127.0.0.1:8000/cart    (in another terminal)

inventory.py holds the stock and the wait for its next change, shop.py the page and the cart.
"""

import asyncio
import secrets
import sys
from pathlib import Path

import tornado.web
from tornado.options import define, options, parse_command_line

from inventory import Inventory
from shop import CartHandler, DetailHandler, JSONHandler, NotFoundHandler

HERE = Path(__file__).parent


class StatusHandler(JSONHandler):
    """Responds when the version is not the one that the client knows, or at the deadline."""

    def initialize(self, inventory, deadline):
        self.inventory, self.deadline = inventory, deadline

    async def get(self):
        self.set_header("Cache-Control", "no-store")
        try:
            version = int(self.get_query_argument("version", self.inventory.version))
        except ValueError:
            self.set_status(400)
            self.finish({"error": "the version must be an integer"})
            return
        self.task = asyncio.current_task()
        try:
            async with asyncio.timeout(self.deadline):
                self.write(await self.inventory.newer_than(version))
        except TimeoutError:
            self.set_status(204)  # nothing new: the client asks again
        except asyncio.CancelledError:  # the client has disconnected, or the server stops
            self.detach().close()  # without a response
            raise

    def on_connection_close(self):
        self.task.cancel()  # Tornado does not cancel it: the handler would keep waiting


def make_app(inventory=None, deadline=25):
    inventory = inventory or Inventory()
    app = tornado.web.Application(
        default_handler_class=NotFoundHandler,
        template_path=HERE / "templates",
        cookie_secret=secrets.token_hex(32),
        cross_origin_protection=True,  # a form on another site cannot shop for our visitors
    )
    # Only the names of this machine: a page of evil.example, whose DNS says 127.0.0.1, gets a 404.
    app.add_handlers(
        r"(localhost|127\.0\.0\.1)",
        [
            (r"/", DetailHandler, {"inventory": inventory}),
            (r"/cart", CartHandler, {"inventory": inventory}),
            (r"/cart/status", StatusHandler, {"inventory": inventory, "deadline": deadline}),
        ],
    )
    return app


async def main():
    define("port", default=8000, help="the port to listen on", type=int)
    parse_command_line()
    make_app().listen(options.port, address="127.0.0.1", max_body_size=2**16)
    await asyncio.Event().wait()


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except KeyboardInterrupt:
        pass
    except OSError as error:  # such as a port that is in use
        sys.exit(f"main.py: {error}")
