"""Chapter 1, hello: the smallest Tornado application.

Run it:  make chapter-1    (or: .venv/bin/python chapters/01_hello/main.py --port=8000)
Try it:  curl 'http://127.0.0.1:8000/?greeting=Salutations'
"""

import asyncio
import sys

import tornado.web
from tornado.options import define, options, parse_command_line


class IndexHandler(tornado.web.RequestHandler):
    def get(self):
        greeting = self.get_query_argument("greeting", "Hello")
        # The greeting comes from the client: a browser does not run plain text as HTML.
        self.set_header("Content-Type", "text/plain; charset=utf-8")
        self.write(f"{greeting}, friendly user!\n")


def make_app(**settings):
    return tornado.web.Application([(r"/", IndexHandler)], **settings)


async def main():
    define("port", default=8000, help="the port to listen on", type=int)
    define("debug", default=False, help="restart after each save, show tracebacks", type=bool)
    parse_command_line()
    make_app(debug=options.debug).listen(options.port, address="127.0.0.1")
    await asyncio.Event().wait()


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except KeyboardInterrupt:
        pass
    except OSError as error:  # such as a port that is in use
        sys.exit(f"main.py: {error}")
