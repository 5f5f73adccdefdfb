"""The least Tornado that lets clients wait for a change: what chapter 9's inventory is held against."""

import asyncio
from contextlib import suppress

import tornado.web
from tornado.options import define, options, parse_command_line

STATE = {"inventoryCount": 10, "version": 0}
WAITING = set()


class StatusHandler(tornado.web.RequestHandler):
    async def get(self):
        change = asyncio.get_running_loop().create_future()
        WAITING.add(change)
        await change
        self.write(STATE)


class CartHandler(tornado.web.RequestHandler):
    def post(self):
        STATE["version"] += 1
        for change in WAITING:
            change.set_result(None)
        WAITING.clear()
        self.write(STATE)


async def main():
    define("port", type=int)
    parse_command_line()
    app = tornado.web.Application([("/cart/status", StatusHandler), ("/cart", CartHandler)])
    app.listen(options.port, address="127.0.0.1")
    await asyncio.Event().wait()


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        asyncio.run(main())
