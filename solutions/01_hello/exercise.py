"""Chapter 1, exercise: three handlers that read what a client sends.

Task 1  GET /reverse/WORD answers the word backwards: /reverse/stressed is "desserts". Any word, 中文 too. The answer is
        plain text (Content-Type text/plain): what comes from outside must not become HTML.
Task 2  POST /wrap with a form field "text" answers the text wrapped at a width: no line is longer, and words stay
        whole where they fit (textwrap.fill does that). The field "width" says how wide; without it the width is 40.
        This answer is plain text too.
Task 3  POST /wrap with a width that is no positive whole number ("abc", "0", "-5", "1.5", "") answers 400.

Run it:    python exercise.py --port=8000
Check it:  make check-1
"""

import asyncio
import textwrap
from contextlib import suppress

import tornado.web
from tornado.options import define, options, parse_command_line


class ReverseHandler(tornado.web.RequestHandler):
    def get(self, word):
        self.set_header("Content-Type", "text/plain; charset=UTF-8")
        self.write(word[::-1])


class WrapHandler(tornado.web.RequestHandler):
    def post(self):
        text = self.get_body_argument("text")
        width = self.get_body_argument("width", "40")
        try:
            wrapped = textwrap.fill(text, width=int(width))
        except ValueError as error:
            raise tornado.web.HTTPError(400) from error
        self.set_header("Content-Type", "text/plain; charset=UTF-8")
        self.write(wrapped)


def make_app():
    return tornado.web.Application(
        [
            (r"/reverse/([^/]+)", ReverseHandler),
            (r"/wrap", WrapHandler),
        ]
    )


async def main():
    define("port", default=8000, help="the port to listen on", type=int)
    parse_command_line()
    make_app().listen(options.port, address="127.0.0.1")
    await asyncio.Event().wait()


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        asyncio.run(main())
