"""Chapter 1, hello: the smallest Tornado application. In the notes: 最简单的应用.

Run it:  python main.py --port=8000
Try it:  curl 'http://localhost:8000/?greeting=Salutations'
"""

import asyncio
from contextlib import suppress

import tornado.web
from tornado.options import define, options, parse_command_line


class IndexHandler(tornado.web.RequestHandler):
    def get(self):
        greeting = self.get_query_argument("greeting", "Hello")
        # The greeting comes from outside: sent as plain text, no browser runs it as HTML.
        self.set_header("Content-Type", "text/plain; charset=UTF-8")
        self.write(f"{greeting}, friendly user!\n")


def make_app(**settings):
    return tornado.web.Application([(r"/", IndexHandler)], **settings)


async def main():
    define("port", default=8000, help="the port to listen on", type=int)
    define("debug", default=False, help="start again at every save, show tracebacks", type=bool)
    parse_command_line()
    make_app(debug=options.debug).listen(options.port, address="127.0.0.1")
    await asyncio.Event().wait()


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        asyncio.run(main())
