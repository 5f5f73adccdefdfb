"""The least Tornado that tells all its WebSockets of a change: what chapter 10's inventory is held against."""

import asyncio
from contextlib import suppress

import tornado.web
import tornado.websocket
from tornado.options import define, options, parse_command_line

STATE = {"inventoryCount": 10, "version": 0}
SOCKETS = set()


class StatusHandler(tornado.websocket.WebSocketHandler):
    def open(self):
        SOCKETS.add(self)

    def on_close(self):
        SOCKETS.discard(self)


class CartHandler(tornado.web.RequestHandler):
    def post(self):
        STATE["version"] += 1
        for socket in list(SOCKETS):
            socket.write_message(STATE)  # not awaited: for who reads slowly it is kept in memory
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
